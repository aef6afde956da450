"""FID's reference: the statistics of a dataset's training images, kept from one evaluation to the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch

from imagpose.evaluation import backbones, fid
from imagpose.evaluation.protocols import Protocol, Size
from imagpose.evaluation.scoring import BATCH, Networks, read_truth
from imagpose.evaluation.truth import Truth


@torch.inference_mode()
def reference_statistics(
    protocols: Sequence[Protocol],
    images: Sequence[Path],
    size: Size,
    networks: Networks,
    device: str,
    advance: Callable[[int], None],
    truth: Truth | None = None,
) -> dict[str, fid.Statistics]:
    """The statistics of a dataset's training images as each protocol sees them, from the cache where they are in it.

    Args:
        protocols: Those whose network is there.
        images: The training images.
        size: To measure at.
        networks: For FID.
        device: To compute on.
        advance: Is told how many images more are done; never where all is in the cache.
        truth: Reads the images; None reads them as they are.
    """
    # Two protocols that prepare the truth alike share their reference.
    kinds = {(p.truth, p.network, p.fid_batch) for p in protocols}
    keys = {
        (prepare, network, batch): fid.reference_key(
            {
                "prepare": prepare.__name__, "network": network, "batch": batch, "size": size,
                "cropped": truth is not None and truth.cropped,
            },
            backbones.EXTRACTORS[network][0].path(), images,
        )
        for prepare, network, batch in kinds
    }  # fmt: skip
    known = {kind: fid.load_statistics(key) for kind, key in keys.items()}
    gathered = {kind: fid.Moments(fid.kept(len(images), kind[2])) for kind in kinds if known[kind] is None}
    if gathered:
        with ThreadPoolExecutor() as pool, torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            for start in range(0, len(images), BATCH):
                batch = images[start : start + BATCH]
                pictures = list(pool.map(lambda path: read_truth(truth, path), batch))
                for (prepare, network, _), moments in gathered.items():
                    frames = np.stack([prepare(picture, size).features for picture in pictures])
                    seen = torch.from_numpy(frames).permute(0, 3, 1, 2).to(device)
                    moments.add(networks.extractors[network](seen).cpu().numpy())
                advance(len(batch))
    for kind, moments in gathered.items():
        known[kind] = moments.statistics()
        fid.save_statistics(keys[kind], moments.statistics())
    statistics = {kind: of_kind for kind, of_kind in known.items() if of_kind is not None}
    return {p.name: statistics[p.truth, p.network, p.fid_batch] for p in protocols}
