"""Photographs of mannequins."""

import shutil

import pytest
from PIL import Image

from imagpose.data.images import open_view
from imagpose.data.readers.deepfashion import DeepFashion


@pytest.fixture(scope="module")
def two(mannequin_root) -> Image.Image:
    """Two held-out people in one photograph, the one on the right being larger."""
    index = DeepFashion(mannequin_root)
    names = [name for name in index.splits["test"] if "_1front" in name][:2]
    one, other = (open_view(index.records[name]) for name in names)
    photograph = Image.new("RGB", (240, 200), (237, 237, 237))
    photograph.paste(one.resize((66, 96)), (20, 70))
    photograph.paste(other.resize((132, 192)), (100, 4))
    return photograph


@pytest.fixture
def person(mannequin_root, tmp_path):
    """One held-out person's picture, and where the true pose of it is."""
    index = DeepFashion(mannequin_root)
    name = next(name for name in index.splits["test"] if "_1front" in name)
    shutil.copy(index.records[name].path, tmp_path / "me.jpg")
    return tmp_path / "me.jpg", index.records[name].keypoints_at((64, 44))
