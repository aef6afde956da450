"""``convert``: what is no weights, or half of them."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bad_inputs.case import Case, Command
from tests.bad_inputs.models import CHECKPOINTS, SAFETENSORS, WEIGHTS

CONVERT = Command({"": WEIGHTS, "--out": "new.safetensors"})
_PICKLE, _SAFE = "odd/theirs.ckpt", "odd/theirs.safetensors"
_FINE = ("no tensors", "a text for the step", "no version", "another version")  # weights are all that is looked for


def _convert() -> Iterator[Case]:
    yield from CONVERT.grammar("--out")
    yield CONVERT.case("nothing", {"": "odd/nothing.ckpt"}, "odd/nothing.ckpt")
    yield CONVERT.case("a file of another type", {"": "odd/file"}, "is no file of weights")
    yield CONVERT.case("an --out of another type", {"--out": "new.ckpt"}, "end it in .safetensors")
    yield CONVERT.case("an --out that is there", {"--out": WEIGHTS}, "exists")
    yield CONVERT.case("--overwrite 'x'", {"--overwrite": "x"}, "--overwrite is x; it must be true or false")
    yield from CONVERT.file("--config", "--config", slow=True)
    yield from CONVERT.written("--out", "new", ending=".safetensors")
    damaged = {kind: content for kind, content in SAFETENSORS.items() if kind != "another tensor"}
    yield from CONVERT.contents(_SAFE, damaged, options={"": _SAFE}, slow=True)
    for kind, make in CHECKPOINTS.items():
        if kind not in _FINE:
            yield CONVERT.case(f"{_PICKLE}: {kind}", {"": _PICKLE}, _PICKLE, place={_PICKLE: make}, slow=True)


CASES = {"convert": list(_convert())}
