"""A run's row in the paper's tables, written at the end of its test; and how far it is, while it trains."""

from __future__ import annotations

import csv
import json
import os
import resource
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import TensorBoardLogger

from imagpose.callbacks.evaluation import Evaluation
from imagpose.data.datamodule import PoseDataModule
from imagpose.data.mannequins.folder import is_drawn
from imagpose.errors import InputError
from imagpose.evaluation.results import from_json
from imagpose.evaluation.scoring import Score
from imagpose.options.trust import read
from imagpose.output.files import whole_file
from imagpose.reproduction.paper import TABLES, scale_of
from imagpose.reproduction.report import render
from imagpose.reproduction.rows import PROGRESS, Pairs, Row, commit, device_name, write_row

_EVERY = 2.0  # seconds


def check_writable(results: Path) -> None:
    """Refuse a folder of tables that cannot be written, before anything is trained.

    Raises:
        InputError: It cannot.
    """
    there = next(folder for folder in (results, *results.parents) if folder.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise InputError(f"{results} cannot be written, as {there} is no folder to write into; name another --results.")


class TimedRow(Callback):
    """Counts a run's seconds and memory, over all parts of an interrupted one, and tells how far it is.

    A subclass writes the row of a table at the end of the test.
    """

    _commit: str | None = None  # of the code that trained
    _seconds, _peak, _told = 0.0, 0, 0.0
    _started: float | None = None

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Refuse a test of a part of the pairs before anything is trained."""
        if trainer.limit_test_batches != 1.0:
            option = "fast_dev_run" if trainer.fast_dev_run else "limit_test_batches"  # type: ignore[attr-defined]
            raise InputError(
                f"A row of a table is scored on all test pairs; leave out --trainer.{option}, or do without --table."
            )

    # While it runs ------------------------------------------------------------------------------------------------

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock."""
        self._started, self._commit = time.perf_counter(), commit()
        self._tell(trainer, "training")

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *args: Any) -> None:
        """Say how far the run is."""
        if time.monotonic() - self._told > _EVERY:
            self._tell(trainer, "training")

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say so."""
        self._tell(trainer, "validating")

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stop the clock."""
        self._seconds, self._started = self._so_far(), None

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say so, and agree on the folder: asking for it is a broadcast, which all processes must take part in."""
        assert trainer.log_dir is not None
        self._run, self._steps = Path(trainer.log_dir), trainer.global_step
        if trainer.ckpt_path and Path(trainer.ckpt_path).is_file():  # a finished run is tested again
            found = torch.load(trainer.ckpt_path, map_location="cpu", weights_only=True, mmap=True)
            self._steps = int(found["global_step"])
            if state := found["callbacks"].get(self.state_key):
                self.load_state_dict(state)
        self._tell(trainer, "testing")

    def state_dict(self) -> dict[str, Any]:
        """The time and memory so far, for the run that resumes this one."""
        return {"seconds": self._so_far(), "peak": max(self._peak, peak_memory()), "commit": self._commit}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on counting."""
        self._seconds, self._peak, self._commit = state_dict["seconds"], state_dict["peak"], state_dict.get("commit")

    def _so_far(self) -> float:
        return self._seconds + (time.perf_counter() - self._started if self._started else 0.0)

    def _tell(self, trainer: Trainer, stage: str) -> None:
        if not trainer.is_global_zero:
            return
        self._told = time.monotonic()
        loss = trainer.callback_metrics.get("train/loss")
        said = {
            "stage": stage, "step": trainer.global_step, "steps": trainer.max_steps,
            "loss": None if loss is None else float(loss), "at": time.time(),
        }  # fmt: skip
        logger = trainer.logger
        assert isinstance(logger, TensorBoardLogger)
        # Told every other second: no disk is waited for, and what cannot be told ends no run.
        with suppress(OSError), whole_file(Path(logger.root_dir) / PROGRESS) as unfinished:
            unfinished.write_text(json.dumps(said) + "\n", encoding="utf-8")


class TableRow(TimedRow):
    """Writes ``<results>/<table>/rows/<experiment>-seed<seed>.json`` at the end of a test and renders the tables.

    Rows come from many processes in any order: each is one file, written whole, and the rendered table is made of
    whatever rows are there.

    Args:
        experiment: Name of the row.
        seed: The run's seed.
        tables: Names of the tables that the row stands in.
        results: Folder of all tables.

    Raises:
        InputError: There is no such table, no table has such a row, or its folder cannot be written; or, when it
            starts, the test is a partial one.
    """

    def __init__(self, experiment: str, seed: int, tables: Sequence[str], results: Path) -> None:
        if unknown := [name for name in tables if name not in TABLES]:
            raise InputError(f"There is no table {unknown[0]!r}; there are: {', '.join(TABLES)}.")
        check_writable(results)
        self.experiment, self.seed, self.tables, self.results = experiment, seed, tuple(tables), Path(results)
        self.scale = scale_of(experiment)

    # At its end ---------------------------------------------------------------------------------------------------

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the row and render its tables."""
        if not trainer.is_global_zero:
            return
        row = self._row(trainer, pl_module)
        for table in self.tables:
            print(f"The row is in {write_row(row, self.results, table)}.")
        for table in self.tables:
            try:
                render(table, self.results, self.scale)
            except (InputError, OSError) as error:  # of another row or the disk: the run itself is whole
                print(f"The table {table} was not rendered: {error}")

    def _row(self, trainer: Trainer, module: LightningModule) -> Row:
        data = trainer.datamodule  # type: ignore[attr-defined]
        assert isinstance(data, PoseDataModule)
        drawn = is_drawn(data.root)
        scores, values = self._of_protocols(data)
        evaluation = next(c for c in trainer.callbacks if isinstance(c, Evaluation))  # type: ignore[attr-defined]
        if drawn:
            scores["figure"], values["figure"] = _of_figure(trainer, evaluation)
        # In the order of the data's own list; a pair that stands in it twice is one picture.
        numbers = {(pair.source, pair.target): number for number, pair in reversed(list(enumerate(data.test)))}
        order = sorted(numbers, key=lambda pair: numbers[pair])
        columns = {
            f"{protocol}/{metric}": [of[pair] for pair in order]
            for protocol, metrics in values.items()
            for metric, of in metrics.items()
            if np.isfinite(list(of.values())).all()
        }
        names = [f"{source} → {target}" for source, target in order]
        identities = [data.index.records[target].person for _, target in order]
        path = self._run / "config.yaml"
        return Row(
            self.experiment, self.seed, scores, Pairs(names, identities, columns), len(order), str(data.root), drawn,
            steps=self._steps, seconds=round(self._seconds, 1) if self._seconds else None,
            device=device_name(str(module.device)), peak_memory=max(self._peak, peak_memory()), commit=self._commit,
            config=read(path) if path.exists() else {},
        )  # fmt: skip

    def _of_protocols(self, data: PoseDataModule) -> tuple[dict[str, dict[str, Score]], dict[str, Any]]:
        """Scores, and by protocol, metric and pair the single values, as ``Protocols`` wrote them."""
        folder = self._run / "protocols"
        if not (folder / "evaluation.json").exists():
            return {}, {}
        values: dict[str, Any] = {}
        with open(folder / "images.csv", newline="", encoding="utf-8") as file:
            for line in csv.DictReader(file):
                pair = line.pop("from"), line.pop("to")
                line.pop("file")
                for name, value in line.items():
                    protocol, _, metric = name.partition("/")
                    values.setdefault(protocol, {}).setdefault(metric, {})[pair] = float(value)
        return from_json(folder / "evaluation.json"), values


def _of_figure(trainer: Trainer, evaluation: Evaluation) -> tuple[dict[str, Score], dict[str, Any]]:
    """What ``Evaluation`` found of the model itself."""
    data, found = trainer.datamodule, trainer.callback_metrics  # type: ignore[attr-defined]
    scores, values = {}, {}
    for name in next(iter(evaluation.by_pair.values())):
        scored, _, metric = name.partition("/")
        if scored != "test":
            continue
        pairs = {number: (data.test[number].source, data.test[number].target) for number in evaluation.by_pair}
        if not np.isfinite([of[name] for of in evaluation.by_pair.values()]).all():
            scores[metric] = Score(None, n=len(pairs), reason=f"{name} is not a number for some pairs.")
            continue
        values[metric] = {pairs[number]: of[name] for number, of in evaluation.by_pair.items()}
        low, high = (float(found[key]) if (key := f"{name}_{end}") in found else None for end in ("low", "high"))
        scores[metric] = Score(float(found[name]), low, high, len(pairs))
    return scores, values


def peak_memory() -> int:
    """Peak memory in bytes so far, of the GPU or else of the process."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
