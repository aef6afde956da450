"""Which run a training goes on with, and that no two go on with one."""

import shlex
import subprocess
import sys

import pytest
import torch

from imagpose.__main__ import main
from imagpose.errors import InputError
from imagpose.training import runs
from imagpose.training.claims import Asked, Claim, Finished, begin
from imagpose.training.runs import Run
from tests.conftest import ROOT, left_unfinished


@pytest.fixture
def make(tmp_path):
    """A run folder as a training leaves it."""

    def make_(version, step=None, finished=False):
        run = Run(tmp_path, "quick", version)
        run.folder.mkdir(parents=True)
        run.config.write_text("{}")
        if step is not None:
            run.last.parent.mkdir()
            torch.save({"state_dict": {}, "global_step": step, "pytorch-lightning_version": "2.6.6"}, run.last)
        if finished:
            run.metrics.write_text("{}")
        return run

    return make_


@pytest.fixture
def begun(tmp_path):
    """Begin as ``fit`` does; returns the run's number."""
    claims = []

    def begin_(**asked):
        run, claim = begin(Asked(tmp_path, "quick", **asked))
        claims.append(claim)
        return run.version

    yield begin_
    for claim in claims:
        claim.release()


def test_the_first_run_is_number_0_and_another_gets_the_next_number(begun, capsys, tmp_path):
    assert begun() == 0
    assert capsys.readouterr().out == f"Starting {tmp_path}/quick/version_0: the first run of quick.\n"
    assert begun(new=True) == 1
    assert "another run was asked for" in capsys.readouterr().out


def test_a_failed_start_does_not_hide_the_run_before_it(make, begun, capsys):
    make(0, step=60)
    make(1)
    assert begun() == 0
    assert "version_0 from step 60: the newest unfinished run with a checkpoint." in capsys.readouterr().out


def test_the_newest_of_several_unfinished_runs_is_resumed(make, begun):
    for version in (2, 9, 10):
        make(version, step=version)
    assert begun() == 10


def test_where_nothing_can_be_resumed_a_new_folder_is_made(make, begun, capsys):
    kept = make(0)
    assert begun() == 1
    assert "no run there has a checkpoint to resume" in capsys.readouterr().out
    assert kept.config.read_text() == "{}"


def test_a_finished_newest_run_says_so_and_a_named_one_too(make, begun):
    make(0, step=60)
    make(1, step=100, finished=True)
    with pytest.raises(Finished, match=r"version_1 is finished; its results are in .*metrics.json"):
        begun()
    with pytest.raises(Finished, match="version_1 is finished"):
        begun(folder=make(2).folder.with_name("version_1"))
    assert begun(folder=make(3).folder.with_name("version_0")) == 0


def test_a_named_run_must_be_one_with_a_checkpoint(make, begun, tmp_path):
    for folder, message in ((tmp_path / "old", "is no run folder"), (make(0).folder, "has no checkpoints/last.ckpt")):
        with pytest.raises(InputError, match=message):
            begun(folder=folder)
    with pytest.raises(InputError, match="give one of the two"):
        begun(folder=tmp_path, new=True)


def test_a_file_with_the_name_of_a_run_is_not_overwritten(begun, tmp_path):
    (tmp_path / "quick").mkdir()
    (tmp_path / "quick/version_0").write_text("mine")
    with pytest.raises(InputError, match="version_0 is no folder"):
        begun()
    assert (tmp_path / "quick/version_0").read_text() == "mine"


def test_a_checkpoint_is_looked_at_once(tiny_words, tmp_path, monkeypatch, capsys):
    run, read, seen = Run(tmp_path, "quick", 0), runs.check_checkpoint, []
    run.last.parent.mkdir(parents=True)
    torch.save({"state_dict": {"x": torch.zeros(2)}, "global_step": 5, "pytorch-lightning_version": "2.6.6"}, run.last)
    monkeypatch.setattr(runs, "check_checkpoint", lambda path: (seen.append(path), read(path))[1])
    assert main(["fit", *tiny_words]) == 2
    told = capsys.readouterr()
    assert "from step 5" in told.out
    assert "of another experiment" in told.err
    assert seen == [run.last]


@pytest.mark.parametrize("step", [None, 60])
def test_a_run_that_is_trained_is_not_trained_twice(make, begun, step):
    run = make(0, step)
    claim = Claim(run)
    for asked in [{}] + [{"folder": run.folder}] * (step is not None):
        with pytest.raises(InputError, match="version_0 is being trained by another process"):
            begun(**asked)
    assert begun(new=True) == 1
    claim.release()
    if step is not None:
        assert begun(folder=run.folder) == 0


def test_a_withdrawn_claim_leaves_nothing_of_a_new_run_and_all_of_an_old_one(make, tmp_path):
    old = make(0, step=60)
    Claim(old).withdraw()
    assert old.last.exists()
    claim = Claim.new(tmp_path, "quick")
    (claim.run.folder / "events").write_text("of no step")
    claim.withdraw()
    assert [run.version for run in runs.all_of(tmp_path, "quick")] == [0]


def test_what_killed_processes_left_half_written_is_removed(make, begun):
    run = make(0, step=60)
    halves = [folder / left_unfinished() for folder in (run.folder, run.last.parent)]
    for half in halves:
        half.write_text("half")
    begun()
    assert not any(half.exists() for half in halves)
    assert run.last.exists()


def test_make_train_names_a_run_by_its_folder():
    def command(run):
        told = subprocess.run(
            ["make", "--no-print-directory", "--dry-run", "--old-file=.venv/.done", "train", f"RUN={run}"],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        return shlex.split(told.stdout.strip().splitlines()[-1])

    assert command("new")[-2:] == ["--new", "true"]
    assert command("runs/tiny/version_0")[-2:] == ["--folder", "runs/tiny/version_0"]
    assert command("")[-2:] == ["--exp", "tiny"]


def test_anything_else_in_run_is_one_sentence(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert main(["fit", "-c", "experiments/_base.yaml", "-c", "experiments/tiny.yaml", "--folder", "nwe"]) == 2
    assert capsys.readouterr().err.startswith("Error: nwe is no run folder; name one")


_BEGIN = """
import sys, time
from pathlib import Path
from imagpose.training.claims import Asked, begin
from imagpose.errors import InputError
print("ready", flush=True)
sys.stdin.readline()
try:
    run, claim = begin(Asked(Path(sys.argv[1]), "quick", new=sys.argv[2] == "new"))
except InputError as error:
    print("refused", error, flush=True)
else:
    print("claimed", run.version, flush=True)
    sys.stdin.readline()
"""


def race(root, how):
    """What two processes say that begin at the same moment."""
    both = [
        subprocess.Popen([sys.executable, "-c", _BEGIN, str(root), word], cwd=ROOT, stdin=-1, stdout=-1, text=True)
        for word in how
    ]
    for process in both:
        assert process.stdout.readline() == "ready\n"
    for process in both:
        process.stdin.write("\n")
        process.stdin.flush()
    said = []
    for process in both:
        while (line := process.stdout.readline()).startswith(("Resuming", "Starting")):
            pass
        said.append(line.strip())
    for process in both:
        process.kill()
        process.wait()
    return said


@pytest.mark.slow
@pytest.mark.parametrize("how", [("", ""), ("", "new"), ("new", "new")])
@pytest.mark.parametrize("step", [None, 60])
def test_of_two_that_begin_at_once_none_gets_the_other_s_folder(make, tmp_path, how, step):
    if step is not None:
        make(0, step)
    for _ in range(10):
        said = race(tmp_path, how)
        claimed = [line for line in said if line.startswith("claimed")]
        assert len(set(claimed)) == len(claimed) >= 1
        assert all("is being trained" in line for line in said if line not in claimed)
        if step is not None and how == ("", ""):
            assert len(claimed) == 1
        if how == ("new", "new"):
            assert len(claimed) == 2
