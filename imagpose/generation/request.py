"""What ``generate`` is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from imagpose.data.framing import Framing
from imagpose.data.pose_detector import DetectorName
from imagpose.data.scenarios import Setting
from imagpose.errors import InputError
from imagpose.generation.model import ChosenModel
from imagpose.options.ranges import DenoisingSteps, LoraScale, Panels, PositiveInt, Size, Timestep, check_interval


@dataclass(frozen=True, kw_only=True)
class GenerationRequest(ChosenModel):
    """A person's pictures and poses to draw, or a dataset and its list of pairs.

    Attributes:
        source: Pictures of the person, fewer than the canvas has panels: one to three for a model of four.
        source_pose: Their pose files, in the same order; without any, their poses are detected.
        target_pose: Poses to draw; more than fit one canvas are spread over several.
        person: Whose pose is detected, where a source shows several: 1 is the largest, who is taken unless given; one
            number for all sources, or one for each.
        detector: What detects: mannequin, rtmlib or blazepose; the one that fits the model unless given.
        detector_weights: Its weights: a folder, the name of one or a hub id; the detector's own unless given.
        framing: How sources and poses are brought to the model's shape: letterbox keeps them whole, figure shows what
            is around the figure, with the margins of the training pictures.
        pose_size: The frame, height x width, of the target poses whose files do not say it.
        data: A DeepFashion or Market-1501 folder, instead of pictures of one's own.
        pairs: CSV of from,to, or another of the field's lists of pairs; with --data.
        limit: Only so many canvases of the list, of as many people as can be: the same with any seed, and part of a
            larger limit's.
        lora: LoRA files to draw with, each with its scale, as FILE or FILE=SCALE; 1 unless given.
        batch_size: Canvases at once.
        out: Folder of the results: images, contact_sheet.png and settings.json.
        scenario: Of the paper; auto is T1, T3 or IMAGPose*, whichever the numbers of pictures and poses say.
        steps: Denoising steps; the model's own unless given: 20, and 4 of a distilled one unless its files say more.
            Up to 4 of the demo weights are drawn by those that were distilled from them, unless a guidance is given.
        panels: Of each canvas; the smallest that fits of those that the model was trained on unless given.
        guidance_interval: The lowest and the highest timestep at which --guidance counts, such as 500 1000; the model's
            own unless given, 0 1000 is every step.
    """

    source: tuple[Path, ...] = ()
    source_pose: tuple[Path, ...] = ()
    target_pose: tuple[Path, ...] = ()
    person: tuple[PositiveInt, ...] = ()
    detector: DetectorName | None = None
    detector_weights: str | None = None
    framing: Framing = "letterbox"
    pose_size: Size | None = None
    data: Path | None = None
    pairs: Path | None = None
    limit: PositiveInt | None = None
    lora: tuple[str, ...] = ()
    batch_size: PositiveInt = 8
    out: Path = Path("generated")
    scenario: Setting = "auto"
    steps: DenoisingSteps | None = None
    panels: Panels | None = None
    guidance_interval: tuple[Timestep, Timestep] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_interval("--guidance_interval", self.guidance_interval)
        if len({path.absolute() for path, _ in self.loras}) < len(self.lora):
            raise InputError("--lora names a file twice; give each once, with one scale.")
        if (self.data is None) != (self.pairs is None):
            raise InputError("--data and --pairs go together; give both or neither.")
        if self.data is None and not (self.source and self.target_pose):
            raise InputError(
                "There is nothing to draw: give --source, --source_pose and --target_pose, or --data and --pairs."
            )
        if self.person and (self.source_pose or len(self.person) not in (1, len(self.source))):
            raise InputError(
                f"There are {len(self.person)} --person, {len(self.source)} --source and {len(self.source_pose)} "
                "--source_pose; give one --person, or one for each --source, and no --source_pose."
            )
        if (self.detector or self.detector_weights) and self.source_pose:
            raise InputError("--detector finds the poses that --source_pose gives; give one of the two.")
        if self.data is not None and (self.source or self.source_pose or self.target_pose):
            raise InputError("--data lists its own pictures: give either your own pictures or --data and --pairs.")
        if self.data is not None and (self.person or self.detector or self.detector_weights):
            raise InputError("--data has its own poses: give --person and --detector with pictures of your own.")
        if self.data is not None and self.framing != "letterbox":
            raise InputError("--data has pictures that are framed already: give --framing with pictures of your own.")

    @property
    def loras(self) -> list[tuple[Path, float]]:
        """The LoRA files with their scales.

        Raises:
            InputError: A scale is none.
        """
        found = []
        for given in self.lora:
            path, equals, scale = given.rpartition("=")
            if not equals or Path(given).exists():
                found.append((Path(given), 1.0))
            else:
                found.append((Path(path), _scale(given, scale)))
        return found


def _scale(given: str, scale: str) -> float:
    try:
        return float(LoraScale.range.read(scale))  # type: ignore[attr-defined]
    except ValueError as error:
        raise InputError(f"--lora {given} is no file, and the scale after its = {error}.") from error
