import csv
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from imagpose.errors import InputError
from imagpose.reproduction.paper import ALL, SCALES, TABLES, scale_of
from imagpose.reproduction.report import render
from imagpose.reproduction.rows import read_row, read_rows, write_row
from tests.conftest import ROOT
from tests.reproduction.fabricated import row


def cells(text: str, method: str) -> list[str]:
    line = next(line for line in text.splitlines() if line.startswith(f"| {method} |"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_row_s_file_reads_back_as_it_was(tmp_path):
    written = row("tiny_m1", 0.5)
    path = write_row(written, tmp_path, "architectures")
    assert path == tmp_path / "architectures/rows/tiny_m1-seed0.json"
    assert read_row(path) == written
    path.write_text("{")
    with pytest.raises(InputError, match="is no row of a table"):
        read_row(path)


def test_the_table_has_the_papers_figures_ours_and_their_difference(tmp_path):
    write_row(row("tiny_m1", 0.5, 0.3), tmp_path, "architectures")
    write_row(row("tiny_imagpose", 0.6, 0.2), tmp_path, "architectures")
    render("architectures", tmp_path, "tiny")
    text = (tmp_path / "architectures/tiny.md").read_text()
    assert cells(text, "PIDM")[1:4] == ["0.7312", "not run", "–"]
    assert cells(text, "M1")[1:4] == ["0.7145", "0.5000 [0.4700, 0.5300]", "-0.2145"]
    ours = cells(text, "IMAGPose")
    assert ours[1:6] == [
        "**0.7561**",
        "**0.6000 [0.5700, 0.6300]**",
        "-0.1561",
        "**0.1284**",
        "**0.2000 [0.1700, 0.2300]**",
    ]
    assert ours[8] == "n/a"
    assert "fid was not looked at." in text
    assert "drawn mannequins" in text
    latex = (tmp_path / "architectures/tiny.tex").read_text()
    assert r"\textbf{0.6000 [0.5700, 0.6300]}" in latex
    assert "**" not in latex
    with open(tmp_path / "architectures/tiny_orders.csv", newline="") as file:
        orders = {(o["better"], o["worse"], o["metric"]): o["verdict"] for o in csv.DictReader(file)}
    assert orders["IMAGPose", "M1", "ssim_256"] == orders["IMAGPose", "M1", "lpips"] == "holds"
    assert orders["IMAGPose", "M1", "fid"] == "not measured"
    assert orders["IMAGPose", "PIDM", "ssim_256"] == "not run"
    with Image.open(tmp_path / "architectures/tiny.png") as plot:
        assert plot.width > 500


def test_orders_of_most_cases_are_counted_and_miniatures_told(tmp_path):
    for name, ssim in (("sd15_dinov2g", 0.7), ("sd15_clipb", 0.5), ("sd21_clipb", 0.6)):
        write_row(row(f"tiny_{name}", ssim), tmp_path, "variants")
        write_row(row(name, ssim, drawn=False, data="data/deepfashion"), tmp_path, "variants")
    verdicts = {}
    for scale in SCALES:
        render("variants", tmp_path, scale)
        with open(tmp_path / f"variants/{scale}_orders.csv", newline="") as file:
            verdicts[scale] = {
                (o["better"], o["worse"]): o["verdict"] for o in csv.DictReader(file) if o["metric"] == "ssim_256"
            }
    text = (tmp_path / "variants/full.md").read_text()
    assert "SSIM_256 ↑ in 4 of 6 as printed, ours in 1 of 1." in text  # CLIP-bigG and CLIP-H are worse with 2.1
    encoders, bases = ("SD V1.5 + Dinov2-G/14", "SD V1.5 + CLIP-B/14"), ("SD V2.1 + CLIP-B/14", "SD V1.5 + CLIP-B/14")
    assert {verdicts[scale][pair] for scale in SCALES for pair in (encoders, bases)} == {"holds"}
    told = {scale: (tmp_path / f"variants/{scale}.md").read_text() for scale in SCALES}
    for words in ("The encoders are miniatures", "drawn mannequins"):
        assert words in told["tiny"]
        assert words not in told["full"]


@pytest.mark.parametrize(
    ("gain", "said"), [(0.1, "holds, against the paper's figure"), (-0.1, "does not hold, as in the paper's figure")]
)
def test_a_claim_that_the_papers_own_figure_contradicts_says_so(gain, said, tmp_path):
    """SD V2.1 is said to be better in most cases; of CLIP-bigG/14 the paper prints 0.7535 and 0.7548."""
    for encoder in ("clipbigg", "clipb"):
        write_row(row(f"tiny_sd15_{encoder}", 0.5), tmp_path, "variants")
        write_row(row(f"tiny_sd21_{encoder}", 0.5 + gain), tmp_path, "variants")
    orders = render("variants", tmp_path, "tiny")[1]
    with open(tmp_path / "variants/tiny_orders.csv", newline="") as file:
        verdicts = {
            (o["better"], o["metric"]): o["verdict"] for o in csv.DictReader(file) if o["worse"][:7] == "SD V1.5"
        }
    assert verdicts["SD V2.1 + CLIP-bigG/14", "ssim_256"] == said
    assert verdicts["SD V2.1 + CLIP-B/14", "ssim_256"] == said.split(",")[0]  # whose figures are 0.7562 and 0.7516
    assert said in orders.header
    assert any("CLIP-bigG/14" in note and note.endswith(f"{said}.") for note in orders.notes)


def test_rows_that_differ_in_what_they_ran_are_told(tmp_path):
    write_row(row("tiny_m1", 0.5), tmp_path, "architectures")
    for seed in (0, 1):
        write_row(row("tiny_imagpose", 0.6, seed=seed, steps=10), tmp_path, "architectures")
    notes = render("architectures", tmp_path, "tiny")[0].notes
    assert any("differ in their steps" in note for note in notes)
    assert any("differ in their seeds" in note for note in notes)
    assert any("95 % interval over seeds and people" in note for note in notes)


def test_without_a_row_everything_is_not_run(tmp_path):
    for name in ALL:
        scores = render(name, tmp_path, "tiny")[0]
        assert all("not run" in line for line in scores.rows)


def test_every_printed_row_has_an_entry_whose_files_are_there():
    from imagpose.evaluation.tables import printed

    for table in TABLES.values():
        papers = [row.method for row in printed(table.name)]
        assert [entry.method for entry in table.entries if entry.method in papers] == papers
        for entry in table.trained():
            for scale in SCALES:
                assert all((ROOT / path).is_file() for path in entry.configs(scale))
                assert scale_of(entry.name(scale)) == scale
        methods = {entry.method for entry in table.entries}
        assert all(method in methods for claim in table.claims for pair in claim.pairs for method in pair)
    for name, papers_rows in (("variants", 12), ("ablations", 6), ("architectures", 2)):
        assert len(list(TABLES[name].trained())) >= papers_rows
    with pytest.raises(InputError, match="No table of the paper has a row 'tiny'"):
        scale_of("tiny")


@pytest.mark.slow
def test_two_rows_that_arrive_at_the_same_moment_both_land(tmp_path):
    words = [sys.executable, "-m", "tests.reproduction.fabricated", str(tmp_path)]
    names, pipes = ("tiny_m1", "tiny_imagpose"), {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen([*words, name], cwd=ROOT, **pipes) for name in names]
    assert [process.stdout.readline() for process in processes] == ["ready\n"] * 2
    moment = f"{time.time() + 0.2}\n"
    for process in processes:
        process.stdin.write(moment)
        process.stdin.close()
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    assert set(read_rows(tmp_path, "architectures", names)) == set(names)
    text = (tmp_path / "architectures/tiny.md").read_text()
    assert cells(text, "M1")[2] == cells(text, "IMAGPose")[2] == "**0.5500 [0.5200, 0.5800]**"
    assert not list(tmp_path.rglob("*.unfinished"))


def test_a_row_that_comes_while_another_s_table_is_made_is_in_it(tmp_path, monkeypatch):
    """The other process renders first, with both rows; ours, which has read one, must not have the last word."""
    write_row(row("tiny_m1", 0.5), tmp_path, "architectures")

    def read_and_be_overtaken(*args):
        found = read_rows(*args)
        monkeypatch.undo()
        write_row(row("tiny_imagpose", 0.6), tmp_path, "architectures")
        render("architectures", tmp_path, "tiny")
        return found

    monkeypatch.setattr("imagpose.reproduction.report.read_rows", read_and_be_overtaken)
    render("architectures", tmp_path, "tiny")
    text = (tmp_path / "architectures/tiny.md").read_text()
    assert "0.5000" in cells(text, "M1")[2]
    assert "0.6000" in cells(text, "IMAGPose")[2]


def test_all_rows_of_a_table_tell_how_much_seeds_differ_and_what_each_alone_would_say_is_told(tmp_path):
    for seed in (0, 1, 2):
        for name in ("b0", "b2", "b3", "b4"):
            write_row(row(f"tiny_ablation_{name}", 0.5, seed=seed), tmp_path, "ablations")
        write_row(row("tiny_ablation_b1", (0.54, 0.51, 0.57)[seed], seed=seed), tmp_path, "ablations")
    orders = render("ablations", tmp_path, "tiny")[1]
    with open(tmp_path / "ablations/tiny_orders.csv", newline="") as file:
        cva = next(order for order in csv.DictReader(file) if (order["better"], order["metric"]) == ("B1", "ssim_256"))
    assert (cva["verdict"], cva["verdict by its own seeds"]) == ("holds", "undecided")
    assert "told by all rows of the table together" in orders.notes[0]


def test_rows_of_another_block_do_not_tell_how_much_seeds_differ(tmp_path):
    noise = np.random.default_rng(0).normal(0, 0.05, (3, 6))
    for seed in (0, 1, 2):
        for number, encoder in enumerate(("clipb", "clipbigg", "cliph", "dinov2b", "dinov2l", "dinov2g")):
            level = 0.6 + 0.01 * (encoder == "dinov2g")
            for base, spread in (("sd15", noise[seed, number]), ("sd21", 0.02 * noise[seed, number])):
                write_row(row(f"tiny_{base}_{encoder}", level + spread, seed=seed), tmp_path, "variants")
    orders = render("variants", tmp_path, "tiny")[1]
    assert "all rows of a block together (SD V1.5, SD V2.1)" in orders.notes[0]
    with open(tmp_path / "variants/tiny_orders.csv", newline="") as file:
        widths = {
            (order["better"], order["worse"]): float(order["high"]) - float(order["low"])
            for order in csv.DictReader(file)
            if order["metric"] == "ssim_256"
        }
    quiet, loud = (widths[f"{base} + Dinov2-G/14", f"{base} + CLIP-H/14"] for base in ("SD V2.1", "SD V1.5"))
    assert quiet < 0.2 * loud
    with open(tmp_path / "variants/tiny_orders.csv", newline="") as file:
        between = [order for order in csv.DictReader(file) if "most cases" in order["claim"]]
    assert {order["verdict"] for order in between} >= {"undecided", "not measured"}
    assert all(order["verdict"] == order["verdict by its own seeds"] for order in between)


def test_what_a_part_adds_is_seen_in_rows_that_differ_by_it_alone(tmp_path):
    ssim = {"b0": 0.50, "b1": 0.52, "b2": 0.54, "b3": 0.55, "b4": 0.58}
    for seed in (0, 1):
        for name, value in ssim.items():
            write_row(row(f"tiny_ablation_{name}", value, seed=seed), tmp_path, "ablations")
    cells = {(line[0], line[1]): line[2] for line in render("ablations", tmp_path, "tiny")[2].rows}
    assert cells["FLC", "B2 − B0"].startswith("+0.0400 [")
    assert not any("IMAGPose" in pair for _, pair in cells)  # whose row is not there
    assert ("FLC", "their mean") not in cells
    assert cells["ILC", "their mean"].startswith("+0.0350 [")  # of B4 − B2 and B3 − B1
    write_row(row("tiny_imagpose", 0.63, seed=1), tmp_path, "ablations")
    scores, _, parts, runs = render("ablations", tmp_path, "tiny")
    cells = {(line[0], line[1]): line[2] for line in parts.rows}
    assert cells["CVA", "their mean"].startswith("+0.0350 [")  # 0.02 and 0.05
    assert parts.title in (tmp_path / "ablations/tiny.md").read_text()
    assert (scores.title, runs.title) == ("Table 2: FLC, ILC and CVA, tiny scale, by strict", "The runs")


def test_the_rows_that_a_part_compares_differ_by_its_switch_alone():
    switches = {"FLC": "texture_tokens", "ILC": "image_conditions", "CVA": "cva"}
    off = {}
    for entry in TABLES["ablations"].trained():
        text = (ROOT / f"experiments/{entry.experiment}.yaml").read_text()
        off[entry.method] = {switch for switch in switches.values() if f"{switch}: false" in text}
    assert off["B0"] == set(switches.values())
    for part, pairs in TABLES["ablations"].parts:
        for ours, theirs in pairs:
            assert off[theirs] - off[ours] == {switches[part]}
            assert off[ours] <= off[theirs]
