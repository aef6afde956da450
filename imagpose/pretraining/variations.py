"""Trains the UNet of a miniature Stable Diffusion on image variations; real experiments bring the real one."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, Literal, cast

import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from diffusers.optimization import get_scheduler
from lightning import LightningModule
from torch import Tensor

from imagpose.data.draws import Draws
from imagpose.models import weights
from imagpose.models.ema import EMA
from imagpose.models.encoders import Encoder
from imagpose.models.vae import VAE
from imagpose.objective import Objective, Schedule
from imagpose.options.ranges import Decay, NonNegativeInt, PositiveFloat, Probability, Seed, check_arguments
from imagpose.output.files import whole_folder
from imagpose.panels import pad


class VariationTraining(LightningModule):
    """One view's tokens in, another view of the same person out: Eq. (1) on a single panel, without any pose.

    Args:
        out: Where to leave the base model, in Stable Diffusion's layout: ``vae/``, ``unet/`` and ``scheduler/``.
        encoder: The frozen image encoder; as wide as the UNet's cross-attention.
        vae: Name of the frozen VAE's weights folder.
        unet: Configuration of diffusers' UNet2DConditionModel.
        start: Name of a base model whose UNet to start from; None starts from random weights.
        schedule: The noise schedule.
        timesteps: Density of the training timesteps, see Objective.
        dropout: Probability of dropping all tokens.
        lr: Peak learning rate; linear to zero.
        warmup_steps: Steps in which the learning rate rises to its peak.
        ema_decay: Decay of the moving average, which is what is saved.
        seed: Seeds every draw, together with the sample's number.
    """

    def __init__(
        self,
        out: Path,
        encoder: Encoder,
        vae: str,
        unet: dict[str, Any],
        start: str | None = None,
        schedule: Schedule = Schedule(),
        timesteps: Literal["uniform", "cubic"] = "uniform",
        dropout: Probability = 0.1,
        lr: PositiveFloat = 1e-3,
        warmup_steps: NonNegativeInt = 100,
        ema_decay: Decay = 0.999,
        seed: Seed = 0,
    ) -> None:
        super().__init__()
        check_arguments(VariationTraining, locals())
        self.out, self.encoder, self.vae, self.start = Path(out), encoder, VAE.of_folder(weights.find(vae)), start
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.unet = cast(UNet2DConditionModel, UNet2DConditionModel(**unet)).to(memory_format=torch.channels_last)
        # At this size plain products beat the fused kernel: 0.25 against 0.35 s a step of 32 on two cores.
        self.unet.set_attn_processor(AttnProcessor())
        self.ema = EMA(self.unet, ema_decay)
        self.schedule, self.objective = schedule, Objective(schedule, timesteps=timesteps)
        self.dropout, self.lr, self.warmup_steps, self.seed = dropout, lr, warmup_steps, seed
        self.strict_loading = False  # the frozen weights are in no checkpoint
        self.multiple = self.vae.downscale * 2 ** (len(self.unet.config["block_out_channels"]) - 1)

    def setup(self, stage: str) -> None:
        """Read the frozen weights, and those to start from."""
        self.vae.load_weights()
        self.encoder.load_weights()
        if stage == "fit" and self.start is not None:  # what is tested afterwards was trained since
            weights.load(self.unet, weights.find(self.start) / "unet" / "diffusion_pytorch_model.safetensors")
            self.ema.reset()

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        """Eq. (1) on a batch of pairs."""
        loss = self._losses(batch).mean()
        self.log("train/loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: dict[str, Tensor], batch_idx: int) -> None:
        """The same on held-out people, with the averaged weights and the same draws every time."""
        with self.ema.applied():
            self.log("val/loss", self._losses(batch).mean(), prog_bar=True, batch_size=len(batch["target"]))

    test_step = validation_step

    def _losses(self, batch: dict[str, Tensor]) -> Tensor:
        posterior = self.vae.encode(pad(batch["target"], self.multiple))
        draws = Draws.make(self.seed, batch["number"].tolist(), posterior.mean.shape[1:], posterior.mean.device)
        latents = posterior.sample(draws.posterior)
        tokens = self.encoder(batch["source"]) * (draws.dropout >= self.dropout)[:, None, None]
        timesteps = self.objective.draw_timesteps(draws.timestep)
        noisy = self.objective.add_noise(latents, draws.noise, timesteps)
        predicted = self.unet(noisy, timesteps, encoder_hidden_states=tokens, return_dict=False)[0].float()
        return self.objective.loss(predicted, latents, draws.noise, timesteps)

    def configure_optimizers(self) -> Any:
        """AdamW; the learning rate rises, then falls to zero at the last step."""
        optimizer = torch.optim.AdamW(self.unet.parameters(), lr=self.lr, betas=(0.9, 0.99), weight_decay=0.01)
        schedule = get_scheduler(
            "linear", optimizer, num_warmup_steps=self.warmup_steps, num_training_steps=self.trainer.max_steps
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """Average after the step, before any callback may save a checkpoint."""
        super().optimizer_step(*args, **kwargs)
        self.ema.update()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Leave the frozen weights out, take the averaged ones in."""
        checkpoint["state_dict"] = {k: v for k, v in checkpoint["state_dict"].items() if k.startswith("unet.")}
        checkpoint["ema"] = self.ema.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore the averaged weights."""
        self.ema.load_state_dict(checkpoint["ema"])

    def on_fit_end(self) -> None:
        """Save the base model as a diffusers folder in half precision."""
        # There whole or not at all: weights/ is looked into before what ships.
        with whole_folder(self.out) as unfinished:
            with self.ema.applied():
                copy.deepcopy(self.unet).half().save_pretrained(unfinished / "unet")
            copy.deepcopy(self.vae.autoencoder).half().save_pretrained(unfinished / "vae")
            self.schedule.for_sampling().save_pretrained(unfinished / "scheduler")
        self.print(f"The base model is in {self.out}.")
