"""Classifier-free guidance, Eq. (2) and (5), and the denoising loop."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from diffusers import DDIMScheduler
from torch import Tensor

from imagpose.models.network import Conditions
from imagpose.objective import generator_for
from imagpose.options.ranges import NonNegativeFloat, check_arguments

# Which conditions the conditional and the unconditional prediction do without.
_DROPPED: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "joint": ((), ("F_C", "F_I")),
    "printed": (("F_P",), ("F_C", "F_I")),
    "tokens": ((), ("F_C",)),
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
    """

    form: Literal["joint", "printed", "tokens"] = "joint"
    scale: NonNegativeFloat = 2.0

    def __post_init__(self) -> None:
        check_arguments(Guidance, vars(self), "guidance.")

    def dropout(self, conditions: Conditions, drop: Tensor, branch: Tensor, probability: float) -> Conditions:
        """Drop in training what this guidance will drop in sampling, a sample at a time.

        Args:
            conditions: Complete conditions.
            drop: Uniform in [0, 1), (B,): below ``probability`` the sample loses something.
            branch: Uniform in [0, 1), (B,): which of the incomplete predictions it then serves.
            probability: Of dropping.
        """
        incomplete = [names for names in _DROPPED[self.form] if names]
        serves = (branch * len(incomplete)).long()
        for number, names in enumerate(incomplete):
            conditions = conditions.without(names, (drop < probability) & (serves == number))
        return conditions

    def branches(self, conditions: Conditions) -> Conditions:
        """The batch of all predictions that are needed: conditional first, then, unless w is 1, unconditional."""
        dropped = _DROPPED[self.form][: 1 if self.scale == 1 else 2]
        every = torch.ones(len(conditions), dtype=torch.bool, device=conditions["F_C"].device)
        return Conditions.cat([conditions.without(names, every) for names in dropped])

    def combine(self, predictions: Tensor) -> Tensor:
        """Eq. (5): predictions of :meth:`branches`, (n·B, ...) → (B, ...)."""
        if self.scale == 1:
            return predictions
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
    branches = guidance.branches(conditions)
    copies = len(branches) // len(latents)
    extra = {"generator": generator} if "generator" in inspect.signature(scheduler.step).parameters else {}
    for i, t in enumerate(scheduler.timesteps):
        scaled = scheduler.scale_model_input(latents, t)
        inputs = scaled.repeat(copies, 1, 1, 1, 1)
        predicted = guidance.combine(denoiser(inputs, t.expand(len(inputs)), branches))
        latents = scheduler.step(predicted, t, latents, **extra).prev_sample
        if on_step is not None:
            latents = on_step(i, t, latents)
    return latents


def initial_noise(seed: int, numbers: Sequence[int], shape: Sequence[int]) -> Tensor:
    """x_T for samples of the given numbers, each a function of the seed and its number alone, (B, *shape)."""
    return torch.stack([torch.randn(*shape, generator=generator_for(seed, 4, number)) for number in numbers])
