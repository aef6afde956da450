"""A run whose options are damaged is refused in one sentence."""

import pytest

from imagpose import ImagposePipeline
from imagpose.__main__ import main
from imagpose.errors import InputError

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
DAMAGED = {
    "latin-1": ("model: Müller".encode("latin-1"), "holds no readable options"),
    "binary": (bytes(range(256)), "holds no readable options"),
    "empty": (b"", "holds no options, but nothing"),
    "a list": (b"- model", "holds no options, but a list"),
    "no model": (b"trainer: {}", "names no model"),
    "unfinished": (b"model: {", "holds no readable options"),
    "deep": (b"[" * 999_000, "deeper than 100 levels"),
    "long": (b"#" * 2_000_000, "longer than options ever are"),
    "aliases": (BOMB.encode(), "stands for more than 100,000 values"),
    "itself": (b"model: &a [*a]", "stands for more than 100,000 values"),
    "merged": (BOMB.replace("[", "{<<: [").replace("]", "]}").encode(), "config.yaml"),
    "an object": (b"model: !!python/object/apply:os.system [touch marker]", "holds no readable options"),
    "a number as a name": (b"trainer: {1: 2}", "has an option 1"),
    "a checkpoint of its own": (b"ckpt_path: other.ckpt", "says ckpt_path"),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_damaged_options_are_one_sentence(kind, run, tmp_path):
    content, message = DAMAGED[kind]
    (run / "config.yaml").write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        ImagposePipeline.from_run(run)
    assert "config.yaml" in str(caught.value)
    assert len(str(caught.value)) < 600
    assert not (tmp_path / "marker").exists()
    if kind not in ("no model", "latin-1"):
        assert main(["test", "-c", str(run / "config.yaml"), "--folder", str(run)]) == 2
