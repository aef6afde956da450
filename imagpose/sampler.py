"""Classifier-free guidance, Eq. (2) and (5), and the denoising loop."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from diffusers import DDIMScheduler
from torch import Tensor

from imagpose.errors import InputError
from imagpose.models.network import Conditions
from imagpose.objective import generator_for
from imagpose.options.ranges import NonNegativeFloat, NonNegativeInt, check_arguments

# Which of (F_C, F_I, F_P) the conditional and the unconditional prediction see.
_FORMS = {
    "joint": ((True, True, True), (False, False, True)),
    "printed": ((True, True, False), (False, False, True)),
    "tokens": ((True, True, True), (False, True, True)),
}
Denoiser = Callable[[Tensor, Tensor, Conditions], Tensor]
OnStep = Callable[[int, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Guidance:
    """How two predictions become one: w·ε(conditional) + (1 - w)·ε(unconditional), Eq. (2).

    Assumption: ``joint``, ε(F_P) + w·(ε(F_C, F_I, F_P) - ε(F_P)), is the reading that Eq. (2) and Eq. (5) share.
    ``printed`` is Eq. (5) to the letter, whose first term has no F_P; ``tokens`` drops F_C alone, as the authors' code.

    Attributes:
        form: One of the three.
        scale: w; 1 is the conditional prediction alone.
        interval: The lowest and the highest timestep at which w counts (Kynkäänniemi et al. 2024); elsewhere w is 1 and
            one prediction is made. None is every timestep, as in the paper.
    """

    form: Literal["joint", "printed", "tokens"] = "joint"
    scale: NonNegativeFloat = 2.0
    interval: tuple[NonNegativeInt, NonNegativeInt] | None = None

    def __post_init__(self) -> None:
        check_arguments(Guidance, vars(self), "guidance.")
        if self.interval is not None and self.interval[0] > self.interval[1]:
            raise InputError(f"guidance.interval is {list(self.interval)}; it takes [lowest, highest] timestep.")

    def guides(self, timestep: int) -> bool:
        """Whether two predictions are needed at a timestep."""
        return self.scale != 1 and (self.interval is None or self.interval[0] <= timestep <= self.interval[1])

    def dropout(self, conditions: Conditions, drop: Tensor, branch: Tensor, probability: float) -> Conditions:
        """Drop in training what this guidance will drop in sampling, a sample at a time.

        Args:
            conditions: Complete conditions.
            drop: Uniform in [0, 1), (B,): below ``probability`` the sample loses something.
            branch: Uniform in [0, 1), (B,): which of the incomplete predictions it then serves.
            probability: Of dropping.
        """
        incomplete = torch.tensor([form for form in _FORMS[self.form] if not all(form)], device=drop.device)
        chosen = incomplete[(branch * len(incomplete)).long()]
        keep = torch.where((drop < probability)[:, None], chosen, True)
        return conditions.keep(*keep.unbind(1))

    def branches(self, conditions: Conditions, guided: bool = True) -> Conditions:
        """The batch of all predictions that are needed: conditional first, then, if guided, unconditional."""
        forms = _FORMS[self.form][: 2 if guided and self.scale != 1 else 1]
        one = torch.ones(len(conditions.F_C), dtype=torch.bool, device=conditions.F_C.device)
        return Conditions.cat([conditions.keep(*(one & kept for kept in form)) for form in forms])

    def combine(self, predictions: Tensor) -> Tensor:
        """Eq. (5): the two predictions of :meth:`branches`, (2·B, ...) → (B, ...)."""
        conditional, unconditional = predictions.chunk(2)
        return self.scale * conditional + (1 - self.scale) * unconditional


@torch.no_grad()
def sample(
    denoiser: Denoiser,
    conditions: Conditions,
    noise: Tensor,
    scheduler: DDIMScheduler | Any,
    guidance: Guidance,
    steps: int = 20,
    on_step: OnStep | None = None,
    generator: torch.Generator | list[torch.Generator] | None = None,
) -> Tensor:
    """Denoise a joint canvas from pure noise.

    Assumption: all panels start from noise, given ones too, as all are noised in training.

    Args:
        denoiser: Predicts ε or v, whichever the scheduler's configuration says.
        conditions: Encoded once, used at every step.
        noise: x_T, (B, V, c, h, w).
        scheduler: Any scheduler of diffusers.
        guidance: Eq. (5).
        steps: Denoising steps.
        on_step: Called after every step with its index, timestep and latents; what it returns continues.
        generator: Of a scheduler whose steps draw noise; DDIM's do not.

    Returns:
        x_0, (B, V, c, h, w).
    """
    scheduler.set_timesteps(steps, device=noise.device)
    latents = noise * scheduler.init_noise_sigma
    timesteps = scheduler.timesteps.tolist()
    kinds = {guided: guidance.branches(conditions, guided) for guided in set(map(guidance.guides, timesteps))}
    extra = {"generator": generator} if "generator" in inspect.signature(scheduler.step).parameters else {}
    for i, t in enumerate(scheduler.timesteps):
        guided = guidance.guides(timesteps[i])
        inputs = scheduler.scale_model_input(latents, t)
        if guided:
            inputs = inputs.repeat(2, 1, 1, 1, 1)
        predicted = denoiser(inputs, t.expand(len(inputs)), kinds[guided])
        if guided:
            predicted = guidance.combine(predicted)
        latents = scheduler.step(predicted, t, latents, **extra).prev_sample
        if on_step is not None:
            latents = on_step(i, t, latents)
    return latents


def initial_noise(seed: int, numbers: Sequence[int], shape: Sequence[int]) -> Tensor:
    """x_T for samples of the given numbers, each a function of the seed and its number alone, (B, *shape)."""
    return torch.stack([torch.randn(*shape, generator=generator_for(seed, 4, number)) for number in numbers])
