"""Noising and loss: Eq. (1), and Eq. (4), which is Eq. (1) over the joint canvas with c = (F_C, F_I, F_P).

    x_t   = α_t x_0 + σ_t ε                                                             (Sec. 3.1)
    L_DM  = E_{x_0, ε, c, t} ‖ε - ε_θ(x_t, c, t)‖²                                      Eq. (1)
    L_MSE = E_{x_0, ε, F_C, F_I, F_P, t} ‖ε - ε_θ(x_t, F_C, F_I, F_P, t)‖²              Eq. (4)

with

    x_0            latents of the joint canvas, (B, V, c, h, w)
    ε              standard normal noise, the same shape
    t              timesteps, (B,) integers from 0 to 999
    α_t, σ_t       the schedule's, α_t² + σ_t² = 1
    F_C            tokens of the source's appearance, (B, m + n, d), see models/flc.py
    F_I            masked latents and mask, (B, V, c + 1, h, w), see models/ilc.py
    F_P            pose features, (B, V, pose_channels, h, w), see models/pose_encoder.py
    ε_θ            the network, see models/unet.py
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from diffusers import DDIMScheduler, DDPMScheduler
from torch import Tensor

from imagpose.errors import InputError
from imagpose.options.ranges import NoiseBeta, NonNegativeFloat, PositiveFloat, Probability, check_arguments


@dataclass(frozen=True)
class Schedule:
    """The noise schedule, and what the network predicts.

    What is None is the base model's, see :meth:`over`; without a base, Stable Diffusion 1.5's.

    Attributes:
        beta_schedule: Table 6 says "linear", which in Stable Diffusion's own code names what diffusers calls
            ``scaled_linear``.
        beta_start: First β, 0.00085.
        beta_end: Last β, 0.012.
        prediction_type: ``epsilon`` as in Eq. (1) and SD 1.5, or ``v_prediction`` as in SD 2.1; None is ``epsilon``,
            or ``v_prediction`` with a zero terminal SNR.
        zero_terminal_snr: Rescale β so that the last step is pure noise, which ε cannot predict from: it forces
            ``v_prediction`` and trailing timesteps.
    """

    beta_schedule: Literal["scaled_linear", "linear", "squaredcos_cap_v2"] | None = None
    beta_start: NoiseBeta | None = None
    beta_end: NoiseBeta | None = None
    prediction_type: Literal["epsilon", "v_prediction"] | None = None
    zero_terminal_snr: bool | None = None

    def __post_init__(self) -> None:
        check_arguments(Schedule, vars(self), "schedule.")
        if self.beta_start is not None and self.beta_end is not None and self.beta_start > self.beta_end:
            raise InputError(
                f"schedule.beta_start ({self.beta_start}) is above schedule.beta_end "
                f"({self.beta_end}); make it at most that."
            )
        if self.zero_terminal_snr and self.prediction_type == "epsilon":
            raise InputError(
                "schedule.zero_terminal_snr cannot be combined with schedule.prediction_type epsilon: the last step "
                "holds no signal to predict noise against; use v_prediction or leave it out."
            )

    @staticmethod
    def of_base(config: dict[str, Any]) -> Schedule:
        """The schedule of a base model's ``scheduler_config.json``, whichever scheduler wrote it.

        Raises:
            InputError: It predicts neither ε nor v.
        """
        if (predicted := config.get("prediction_type", "epsilon")) not in ("epsilon", "v_prediction"):
            raise InputError(f"A base model that predicts {predicted!r} cannot be trained on; take one of ε or v.")
        theirs = {f.name: config[f.name] for f in fields(Schedule) if f.name in config}
        return Schedule(**theirs, zero_terminal_snr=bool(config.get("rescale_betas_zero_snr", False)))

    def over(self, base: Schedule) -> Schedule:
        """This schedule where it says something, else the base's."""
        named = {f.name: value for f in fields(Schedule) if (value := getattr(self, f.name)) is not None}
        if named.get("zero_terminal_snr") and "prediction_type" not in named:
            named["prediction_type"] = "v_prediction"
        return replace(base, **named)

    @property
    def predicts(self) -> str:
        """What the network is trained to predict, by diffusers' name."""
        return self.prediction_type or ("v_prediction" if self.zero_terminal_snr else "epsilon")

    def _config(self) -> dict[str, Any]:
        return {
            "beta_schedule": self.beta_schedule or "scaled_linear",
            "beta_start": 0.00085 if self.beta_start is None else self.beta_start,
            "beta_end": 0.012 if self.beta_end is None else self.beta_end,
            "prediction_type": self.predicts,
            "rescale_betas_zero_snr": bool(self.zero_terminal_snr),
            "timestep_spacing": "trailing" if self.zero_terminal_snr else "leading",
            "steps_offset": 1,
            "clip_sample": False,
        }

    def for_training(self) -> DDPMScheduler:
        """The scheduler that adds noise: DDPM's, with α_t and σ_t at 1,000 timesteps."""
        return DDPMScheduler(**self._config())

    def for_sampling(self) -> DDIMScheduler:
        """The paper's sampler: DDIM."""
        return DDIMScheduler(**self._config(), set_alpha_to_one=False)


class Objective:
    """L_MSE = E ‖ε - ε_θ(x_t, F_C, F_I, F_P, t)‖², Eq. (4).

    Assumption: all panels are noised, predicted and in the loss, given ones too: Eq. (4) is over the joint target. The
    alternative, masked panels only, would leave part of the canvas undefined at sampling.

    Args:
        schedule: The noise schedule.
        min_snr_gamma: Weights of Hang et al. 2023, min(SNR, γ)/SNR for ε and min(SNR, γ)/(SNR + 1) for v; with a zero
            terminal SNR min(SNR + 1, γ)/(SNR + 1), since the step that sampling starts from would weigh nothing.
        timesteps: ``uniform``, or ``cubic``, which favours high noise, where colours are settled (as CFLD draws them).
        given_weight: Weight of a given panel beside a masked one's, which is 1, as a given one's is in Eq. (4).
        noise_offset: Standard deviation of a shift of the noise's mean, so that brightness is learnt too; 0 is Eq. (1).
    """

    def __init__(
        self,
        schedule: Schedule,
        min_snr_gamma: PositiveFloat | None = None,
        timesteps: Literal["uniform", "cubic"] = "uniform",
        given_weight: Probability = 1.0,
        noise_offset: NonNegativeFloat = 0.0,
    ) -> None:
        check_arguments(Objective, locals())
        self.scheduler = schedule.for_training()
        self.predicts_v = self.scheduler.config["prediction_type"] == "v_prediction"
        self.ends_in_noise = bool(self.scheduler.config["rescale_betas_zero_snr"])
        self.min_snr_gamma, self.timesteps, self.given_weight = min_snr_gamma, timesteps, given_weight
        self.noise_offset = noise_offset

    def draw_timesteps(self, uniform: Tensor) -> Tensor:
        """Uniform numbers in [0, 1), (B,) → timesteps, (B,) integers below 1,000."""
        total = int(self.scheduler.config["num_train_timesteps"])
        u = uniform if self.timesteps == "uniform" else 1 - uniform**3
        return (u * total).long().clamp(max=total - 1)

    def noise(self, noise: Tensor, offset: Tensor) -> Tensor:
        """ε with the offset of its mean, if there is one.

        Assumption: a canvas has one offset a channel, as the authors' canvas is one image; the alternative is one for
        each panel, which would let panels differ in brightness.

        Args:
            noise: Standard normal, (B, V, c, h, w).
            offset: Standard normal, (B, c).
        """
        return noise + self.noise_offset * offset[:, None, :, None, None] if self.noise_offset else noise

    def add_noise(self, latents: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """x_t = α_t x_0 + σ_t ε (Sec. 3.1); all (B, ...) with timesteps (B,)."""
        return self.scheduler.add_noise(latents, noise, timesteps)

    def loss(
        self, predicted: Tensor, latents: Tensor, noise: Tensor, timesteps: Tensor, mask: Tensor | None = None
    ) -> Tensor:
        """Mean squared error, Eq. (1) on a joint canvas, Eq. (4).

        A network that predicts v is held to v = α_t ε - σ_t x_0 in place of ε.

        Args:
            predicted: ε_θ(x_t, F_C, F_I, F_P, t), or v, (B, V, c, h, w).
            latents: x_0, (B, V, c, h, w).
            noise: ε, (B, V, c, h, w).
            timesteps: t, (B,) integers from 0 to 999.
            mask: Which panels are given, (B, V): 0 = to generate, 1 = given; needed where these weigh less.

        Returns:
            The mean over panels, channels and positions, weighted by min-SNR if that is on: one number a sample, (B,).
        """
        target = self.scheduler.get_velocity(latents, noise, timesteps) if self.predicts_v else noise
        error = (target - predicted).square()
        if mask is None or self.given_weight == 1:
            error = error.flatten(1).mean(1)
        else:
            weight = 1 + (self.given_weight - 1) * mask
            error = (error.flatten(2).mean(2) * weight).sum(1) / weight.sum(1)
        if self.min_snr_gamma is None:
            return error
        alphas = self.scheduler.alphas_cumprod.to(timesteps.device)[timesteps]
        snr = alphas / (1 - alphas)
        clamped = (snr + 1 if self.ends_in_noise else snr).clamp(max=self.min_snr_gamma)
        return error * clamped / (snr + 1 if self.predicts_v else snr)
