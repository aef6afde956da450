"""``guidance``: what is compared, on whom, and what the command leaves."""

import csv

import numpy as np
import pytest
import torch

from imagpose.__main__ import main
from imagpose.data.readers.deepfashion import DeepFashion
from imagpose.reproduction.guidance import SETTINGS, GuidanceRequest, validation_pairs, ways_of
from imagpose.reproduction.rows import read_row
from imagpose.synthesis import Synthesis


@pytest.fixture
def words(mannequin_root, model, tmp_path, unjudged):
    words = ["guidance", "--data", str(mannequin_root), "--results", str(tmp_path), "--sources", "2", "--targets", "1"]
    return [*words, "--model", model, "--device", "cpu", "--steps", "2"]


def test_only_people_kept_for_validation_have_a_say(mannequin_root):
    index = DeepFashion(mannequin_root)
    pairs = validation_pairs(GuidanceRequest(data=mannequin_root, sources=2, targets=3), index)
    assert len(pairs) == len(set(pairs)) == 6
    people = [index.records[name].person for pair in pairs for name in pair]
    kept = list(dict.fromkeys(index.records[name].person for name in index.splits["train"]))[-2:]
    assert set(people) == set(kept)
    assert not {index.records[name].person for name in index.splits["test"]} & set(people)
    assert all(source != target for source, target in pairs)


@pytest.mark.slow
def test_the_guidances_differ_in_what_they_say_and_in_nothing_else(words, monkeypatch, tmp_path):
    drawn = []
    generate = Synthesis.generate

    def watched(self, canvases, noise, scheduler, guidance, *args):
        drawn.append((guidance, noise, canvases["mask"]))
        return generate(self, canvases, noise, scheduler, guidance, *args)

    monkeypatch.setattr(Synthesis, "generate", watched)
    assert main(words) == 0
    ways = ways_of(2, (500, 1000))
    assert len(drawn) == len(ways) == 15
    said = [(g.form, g.scale, g.interval) for g, _, _ in drawn]
    every, late = (0, 1000), (500, 1000)
    guided = [(form, 2.0, when) for form in ("joint", "tokens") for when in (every, late)]
    expected = [*guided, ("joint", 1.0, every)]
    assert [(form, scale, tuple(interval)) for form, scale, interval in said] == [e for e in expected for _ in SETTINGS]
    for number, (_, noise, mask) in enumerate(drawn):
        assert torch.equal(noise, drawn[number % 3][1])
        assert torch.equal(mask, drawn[number % 3][2])

    folder = tmp_path / "guidance"
    rows = {way.name: read_row(folder / "rows" / f"{way.name}-seed0.json") for way in ways}
    pictures = {name: next((folder / "images" / name).glob("*.png")).read_bytes() for name in rows}
    assert len(set(pictures.values())) == 15
    with open(folder / "table.csv", newline="") as file:
        lines = {(line["guidance"], line["setting"], line["metric"]): line for line in csv.DictReader(file)}
    gains = {}
    for setting in SETTINGS:
        values = [np.array(rows[f"{key}-{setting}"].pairs.values["figure/ssim"]) for key in ("interval", "plain")]
        gains[setting] = (values[0] - values[1]).mean()
        line = lines["interval", setting, "ssim"]
        assert float(line["minus_plain"]) == pytest.approx(gains[setting], abs=1e-6)
        assert float(line["value"]) == pytest.approx(values[0].mean(), abs=1e-6)
        assert lines["plain", setting, "ssim"]["minus_plain"] == ""
    together = float(lines["interval", "T1, T2, T3", "ssim"]["minus_plain"])
    assert together == pytest.approx(np.mean(list(gains.values())), abs=1e-6)
    table = (folder / "table.md").read_text()
    assert "validation people" in table
    assert "pattern@1 − plain's" in table

    written = {path: path.stat().st_mtime_ns for path in folder.glob("images/*/*.png")}
    drawn.clear()
    assert main(words) == 0
    assert not drawn  # what is there is not drawn again
    assert {path: path.stat().st_mtime_ns for path in folder.glob("images/*/*.png")} == written
    assert main([*words, "--overwrite"]) == 0
    assert len(drawn) == 15


def test_more_people_than_there_are_is_one_sentence(words, capsys):
    words[words.index("--sources") + 1] = "6"  # and nobody would be left to train on
    assert main(words) == 2
    assert "keeps all of them back" in capsys.readouterr().err
