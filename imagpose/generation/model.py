"""Which trained model generates: a pipeline folder or a run, on a device."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imagpose.data.mannequins.folder import is_drawn
from imagpose.data.pose_detector import FOR_MANNEQUINS, FOR_PHOTOGRAPHS
from imagpose.data.scenarios import Setting
from imagpose.errors import InputError
from imagpose.models import weights
from imagpose.options.devices import check_device
from imagpose.options.ranges import GUIDANCE_SCALE, STEPS, NonNegativeFloat, Seed, check_arguments, is_interval
from imagpose.options.trust import read_run
from imagpose.output.files import regular
from imagpose.training.runs import DISTILLATION, from_folder, panels_of

DEMO = "mannequin-demo"
DISTILLED_DEMO = "mannequin-demo-distilled"
"""Learned from :data:`DEMO` to take four steps."""
FEW_STEPS = 4


@dataclass(frozen=True, kw_only=True)
class Model:
    """A trained model, and where it computes.

    Attributes:
        run: A run's folder, such as runs/tiny/version_0, whose averaged weights are taken instead of a pipeline's.
        trust: Modules or packages, beside imagpose, lightning, torch and diffusers, whose classes the run's config.yaml
            may name; their code is then run.
        model: A pipeline folder, or the name of shipped weights.
        device: cpu, cuda or another of torch's; cuda where there is one unless given.
    """

    run: Path | None = None
    trust: tuple[str, ...] = ()
    model: str = DEMO
    device: str | None = None

    def __post_init__(self) -> None:
        check_arguments(type(self), vars(self), "--")
        if self.device is not None:
            check_device(self.device)

    @property
    def name(self) -> str:
        """The run's folder or the model's name, as records keep it."""
        return str(self.run or self.model)


@dataclass(frozen=True, kw_only=True)
class ChosenModel(Model):
    """What every command that generates into a folder asks for: the model, and how it draws.

    Attributes:
        seed: Of every random draw.
        guidance: w of Eq. (5); 1 is none. The model's own unless given: 2, and 1 of a distilled one, which has it
            folded in.
        overwrite: Whether to generate again what is there already.
    """

    seed: Seed = 0
    guidance: NonNegativeFloat | None = None
    overwrite: bool = False


@dataclass(frozen=True)
class Trained:
    """What a model was trained for, which its files say beside the weights.

    Attributes:
        panels: The numbers of panels of its canvases.
        form: Of guidance, see :class:`imagpose.sampler.Guidance`.
        interval: [lowest, highest] timestep at which it is guided; None is every one.
        scale: Of its guidance, unless told otherwise.
        steps: That it takes, likewise.
        detector: Of poses in pictures of the kind that it knows: mannequins or photographs.
    """

    panels: tuple[int, ...] = (4,)
    form: str = "joint"
    interval: list[int] | None = None
    scale: float = GUIDANCE_SCALE
    steps: int = STEPS
    detector: str = FOR_PHOTOGRAPHS

    @classmethod
    def of(cls, chosen: Model) -> Trained:
        """Read it without the weights.

        Raises:
            InputError: There is no such model, or its files are not as they must be.
        """
        if chosen.run:
            path = from_folder(chosen.run).config
            options = read_run(path, chosen.trust)
            arguments = options["model"].get("init_args")
            guidance = arguments.get("guidance") if isinstance(arguments, dict) else None
            guidance = guidance if isinstance(guidance, dict) else {}
            detector = FOR_MANNEQUINS if knows_mannequins(options) else FOR_PHOTOGRAPHS
            if options["model"]["class_path"] == DISTILLATION:
                steps = arguments.get("sampling_steps") if isinstance(arguments, dict) else None
                if type(steps) is not int:
                    raise InputError(
                        f"{path} does not say model.init_args.sampling_steps; take the file that fit wrote."
                    )
                return cls(panels_of(options, path), scale=1.0, steps=steps, detector=detector)
            form, interval = guidance.get("form", "joint"), guidance.get("interval")
            interval = interval if is_interval(interval) else None
            return cls(panels_of(options, path), str(form), interval, detector=detector)
        from imagpose.models.pipeline_folder import detector_of, drawn_with

        folder = folder_of(chosen.model)
        return cls(*drawn_with(folder), detector=detector_of(folder))

    def settings(
        self,
        chosen: ChosenModel,
        weights: str,
        scenario: Setting,
        steps: int | None,
        guidance: float | None,
        interval: Sequence[int] | None = None,
    ) -> dict[str, Any]:
        """All that decides how pictures look, beside their inputs; what is as in the paper is not said.

        Args:
            chosen: The model.
            weights: Fingerprint of its weights.
            scenario: Of the paper.
            steps: Denoising steps; None is the model's own.
            guidance: w of Eq. (5); None is the model's own.
            interval: Of timesteps at which it counts; None is the model's own.
        """
        said: dict[str, Any] = {
            "model": chosen.name, "weights": weights, "scenario": scenario, "seed": chosen.seed,
            "steps": self.steps if steps is None else steps,
            "guidance": float(self.scale if guidance is None else guidance),
        }  # fmt: skip
        if self.form != "joint":
            said["guidance_form"] = self.form
        if (interval := interval or self.interval) is not None:
            said["guidance_interval"] = list(interval)
        return said


def knows_mannequins(options: Mapping[str, Any]) -> bool:
    """Whether a run was trained on mannequins, by the options of its ``config.yaml``.

    An experiment's mannequins stay in the options where its root is another dataset; that one, if it is here, counts.
    """
    data = options.get("data")
    arguments = data.get("init_args") if isinstance(data, dict) else None
    if not isinstance(arguments, dict) or not arguments.get("mannequins"):
        return False
    root = Path(str(arguments.get("root")))
    return not root.is_dir() or is_drawn(root)


def folder_of(model: str) -> Path:
    """A pipeline's folder.

    Raises:
        InputError: There is none.
    """
    return Path(model) if Path(model).is_dir() else weights.find(model)


def fingerprint(chosen: Model) -> str:
    """Of the weights' content: a model retrained under its old name is another model.

    Raises:
        InputError: There are no such weights.
    """
    if chosen.run:
        path = from_folder(chosen.run).last
    else:
        path = folder_of(chosen.model) / "network" / "diffusion_pytorch_model.safetensors"
    try:
        with open(regular(path), "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:16]
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); name a whole pipeline folder or run.") from error
