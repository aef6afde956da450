"""The mannequins, their set in every published layout, and a picture of noise."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from imagpose.data.readers.deepfashion import DeepFashion
from tests.data import layouts


@pytest.fixture(scope="module")
def mannequins(mannequin_root):
    return DeepFashion(mannequin_root)


@pytest.fixture(scope="module")
def exported(mannequins, tmp_path_factory):
    """Each layout's folder, written once."""
    roots = {}
    for export in (*layouts.DEEPFASHION, layouts.market):
        roots[export.__name__] = tmp_path_factory.mktemp(export.__name__)
        export(mannequins, roots[export.__name__])
    return roots


def photo(height=24, width=16) -> Image.Image:
    rng = np.random.default_rng(0)
    return Image.fromarray(rng.integers(0, 256, (3, 2, 3), dtype=np.uint8)).resize((width, height))
