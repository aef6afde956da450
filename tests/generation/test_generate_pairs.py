"""``generate --pairs``: a list of pairs, in every setting, interrupted and resumed."""

import csv
import shutil

import numpy as np
import pytest
from PIL import Image

from imagpose import ImagposePipeline
from imagpose.__main__ import main
from imagpose.data.readers.deepfashion import DeepFashion
from imagpose.generation.canvases import canvases_of_pairs


def test_a_list_of_pairs_resumes_where_it_stopped(mannequin_root, weights, tmp_path, capsys):
    pairs = tmp_path / "pairs.csv"
    with open(mannequin_root / "fashion-pairs-test.csv") as file:
        rows = [row for row in csv.reader(file)][:6]
    pairs.write_text("\n".join(",".join(row) for row in rows) + "\n")
    words = ["generate", "--data", str(mannequin_root), "--pairs", str(pairs), "--model", str(weights), "--steps", "2"]
    words += ["--batch-size", "2", "--out"]
    assert main([*words, str(tmp_path / "whole")]) == 0
    expected = {f"{a[:-4]}_2_{b[:-4]}_vis.png" for a, b in rows[1:]}
    assert {path.name for path in (tmp_path / "whole" / "images").iterdir()} == expected
    assert main([*words, str(tmp_path / "parts"), "--limit", "2"]) == 0
    assert len(list((tmp_path / "parts" / "images").iterdir())) == 2
    assert main([*words, str(tmp_path / "parts")]) == 0
    assert "2 of 5 canvases were there already" in capsys.readouterr().out
    for name in expected:  # whatever the batches were
        a, b = (np.asarray(Image.open(tmp_path / part / "images" / name)).astype(int) for part in ("whole", "parts"))
        assert np.abs(a - b).max() <= 1


@pytest.mark.parametrize(
    ("setting", "canvases"),
    [
        ("T1", [(1, 1, [1, 0, 0, 0])] * 4),
        ("T2", [(1, 1, [1, 1, 1, 0])] * 4),
        ("T3", [(3, 1, [1, 1, 1, 0])] * 4),
        ("IMAGPose*", [(1, 1, [1, 0, 0, 0]), (1, 3, [1, 0, 0, 0])]),  # three targets of a source, and one of another
    ],
)
def test_a_list_in_every_setting(setting, canvases, mannequin_root, weights, tmp_path, monkeypatch):
    pairs = tmp_path / "pairs.csv"
    rows = (mannequin_root / "fashion-pairs-test.csv").read_text().splitlines()
    pairs.write_text("\n".join(rows[:5]) + "\n")
    seen, prepare = [], ImagposePipeline.prepare

    def watched(self, batch, *given):
        prepared, arrangement = prepare(self, batch, *given)
        seen.extend((len(s), len(t), m) for (s, _, t), m in zip(batch, prepared["mask"].tolist(), strict=True))
        return prepared, arrangement

    monkeypatch.setattr(ImagposePipeline, "prepare", watched)
    words = ["generate", "--data", str(mannequin_root), "--pairs", str(pairs), "--model", str(weights), "--steps", "1"]
    assert main([*words, "--scenario", setting, "--out", str(tmp_path / "out")]) == 0
    assert sorted(seen) == sorted(canvases)
    assert len(list((tmp_path / "out" / "images").iterdir())) == 4


def test_the_sources_of_t3_are_other_views_of_the_same_person(mannequin_root):
    for canvas in canvases_of_pairs(mannequin_root, mannequin_root / "fashion-pairs-test.csv", "T3"):
        assert len({*canvas.sources, *canvas.truths}) == 4
        assert {path.parent for path in canvas.sources} == {canvas.truths[0].parent}


@pytest.mark.parametrize("setting", ["T1", "IMAGPose*"])
def test_a_limit_takes_canvases_across_people_and_a_larger_one_adds_to_them(setting, mannequin_root):
    def canvases(limit=None, seed=0):
        listed = canvases_of_pairs(mannequin_root, mannequin_root / "fashion-pairs-test.csv", setting, seed, limit)
        return {canvas.outputs: (canvas.seed, {path.parent for path in canvas.sources}) for canvas in listed}

    whole, few, more = canvases(), canvases(4), canvases(7)
    assert (len(few), len(more)) == (4, 7)
    assert len({str(people) for _, people in few.values()}) == 4, "the list begins with all pairs of one person"
    assert few.items() <= more.items() <= whole.items(), "each is what it would be without a limit"
    assert list(more) == [outputs for outputs in whole if outputs in more], "in the order of the list"
    assert canvases(4) == few
    assert canvases(4, seed=1).keys() == few.keys(), "so that seeds can be compared"


def test_the_truth_may_be_missing_and_a_source_may_not(mannequin_root, weights, tmp_path, capsys):
    root = shutil.copytree(mannequin_root, tmp_path / "data")
    source, target = (root / "fashion-pairs-test.csv").read_text().splitlines()[1].split(",")
    # Other rows have it as their source; only this row is asked for.
    (root / "fashion-pairs-test.csv").write_text(f"from,to\n{source},{target}\n")
    records = DeepFashion(root).records
    words = ["generate", "--data", str(root), "--pairs", str(root / "fashion-pairs-test.csv"), "--limit", "1"]
    words += ["--model", str(weights), "--steps", "1", "--out", str(tmp_path / "out")]
    assert main(words) == 0
    picture = next((tmp_path / "out" / "images").iterdir())
    with_truth = picture.read_bytes()
    records[target].path.unlink()
    assert main([*words, "--overwrite"]) == 0
    assert picture.read_bytes() == with_truth
    records[source].path.unlink()
    assert main([*words, "--overwrite"]) == 2
    assert "There is no picture" in capsys.readouterr().err


def test_an_interrupted_overwrite_mixes_nothing(mannequin_root, weights, tmp_path, monkeypatch, capsys):
    words = ["generate", "--data", str(mannequin_root), "--pairs", str(mannequin_root / "fashion-pairs-test.csv")]
    words += [
        "--limit",
        "4",
        "--batch-size",
        "2",
        "--model",
        str(weights),
        "--steps",
        "1",
        "--out",
        str(tmp_path / "out"),
    ]
    assert main(words) == 0
    call, calls = ImagposePipeline.__call__, []

    def killed(self, *args, **options):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return call(self, *args, **options)

    monkeypatch.setattr(ImagposePipeline, "__call__", killed)
    assert main([*words, "--seed", "50", "--overwrite"]) == 130
    assert capsys.readouterr().err == "Interrupted; the same command goes on where it stopped.\n"
    assert main([*words, "--seed", "50"]) == 2  # two pictures are still of seed 0
    assert "was made with seed" in capsys.readouterr().err
    assert main([*words, "--model", "nowhere", "--overwrite"]) == 2
    assert len(list((tmp_path / "out" / "images").iterdir())) == 4
