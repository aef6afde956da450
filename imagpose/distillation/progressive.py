"""Progressive distillation (Salimans and Ho 2022) in one stage: a step of the student is several of its teacher.

    x̂_r  = some guided DDIM steps of the teacher, from x_t at t to r
    x̃_0  = (x̂_r - ρ x_t) / (α_r - ρ α_t)                    from which one DDIM step leads from x_t to x̂_r too
    L    = E ‖x̃_0 - x̂_0‖² / σ_t²                            the error of v, x̂_0 as the student sees it at t

with

    t, r           adjacent timesteps of the student's few (999, 749, 499, 249 and 0 for four)
    ρ              σ_r / σ_t
    α, σ           the schedule's; at r = 0 x_0 stands for itself, so that they are 1 and 0

Nothing is its own target here, as in consistency distillation, so nothing can drift.
"""

from __future__ import annotations

import torch
from torch import Tensor

from imagpose.distillation.consistency import Consistency, FewSteps, guided
from imagpose.errors import InputError
from imagpose.models.network import Conditions
from imagpose.sampler import Denoiser, Guidance


class Progressive:
    """The loss of a student that takes ``schedule.steps`` steps where its teacher takes ``schedule.grid``.

    Args:
        schedule: Of the noise, and of the steps.

    Raises:
        InputError: The student's steps do not part its teacher's evenly.
    """

    def __init__(self, schedule: FewSteps) -> None:
        self.maths, self.steps = Consistency(schedule), schedule.steps
        self.each, rest = divmod(schedule.grid, schedule.steps)
        if rest:
            raise InputError(
                f"model.init_args.sampling_steps is {schedule.steps}, which does not part the teacher's "
                f"{schedule.grid} steps evenly; take a divisor of model.init_args.grid."
            )

    def adjacent(self, uniform: Tensor) -> tuple[Tensor, Tensor]:
        """Uniform numbers in [0, 1), (B,) → t and r of as many steps of the student, (B,)."""
        jump = self.maths.skip * self.each
        t = ((uniform * self.steps).long().clamp(max=self.steps - 1) + 1) * jump - 1
        return t, (t - jump).clamp(min=0)

    @torch.no_grad()
    def target(
        self, teacher: Denoiser, guidance: Guidance, noisy: Tensor, t: Tensor, r: Tensor, conditions: Conditions
    ) -> Tensor:
        """x̃_0, which the student is held to.

        Args:
            teacher: Predicts ε or v.
            guidance: Of the teacher.
            noisy: x_t, (B, V, c, h, w).
            t: Where the student's step begins, (B,).
            r: Where it ends, (B,).
            conditions: Complete ones of B samples, as the teacher encodes them.

        Returns:
            (B, V, c, h, w).
        """
        latents, now = noisy, t
        for _ in range(self.each):
            after = (now - self.maths.skip).clamp(min=0)
            predicted = guided(teacher, guidance, latents, now, conditions)
            latents, now = self.maths.step(predicted, latents, now, after), after
        (alpha, sigma), (alpha_r, sigma_r) = self.maths.scales(t), self.maths.goal_scales(r)
        ratio = sigma_r / sigma
        return (latents - ratio * noisy) / (alpha_r - ratio * alpha)

    def loss(self, predicted: Tensor, noisy: Tensor, t: Tensor, target: Tensor) -> Tensor:
        """The error of each sample, (B,), by what the student predicts at t, ε or v, (B, V, c, h, w)."""
        clean = self.maths.both(predicted, noisy, t)[0]
        return ((target - clean) / self.maths.scales(t)[1]).square().flatten(1).mean(1)
