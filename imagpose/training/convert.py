"""``imagpose convert``: others' weights as safetensors, and those of a part by the names that they have here."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from diffusers.models.controlnets.controlnet import ControlNetConditioningEmbedding
from rich.console import Console
from rich.table import Table
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from imagpose.errors import InputError
from imagpose.models import part_names, unpickle
from imagpose.models.cva import CVA
from imagpose.models.weights import PICKLES, check_finite, header
from imagpose.output.files import regular, whole_file

_MOTION, _POSE, _OTHER = "a motion module", "a pose network", "weights under their own names"
SECONDS = 120  # that reading a small file may take; a disk of 10 MB/s
_SHOWN = 3  # names of a kind


def convert(file: Path, *, out: Path, overwrite: bool = False) -> None:
    """Write others' weights as safetensors, and say what was used of them.

    A motion module (of AnimateDiff, or diffusers' adapter) and a pose network (ControlNet's conditioning embedding, or
    a pose guider) get the names that they have here, for ``cva_weights`` and ``pose_weights``; what else is in the file
    is left. Weights of any other kind are written whole, by their own names. A pickle is read in a process of its own,
    which runs none of its code.

    Args:
        file: A file of type .ckpt, .pth, .pt, .bin or .safetensors.
        out: The file to write, of type .safetensors.
        overwrite: Replace what is there.
    """
    if file.suffix not in (*PICKLES, ".safetensors"):
        raise InputError(f"{file} is no file of weights; name one of type {', '.join(PICKLES)} or .safetensors.")
    if out.suffix != ".safetensors":
        raise InputError(f"--out {out} is no name of such weights; end it in .safetensors.")
    if out.exists() and not overwrite:
        raise InputError(f"--out {out} exists; add --overwrite true or name another file.")
    try:
        regular(file)
        out.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=out.parent, prefix=".") as scratch, whole_file(out) as unfinished:
            tensors = read(file, Path(scratch))
            kind, used = _used(tensors, file)
            check_finite(used, file)
            save_file({name: tensor.contiguous() for name, tensor in used.items()}, unfinished)
    except OSError as error:
        what = f"{file} cannot be read" if error.filename == str(file) else f"--out {out} cannot be written"
        raise InputError(f"{what} ({error.strerror or error}); name another file.") from error
    _print(kind, tensors, used, out)


def read(file: Path, scratch: Path) -> dict[str, Tensor]:
    """The tensors of a file by their names.

    Args:
        file: Safetensors, or a pickle.
        scratch: A folder for what another process makes of a pickle.

    Raises:
        InputError: It is damaged, no weights, would run code, or asks for more memory or time than its size explains.
    """
    if file.suffix != ".safetensors":
        file = _unpickled(file, scratch)
    header(file)
    return load_file(file)


def _unpickled(file: Path, scratch: Path) -> Path:
    """The same in safetensors."""
    size, out = file.stat().st_size, scratch / "tensors.safetensors"
    # Twice the tensors, as they are read and as they are written, and something beside.
    words = [sys.executable, "-P", unpickle.__file__, str(file.absolute()), str(out), str(3 * size + 2**29)]
    try:
        done = subprocess.run(words, capture_output=True, text=True, errors="replace", timeout=SECONDS + size / 1e7)
    except subprocess.TimeoutExpired as error:
        raise InputError(f"{file} is read for minutes without an end; download it again.") from error
    if done.returncode == unpickle.REFUSED:
        reason = " ".join(done.stdout.split()).rstrip(".")
        raise InputError(f"{file} holds no weights that can be read without running code ({reason}); get another file.")
    if done.returncode:
        raise InputError(f"{file} ended the process that read it (code {done.returncode}); download it again.")
    return out


def _used(tensors: Mapping[str, Tensor], file: Path) -> tuple[str, dict[str, Tensor]]:
    """What the tensors are, and those that are kept by their new names."""
    if not tensors:
        raise InputError(f"{file} holds no tensors; get another file.")
    if any(name.endswith(".A") and f"{name[:-2]}.B" in tensors for name in tensors):
        raise InputError(f"{file} is a LoRA that imagpose export wrote; --lora and load_lora_weights take it as it is.")
    if found := part_names.motion(tensors):
        for place, of_place in groupby(sorted(found), key=_place):
            _check_motion(place, {name.removeprefix(f"{place}."): found[name] for name in of_place}, file)
        return _MOTION, found
    if names := part_names.of_pose(tensors):
        found = {name: tensors[theirs] for name, theirs in names.items()}
        _check_pose(found, file)
        return _POSE, found
    return _OTHER, dict(tensors)


def _place(name: str) -> str:
    return f"{name.partition('.cva.')[0]}.cva"


def _check_motion(place: str, found: dict[str, Tensor], file: Path) -> None:
    width = found["norm.weight"].shape[0] if "norm.weight" in found and found["norm.weight"].ndim else 32
    with torch.device("meta"):
        expected = CVA(width, width, attentions=2, norm_num_groups=1)
    _compare(expected, {name: t for name, t in found.items() if not name.endswith("pos_embed.pe")}, place, file)


def _check_pose(found: dict[str, Tensor], file: Path) -> None:
    first, last = found.get("embed.conv_in.weight"), found.get("embed.conv_out.weight")
    blocks = (re.fullmatch(r"embed\.blocks\.(\d+)\.weight", name) for name in found)
    numbers = sorted(int(match[1]) for match in blocks if match)
    if first is None or last is None or first.ndim != 4 or last.ndim != 4:
        raise InputError(
            f"{file} has half a pose network: conv_in or conv_out is not in it as it must be; get another."
        )
    wides = [found[f"embed.blocks.{i}.weight"].shape[0] for i in numbers if i % 2]
    with torch.device("meta"):
        embed = ControlNetConditioningEmbedding(last.shape[0], first.shape[1], (first.shape[0], *wides))
    _compare(embed, {name.removeprefix("embed."): tensor for name, tensor in found.items()}, "embed", file)


def _compare(expected: nn.Module, found: Mapping[str, Tensor], place: str, file: Path) -> None:
    shapes = {
        name: tuple(one.shape) for name, one in expected.state_dict().items() if not name.endswith("pos_embed.pe")
    }
    theirs = {name: tuple(tensor.shape) for name, tensor in found.items()}
    for name in sorted(shapes.keys() | theirs.keys()):
        if shapes.get(name) != theirs.get(name):
            raise InputError(
                f"{file} is no whole part: its {place}.{name} is {theirs.get(name, 'missing')} where it should be "
                f"{shapes.get(name, 'none')}; get another file."
            )


# What is told -------------------------------------------------------------------------------------------------------

_PLACES = [
    *(f"down_blocks.{i}.attentions.{j}.cva" for i in range(4) for j in range(2)), "mid_block.attentions.0.cva",
    *(f"up_blocks.{i}.attentions.{j}.cva" for i in range(4) for j in range(3)),
]  # fmt: skip


def _print(kind: str, tensors: Mapping[str, Tensor], used: Mapping[str, Tensor], out: Path) -> None:
    names = part_names.of_motion(tensors) if kind == _MOTION else part_names.of_pose(tensors)
    left = [] if kind == _OTHER else sorted(tensors.keys() - set(names.values()))
    missing = [place for place in _PLACES if place not in set(map(_place, used))] if kind == _MOTION else []
    table = Table("", "tensors", "which", title=f"{kind}, now in {out}", title_justify="left")
    table.add_row("used", str(len(used)), _some(sorted({_place(name) if kind == _MOTION else name for name in used})))
    table.add_row("left", str(len(left)), _some(left))
    table.add_row("missing", str(len(missing)), _some(missing) + (", where CVA stays silent" if missing else ""))
    console = Console(soft_wrap=True, highlight=False)
    console.print(table)
    if kind == _OTHER:
        console.print("There is no motion module in it and no pose network, so no name was changed.")


def _some(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "") or "–"
