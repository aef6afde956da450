"""Rows as SLURM jobs, through submitit: submitted once, resumed where the time limit stopped them, collected later."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import submitit
from rich.console import Console
from rich.table import Table

from imagpose.errors import InputError
from imagpose.output.files import write_whole
from imagpose.reproduction.jobs import PlannedRow, carry_out, complaint, experiment_words
from imagpose.training.experiment import read_options

_JOBS: dict[str, type[submitit.Job]] = {"slurm": submitit.SlurmJob, "local": submitit.LocalJob}


class RowJob:
    """What a node carries out."""

    def __call__(self, job: PlannedRow) -> int:
        """Run the row's commands; in each of its tasks, whose ranks Lightning then joins."""
        status = carry_out(job)
        first = submitit.JobEnvironment().global_rank == 0  # which writes the row, after the others may have ended
        if status or (first and not job.row.exists()):
            raise RuntimeError(complaint(job))  # for SLURM's own records
        return status

    def checkpoint(self, job: PlannedRow) -> submitit.helpers.DelayedSubmission:
        """Out of time: queue again; ``fit`` resumes from the run's last checkpoint."""
        return submitit.helpers.DelayedSubmission(RowJob(), job)


def resources(options: Any) -> dict[str, Any]:
    """What an experiment asks a node for, in submitit's words.

    Args:
        options: The options of the experiment's command line, parsed.
    """
    devices = options.trainer.devices
    each = devices if isinstance(devices, int) and devices > 0 else 1
    return {
        "nodes": options.trainer.num_nodes,
        "tasks_per_node": each,
        "cpus_per_task": options.data.init_args.num_workers + 1,
        **({} if options.trainer.accelerator == "cpu" else {"gpus_per_node": each}),
    }


def submit(
    jobs: Sequence[PlannedRow], asked: Mapping[str, Any], console: Console, cluster: str = "slurm"
) -> dict[str, str]:
    """Submit the rows that are neither finished nor queued, and tell how all of them are.

    Args:
        jobs: All rows.
        asked: Further parameters of submitit's executor, such as ``slurm_partition`` or ``timeout_min``.
        console: The console that the list is printed on.
        cluster: ``slurm``, or ``local``: submitit's own processes on this machine.

    Returns:
        Why rows failed, by name; they are submitted again by the next call.

    Raises:
        InputError: There is no SLURM here, or it refuses.
    """
    view, failed = Table("row", "state", "job", title="Rows"), {}
    for job in jobs:
        state, number = _state(job, cluster)
        if state == "failed":
            _record(job).unlink()
            failed[job.name] = complaint(job)
        elif state == "waiting":
            number = _submit(job, asked, cluster)
            state = "submitted"
        view.add_row(job.name, state, number)
    console.print(view)
    return failed


def _record(job: PlannedRow) -> Path:
    return job.folder / "slurm.json"


def _state(job: PlannedRow, cluster: str) -> tuple[str, str]:
    """Of a row, and its job's number."""
    try:
        number = str(json.loads(_record(job).read_text(encoding="utf-8"))["job"])
    except (OSError, ValueError, KeyError):
        number = ""
    if job.row.exists():
        return "finished", number
    if not number:
        return "waiting", ""
    known = _JOBS[cluster](job.folder / "slurm", number)
    return ("failed", number) if known.done(force_check=True) else (known.state.lower(), number)


def _submit(job: PlannedRow, asked: Mapping[str, Any], cluster: str) -> str:
    """Submit one row."""
    wanted = resources(read_options(experiment_words(job)))
    often = {"slurm_max_num_timeout": 100} if cluster == "slurm" else {}  # of days that a training may take
    try:
        executor = submitit.AutoExecutor(folder=job.folder / "slurm", cluster=cluster, **often)
        executor.update_parameters(name=job.name, **{"timeout_min": 24 * 60, **wanted, **asked})
        number = str(executor.submit(RowJob(), job).job_id)
    except (  # all that submitit raises at a parameter that is not as it wants it, or at sbatch's refusal
        RuntimeError, NameError, AssertionError, TypeError, ValueError, OSError, submitit.core.utils.FailedJobError,
    ) as error:  # fmt: skip
        raise InputError(
            f"{job.name} was not submitted ({' '.join(str(error).split())}); call it where sbatch works, look at "
            "--slurm, or leave out LAUNCHER=slurm."
        ) from error
    write_whole(_record(job), json.dumps({"job": number}) + "\n")
    return number
