"""Where weights lie and how they are read: safetensors only, nothing is unpickled."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import ModelMixin
from huggingface_hub import hf_hub_download, try_to_load_from_cache
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from imagpose.data.text import parse_json
from imagpose.errors import InputError
from imagpose.output.files import regular

PACKAGED = Path(__file__).parents[1] / "weights"
_Shapes = dict[str, tuple[int, ...]]
Rename = Callable[[dict[str, Tensor]], dict[str, Tensor]]
PICKLES = (".ckpt", ".bin", ".pt", ".pth")


def places(name: str) -> list[Path]:
    """Where a set of weights may lie, best first.

    ``$IMAGPOSE_WEIGHTS/<name>``, ``./weights/<name>`` and the packaged ones, for a hub id such as ``org/model`` also
    without ``org/``; and the name itself as a path.
    """
    roots = [Path("weights"), PACKAGED]
    if root := os.environ.get("IMAGPOSE_WEIGHTS"):
        roots.insert(0, Path(root))
    name = name.rstrip("/")
    if name.startswith((".", "/", "~")):
        return [Path(name).expanduser()]
    names = dict.fromkeys([name, name.rsplit("/", 1)[-1]] if is_hub_id(name) else [name])
    return [root / n for root in roots for n in names] + ([Path(name)] if _names_a_file(name) else [])


def is_hub_id(name: str) -> bool:
    """Whether a name reads as ``organisation/model`` of the Hugging Face hub."""
    return name.count("/") == 1 and not name.startswith((".", "/", "~")) and not _names_a_file(name)


def _names_a_file(name: str) -> bool:
    return Path(name).suffix in (".safetensors", *PICKLES)


def find(name: str) -> Path:
    """The folder of a set of weights on this machine, see :func:`places`.

    Raises:
        InputError: There is no such folder.
    """
    for place in places(name):
        if place.is_dir():
            return place
    looked = ", ".join(str(place) for place in places(name) if PACKAGED not in place.parents)
    raise InputError(f"Weights {name!r} were not found; put the folder in one of: {looked}.")


@dataclass(frozen=True)
class File:
    """One file of a set of weights, which need not be there yet.

    Attributes:
        name: A folder's name, a hub id, or the path of a safetensors file; see :func:`places`.
        accepted: Names of the file in that folder, best first. A folder that has none of them but exactly one
            safetensors file is taken to hold all weights in that one.
    """

    name: str
    accepted: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name.rstrip("/"))

    def path(self) -> Path | None:
        """The file on this machine, the hub's cache included; None if there is none. Nothing is downloaded."""
        weights = all(name.endswith(".safetensors") for name in self.accepted)  # or a config.json
        for place in places(self.name):
            if weights and place.is_file() and place.suffix not in PICKLES:
                return place
            for accepted in self.accepted:
                if (place / accepted).is_file():
                    return place / accepted
            single = list(place.glob("*.safetensors"))
            if weights and len(single) == 1:
                return single[0]
        if is_hub_id(self.name):
            for accepted in self.accepted:
                cached = try_to_load_from_cache(self.name, accepted)
                if isinstance(cached, str):
                    return Path(cached)
        return None

    def fetch(self) -> Path:
        """The file, downloaded from the hub if its name is a hub id and it is not here.

        Raises:
            InputError: It cannot be had.
        """
        if (path := self.path()) is not None:
            return path
        self.refuse_pickles()
        if not is_hub_id(self.name):
            raise InputError(f"{self.missing()}.")
        try:
            return Path(hf_hub_download(self.name, self.accepted[0]))
        except (OSError, ValueError) as error:  # huggingface_hub's errors are both
            reason = str(error).strip().splitlines()[0]
            raise InputError(f"{self.missing()}; downloading it failed ({reason}).") from error

    def missing(self) -> str:
        """What to get and where to put it, for a file that is not here."""
        mine = [place for place in places(self.name) if PACKAGED not in place.parents]
        begun = [place for place in places(self.name) if place.is_dir()]
        if not begun and Path(self.name).is_dir():
            return f"Weights {self.name!r} were not found; write ./{self.name} for the folder that is here"
        if not begun and not is_hub_id(self.name):
            return f"Weights {self.name!r} were not found; put the folder in one of: {', '.join(map(str, mine))}"
        put = " or ".join(str(place / self.accepted[0]) for place in (begun or mine)[:2])
        get = f"download it from huggingface.co/{self.name}" if is_hub_id(self.name) else "get it"
        return f"Weights {self.name!r} have no {self.accepted[0]} on this machine: {get} and put it at {put}"

    def refuse_pickles(self) -> None:
        """Say so where the weights are here as a pickle only.

        Raises:
            InputError: They are.
        """
        for place in places(self.name):
            beside = (place / self.accepted[0]).parent  # or, of a single file, the folder itself
            folder = beside if beside.is_dir() else place
            found = [place] if place.is_file() else sorted(folder.glob("*"))
            for path in (path for path in found if path.suffix in PICKLES):
                raise InputError(
                    f"{path} is a pickle, which can run code when it is read; get the safetensors file of the same "
                    f"weights ({self.accepted[0]}) instead, or make one with imagpose convert."
                )


def read_config(path: Path) -> dict[str, Any]:
    """A JSON object, such as ``config.json`` of a weights folder.

    Raises:
        InputError: It is missing or no JSON object.
    """
    try:
        config = parse_json(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as JSON ({error}); download the folder again.") from error
    if not isinstance(config, dict):
        raise InputError(f"{path} is no JSON object; download the folder again.")
    return config


def header(path: Path) -> dict[str, Tensor]:
    """Names, shapes and types of a safetensors file's tensors, on the meta device; no weight is read.

    Raises:
        InputError: The file is missing, truncated, or of another kind.
    """
    try:
        with safe_open(regular(path), framework="pt") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 - no mapping
            return {
                name: torch.empty(part.get_shape(), dtype=_TYPES.get(part.get_dtype(), torch.float32), device="meta")
                for name, part in slices.items()
            }
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or error}); name a safetensors file.") from error
    except SafetensorError as error:
        raise InputError(f"{path} is not a readable safetensors file ({error}); download it again.") from error


_TYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "F64": torch.float64, "I64": torch.int64}


def check(module: nn.Module, path: Path, rename: Rename | None = None) -> None:
    """Whether a safetensors file holds exactly a module's tensors, by names and shapes alone; see :func:`load`.

    Raises:
        InputError: The file is missing, damaged, or belongs to another architecture.
    """
    _compare(module, path, _renamed(module, header(path), path, rename))


def load(module: nn.Module, path: Path, rename: Rename | None = None) -> None:
    """Fill a module with the tensors of a safetensors file; floating point is cast to the module's own type.

    Args:
        module: Must have exactly these tensors.
        path: The file.
        rename: Turns the file's tensors into the module's.

    Raises:
        InputError: The file is missing, damaged, or belongs to another architecture; or a number in it is infinite or
            none at all.
    """
    check(module, path, rename)
    tensors = load_file(path)
    check_finite(tensors, path)
    module.load_state_dict(_renamed(module, tensors, path, rename))


def check_finite(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Refuse weights with numbers that are infinite or none at all: every picture made with them would be black.

    One pass over the memory, about 0.1 s for a gigabyte.

    Args:
        tensors: Tensors by name, of any type and shape; whole numbers are not looked at.
        path: The file that they come from, for the message.

    Raises:
        InputError: A tensor has such a number.
    """
    for name, tensor in tensors.items():
        if not tensor.is_floating_point() or not tensor.numel() or tensor.is_meta:
            continue
        ends = torch.stack(torch.aminmax(tensor.detach().float() if tensor.element_size() == 1 else tensor.detach()))
        if not torch.isfinite(ends).all():
            raise InputError(
                f"{path} is damaged: {name} has numbers that are not finite; download it again, or train it anew."
            )


def _renamed(module: nn.Module, tensors: dict[str, Tensor], path: Path, rename: Rename | None) -> dict[str, Tensor]:
    if isinstance(module, ModelMixin):  # Stable Diffusion's VAEs were published with older names of their attention
        module._fix_state_dict_keys_on_load(tensors)
    try:
        return rename(tensors) if rename else tensors
    except (KeyError, IndexError, RuntimeError) as error:  # what converters of other layouts stumble over
        raise InputError(f"{path} does not fit {type(module).__name__}: {error!r} while its names are read.") from error


def differing(module: nn.Module, path: Path) -> str | None:
    """The name of a tensor that a safetensors file lacks, has beside a module's own, or has in another shape.

    Raises:
        InputError: The file is missing or damaged.
    """
    return next(iter(_odd(*_shapes(module, _renamed(module, header(path), path, None)))), None)


def _shapes(module: nn.Module, found: Mapping[str, Tensor]) -> tuple[_Shapes, _Shapes]:
    ours = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    return ours, {name: tuple(tensor.shape) for name, tensor in found.items()}


def _odd(ours: _Shapes, theirs: _Shapes) -> list[str]:
    wide = [name for name in ours if name in theirs and ours[name] != theirs[name]]  # another width says most
    return wide + sorted(ours.keys() ^ theirs.keys())


def _compare(module: nn.Module, path: Path, found: Mapping[str, Tensor]) -> None:
    ours, theirs = _shapes(module, found)
    if odd := _odd(ours, theirs):
        name = odd[0]
        raise InputError(
            f"{path} does not fit {type(module).__name__}: {name} is {theirs.get(name, 'missing')} in it and "
            f"{ours.get(name, 'unknown')} in the architecture that the experiment names."
        )
