"""``speed``: what a picture takes by steps, samplers and scenarios."""

import csv

import pytest
from PIL import Image

from imagpose.__main__ import main
from imagpose.reproduction import speed as module
from imagpose.reproduction.rows import read_row
from imagpose.reproduction.speed import FEW, SWEEP
from imagpose.reproduction.timing import DISTILLED, Way


def test_the_sweep_has_a_name_for_each():
    ways = (*SWEEP, *FEW)
    assert len({way.name for way in ways}) == len({way.label for way in ways}) == len(ways) == 21
    assert module.BASE in SWEEP
    assert not set("/* +") & set("".join(way.name for way in ways))
    assert all(way.sampler == DISTILLED for way in FEW)


@pytest.fixture
def speed(mannequin_root, model, student, tmp_path, monkeypatch, unjudged):
    """The command on a tiny network, with few steps."""
    sweep = (
        Way("DDIM", 2), Way("DDIM", 4), Way("DDIM", 2, "T2"), Way("DDIM", 2, "T3"), Way("DDIM", 2, "IMAGPose*"),
        Way("DPM++ 2M", 2), Way("UniPC", 2), Way("DDIM", 2, guided=False), Way("DDIM", 2, "auto", panels=2),
    )  # fmt: skip
    monkeypatch.setattr(module, "SWEEP", sweep)
    monkeypatch.setattr(module, "BASE", sweep[0])
    monkeypatch.setattr(module, "FEW", (Way(DISTILLED, 2), Way(DISTILLED, 2, "auto", panels=2)))
    words = ["speed", "--data", str(mannequin_root), "--results", str(tmp_path), "--sources", "2", "--repeats", "1"]
    words += ["--model", model, "--distilled", student, "--device", "cpu", "--wide", "tiny"]
    return lambda *more: main([*words, *more])


@pytest.mark.slow
def test_rows_table_and_figure(speed, tmp_path):
    assert speed() == 0
    folder = tmp_path / "speed"
    ways = (*module.SWEEP, *module.FEW)
    rows = {way: read_row(folder / "rows" / f"{way.name}-seed0.json") for way in ways}
    base = rows[module.BASE]
    for way, row in rows.items():
        cost = row.cost
        panels, kept = {"T1": (3, 1), "T2": (1, 1), "T3": (1, 1), "IMAGPose*": (3, 3), "auto": (1, 1)}[way.scenario]
        assert (cost["masked_panels"], cost["kept_images"], cost["batch_size"]) == (panels, kept, 2)
        for unit in ("seconds", "flops"):
            assert cost[f"{unit}_per_canvas"] == pytest.approx(panels * cost[f"{unit}_per_panel"])
            assert cost[f"{unit}_per_canvas"] == pytest.approx(kept * cost[f"{unit}_per_image"])
            assert cost[f"{unit}_per_canvas"] > 0
        assert row.config["measured"] == base.config["measured"]
        assert row.samples == 6
    assert len({row.config["sampler"] for row in rows.values()}) == 4
    flops = {way.label: row.cost["flops_per_canvas"] for way, row in rows.items()}
    # Encoding, conditions and decoding are the same; the steps, each of two predictions, come on top.
    once, step = 2 * flops["DDIM 2, T1"] - flops["DDIM 4, T1"], (flops["DDIM 4, T1"] - flops["DDIM 2, T1"]) / 4
    assert step > 0
    assert flops["DDIM 2, T1 unguided"] == flops["distilled 2, T1"] == pytest.approx(once + 2 * step, rel=1e-6)
    assert flops["DDIM 2, T2"] == flops["DPM++ 2M 2, T1"] == flops["UniPC 2, T1"] == flops["DDIM 2, T1"]
    assert flops["DDIM 2, T2"] < flops["DDIM 2, IMAGPose*"]  # which decodes three
    assert flops["DDIM 2, T2"] < flops["DDIM 2, T3"]  # which encodes three
    assert flops["distilled 2, pair"] < flops["DDIM 2, pair"] < flops["DDIM 2, T1"]
    pictures = {way: next((folder / "images" / way.name).glob("*.png")).read_bytes() for way in ways}
    assert len({pictures[way] for way in module.SWEEP}) == len(module.SWEEP)

    table = (folder / "table.md").read_text()
    assert "| 1.000 |" in table
    assert "| PIDM | not run |" in table
    assert "nearly 8 times faster than PIDM" in table
    assert r"\begin{tabular}" in (folder / "table.tex").read_text()
    with open(folder / "table.csv", newline="") as file:
        lines = list(csv.DictReader(file))
    assert {line["sampler"] for line in lines} == {"DDIM", "DPM++ 2M", "UniPC", "distilled"}
    assert {line["guidance"] for line in lines} == {"1.0", "2.0"}
    with Image.open(folder / "figure.png") as drawn:
        assert drawn.width > 1000

    with open(folder / "counted.csv", newline="") as file:
        counted = {line[""]: line for line in csv.DictReader(file)}
    for label in ("DDIM 2, T1", "DDIM 2, T3", "distilled 2, pair"):  # at tiny's width, which is not this model's
        line = counted[label]
        parts = [float(line[name]) for name in ("conditions", "predictions", "decoding")]
        assert float(line["TFLOP a kept image"]) == pytest.approx(sum(parts), abs=0.02)
    assert counted["PIDM"]["TFLOP a kept image"] == "112"
    with open(folder / "distilled.csv", newline="") as file:
        compared = [(line[""], line["minus"]) for line in csv.DictReader(file)]
    assert compared == [
        ("distilled 2, T1", "DDIM 2, T1"), ("distilled 2, T1", "DDIM 2, T1 unguided"),
        ("distilled 2, pair", "DDIM 2, T1"), ("distilled 2, pair", "DDIM 2, pair"),
    ]  # fmt: skip


@pytest.mark.slow
def test_some_rows_alone(speed, tmp_path):
    assert speed("--rows", "ddim-4-T1") == 0
    rows = {path.stem for path in (tmp_path / "speed" / "rows").glob("*.json")}
    assert rows == {"ddim-2-T1-seed0", "ddim-4-T1-seed0"}


def test_a_row_that_there_is_not(speed, capsys):
    assert speed("--rows", "fast") == 2
    assert "--rows fast is none of the ways" in capsys.readouterr().err


@pytest.mark.slow
def test_pictures_are_made_once_and_times_anew(speed, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SWEEP", module.SWEEP[:1])
    assert speed() == 0
    path = tmp_path / "speed" / "rows" / f"{module.BASE.name}-seed0.json"
    before, pictures = read_row(path), list((tmp_path / "speed" / "images").glob("*/*.png"))
    written = [picture.stat().st_mtime_ns for picture in pictures]
    assert speed() == 0
    after = read_row(path)
    assert [picture.stat().st_mtime_ns for picture in pictures] == written
    assert after.scores == before.scores
    assert after.cost["seconds_per_canvas"] != before.cost["seconds_per_canvas"]
    assert after.cost["flops_per_canvas"] == before.cost["flops_per_canvas"]
