"""The field's metrics of a run: some at each validation, whole protocols at its end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning import Callback, LightningModule, Trainer
from PIL import Image
from rich.console import Console
from torch import Tensor

from imagpose.callbacks.evaluation import of_all_processes, one_result
from imagpose.data.datamodule import PoseDataModule
from imagpose.data.images import open_view, to_uint8
from imagpose.data.readers.index import Scenario
from imagpose.errors import InputError
from imagpose.evaluation.evaluate import Task, evaluate_folder
from imagpose.evaluation.metrics import METRICS
from imagpose.evaluation.protocols import PROTOCOLS
from imagpose.evaluation.results import write
from imagpose.evaluation.scoring import Networks
from imagpose.options.ranges import Seed, check_arguments

Batch = dict[str, Tensor]


class Protocols(Callback):
    """``val/strict_ssim_256`` and its like at each validation; at test what ``imagpose evaluate`` finds.

    At validation the pictures of the fixed validation pairs are measured as by ``strict``, but for FID, which so few
    pictures do not have. At test every process writes the pictures of its pairs into ``test_images/`` of the run's
    folder, each pair once, and the first process scores them into ``protocols/`` and logs
    ``<protocol>/<metric>``. What cannot be computed is left out; the evaluator's files say why.

    Args:
        names: Protocols of the test; none leaves it out.
        seed: Seeds the choice of which of T1's three results is taken.

    Raises:
        InputError: There is no such protocol.
    """

    def __init__(self, names: Sequence[str] = ("strict",), seed: Seed = 0) -> None:
        check_arguments(Protocols, locals())
        if unknown := [name for name in names if name not in PROTOCOLS]:
            raise InputError(f"There is no protocol {unknown[0]!r}; there are: {', '.join(PROTOCOLS)}.")
        self.protocols, self.seed = [PROTOCOLS[name] for name in names], seed
        self._networks: Networks | None = None

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Load LPIPS's network, if it can be had; a download is tried once, not at each validation."""
        if self._networks is None:
            self._networks = Networks.load([], str(pl_module.device))

    def on_validation_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Batch, *args: Any
    ) -> None:
        """Measure a batch by ``strict``."""
        strict = PROTOCOLS["strict"]
        data = _data(trainer)
        found: dict[str, Tensor] = {}
        pairs = [data.validation[number] for number in batch["number"].tolist()]
        ours = [strict.generated(to_uint8(image), image.shape[-2:]).pixels for image in self._results(outputs, batch)]
        truths = [np.asarray(open_view(data.index.records[pair.target], data.index.root)) for pair in pairs]
        theirs = [strict.truth(truth, ours[0].shape[:2]).pixels for truth in truths]
        generated, true = (
            torch.from_numpy(np.stack(some)).permute(0, 3, 1, 2).to(pl_module.device) for some in (ours, theirs)
        )
        for metric, similarity in strict.similarities.items():
            try:
                found[metric] = similarity(generated, true)
            except ValueError:  # its window is larger than these pictures, always
                continue
        if self._networks is not None and self._networks.lpips is not None:
            found["lpips"] = self._networks.lpips(generated, true, normalize=True)
        pl_module.log_dict(
            {f"val/strict_{name}": values.float().mean() for name, values in found.items()},
            batch_size=len(ours), sync_dist=True,
        )  # fmt: skip

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Agree on the folder: asking for it is a broadcast, which all processes must take part in."""
        assert trainer.log_dir is not None
        self._folder = Path(trainer.log_dir) / "test_images"
        self._tested: dict[int, str] = {}  # the picture's name by the pair's number; of this process

    def on_test_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Batch, *args: Any
    ) -> None:
        """Write a batch's pictures."""
        if not self.protocols:
            return
        data, folder = _data(trainer), self._folder
        folder.mkdir(parents=True, exist_ok=True)
        for number, image in zip(batch["number"].tolist(), self._results(outputs, batch), strict=True):
            self._tested[number] = _name(data.test[number])
            Image.fromarray(to_uint8(image)).save(folder / self._tested[number])

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Score the folder in the first process; the others wait for what it found."""
        if not self.protocols:
            return
        trainer.strategy.barrier()
        tested = set(of_all_processes(self._tested).values())
        scores: dict[str, float] = {}
        if trainer.is_global_zero:
            scores = self._score(trainer, str(pl_module.device), tested)
        pl_module.log_dict(trainer.strategy.broadcast(scores), rank_zero_only=False, logger=False)  # see ``Board``

    def _results(self, outputs: Any, batch: Batch) -> Tensor:
        return one_result(outputs, batch, self.seed)

    def _score(self, trainer: Trainer, device: str, tested: set[str]) -> dict[str, float]:
        data, folder = _data(trainer), self._folder
        pairs = list(dict.fromkeys((pair.source, pair.target) for pair in data.test))
        for stale in (path for path in folder.glob("*.png") if path.name not in tested):  # of a longer test
            stale.unlink()
        partial = len(tested) < len({_name(pair) for pair in data.test})  # trainer.limit_test_batches
        task = Task(data.index, pairs, self.protocols, None, partial, False, device)
        evaluation = evaluate_folder(folder, task, Networks.load(self.protocols, device), Console())
        write(evaluation, folder.parent / "protocols", data.index)
        return {
            f"{name}/{metric}": score.value
            for name, of in evaluation.scores.items()
            for metric, score in of.items()
            if score.value is not None and metric in METRICS
        }


def _data(trainer: Trainer) -> PoseDataModule:
    data = trainer.datamodule  # type: ignore[attr-defined]
    assert isinstance(data, PoseDataModule)
    return data


def _name(pair: Scenario) -> str:
    return f"{Path(pair.source).stem}_2_{Path(pair.target).stem}_vis.png"
