"""The runner; what it runs are rows of the real command line at the smallest size."""

import io
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import yaml
from rich.console import Console

from imagpose.__main__ import main
from imagpose.errors import InputError
from imagpose.reproduction import runner
from imagpose.reproduction.jobs import Settings, experiment_words, plan
from imagpose.reproduction.paper import ABLATIONS, ARCHITECTURES, VARIANTS
from imagpose.reproduction.rows import read_row, write_row
from imagpose.training.experiment import read_experiment, read_plain
from tests.conftest import ROOT
from tests.reproduction.conftest import quick
from tests.reproduction.fabricated import row


def test_a_row_is_an_ordinary_command_line(settings):
    jobs = plan(VARIANTS, settings)
    assert len(jobs) == 12
    cache, fit = jobs[0].commands
    assert cache[0] == "cache"
    assert " ".join(fit).startswith(
        "fit -c experiments/_base.yaml -c experiments/sd15_clipb.yaml -c experiments/tiny.yaml "
        "-c experiments/miniatures/sd15.yaml -c experiments/miniatures/clipb.yaml -c experiments/miniatures/_row.yaml"
    )
    assert fit[fit.index("--table") + 1] == "[variants]"
    assert jobs[0].row == settings.results / "variants/rows/tiny_sd15_clipb-seed0.json"


def test_the_papers_own_model_is_trained_once_for_all_its_tables(tmp_path):
    full = Settings("full", runs=tmp_path / "runs")
    words = [next(j for j in plan(t, full) if j.name == "sd15_dinov2g").commands[-1] for t in (VARIANTS, ABLATIONS)]
    assert words[0] == words[1]
    assert words[0][words[0].index("--table") + 1] == "[variants,ablations,architectures,recipes]"
    assert words[0][1:5] == ("-c", "experiments/_base.yaml", "-c", "experiments/sd15_dinov2g.yaml")


def test_seeds_are_runs_of_their_own(settings):
    jobs = plan(ARCHITECTURES, Settings(**{**vars(settings), "seeds": (0, 2)}))
    assert [job.name for job in jobs] == ["tiny_m1", "tiny_imagpose", "tiny_m1-seed2", "tiny_imagpose-seed2"]
    words = experiment_words(jobs[2])
    assert [words[words.index(o) + 1] for o in ("--seed_everything", "--model.init_args.seed")] == ["2", "2"]
    assert jobs[2].row.name == "tiny_m1-seed2.json"


def test_a_finished_run_without_a_row_is_tested_not_trained(settings):
    folder = settings.runs / "tiny_m1/version_0"
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text("{}")
    job = plan(ARCHITECTURES, settings)[0]
    assert [words[0] for words in job.commands] == ["test"]
    assert job.commands[0][1:5] == ("-c", str(folder / "config.yaml"), "--folder", str(folder))


def test_a_row_that_there_is_not_is_refused(settings):
    assert [job.name for job in plan(ABLATIONS, settings, ["B1", "ablation_b0"])] == [
        "tiny_ablation_b1", "tiny_ablation_b0",
    ]  # fmt: skip
    with pytest.raises(InputError, match=r"ablations has no row 'b9'; it has: B0 \(ablation_b0\)"):
        plan(ABLATIONS, settings, ["b9"])


def test_one_failing_row_stops_no_other_and_finished_ones_are_left_alone(settings, monkeypatch):
    jobs = plan(VARIANTS, settings)
    write_row(row("tiny_sd15_clipb", 0.5), settings.results, "variants")
    before = jobs[0].row.stat().st_mtime_ns
    ran = []

    def carry_out(job, environment):
        ran.append(job.name)
        if job.name == "tiny_sd15_dinov2l":
            told = "$ python -m imagpose cache\nError: No room for features.\n\n$ python -m imagpose fit\n"
            job.log.write_text(f"{told}Traceback\nError: The disk is full.\n")
            return 2
        if job.name == "tiny_sd21_clipb":
            raise OSError(28, "No space left on device")
        write_row(row(job.name, 0.5), settings.results, "variants")
        return 0

    monkeypatch.setattr(runner, "carry_out", carry_out)
    told = io.StringIO()
    failed = runner.run_here(jobs, 3, Console(file=told))
    assert sorted(ran) == sorted(job.name for job in jobs[1:])
    assert jobs[0].row.stat().st_mtime_ns == before
    assert len(list((settings.results / "variants/rows").glob("*.json"))) == 10
    assert set(failed) == {"tiny_sd15_dinov2l", "tiny_sd21_clipb"}
    assert "No space left on device" in failed["tiny_sd21_clipb"]
    assert failed["tiny_sd15_dinov2l"].startswith("The disk is full. (")
    assert "tiny_sd15_dinov2l: failed after" in told.getvalue()
    assert "tiny_sd15_clipb: " not in told.getvalue()


def test_rows_at_once_share_the_machine(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert runner._places(3) == [{"CUDA_VISIBLE_DEVICES": str(i), "OMP_NUM_THREADS": "2"} for i in (0, 1, 0)]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3")
    assert runner._places(2) == [{"CUDA_VISIBLE_DEVICES": str(i), "OMP_NUM_THREADS": "4"} for i in (2, 3)]
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert runner._places(2) == [{"OMP_NUM_THREADS": "4"}] * 2
    assert runner._places(1) == [{}]


def test_a_mistaken_option_is_told_before_anything_starts(settings, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(runner, "carry_out", lambda *args: pytest.fail("a row was started"))
    words = ["--runs", str(settings.runs), "--results", str(settings.results), "--trainer.max_stepz", "3"]
    assert main(["table", "architectures", *words]) == 2
    assert "--trainer.max_stepz" in capsys.readouterr().err
    assert main(["table", "architectures", "--rows", "m2", *words[:4]]) == 2
    assert "has no row 'm2'" in capsys.readouterr().err
    (tmp_path / "file").touch()
    assert main(["table", "architectures", *words[:2], "--results", str(tmp_path / "file")]) == 2
    assert "cannot be written" in capsys.readouterr().err
    for option in ("--seed_everything", "--seed"):
        assert main(["table", "architectures", *words[:4], option, "3"]) == 2
        assert f"{option} would not change the rows' names; say --seeds instead" in capsys.readouterr().err
    assert main(["table", "architectures", *words[:4], "--exp", "tiny"]) == 2
    assert "--exp is another in every row; say --rows" in capsys.readouterr().err
    assert main(["table", "architectures", *words[:4], "--seed_everything", "3"]) == 2
    assert "say --seeds instead" in capsys.readouterr().err
    job = plan(ARCHITECTURES, settings)[0]
    config = read_plain(experiment_words(job)).options
    write_row(row("tiny_m1", 0.5, config=config), settings.results, "architectures")
    assert main(["table", "architectures", *words[:4], "--trainer.max_steps", "900"]) == 2
    assert "tiny_m1 is finished, and was run with trainer.max_steps 600 where it is 900 now" in capsys.readouterr().err


def test_a_table_that_there_is_not_is_told_before_the_training(mannequin_root, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    words = ["fit", "-c", "experiments/_base.yaml", "-c", "experiments/tiny.yaml", *quick(mannequin_root, 2)]
    words += ["--runs", str(tmp_path), "--results", str(tmp_path)]
    assert main([*words, "--table", "[variant]", "--name", "tiny_m1"]) == 2
    assert "There is no table 'variant'; there are: variants" in capsys.readouterr().err
    assert main([*words, "--table", "[variants]"]) == 2
    assert "No table of the paper has a row 'quick'" in capsys.readouterr().err


@pytest.mark.parametrize("entry", list(VARIANTS.trained()), ids=lambda entry: entry.experiment)
def test_a_tiny_variant_keeps_its_own_adapter_base_and_token_logic(entry, monkeypatch):
    monkeypatch.chdir(ROOT)
    words = [word for path in entry.configs("tiny") for word in ("-c", path)]
    module, data, options = read_experiment(words, lambda parser: None, "meta")
    base, family = entry.experiment.split("_")
    assert module.schedule.prediction_type == {"sd15": "epsilon", "sd21": "v_prediction"}[base]
    full = yaml.safe_load(Path(f"experiments/encoders/{family}.yaml").read_text())["model"]["init_args"]["encoder"]
    ours = options.model.init_args.encoder
    assert [ours.class_path, ours.init_args.model] == [full["class_path"], full["init_args"]["model"]]
    assert module.encoder.file.name == f"mannequin-{family}"
    widths = {"clipb": 96, "cliph": 160, "clipbigg": 208, "dinov2b": 96, "dinov2l": 128, "dinov2g": 192}
    assert [module.encoder.dim, module.encoder.num_tokens] == [widths[family], 17]
    assert [options.trainer.max_steps, data.test_pairs, data.size] == [600, 200, None]
    protocols = next(c for c in options.trainer.callbacks if c.class_path.endswith("Protocols"))
    assert list(protocols.init_args.names) == ["strict"]


@pytest.mark.slow
def test_killed_in_a_row_the_next_call_resumes_it_and_leaves_the_others(mannequin_root, tmp_path):
    words = [
        sys.executable, "-m", "imagpose", "table", "ablations", "--no-cache", "--runs", str(tmp_path / "runs"),
        "--results", str(tmp_path / "results"), *quick(mannequin_root, 30),
    ]  # fmt: skip
    rows, checkpoint = (
        tmp_path / "results/ablations/rows",
        tmp_path / "runs/tiny_ablation_b2/version_0/checkpoints/last.ckpt",
    )
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL)
    while process.poll() is None and not checkpoint.exists():
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(1)
    stopped = torch.load(checkpoint, weights_only=True)["global_step"]
    before = {path.name: path.stat().st_mtime_ns for path in rows.glob("*.json")}
    assert sorted(before) == ["tiny_ablation_b0-seed0.json", "tiny_ablation_b1-seed0.json"]
    time.sleep(3)
    assert torch.load(checkpoint, weights_only=True)["global_step"] == stopped, "the row went on without its runner"
    broken = ["--rows", "B0", "B1", "B2", "B3"]  # not all, for time's sake
    subprocess.run([*words, *broken], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    after = {path.name: path.stat().st_mtime_ns for path in rows.glob("*.json")}
    assert {name: after[name] for name in before} == before
    assert len(after) == 4
    assert "Resuming" in (tmp_path / "runs/tiny_ablation_b2/row.log").read_text()
    assert read_row(rows / "tiny_ablation_b2-seed0.json").steps == 30


@pytest.mark.slow
def test_a_row_made_to_fail_is_one_reported_failure(mannequin_root, tmp_path):
    (tmp_path / "runs/tiny_ablation_b1").mkdir(parents=True)
    (tmp_path / "runs/tiny_ablation_b1/version_0").write_text("a file where the run's folder should be")
    words = [
        sys.executable, "-m", "imagpose", "table", "ablations", "--no-cache", "--rows", "B0", "B1", "B2",
        "--runs", str(tmp_path / "runs"), "--results", str(tmp_path / "results"), *quick(mannequin_root, 2),
    ]  # fmt: skip
    result = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 1
    assert "tiny_ablation_b1 failed: " in result.stderr
    assert "1 of 3 rows failed" in result.stderr
    assert len(list((tmp_path / "results/ablations/rows").glob("*.json"))) == 2
    text = (tmp_path / "results/ablations/tiny.md").read_text()
    assert "not run" in next(line for line in text.splitlines() if line.startswith("| B1 |"))


@pytest.mark.parametrize("name", ["tiny_ablation_b0", "tiny_imagpose"])
def test_a_committed_row_is_as_it_was_whatever_options_are_newer(name, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(runner, "carry_out", lambda *args: pytest.fail("a row was started"))
    shutil.copytree(ROOT / "results" / "ablations", tmp_path / "results" / "ablations")
    words = ["table", "ablations", "--rows", name, "--runs", str(tmp_path / "runs"), "--results",
             str(tmp_path / "results"), "--no_run"]  # fmt: skip
    assert main([*words, "--trainer.accelerator", "cpu"]) == 0
    assert main([*words, "--data.init_args.panels", "9"]) == 2
    assert f"{name} is finished, and was run with data.init_args.panels [4]" in capsys.readouterr().err


def test_a_row_of_other_classes_is_not_built(settings, capsys, tmp_path):
    job = plan(ARCHITECTURES, settings)[0]
    config = read_plain(experiment_words(job)).options
    config["trainer"]["callbacks"] = [{"class_path": "antigravity.Fly"}]
    write_row(row("tiny_m1", 0.5, config=config), settings.results, "architectures")
    words = ["--runs", str(settings.runs), "--results", str(settings.results), "--rows", "tiny_m1"]
    assert main(["table", "architectures", *words, "--trainer.accelerator", "cpu"]) == 2
    assert "names the class antigravity.Fly" in capsys.readouterr().err
