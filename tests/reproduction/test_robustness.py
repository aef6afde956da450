"""``robustness``: which ways are drawn and compared with what, and that the model alone sees what is wrong."""

import csv

import numpy as np
import pytest
import torch
from PIL import Image

from imagpose import ImagposePipeline
from imagpose.__main__ import main
from imagpose.data.mannequins.folder import MannequinSet, write
from imagpose.data.readers.deepfashion import DeepFashion
from imagpose.data.readers.layouts import open_index
from imagpose.generation.command import inputs
from imagpose.generation.pictures import save
from imagpose.reproduction import sweep
from imagpose.reproduction.disturbed import STRENGTHS, TITLES, UNDISTURBED, Disturbed, base_of, ways_of
from imagpose.reproduction.robustness import RobustnessRequest, disturb, kinds_of
from imagpose.reproduction.rows import check_name, read_row
from imagpose.reproduction.trained import Trial
from tests.data.layouts import market


@pytest.fixture
def model(make_module, stir, tmp_path):
    """As the others' model, but one that hears all that it is given, as it has been trained."""
    module = make_module()
    module.image_size = (64, 44)
    stir(module.network)
    with torch.no_grad():
        for parameter in module.network.parameters():
            parameter.mul_(0.3)
    module.ema.reset()
    ImagposePipeline.of_module(module).save_pretrained(tmp_path / "model")
    return str(tmp_path / "model")


@pytest.fixture
def words(mannequin_root, model, tmp_path, unjudged):
    words = ["robustness", "--data", str(mannequin_root), "--results", str(tmp_path), "--sources", "1"]
    return [*words, "--model", model, "--device", "cpu", "--steps", "1"]


def rows_in(folder):
    return {path.stem.removesuffix("-seed0"): read_row(path) for path in (folder / "rows").glob("*.json")}


def test_every_way_has_a_name_a_label_and_what_it_is_compared_with():
    ways = ways_of(STRENGTHS, 20)
    assert len({way.name for way in ways}) == len({way.label for way in ways}) == len(ways) == 15
    assert TITLES.keys() == STRENGTHS.keys()
    for way in ways:
        check_name(way.name, "")
        assert base_of(way) in ways
        assert (base_of(way) == way) == (way.kind == UNDISTURBED)
        assert (way.scenario == "T3") == (way.kind == "disagree" or way.name == "undisturbed-T3")


def test_a_kind_brings_the_setting_that_it_is_compared_with():
    assert [way.name for way in ways_of(["disagree"], 4)] == ["undisturbed-T3", "disagree-1", "disagree-2"]
    assert [way.name for way in ways_of(["busy"], 4)] == ["undisturbed-T1", "busy-sources"]
    assert {way.steps for way in ways_of(STRENGTHS, 4)} == {4}


def test_the_model_is_given_what_the_way_says(mannequin_root, model, tmp_path):
    trial = Trial.of(RobustnessRequest(data=mannequin_root, results=tmp_path, sources=1, model=model), "robustness")
    plain = trial.canvases("T1")

    def given(kind, strength):
        canvases = disturb(trial, Disturbed(kind=kind, strength=strength), plain)
        images, *poses = inputs(canvases, (64, 44))
        points = [np.stack([pose.keypoints for of in side for pose in of]) for side in poses]
        return np.stack([np.asarray(image) for of in images for image in of]), *points

    images, sources, targets = given(UNDISTURBED, "")
    for kind, strength, source_moved, target_moved in (
        ("noise", "10", True, True), ("missing", "50", True, True), ("swapped", "target", False, True),
        ("swapped", "sources", True, False), ("swapped", "both", True, True), ("busy", "sources", False, False),
    ):  # fmt: skip
        seen, of_sources, of_targets = given(kind, strength)
        assert np.array_equal(seen, images) == (kind != "busy")
        assert np.array_equal(of_sources, sources) != source_moved
        assert np.array_equal(of_targets, targets) != target_moved


def test_scores_are_of_the_undisturbed_truth(words, tmp_path, monkeypatch):
    """A model that draws the truth, whatever it is given, is perfect by every row."""

    def draw(pipe, canvases, folder, *args):
        for canvas, record in canvases:
            for name, truth in zip(canvas.outputs, canvas.read_truths(), strict=True):
                save(truth, folder / name, record)

    monkeypatch.setattr(sweep, "draw", draw)
    assert main(words) == 0
    rows = rows_in(tmp_path / "robustness")
    assert rows.keys() == {way.name for way in ways_of(STRENGTHS, 1)}
    for row in rows.values():
        assert row.pairs.values["figure/ssim"] == pytest.approx([1, 1, 1], abs=1e-6)
        assert row.pairs == rows["undisturbed-T1"].pairs
    with open(tmp_path / "robustness" / "table.csv", newline="") as file:
        assert {float(line["minus_undisturbed"] or 0) for line in csv.DictReader(file)} == {0.0}


@pytest.mark.slow
def test_rows_table_figures_and_resuming(words, mannequin_root, model, tmp_path, capsys):
    assert main(words) == 0
    folder = tmp_path / "robustness"
    ways, rows = ways_of(STRENGTHS, 1), rows_in(folder)
    assert rows.keys() == {way.name for way in ways}
    for way in ways:
        row = rows[way.name]
        assert (row.samples, row.config["steps"], row.config["scenario"]) == (3, 1, way.scenario)
        assert row.pairs.names == rows["undisturbed-T1"].pairs.names
    name = next((folder / "images" / "undisturbed-T1").glob("*.png")).name
    pictures = {way.name: np.asarray(Image.open(folder / "images" / way.name / name)).tobytes() for way in ways}
    of_all_pairs = {
        tuple(np.asarray(Image.open(path)).tobytes() for path in sorted((folder / "images" / way.name).glob("*.png")))
        for way in ways
    }  # a picture by itself may be the same in two ways, rounded to 256 values
    assert len(of_all_pairs) == len(ways)

    # Undisturbed is what generate draws of the same list.
    for setting in ("T1", "T3"):
        made = tmp_path / setting
        given = ["--data", str(mannequin_root), "--pairs", str(folder / "pairs.csv"), "--scenario", setting]
        assert main(["generate", *given, "--model", model, "--device", "cpu", "--steps", "1", "--out", str(made)]) == 0
        drawn = np.asarray(Image.open(made / "images" / name))
        assert drawn.tobytes() == pictures[f"undisturbed-{setting}"]

    with open(folder / "table.csv", newline="") as file:
        lines = {(line["row"], line["protocol"], line["metric"]): line for line in csv.DictReader(file)}
    for one, base in (("noise-10", "undisturbed-T1"), ("disagree-2", "undisturbed-T3")):
        values = [np.array(rows[row].pairs.values["figure/ssim"]) for row in (one, base)]
        line = lines[one, "figure", "ssim"]
        assert float(line["minus_undisturbed"]) == pytest.approx((values[0] - values[1]).mean(), abs=1e-6)
        assert lines[base, "figure", "ssim"]["minus_undisturbed"] == ""
    table = (folder / "table.md").read_text()
    assert "in this model's 64 it is σ × 0.25" in table
    assert "| keypoint noise | σ 10 px | T1 |" in table
    assert "| sources that disagree | 2 of 3 sources | T3 |" in table
    assert r"\begin{tabular}" in (folder / "table.tex").read_text()
    for kind in STRENGTHS:
        with Image.open(folder / f"{kind}.png") as drawn:
            assert drawn.width > 500

    written = {path: path.stat().st_mtime_ns for path in folder.glob("images/*/*.png")}
    gone = folder / "images" / "noise-5" / name
    with Image.open(gone) as before:
        record = before.text["imagpose"]
    gone.unlink()
    assert main([*words, "--kinds", "noise", "busy"]) == 0  # as after an interruption
    with Image.open(gone) as after:
        assert after.text["imagpose"] == record  # with the digest of the poses
        drawn = np.asarray(after).astype(int)
    assert np.abs(drawn.ravel() - np.frombuffer(pictures["noise-5"], np.uint8)).max() <= 1  # in a batch of one
    assert {path for path, time in written.items() if path.stat().st_mtime_ns != time} == {gone}
    table = (folder / "table.md").read_text()
    assert "busy backgrounds" in table
    assert "disagree" not in table
    capsys.readouterr()
    assert main([*words, "--kinds", "noise", "--steps", "2"]) == 2
    assert "was made with steps 1, and it is 2 now; add --overwrite" in capsys.readouterr().err


def test_a_distilled_model_takes_its_own_few_steps(mannequin_root, student, tmp_path):
    request = RobustnessRequest(data=mannequin_root, results=tmp_path, sources=1, model=student)
    trial = Trial.of(request, "robustness")
    assert (trial.model.steps, trial.model.scale) == (2, 1)
    made = sweep._settings(trial, ways_of(["noise"], trial.model.steps)[1])
    assert {**made, "sampler": ""} == {**trial.settings("T1", None, None), "sampler": ""}


@pytest.mark.parametrize("data", ["photographs", "busy mannequins"])
def test_sources_are_drawn_again_only_before_plain_backgrounds(words, mannequin_root, tmp_path, capsys, data):
    root = tmp_path / "data"
    if data == "photographs":
        market(DeepFashion(mannequin_root), root)
    else:
        write(root, MannequinSet(identities=3, views=4, test_identities=2, size=(32, 22), busy_backgrounds=True))
    request = RobustnessRequest(data=root)
    assert kinds_of(request, open_index(root)) == ["noise", "missing", "swapped", "disagree"]
    words[words.index("--data") + 1] = str(root)
    assert main([*words, "--kinds", "noise", "busy"]) == 2
    assert "--kinds busy draws the sources again" in capsys.readouterr().err
