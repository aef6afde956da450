"""Checkpoints and a disk that is full, another file system than that of temporary files, and kills while saving."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from lightning import Callback, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.demos.boring_classes import BoringModel

from imagpose.output.files import drop_unfinished, write_whole
from imagpose.training.checkpoint_io import CheckpointFiles
from imagpose.training.forget import ForgetUnsaved
from tests.conftest import ROOT


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own with 300 KB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "none", disk], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"a small file system cannot be mounted here ({mounted.stderr.strip()})")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


@pytest.fixture
def other_disk(tmp_path):
    """A folder on another file system than the one of temporary files."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("/dev/shm is no file system of its own here")
    folder = memory / f"imagpose-test-{os.getpid()}"
    folder.mkdir()
    yield folder
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


def state(step, tensors=1, size=100):
    return {
        "global_step": step,
        "state_dict": {f"network.{i}": torch.full((size,), float(step)) for i in range(tensors)},
    }


def read(path):
    return torch.load(path, weights_only=True)


@pytest.mark.parametrize("large", [{"size": 300_000}, {"tensors": 9, "size": 30_000}])
def test_a_full_disk_keeps_the_checkpoint_before_and_the_next_save_succeeds(small_disk, capsys, large):
    path, files = small_disk / "checkpoints/last.ckpt", CheckpointFiles()
    files.save_checkpoint(state(1), path)
    files.save_checkpoint(state(2, **large), path)
    assert files.failure == "No space left on device"
    told = capsys.readouterr().err
    assert f"{path} was not saved at step 2 (No space left on device)" in told
    assert read(path)["global_step"] == 1
    assert [p.name for p in path.parent.iterdir()] == ["last.ckpt"]
    files.save_checkpoint(state(3), path)
    assert files.failure is None
    assert read(path)["global_step"] == 3


def test_results_on_a_full_disk_are_those_before(small_disk):
    path = small_disk / "metrics.json"
    write_whole(path, "{}")
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, "x" * 400_000)
    assert path.read_text() == "{}"
    assert [p.name for p in small_disk.iterdir()] == ["metrics.json"]


def test_a_checkpoint_is_written_beside_the_one_before_and_is_on_the_disk_before_it_replaces_it(tmp_path, monkeypatch):
    path, files, did = tmp_path / "best.ckpt", CheckpointFiles(), []
    files.save_checkpoint(state(1), path)
    sync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda number: (did.append("sync"), sync(number)))
    monkeypatch.setattr(
        os, "replace", lambda a, b: (did.append((Path(a).parent, read(b)["global_step"])), replace(a, b))
    )
    files.save_checkpoint(state(2), path)
    assert did == ["sync", (tmp_path, 1), "sync"]
    assert read(path)["global_step"] == 2


def test_a_score_whose_checkpoint_was_not_written_is_forgotten(tmp_path):
    class Files(CheckpointFiles):
        full = False

        def save_checkpoint(self, checkpoint, path, storage_options=None):
            self.failure = "No space left on device" if self.full else None
            if not self.full:
                super().save_checkpoint(checkpoint, path, storage_options)

    class Scored(BoringModel):
        def validation_step(self, batch, batch_idx):
            self.log("score", scores[self.trainer.global_step])

    scores, files, step_of_best = {1: 0.5, 2: 0.9, 3: 0.7, 4: 0.6}, Files(), {}

    class Disk(Callback):
        def on_validation_start(self, trainer, module):
            files.full = trainer.global_step == 2

        def on_train_batch_start(self, trainer, *args):
            if trainer.global_step:
                step_of_best[trainer.global_step] = read(tmp_path / "best.ckpt")["global_step"]

    best = ModelCheckpoint(tmp_path, filename="best", monitor="score", mode="max", enable_version_counter=False)
    trainer = Trainer(
        max_steps=5, val_check_interval=1, check_val_every_n_epoch=None, max_epochs=1, limit_val_batches=1,
        num_sanity_val_steps=0, accelerator="cpu", logger=False,
        callbacks=[Disk(), best, ForgetUnsaved(files)], plugins=[files], enable_progress_bar=False,
        enable_model_summary=False,
    )  # fmt: skip
    scores[5] = 0.1
    trainer.fit(Scored())
    assert step_of_best == {1: 1, 2: 1, 3: 3, 4: 3}
    assert float(best.best_model_score) == pytest.approx(0.7)


def test_an_error_that_is_not_the_disk_s_is_raised(tmp_path):
    with pytest.raises(Exception, match="pickle"):
        CheckpointFiles().save_checkpoint({"global_step": 1, "code": lambda: None}, tmp_path / "last.ckpt")
    assert not list(tmp_path.iterdir())


_SAVE = """
import sys, torch
from imagpose.training.checkpoint_io import CheckpointFiles
files, step = CheckpointFiles(), 0
while True:
    step += 1
    tensors = {f"network.{i}": torch.full((2_000_000,), float(step)) for i in range(4)}
    files.save_checkpoint({"global_step": step, "state_dict": tensors}, sys.argv[1])
    print(step, flush=True)
"""


def kill_while_saving(path, other, kills):
    """Kill a process that saves 32 MB again and again; each time what is there must be one whole checkpoint."""
    interrupted = 0
    for _ in range(kills):
        process = subprocess.Popen(
            [sys.executable, "-c", _SAVE, str(path)],
            cwd=ROOT,
            stdout=-1,
            text=True,
            env={**os.environ, "TMPDIR": str(other)},
        )
        process.stdout.readline()
        time.sleep(random.uniform(0, 0.3))
        process.kill()
        process.wait()
        interrupted += bool(list(path.parent.glob(".*.unfinished")))
        found = read(path)
        for value in found["state_dict"].values():
            assert value.eq(found["global_step"]).all()
        drop_unfinished(path.parent)
        assert [p.name for p in path.parent.iterdir()] == ["last.ckpt"]
    assert interrupted, "no kill came while a checkpoint was being written"


@pytest.mark.slow
def test_after_twenty_kills_while_saving_on_two_file_systems_the_checkpoint_loads(other_disk, tmp_path):
    kill_while_saving(other_disk / "last.ckpt", tmp_path, kills=10)
    (tmp_path / "runs").mkdir()
    kill_while_saving(tmp_path / "runs/last.ckpt", other_disk, kills=10)
