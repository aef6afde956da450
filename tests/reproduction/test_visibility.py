"""``visibility``: what it compares and leaves."""

import csv

import pytest

from imagpose.__main__ import main
from imagpose.evaluation.visibility import REGIONS
from imagpose.reproduction.visibility_report import SETTINGS


@pytest.mark.slow
def test_every_pair_is_split_and_the_table_is_made_of_the_pairs(mannequin_root, model, tmp_path, unjudged, monkeypatch):
    words = ["visibility", "--data", str(mannequin_root), "--results", str(tmp_path), "--sources", "2"]
    words += ["--model", model, "--device", "cpu", "--steps", "1"]
    assert main(words) == 0
    folder = tmp_path / "visibility"
    with open(folder / "by_pair.csv", newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 6 * len(REGIONS) * len(SETTINGS)  # three targets of each
    shares = {}
    for line in lines:
        shares.setdefault((line["from"], line["to"]), {})[line["region"]] = float(line["share"])
    assert all(sum(of.values()) == pytest.approx(1, abs=1e-3) for of in shares.values())
    with open(folder / "table.csv", newline="") as file:
        table = {(line["region"], line["setting"], line["metric"]): line for line in csv.DictReader(file)}
    for region in REGIONS:
        values = [
            float(line["ssim"])
            for line in lines
            if (line["region"], line["setting"]) == (region, "T3") and line["ssim"]
        ]
        told = table[region, "T3", "ssim"]
        assert int(told["n"] or 0) == len(values)
        if values:
            assert float(told["value"]) == pytest.approx(sum(values) / len(values), abs=1e-4)
    assert (folder / "figure.png").exists()
    before = (folder / "table.md").read_bytes()
    assert main(words) == 0  # the pictures are there
    assert (folder / "table.md").read_bytes() == before


def test_photographs_are_refused(tmp_path, capsys):
    (tmp_path / "photographs").mkdir()
    assert main(["visibility", "--data", str(tmp_path / "photographs"), "--results", str(tmp_path)]) == 2
    assert "holds no drawn mannequins" in capsys.readouterr().err
