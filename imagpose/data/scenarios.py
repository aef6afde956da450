"""The paper's user scenarios: how sources and poses fill the panels (Sec. 4.1 and Sec. 4.2; Appendix B)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from imagpose.errors import InputError

Setting = Literal["auto", "T1", "T2", "T3", "IMAGPose*"]


@dataclass(frozen=True)
class Arrangement:
    """Which input fills which panel; given panels come first.

    Attributes:
        sources: Index of the source in each given panel.
        targets: Index of the target pose in each masked panel.
    """

    sources: tuple[int, ...]
    targets: tuple[int, ...]

    def canvas(
        self, sources: list[Tensor], source_poses: list[Tensor], target_poses: list[Tensor]
    ) -> dict[str, Tensor]:
        """Fill the panels.

        Args:
            sources: Pictures, (3, H, W) in [-1, 1].
            source_poses: The sources' pose maps, (3, H, W) in [0, 1].
            target_poses: Pose maps of the panels to generate, (3, H, W) in [0, 1].

        Returns:
            ``images`` (V, 3, H, W), masked panels black, ``poses`` (V, 3, H, W), and ``mask`` (V,), 0 = to generate,
            1 = given.
        """
        black = torch.full_like(sources[0], -1.0)
        poses = [source_poses[i] for i in self.sources] + [target_poses[i] for i in self.targets]
        return {
            "images": torch.stack([sources[i] for i in self.sources] + [black] * len(self.targets)),
            "poses": torch.stack(poses),
            "mask": torch.tensor([1.0] * len(self.sources) + [0.0] * len(self.targets)),
        }


def smallest(sources: int, targets: int, scenario: Setting, panels: Sequence[int]) -> int:
    """The smallest of some canvases that holds these sources and these poses; the largest, where none does.

    Args:
        sources: How many there are.
        targets: How many poses.
        scenario: Those with a name are the paper's, of four panels at least; ``auto`` takes what fits.
        panels: Numbers of panels that the network was trained on.
    """
    needed = max(sources + targets, 2 if scenario == "auto" else 4)
    return min((one for one in panels if one >= needed), default=max(panels))


def spread(sources: int, targets: int, scenario: Setting, panels: int) -> list[list[int]]:
    """Part the poses among canvases: all on one where they fit, else on as few as hold them, equally many if possible.

    Args:
        sources: Number of source pictures, all of them on each canvas.
        targets: Number of poses to draw.
        scenario: The paper's setting; only ``auto`` and ``IMAGPose*`` are of several poses.
        panels: Number V of panels in a canvas.

    Returns:
        The indices of the poses on each canvas.

    Raises:
        InputError: The numbers do not fit the scenario, or leave the canvas no room for a pose.
    """
    room = panels - sources
    if scenario not in ("auto", "IMAGPose*") or sources < 1 or not 1 <= room < targets:
        arrange(sources, targets, scenario, panels)
        return [list(range(targets))]
    arrange(sources, targets, scenario, sources + targets)  # what no canvas could show
    return [part.tolist() for part in np.array_split(range(targets), -(-targets // room))]


def arrange(sources: int, targets: int, scenario: Setting = "auto", panels: int = 4) -> Arrangement:
    """Fill the panels (Sec. 4.1 and 4.2, "Uniformity"; Appendix B).

    ``T1``: one source, one pose, which is repeated in every masked panel. ``T2``: the same, but the source is repeated.
    ``T3``: several sources, one pose. ``IMAGPose*``: one source, several poses. ``auto`` is T1, T3 or
    IMAGPose*, whichever the numbers say.

    Assumption: inputs that do not fill the panels are repeated in turn, sources where there are several, else poses;
    the alternative, black panels without a pose, is a canvas that training never shows.

    Args:
        sources: Number of source pictures.
        targets: Number of poses to draw.
        scenario: The paper's setting; ``auto`` chooses by the numbers.
        panels: Number V of panels in a canvas.

    Raises:
        InputError: The numbers do not fit the scenario, or do not fit the canvas.
    """
    if sources < 1 or targets < 1:
        raise InputError(f"There are {sources} sources and {targets} target poses; at least one of each is needed.")
    if sources + targets > panels:
        raise InputError(
            f"{sources} source(s) and {targets} target pose(s) do not fit {panels} panels; {panels - 1} sources "
            f"with one pose, or one source with {panels - 1} poses, are the most: generate in several turns."
        )
    fits = {
        "auto": True, "T1": sources == targets == 1, "T2": sources == targets == 1,
        "T3": sources > 1 and targets == 1, "IMAGPose*": sources == 1 and targets > 1,
    }  # fmt: skip
    if scenario not in list(fits):  # a list, since what users give need not be hashable
        raise InputError(f"There is no scenario {scenario!r}; there are: {', '.join(fits)}.")
    if not fits[scenario]:
        needs = {
            "T1": "one source and one pose", "T2": "one source and one pose", "T3": "several sources and one pose",
            "IMAGPose*": "one source and several poses",
        }[scenario]  # fmt: skip
        raise InputError(f"Scenario {scenario} takes {needs}, there are {sources} and {targets}; leave it to 'auto'.")
    repeat_sources = scenario == "T2" or sources > 1
    given = panels - targets if repeat_sources else sources
    masked = panels - given
    return Arrangement(tuple(i % sources for i in range(given)), tuple(i % targets for i in range(masked)))
