"""``reid run``, ``reid pictures``, ``reid evaluate`` and ``reid draw``."""

import io

import numpy as np

from tests.bad_inputs.case import BYTES, INSTEAD, JSON, Command, shown, text
from tests.bad_inputs.tried import every

RUN = Command({"--no_run": (), "--runs": "runs", "--results": "results"})
TRAIN = Command({"--root": "market", "--percentages": "100", "--rows": "standard", "--runs": "new", "--results": "out"})
PICTURES = Command(
    {"": "market", "--of": "market", "--percentage": "100", "--pairs": "pairs.csv", "--run": "runs/tiny/version_0",
     "--out": "new"}
)  # fmt: skip
EVALUATE = Command({"": "features"})
DRAW = Command({"": "new", "--spec.people": "1", "--spec.test_people": "1", "--spec.distractors": "0",
                "--spec.junk": "0"})  # fmt: skip
ROW = "results/reid/rows/reid_tiny_standard_20-seed0.json"


def _npz(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


_NAME = np.array(["0001_c1s1_000001_01.jpg"])
_FEATURES = {
    **BYTES,
    "no names": _npz(features=np.ones((1, 2))),
    "no features": _npz(names=_NAME),
    "features of one axis": _npz(features=np.ones(1), names=_NAME),
    "whole numbers": _npz(features=np.ones((1, 2), int), names=_NAME),
    "no picture": _npz(features=np.ones((0, 2)), names=np.array([], "U9")),
    "too few names": _npz(features=np.ones((2, 2)), names=_NAME),
    "names that are numbers": _npz(features=np.ones((1, 2)), names=np.ones(1)),
    "names of nobody": _npz(features=np.ones((1, 2)), names=np.array(["a.jpg"])),
    "objects": _npz(features=np.ones((1, 2)), names=np.array([{"a": 1}], object)),
}


def _run():
    yield from (case for case in RUN.grammar() if "value" not in case.name)
    yield from RUN.choice("--scale")
    yield from RUN.choice("--launcher")
    yield from RUN.values("--percentages", ("0", "101", "x", "-5", "1.5", "[x]"), some=3)
    yield from RUN.values("--seeds", ("x", "-1", "9" * 30, "[x]"), some=2)
    yield from RUN.values("--rows", ("nope", "", "../x", "a\0b", "x" * 3000, "☃"), "row", "--rows", some=2)
    yield from RUN.number("--ratio", "0", "-1")
    yield from RUN.whole_number("--jobs", "0")
    yield from RUN.values("--slurm", ("nope", "=", "a=", "=b", ""), some=2)
    yield from RUN.flag("--no_run")
    yield from RUN.values("--generator_with", ("nope", "odd/folder"), "nope", "odd/folder", "generator_with")
    yield from RUN.written("--results", slow=True)
    yield RUN.case("--results a file", {"--results": "odd/file"}, "odd/file")
    yield RUN.case("a seed of all rows", {}, "--seeds", further=("--seed_everything", "1"))
    yield RUN.case("an overlay that is not there", {}, "nope", further=("-c", "overlays/nope"))
    yield from every(2, RUN.contents(ROW, {**JSON, "no scores": b'{"experiment": "x", "seed": 0}'}, some=2))
    yield from RUN.instead(ROW, kinds=[kind for kind in INSTEAD if kind != "missing"])
    yield TRAIN.case("--root nowhere", {"--root": "odd/nothing"}, "odd/nothing")
    yield TRAIN.case("--root a file", {"--root": "odd/file"}, "odd/file")
    yield TRAIN.case("--root another dataset", {"--root": "data"}, "data/bounding_box_train")
    yield TRAIN.case("--runs a file", {"--runs": "odd/file", "--percentages": "50"}, "odd/file", slow=True)


def _pictures():
    yield from PICTURES.grammar("--of", "--percentage", "--pairs", "--run", "--out")
    yield PICTURES.case("no part", {"": None}, "PART", "part")
    yield PICTURES.case("a part that is not there", {"": "odd/nothing"}, "odd/nothing")
    yield PICTURES.case("a part of another dataset", {"": "data"}, "is not in the part")
    yield from PICTURES.folder("--of", "market-1501", "Market-1501")
    yield from PICTURES.whole_number("--percentage", "0", "101")
    yield from PICTURES.values("--pairs", ("odd/nothing", "odd/file", "odd/pipe"), "odd", "is not in the part")
    yield from PICTURES.values("--run", ("odd/nothing", "odd/folder"), "odd", "is not in the part")
    yield from PICTURES.whole_number("--steps", "0", "1001")
    yield from PICTURES.whole_number("--batch_size", "0")
    yield PICTURES.case("--device nope", {"--device": "nope"}, "nope", "is not in the part")
    yield PICTURES.case("--out a file", {"--out": "odd/file"}, "odd/file", "is not in the part")
    yield from PICTURES.file("--config", "--config", slow=True)


def _evaluate():
    yield from EVALUATE.grammar()
    yield EVALUATE.case("no features", {"": None}, "FEATURES", "features")
    for number, (kind, place) in enumerate({"nothing": "odd/nothing", "a file": "odd/file", "a folder": "odd/folder",
                                            "NUL": "a\0b"}.items()):  # fmt: skip
        yield EVALUATE.case(f"features: {kind}", {"": place}, *shown(place), "query.npz", slow=number > 1)
    yield from EVALUATE.contents("features/query.npz", _FEATURES, some=4)
    yield from EVALUATE.contents("features/gallery.npz", dict(list(_FEATURES.items())[::3]), some=0)
    yield from EVALUATE.instead("features/query.npz")
    yield EVALUATE.case("features of another width", {}, "wide", place={
        "features/gallery.npz": text(_npz(features=np.ones((1, 3)), names=_NAME))})  # fmt: skip
    yield EVALUATE.case("features that are no numbers", {}, "not finite", place={
        "features/query.npz": text(_npz(features=np.full((1, 2), np.nan), names=_NAME))})  # fmt: skip
    yield EVALUATE.case("no match", {}, "No query has a match", place={
        "features/gallery.npz": text(_npz(features=np.ones((1, 2)), names=_NAME))})  # fmt: skip
    yield from EVALUATE.whole_number("--chunk", "0")
    yield from EVALUATE.values("--device", ("nope", "cuda:99"))
    yield from EVALUATE.written("--json", ending=".json")
    yield from EVALUATE.file("--config", "--config", slow=True)


def _draw():
    yield from DRAW.grammar()
    yield DRAW.case("no folder", {"": None}, "ROOT")
    for option in ("--spec.people", "--spec.test_people"):
        yield from DRAW.whole_number(option, "0")
    yield DRAW.case("more people than names", {"--spec.people": "9999"}, "9,999")
    for option in ("--spec.distractors", "--spec.junk", "--spec.seed"):
        yield from DRAW.whole_number(option)
    yield from DRAW.values("--spec.size", ("[0, 0]", "x", "[64]", "64x32", "[1.5, 2]", "[1, 1]"), some=2)
    yield from DRAW.values("--spec", ("x", "[1]", "3", "{nope: 1}", ""), some=2)
    yield from DRAW.file("--config", slow=True)
    yield DRAW.case("root is a file", {}, "new", place={"new": text(b"")})
    yield DRAW.case("root is another folder", {}, "new", place={"new/x": text(b"")})
    yield DRAW.case("root is a market", {"": "market"}, "market")
    for kind, place in (("below a file", "odd/file/new"), ("too long", "x" * 300), ("NUL", "a\0b")):
        yield DRAW.case(f"root {kind}", {"": place}, *shown(place), "root", slow=True)


CASES = {
    "reid run": list(_run()), "reid pictures": list(_pictures()), "reid evaluate": list(_evaluate()),
    "reid draw": list(_draw()),
}  # fmt: skip
