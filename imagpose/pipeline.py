"""The trained model for users: sources and poses in, images out, in each of the paper's scenarios."""

# No postponed annotations here: diffusers reads those of the pipeline's constructor.
import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from diffusers import AutoencoderKL, DDIMScheduler, DiffusionPipeline
from diffusers.utils import BaseOutput
from PIL import Image
from torch import Tensor

from imagpose.data.body_pose import BodyPose, fit
from imagpose.data.images import to_uint8
from imagpose.data.pipeline_inputs import as_batches, check_alike, check_canvas, check_numbers
from imagpose.data.pipeline_inputs import generators as generators_of
from imagpose.data.scenarios import Arrangement, Setting, arrange, smallest, spread
from imagpose.errors import InputError
from imagpose.models import weights
from imagpose.models.adapters import TakesLora
from imagpose.models.encoders import TimmEncoder
from imagpose.models.lora import merged
from imagpose.models.network import Network
from imagpose.models.pipeline_folder import check_folder, check_weights, panels_of
from imagpose.models.vae import VAE
from imagpose.options.ranges import GUIDANCE_SCALE, STEPS
from imagpose.sampler import Guidance, initial_noise, noise_generator
from imagpose.synthesis import Synthesis

CallbackOnStepEnd = Callable[["ImagposePipeline", int, Tensor, dict[str, Tensor]], dict[str, Tensor] | None]


@dataclass
class ImagposePipelineOutput(BaseOutput):
    """What a pipeline returns.

    Attributes:
        images: One list of PIL images a canvas, one image a target pose; or an array (B, n, H, W, 3) in [0, 1]; or a
            tensor (B, n, 3, H, W) in [-1, 1].
    """

    images: list[list[Image.Image]] | np.ndarray | Tensor


def _pil(images: Tensor) -> list[list[Image.Image]]:
    return [[Image.fromarray(one) for one in canvas] for canvas in to_uint8(images)]


def _numpy(images: Tensor) -> np.ndarray:
    return ((images.float().clamp(-1, 1) + 1) / 2).movedim(-3, -1).cpu().numpy()


_OUTPUTS: dict[str, Callable[[Tensor], Any]] = {"pil": _pil, "np": _numpy, "pt": lambda images: images}


class ImagposePipeline(TakesLora, DiffusionPipeline):
    """Generates a person in new poses.

    Args:
        vae: Stable Diffusion's autoencoder, or one of its layout.
        encoder: The frozen image encoder.
        network: The trained network.
        scheduler: Any scheduler of diffusers; DDIM is the paper's.
        image_size: [height, width] in pixels that the network was trained on; every picture is brought to it.
        guidance_form: Which conditions guidance drops, see :class:`imagpose.sampler.Guidance`.
        guidance_interval: [lowest, highest] timestep at which guidance counts; None is all of them.
        panels: The numbers of panels that the network was trained on.
        guidance_scale: w unless a call says another; None is 2.
        num_inference_steps: Steps unless a call says others; None is 20.
        detector: Of poses in pictures of the kind that it was trained on; None is one for photographs.
    """

    def __init__(
        self,
        vae: AutoencoderKL,
        encoder: TimmEncoder,
        network: Network,
        scheduler: DDIMScheduler,
        image_size: list = [256, 176],  # noqa: B006 - diffusers keeps lists
        guidance_form: str = "joint",
        guidance_interval: list | None = None,
        panels: list = [4],  # noqa: B006
        guidance_scale: float | None = None,
        num_inference_steps: int | None = None,
        detector: str | None = None,
    ) -> None:
        super().__init__()
        self.register_modules(vae=vae, encoder=encoder, network=network, scheduler=scheduler)
        self.register_to_config(
            image_size=list(image_size), guidance_form=guidance_form, guidance_interval=guidance_interval,
            panels=list(panels),
        )  # fmt: skip
        own = {"guidance_scale": guidance_scale, "num_inference_steps": num_inference_steps, "detector": detector}
        self.register_to_config(**{name: value for name, value in own.items() if value is not None})
        self.synthesis = Synthesis(VAE(vae), encoder, network)
        network.eval().to(memory_format=torch.channels_last)  # as it was trained, so that sums round alike

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: str | Path, **options: Any) -> "ImagposePipeline":
        """Load a pipeline folder; nothing is unpickled, and no code of the folder is run.

        Args:
            pretrained_model_name_or_path: A folder, or the name of one, see :func:`imagpose.models.weights.find`.
            options: Further options of diffusers' ``from_pretrained``.

        Raises:
            InputError: There is no such folder, it names other classes than we save, or its weights do not fit.
        """
        folder = Path(pretrained_model_name_or_path)
        if not folder.is_dir():
            folder = weights.find(str(pretrained_model_name_or_path))
        check_folder(folder)
        settings = {"low_cpu_mem_usage": False, "use_safetensors": True, "panels": panels_of(folder), **options}
        try:
            pipe: ImagposePipeline = super().from_pretrained(str(folder), **settings)
        except (OSError, ValueError, TypeError, RuntimeError, KeyError, AttributeError) as error:
            reason = " ".join(str(error).split())
            raise InputError(f"{folder} is no whole pipeline folder ({reason}); save or download it again.") from error
        check_weights({name: getattr(pipe, name) for name in ("network", "encoder", "vae")}, folder)
        return pipe

    @classmethod
    def from_run(cls, folder: str | Path, trust: Sequence[str] = ()) -> "ImagposePipeline":
        """The averaged weights of a run's last checkpoint.

        Args:
            folder: A run's folder, such as ``runs/tiny/version_0``.
            trust: Modules and packages whose classes its ``config.yaml`` may name, and whose code is then run, beside
                imagpose, lightning, torch and diffusers.

        Raises:
            InputError: It is no run folder, names a class of another package, or its checkpoint is damaged or
                belongs to another experiment.
        """
        from imagpose.training.restore import module_of_run  # Lightning is needed here alone

        return cls.of_module(module_of_run(Path(folder), trust))

    @classmethod
    def of_module(cls, module: Any) -> "ImagposePipeline":
        """The averaged weights of an :class:`imagpose.module.IMAGPose`, which keeps its own."""
        if module.image_size is None:
            raise InputError("The checkpoint was taken before the first training step; train the run first.")
        with module.ema.applied():
            network = merged(copy.deepcopy(module.network))
        scheduler = module.schedule.for_sampling()
        few = hasattr(module, "folded_in")  # distilled, guidance folded in
        return cls(
            module.vae.autoencoder, module.encoder, network, scheduler, module.image_size,
            module.guidance.form, module.guidance.interval, module.panels,
            module.guidance.scale if few else None, module.sampling_steps if few else None,
        )  # fmt: skip

    # Inputs ---------------------------------------------------------------------------------------------------------

    @property
    def image_size(self) -> tuple[int, int]:
        """(height, width) of what is generated, in pixels."""
        height, width = self.config["image_size"]
        return int(height), int(width)

    def _own(self, name: str, value: Any, default: Any) -> Any:
        """What is asked for, else what the pipeline's files say, else what is usual."""
        return value if value is not None else self.config.get(name, default)

    # Generation -----------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def __call__(
        self,
        sources: Image.Image | Sequence[Image.Image] | Sequence[Sequence[Image.Image]],
        source_poses: BodyPose | Sequence[BodyPose] | Sequence[Sequence[BodyPose]],
        target_poses: BodyPose | Sequence[BodyPose] | Sequence[Sequence[BodyPose]],
        scenario: Setting = "auto",
        num_inference_steps: int | None = None,
        guidance_scale: float | None = None,
        seed: int | Sequence[int] = 0,
        generator: torch.Generator | Sequence[torch.Generator] | None = None,
        output_type: Literal["pil", "np", "pt"] = "pil",
        callback_on_step_end: CallbackOnStepEnd | None = None,
        return_dict: bool = True,
        guidance_interval: tuple[int, int] | None = None,
        panels: int | None = None,
    ) -> ImagposePipelineOutput:
        """Generate.

        One picture or a flat list makes one canvas, whose sources show one person; a list of lists makes a batch of
        canvases. Canvases of one call hold equally many sources and equally many poses.

        Args:
            sources: Pictures of the person, fewer than the canvas has panels.
            source_poses: The pose of each source.
            target_poses: The poses to draw; more than fit one canvas are spread over several, unless a scenario of one
                pose is asked for.
            scenario: The paper's setting, see :func:`arrange`. Where a pose fills several panels, one of the results is
                taken at random.
            num_inference_steps: How many denoising steps are taken, from 1; None takes the pipeline's own, 20 unless
                it was distilled.
            guidance_scale: The scale w of Eq. (5); 1 is the conditional prediction alone, and half the work. None takes
                the pipeline's own, 2 unless it was distilled.
            seed: Seeds the noise, and the choice of the result that is taken; a list gives each canvas its own, a
                number gives canvas i the seed ``seed + i``.
            generator: Draws the noise instead, one for all canvases or one for each.
            output_type: ``pil`` images; ``np``, an array (B, n, H, W, 3) in [0, 1]; or ``pt``, a tensor
                (B, n, 3, H, W) in [-1, 1].
            callback_on_step_end: Called after each step with the pipeline, the step's index, its timestep and
                ``{"latents": (B, V, c, h, w), "pred_original_sample": (B, n, c, h, w)}``, the second the estimate of
                x_0 of the panels that will be returned; the latents that it returns in such a dictionary continue.
            return_dict: Whether to return an object with ``images``; False returns a tuple of them alone.
            guidance_interval: The lowest and the highest timestep at which w counts; None takes the pipeline's own,
                (0, 1000) is guidance at every step, as the paper has it.
            panels: V of the canvases, 2 to 64; None takes the smallest that fits of those that the network was trained
                on.

        Raises:
            InputError: Something is of another type or out of its range, sources have no poses, or their numbers fit
                no scenario.
        """
        num_inference_steps = self._own("num_inference_steps", num_inference_steps, STEPS)
        guidance_scale = self._own("guidance_scale", guidance_scale, GUIDANCE_SCALE)
        of_scheduler = self.scheduler.config  # one of few steps takes some of the timesteps it was distilled with
        most = of_scheduler.get("original_inference_steps") or of_scheduler.num_train_timesteps
        check_numbers(num_inference_steps, most, guidance_scale, output_type)
        batches = as_batches(sources=sources, source_poses=source_poses, target_poses=target_poses)
        canvases = list(zip(*batches, strict=True))
        generators = generators_of(seed, generator, len(canvases), noise_generator)
        check_canvas(panels, guidance_interval)
        check_alike(canvases)
        interval = self.config["guidance_interval"] if guidance_interval is None else guidance_interval
        guidance = Guidance(self.config["guidance_form"], guidance_scale, interval)
        given, asked = len(canvases[0][0]), len(canvases[0][2])
        panels = int(panels or smallest(given, asked, scenario, self.config["panels"]))
        parts = spread(given, asked, scenario, panels)

        with self.progress_bar(total=num_inference_steps * len(parts)) as bar:

            def on_step(index: int, timestep: Tensor, latents: Tensor, x_0: Tensor) -> Tensor:
                bar.update()
                told = {"latents": latents, "pred_original_sample": x_0}
                returned = callback_on_step_end and callback_on_step_end(self, index, timestep, told)
                return {**told, **(returned or {})}["latents"]

            drawn = []
            for part in parts:
                some = [(*sources, [wanted[i] for i in part]) for *sources, wanted in canvases]
                prepared, arrangement = self.prepare(some, scenario if len(parts) == 1 else "auto", panels)
                shape = self.synthesis.latent_shape(self.image_size, panels)
                noise = initial_noise(generators, shape)
                chosen = [self._chosen(arrangement, len(part), one) for one in generators]
                prepared = {name: value.to(self.device) for name, value in prepared.items()}
                drawn.append(
                    self.synthesis.generate(
                        prepared, noise.to(self.device), self.scheduler, guidance, num_inference_steps, chosen,
                        on_step, generators,
                    )
                )  # fmt: skip
        output = ImagposePipelineOutput(images=_OUTPUTS[output_type](torch.cat(drawn, dim=1)))
        return output if return_dict else (output.images,)  # type: ignore[return-value] # annotated as in diffusers

    def prepare(
        self, canvases: Sequence[Any], scenario: Setting, panels: int = 4
    ) -> tuple[dict[str, Tensor], Arrangement]:
        """Canvases of (sources, source poses, target poses) → what :meth:`Synthesis.generate` takes; FLC's source is
        the first."""
        check_alike(canvases)
        for sources, poses, _ in canvases:
            if len(sources) != len(poses):
                raise InputError(
                    f"There are {len(sources)} sources and {len(poses)} source poses; every source needs its pose: "
                    "BodyPose.read('pose.json'), or BodyPose((height, width), keypoints) from a detector."
                )
            for number, (image, pose) in enumerate(zip(sources, poses, strict=True), start=1):
                if not pose.belongs_to((image.height, image.width)):
                    raise InputError(
                        f"Source {number} is {image.height}×{image.width} and its pose is in a frame of "
                        f"{pose.size[0]}×{pose.size[1]}; give the keypoints in the picture's own pixels."
                    )
        arrangement = arrange(len(canvases[0][0]), len(canvases[0][2]), scenario, panels)
        prepared = []
        for sources, poses, targets in canvases:
            pictures = [fit(image, self.image_size) for image in sources]
            maps = ([pose.map(self.image_size) for pose in some] for some in (poses, targets))
            prepared.append({**arrangement.canvas(pictures, *maps), "source": pictures[0]})
        return {name: torch.stack([canvas[name] for canvas in prepared]) for name in prepared[0]}, arrangement

    @staticmethod
    def _chosen(arrangement: Arrangement, targets: int, generator: torch.Generator) -> list[int]:
        """The panel to decode for each target: one of those that show it, at random, as in the paper's T1."""
        first = len(arrangement.sources)
        shown = [[first + i for i, t in enumerate(arrangement.targets) if t == target] for target in range(targets)]
        device = generator.device
        return [p[int(torch.randint(len(p), (), generator=generator, device=device))] for p in shown]
