"""The trainable network: FLC, ILC, pose encoder and UNet, and the conditions they exchange."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from diffusers import ConfigMixin, ModelMixin, UNet2DConditionModel
from diffusers.configuration_utils import register_to_config
from torch import Tensor

from imagpose.errors import InputError
from imagpose.models.cross_view import Form
from imagpose.models.flc import FLC
from imagpose.models.ilc import ILC
from imagpose.models.pose_encoder import PoseEncoder
from imagpose.models.unet import CanvasUNet
from imagpose.options.names import joined
from imagpose.panels import grid_of


@dataclass(frozen=True)
class Conditions:
    """What the denoiser is told, by the paper's names: F_C, F_I and F_P, see :meth:`Network.conditions`.

    Attributes:
        values: Each condition of a batch by its name, (B, ...).
        absent: What stands in place of a dropped condition, (...), without the batch; zeros where it names none.
    """

    values: Mapping[str, Tensor]
    absent: Mapping[str, Tensor]

    def __getitem__(self, name: str) -> Tensor:
        """The condition of a name, (B, ...)."""
        return self.values[name]

    def __len__(self) -> int:
        """B."""
        return len(next(iter(self.values.values())))

    def without(self, names: Collection[str], where: Tensor) -> Conditions:
        """Drop conditions in some samples.

        Args:
            names: The conditions to drop.
            where: In which samples they are dropped, (B,) booleans.
        """

        def drop(name: str, value: Tensor) -> Tensor:
            return torch.where(where.view(-1, *[1] * (value.ndim - 1)), self.absent.get(name, 0.0), value)

        return replace(self, values={name: drop(name, v) if name in names else v for name, v in self.values.items()})

    @staticmethod
    def cat(parts: Sequence[Conditions]) -> Conditions:
        """Stack along the batch."""
        first = parts[0]
        return replace(first, values={name: torch.cat([part[name] for part in parts]) for name in first.values})


def _unet(config: dict[str, Any]) -> UNet2DConditionModel:
    try:
        return cast(UNet2DConditionModel, UNet2DConditionModel.from_config(config))
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, ArithmeticError, AssertionError) as error:
        reason = " ".join(str(error).split())[:300].rstrip(".")
        raise InputError(f"No UNet can be built of these arguments ({reason}); mend model.init_args.unet.") from error


class Network(ModelMixin, ConfigMixin):
    """Everything that is trained; widths follow from the UNet's configuration and the encoder.

    Args:
        unet_config: Configuration of diffusers' UNet2DConditionModel as it was before it knew of canvases.
        encoder_dim: Width of the encoder's tokens.
        pose_channels: Channels of the pose encoder.
        texture_kernel: Kernel and stride of FLC's tokenizer.
        texture_tokens: Whether there are FLC's texture tokens.
        image_conditions: Whether there are ILC's masked latents.
        mask_condition: Whether there is ILC's mask.
        cva: Whether there is cross-view attention; ``motion`` is a motion module's, see models/cross_view.py.
        cva_positions: Whether CVA's panels know their place.
        along_batch: Whether panels lie along the batch instead of on a canvas (M1).
    """

    _supports_gradient_checkpointing = True

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        unet_config: dict[str, Any],
        encoder_dim: int,
        pose_channels: Sequence[int],
        texture_kernel: int,
        texture_tokens: bool = True,
        image_conditions: bool = True,
        cva: Form = True,
        cva_positions: bool = True,
        mask_condition: bool = True,
        along_batch: bool = False,
    ) -> None:
        super().__init__()
        base = _unet(unet_config)
        latent_channels, dim = int(base.config["in_channels"]), int(base.config["cross_attention_dim"])
        self.flc = FLC(encoder_dim, dim, latent_channels, texture_kernel, texture_tokens)
        self.ilc = ILC(latent_channels, image_conditions, mask_condition)
        self.unet = CanvasUNet(base, latent_channels + self.ilc.channels, cva, cva_positions, along_batch)
        self.pose_encoder = PoseEncoder(self.unet.pose_channels, pose_channels)

    @classmethod
    def extract_init_dict(cls, config_dict: dict[str, Any], **options: Any) -> Any:
        """Read the configuration without the grid of panels that it held before any number of them was taken.

        Raises:
            InputError: It is another grid than :func:`imagpose.panels.grid_of` as many panels.
        """
        rows, cols = config_dict.get("rows", 2), config_dict.get("cols", 2)
        if min(rows, cols) < 1 or grid_of(rows * cols) != (rows, cols):
            raise InputError(
                f"The network's config.json says rows {rows} and cols {cols}, a grid in which panels are no more laid; "
                "generate with the version that trained it, or train anew."
            )
        return super().extract_init_dict({k: v for k, v in config_dict.items() if k not in ("rows", "cols")}, **options)

    def train_parts(self, parts: Sequence[str] | None) -> None:
        """Freeze all but some parts, which then keep their weights as they are.

        Args:
            parts: Of ``flc``, ``pose_encoder``, ``unet``, which is without CVA, and ``cva``; None is all.

        Raises:
            InputError: There is no such part, or none is named.
        """
        if parts is None:
            return
        of_parts = {name: "cva" if ".cva." in name else name.split(".")[0] for name, _ in self.named_parameters()}
        known = sorted(set(of_parts.values()))
        for part in parts or [""]:
            if part not in known:
                raise InputError(
                    f"model.init_args.trainable names {part!r}, and this network's parts are {joined(known)}; name "
                    "some of them, or leave it out to train all."
                )
        for name, parameter in self.named_parameters():
            parameter.requires_grad_(of_parts[name] in parts)

    def conditions(
        self, source: Tensor, semantic: Tensor, given: Tensor, mask: Tensor, black: Tensor, poses: Tensor
    ) -> Conditions:
        """Encode the conditions once; they serve every denoising step.

        Args:
            source: Latents of the source, (B, c, h, w).
            semantic: The source's tokens F_H, (B, n, encoder_dim).
            given: Latents of the panels, (B, V, c, h, w); those of masked panels have no influence.
            mask: Which panels are given, (B, V): 0 = to generate, 1 = given.
            black: Latent of a black panel, (c, h, w).
            poses: Pose maps, (B, V, 3, H, W) in [0, 1].

        Returns:
            ``F_C``, appearance tokens, (B, m + n, d); ``F_I``, masked latents and mask, (B, V, c + 1, h, w); and
            ``F_P``, pose features, (B, V, pose_channels, h, w). An absent F_I is that of a canvas with nothing given:
            black latents and mask 0.
        """
        source, semantic, given, black, poses = (x.to(self.dtype) for x in (source, semantic, given, black, poses))
        values = {
            "F_C": self.flc(source, semantic),
            "F_I": self.ilc(given, mask, black),
            "F_P": self.pose_encoder(poses),
        }
        return Conditions(values, absent={"F_I": self.ilc(given[:1], torch.zeros_like(mask[:1]), black)[0]})

    def forward(self, noisy: Tensor, timesteps: Tensor, conditions: Conditions) -> Tensor:
        """ε_θ(x_t, F_C, F_I, F_P, t), or v, in views (B, V, c, h, w), of any number V of panels."""
        F_C, F_I, F_P = (conditions[name] for name in ("F_C", "F_I", "F_P"))
        return self.unet(noisy.to(self.dtype), timesteps, F_C, F_I, F_P)
