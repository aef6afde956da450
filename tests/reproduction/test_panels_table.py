"""``panels``: what a picture takes on canvases of 2, 4, 6 and 9 panels, and its quality beside the paper's T1."""

import csv

import numpy as np
import pytest
import torch
from PIL import Image

from imagpose.__main__ import main
from imagpose.data.mannequins.folder import MannequinSet, write
from imagpose.data.readers.deepfashion import DeepFashion
from imagpose.errors import InputError
from imagpose.generation.canvases import Canvas, canvases_of_pairs
from imagpose.module import IMAGPose
from imagpose.reproduction import panels
from imagpose.reproduction.chosen import choose
from imagpose.reproduction.filled import CANVASES, EVERY_STEP, PAPERS
from imagpose.reproduction.panels_report import order_of_settings
from imagpose.reproduction.rows import read_row
from imagpose.reproduction.wide import Wide
from tests.reproduction import fabricated

INTERVAL = (500, 1000)
FEW = tuple(way for way in CANVASES if way.key in ("pair", "T1", "nine_poses"))


@pytest.fixture
def small(monkeypatch, unjudged, make_module):
    """Counts the operations of a network like the one that draws, so that these agree."""
    with torch.device("meta"), monkeypatch.context() as patch:
        patch.setattr(IMAGPose, "setup", lambda self, stage: None)  # loads weights, which are nowhere there
        module = make_module()
    monkeypatch.setattr(panels.Wide, "of", lambda name: Wide(name, module, (64, 44)))
    monkeypatch.setattr(panels, "CANVASES", FEW)


@pytest.fixture
def words(mannequin_root, model, student, tmp_path):
    words = ["panels", "--data", str(mannequin_root), "--results", str(tmp_path), "--sources", "2", "--repeats", "1"]
    return [*words, "--model", model, "--distilled", student, "--device", "cpu", "--steps", "2", "--views", "4"]


def test_every_canvas_has_a_name_and_a_label():
    assert len({way.name for way in CANVASES}) == len({way.label for way in CANVASES}) == len(CANVASES) == 9
    assert PAPERS in CANVASES
    assert {way.panels for way in CANVASES} == {2, 4, 6, 9}
    assert not set("/* +") & set("".join(way.name for way in CANVASES))


def test_nine_views_fill_nine_panels(tmp_path):
    root = tmp_path / "nine"
    write(root, MannequinSet(identities=4, views=9, test_identities=2, test_pairs=2, size=(32, 22)))
    pairs = choose(DeepFashion(root), 2, 0, targets=8, further=7)
    assert len(pairs) == len(set(pairs)) == 16
    assert len({source for source, _ in pairs}) == 2
    (tmp_path / "pairs.csv").write_text("from,to\n" + "".join(f"{a},{b}\n" for a, b in pairs))
    found = {
        scenario: [
            canvas.fitted((4,), 9)
            for canvas in canvases_of_pairs(root, tmp_path / "pairs.csv", scenario, sources=8, poses=8)
        ]
        for scenario in ("T3", "IMAGPose*")
    }
    assert [len(canvas.target_poses) for canvas in found["IMAGPose*"]] == [8, 8]
    assert all((canvas.turns, canvas.masked) == (1, 8) for canvas in found["IMAGPose*"])
    assert len(found["T3"]) == 16
    for canvas in found["T3"]:
        assert (canvas.turns, canvas.masked) == (1, 1)
        assert len(set(canvas.sources)) == 8
        assert not set(canvas.sources) & set(canvas.truths)
    with pytest.raises(InputError, match="a source with 9 targets and 8 views more"):
        choose(DeepFashion(root), 2, 0, targets=9, further=8)


@pytest.mark.parametrize(("count", "turns", "masked"), [(2, 8, 8), (4, 3, 9), (6, 2, 10), (9, 1, 8)])
def test_poses_that_find_no_room_are_spread(count, turns, masked):
    canvas = Canvas(("s",), (None,), (None,) * 8, ("o",) * 8, 0, "IMAGPose*", count)
    assert (canvas.turns, canvas.masked) == (turns, masked)
    assert [pose for part in canvas.parts for pose in part] == list(range(8))


@pytest.mark.slow
def test_rows_table_and_figure(words, small, tmp_path):
    assert main(words) == 0
    folder = tmp_path / "panels"
    rows = {path.stem.removesuffix("-seed0"): read_row(path) for path in (folder / "rows").glob("*.json")}
    assert len(rows) == 3 * len(FEW)
    counts = {  # canvases, masked panels and kept images: of people of whom there are three poses
        "pair": (1, 1, 1), "T1": (1, 3, 1), "nine_poses": (1, 8, 3)
    }  # fmt: skip
    for way in FEW:
        plain, guided_less, few = (rows["-".join([way.name, *of])] for of in ([], ["interval"], ["distilled"]))
        for row in (plain, guided_less, few):
            assert row.samples == 6
            assert row.pairs.names == rows["T1"].pairs.names
            found = tuple(row.cost[name] for name in ("canvases", "masked_panels", "kept_images"))
            assert found == counts[way.name]
            assert row.config["measured"] == rows["T1"].config["measured"]
        assert plain.config["guidance_interval"] == list(EVERY_STEP)
        assert guided_less.config["guidance_interval"] == list(INTERVAL)
        # One of two steps is unguided: three predictions are left of four.
        assert few.cost["flops_per_image"] < guided_less.cost["flops_per_image"] < plain.cost["flops_per_image"]
        for row in (plain, guided_less, few):  # what is counted as it is computed, and on the meta device
            assert row.cost["wide_flops_per_image"] == pytest.approx(row.cost["flops_per_image"], rel=1e-3)
    each = {name: row.cost["flops_per_image"] for name, row in rows.items()}
    assert each["nine_poses"] < each["T1"]  # nine panels for three images, and four for one
    assert each["pair"] < each["T1"]

    with open(folder / "table.csv", newline="") as file:
        lines = {(line["row"], line["metric"], line["protocol"]): line for line in csv.DictReader(file)}
    for name in ("pair", "nine_poses-interval"):
        values = [np.array(rows[one].pairs.values["figure/ssim"]) for one in (name, "T1")]
        line = lines[name, "ssim", "figure"]
        assert float(line["minus_T1"]) == pytest.approx((values[0] - values[1]).mean(), abs=1e-6)
        assert float(line["minus_T1_low"]) <= float(line["minus_T1"]) <= float(line["minus_T1_high"])
    assert lines["T1", "ssim", "figure"]["minus_T1"] == ""
    table = (folder / "table.md").read_text()
    assert "trained on canvases of 4 panels: rows of 2 and 9 show what it does untrained" in table
    assert "| 4 | T1 | every step | 1 | 1 |" in table
    assert "| 4 | T1 | 500 ≤ t ≤ 1000 | 1 | 1 |" in table
    assert "| 4 | T1 | distilled, 2 steps | 1 | 1 |" in table
    assert "identity@1" in table
    assert r"\begin{tabular}" in (folder / "table.tex").read_text()
    with Image.open(folder / "figure.png") as drawn:
        assert drawn.width > 1000


def test_the_papers_order_of_settings_is_told_pair_by_pair():
    scores = {"T1": (0.80, 0.20), "T2": (0.79, 0.21), "T3": (0.82, 0.20)}
    rows = {name: fabricated.row(name, *both, noise=0) for name, both in scores.items()}
    (told,) = order_of_settings(rows)
    assert "T2 − T1 -0.0100 [-0.0100, -0.0100], T3 − T2 +0.0300 [+0.0300, +0.0300], T3 − T1 +0.0200" in told
    assert "LPIPS: T2 − T1 +0.0100" in told
    assert order_of_settings({"T1": rows["T1"]}) == []


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--guidance_interval", "0", "1000"], "every step, which has rows of its own"),
        (["--guidance_interval", "900", "500"], "--guidance_interval is"),
        (["--views", "2"], "--views"),
        (["--wide", "nope"], "There is no experiment 'nope'"),
        (["--views", "5"], "a source with 4 targets and 3 views more"),
    ],
)
def test_what_cannot_be_measured_is_one_sentence(words, options, told, capsys):
    width = [] if "--wide" in options else ["--wide", "tiny"]  # which is built in no time
    assert main([*words, *width, *options]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("Error: ")
    assert told in error


def test_the_default_people_have_nine_views_of_their_own():
    request = panels.PanelsRequest()
    assert (panels.NINE_VIEWS.views, request.views, panels.NINE_VIEWS.seed) == (9, 9, 2)
    assert panels.NINE_VIEWS.test_identities >= request.sources
