"""Which generated file shows which pair: every method's way of naming files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from imagpose.data.pictures import picture_size, read_picture
from imagpose.data.readers.layouts import parse_name
from imagpose.errors import InputError

Pair = tuple[str, str]  # names of the source and of the target
_SUFFIXES = (".png", ".jpg", ".jpeg")
_PATN = "___"
_SEPARATORS = (_PATN, "_2_", "_to_")
_PANELS = 5  # of a PATN strip; the last is what was generated


@dataclass(frozen=True)
class Matches:
    """A folder of generated pictures beside a list of pairs.

    Attributes:
        outputs: The samples of each pair that has any, in the order of the pairs; most often there is one.
        missing: Pairs without a picture.
        extra: Pictures of no pair.
    """

    outputs: dict[Pair, tuple[Path, ...]]
    missing: tuple[Pair, ...]
    extra: tuple[Path, ...]


def match(folder: Path, pairs: Iterable[Pair]) -> Matches:
    """Find each pair's pictures in a folder.

    Known are ``A.jpg___B.jpg_vis.png`` (PATN), ``A_2_B_vis.png`` or ``.jpg`` (GFLA, DPTN, NTED, PIDM and our own),
    ``A_to_B.png`` with one extra leading character (PCDMs) and ``A.jpg_2_B.jpg.png`` (FPDM). Several samples of one
    pair have a number after the name: ``A_2_B_vis_0.png``. A and B may be in any spelling that a list may have, such as
    FPDM's ``MENTees_Tanksid_0000730104_2_side``; the separator is the one between two whole names.

    Raises:
        InputError: The folder is missing or empty, or two files show the same sample of a pair.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; name the one with the generated pictures.")
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES)
    if not files:
        raise InputError(
            f"{folder} holds no {', '.join(_SUFFIXES)} files; name the folder with the generated pictures."
        )
    wanted = dict.fromkeys(pairs)
    by_name = {(_whole(source), _whole(target)): (source, target) for source, target in wanted}
    found: dict[Pair, dict[int | None, Path]] = {}
    extra = []
    for path in files:
        hit = _parse(path.stem, by_name)
        if hit is None:
            extra.append(path)
            continue
        pair, sample = hit
        samples = found.setdefault(pair, {})
        if sample in samples:
            raise InputError(f"{samples[sample]} and {path.name} both show {pair[0]} → {pair[1]}; remove one of them.")
        samples[sample] = path
    outputs = {}
    for pair in wanted:
        if pair in found:
            if None in found[pair] and len(found[pair]) > 1:
                raise InputError(
                    f"{found[pair][None]} stands beside numbered samples of its pair; remove one or the others."
                )
            outputs[pair] = tuple(found[pair][number] for number in sorted(found[pair], key=lambda n: n or 0))
    return Matches(outputs, tuple(pair for pair in wanted if pair not in found), tuple(extra))


def _whole(text: str) -> str:
    """A name as the dataset's index spells it, whatever its spelling and suffix; what is no such name stays."""
    stem = re.sub(r"(\.jpe?g|\.png)+$", "", text)
    parsed = parse_name(f"{stem}.jpg")
    return parsed.name if parsed else stem


def _parse(stem: str, by_name: dict[Pair, Pair]) -> tuple[Pair, int | None] | None:
    """The pair and the sample's number in a file's name."""
    for separator in _SEPARATORS:
        for place in re.finditer(f"(?={separator})", stem):  # views are called 2_side: it stands inside of names too
            source, target = stem[: place.start()], stem[place.start() + len(separator) :]
            numbered = re.fullmatch(r"(.*)_(\d+)", target)
            for reading, sample in [(target, None), *([(numbered[1], int(numbered[2]))] if numbered else [])]:
                for name in (source, source[1:]):
                    pair = by_name.get((_whole(name), _whole(reading.removesuffix("_vis"))))
                    if pair:
                        return pair, sample
    return None


def read(path: Path) -> np.ndarray:
    """A generated picture, (H, W, 3) uint8; of a PATN strip its last panel.

    Raises:
        InputError: It is no image, a link out of its folder, or a strip that five panels do not fill.
    """
    image = np.asarray(read_picture(path, path.parent))
    if _PATN not in path.name:
        return image
    if image.shape[1] % _PANELS:
        raise InputError(
            f"{path} is named like a PATN strip, but is {image.shape[1]} wide, which {_PANELS} does not divide."
        )
    return image[:, -image.shape[1] // _PANELS :]


def common_size(paths: Sequence[Path]) -> tuple[int, int]:
    """The (height, width) that all generated pictures have.

    Raises:
        InputError: They differ, or one cannot be read.
    """
    sizes = {}
    for path in paths:
        height, width = picture_size(path, path.parent)
        sizes[path] = (height, width // _PANELS if _PATN in path.name else width)
    first = sizes[paths[0]]
    for path, size in sizes.items():
        if size != first:
            raise InputError(
                f"{path} is {size[0]}×{size[1]}, but {paths[0].name} is {first[0]}×{first[1]}; all must have one size."
            )
    return first
