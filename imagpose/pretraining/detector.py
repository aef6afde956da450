"""Trains the pose detector that ships: where figures are, and where the joints of each are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from lightning import LightningModule
from PIL import Image
from torch import Tensor

from imagpose.data.images import to_uint8
from imagpose.data.keypoints import JOINTS
from imagpose.options.ranges import PositiveFloat, Seed, check_arguments
from imagpose.output.files import whole_folder
from imagpose.pose.mannequin import MannequinDetector
from imagpose.pose.network import CELL, WINDOW, PoseNetwork, maps_of
from imagpose.pose.pck import score_joints
from imagpose.pretraining.one_cycle import one_cycle
from imagpose.pretraining.scenes import Scenes, compose


class DetectorTraining(LightningModule):
    """Cross-entropy of each joint's map, of its visibility and of where figures are, and the error of their boxes.

    Args:
        out: The weights folder to write.
        channels: Of the network.
        lr: Peak learning rate; one cycle, linear to zero.
        seed: Seeds the scenes, together with the step.
    """

    def __init__(
        self,
        out: Path,
        channels: tuple[int, int, int, int] = (24, 32, 64, 96),
        lr: PositiveFloat = 3e-3,
        seed: Seed = 0,
    ) -> None:
        super().__init__()
        check_arguments(DetectorTraining, locals())
        self.out, self.lr, self.seed = Path(out), lr, seed
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.network = PoseNetwork(tuple(channels)).to(memory_format=torch.channels_last)
        self._looked_at: list[tuple[Any, Any]] = []

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        """Learn from scenes of a batch of pictures, which are drawn on the CPU."""
        generator = torch.Generator().manual_seed(self.seed * 2**20 + self.global_step)
        scenes = compose(batch["picture"].cpu(), batch["keypoints"].cpu(), generator)
        losses = self._losses(Scenes(*(part.to(self.device) for part in scenes)))
        self.log_dict({f"train/{name}": loss for name, loss in losses.items()}, prog_bar=True)
        return torch.stack(list(losses.values())).sum()

    def _losses(self, scenes: Scenes) -> dict[str, Tensor]:
        seen = self.network(scenes.windows.contiguous(memory_format=torch.channels_last))
        size = (seen.joints.shape[-2], seen.joints.shape[-1])
        taught = (scenes.visible & scenes.close[:, None]).float()
        entropy = -(maps_of(scenes.joints, size) * seen.joints.flatten(2).log_softmax(-1).view_as(seen.joints)).sum(
            (-2, -1)
        )
        visible = F.binary_cross_entropy_with_logits(seen.visible, scenes.visible.float(), reduction="none").mean(1)
        cells = ((scenes.boxes[..., :2] + 0.5) / CELL).floor().clamp(0, size[0] - 1)
        bells = maps_of((cells + 0.5) * CELL - 0.5, size)
        bells = bells / bells.amax((-2, -1), keepdim=True) * scenes.present[..., None, None]
        centres = F.binary_cross_entropy_with_logits(seen.centres, bells.amax(1))
        index = (cells[..., 1] * size[1] + cells[..., 0]).long()
        sides = seen.sides.flatten(2).gather(2, index[:, None].expand(-1, 2, -1)).transpose(1, 2)  # (B, 2 figures, 2)
        true = ((scenes.boxes[..., [3, 2]] + 1) / WINDOW).log()
        wrong = F.smooth_l1_loss(sides, true, reduction="none").sum(-1) * scenes.present
        return {
            "joints": (entropy * taught).sum() / taught.sum().clamp(min=1),
            "visible": 3 * (visible * scenes.close).sum() / scenes.close.sum().clamp(min=1),
            "centres": centres * 20,
            "sides": wrong.sum() / scenes.present.sum().clamp(min=1),
        }

    def validation_step(self, batch: dict[str, Tensor], batch_idx: int) -> None:
        """Detect in held-out pictures as they are."""
        detector = MannequinDetector(self.network)
        for picture, keypoints in zip(batch["picture"], batch["keypoints"], strict=True):
            people = detector.detect(Image.fromarray(to_uint8(picture)))
            self._looked_at.append((keypoints.cpu().numpy(), people[0].pose if people else None))

    test_step = validation_step

    def on_validation_epoch_end(self) -> None:
        """Log PCK@0.05, of each joint too, and the shares of figures found and of missing joints told to be missing."""
        truth, found = zip(*self._looked_at, strict=True)
        self._looked_at.clear()
        scores = score_joints(truth, found)
        self.log_dict(
            {
                "val/pck": scores.pck, "val/missing_recall": scores.missing_recall,
                "val/found": sum(pose is not None for pose in found) / len(found),
            },
            prog_bar=True,
        )  # fmt: skip
        self.log_dict({f"val/pck_{joint}": share for joint, share in zip(JOINTS, scores.by_joint, strict=True)})

    on_test_epoch_end = on_validation_epoch_end

    def configure_optimizers(self) -> Any:
        """AdamW with one cycle of the learning rate."""
        return one_cycle(self, self.lr, (0.9, 0.99), 0.01, 0.1)

    def on_fit_end(self) -> None:
        """Save the network in half precision."""
        with whole_folder(self.out) as unfinished:
            halved = PoseNetwork(**{"channels": self.network.config["channels"]})
            halved.load_state_dict(self.network.state_dict())
            halved.half().save_pretrained(unfinished)
        self.print(f"The detector is in {self.out}.")
