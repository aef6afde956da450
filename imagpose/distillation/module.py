"""The LightningModule of a network that learns to take few steps from one that takes many."""

from __future__ import annotations

import copy
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.func import functional_call

from imagpose.data.draws import Draws
from imagpose.distillation.consistency import Consistency, FewSteps, guided
from imagpose.distillation.progressive import Progressive
from imagpose.errors import InputError
from imagpose.models import lora
from imagpose.models.compiled import compile_denoiser
from imagpose.models.encoders import Encoder
from imagpose.models.network import Network
from imagpose.models.weights import read_config
from imagpose.module import IMAGPose
from imagpose.objective import Schedule
from imagpose.options import ranges
from imagpose.panels import pad
from imagpose.sampler import Guidance
from imagpose.synthesis import Seen


class Distillation(IMAGPose):
    """Latent consistency distillation (Luo et al. 2023) over the joint canvas, guidance folded in.

    The student starts from its teacher and is generated with at guidance 1, which is one prediction a step. It loses
    no conditions in training, as it never has to do without. The teacher is kept in ``frozen_dtype``, as VAE and
    encoder are.

    Args:
        encoder: The frozen image encoder, the teacher's.
        base: Name of the teacher's base model.
        start: Name of the teacher's pipeline folder, or its run's folder.
        guidance: Of the teacher, which the student learns to do without.
        grid: Timesteps k of the teacher's grid; it takes one DDIM step between neighbouring ones.
        method: ``progressive`` learns to take several of the teacher's steps in one (Salimans and Ho 2022), for just
            ``sampling_steps`` steps of DDIM. ``consistency`` leads every timestep to x_0 and is sampled by diffusers'
            LCMScheduler; ``trajectory`` leads it to any earlier one (Zheng et al. 2024), and is sampled by the
            TCDScheduler.
        target: Whose prediction at the earlier timestep is the target: the student's own, as it is (Song and Dhariwal
            2024), or that of its moving ``average``, as Luo et al. have it.
        huber: c of the pseudo-Huber distance; the smaller, the closer it is to an absolute error.
        lora_rank: Rank of a LoRA on the attention of UNet and CVA, which is then all that is trained (PEFT); None
            trains the whole network.
        sampling_steps: Steps in evaluation, and of a pipeline of it unless told otherwise.
        options: Of :class:`imagpose.module.IMAGPose`; those of its loss and of dropped conditions have no effect.
    """

    def __init__(
        self,
        encoder: Encoder,
        base: str,
        start: str,
        guidance: Guidance = Guidance(interval=(500, 999)),
        grid: ranges.DenoisingSteps = 50,
        method: Literal["consistency", "trajectory", "progressive"] = "consistency",
        target: Literal["student", "average"] = "student",
        huber: ranges.PositiveFloat = 0.001,
        lora_rank: ranges.PositiveInt | None = None,
        sampling_steps: ranges.DenoisingSteps = 4,
        **options: Any,
    ) -> None:
        ranges.check_arguments(Distillation, locals())
        super().__init__(
            encoder, base, start=start, guidance=Guidance(scale=1.0), sampling_steps=sampling_steps, **options
        )
        if sampling_steps > grid:
            raise InputError(f"model.init_args.sampling_steps is {sampling_steps}; the grid has {grid} timesteps.")
        if target == "average" and (self.ema.decay is None or self.ema.device is not None):
            raise InputError("model.init_args.target average needs an ema_decay, and the average beside the weights.")
        if lora_rank is not None and method == "progressive":
            raise InputError("model.init_args.lora_rank needs method consistency or trajectory; leave one of them out.")
        if lora_rank is not None and self.trainable is not None:
            raise InputError("model.init_args.lora_rank trains the LoRA alone; leave out one of it and trainable.")
        if lora_rank is not None:
            lora.check_installed()
        self.schedule: FewSteps = FewSteps(**vars(self.schedule), grid=grid, method=method, steps=sampling_steps)
        self.progressive = Progressive(self.schedule) if method == "progressive" else None
        self.consistency = Consistency(self.schedule, huber)
        self.folded_in, self.target, self.lora_rank = guidance, target, lora_rank
        self.teacher: Network | None = None  # in training alone

    def setup(self, stage: str) -> None:
        """Read the weights, of which the teacher keeps a copy; a LoRA is added afterwards."""
        super().setup(stage)
        if stage == "fit":
            self._check_teacher()
            self.teacher = copy.deepcopy(self.network).requires_grad_(False).eval()
            self.teacher.disable_gradient_checkpointing()
            nn.Module.to(self.teacher, self.frozen_dtype)
            if self.compiled:
                compile_denoiser(self.teacher)
        if self.lora_rank is not None and not lora.has(self.network):
            lora.add(self.network, self.lora_rank, self.seed)
            self.ema.reset()

    def _check_teacher(self) -> None:
        """Refuse a teacher of another noise schedule, whose steps would be wrong without an error."""
        if (scheduler := self.start.scheduler()) is None:
            return
        theirs, ours = (one.for_training().config for one in (Schedule.of_base(read_config(scheduler)), self.schedule))
        for what in ("prediction_type", "beta_schedule", "beta_start", "beta_end", "rescale_betas_zero_snr"):
            if theirs[what] != ours[what]:
                raise InputError(
                    f"{scheduler} says {what} {theirs[what]}, and the experiment {ours[what]}; distil a teacher on its "
                    "own base."
                )

    def canvas_losses(self, batch: dict[str, Tensor], seen: Seen, draws: Draws) -> tuple[Tensor, Tensor]:
        """The distance of what student and target say, (B,), and the timestep at which the student says it, (B,)."""
        assert self.teacher is not None
        latents = seen.panels.sample(draws.posterior)
        poses = pad(batch["poses"], self.synthesis.multiple, "constant")
        told = (seen.source, seen.semantic, seen.panels.mean, batch["mask"], self.synthesis.black(poses), poses)
        if self.progressive is not None:
            t, goal = self.progressive.adjacent(draws.timestep)
            noisy = self.objective.add_noise(latents, draws.noise, t)
            predicted = self.network(noisy, t, self.network.conditions(*told))
            with torch.no_grad():
                its_own = self.teacher.conditions(*told)
            target = self.progressive.target(self.teacher, self.folded_in, noisy, t, goal, its_own)
            return self.progressive.loss(predicted, noisy, t, target), t
        t, s = self.consistency.adjacent(self.objective.draw_timesteps(draws.timestep))
        goal = self.consistency.goal(s, draws.branch)
        noisy = self.objective.add_noise(latents, draws.noise, t)
        # The student first: what autocast keeps of weights that were cast without a gradient would have none.
        conditions = self.network.conditions(*told)
        ours = self.consistency.function(self.network(noisy, t, conditions), noisy, t, goal)
        with torch.no_grad():
            taught = guided(self.teacher, self.folded_in, noisy, t, self.teacher.conditions(*told))
            earlier = self.consistency.step(taught, noisy, t, s)
            if self.target == "student":
                predicted = self.network(earlier, s, conditions)
            else:
                predicted = functional_call(_Whole(self.network), self._averaged(), (earlier, s, told))
            target = self.consistency.function(predicted, earlier, s, goal)
        return self.consistency.distance(ours, target), t

    def _averaged(self) -> dict[str, Tensor]:
        """The averaged parameters by their names in :class:`_Whole`."""
        assert self.ema.model is not None
        self.ema.follow()  # before the first update of a training on a GPU
        names = (f"network.{name}" for name, _ in self.network.named_parameters())
        return dict(zip(names, self.ema.model.shadow_params, strict=True))


class _Whole(nn.Module):
    """Conditions and prediction in one call."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, noisy: Tensor, timesteps: Tensor, told: tuple[Tensor, ...]) -> Tensor:
        return self.network(noisy, timesteps, self.network.conditions(*told))
