"""What a page asks for, written down as ``imagpose generate`` would be told it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, get_args

from imagpose.data.framing import Framing
from imagpose.data.keypoints import NUM_JOINTS
from imagpose.data.scenarios import Setting
from imagpose.demo.archive import FOLDER
from imagpose.demo.numbers import check_numbers
from imagpose.demo.photographs import Photograph
from imagpose.errors import InputError
from imagpose.generation.model import Model, folder_of
from imagpose.generation.request import GenerationRequest
from imagpose.models.weights import PACKAGED
from imagpose.options.program import callable_words

_MOST_POSES = 64  # of one drawing: a page that holds more pictures is of no use
_SUFFIXES = {b"\xff\xd8": ".jpg", b"\x89P": ".png", b"RI": ".webp", b"BM": ".bmp"}  # by how a file begins


@dataclass(frozen=True)
class Asked:
    """What is to be drawn.

    Attributes:
        sources: The person's photographs, each with its pose as the page sent it.
        poses: Poses to draw, likewise.
        truths: The photograph that each pose was taken from and is still that of; None where there is none.
        scenario: Of the paper, or ``auto``.
        framing: How photographs and poses are brought to the model's shape.
        steps: Denoising steps.
        guidance: w of Eq. (5).
        seed: Of every random draw.
    """

    sources: tuple[tuple[Photograph, Any], ...]
    poses: tuple[Any, ...]
    truths: tuple[Photograph | None, ...]
    scenario: Setting
    framing: Framing
    steps: Any
    guidance: Any
    seed: Any

    @classmethod
    def of(
        cls, page: Any, photographs: Mapping[str, Photograph], scenario: Any, framing: Any, steps: Any, guidance: Any,
        seed: Any,
    ) -> Asked:  # fmt: skip
        """Understand what the page says.

        Args:
            page: The value of its editor, ``{"photographs": [{"id", "pose"}], "poses": [{…, "truth"}], …}``.
            photographs: Of the page.
            scenario: One of :data:`imagpose.data.scenarios.Setting`.
            framing: One of :data:`imagpose.data.framing.Framing`.
            steps: Denoising steps.
            guidance: w.
            seed: Of every random draw.

        Raises:
            InputError: It is of another form, names a photograph that is gone, or asks for nothing; or a number is out
                of its range.
        """
        try:
            sources = [(str(one["id"]), one["pose"]) for one in page["photographs"]]
            poses = [(one["truth"], {name: one[name] for name in ("size", "keypoints")}) for one in page["poses"]]
        except (TypeError, KeyError) as error:
            raise InputError("The page sent what is no list of photographs and poses; load it again.") from error
        if scenario not in get_args(Setting) or framing not in get_args(Framing):
            raise InputError("The page sent a scenario or a framing that there is not; load it again.")
        if not sources:
            raise InputError("There is no photograph to draw from; add one, or try a mannequin.")
        if not poses:
            raise InputError("There is no pose to draw; add one.")
        if len(poses) > _MOST_POSES:
            raise InputError(f"There are {len(poses)} poses; at most {_MOST_POSES} are drawn at once, so remove some.")
        if any(name not in photographs for name, _ in sources):
            raise InputError("A photograph is no longer here; add it again.")
        check_numbers(steps=steps, guidance=guidance, seed=seed)
        return cls(
            tuple((photographs[name], pose) for name, pose in sources), tuple(pose for _, pose in poses),
            tuple(photographs.get(name) if isinstance(name, str) else None for name, _ in poses),
            scenario, framing, steps, guidance, seed,
        )  # fmt: skip

    def write(self, folder: Path, model: Model) -> GenerationRequest:
        """Write photographs and poses as files, under names of ours.

        Args:
            folder: An empty folder.
            model: That draws.

        Raises:
            InputError: A pose has no joint that is seen, or is none.
        """
        sources = [folder / f"source_{i}{_suffix(one)}" for i, (one, _) in enumerate(self.sources, start=1)]
        for path, (photograph, pose) in zip(sources, self.sources, strict=True):
            path.write_bytes(photograph.picture.content)
            _write(path.with_suffix(".json"), pose, f"Photograph {path.stem.removeprefix('source_')}")
        targets = [folder / f"pose_{i}.json" for i in range(1, len(self.poses) + 1)]
        for number, (path, pose) in enumerate(zip(targets, self.poses, strict=True), start=1):
            _write(path, pose, f"Pose {number}")
        return GenerationRequest(
            **{one.name: getattr(model, one.name) for one in fields(Model)},
            source=tuple(sources), source_pose=tuple(path.with_suffix(".json") for path in sources),
            target_pose=tuple(targets), scenario=self.scenario, framing=self.framing, steps=self.steps,
            guidance=self.guidance, seed=self.seed,
        )  # fmt: skip


def _suffix(photograph: Photograph) -> str:
    return _SUFFIXES.get(photograph.picture.content[:2], ".png")


def _write(path: Path, pose: Any, what: str) -> None:
    """Write a pose file, which is checked when it is read.

    Raises:
        InputError: No joint is left of it, or it is no pose at all.
    """
    joints = pose.get("keypoints") if isinstance(pose, dict) else None
    if not isinstance(joints, list) or len(joints) != NUM_JOINTS:
        raise InputError(f"{what} is no pose of {NUM_JOINTS} joints; load the page again.")
    if not any(joints):
        raise InputError(f"{what} has no visible joint; show some of them.")
    path.write_text(json.dumps(pose))


def command(request: GenerationRequest, settings: Mapping[str, Any]) -> str:
    """The command line that draws the same pictures from the unpacked files, in the folder that this process works in.

    Args:
        request: What was drawn.
        settings: What it was drawn with, as the pictures record it.
    """
    words = [*callable_words(), "generate"]
    for name in ("source", "source_pose", "target_pose"):
        words += [f"--{name}", *(f"{FOLDER}/{path.name}" for path in getattr(request, name))]
    for name in ("run", "model", "device"):
        value = getattr(request, name)
        if value is not None and not (name == "model" and request.run):
            words += [f"--{name}", _anywhere(name, value)]
    for module in request.trust:
        words += ["--trust", module]
    for name in ("scenario", "framing", "steps", "guidance", "seed"):
        if name in settings:
            words += [f"--{name}", str(settings[name])]
    return shlex.join(words)


def _anywhere(option: str, value: Any) -> str:
    """An option's value for a command that may be called in another folder: folders by their whole path."""
    if option == "model":
        folder = folder_of(value)
        return str(value if PACKAGED in folder.parents else folder.absolute())
    return str(value.absolute() if option == "run" else value)
