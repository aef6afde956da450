"""``generate``, ``export`` and ``pose``."""

from __future__ import annotations

import json
from dataclasses import replace

from tests.bad_inputs.case import IMAGE, INSTEAD, JSON, Command, text
from tests.bad_inputs.lists import LISTS, PAIRS
from tests.bad_inputs.models import SAFETENSORS, model_options, models, runs
from tests.bad_inputs.tried import every
from tests.bad_inputs.world import RUN
from tests.data.bad_pictures import BAD

_MODEL = {"--model": "model", "--device": "cpu", "--steps": "1", "--out": "new"}
OWN = Command({"--source": "source.jpg", "--source_pose": "source.json", "--target_pose": "target.json", **_MODEL})
PAIRED = Command({"--data": "data", "--pairs": "pairs.csv", **_MODEL})
EXPORT = Command({"--run": RUN, "--out": "new"})
POSE = Command({"--data": "data", "--image": IMAGE, "--out": "new.json"})
POSE_FILE = Command({"": "source.json", "--out": "new.json"})
DETECTED = Command({"--source": "source.jpg", "--target_pose": "target.json", "--detector": "mannequin", **_MODEL})
PHOTOGRAPH = Command({"": "source.jpg", "--detector": "mannequin", "--out": "new.json", "--show": "new.png"})


def _pose(**changes: object) -> bytes:
    return json.dumps({"size": [64, 44], "keypoints": [[10, 10]] * 18, **changes}).encode()


_POSES = {
    **JSON,
    "no joints": _pose(keypoints=[]),
    "17.5 joints": _pose(keypoints=[[1, 2]] * 5),
    "texts": _pose(keypoints=[["a", "b"]] * 18),
    "nothing visible": _pose(keypoints=[None] * 18),
    "NaN joints": _pose(keypoints=[[float("nan"), 1]] * 18),
    "infinite": _pose(keypoints=[[float("inf"), 1]] * 18),
    "huge": _pose(keypoints=[[1e300, 1e300]] * 18),
    "beyond floats": b'{"keypoints": [' + b"9" * 400 + b"]}",
    "four numbers": _pose(keypoints=[[1, 2, 3, 4]] * 18),
    "a text": _pose(keypoints="abc"),
    "an object": _pose(keypoints={"a": 1}),
    "no size": _pose(size=[]),
    "a size of nothing": _pose(size=[0, 0]),
    "a negative size": _pose(size=[-64, 44]),
    "a size of texts": _pose(size=["a", "b"]),
    "a huge size": _pose(size=[10**9, 10**9]),
    "a size of NaN": _pose(size=[float("nan"), 1]),
    "a size alone": b'{"size": [64, 44]}',
    "nobody": b'{"people": []}',
    "two people": b'{"people": [{}, {}]}',
    "people that are numbers": b'{"people": 3}',
    "no annotations": b'{"annotations": []}',
    "null joints": _pose(keypoints=None),
    "joints deep down": b'{"keypoints": ' + b"[" * 90_000 + b"}",
}


def _generate():
    for number, (kind, make) in enumerate(BAD.items()):
        yield OWN.case(
            f"--source: {kind}",
            {},
            "source.jpg",
            place={"source.jpg": lambda p, m=make: m(p, p.parent)},
            slow=number > 2,
        )
    for name in ("source", "target"):
        yield from every(1 if name == "source" else 4, OWN.contents(f"{name}.json", _POSES, some=6))
        yield from OWN.instead(f"{name}.json")
    for option in ("--source", "--source_pose", "--target_pose"):
        yield from OWN.file(option)
    yield OWN.case(
        "two sources, one pose", {"--source": ("source.jpg",)}, "--source_pose", further=("--source", "source.jpg")
    )
    four = ("--source", "source.jpg", "--source_pose", "source.json") * 3
    yield OWN.case("four sources", {}, "4", "three", "source", further=four)
    several = ("--target_pose", "target.json")
    yield OWN.case("T1 of four poses", {"--scenario": "T1"}, "4 target pose", further=several * 3)
    yield OWN.case("T2 of two poses", {"--scenario": "T2"}, "T2", further=several, slow=True)
    yield OWN.case("two sources on two panels", {"--panels": "2"}, "2 panels", further=four[:4])
    yield from OWN.whole_number("--panels", "0", "1", "65")
    yield from OWN.values(
        "--guidance_interval", ("x", "600", "[600, 500]", "[0, 1001]", "[1, 2, 3]", "[-1, 5]"), some=3
    )
    yield OWN.case("own pictures and a list", {"--data": "data", "--pairs": "pairs.csv"}, "--data")
    yield OWN.case("T3 of one source", {"--scenario": "T3"}, "T3")
    yield OWN.case("IMAGPose* of one pose", {"--scenario": "IMAGPose*"}, "IMAGPose*", slow=True)
    yield OWN.case("nothing", dict.fromkeys(OWN.good), "--source")
    yield OWN.case("another's pictures in the folder", {}, "new/images", place={"new/images/other.png": text(b"x")})
    yield OWN.case("a file of the picture's name", {}, "1_target.png", place={"new/images/1_target.png": text(b"x")})
    yield OWN.case(
        "a folder of the picture's name", {}, "1_target.png", place={"new/images/1_target.png": INSTEAD["a folder"]}
    )
    yield from OWN.written("--out")
    yield OWN.case("--out a file", {"--out": "odd/file"}, "odd/file", slow=True)
    yield OWN.case("--out a pipe", {"--out": "odd/pipe"}, "odd/pipe", slow=True)
    yield from OWN.grammar("--source", "--target_pose")
    yield from _detected()
    yield OWN.case("an ambiguous beginning", {}, "--s", further=("--s", "x"))
    yield from OWN.values("--pose_size", ("0x0", "64", "x", "64×44"), some=2)
    yield from OWN.whole_number("--steps", "0", "1001")
    yield from OWN.file("--lora", "--lora", "safetensors file")
    yield from OWN.values(
        "--lora", ("lora.safetensors=x", "lora.safetensors=nan", "lora.safetensors=11"), "--lora", some=2
    )
    yield OWN.case("a LoRA twice", {"--lora": ("[source.json,source.json=2]",)}, "twice")
    for kind in ("truncated", "another tensor", "a pickle", "a bare header"):
        place = {"lora.safetensors": text(SAFETENSORS[kind])}
        yield OWN.case(f"--lora {kind}", {"--lora": "lora.safetensors"}, "lora.safetensors", place=place, slow=True)
    yield from OWN.choice("--scenario")
    yield from OWN.file("--config", "--config", slow=True)
    yield from model_options(OWN)
    yield from models(OWN)
    yield from runs(OWN)
    yield PAIRED.case("no --data", {"--data": None}, "--data")
    yield PAIRED.case("no --pairs", {"--pairs": None}, "--pairs")
    yield from PAIRED.folder("--data")
    yield from PAIRED.file("--pairs")
    yield from every(2, PAIRED.contents("pairs.csv", PAIRS, some=4))
    yield from PAIRED.instead("pairs.csv")
    yield from PAIRED.whole_number("--limit", "0")
    yield from PAIRED.whole_number("--batch_size", "0")
    for path, contents in LISTS.items():
        yield from every(3, PAIRED.contents(f"data/{path}", contents, some=1))
    yield PAIRED.case("pairs of another dataset", {"--data": "market"}, "pairs.csv")


def _detected():
    """Sources without poses."""
    yield from DETECTED.choice("--detector")
    yield from DETECTED.choice("--framing")
    yield from DETECTED.values("--person", ("0", "2", "x", "-1", "1.5", "[1, 2]", "9" * 5000), some=3)
    yield from DETECTED.file("--detector_weights", "eights", "PoseNetwork")
    yield DETECTED.case("a detector and a pose", {}, "--source_pose", further=("--source_pose", "source.json"))
    yield DETECTED.case("no library or no weights", {"--detector": "rtmlib"}, "rtmlib", "DWPose")
    yield DETECTED.case("no library or no bundle", {"--detector": "blazepose"}, "mediapipe", "blazepose", slow=True)
    for number, (kind, make) in enumerate(BAD.items()):
        place = {"source.jpg": lambda p, m=make: m(p, p.parent)}
        yield DETECTED.case(f"detected in {kind}", {}, "source.jpg", place=place, slow=number > 1)
    yield PAIRED.case("a list and --person", {"--person": "1"}, "--person")
    yield PAIRED.case("a list and --detector", {"--detector": "mannequin"}, "--detector")
    yield PAIRED.case("a list and --framing", {"--framing": "figure"}, "--framing")


def _photograph():
    for number, (kind, make) in enumerate(BAD.items()):
        place = {"source.jpg": lambda p, m=make: m(p, p.parent)}
        yield PHOTOGRAPH.case(f"a photograph: {kind}", {}, "source.jpg", place=place, slow=number > 2)
    yield from PHOTOGRAPH.instead("source.jpg")
    yield PHOTOGRAPH.case("a text as a photograph", {}, "source.jpg", place={"source.jpg": text(b"I am no picture")})
    yield from PHOTOGRAPH.choice("--detector")
    yield from PHOTOGRAPH.choice("--framing")
    yield from PHOTOGRAPH.whole_number("--person", "0", "2")
    yield from PHOTOGRAPH.file("--detector_weights", "eights", "PoseNetwork")
    for case in (*PHOTOGRAPH.written("--out", ending=".json"), *PHOTOGRAPH.written("--show", ending=".png")):
        yield replace(case, name=f"of a photograph, {case.name}")
    yield PHOTOGRAPH.case("the photograph as --show", {"--show": "source.jpg"}, "--show")
    yield PHOTOGRAPH.case("the photograph as --out", {"--out": "source.jpg"}, "source.jpg")
    yield PHOTOGRAPH.case("a photograph and its picture", {"--picture": "source.jpg"}, "--picture")
    yield from PHOTOGRAPH.values("--overwrite", ("x", "2", ""), some=1)
    another = text(b'{"size": [64, 44], "keypoints": [' + b", ".join([b"[3, 4]"] * 18) + b"]}")
    yield PHOTOGRAPH.case("a pose that was corrected", {}, "new.json is there and says another pose",
                          place={"new.json": another})  # fmt: skip
    yield POSE_FILE.case("a pose file and --person", {"--person": "1"}, "--person")


def _export():
    yield EXPORT.case("a LoRA of a run without one", {"--out": "new.safetensors"}, "trained no LoRA", slow=True)
    yield EXPORT.case("a LoRA where a folder is", {"--out": "lora.safetensors"}, "lora.safetensors exists",
                      place={"lora.safetensors": INSTEAD["a folder"]})  # fmt: skip
    yield from EXPORT.grammar("--run", "--out")
    yield from EXPORT.folder("--run")
    yield from EXPORT.written("--out")
    yield from EXPORT.values("--overwrite", ("x", "2", "", "[1]", "None"), some=1)
    yield from EXPORT.values("--guidance_form", ("x", "Joint", "[1]"), some=1)
    yield from EXPORT.values("--guidance_interval", ("[900,100]", "x", "5", "[-1,10]"), some=1)
    yield from EXPORT.file("--config", "--config", slow=True)
    yield EXPORT.case("--trust without a value", {}, "--trust", further=("--trust",))
    yield from every(2, runs(EXPORT))
    yield from EXPORT.contents(
        f"{RUN}/metrics.json",
        {
            **JSON,
            "no steps": b'{"a": 1}',
            "texts": b'{"steps": "two", "a/ssim": "x"}',
            "lists": b'{"steps": [1]}',
            "NaN steps": b'{"steps": NaN}',
        },
        "metrics.json",
        slow=True,
    )
    yield EXPORT.case("unfinished", {}, "not finished", place={f"{RUN}/metrics.json": INSTEAD["missing"]})
    for kind, place in (
        ("a folder", {"new/x": text(b"")}),
        ("a file", {"new": text(b"")}),
        ("a pipe", {"new": INSTEAD["a pipe"]}),
        ("a broken link", {"new": INSTEAD["a broken link"]}),
        ("a circle", {"new": INSTEAD["a circle"]}),
    ):
        yield EXPORT.case(f"--out is {kind}", {}, "new", place=place, slow=kind.endswith(("link", "circle")))
        yield EXPORT.case(
            f"--out is {kind}, to be replaced",
            {"--overwrite": "true"},
            "new",
            place=place,
            slow=kind.endswith(("link", "circle")),
        )


def _of_dataset():
    yield from (case for case in POSE.grammar("--data", "--image", "--out") if case.name != "a stray word")
    yield POSE.case("a stray word, which is a pose file", {}, "FILE", further=("stray",))
    yield from POSE.folder("--data")
    yield from POSE.values(
        "--image", ("nobody.jpg", "", "../x.jpg", "a\0b", "x" * 3000, "☃"), "is in no list", "--image", some=2
    )
    yield from POSE_FILE.values("--pose_size", ("0x0", "64", "x", "", "64×44", "-1x5", "9999999x9999999"), some=2)
    yield from POSE_FILE.file("--picture")
    yield from POSE.file("--config", "--config", slow=True)
    yield POSE_FILE.case("--file missing", {"": None, "--file": "odd/nothing"}, "odd/nothing")
    yield from POSE_FILE.written("--show", ending=".png")
    yield from every(4, POSE_FILE.contents("source.json", _POSES, some=3))
    yield POSE_FILE.case("nothing to do", {"--out": None}, "--show")
    yield POSE_FILE.case("a file and a dataset", {"--data": "data"}, "--data")
    yield from POSE.written("--out", ending=".json")
    for path, contents in LISTS.items():
        yield from POSE.contents(f"data/{path}", contents, some=1)
        yield from POSE.instead(f"data/{path}", kinds=("a folder", "a pipe", "a device"))
    yield POSE.case("--out a folder", {"--out": "odd/folder"}, "odd/folder")


CASES = {"generate": list(_generate()), "export": list(_export()), "pose": [*_of_dataset(), *_photograph()]}
