"""The LightningModule: encodes a batch, takes the step, and decides what a checkpoint holds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from lightning import LightningModule
from torch import Tensor

from imagpose.data.datamodule import PoseDataModule
from imagpose.data.draws import DrawingCollate, Draws, with_draws
from imagpose.models import weights
from imagpose.models.base import Base
from imagpose.models.checkpoint import check_contents, check_steps, load_average
from imagpose.models.compiled import as_written, compile_denoiser
from imagpose.models.cross_view import Form
from imagpose.models.ema import EMA
from imagpose.models.encoders import Encoder
from imagpose.models.fingerprint import fingerprint
from imagpose.models.network import Network
from imagpose.models.newest_losses import NewestLosses
from imagpose.models.optimizer import adamw, learning_rate
from imagpose.models.start import Start
from imagpose.objective import Objective, Schedule
from imagpose.options import ranges
from imagpose.options.trainer import canvases_a_step, holds_shards, is_fitting, logs_now
from imagpose.sampler import Guidance, initial_noise, noise_generator
from imagpose.synthesis import Seen, Synthesis


class IMAGPose(LightningModule):
    """IMAGPose (NeurIPS 2024) for training and evaluation.

    The constructor builds the architecture; weights are read in ``setup``. Switches select the paper's ablations.

    Args:
        encoder: The frozen image encoder.
        base: Name of the base model, see :class:`imagpose.models.base.Base`.
        vae: Name of another VAE than the base's own.
        start: A pipeline folder's name, ``mannequin-demo`` say, or a run's folder, to go on from; None is the base.
        cva_weights: Name of a motion module that CVA starts from, see :class:`imagpose.models.start.Start`.
        pose_weights: Name of a ControlNet or a pose guider that the pose encoder starts from, likewise.
        unet: Configuration of another UNet than the base's, trained from random weights; None takes the base's.
        pose_channels: Channels of the pose encoder.
        texture_kernel: Kernel and stride of FLC's tokenizer.
        texture_tokens: Whether there are FLC's texture tokens (off in B0, B1, B3).
        image_conditions: Whether there are ILC's masked latents (off in B0–B2 and M1).
        mask_condition: Whether there is ILC's mask (off in M1).
        trainable: Parts of the network that are trained: flc, pose_encoder, unet, cva; None is all.
        cva: Whether there is cross-view attention (off in B0, B2, B4), or ``motion``, which is AnimateDiff's module.
        cva_positions: Whether CVA's panels know their place.
        along_batch: Whether panels lie along the batch instead of on a canvas (M1).
        schedule: What to change of the base's noise schedule, which its UNet was trained with.
        guidance: The form decides what is dropped in training, the scale is used in evaluation.
        min_snr_gamma: Loss weights, see Objective.
        timesteps: Density of the training timesteps, see Objective.
        given_weight: Weight of given panels in the loss, see Objective.
        noise_offset: Shift of the noise's mean, see Objective.
        condition_dropout: Probability of dropping conditions.
        sampling_steps: DDIM steps in evaluation.
        lr: Learning rate.
        weight_decay: Weight decay of AdamW.
        betas: Decays of AdamW's two moments.
        lr_schedule: ``constant``, ``linear`` or ``cosine``, to zero at the last step.
        warmup_steps: Steps in which the learning rate rises to its value.
        optimizer: ``adamw``, or ``adamw8bit``, which keeps its moments in a quarter of the memory (bitsandbytes).
        ema_decay: Decay of the trainable weights' moving average, which generates everything; None keeps none.
        ema_device: Where the average is kept, ``cpu`` say; None is with the weights.
        ema_every: Steps between two updates of the average, see :class:`imagpose.models.ema.EMA`.
        gradient_checkpointing: Whether to compute activations again in the backward pass: less memory, a third slower.
        compile: Whether training compiles the UNet, which takes minutes at its first step.
        frozen_dtype: Type of the numbers in which VAE and encoder are kept.
        seed: Seeds every draw, together with the sample's number.
    """

    def __init__(
        self,
        encoder: Encoder,
        base: str,
        vae: str | None = None,
        start: str | None = None,
        cva_weights: str | None = None,
        pose_weights: str | None = None,
        unet: dict[str, Any] | None = None,
        trainable: list[str] | None = None,
        pose_channels: Sequence[ranges.PositiveInt] = (16, 32, 96, 256),
        texture_kernel: ranges.PositiveInt = 16,
        texture_tokens: bool = True,
        image_conditions: bool = True,
        mask_condition: bool = True,
        cva: Form = True,
        cva_positions: bool = True,
        along_batch: bool = False,
        schedule: Schedule | None = None,
        guidance: Guidance = Guidance(),
        min_snr_gamma: ranges.PositiveFloat | None = None,
        timesteps: Literal["uniform", "cubic"] = "uniform",
        given_weight: ranges.Probability = 1.0,
        noise_offset: ranges.NonNegativeFloat = 0.0,
        condition_dropout: ranges.Probability = 0.1,
        sampling_steps: ranges.DenoisingSteps = 20,
        lr: ranges.PositiveFloat = 5e-5,
        weight_decay: ranges.NonNegativeFloat = 0.01,
        betas: tuple[ranges.Decay, ranges.Decay] = (0.9, 0.999),
        lr_schedule: Literal["constant", "linear", "cosine"] = "constant",
        warmup_steps: ranges.NonNegativeInt = 0,
        optimizer: Literal["adamw", "adamw8bit"] = "adamw",
        ema_decay: ranges.Decay | None = 0.9999,
        ema_device: str | None = None,
        ema_every: ranges.PositiveInt = 1,
        gradient_checkpointing: bool = False,
        compile: bool = False,
        frozen_dtype: Literal["float32", "bfloat16", "float16"] = "float32",
        seed: ranges.Seed = 0,
    ) -> None:
        super().__init__()
        ranges.check_arguments(IMAGPose, locals())
        self.base = Base(base, vae)
        self.schedule = self.base.changed(schedule, own_unet=unet is None)
        self.start = Start(self.base, start, unet is None, cva_weights, pose_weights)
        self.encoder, self.vae, self.frozen_dtype = encoder, self.base.vae(), getattr(torch, frozen_dtype)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.network = Network(
                unet_config=self.base.unet_config if unet is None else unet, encoder_dim=encoder.dim,
                pose_channels=list(pose_channels), texture_kernel=texture_kernel, texture_tokens=texture_tokens,
                image_conditions=image_conditions, mask_condition=mask_condition, cva=cva, cva_positions=cva_positions,
                along_batch=along_batch,
            )  # fmt: skip
        self.network.to(memory_format=torch.channels_last)
        self.network.train_parts(trainable)
        if gradient_checkpointing:
            self.network.enable_gradient_checkpointing()
        self.ema = EMA(self.network, ema_decay, ema_device, ema_every)
        self.synthesis = Synthesis(self.vae, self.encoder, self.network)
        self.objective = Objective(self.schedule, min_snr_gamma, timesteps, given_weight, noise_offset)
        self.losses = NewestLosses(len(self.objective.scheduler.alphas_cumprod))
        self.guidance, self.condition_dropout = guidance, condition_dropout
        self.sampling_steps, self.seed, self.trainable = sampling_steps, seed, trainable
        self.optimizer, self.lr, self.weight_decay, self.betas = optimizer, lr, weight_decay, betas
        self.lr_schedule, self.warmup_steps, self.compiled = lr_schedule, warmup_steps, compile
        self.strict_loading = False  # checkpoints hold the trainable part alone; on_load_checkpoint checks it
        self.image_size: tuple[int, int] | None = None  # of what it was trained on, for whoever generates with it
        self.panels: tuple[int, ...] = (4,)  # likewise

    def weights_files(self) -> list[tuple[str, weights.File, torch.nn.Module, weights.Rename | None]]:
        """What has to be read before training starts: what it is, the file, and the module that it must fit."""
        frozen = (("VAE", self.vae, self.vae.autoencoder), ("image encoder", self.encoder, self.encoder.network))
        needed = [(what, part.file, network, part.names) for what, part, network in frozen if part.file is not None]
        return [*needed, *self.start.files(self.network)]

    def prepare_data(self) -> None:
        """Download what is missing, once a machine."""
        for _, file, module, _ in self.weights_files():
            if is_fitting(self._trainer) or module in (self.vae.autoencoder, self.encoder.network):
                file.fetch()

    def setup(self, stage: str) -> None:
        """Read the frozen weights, and those that training starts from; a checkpoint replaces the latter."""
        self.ema.refuse_shards(stage == "fit" and holds_shards(self._trainer))
        for frozen in (self.vae, self.encoder):
            frozen.load_weights()
            frozen.keep_in(self.frozen_dtype, None if self._trainer is None else self.trainer.strategy.root_device)
        if stage != "fit":
            return
        self.start.load(self.network)
        self.ema.reset()
        if self.compiled:
            compile_denoiser(self.network)
        if self._trainer is not None and isinstance(data := self.trainer.datamodule, PoseDataModule):  # type: ignore[attr-defined]
            _, *latent = self.synthesis.latent_shape(data.image_size(), 1)
            self.network.flc.check_fits(*latent[-2:])
            data.collate = DrawingCollate(self.seed, tuple(latent))
            s, precision = self.synthesis, self.trainer.precision
            data.find_features(lambda: fingerprint(s.vae, s.encoder, s.multiple, data, precision))

    def _keep_frozen_on(self, device: torch.device) -> None:
        """Move VAE and encoder, unless a strategy holds pieces of them."""
        if not holds_shards(self._trainer):
            self.vae.keep_on(device)
            self.encoder.keep_on(device)

    def on_before_batch_transfer(self, batch: dict[str, Tensor], dataloader_idx: int = 0) -> dict[str, Tensor]:
        """Add the draws of a training batch whose loader did not, before its numbers are on a device."""
        trains = self._trainer is None or self._trainer.training
        return with_draws(batch, self.seed, self.synthesis.latents_of(batch)) if trains else batch

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        """Eq. (4) on a batch of canvases; waits for the device where it logs alone."""
        self.image_size = (batch["poses"].shape[-2], batch["poses"].shape[-1])
        self.panels = tuple(getattr(getattr(self._trainer, "datamodule", None), "panels", batch["mask"].shape[1:]))
        seen = self._see(batch)
        losses, timesteps = self.canvas_losses(batch, seen, Draws.of(self.on_before_batch_transfer(batch)))
        self._log_losses(losses.detach(), timesteps)
        return losses.mean()

    def canvas_losses(self, batch: dict[str, Tensor], seen: Seen, draws: Draws) -> tuple[Tensor, Tensor]:
        """The loss of each canvas, (B,), and the timestep at which it was taken, (B,)."""
        latents = seen.panels.sample(draws.posterior)
        # Assumption: given panels condition by their posterior's mode; the alternative, a sample, adds noise to them.
        told = (seen.source, seen.semantic, seen.panels.mean, batch["mask"], batch["poses"])
        conditions = self.synthesis.conditions(*told)
        conditions = self.guidance.dropout(conditions, draws.dropout, draws.branch, self.condition_dropout)
        timesteps = self.objective.draw_timesteps(draws.timestep)
        noise = self.objective.noise(draws.noise, draws.offset)
        noisy = self.objective.add_noise(latents, noise, timesteps)
        predicted = self.network(noisy, timesteps, conditions)
        return self.objective.loss(predicted, latents, noise, timesteps, batch["mask"]), timesteps

    def _see(self, batch: dict[str, Tensor]) -> Seen:
        """What the frozen networks say of a batch, from the cache where that came with it."""
        if "semantic" not in batch:
            self._keep_frozen_on(self.device)
            return self.synthesis.see(batch["images"], batch["source"])
        # The black latent first, once, while the VAE still computes as it would without a cache.
        self.synthesis.black(batch["poses"])
        self._keep_frozen_on(torch.device("cpu"))  # until something is generated
        return Seen.cached(batch)

    def _log_losses(self, losses: Tensor, timesteps: Tensor) -> None:
        self.losses.add(losses, timesteps)
        if logs_now(self._trainer):  # from the CPU: what a progress bar shows is read between the steps that log too
            for name, loss in self.losses.read().items():
                self.log(f"train/{name}", loss, prog_bar=name == "loss")

    def configure_optimizers(self) -> Any:
        """AdamW over the trainable part (Table 6)."""
        every = self.network.parameters()  # of a LoRA too, whose frozen ones get no gradient and no state
        parameters = every if self.trainable is None else (p for p in every if p.requires_grad)
        options = {"lr": self.lr, "betas": self.betas, "weight_decay": self.weight_decay}
        optimizer = adamw(self.optimizer, parameters, **options)
        schedule = learning_rate(self.lr_schedule, optimizer, self.warmup_steps, self.trainer.max_steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """Average after the step, before any callback may save a checkpoint."""
        super().optimizer_step(*args, **kwargs)
        self.ema.update()

    @torch.no_grad()
    def generate(self, batch: dict[str, Tensor], seed: int = 0) -> Tensor:
        """Generate the panels of a batch with the averaged weights; the pixels of masked panels are not looked at.

        Args:
            batch: ``source``, ``images``, ``mask``, ``poses`` and ``number`` as in training.
            seed: Seeds the initial noise, together with each sample's number.

        Returns:
            All panels, (B, V, 3, H, W) in [-1, 1]; given ones are the model's own rendering of them.
        """
        self._keep_frozen_on(self.device)
        generators = [noise_generator(seed, number) for number in batch["number"].tolist()]
        noise = initial_noise(generators, self.synthesis.latents_of(batch)).to(self.device)
        sampling = (self.schedule.for_sampling(), self.guidance, self.sampling_steps)
        with self.ema.applied(), as_written():
            return self.synthesis.generate(batch, noise, *sampling, generator=generators)

    def validation_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        """Generate; callbacks look at the panels."""
        return self.generate(batch, self.seed)

    test_step = validation_step

    @torch.no_grad()
    def reconstruct(self, images: Tensor) -> Tensor:
        """Images through the VAE, (..., 3, H, W): the ceiling of what can be generated."""
        self._keep_frozen_on(self.device)
        return self.synthesis.reconstruct(images)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Leave the frozen weights out, take the averaged ones in."""
        checkpoint["state_dict"] = {k: v for k, v in checkpoint["state_dict"].items() if k.startswith("network.")}
        checkpoint["ema"] = self.ema.state_dict()
        checkpoint["image_size"] = list(self.image_size) if self.image_size else None
        checkpoint.update(panels=list(self.panels), canvases_a_step=canvases_a_step(self._trainer))

    def on_load_checkpoint(self, checkpoint: dict[str, Any], path: Path | None = None) -> None:
        """Refuse a checkpoint whose trainable part is not exactly ours, or whose steps were of other sizes.

        Args:
            checkpoint: The checkpoint as it was read.
            path: Path of the checkpoint, for messages; None is the trainer's.

        Raises:
            InputError: It belongs to another experiment, or to steps of more or fewer canvases, or is damaged.
        """
        where = path or Path(getattr(self._trainer, "ckpt_path", None) or "the checkpoint")
        if (canvases := canvases_a_step(self._trainer)) is not None:  # this is a training, whose steps go on
            check_steps(checkpoint, canvases, self.trainer.accumulate_grad_batches, where)
        if "state_dict" not in checkpoint:  # strategies of shards read it themselves
            return
        check_contents(checkpoint, self.network, self.ema, where)
        load_average(checkpoint, self.ema, where)
        self.panels = tuple(checkpoint.get("panels") or self.panels)
        self.image_size = tuple(checkpoint["image_size"]) if checkpoint.get("image_size") else None
