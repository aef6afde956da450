"""The names of published parts as they are here: motion modules become CVA, pose networks the pose encoder.

down_blocks.0.motion_modules.1.temporal_transformer.transformer_blocks.0.attention_blocks.0.to_q.weight  AnimateDiff
down_blocks.0.motion_modules.1.transformer_blocks.0.attn1.to_q.weight                                    diffusers
down_blocks.0.attentions.1.cva.block.attn1.to_q.weight                                                   here
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from imagpose.errors import InputError

_BLOCK = r"((?:down_blocks\.\d+|up_blocks\.\d+|mid_block))"
_MOTION = re.compile(rf"(?:.*\.)?{_BLOCK}\.motion_modules\.(\d+)\.(?:temporal_transformer\.)?(.+)")
_CVA = re.compile(rf"(?:.*\.)?{_BLOCK}\.attentions\.(\d+)\.cva\.(.+)")
_HINT = re.compile(r"(?:.*\.)?input_hint_block\.(\d+)\.(weight|bias)")
_WORDS = (
    (r"^proj_(in|out)\.", r"project_\1."), (r"^transformer_blocks\.0\.", "block."), (r"\.norms\.0\.", ".norm1."),
    (r"\.norms\.1\.", ".norm2."), (r"\.ff_norm\.", ".norm3."), (r"attention_blocks\.0\.pos_encoder\.", "pos_embed."),
    (r"attention_blocks\.0\.", "attn1."), (r"attention_blocks\.1\.", "attn2."),
)  # fmt: skip
_SECOND_POSITIONS = ".attn2.pos_encoder.pe"  # AnimateDiff keeps the table once for each attention


def of_motion(tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """The names of a motion module's tensors, in a file that may hold others, by what they are called in our UNet."""
    found = {}
    for name in tensors:
        if match := _MOTION.fullmatch(name):
            inner = match[3]
            for pattern, word in _WORDS:
                inner = re.sub(pattern, word, inner)
            found[f"{match[1]}.attentions.{match[2]}.cva.{inner}"] = name
        elif match := _CVA.fullmatch(name):
            found[f"{match[1]}.attentions.{match[2]}.cva.{match[3]}"] = name
    return found


def motion(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A motion module's tensors by our names, its two tables of positions as one.

    Raises:
        InputError: The two attentions of a block have different tables, which CVA cannot have.
    """
    found = {name: tensors[theirs] for name, theirs in of_motion(tensors).items()}
    for name in [name for name in found if name.endswith(_SECOND_POSITIONS)]:
        second, first = found.pop(name), found.get(f"{name.removesuffix(_SECOND_POSITIONS)}.pos_embed.pe")
        same = first is None or (first.shape == second.shape and (first.is_meta or torch.equal(first, second)))
        if not same:
            raise InputError(f"The motion module's {name} is another than its first attention's; take another file.")
    return found


def of_pose(tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """The names of a pose network's tensors, in a file that may hold others, by those of :class:`PoseEncoder`.

    It is ControlNet's conditioning embedding, in diffusers' names or in the first ones, or a pose guider, which is the
    same under another prefix.
    """
    hints = {int(match[1]): match for name in tensors if (match := _HINT.fullmatch(name)) and match[2] == "weight"}
    if hints:
        first, *blocks, last = sorted(hints) if len(hints) > 1 else [*hints, *hints]
        places = {first: "conv_in", **{at: f"blocks.{i}" for i, at in enumerate(blocks)}, last: "conv_out"}
        matches = [match for name in tensors if (match := _HINT.fullmatch(name)) and int(match[1]) in places]
        return {f"embed.{places[int(match[1])]}.{match[2]}": match[0] for match in matches}
    prefix = next((name.removesuffix("blocks.0.weight") for name in tensors if _begins(name, tensors)), None)
    inner = re.compile(r"(conv_in|conv_out|blocks\.\d+)\.(weight|bias)")
    names = [] if prefix is None else [name for name in tensors if name.startswith(prefix)]
    return {f"embed.{name[len(prefix or '') :]}": name for name in names if inner.fullmatch(name[len(prefix or "") :])}


def _begins(name: str, tensors: Mapping[str, Tensor]) -> bool:
    """Whether a name is that of the first block of a conditioning embedding."""
    return name.endswith("blocks.0.weight") and f"{name.removesuffix('blocks.0.weight')}conv_in.weight" in tensors


def fitted(table: Tensor, own: Tensor) -> Tensor:
    """A table of positions, (1, n, C), cut or extended to the length of ours, whose rows stand where it has none."""
    if table.ndim != 3 or table.shape[::2] != own.shape[::2]:
        return table  # of another width, which will be told
    return torch.cat([table[:, : own.shape[1]], own[:, table.shape[1] :].to(table)], dim=1)
