"""The whole table at the smallest size: stages, a row that fails, and one that is killed and resumed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
import torch

from imagpose.__main__ import main
from imagpose.errors import InputError
from imagpose.evaluation.scoring import Score
from imagpose.reid.command import TableRequest, plan_of
from imagpose.reid.report import render
from imagpose.reid.table4 import METHODS, PERCENTAGES
from imagpose.reproduction.rows import Pairs, Row, read_row, write_row
from tests.conftest import ROOT

OPTIONS = {
    "data.init_args.persons": "3", "data.init_args.pictures": "2", "model.init_args.people": "6",
    "model.init_args.options": "{channels: [8, 8, 8, 16]}", "model.init_args.weights_name": "null",
    "trainer.log_every_n_steps": "1",
}  # fmt: skip


def words(market, root, *further: str, steps: int = 6) -> list[str]:
    options = [
        word for name, value in {**OPTIONS, "trainer.max_steps": steps}.items() for word in (f"--{name}", str(value))
    ]
    return [
        "reid", "run", "--root", str(market), "--runs", str(root / "runs"), "--results", str(root / "results"),
        "--generator_with", str(ROOT / "tests/reid/quick_generator.yaml"), *further, *options,
    ]  # fmt: skip


@pytest.mark.slow
def test_the_table_is_run_and_a_failing_row_is_one_line(market, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    further = ("--percentages", "60", "100", "--rows", "standard", "imagpose", "wrong", "--seeds", "0", "1")
    blocked = tmp_path / "runs/reid_tiny_wrong_60-seed1"
    blocked.parent.mkdir()
    blocked.write_text("a file stands where the run would be")
    assert main(words(market, tmp_path, *further)) == 1
    told = capsys.readouterr()
    failed = [line for line in told.err.splitlines() if "failed" in line]
    assert len(failed) == 2, told.err
    assert failed[0].startswith("reid_tiny_wrong_60-seed1 failed: ")
    rows = sorted(path.stem for path in (tmp_path / "results/reid/rows").iterdir())
    assert rows == sorted(f"reid_tiny_{name}-seed{seed}" for name in
                          ("standard_60", "imagpose_60", "standard_100", "wrong_60") for seed in (0, 1)
                          if (name, seed) != ("wrong_60", 1))  # fmt: skip
    pictures = json.loads((tmp_path / "runs/reid_tiny_parts/60/pictures_own/pictures.json").read_text())
    row = read_row(tmp_path / "results/reid/rows/reid_tiny_imagpose_60-seed0.json")
    assert row.cost["training pictures"] == 2 * pictures["pictures"]
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "results/reid/rows").iterdir()}
    blocked.unlink()
    assert main(words(market, tmp_path, *further)) == 0
    assert "reid_tiny_standard_60: " not in capsys.readouterr().out  # finished ones are left alone
    assert all(path.stat().st_mtime_ns == at for path, at in before.items())
    text = (tmp_path / "results/reid/tiny.md").read_text()
    assert "IMAGPose − Standard" in text
    assert "Generator | 60 % | 0 | 4" in text
    assert main(words(market, tmp_path, *further, steps=7)) == 2
    assert "is finished, and was run with trainer.max_steps 6 where it is 7 now" in capsys.readouterr().err


@pytest.mark.slow
def test_a_row_that_is_killed_is_resumed_to_the_same_end(market, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = []
    for name in ("whole", "killed"):
        root = tmp_path / name
        further = ("--percentages", "100", "--rows", "standard", "--seeds", "0")
        callbacks = "[{class_path: imagpose.callbacks.checkpoint.LastCheckpoint, init_args: {every_n_train_steps: 5}}]"
        call = [
            sys.executable,
            "-m",
            "imagpose",
            *words(market, root, *further, steps=150),
            "--trainer.callbacks",
            callbacks,
        ]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        last = root / "runs/reid_tiny_standard_100/version_0/checkpoints/last.ckpt"
        if name == "killed":
            runner = subprocess.Popen(call, env=environment, stdout=subprocess.DEVNULL)
            until = time.time() + 120
            while not last.exists() and time.time() < until:
                time.sleep(0.05)
            runner.send_signal(signal.SIGKILL)
            runner.wait()
            step = torch.load(last, weights_only=True)["global_step"]
            assert 0 < step < 150
        subprocess.run(call, env=environment, check=True, stdout=subprocess.DEVNULL)
        if name == "killed":
            assert f"Resuming {last.parent.parent}" in (last.parents[2] / "row.log").read_text()
        row = read_row(root / "results/reid/rows/reid_tiny_standard_100-seed0.json")
        found.append((torch.load(last, weights_only=True)["state_dict"], row.pairs))
    assert all(torch.equal(value, found[1][0][name]) for name, value in found[0][0].items())
    assert found[0][1] == found[1][1]


def fabricated(method: str, percentage: int, rank1: float, seed: int) -> Row:
    names = [f"{person:04d}_c1s1_{i:06d}_01.jpg" for person in range(20) for i in range(5)]
    values = {f"market1501/{name}": [float(i % 100 < 100 * rank1) for i in range(100)] for name in ("rank1", "map")}
    score = Score(rank1, rank1 - 0.02, rank1 + 0.02, 100)
    scores = {"market1501": dict.fromkeys(("rank1", "map", "rank5", "rank10"), score)}
    pairs = Pairs(names, [name[:4] for name in names], values)
    return Row(f"reid_tiny_{method}_{percentage}", seed, scores, pairs, 100, "data", True, steps=9, seconds=60.0)


def test_the_report_is_made_of_whatever_rows_are_there(tmp_path):
    for seed in (0, 1, 2):
        for method, rank1 in (("standard", 0.5), ("imagpose", 0.6), ("again", 0.6)):
            write_row(fabricated(method, 20, rank1 + seed / 100, seed), tmp_path, "reid")
    plan = plan_of(TableRequest(runs=tmp_path / "runs", results=tmp_path))
    scores, differences, runs = render(plan)
    header, lines = scores.header, {line[0]: line for line in scores.rows}
    at = header.index("our Rank-1, 20 %")
    assert lines["IMAGPose"][at - 1 : at + 1] == ["66.4", "61.0 [40.2, 81.8]"]
    assert lines["PIDM"][at - 1 : at + 1] == ["61.3", "–"]
    assert lines["Control: wrong person"][at] == "not run"
    assert any("more likely mAP" in note for note in scores.notes)
    gains = {line[0]: line[1] for line in differences.rows}
    assert gains["IMAGPose − Standard"].startswith("+10.0 [+")
    assert gains["IMAGPose − Control: each picture again"] == "+0.0 [+0.0, +0.0]"
    assert gains["IMAGPose − Control: wrong person"] == "not run"
    assert len(runs.rows) == 9
    assert {len(line) for line in scores.rows} == {len(header)}
    for ending in ("md", "tex", "csv"):
        assert (tmp_path / f"reid/tiny.{ending}").stat().st_size > 500


def test_what_generators_took_is_kept_beside_the_rows(tmp_path):
    plan = plan_of(TableRequest(runs=tmp_path / "runs", results=tmp_path))
    run, done = plan.generator_run(20), plan.pictures(20, "own") / "pictures.json"
    for path, told in (
        (run / "metrics.json", {"steps": 600.0}), (run / "clock.json", {"seconds": 90, "device": "it", "commit": "c0"}),
        (done, {"pictures": 354, "seconds": 30, "weights": "", "run": ""}),
    ):  # fmt: skip
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(told))
    assert render(plan)[2].rows == [
        ["Generator", "20 %", "0", "600", "–", "1.5", "it", "c0"],
        ["Pictures, own", "20 %", "0", "–", "354", "0.5", "–", "–"],
    ]
    before = (tmp_path / "reid/tiny.md").read_bytes()
    shutil.rmtree(tmp_path / "runs")
    render(plan)
    assert (tmp_path / "reid/tiny.md").read_bytes() == before
    kept = tmp_path / "reid/made/reid_tiny_generator_20.json"
    for text in ("", "[]", "{}", kept.read_text().replace("90", '"long"'), kept.read_text().replace('"it"', "7")):
        kept.write_text(text)
        with pytest.raises(InputError, match=r"generator_20\.json does not tell what a generator took"):
            render(plan)


def test_generators_are_trained_for_rows_that_are_not_there_alone(tmp_path):
    plan = plan_of(TableRequest(percentages=(20,), seeds=(0, 1), runs=tmp_path / "runs", results=tmp_path))
    own, of_all = "reid_tiny_generator_20", "reid_tiny_generator_100"
    for method, seed, needed in (
        ("imagpose_all", 0, [own, of_all]), ("imagpose_all", 1, [own]), ("imagpose", 0, [own]), ("imagpose", 1, [own]),
        ("wrong", 0, [own]), ("wrong", 1, []),
    ):  # fmt: skip
        write_row(fabricated(method, 20, 0.5, seed), tmp_path, "reid")
        assert sorted(job.name for job in plan.generators()) == sorted(needed), (method, seed)
    assert plan.drawings() == []


def test_the_printed_figures_are_the_paper_s():
    from imagpose.reid.table4 import PRINTED

    assert {len(figures) for figures in PRINTED.values()} == {len(PERCENTAGES)}
    assert PRINTED["Standard"] == (33.4, 56.6, 64.9, 69.2)
    assert PRINTED["IMAGPose"] == (66.4, 69.2, 75.1, 77.6)
    assert {"standard", "imagpose", "imagpose_all", "again", "copied", "wrong", "augmented"} == set(METHODS)


def test_nothing_is_run_where_only_printing_is_asked_for(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["reid", "run", "--no_run"]) == 0
    assert "not run" in (tmp_path / "results/reid/tiny.md").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["results"]


def test_a_length_of_epochs_that_the_steps_are_not_counted_with_is_refused(market, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    call = ["reid", "run", "--root", str(market), "--model.init_args.epochs", "3"]
    assert main(call) == 2
    assert (
        "are not counted with another --model.init_args.epochs; say --trainer.max_steps too" in capsys.readouterr().err
    )
    assert main([*call, "--trainer.max_steps", "9", "--no_run"]) == 0
