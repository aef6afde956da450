"""The table of the styles, from fabricated rows."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imagpose import ImagposePipeline
from imagpose.__main__ import main
from imagpose.data.images import open_view, to_tensor, to_uint8
from imagpose.data.mannequins.folder import MannequinSet
from imagpose.data.readers.layouts import open_index
from imagpose.errors import InputError
from imagpose.evaluation.scoring import Score
from imagpose.reproduction.rows import Pairs, Row
from imagpose.reproduction.styles import ARMS, CEILING, SETS, StylesRequest, report, styles
from imagpose.training.composing import find


def _row(name, ssim):
    scores = {"figure": {m: Score(v, v - 0.1, v + 0.1, 4) for m, v in
                         (("ssim", ssim), ("identity_at_1", 0.95), ("pattern_at_1", 0.5))}}  # fmt: skip
    config = {"model": name, "guidance": 2.0, "steps": 20}
    pairs = Pairs(["a → b"], ["a"], {})
    return Row(name, 0, scores, pairs, 4, "data", True, device="cpu", commit="none", config=config)


def test_the_table_says_how_far_a_lora_goes_towards_many_cartoons():
    found = {"as_they_are": 0.2, "lora": 0.5, "full": 0.6, "many": 0.6}
    rows = {f"{arm}-{style}": _row(f"{arm}-{style}", ssim) for arm, ssim in found.items() for style in SETS}
    table, lines = report(rows)
    assert [row[0] for row in table.rows] == [
        "demo weights as they are", "a LoRA on 20 people", "all weights on 20 people", "all weights on 560 people",
    ]  # fmt: skip
    assert "The LoRA goes 75% of the way to many cartoons in SSIM." in table.notes
    assert ["lora", "cartoon", "ssim", 0.5, 0.4, 0.6] in lines
    rows |= {f"{CEILING}-{style}": _row(f"{CEILING}-{style}", 0.7) for style in SETS}
    table, _ = report(rows)
    assert table.rows[-1][0] == "the truth through the VAE"
    assert "The LoRA goes 75% of the way to many cartoons in SSIM." in table.notes
    few, _ = report({name: row for name, row in rows.items() if "many" not in name})
    assert not any("of the way" in note for note in few.notes)


@pytest.mark.slow
def test_the_ceiling_is_the_truth_through_the_model_s_vae_and_rows_are_kept(student, tmp_path, unjudged, monkeypatch):
    few = MannequinSet(identities=3, test_identities=2, seed=3)
    monkeypatch.setattr("imagpose.reproduction.styles.SETS", {name: replace(few, style=name) for name in SETS})
    words = [
        "styles",
        "--data",
        str(tmp_path / "data"),
        "--results",
        str(tmp_path),
        "--sources",
        "1",
        "--device",
        "cpu",
    ]
    words += ["--model", student, "--arms", "as_they_are"]
    assert main(words) == 0
    drawn = sorted((tmp_path / f"styles/images/{CEILING}-cartoon").rglob("*.png"))
    with open(tmp_path / "styles/pairs.csv", newline="") as file:
        targets = [line["to"] for line in csv.DictReader(file)]
    pipe = ImagposePipeline.from_pretrained(student)
    index = open_index(tmp_path / "data/cartoon")
    for target in targets:
        truth = to_tensor(open_view(index.records[target], index.root))
        want = to_uint8(pipe.synthesis.reconstruct(truth))
        assert any(np.array_equal(np.asarray(Image.open(path)), want) for path in drawn), target
    row = tmp_path / f"styles/rows/{CEILING}-photograph-seed0.json"
    before = row.stat().st_mtime_ns
    assert main(words) == 0
    assert row.stat().st_mtime_ns == before


def test_what_is_drawn_and_scored_is_drawn_for_nobody_to_learn_from():
    from imagpose.options.trust import read

    assert SETS["cartoon"].seed != 4  # of cartoon_many
    few = read(find("cartoons"))["data"]["init_args"]
    assert few["mannequins"] == {"identities": 64, "seed": 3, "style": "cartoon"}
    assert SETS["cartoon"].identities - SETS["cartoon"].test_identities - few["validation_identities"] == 20
    assert read(find("cartoon_many"))["data"]["init_args"]["mannequins"]["seed"] == 4
    for experiment in filter(None, ARMS.values()):
        assert find(experiment).is_file()


def test_what_it_cannot_do_is_told():
    with pytest.raises(InputError, match="--arms oil is none of them, which are as_they_are, lora, full"):
        StylesRequest(arms=("oil",))
    with pytest.raises(InputError, match="--run is of no use here"):
        styles(StylesRequest(run=Path("runs/tiny/version_0")))
