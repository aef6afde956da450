"""Killed with -9 at a random step and resumed, a run ends with the parameters of one that was not, bit for bit."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from tests.conftest import ROOT

STEPS = 30


def command(runs: Path, data: Path, options: list[str]) -> list[str]:
    files = ["experiments/_base.yaml", "experiments/tiny.yaml", "tests/quick.yaml"]
    words = [word for file in files for word in ("-c", file)]
    words += ["--runs", str(runs), "--data.init_args.root", str(data), "--data.init_args.num_workers", "2"]
    words += [
        "--trainer.max_steps",
        str(STEPS),
        "--trainer.val_check_interval",
        "1000",
        "--data.init_args.test_pairs",
        "2",
    ]
    return [sys.executable, "-m", "imagpose", "fit", *words, *options]


def checkpoint(runs: Path) -> Path:
    return runs / "quick/version_0/checkpoints/last.ckpt"


def kill_after_next_save(words: list[str], path: Path) -> int:
    """Start, wait for a checkpoint newer than what is there, kill at a random moment; returns the step saved."""
    before = path.stat().st_mtime_ns if path.exists() else 0
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and (not path.exists() or path.stat().st_mtime_ns == before):
        time.sleep(0.01)
    time.sleep(random.uniform(0, 0.6))
    process.kill()
    process.wait()
    return int(torch.load(path, weights_only=True)["global_step"])


def prove(data: Path, tmp_path: Path, kills: int, options: list[str]) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    subprocess.run(command(whole, data, options), cwd=ROOT, check=True, capture_output=True)
    stops = [kill_after_next_save(command(broken, data, options), checkpoint(broken)) for _ in range(kills)]
    assert 0 < stops[0] < STEPS, "the run was over before it could be killed"
    result = subprocess.run(command(broken, data, options), cwd=ROOT, check=True, capture_output=True, text=True)
    assert "Resuming" in result.stdout

    a, b = (torch.load(checkpoint(runs), weights_only=True) for runs in (whole, broken))
    assert a["global_step"] == b["global_step"] == STEPS
    assert a["state_dict"].keys() == b["state_dict"].keys()
    for name, value in a["state_dict"].items():
        assert torch.equal(value, b["state_dict"][name]), f"{name} differs after kills at steps {stops}"
    for x, y in zip(a["ema"]["shadow_params"], b["ema"]["shadow_params"], strict=True):
        assert torch.equal(x, y), f"the average differs after kills at steps {stops}"


@pytest.mark.slow
def test_kill_and_resume_is_exact(mannequin_root, tmp_path):
    prove(mannequin_root, tmp_path, kills=1, options=[])


@pytest.mark.slow
def test_kills_between_accumulated_steps_and_in_bf16_are_exact_too(mannequin_root, tmp_path):
    options = ["--trainer.accumulate_grad_batches", "2", "--trainer.precision", "bf16-mixed"]
    prove(mannequin_root, tmp_path, kills=3, options=options)
