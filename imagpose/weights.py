"""Where weights lie and how they are read: safetensors only, nothing is unpickled."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from diffusers import ModelMixin
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from imagpose.errors import InputError

PACKAGED = Path(__file__).parent / "weights"


def find(name: str) -> Path:
    """The folder of a set of weights: ``$IMAGPOSE_WEIGHTS/<name>``, ``./weights/<name>``, then the packaged ones.

    Raises:
        InputError: There is no such folder.
    """
    places = [Path("weights") / name, PACKAGED / name]
    if root := os.environ.get("IMAGPOSE_WEIGHTS"):
        places.insert(0, Path(root) / name)
    for place in places:
        if place.is_dir():
            return place
    looked = ", ".join(str(place) for place in places)
    raise InputError(f"Weights {name!r} were not found; put the folder in one of: {looked}.")


def read_config(folder: Path, name: str = "config.json") -> dict[str, Any]:
    """The ``config.json`` of a weights folder, or another JSON object in it.

    Raises:
        InputError: It is missing or no JSON object.
    """
    path = folder / name
    try:
        config = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as JSON ({error}); download the folder again.") from error
    if not isinstance(config, dict):
        raise InputError(f"{path} is no JSON object; download the folder again.")
    return config


def load(module: nn.Module, path: Path, rename: Callable[[dict[str, Tensor]], dict[str, Tensor]] | None = None) -> None:
    """Fill a module with the tensors of a safetensors file; floating point is cast to the module's own type.

    Args:
        module: Must have exactly these tensors.
        path: The file.
        rename: Turns the file's tensors into the module's.

    Raises:
        InputError: The file is missing, damaged, or belongs to another architecture.
    """
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path} is not a readable safetensors file ({error}); download it again.") from error
    if isinstance(module, ModelMixin):  # Stable Diffusion's VAEs were published with older names of their attention
        module._fix_state_dict_keys_on_load(tensors)
    try:
        module.load_state_dict(rename(tensors) if rename else tensors)
    except RuntimeError as error:
        first = str(error).splitlines()[1].strip() if "\n" in str(error) else str(error)
        raise InputError(f"{path} does not fit {type(module).__name__}: {first}") from error
