"""Photographs of mannequins, a pipeline, and the command that draws with it."""

import shutil

import pytest
from PIL import Image

from imagpose import ImagposePipeline
from imagpose.__main__ import main
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


@pytest.fixture(scope="module")
def inputs(mannequin_root, tmp_path_factory):
    """Pictures of one person and their pose files, made with the command that users have."""
    folder = tmp_path_factory.mktemp("inputs")
    index = DeepFashion(mannequin_root)
    for number, name in enumerate(index.splits["test"][:4]):
        shutil.copy(index.records[name].path, folder / f"{number}.jpg")
        words = ["pose", "--data", str(mannequin_root), "--image", name, "--out", str(folder / f"{number}.json")]
        assert main(words) == 0
    return folder


@pytest.fixture
def weights(make_module, tmp_path):
    """A pipeline folder of random weights."""
    module = make_module()
    module.image_size = (64, 44)
    ImagposePipeline.of_module(module).save_pretrained(tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def generate(inputs, weights, tmp_path):
    def generate_(*options, sources=(0,), source_poses=None, targets=(1,), out="out"):
        words = ["generate", "--model", str(weights), "--out", str(tmp_path / out), "--steps", "2"]
        for i in sources:
            words += ["--source", str(inputs / f"{i}.jpg")]
        for i in sources if source_poses is None else source_poses:
            words += ["--source-pose", str(inputs / f"{i}.json")]
        for i in targets:
            words += ["--target-pose", str(inputs / f"{i}.json")]
        return main([*words, *options])

    return generate_
