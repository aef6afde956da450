"""Leaves a network's weights where the ordinary look-up finds them."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import save_file
from torch import nn

from imagpose.output.files import whole_folder


def write_half(network: nn.Module, folder: Path, name: str, prefix: str = "") -> None:
    """Write a weights folder of one safetensors file, in half precision; it is there whole or not at all.

    Args:
        network: Whose tensors are written; whole numbers stay as they are.
        folder: What to write; a folder that is there is replaced.
        name: Of the file, as an encoder's adapter looks for it.
        prefix: Before the name of each tensor.
    """
    tensors = {
        prefix + key: (value.half() if value.is_floating_point() else value).contiguous()
        for key, value in network.state_dict().items()
    }
    with whole_folder(folder) as unfinished:
        save_file(tensors, unfinished / name)
