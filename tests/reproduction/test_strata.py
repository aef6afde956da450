"""``strata``: what makes a pair hard, and rows that differ more where it is harder."""

import csv
from dataclasses import replace

import numpy as np
import pytest

from imagpose.__main__ import main
from imagpose.data.mannequins.folder import write
from imagpose.data.mannequins.wardrobe import Wardrobe
from imagpose.data.readers.deepfashion import DeepFashion
from imagpose.reproduction.rows import Pairs, write_row
from imagpose.reproduction.strata import HARDNESS, hardness
from tests.reproduction.fabricated import row


@pytest.fixture(scope="module")
def drawn(tmp_path_factory, small_set):
    """Enough people for thirds."""
    root = tmp_path_factory.mktemp("strata") / "mannequins"
    write(root, replace(small_set, identities=14, test_identities=12))
    return root


def scored(root, experiment, gain):
    """A row on the test pairs of a folder; its SSIM is 0.5 and what the pair gains."""
    index = DeepFashion(root)
    pairs = [f"{source} → {target}" for source, target in index.pairs("test")]
    people = [index.records[pair.split(" → ")[1]].person for pair in pairs]
    values = {"strict/ssim_256": [0.5 + gain(pair) for pair in pairs]}
    return replace(row(experiment, 0.5), pairs=Pairs(pairs, people, values))


def test_a_gain_is_found_where_it_was_put(drawn, tmp_path, capsys):
    hidden = {pair: hardness(drawn, pair)["hidden"] for pair in scored(drawn, "tiny_m1", lambda pair: 0).pairs.names}
    write_row(scored(drawn, "tiny_m1", lambda pair: 0.0), tmp_path, "architectures")
    write_row(scored(drawn, "tiny_imagpose", lambda pair: 0.1 * hidden[pair]), tmp_path, "architectures")
    assert main(["strata", "architectures", "--data", str(drawn), "--results", str(tmp_path)]) == 0
    assert "IMAGPose − M1" in capsys.readouterr().out
    with (tmp_path / "architectures/strata.csv").open(newline="") as file:
        lines = {(line["by"], line["part"]): line for line in csv.DictReader(file)}
    ordered = sorted(hidden.values())
    third = -(-len(ordered) // 3)  # the first of the thirds has what is left over
    least, most = lines["hidden", "least third"], lines["hidden", "most third"]
    assert int(least["pairs"]) == third
    assert float(least["difference"]) == pytest.approx(0.1 * np.mean(ordered[:third]), abs=1e-6)
    contrast = lines["hidden", "most minus least"]
    assert float(contrast["difference"]) == pytest.approx(
        float(most["difference"]) - float(least["difference"]), abs=2e-6
    )
    assert 0 < float(contrast["low"]) < float(contrast["high"])
    told = (tmp_path / "architectures/strata.md").read_text()
    assert all(f"{name}: " in told for name in HARDNESS)


def test_a_picture_hides_nothing_of_itself_and_plain_clothes_have_no_pattern(drawn):
    wardrobe, names = Wardrobe.of(drawn), list(DeepFashion(drawn).records)
    for name in names[:6]:
        assert hardness(drawn, f"{name} → {name}")["hidden"] == pytest.approx(0, abs=0.01)
    person = {name: wardrobe.person(name) for name in names}
    for name in names:
        patterns = {person[name].top_pattern, person[name].bottom_pattern}
        share = hardness(drawn, f"{name} → {name}")["patterned"]
        assert share == 0 or patterns != {"plain"}
        assert share > 0.05 or patterns.isdisjoint({"hstripes", "vstripes", "checks"})


def test_rows_of_other_people_and_no_rows_are_told(drawn, tmp_path, capsys):
    words = ["strata", "architectures", "--data", str(drawn), "--results", str(tmp_path)]
    assert main(words) == 2
    assert "has no rows of tiny scale; run them with make architectures" in capsys.readouterr().err
    for name in ("tiny_m1", "tiny_imagpose"):
        write_row(row(name, 0.5), tmp_path, "architectures")
    assert main(words) == 2
    assert "has no pair a0 → b0" in capsys.readouterr().err
