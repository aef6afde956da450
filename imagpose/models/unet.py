"""The denoiser: diffusers' UNet around which views become a canvas, with pose after conv_in and CVA after attention."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor, nn

from imagpose.errors import InputError
from imagpose.models import part_names, weights
from imagpose.models.base import unet_names
from imagpose.models.cross_view import Form, add_cva
from imagpose.panels import Grid, grid_of, split, tile


def grow_conv_in(conv: nn.Conv2d, channels: int) -> nn.Conv2d:
    """A first convolution that takes more input channels and ignores the new ones until it learns otherwise."""
    grown = nn.Conv2d(channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding)  # type: ignore[arg-type]
    with torch.no_grad():
        grown.weight.zero_()
        grown.weight[:, : conv.in_channels] = conv.weight
        assert grown.bias is not None
        assert conv.bias is not None
        grown.bias.copy_(conv.bias)
    return grown


class PoseConvIn(nn.Module):
    """conv_in with F_P added to its output; F_P arrives as further input channels, so that no state is kept."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, sample: Tensor) -> Tensor:
        """(B, in + out, H, W) → (B, out, H, W)."""
        sample, pose = sample.split([self.conv.in_channels, self.conv.out_channels], dim=1)
        hidden_states = self.conv(sample)
        # Under autocast the convolution computes in 16 bits; a sum in 32 would carry 32 into all that follows.
        return hidden_states + pose.to(hidden_states.dtype)


class CanvasUNet(nn.Module):
    """ε_θ(x_t, F_C, F_I, F_P, t) of Eq. (4), in views.

    Args:
        unet: A UNet with ``latent_channels`` inputs, its weights loaded or not; it is changed in place.
        input_channels: Channels of the noisy latents and F_I together.
        cva: Cross-view attention, see :func:`imagpose.models.cross_view.add_cva`; off in the paper's B0, B2 and B4.
        positions: Whether CVA's panels know their place.
        along_batch: No canvas: the panels are denoised one by one, along the batch, as in the paper's M1 (Fig. 11).

    Raises:
        InputError: Panels along the batch with CVA, which they have no place for; or a UNet that has none for CVA.
    """

    def __init__(
        self,
        unet: UNet2DConditionModel,
        input_channels: int,
        cva: Form = True,
        positions: bool = True,
        along_batch: bool = False,
    ) -> None:
        super().__init__()
        if cva and along_batch:
            raise InputError("model.init_args.along_batch leaves CVA no canvas to look across; set cva to false too.")
        self.unet, self.cva, self.along_batch = unet, bool(cva), along_batch
        self.motion = cva == "motion"
        self.unet.conv_in = PoseConvIn(grow_conv_in(unet.conv_in, input_channels))
        self.pose_channels = self.unet.conv_in.conv.out_channels
        if cva:
            add_cva(unet, self.motion, positions)

    def load_base(self, path: Path) -> None:
        """Start from the UNet that a base model was published with.

        conv_in's new channels, the pose path and CVA stay as they were built: silent.

        Args:
            path: A safetensors file in diffusers' names, or a single-file checkpoint.
        """
        weights.load(self.unet, path, self.from_base)

    def from_base(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """A base UNet's tensors under the names that they have here, what it lacks as it is now."""
        tensors = unet_names(tensors, self.unet.config)
        own = self.unet.state_dict()
        ours = {name.replace("conv_in.conv.", "conv_in.").replace(".transformer.", "."): name for name in own}
        found = {ours.get(name, name): tensor for name, tensor in tensors.items()}
        grown, channels = "conv_in.conv.weight", self.unet.config["in_channels"]
        if grown in found:
            if found[grown].shape[1] != channels:
                raise InputError(
                    f"The base's conv_in takes {found[grown].shape[1]} channels, not {channels}, as that of inpainting "
                    "models does; take the weights of a text-to-image model."
                )
            new = own[grown][:, found[grown].shape[1] :]
            found[grown] = torch.cat([found[grown], new.to(found[grown])], dim=1)
        return {name: tensor for name, tensor in own.items() if ".cva." in name} | found

    def from_motion(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """The UNet as it is now with CVA of a published motion module, whose positions are cut or extended.

        Where it has none in the middle, as AnimateDiff's first and third, CVA stays there as it is.

        Args:
            tensors: In AnimateDiff's names, diffusers' or ours, beside any others.

        Raises:
            InputError: There is no motion module, or CVA is of another form.
        """
        found, own = part_names.motion(tensors), self.unet.state_dict()
        if not self.motion:
            raise InputError("model.init_args.cva_weights needs a CVA of the same form; set cva to motion.")
        if not found:
            raise InputError("The file of model.init_args.cva_weights holds no motion module; name one that does.")
        for name in [name for name in found if name.endswith(".pos_embed.pe")]:
            table = found.pop(name)
            if name in own:
                found[name] = part_names.fitted(table, own[name])
        middle = any(name.startswith("mid_block.") for name in found)

        def stays(name: str) -> bool:
            in_the_middle = name.startswith("mid_block.") and not middle
            return ".cva." not in name or name.endswith(".pos_embed.pe") or in_the_middle

        return {name: tensor for name, tensor in own.items() if stays(name)} | found

    @property
    def multiple(self) -> int:
        """A panel's latents must be a multiple of this in height and width: it must split evenly at every level."""
        return 2 ** (len(self.unet.config["block_out_channels"]) - 1)

    def forward(self, noisy: Tensor, timesteps: Tensor, F_C: Tensor, F_I: Tensor, F_P: Tensor) -> Tensor:
        """Predict noise (or v) on the joint canvas.

        Args:
            noisy: x_t, (B, V, c, h, w).
            timesteps: t, (B,).
            F_C: Tokens of the source's appearance, (B, m + n, d).
            F_I: Masked latents and mask, (B, V, c + 1, h, w); fewer channels where ILC is cut down.
            F_P: Pose features, (B, V, pose_channels, h, w).

        Returns:
            ε_θ(x_t, F_C, F_I, F_P, t), or v, (B, V, c, h, w) in 32 bits.
        """
        views = torch.cat([noisy, F_I, F_P], dim=2)
        if self.along_batch:
            panels = views.shape[1]
            timesteps, F_C = timesteps.repeat_interleave(panels), F_C.repeat_interleave(panels, dim=0)
            return self._predict(views.flatten(0, 1), timesteps, F_C).unflatten(0, views.shape[:2])
        grid = grid_of(views.shape[1])
        return split(self._predict(tile(views, *grid), timesteps, F_C, grid), *grid)

    def _predict(self, canvas: Tensor, timesteps: Tensor, F_C: Tensor, grid: Grid | None = None) -> Tensor:
        told = {"cross_attention_kwargs": {"grid": grid}} if self.cva else {}
        return self.unet(canvas, timesteps, encoder_hidden_states=F_C, return_dict=False, **told)[0].float()
