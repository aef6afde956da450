"""Classifier-free guidance, Eq. (2) and (5), and the denoising loop.

    ε̂_θ(x_t, c, t)             = w ε_θ(x_t, c, t) + (1 - w) ε_θ(x_t, t)                 Eq. (2)
    ε̂_θ(x_t, F_C, F_I, F_P, t) = w ε_θ(x_t, F_C, F_I, t) + (1 - w) ε_θ(x_t, F_P, t)     Eq. (5)

with

    x_t            noisy latents of the joint canvas, (B, V, c, h, w), and so is each ε_θ
    w              guidance scale, from 0; 1 is the conditional prediction alone
    c              the condition of Eq. (2), in IMAGPose (F_C, F_I, F_P)
    F_C            tokens of the source's appearance, (B, m + n, d)
    F_I            masked latents and mask, (B, V, c + 1, h, w)
    F_P            pose features, (B, V, pose_channels, h, w)
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from diffusers import DDIMScheduler
from torch import Tensor

from imagpose.data.draws import generator_for
from imagpose.models.network import Conditions
from imagpose.options.ranges import NonNegativeFloat, Timestep, check_arguments, check_interval

# Which conditions the conditional and the unconditional prediction do without.
_DROPPED: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "joint": ((), ("F_C", "F_I")),
    "printed": (("F_P",), ("F_C", "F_I")),
    "tokens": ((), ("F_C",)),
}
Denoiser = Callable[[Tensor, Tensor, Conditions], Tensor]
OnStep = Callable[[int, Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Guidance:
    """How two predictions become one: w·ε(conditional) + (1 - w)·ε(unconditional), Eq. (2).

    Assumption: ``joint``, ε(F_P) + w·(ε(F_C, F_I, F_P) - ε(F_P)), is the reading that Eq. (2) and Eq. (5) share.
    ``printed`` is Eq. (5) to the letter, whose first term has no F_P; ``tokens`` drops F_C alone, as the authors' code.

    Attributes:
        form: Which conditions the two predictions see: ``joint``, ``printed`` or ``tokens``.
        scale: The guidance scale w, from 0; 1 is the conditional prediction alone.
        interval: The lowest and the highest timestep at which w counts (Kynkäänniemi et al. 2024); elsewhere the
            prediction with all conditions stands alone. None is every timestep, as in the paper.
    """

    form: Literal["joint", "printed", "tokens"] = "joint"
    scale: NonNegativeFloat = 2.0
    interval: tuple[Timestep, Timestep] | None = None

    def __post_init__(self) -> None:
        check_arguments(Guidance, vars(self), "guidance.")
        check_interval("guidance.interval", self.interval)

    def guides(self, timestep: float) -> bool:
        """Whether two predictions are needed at a timestep."""
        return self.scale != 1 and (self.interval is None or self.interval[0] <= timestep <= self.interval[1])

    def dropout(self, conditions: Conditions, drop: Tensor, branch: Tensor, probability: float) -> Conditions:
        """Drop in training what this guidance will drop in sampling, a sample at a time.

        Args:
            conditions: Complete conditions of B samples.
            drop: Uniform in [0, 1), (B,): below ``probability`` the sample loses something.
            branch: Uniform in [0, 1), (B,): which of the incomplete predictions it then serves.
            probability: Probability that a sample loses something, in [0, 1].

        Returns:
            The conditions, those of the dropped samples replaced: zero tokens, black latents with mask 0, zero poses.
        """
        incomplete = [names for names in _DROPPED[self.form] if names]
        serves = (branch * len(incomplete)).long()
        for number, names in enumerate(incomplete):
            conditions = conditions.without(names, (drop < probability) & (serves == number))
        return conditions

    def branches(self, conditions: Conditions, guided: bool = True) -> Conditions:
        """The batch of all predictions that are needed: conditional first, then unconditional; or, outside of the
        interval, the complete one alone."""
        dropped = ((),) if self.scale != 1 and not guided else _DROPPED[self.form][: 1 if self.scale == 1 else 2]
        every = torch.ones(len(conditions), dtype=torch.bool, device=conditions["F_C"].device)
        return Conditions.cat([conditions.without(names, every) for names in dropped])

    def combine(self, predictions: Tensor) -> Tensor:
        """w·ε(conditional) + (1 - w)·ε(unconditional), Eq. (2) and (5).

        Args:
            predictions: The network's predictions for :meth:`branches`, (2·B, V, c, h, w): conditional ones first.

        Returns:
            The guided prediction, (B, V, c, h, w).
        """
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
        conditions: What the denoiser is told; encoded once, used at every step.
        noise: Standard normal noise x_T, (B, V, c, h, w).
        scheduler: Any scheduler of diffusers.
        guidance: How the predictions are combined, Eq. (5).
        steps: How many denoising steps are taken, from 1.
        on_step: Called after every step with its index, timestep, latents and the estimate of x_0 that it stepped
            towards, both (B, V, c, h, w); the latents that it returns continue.
        generator: Draws the noise of a scheduler whose steps add some; DDIM's do not.

    Returns:
        The denoised latents x_0, (B, V, c, h, w).
    """
    scheduler.set_timesteps(steps, device=noise.device)
    latents = noise * scheduler.init_noise_sigma
    guides = [guidance.guides(t) for t in scheduler.timesteps.tolist()]
    branches = {guided: guidance.branches(conditions, guided) for guided in set(guides)}
    extra = {"generator": generator} if "generator" in inspect.signature(scheduler.step).parameters else {}
    for i, (t, guided) in enumerate(zip(scheduler.timesteps, guides, strict=True)):
        inputs = scheduler.scale_model_input(latents, t).repeat(2 if guided else 1, 1, 1, 1, 1)
        predicted = denoiser(inputs, t.expand(len(inputs)), branches[guided])
        predicted = guidance.combine(predicted) if guided else predicted
        step = scheduler.step(predicted, t, latents, **extra)
        latents = step.prev_sample
        if on_step is not None:
            latents = on_step(i, t, latents, _estimate(step))
    return latents


def _estimate(step: Any) -> Tensor:
    """The x_0 that a scheduler stepped towards; where it does not tell, the latents that it arrived at."""
    told = (getattr(step, name, None) for name in ("pred_original_sample", "denoised"))
    return next((x_0 for x_0 in told if x_0 is not None), step.prev_sample)


def noise_generator(seed: int, number: int = 0) -> torch.Generator:
    """Draws the noise that a sample of this number begins with, and then what a scheduler adds to its steps."""
    return generator_for(seed, 4, number)


def initial_noise(generators: Sequence[torch.Generator], shape: Sequence[int]) -> Tensor:
    """The noise x_T that samples start from, each drawn by its own generator, see :func:`noise_generator`.

    Args:
        generators: Of B samples, on one device.
        shape: Shape of one sample's latents, (V, c, h, w).

    Returns:
        Standard normal noise, (B, V, c, h, w).
    """
    return torch.stack([torch.randn(*shape, generator=one, device=one.device) for one in generators])
