"""Which run a training goes on with, and that no two trainings write into one folder."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from filelock import FileLock, Timeout
from lightning.pytorch.utilities import rank_zero_only

from imagpose.errors import InputError
from imagpose.output.files import drop_unfinished
from imagpose.training import runs
from imagpose.training.runs import Run

_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP)
_PATIENCE = 1.0  # seconds; who only looks whether a run is trained holds its lock for a moment
_GIVEN = "IMAGPOSE_RUN"  # the run's folder, for the processes that the first one launches


class Finished(Exception):  # noqa: N818 - no error
    """There is nothing left to do; the message says where the results are."""


@dataclass(frozen=True)
class Asked:
    """What a training's command line says of its run.

    Attributes:
        root: Folder of all runs.
        experiment: Name of its runs.
        folder: Of the run to resume; None chooses one.
        new: Whether to start another run.
    """

    root: Path
    experiment: str
    folder: Path | None = None
    new: bool = False


def is_first_process() -> bool:
    """Whether this process claims and writes the run: of all processes of all machines, the first."""
    node = os.environ.get("GROUP_RANK") or os.environ.get("NODE_RANK") or "0"
    return rank_zero_only.rank == 0 and int(node) == 0  # type: ignore[attr-defined]


def begin(asked: Asked) -> tuple[Run, Claim | None]:
    """Find the run to go on with or start one, claim it, and say which it is and why.

    Returns:
        The run, and this process's claim to it; None in processes other than the first, which write nothing.

    Raises:
        Finished: The run was trained and tested to its end.
        InputError: The run cannot be resumed or started.
    """
    given = os.environ.get(_GIVEN)
    if given is not None and not is_first_process():
        return Run.of_folder(Path(given)), None
    run = None
    if asked.folder is not None:
        if asked.new:
            raise InputError("--folder names a run to resume and --new true starts another; give one of the two.")
        run, why = runs.from_folder(asked.folder), "the run that was named"
    elif not asked.new:
        run, why = choose(asked.root, asked.experiment), "the newest unfinished run with a checkpoint"
    if run is not None and run.complete:
        raise Finished(
            f"The run in {run.folder} is finished; its results are in {run.metrics}. RUN=new starts another."
        )
    newest = runs.newest(asked.root, asked.experiment)
    if not is_first_process():  # started together with the first, which may have made its folder by now
        return run or newest or Run(asked.root, asked.experiment, 0), None
    if run is not None:
        claim = Claim(run)
        claim.step = runs.check_checkpoint(run.last) if run.last.exists() else None
        print(f"Resuming {run.folder}{'' if claim.step is None else f' from step {claim.step}'}: {why}.", flush=True)
    else:
        if asked.new:
            why = "another run was asked for"
        else:
            why = "no run there has a checkpoint to resume" if newest else f"the first run of {asked.experiment}"
        claim = Claim.new(asked.root, asked.experiment)
        print(f"Starting {claim.run.folder}: {why}.", flush=True)
    os.environ[_GIVEN] = str(claim.run.folder)
    for folder in (claim.run.folder, claim.run.last.parent):
        drop_unfinished(folder)
    return claim.run, claim


def choose(root: Path, experiment: str) -> Run | None:
    """The run to go on with.

    Args:
        root: Folder of all runs.
        experiment: Name of the runs.

    Returns:
        The newest run if it is finished, for its owner to read; else the newest unfinished one that has a checkpoint
        or is being trained; None where a new one is to be started.

    Raises:
        InputError: Something that is no folder stands where a run should be.
    """
    found = runs.all_of(root, experiment)
    for run in found:
        if not run.folder.is_dir():
            raise InputError(f"{run.folder} is no folder, but has the name of a run's; move it away.")
    if found and found[0].complete:
        return found[0]
    return next((run for run in found if not run.complete and (run.last.exists() or _is_held(run))), None)


class Claim:
    """A run that this process alone trains, until it ends, however it ends, or releases it.

    Args:
        run: Whose folder is there.
        made: Whether the folder was made by this process.

    Attributes:
        step: Optimiser steps of the checkpoint that it is resumed from; None where there is none, or it is of shards.

    Raises:
        InputError: Another process trains the run, or the folder cannot be written.
    """

    step: int | None = None

    def __init__(self, run: Run, made: bool = False) -> None:
        self.run, self.made = run, made
        self._lock = FileLock(_lock_file(run))
        try:
            self._lock.acquire(timeout=_PATIENCE, poll_interval=_PATIENCE / 20)
        except Timeout as error:
            raise InputError(
                f"{run.folder} is being trained by another process; wait until that ends, or start another run with "
                "RUN=new (--new true)."
            ) from error
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise _unwritable(run.folder, error) from error
            print(f"The file system of {run.folder} has no locks; see to it that no other process trains this run.")

    @classmethod
    def new(cls, root: Path, experiment: str) -> Claim:
        """Claim the next number; of two processes that try at once, each gets its own.

        Raises:
            InputError: No folder can be made.
        """
        newest = runs.newest(root, experiment)
        for number in count(newest.version + 1 if newest else 0):
            run = Run(root, experiment, number)
            try:
                run.folder.mkdir(parents=True)
            except FileExistsError:  # another process was faster, or it is a file
                if not run.folder.exists():
                    raise InputError(f"{root / experiment} is no folder; move it away.") from None
            except OSError as error:
                raise _unwritable(run.folder, error) from error
            else:
                return cls(run, made=True)
        raise AssertionError("numbers do not end")

    def release(self) -> None:
        """Let others train the run."""
        self._lock.release()

    def withdraw(self) -> None:
        """Leave nothing of a run that took no step; a run that was there before stays."""
        if self.made:
            shutil.rmtree(self.run.folder, ignore_errors=True)
            with suppress(OSError):  # other runs are in it
                self.run.folder.parent.rmdir()
        self.release()


def _lock_file(run: Run) -> Path:
    return run.folder / ".lock"


def _is_held(run: Run) -> bool:
    """Whether a process trains the run now; only the first process asks."""
    if not is_first_process() or not _lock_file(run).exists():
        return False
    lock = FileLock(_lock_file(run))
    try:
        lock.acquire(timeout=_PATIENCE / 2, poll_interval=_PATIENCE / 20)
    except Timeout:
        return True
    except OSError:
        return False
    lock.release()
    return False


def _unwritable(path: Path, error: OSError) -> InputError:
    return InputError(f"{path} cannot be written ({error.strerror}); make room there, or name another --runs.")
