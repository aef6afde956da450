"""Tensors of a pickle as safetensors: run as a script, in a process of its own, which may take so much and no more.

    python -P unpickle.py FILE OUT BYTES

Nothing in the pickle is run: ``weights_only`` reads tensors and plain types. A file may still ask for more memory than
there is, or for ever, and whoever started this process ends it then.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

REFUSED = 3
"""The exit code where the file cannot be read; the reason is what it printed."""
_WRAPPERS = ("state_dict", "model_state_dict", "module", "model")


def named(found: Any, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    """The tensors of nested mappings by their dotted names; what is no tensor is passed over."""
    for name, value in found.items() if isinstance(found, dict) else ():
        if isinstance(value, Tensor):
            yield f"{prefix}{name}", value.detach()
        else:
            yield from named(value, "" if name in _WRAPPERS else f"{prefix}{name}.")


def main(file: str, out: str, size: str) -> int:
    """Convert; returns the exit code."""
    taken = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + int(size), resource.getrlimit(resource.RLIMIT_AS)[1]))
    try:
        tensors = dict(named(torch.load(file, map_location="cpu", weights_only=True)))
        # Of their own memory each: safetensors takes no two names for the same.
        save_file({name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()}, out)
    except (EOFError, IndexError, KeyError, UnicodeDecodeError):  # what an unpickler says of any other file
        print("torch.save wrote no such file")
        return REFUSED
    except Exception as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        unsupported = (line.split(". ")[0] for line in lines if "nsupported " in line)  # without advice to trust it
        print(next(unsupported, lines[0])[:200])
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
