"""Where CVA sits in the UNet: after its cross-attentions or, as a motion module, after each of its layers."""

from __future__ import annotations

from typing import Any, Literal

from diffusers import UNet2DConditionModel
from diffusers.models.unets.unet_2d_blocks import CrossAttnDownBlock2D, CrossAttnUpBlock2D, DownBlock2D, UpBlock2D
from torch import Tensor, nn

from imagpose.errors import InputError
from imagpose.models.cva import CVA

Form = bool | Literal["motion"]
"""CVA's form: true is the paper's, false is none; see :func:`add_cva`."""


class CrossViewTransformer(nn.Module):
    """One of the UNet's attention modules, followed by CVA.

    The canvas's grid comes with diffusers' ``cross_attention_kwargs``, the one way through its blocks.
    """

    def __init__(self, transformer: nn.Module, cva: CVA) -> None:
        super().__init__()
        self.transformer, self.cva = transformer, cva

    def forward(
        self, hidden_states: Tensor, *args: Any, cross_attention_kwargs: dict[str, Any], **kwargs: Any
    ) -> tuple[Tensor]:
        """Call the attention module as the UNet's block does, then attend across panels."""
        rest = dict(cross_attention_kwargs)
        grid = rest.pop("grid")
        attended = self.transformer(hidden_states, *args, cross_attention_kwargs=rest or None, **kwargs)[0]
        return (self.cva(attended, grid),)


class CrossViewAlone(nn.Module):
    """CVA where a block without attention has none to put it after; called as such a module is."""

    def __init__(self, cva: CVA) -> None:
        super().__init__()
        self.cva = cva

    def forward(self, hidden_states: Tensor, *, cross_attention_kwargs: dict[str, Any], **kwargs: Any) -> tuple[Tensor]:
        """Attend across panels."""
        return (self.cva(hidden_states, cross_attention_kwargs["grid"]),)


class CrossViewDownBlock(DownBlock2D):
    """A down block without cross-attention, gone through as those with some, so that the grid reaches it."""

    has_cross_attention = True
    forward = CrossAttnDownBlock2D.forward


class CrossViewUpBlock(UpBlock2D):
    """An up block without cross-attention, likewise."""

    has_cross_attention = True
    forward = CrossAttnUpBlock2D.forward


_PLAIN: dict[type, type] = {DownBlock2D: CrossViewDownBlock, UpBlock2D: CrossViewUpBlock}


def add_cva(unet: UNet2DConditionModel, motion: bool = False, positions: bool = True) -> None:
    """Put CVA into a UNet, which is changed in place; it says nothing until it is trained.

    Assumption: the paper's CVA follows every Transformer2DModel (SD: 6 down, 1 middle, 9 up). As AnimateDiff's motion
    module, which the authors' code has, it also follows every residual layer of blocks without attention (SD: 8 down, 1
    middle, 12 up), and has two self-attentions.

    Args:
        unet: Its weights loaded or not.
        motion: Whether CVA is a motion module.
        positions: Whether CVA's panels know their place.

    Raises:
        InputError: A motion module is to be put into a block of another kind than Stable Diffusion's.
    """
    groups, attentions = unet.config["norm_num_groups"], 2 if motion else 1
    heads = unet.config["num_attention_heads"] or unet.config["attention_head_dim"]
    down = list(heads) if isinstance(heads, (list, tuple)) else [heads] * len(unet.down_blocks)
    blocks = [*unet.down_blocks, unet.mid_block, *unet.up_blocks]
    for block, heads in zip(blocks, [*down, down[-1], *down[::-1]], strict=True):
        if getattr(block, "has_cross_attention", False):
            for i, transformer in enumerate(block.attentions):
                head_dim = transformer.config["attention_head_dim"]
                cva = CVA(transformer.in_channels, head_dim, positions, groups, attentions)
                block.attentions[i] = CrossViewTransformer(transformer, cva)
        elif motion and block is not None:
            if type(block) not in _PLAIN:
                raise InputError(
                    f"model.init_args.cva motion has no place in the UNet's {type(block).__name__}; set cva to true."
                )
            widths = [int(resnet.out_channels) for resnet in block.resnets]
            alone = [CrossViewAlone(CVA(width, width // heads, positions, groups, attentions)) for width in widths]
            block.attentions = nn.ModuleList(alone)
            block.__class__ = _PLAIN[type(block)]
