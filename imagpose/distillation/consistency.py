"""Latent consistency distillation (Luo et al. 2023) of a joint canvas, guidance folded in.

    x̂_s        = α_s x̂_0 + σ_s ε̂                                  one DDIM step from t to s, x̂_0 and ε̂ at t
    f(x_t, t)  = c_skip(t) x_t + c_out(t) x̂_0                      the consistency function, f(x_0, 0) = x_0;
                                                                   x_0 stands for itself: α_0 = 1, σ_0 = 0
    L          = E d(f_θ(x_t, t), f_θ⁻(x̂_s, s))                    x̂_s by the guided teacher, s the timestep before t

with

    x_t            noisy latents of the joint canvas, (B, V, c, h, w)
    x̂_0, ε̂         read from what a network predicts at t, ε or v
    α_t, σ_t       the schedule's, α_t² + σ_t² = 1
    t, s           adjacent timesteps of a grid of k (19, 39, … 999 for k = 50); 0 comes before the first
    c_skip(t)      σ_d² / ((10 t)² + σ_d²),  σ_d = 0.5
    c_out(t)       10 t / √((10 t)² + σ_d²)
    d              √((a - b)² + c²) - c, the pseudo-Huber distance, element by element

A trajectory function (Zheng et al. 2024) goes from t to any r ≤ s: f(x_t, t → r) = α_r x̂_0 + σ_r ε̂.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from diffusers import DDIMScheduler, LCMScheduler, TCDScheduler
from torch import Tensor

from imagpose.errors import InputError
from imagpose.models.network import Conditions
from imagpose.objective import Schedule
from imagpose.options.ranges import DenoisingSteps, PositiveFloat, check_arguments
from imagpose.sampler import Denoiser, Guidance

SIGMA_DATA, TIMESTEP_SCALING = 0.5, 10.0  # diffusers' and the LCM paper's


@dataclass(frozen=True)
class FewSteps(Schedule):
    """The schedule of a distilled network, which is sampled as it was distilled.

    Attributes:
        grid: Timesteps k of the teacher's grid.
        method: ``consistency`` is sampled by diffusers' LCMScheduler, ``trajectory`` by its TCDScheduler and
            ``progressive`` by DDIM.
        steps: Steps of a ``progressive`` student, which is made for them alone.
    """

    grid: DenoisingSteps = 50
    method: Literal["consistency", "trajectory", "progressive"] = "consistency"
    steps: DenoisingSteps = 4

    def for_sampling(self) -> DDIMScheduler | LCMScheduler | TCDScheduler:
        """The sampler of few steps."""
        if self.method == "progressive":
            return DDIMScheduler.from_config(super().for_sampling().config, timestep_spacing="trailing")
        few = LCMScheduler if self.method == "consistency" else TCDScheduler
        return few.from_config(super().for_sampling().config, original_inference_steps=self.grid)


class Consistency:
    """The consistency loss.

    Args:
        schedule: Of the noise.
        huber: c of the pseudo-Huber distance.

    Raises:
        InputError: The grid's timesteps do not part the schedule's evenly.
    """

    def __init__(self, schedule: FewSteps, huber: PositiveFloat = 0.001) -> None:
        check_arguments(Consistency, locals())
        scheduler = schedule.for_training()
        self.alphas_cumprod: Tensor = scheduler.alphas_cumprod
        self.predicts_v = schedule.predicts == "v_prediction"
        self.trajectory, self.huber = schedule.method == "trajectory", huber
        self.skip, rest = divmod(len(self.alphas_cumprod), schedule.grid)
        if rest:
            raise InputError(
                f"grid is {schedule.grid}, which does not part {len(self.alphas_cumprod):,} timesteps evenly; take 50."
            )

    def adjacent(self, timesteps: Tensor) -> tuple[Tensor, Tensor]:
        """The timestep t of the grid at or after some timesteps, (B,), and s, the one before it; 0 before the first."""
        t = timesteps // self.skip * self.skip + self.skip - 1
        return t, (t - self.skip).clamp(min=0)

    def goal(self, before: Tensor, uniform: Tensor) -> Tensor:
        """The timestep that f maps to: 0, or for trajectories any r of the grid up to s.

        Args:
            before: s, (B,).
            uniform: Numbers in [0, 1), (B,).
        """
        if not self.trajectory:
            return torch.zeros_like(before)
        number = (uniform * ((before + 1) // self.skip + 1)).long()  # of those up to s, 0 among them
        return (number * self.skip - 1).clamp(min=0)

    def both(self, predicted: Tensor, noisy: Tensor, timesteps: Tensor) -> tuple[Tensor, Tensor]:
        """x̂_0 and ε̂ of what is predicted at t, ε or v; with a zero terminal SNR v tells x̂_0 of pure noise too."""
        alpha, sigma = self.scales(timesteps)
        if self.predicts_v:
            return alpha * noisy - sigma * predicted, alpha * predicted + sigma * noisy
        return (noisy - sigma * predicted) / alpha, predicted

    def step(self, predicted: Tensor, noisy: Tensor, timesteps: Tensor, goal: Tensor) -> Tensor:
        """DDIM's step from t to s, x̂_s = α_s x̂_0 + σ_s ε̂.

        Args:
            predicted: At t, (B, V, c, h, w).
            noisy: x_t, (B, V, c, h, w).
            timesteps: t, (B,).
            goal: s ≤ t, (B,).
        """
        clean, noise = self.both(predicted, noisy, timesteps)
        alpha, sigma = self.goal_scales(goal)
        return alpha * clean + sigma * noise

    def function(self, predicted: Tensor, noisy: Tensor, timesteps: Tensor, goal: Tensor) -> Tensor:
        """f(x_t, t), or f(x_t, t → r); arguments as of :meth:`step`, r as of :meth:`goal`."""
        if self.trajectory:
            return self.step(predicted, noisy, timesteps, goal)
        scaled = _beside(timesteps * TIMESTEP_SCALING, noisy)
        whole = scaled.square() + SIGMA_DATA**2
        return SIGMA_DATA**2 / whole * noisy + scaled / whole.sqrt() * self.both(predicted, noisy, timesteps)[0]

    def distance(self, ours: Tensor, target: Tensor) -> Tensor:
        """The mean pseudo-Huber distance of each sample, (B, V, c, h, w) → (B,)."""
        return (((ours - target).square() + self.huber**2).sqrt() - self.huber).flatten(1).mean(1)

    def goal_scales(self, goal: Tensor) -> tuple[Tensor, Tensor]:
        """α and σ of where a step ends, (B,) → (B, 1, 1, 1, 1); 1 and 0 at timestep 0, but for trajectories.

        The schedule's timestep 0 still holds noise of σ = 0.03. As a target it would teach the student to leave that
        in, by ten times what all other steps have to teach. TCDScheduler's last step, a trajectory's, ends there.
        """
        alpha, sigma = self.scales(goal)
        if self.trajectory:
            return alpha, sigma
        ends = (goal == 0).view_as(alpha)
        return alpha.masked_fill(ends, 1.0), sigma.masked_fill(ends, 0.0)

    def scales(self, timesteps: Tensor) -> tuple[Tensor, Tensor]:
        """α and σ of timesteps, (B,) → (B, 1, 1, 1, 1)."""
        self.alphas_cumprod = self.alphas_cumprod.to(timesteps.device)  # once: a copy would wait for the device
        squared = self.alphas_cumprod[timesteps].view(-1, 1, 1, 1, 1)
        return squared.sqrt(), (1 - squared).sqrt()


def _beside(values: Tensor, latents: Tensor) -> Tensor:
    return values.view(-1, *[1] * (latents.ndim - 1))


def guided(denoiser: Denoiser, guidance: Guidance, noisy: Tensor, timesteps: Tensor, conditions: Conditions) -> Tensor:
    """The guided prediction, Eq. (5), for samples of different timesteps.

    All branches are predicted of every sample and chosen afterwards: to leave some out, the host would have to wait for
    the device to tell it which.

    Args:
        denoiser: The teacher.
        guidance: Its form, scale and interval.
        noisy: x_t, (B, V, c, h, w).
        timesteps: t, (B,).
        conditions: Complete ones of B samples.

    Returns:
        (B, V, c, h, w).
    """
    if guidance.scale == 1:
        return denoiser(noisy, timesteps, guidance.branches(conditions))
    branches, count = guidance.branches(conditions), 2
    if guidance.interval is not None and guidance.form == "printed":  # neither of its branches is the complete one
        branches, count = Conditions.cat([branches, conditions]), 3
    parts = denoiser(noisy.repeat(count, 1, 1, 1, 1), timesteps.repeat(count), branches).chunk(count)
    combined = guidance.combine(torch.cat(parts[:2]))
    if guidance.interval is None:
        return combined
    low, high = guidance.interval
    inside = _beside((timesteps >= low) & (timesteps <= high), noisy)
    return torch.where(inside, combined, parts[2] if count == 3 else parts[0])
