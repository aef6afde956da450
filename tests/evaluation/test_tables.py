"""``compare``, ``gallery`` and the printed tables."""

import csv

import pytest
from PIL import Image

from imagpose.__main__ import main
from imagpose.evaluation.metrics import METRICS
from imagpose.evaluation.protocols import PROTOCOLS
from imagpose.evaluation.scoring import Score
from imagpose.evaluation.tables import SIZES, Table, printed, score_table

NAMES = tuple(PROTOCOLS)


def test_the_printed_tables_are_the_papers():
    assert {table: len(printed(table)) for table in SIZES} == {
        "deepfashion-256x176": 16, "deepfashion-512x352": 10, "market-1501": 7, "ablations": 6, "variants": 12,
        "architectures": 3, "uniformity": 2,
    }  # fmt: skip
    ours = {table: next((r for r in printed(table) if r.method == "IMAGPose"), None) for table in SIZES}
    assert ours["deepfashion-512x352"].scores == {"ssim": "0.7718", "lpips": "0.1396", "fid": "5.6298"}
    assert ours["market-1501"].scores["lpips"] == "0.2104"
    assert ours["market-1501"].number("fid") == 12.659
    for table in ("ablations", "architectures"):
        assert list(ours[table].scores.values()) == ["0.7561", "0.1284", "5.8738"]
    for table in SIZES:
        for row in printed(table):
            assert 0.2 < row.number("ssim") < 0.8
            assert row.source


def test_the_papers_scores_stand_below_pcdms_and_say_presumably():
    scores = {"pcdms": dict.fromkeys(METRICS, Score(0.5, n=1)), "cfld": dict.fromkeys(METRICS, Score(0.5, n=1))}
    rows = score_table("t", scores, (512, 352)).rows
    assert [row[0] for row in rows] == ["pcdms", "IMAGPose as printed, presumably by pcdms", "cfld"]
    assert rows[1][1:] == ["–", "0.7718", "–", "0.1396", "5.6298"]
    assert len(score_table("t", scores, (64, 44)).rows) == 2


def test_latex_is_escaped():
    text = Table("a_b", ["x", "SSIM_256 ↑"], [["50 % & more", "–"]], ["see $HOME"]).latex()
    assert r"\caption{a\_b}" in text
    assert r"x & SSIM\_256 $\uparrow$ \\" in text
    assert r"50 \% \& more & -- \\" in text
    assert r"see \$HOME" in text


def compare(tmp_path, *args):
    return main(["compare", "--out", str(tmp_path / "tables"), "--device", "cpu", *args])


@pytest.mark.parametrize("table", SIZES)
def test_a_table_of_which_nothing_was_run_says_so(tmp_path, table, capsys):
    assert compare(tmp_path, "--table", table) == 0
    shown = capsys.readouterr().out
    assert "Nothing was measured" in shown
    assert "not run" not in shown
    assert all(row.scores["ssim"] in shown for row in printed(table))
    with open(tmp_path / "tables" / f"{table}.csv") as file:
        rows = list(csv.DictReader(file))
    assert [row["method"] for row in rows] == [row.method for row in printed(table)]
    assert {row["FID ↓"] for row in rows} == {"not run"}
    assert (tmp_path / "tables" / f"{table}.tex").read_text().count("not run") == 4 * len(rows)


def test_measured_scores_stand_beside_the_printed_ones(tmp_path, outputs, run, mannequin_root, pairs, capsys):
    folder = outputs("truth", convert=lambda image: image.resize((64, 128), Image.Resampling.BICUBIC))
    run(folder, "--protocol", "strict")
    results = ["--results", f"pcdms={folder}", f"copied={run.out / 'evaluation.json'}"]
    data = ["--data", str(mannequin_root), "--pairs", str(pairs[1]), "--protocol", "strict"]
    assert compare(tmp_path, "--table", "market-1501", *results, *data) == 0
    with open(tmp_path / "tables" / "market-1501.csv") as file:
        rows = {row["method"]: row for row in csv.DictReader(file)}
    assert rows["PCDMs"] == {
        "protocol": "strict", "method": "PCDMs", "printed SSIM ↑": "0.3169", "printed LPIPS ↓": "0.2238",
        "printed FID ↓": "13.897", "SSIM ↑": "1.0000*", "SSIM_256 ↑": "1.0000*", "LPIPS ↓": "n/a", "FID ↓": "n/a",
    }  # fmt: skip
    assert rows["copied"]["SSIM ↑"] == "1.0000*"
    assert rows["copied"]["printed SSIM ↑"] == "–"
    assert rows["PIDM"]["SSIM ↑"] == "not run"
    capsys.readouterr()
    assert compare(tmp_path, "--results", f"pcdms={folder}") == 2
    assert "--data must name the dataset" in capsys.readouterr().err
    for path in ("/nowhere", "x.json"):
        assert compare(tmp_path, "--results", f"a={path}") == 2
        assert f"--results a={path}: there is no {path}; name a folder of pictures, or " in capsys.readouterr().err
    (tmp_path / "x.json").write_text("[]")
    assert compare(tmp_path, "--results", f"a={tmp_path / 'x.json'}") == 2
    assert "x.json is no evaluation.json" in capsys.readouterr().err
    assert compare(tmp_path, "--results", "nonsense") == 2
    assert "it must be name=value" in capsys.readouterr().err


def test_the_screen_has_one_table_with_a_line_a_protocol(tmp_path, outputs, run, capsys):
    run(outputs("source"), "--protocol", "all")
    capsys.readouterr()
    assert compare(tmp_path, "--results", f"PIDM={run.out / 'evaluation.json'}") == 0
    shown = capsys.readouterr().out
    assert shown.count("deepfashion-256x176 at 256×176") == 1
    lines = shown.splitlines()
    assert all(sum(name in line.split() for line in lines) == 1 for name in NAMES)
    assert all(
        sum(line.startswith(f"  {row.method} ") for line in lines) == 1 for row in printed("deepfashion-256x176")
    )
    assert "not run" not in shown
    saved = (tmp_path / "tables/deepfashion-256x176.md").read_text()
    assert all(f"deepfashion-256x176 at 256×176 by {name}" in saved for name in NAMES)


def test_the_gallery_shows_every_method(tmp_path, outputs, mannequin_root, pairs, capsys):
    copies, truths = outputs("source", folder="copies"), outputs("truth", folder="truths")
    min(truths.iterdir()).unlink()
    data = ["--data", str(mannequin_root), "--pairs", str(pairs[1]), "--out", str(tmp_path / "gallery.png")]
    assert main(["gallery", "--results", f"copy={copies}", f"truth={truths}", "--rows", "99", *data]) == 0
    assert "shows 10 of 10 pairs" in capsys.readouterr().out
    sheet = Image.open(tmp_path / "gallery.png")
    assert sheet.width > 2 * 5 * 3 * 44  # two strips of five pairs
    assert 5 * 3 * 64 < sheet.height < 2000
    empty = tmp_path / "empty"
    empty.mkdir()
    Image.new("RGB", (44, 64)).save(empty / "other.png")
    assert main(["gallery", "--results", f"a={empty}", *data]) == 2
    assert "No folder of --results has a picture" in capsys.readouterr().err
