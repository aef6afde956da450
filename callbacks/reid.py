"""What runs leave for the table of re-identification: BoT's its row, and a generator's the time that it took."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from lightning import LightningModule, Trainer

from imagpose.callbacks.row import TimedRow, check_writable, peak_memory
from imagpose.data.mannequins.cameras import is_drawn
from imagpose.errors import InputError
from imagpose.options.trust import read
from imagpose.output.files import write_whole
from imagpose.reid.bot import Bot
from imagpose.reid.datamodule import ReidDataModule
from imagpose.reid.made import CLOCK
from imagpose.reid.scores import PROTOCOL
from imagpose.reproduction.rows import Pairs, Row, device_name, row_path, write_row


class GeneratorClock(TimedRow):
    """Writes what a generator's training took, ``clock.json`` in its run; a generator is tested on nothing."""

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Take any test."""

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the time."""
        super().on_train_end(trainer, pl_module)
        if trainer.is_global_zero and trainer.log_dir is not None:
            device = device_name(str(pl_module.device))
            told = {"seconds": round(self._seconds, 1), "device": device, "commit": self._commit}
            write_whole(Path(trainer.log_dir) / CLOCK, json.dumps(told) + "\n")


class ReidRow(TimedRow):
    """Writes ``<results>/reid/rows/<experiment>-seed<seed>.json``.

    Args:
        experiment: Name of the row.
        seed: The run's seed.
        tables: ``reid`` alone.
        results: Folder of all tables.

    Raises:
        InputError: The folder cannot be written; or, when it starts, the run is none of BoT.
    """

    def __init__(self, experiment: str, seed: int, tables: Sequence[str], results: Path) -> None:
        check_writable(results)
        (self.table,) = tables
        row_path(results, self.table, experiment, seed)
        self.experiment, self.seed, self.results = experiment, seed, Path(results)

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Refuse another model, and a test of a part of the queries, before anything is trained."""
        if not isinstance(pl_module, Bot):
            raise InputError(
                f"The table {self.table} is of imagpose.reid.bot.Bot; leave --table out, or say --exp reid/bot."
            )
        super().setup(trainer, pl_module, stage)

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the row."""
        data = trainer.datamodule  # type: ignore[attr-defined]
        if not trainer.is_global_zero or not isinstance(pl_module, Bot) or not isinstance(data, ReidDataModule):
            return
        scored, path = pl_module.scored, self._run / "config.yaml"
        values = {f"{PROTOCOL}/{metric}": of for metric, of in scored.values.items()}
        row = Row(
            self.experiment, self.seed, {PROTOCOL: scored.scores()}, Pairs(scored.names, scored.persons, values),
            len(scored.names), str(data.root), is_drawn(data.root), steps=self._steps,
            seconds=round(self._seconds, 1) if self._seconds else None, device=device_name(str(pl_module.device)),
            peak_memory=max(self._peak, peak_memory()), commit=self._commit,
            config=read(path) if path.exists() else {}, cost={"training pictures": float(len(data.labels))},
        )  # fmt: skip
        print(f"The row is in {write_row(row, self.results, self.table)}.")
