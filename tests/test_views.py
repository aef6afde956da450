"""A dataset's picture is read in one way, by training, test, generation, scoring and on sheets."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import torch
from PIL import Image

from imagpose import ImagposePipeline
from imagpose.__main__ import main
from imagpose.data.body_pose import BodyPose, fit
from imagpose.data.datamodule import PoseDataModule
from imagpose.data.images import open_view, to_tensor
from imagpose.data.readers.deepfashion import DeepFashion
from imagpose.evaluation import gallery
from imagpose.generation.canvases import canvases_of_pairs
from imagpose.generation.command import inputs
from imagpose.output import sheet
from tests.data import layouts

LOW = (256, 256)  # DeepFashion's low-resolution files: white beside the 176 columns of the person
HIGH = (1101, 750)  # its original ones


def dataset(mannequin_root, root, size):
    """The mannequins' dataset with files of another size, and its first test pairs."""
    index = DeepFashion(mannequin_root)
    layouts.originals(index, root)
    for record in DeepFashion(root).records.values():
        with Image.open(record.path) as image:
            person = image.resize((176, 256) if size == LOW else size[::-1], Image.Resampling.BICUBIC)
        picture = Image.new("RGB", size[::-1], "white")
        picture.paste(person, ((size[1] - person.width) // 2, 0))
        record.path.unlink()
        picture.save(record.path, quality=95)
    pairs = root / "some.csv"
    with open(pairs, "w", newline="") as file:
        csv.writer(file).writerows([("from", "to"), *index.pairs("test")[:4]])
    return DeepFashion(root), pairs


@pytest.fixture(scope="module")
def low(mannequin_root, tmp_path_factory):
    return dataset(mannequin_root, tmp_path_factory.mktemp("low"), LOW)


@pytest.fixture
def pipeline(make_module):
    def make(size):
        module = make_module()
        module.image_size = size
        return ImagposePipeline.of_module(module)

    return make


@pytest.mark.parametrize(("files", "size"), [(LOW, (256, 176)), (LOW, (64, 44)), (HIGH, (64, 44))])
def test_networks_are_handed_the_same_tensors(files, size, mannequin_root, tmp_path, pipeline):
    index, pairs = dataset(mannequin_root, tmp_path, files)
    data = PoseDataModule(tmp_path, validation_identities=1, size=size, flips=False, num_workers=0)
    data.setup("fit")

    def generated(listed):
        canvases = list(canvases_of_pairs(tmp_path, listed, "T1"))
        return pipeline(size).prepare(list(zip(*inputs(canvases, size), strict=True)), "T1")[0]

    tested, handed = data.test_dataloader().dataset, generated(pairs)
    for number in range(4):
        for name in ("images", "source", "mask"):
            assert torch.equal(handed[name][number], tested[number][name]), name
        assert torch.allclose(handed["poses"][number], tested[number]["poses"], atol=1e-4)
    # Generation from training's own people, and what training draws of them.
    names = index.splits["train"]
    pairs.write_text("from,to\n" + "".join(f"{name},{names[0]}\n" for name in names))
    sources = {tensor.numpy().tobytes() for tensor in generated(pairs)["source"]}
    trained = [data.train_dataset()[number]["source"] for number in range(6)]
    assert {tensor.numpy().tobytes() for tensor in trained} <= sources
    assert {tensor.shape for tensor in trained} == {(3, *size)}
    if files == LOW and size == (256, 176):
        middle = to_tensor(read_whole(index.records[index.pairs("test")[0][0]]))[:, :, 40:-40]
        assert torch.equal(handed["source"][0], middle)


def read_whole(record):
    with Image.open(record.path) as image:
        return image.convert("RGB")


@pytest.mark.usefixtures("no_networks")
def test_sheets_show_the_person_as_large_as_what_was_generated(low, pipeline, tmp_path, monkeypatch):
    index, pairs = low
    pipeline((64, 44)).save_pretrained(tmp_path / "model")
    shown, lay_out = [], sheet.lay_out

    def record(columns, *args):
        columns = list(columns)
        shown.extend(
            picture.size for name, rows in columns if name in ("source", "truth") for row in rows for picture in row
        )
        return lay_out(columns, *args)

    monkeypatch.setattr(sheet, "lay_out", record)
    monkeypatch.setattr(gallery, "lay_out", record)
    data, made = ["--data", str(index.root), "--pairs", str(pairs)], tmp_path / "made"
    commands = [
        ["generate", *data, "--model", str(tmp_path / "model"), "--steps", "1", "--out", str(made)],
        ["evaluate", *data, "--generated", str(made / "images"), "--protocol", "strict", "--out", str(tmp_path / "e")],
        ["gallery", *data, "--results", f"ours={made / 'images'}", "--out", str(tmp_path / "gallery.png")],
    ]
    for command in commands:
        shown.clear()
        assert main(command) == 0
        assert len(shown) == 8, command[0]
        assert set(shown) == {(176, 256)}, command[0]


@pytest.mark.usefixtures("no_networks")
def test_the_truth_is_perfect_though_its_file_has_white_borders(low, tmp_path):
    index, pairs = low
    for source, target in index.pairs("test")[:4]:
        name = f"{source.removesuffix('.jpg')}_2_{target.removesuffix('.jpg')}_vis.png"
        (tmp_path / "made").mkdir(exist_ok=True)
        open_view(index.records[target]).save(tmp_path / "made" / name)
    words = ["--generated", str(tmp_path / "made"), "--data", str(index.root), "--pairs", str(pairs), "--sheet", "0"]
    assert main(["evaluate", *words, "--out", str(tmp_path / "out"), "--protocol", "all"]) == 0
    scores = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    for name, of in scores.items():
        assert of["ssim_256"]["value"] == pytest.approx(1, abs=1e-6), name
        assert "another shape" not in (of["ssim_256"]["reason"] or "")


def test_a_picture_of_about_the_shape_is_resized_and_its_pose_with_it():
    rng = np.random.default_rng(0)
    picture = Image.fromarray(rng.integers(0, 256, (1101, 750, 3), dtype=np.uint8))
    assert torch.equal(fit(picture, (64, 44)), to_tensor(picture.resize((44, 64), Image.Resampling.BICUBIC)))
    corner = BodyPose((1101, 750), np.array([[-0.5, -0.5], [749.5, 1100.5]] * 9))
    filled = BodyPose((64, 44), np.array([[-0.5, -0.5], [43.5, 63.5]] * 9))
    assert torch.equal(corner.map((64, 44)), filled.map((64, 44)))
    wide = fit(picture.resize((1101, 1101)), (64, 44))  # another shape: as a whole, edges repeated above and below
    assert torch.equal(wide[:, 0], wide[:, 9])
    assert not torch.equal(wide[:, 9], wide[:, 12])
