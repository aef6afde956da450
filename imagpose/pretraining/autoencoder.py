"""Trains the small VAE that the embedded default ships with; real experiments bring Stable Diffusion's."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL
from lightning import LightningModule
from torch import Tensor
from torchmetrics.functional.image import structural_similarity_index_measure as ssim

from imagpose.models.weights import File, load
from imagpose.options.ranges import NonNegativeFloat, PositiveFloat, PositiveInt, check_arguments
from imagpose.output.files import whole_folder
from imagpose.panels import pad
from imagpose.pretraining.one_cycle import one_cycle


class AutoencoderTraining(LightningModule):
    """Reconstruction with the figure weighted above its background, a structural term and a light KL.

    What the VAE blurs no model can wear, and what it keeps the UNet must predict: the weight of the KL trades the two.

    Args:
        config: Configuration of diffusers' AutoencoderKL.
        multiple: Images are edge-padded to a multiple of this many pixels.
        figure_weight: Weight of a pixel that differs from the image's corner, above that of the background.
        ssim_weight: Weight of 1 - SSIM beside the mean absolute error.
        kl_weight: Weight of the KL per latent number.
        lr: Peak learning rate; one cycle, linear to zero.
        start: Name of a VAE of that configuration to go on from; None starts from random weights.
    """

    def __init__(
        self,
        config: dict[str, Any],
        multiple: PositiveInt = 32,
        figure_weight: NonNegativeFloat = 5.0,
        ssim_weight: NonNegativeFloat = 0.3,
        kl_weight: NonNegativeFloat = 1e-3,
        lr: PositiveFloat = 2e-3,
        start: str | None = None,
    ) -> None:
        super().__init__()
        check_arguments(AutoencoderTraining, locals())
        self.vae = AutoencoderKL(**config).to(memory_format=torch.channels_last)
        self.multiple, self.lr = multiple, lr
        self.figure_weight, self.ssim_weight, self.kl_weight = figure_weight, ssim_weight, kl_weight
        self.start = None if start is None else File(start, ("diffusion_pytorch_model.safetensors",))

    def setup(self, stage: str) -> None:
        """Read the weights to go on from.

        Raises:
            InputError: They are missing, damaged or of another configuration.
        """
        if stage == "fit" and self.start is not None:
            load(self.vae, self.start.fetch())

    def figure(self, images: Tensor) -> Tensor:
        """Where an image differs from its top left corner, (B, 1, H, W) booleans."""
        return (images - images[..., :1, :1]).abs().amax(1, keepdim=True) > 0.06

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        """Reconstruct images, (B, 3, H, W) in [-1, 1], through a sample of their posterior."""
        images = pad(batch, self.multiple)
        generator = torch.Generator().manual_seed(self.global_step)
        posterior = self.vae.encode(images).latent_dist
        noise = torch.randn(posterior.mean.shape, generator=generator).to(images.device)
        decoded = self.vae.decode(posterior.mean + posterior.std * noise).sample.float()
        weight = 1 + (self.figure_weight - 1) * self.figure(images)
        error = (weight * (decoded - images).abs()).mean() / weight.mean()
        structure = ssim(decoded, images, data_range=2.0)
        assert isinstance(structure, Tensor)
        kl = posterior.kl().mean() / posterior.mean[0].numel()
        self.log_dict({"train/error": error, "train/ssim": structure, "train/kl": kl}, prog_bar=True)
        return error + self.ssim_weight * (1 - structure) + self.kl_weight * kl

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        """Score held-out images through the mode of their posterior."""
        images = pad(batch, self.multiple)
        decoded = self.vae.decode(self.vae.encode(images).latent_dist.mode()).sample.float().clamp(-1, 1)
        figure = self.figure(images)
        error = ((decoded - images).abs() * figure).sum() / (3 * figure.sum())
        structure = ssim(decoded, images, data_range=2.0)
        assert isinstance(structure, Tensor)
        self.log_dict({"val/figure_error": error, "val/ssim": structure}, prog_bar=True, batch_size=len(batch))

    test_step = validation_step

    def configure_optimizers(self) -> Any:
        """AdamW with one cycle of the learning rate."""
        return one_cycle(self, self.lr, (0.9, 0.99), 0.01, 0.03)

    @torch.no_grad()
    def on_fit_end(self) -> None:
        """Save the VAE as a diffusers folder in half precision, scaled so that latents have unit variance."""
        loader = self.trainer.datamodule.val_dataloader()  # type: ignore[attr-defined]
        latents = torch.cat([self.vae.encode(pad(batch, self.multiple)).latent_dist.mode() for batch in loader])
        self.vae.register_to_config(scaling_factor=round(1 / float(latents.std()), 4))
        folder = Path(self.trainer.log_dir or ".") / "vae"
        with whole_folder(folder) as unfinished:
            copy.deepcopy(self.vae).half().save_pretrained(unfinished)
        self.print(f"The VAE is in {folder}.")
