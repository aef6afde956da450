"""A signal in a training: its step is saved, the command that resumes is printed, and what is logged has no seam."""

import json
import os
import shlex
import signal

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from imagpose.__main__ import main
from imagpose.callbacks.evaluation import Evaluation
from imagpose.callbacks.monitor import Monitor
from imagpose.data.datamodule import PoseDataModule
from imagpose.training.stopping import Stopped, Stopper, resuming_command
from tests.conftest import ROOT, left_unfinished


@pytest.fixture
def fit(mannequin_root, tmp_path, monkeypatch):
    """Train a tiny model; ``at`` gives signals by the step in which they come."""
    monkeypatch.chdir(ROOT)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background has it ignored
    files = ["experiments/_base.yaml", "experiments/tiny.yaml", "tests/quick.yaml"]
    words = [word for file in files for word in ("-c", file)] + ["--runs", str(tmp_path / "my runs")]
    words += ["--data.init_args.root", str(mannequin_root), "--trainer.val_check_interval", "4"]

    def fit_(at, *options):
        ended = Monitor.on_train_batch_end

        def signalling(self, trainer, *args):
            ended(self, trainer, *args)
            for signum in at.pop(trainer.global_step, ()):
                os.kill(os.getpid(), signum)

        with monkeypatch.context() as patch:
            patch.setattr(Monitor, "on_train_batch_end", signalling)
            return main(["fit", *words, *options])

    yield fit_
    signal.signal(signal.SIGINT, before)


def saved_step(tmp_path):
    return torch.load(tmp_path / "my runs/quick/version_0/checkpoints/last.ckpt", weights_only=True)["global_step"]


def test_signals_save_their_step_and_the_printed_command_resumes_it_without_a_seam(fit, tmp_path, capsys, recwarn):
    folder = tmp_path / "my runs/quick/version_0"
    assert fit({3: [signal.SIGINT]}, "--new", "true") == 130
    printed = capsys.readouterr()
    assert f"Starting {folder}: another run was asked for." in printed.out
    assert saved_step(tmp_path) == 3
    assert f"Stopped at step 3. {folder} is resumed from step 3 by:" in printed.err
    command = shlex.split(printed.err.strip().splitlines()[-1])
    assert command[1:4] == ["-m", "imagpose", "fit"]
    assert "--new" not in command
    assert command[-2:] == ["--folder", str(folder)]

    assert fit({4: [signal.SIGTERM]}, "--folder", str(folder)) == 143  # in the step that a validation follows
    printed = capsys.readouterr()
    assert f"Resuming {folder} from step 3: the run that was named." in printed.out
    assert saved_step(tmp_path) == 4
    assert (folder / "panels/step_000004.png").exists()
    assert (folder / "checkpoints/best.ckpt").exists()

    assert fit({7: [signal.SIGINT, signal.SIGINT]}) == 130  # the second does not wait for the save
    printed = capsys.readouterr()
    assert f"Resuming {folder} from step 4: the newest unfinished run with a checkpoint." in printed.out
    assert saved_step(tmp_path) == 6  # of every second step's own save
    assert "Stopped at step 7." in printed.err
    assert "is resumed from step 6 by:" in printed.err

    assert fit({9: [signal.SIGTERM]}) == 143
    events = EventAccumulator(str(folder)).Reload()
    for name in (
        "train/loss",
        "train/lr-AdamW",
        "train/grad_norm",
    ):  # the learning rate of step 10 was told before the stop
        assert [event.step for event in events.Scalars(name) if event.step < 10] == list(range(1, 10)), name
    assert [event.step for event in events.Scalars("val/ssim")] == [4, 8]
    assert [event.step for event in events.Images("val/panels")] == [4, 8]
    assert not [w for w in recwarn if "resuming from a checkpoint" in str(w.message)]
    assert not list(folder.rglob("*.unfinished"))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.slow
def test_accumulated_gradients_are_not_cut_by_a_signal(fit, tmp_path):
    accumulated = ("--trainer.accumulate_grad_batches", "2")
    assert fit({2: [signal.SIGTERM]}, *accumulated) == 143
    checkpoint = torch.load(tmp_path / "my runs/quick/version_0/checkpoints/last.ckpt", weights_only=True)
    batches = checkpoint["loops"]["fit_loop"]["epoch_loop.batch_progress"]["total"]["processed"]
    assert (checkpoint["global_step"], batches) == (2, 4)


def test_a_signal_before_the_first_step_leaves_nothing(fit, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(PoseDataModule, "prepare_data", lambda self: os.kill(os.getpid(), signal.SIGTERM))
    assert fit({}) == 143
    assert "there is nothing to resume" in capsys.readouterr().err
    assert not (tmp_path / "my runs/quick").exists()


def test_a_patient_stopper_waits_and_another_does_not():
    with Stopper() as stopper, pytest.raises(Stopped, match="143"):
        os.kill(os.getpid(), signal.SIGTERM)
    with Stopper() as stopper:
        stopper.patient = True
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)  # a batch system may send it twice
        with pytest.raises(Stopped, match="143"):
            stopper.check()


@pytest.mark.parametrize("new", [["--new", "true"], ["--new=true"]])
def test_the_resuming_command_repeats_all_words_but_new(new, tmp_path):
    words = ["fit", "-c", "a file.yaml", *new, "--trainer.max_steps", "9"]
    command = shlex.split(resuming_command(words, tmp_path))
    assert command[3:] == ["fit", "-c", "a file.yaml", "--trainer.max_steps", "9", "--folder", str(tmp_path)]
    assert shlex.split(resuming_command(words[:3], tmp_path))[3:] == words[:3]
    bare = shlex.split(resuming_command(["fit", "--new", "--exp", "tiny", "--new"], tmp_path))
    assert bare[3:] == ["fit", "--exp", "tiny", "--folder", str(tmp_path)]


@pytest.mark.slow
def test_killed_while_it_is_tested_a_run_resumes_at_the_test(fit, tmp_path, capsys, monkeypatch):
    folder, ended = tmp_path / "my runs/quick/version_0", Evaluation.on_test_start
    short = ("--trainer.max_steps", "2", "--data.init_args.test_pairs", "2")

    def die(self, *args):
        raise SystemExit(9)  # nothing of ours sees a kill; what it leaves is what is on the disk now

    monkeypatch.setattr(Evaluation, "on_test_start", die)
    with pytest.raises(SystemExit):
        fit({}, *short)
    monkeypatch.setattr(Evaluation, "on_test_start", ended)
    last = folder / "checkpoints/last.ckpt"
    assert saved_step(tmp_path) == 2
    assert not (folder / "metrics.json").exists()
    half = folder / left_unfinished()
    half.write_text("half of it")
    before = torch.load(last, weights_only=True)["state_dict"]

    assert fit({}, *short) == 0
    assert f"Resuming {folder} from step 2" in capsys.readouterr().out
    assert json.loads((folder / "metrics.json").read_text())["steps"] == 2
    for name, value in torch.load(last, weights_only=True)["state_dict"].items():
        assert torch.equal(value, before[name])
    assert not half.exists()
    events = EventAccumulator(str(folder)).Reload()
    assert [event.step for event in events.Scalars("train/loss")] == [1, 2]
    assert {event.step for event in events.Scalars("test/ssim")} == {2}
