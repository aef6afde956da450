"""CVA, cross-view attention (Sec. 3.4, Fig. 4): every position attends to the same position of the other panels.

    views  = split(canvas),                                  (B, C, rows·h, cols·w) → (B, V, C, h, w)
    tokens = project_in(norm(views)),                        (B·h·w, V, C): one sequence of V panels a position
    update = project_out(feed_forward(self_attention(tokens)))
    canvas + tile(update),                                   (B, C, rows·h, cols·w)

The paper gives no equation: Fig. 4 names split, projection, self-attention over the new dimension and joint. It takes
the output of a cross-attention, and its own output goes on in the UNet. AnimateDiff's motion module (Guo et al. 2023),
which the authors' code has in its place, is the same with two self-attentions before the feed-forward.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from diffusers.models.attention import BasicTransformerBlock
from einops import rearrange
from torch import Tensor, nn

from imagpose.panels import Grid, split, tile

MAX_PANELS = 64  # length of the sinusoidal position table
MAX_SEQUENCES = 65_535  # CUDA's attention kernels count sequences by a grid's dimension, which has no more


class CVA(nn.Module):
    """Split, project, self-attend over the panels, join; a residual that starts as nothing.

    Args:
        channels: Channels C of the features.
        head_dim: Width of an attention head.
        positions: Whether panels know their place; without, permuting them permutes the output.
        norm_num_groups: Groups of the group norm; it must divide ``channels``.
        attentions: Self-attentions in a row, each with its own layer norm and position code: 1, or a motion module's 2.
    """

    gradient_checkpointing = False  # diffusers' enable_gradient_checkpointing() switches whoever has this
    _gradient_checkpointing_func: Callable[..., Tensor]

    def __init__(
        self, channels: int, head_dim: int, positions: bool = True, norm_num_groups: int = 32, attentions: int = 1
    ) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(norm_num_groups, channels, eps=1e-6)
        self.project_in = nn.Linear(channels, channels)
        self.block = BasicTransformerBlock(
            channels,
            num_attention_heads=channels // head_dim,
            attention_head_dim=head_dim,
            double_self_attention=attentions == 2,
            positional_embeddings="sinusoidal" if positions else None,
            num_positional_embeddings=MAX_PANELS if positions else None,
        )
        self.project_out = nn.Linear(channels, channels)
        nn.init.zeros_(self.project_out.weight)
        nn.init.zeros_(self.project_out.bias)

    def forward(self, canvas: Tensor, grid: Grid) -> Tensor:
        """Attend across panels.

        Args:
            canvas: Output of a cross-attention, (B, C, rows·h, cols·w).
            grid: (rows, cols).

        Returns:
            The canvas and what the panels add to each other, (B, C, rows·h, cols·w).
        """
        if self.gradient_checkpointing and torch.is_grad_enabled():
            return canvas + self._gradient_checkpointing_func(self._update, canvas, grid)
        return canvas + self._update(canvas, grid)

    def _update(self, canvas: Tensor, grid: Grid) -> Tensor:
        views = split(canvas, *grid)
        batch, panels, _, height, width = views.shape
        normed = self.norm(views.flatten(0, 1))  # a panel at a time, so that none sees another's statistics
        tokens = rearrange(normed, "(b v) c h w -> (b h w) v c", v=panels)
        attended = [self.block(part) for part in self.project_in(tokens).split(MAX_SEQUENCES)]
        tokens = self.project_out(attended[0] if len(attended) == 1 else torch.cat(attended))
        update = rearrange(tokens, "(b h w) v c -> b v c h w", b=batch, h=height, w=width)
        return tile(update, *grid)
