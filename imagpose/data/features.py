"""The feature cache as training reads it: what the frozen networks say of each training image, computed before.

A folder is named by a fingerprint of networks and preprocessing (:mod:`imagpose.models.fingerprint`), and a shard in
it by the bytes of the images that it holds: what was computed of another weight, size or image has another name and is
never found, and a shard that is there needs no work again.

A shard is a safetensors file of three stacked tensors. Nothing in it is unpickled, its header tells whether it is whole
and of which type and shape, and one image's slice is read by memory map without the rest: training reads at random,
which formats made of tar files or compressed blocks serve badly.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError, safe_open
from torch import Tensor

from imagpose.data.readers.index import ImageRecord
from imagpose.errors import InputError

FOLDER = ".imagpose-cache"  # in the dataset's root, unless data.cache names another place
IMAGES_PER_SHARD = 32  # 100 MB with DINOv2-G in 32 bits: what is computed again after a kill
NAMES = ("mean", "std", "semantic")
TYPES = {"float32": "F32", "float16": "F16", "bfloat16": "BF16"}  # by safetensors' name


class Features(NamedTuple):
    """What the frozen networks say of one image, in the precision of the cache.

    Attributes:
        mean: Mean of the VAE's posterior over the padded image's latents, (c, h, w).
        std: Standard deviation of that posterior, (c, h, w).
        semantic: The encoder's tokens F_H, (n, dim).
    """

    mean: Tensor
    std: Tensor
    semantic: Tensor


@dataclass(frozen=True)
class Shard:
    """Some images and the file of their features, which need not be there yet.

    Attributes:
        records: The images.
        path: The file.
    """

    records: tuple[ImageRecord, ...]
    path: Path


def plan(records: Sequence[ImageRecord], folder: Path) -> list[Shard]:
    """Part images into shards; reads the bytes of every image once, as an epoch without a cache would.

    Args:
        records: The training images, in a fixed order.
        folder: The folder that the shards are in.

    Raises:
        InputError: An image's file cannot be read.
    """
    with ThreadPoolExecutor() as pool:
        digests = list(pool.map(_digest, records))
    shards = []
    for start in range(0, len(records), IMAGES_PER_SHARD):
        part = slice(start, start + IMAGES_PER_SHARD)
        name = hashlib.sha256(b"".join(digests[part])).hexdigest()[:32]
        shards.append(Shard(tuple(records[part]), folder / f"{name}.safetensors"))
    return shards


def _digest(record: ImageRecord) -> bytes:
    try:
        content = record.path.read_bytes()
    except OSError as error:
        raise InputError(f"{record.path} cannot be read ({error.strerror}); restore it.") from error
    # The frame decides whether a picture's borders are cut off.
    return hashlib.sha256(repr(record.frame).encode() + content).digest()


class FeatureCache:
    """The features of all training images.

    Args:
        shards: All of them; their files must be there.
        flips: Whether they hold the mirrored images too.
        dtype: ``float32``, ``float16`` or ``bfloat16``.

    Attributes:
        size: Height and width of the images before padding.

    Raises:
        InputError: A shard is damaged, or is not what its name says.
    """

    def __init__(self, shards: Sequence[Shard], flips: bool, dtype: str) -> None:
        self._places = {
            record.name: (shard.path, i) for shard in shards for i, record in enumerate(shard.records)
        }  # fmt: skip
        self._files: dict[Path, dict[str, Any]] = {}  # opened by each loader process on its own
        kinds = {_check(shard, 2 if flips else 1, TYPES[dtype]) for shard in shards}
        if len(kinds) > 1:
            raise InputError(
                f"{shards[0].path.parent} holds features of images of several sizes; set data.size, to which all are "
                "resized, and run make cache again."
            )
        self.size = kinds.pop()[0]

    def __len__(self) -> int:
        return len(self._places)

    def read(self, record: ImageRecord, mirrored: bool) -> Features:
        """The features of an image, or of its mirror image.

        Raises:
            InputError: The shard was damaged or removed since the cache was opened.
        """
        path, i = self._places[record.name]
        try:
            if path not in self._files:
                file = safe_open(path, framework="pt")
                self._files[path] = {name: file.get_slice(name) for name in NAMES}
            return Features(*(self._files[path][name][i, int(mirrored)] for name in NAMES))
        except (OSError, SafetensorError) as error:
            raise _damaged(path, str(error)) from error


Kind = tuple[tuple[int, int], tuple[tuple[int, ...], ...]]


def _check(shard: Shard, orientations: int, dtype: str) -> Kind:
    """Look at a shard's header; returns the images' size and the shapes of what it holds of each."""
    try:
        with safe_open(shard.path, framework="pt") as file:
            names, about = set(file.keys()), file.metadata() or {}
            slices = [file.get_slice(name) for name in NAMES] if names == set(NAMES) else []
            shapes, types = [tuple(part.get_shape()) for part in slices], {part.get_dtype() for part in slices}
    except (OSError, SafetensorError) as error:
        raise _damaged(shard.path, str(error)) from error
    size = re.fullmatch(r"(\d+)×(\d+)", about.get("size", ""))
    if not slices:
        raise _damaged(shard.path, f"it holds {', '.join(sorted(names)) or 'nothing'}")
    if not size:
        raise _damaged(shard.path, "it does not tell the images' size")
    if types != {dtype}:
        raise _damaged(shard.path, f"it is in {', '.join(sorted(types))} and not in {dtype}")
    wanted = (len(shard.records), orientations)
    if any(shape[:2] != wanted for shape in shapes):
        raise _damaged(shard.path, f"it holds {shapes[0][:2]} and not {wanted} images and orientations")
    return (int(size[1]), int(size[2])), tuple(shape[2:] for shape in shapes)


def _damaged(path: Path, why: str) -> InputError:
    reason = " ".join(why.split())
    return InputError(f"{path} is no whole shard of the feature cache ({reason}); delete it and run make cache again.")
