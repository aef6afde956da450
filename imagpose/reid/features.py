"""Files of features: an ``.npz`` of ``features``, (n, d) numbers, and ``names``, n texts in Market-1501's form."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from imagpose.data.readers.market1501 import Market1501, Sighting
from imagpose.errors import InputError
from imagpose.output.files import regular, whole_file


def save_features(path: Path, features: Tensor, names: Sequence[str]) -> None:
    """Write features and the names of their pictures, whole or not at all.

    Args:
        path: Of an ``.npz``.
        features: (n, d).
        names: n, in Market-1501's form.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as unfinished, open(unfinished, "wb") as file:
        np.savez(file, features=features.cpu().numpy(), names=np.array(names))


def read_features(path: Path) -> tuple[Tensor, list[Sighting]]:
    """The inverse of :func:`save_features`; nothing is unpickled.

    Raises:
        InputError: The file is missing or damaged, holds something else, or a name is none of Market-1501's.
    """
    try:
        with np.load(regular(path), allow_pickle=False) as found:
            features, names = found["features"], found["names"]
        if features.ndim != 2 or not len(features) or not np.issubdtype(features.dtype, np.floating):
            raise ValueError(f"features are {features.dtype} of shape {features.shape}, and not (n, d) numbers")
        if names.shape != (len(features),) or names.dtype.kind != "U":
            raise ValueError(f"names are {names.dtype} of shape {names.shape}, and not {len(features)} texts")
    except (OSError, ValueError, KeyError, AttributeError, TypeError, EOFError, zipfile.BadZipFile) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"{path} is no file of features ({reason[:300]}); save it with numpy.savez(path, features=…, names=…)."
        ) from error
    sightings = [Sighting.parse(name) for name in names.tolist()]
    if None in sightings:
        odd = names.tolist()[sightings.index(None)]
        raise InputError(
            f"{path} names {odd[:100]!r}, which does not say who is seen by which camera; name pictures "
            f"such as {Market1501.example}."
        )
    return torch.from_numpy(features.astype(np.float32)), [one for one in sightings if one is not None]
