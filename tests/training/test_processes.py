"""Two processes (gloo), started by our own command line, do what one does with twice the batch."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.conftest import ROOT

TWO = ["--trainer.accelerator", "cpu", "--trainer.devices", "2", "--trainer.strategy", "ddp"]
ONE = ["--trainer.accelerator", "cpu", "--trainer.devices", "1"]


def fit(data: Path, runs: Path, steps: int, options: list[str]) -> subprocess.CompletedProcess[str]:
    config = runs / "plain_sgd.yaml"
    runs.mkdir(exist_ok=True)
    config.write_text(
        "model: {class_path: tests.plain_sgd.PlainSGD}\n"
        "trainer: {callbacks+: [{class_path: tests.plain_sgd.KeepGradients, "
        f"init_args: {{path: {runs / 'gradients.pt'}}}}}, "
        "{class_path: lightning.pytorch.callbacks.ModelCheckpoint, init_args: {every_n_train_steps: 3, save_top_k: -1, "
        "filename: 'step_{step}', auto_insert_metric_name: false}}]}\n"
    )
    files = ["experiments/_base.yaml", "experiments/tiny.yaml", "tests/quick.yaml", str(config)]
    words = [word for file in files for word in ("-c", file)]
    words += ["--runs", str(runs), "--data.init_args.root", str(data), "--data.init_args.num_workers", "0"]
    words += ["--trainer.max_steps", str(steps), "--trainer.val_check_interval", "6"]  # a validation too
    command = [sys.executable, "-m", "imagpose", "fit", *words, *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


def checkpoint(runs: Path) -> dict:
    return torch.load(runs / "plain_sgd/version_0/checkpoints/last.ckpt", weights_only=True)


@pytest.fixture
def both(mannequin_root, tmp_path_factory) -> tuple[Path, Path]:
    one, two = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("two")
    for runs, options in ((one, [*ONE, "--data.init_args.batch_size", "4"]), (two, TWO)):
        result = fit(mannequin_root, runs, 6, options)
        assert result.returncode == 0, result.stderr
    return one, two


def gradients_are_those_of_twice_the_batch(both):
    one, two = (torch.load(runs / "gradients.pt", weights_only=True) for runs in both)
    assert one.keys() == two.keys()
    assert any(gradient.abs().max() > 1e-3 for gradient in one.values())
    for name, gradient in one.items():
        torch.testing.assert_close(two[name], gradient, rtol=0, atol=1e-5, msg=name)


def parameters_are_too(both):
    one, two = (checkpoint(runs) for runs in both)
    assert one["global_step"] == two["global_step"] == 6
    for name, parameter in one["state_dict"].items():
        torch.testing.assert_close(two["state_dict"][name], parameter, rtol=0, atol=1e-5, msg=name)


def the_test_sees_each_pair_once_and_scores_the_same(both):
    one, two = (json.loads((runs / "plain_sgd/version_0/metrics.json").read_text()) for runs in both)
    assert one.keys() == two.keys()
    assert two["test/ssim_n"] == 6
    pictures = [{path.name for path in runs.glob("plain_sgd/version_0/test_images/*.png")} for runs in both]
    assert pictures[0] == pictures[1]
    assert len(pictures[1]) == 6
    assert "strict/ssim_256" in two
    for name, value in one.items():
        assert two[name] == pytest.approx(value, abs=2e-3), name


def the_run_of_two_goes_on_in_one(both, mannequin_root, tmp_path):
    """From its middle, with the steps parted into two batches each; it ends as the one that was not interrupted."""
    _, two = both
    runs = tmp_path / "moved"
    folder = shutil.copytree(two / "plain_sgd/version_0", runs / "plain_sgd/version_0")
    (folder / "metrics.json").unlink()  # as if it had been interrupted at the third step
    config = folder / "config.yaml"  # names the test's own folder
    config.write_text(config.read_text().replace(str(two), str(runs)))
    (folder / "checkpoints/last.ckpt").unlink()
    (folder / "checkpoints/step_3.ckpt").rename(folder / "checkpoints/last.ckpt")
    refused = fit(mannequin_root, runs, 6, ONE)
    assert refused.returncode == 2
    assert "steps were of 4 canvases and would be of 2 now" in refused.stderr
    assert "Traceback" not in refused.stderr
    resumed = fit(mannequin_root, runs, 6, [*ONE, "--trainer.accumulate_grad_batches", "2"])
    assert resumed.returncode == 0, resumed.stderr
    assert "Resuming" in resumed.stdout
    assert json.loads((folder / "metrics.json").read_text())["steps"] == 6
    ours, theirs = checkpoint(runs), checkpoint(two)
    assert ours["global_step"] == 6
    for name, parameter in theirs["state_dict"].items():
        torch.testing.assert_close(ours["state_dict"][name], parameter, rtol=0, atol=1e-5, msg=name)


@pytest.mark.slow
def test_two_processes_do_what_one_does_and_the_run_goes_on_in_one(both, mannequin_root, tmp_path):
    """One test of four laws: the two runs that they look at take a minute, and workers would each make their own."""
    gradients_are_those_of_twice_the_batch(both)
    parameters_are_too(both)
    the_test_sees_each_pair_once_and_scores_the_same(both)
    the_run_of_two_goes_on_in_one(both, mannequin_root, tmp_path)
