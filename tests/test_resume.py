"""Killed with -9 at a random step and resumed, a run ends with the parameters of one that was not, bit for bit."""

import random
import subprocess
import sys
import time
from pathlib import Path

import torch

from tests.conftest import ROOT


def command(runs: Path, data: Path) -> list[str]:
    files = ["experiments/_base.yaml", "experiments/tiny.yaml", "tests/quick.yaml"]
    words = [word for file in files for word in ("-c", file)]
    options = ["--runs", str(runs), "--data.init_args.root", str(data), "--data.init_args.num_workers", "2"]
    return [sys.executable, "-m", "imagpose", "fit", *words, *options, "--trainer.max_steps", "30"]


def final_state(runs: Path) -> dict:
    return torch.load(runs / "quick/version_0/checkpoints/last.ckpt", weights_only=True)


def test_kill_and_resume_is_exact(mannequin_root, tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    subprocess.run(command(whole, mannequin_root), cwd=ROOT, check=True, capture_output=True)

    process = subprocess.Popen(
        command(broken, mannequin_root), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    checkpoint = broken / "quick/version_0/checkpoints/last.ckpt"
    while not checkpoint.exists() and process.poll() is None:
        time.sleep(0.02)
    time.sleep(random.uniform(0, 1.0))
    process.kill()
    process.wait()
    stopped_at = torch.load(checkpoint, weights_only=True)["global_step"]
    assert 0 < stopped_at < 30, "the run was over before it could be killed"
    result = subprocess.run(command(broken, mannequin_root), cwd=ROOT, check=True, capture_output=True, text=True)
    assert "Resuming" in result.stdout

    a, b = final_state(whole), final_state(broken)
    assert a["global_step"] == b["global_step"] == 30
    assert a["state_dict"].keys() == b["state_dict"].keys()
    for name, value in a["state_dict"].items():
        assert torch.equal(value, b["state_dict"][name]), f"{name} differs after a kill at step {stopped_at}"
    for x, y in zip(a["ema"]["shadow_params"], b["ema"]["shadow_params"], strict=True):
        assert torch.equal(x, y)
