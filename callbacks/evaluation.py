"""Metrics during a run, and the whole evaluation at its end."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import torch
from lightning import Callback, LightningModule, Trainer
from rich import box
from rich.console import Console
from rich.table import Table
from torch import Tensor

from imagpose.data.datamodule import PoseDataModule
from imagpose.data.images import to_uint8
from imagpose.data.mannequins.folder import is_drawn
from imagpose.evaluation.clothes import cases, judge_all
from imagpose.evaluation.intervals import NO_INTERVAL, summarise
from imagpose.evaluation.metrics import FIGURE
from imagpose.evaluation.similarity import in_box
from imagpose.module import IMAGPose
from imagpose.options.ranges import Seed, check_arguments

Batch = dict[str, Tensor]
T = TypeVar("T")
_CANVAS = ("images", "poses", "mask")
_JUDGED = ("test", "T2", "T3", "wrong_source", "vae")


def one_result(panels: Tensor, batch: Batch, seed: int) -> Tensor:
    """One masked panel of each canvas at random, as the paper takes one of its three results, (B, 3, H, W)."""
    chosen = []
    for number, mask, views in zip(batch["number"].tolist(), batch["mask"], panels, strict=True):
        masked = torch.nonzero(mask == 0).flatten().tolist()
        chosen.append(views[int(np.random.default_rng([seed, 6, number]).choice(masked))])
    return torch.stack(chosen)


class Evaluation(Callback):
    """``val/ssim`` and ``val/psnr`` at each validation; at test the model beside its floor and its ceiling.

    Scored are the generated image (``test``: the paper's T1), those of further settings the data holds (``T2``, ``T3``,
    on the pairs that allow them, and by how much each is better, pair by pair, as ``T3_minus_T1``), the source itself
    (``copy_source``), an empty scene (``background``), the model given another person (``wrong_source``) and the truth
    through the VAE (``vae``), with bootstrap intervals over people; on mannequins identity@1 and pattern@1 too. A test
    that ``trainer.limit_test_batches`` cut short is marked by ``pairs_left_out``.

    Args:
        seed: Seeds the choice of which of T1's three results is taken.
        baselines: Whether floor and ceiling are scored too; ``wrong_source`` takes as long as the model itself.

    Attributes:
        by_pair: After a test, what each pair scored, by its number and by names such as ``test/ssim``.
    """

    by_pair: dict[int, dict[str, float]]

    def __init__(self, seed: Seed = 0, baselines: bool = True) -> None:
        check_arguments(Evaluation, locals())
        self.seed, self.baselines = seed, baselines

    def on_validation_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Batch, *args: Any
    ) -> None:
        """Score a validation batch."""
        scores = in_box(one_result(outputs, batch, self.seed), batch["target"], batch["box"])
        pl_module.log_dict(
            {f"val/{k}": v.mean() for k, v in scores.items()}, batch_size=len(outputs), prog_bar=True, sync_dist=True
        )

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin anew."""
        self._scores: dict[int, dict[str, float]] = {}  # by the pair's number; of this process's share of the pairs
        self._images: dict[int, dict[str, np.ndarray]] = {}

    def on_test_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Batch, *args: Any
    ) -> None:
        """Score a test batch and its baselines."""
        assert isinstance(pl_module, IMAGPose)
        target = batch["target"]
        images = {
            "test": one_result(outputs, batch, self.seed),
            **{
                setting: self._generated(pl_module, batch, {k: batch[f"{k}_{setting}"] for k in _CANVAS})
                for setting in ("T2", "T3")
                if f"mask_{setting}" in batch
            },
            **(self._baselines(pl_module, batch) if self.baselines else {}),
        }
        scores = {
            f"{name}/{metric}": values.tolist()
            for name, generated in images.items()
            for metric, values in in_box(generated, target, batch["box"]).items()
        }
        pixels = {name: to_uint8(images[name]) for name in _JUDGED if name in images}
        for i, number in enumerate(batch["number"].tolist()):
            cannot = {s for s in ("T2", "T3") if f"tested_{s}" in batch and not batch[f"tested_{s}"][i]}
            self._scores[number] = {k: values[i] for k, values in scores.items() if k.split("/")[0] not in cannot}
            self._images[number] = {name: of_batch[i] for name, of_batch in pixels.items() if name not in cannot}

    def _baselines(self, module: IMAGPose, batch: Batch) -> dict[str, Tensor]:
        target = batch["target"]
        swapped = {**batch, "source": batch["other_source"]}
        for key, value in (("images", batch["other_source"]), ("poses", batch["other_pose"])):
            swapped[key] = torch.where(batch["mask"][:, :, None, None, None] > 0, value[:, None], batch[key])
        return {
            "copy_source": batch["source"],
            "background": target[:, :, :1, :1].expand_as(target),
            "wrong_source": self._generated(module, batch, swapped),
            "vae": module.reconstruct(target),
        }

    def _generated(self, module: IMAGPose, batch: Batch, changes: Batch) -> Tensor:
        changed = {**batch, **changes}
        with module.trainer.precision_plugin.forward_context():  # hooks run outside of it, at full precision
            return one_result(module.generate(changed, self.seed), changed, self.seed)

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Judge the clothes, summarise and print."""
        data = trainer.datamodule  # type: ignore[attr-defined]
        assert isinstance(data, PoseDataModule)
        if is_drawn(data.root):
            self._judge(data)
        self.by_pair = dict(sorted(of_all_processes(self._scores).items()))
        scores: dict[str, dict[int, float]] = {}
        for number, of in self.by_pair.items():
            for name, value in of.items():
                scores.setdefault(name, {})[number] = value
        people = {number: data.index.records[data.test[number].target].person for number in self.by_pair}
        metrics: dict[str, float] = {}
        for name, of_pairs in scores.items():
            whose = [people[number] for number in of_pairs]
            metrics |= summarise(name, list(of_pairs.values()), whose)
            scored, _, measure = name.partition("/")
            if scored in ("T2", "T3"):  # pair by pair, so that what makes a pair hard cancels out
                gain = [value - scores[f"test/{measure}"][number] for number, value in of_pairs.items()]
                metrics |= summarise(f"{scored}_minus_T1/{measure}", gain, whose)
        if left_out := len(data.test) - len(self.by_pair):
            metrics["pairs_left_out"] = float(left_out)
        pl_module.log_dict(metrics, logger=False)  # TensorBoard has them as one picture, see ``Board``
        if trainer.is_global_zero:
            _print(metrics)

    def _judge(self, data: PoseDataModule) -> None:
        shown = ((data.test[number].target, images) for number, images in self._images.items())
        for number, verdict in zip(self._images, judge_all(cases(data.index, shown, self.seed)), strict=True):
            for name in verdict.identity:
                self._scores[number][f"{name}/identity_at_1"] = float(verdict.identity[name])
                self._scores[number][f"{name}/pattern_at_1"] = float(verdict.pattern[name])


def of_all_processes(shares: dict[int, T]) -> dict[int, T]:
    """Join the shares that the processes hold, by the pair's number."""
    if not torch.distributed.is_initialized():
        return shares
    gathered: list[dict[int, T]] = [{}] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(gathered, shares)
    return {number: scores for share in gathered for number, scores in share.items()}


def _print(metrics: dict[str, float]) -> None:
    tested, left_out = metrics["test/ssim_n"], metrics.get("pairs_left_out", 0.0)
    number = f"Partial: {tested:.0f} of {tested + left_out:.0f}" if left_out else f"{tested:.0f}"
    title = f"{number} held-out pairs: mean, and 95 % interval"
    table = Table("", *FIGURE, title=title, box=box.SIMPLE)
    for name in dict.fromkeys(key.split("/")[0] for key in metrics if "/" in key):
        cells = []
        for measure in FIGURE:
            key = f"{name}/{measure}"
            interval = (
                f"\n{metrics[f'{key}_low']:.3g} – {metrics[f'{key}_high']:.3g}" if f"{key}_low" in metrics else ""
            )
            cells.append(f"{metrics[key]:.3f}{interval}" if key in metrics else "")
        table.add_row(name, *cells)
    Console().print(table)
    if "test/ssim_low" not in metrics:
        print(NO_INTERVAL)
