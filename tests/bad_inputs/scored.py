"""``evaluate``, ``compare`` and ``gallery``."""

from tests.bad_inputs.case import JSON, Command, text
from tests.bad_inputs.lists import LISTS, PAIRS
from tests.bad_inputs.tried import every

EVALUATE = Command({"--generated": "made", "--data": "data", "--pairs": "pairs.csv", "--device": "cpu", "--out": "new"})
COMPARE = Command(
    {"--results": "ours=made", "--data": "data", "--pairs": "pairs.csv", "--device": "cpu", "--out": "new"}
)
GALLERY = Command({"--results": "ours=made", "--data": "data", "--pairs": "pairs.csv", "--out": "new.png"})
SIZES = ("0x0", "64", "64x", "-1x5", "64x44x3", "64×44", "1e3x5", "nan", "", " ", "9999999x9999999", "64 x 44")
_SCORE = b'{"strict": {"ssim": {"value": %s, "low": 0, "high": 1, "n": 2, "reason": null}}}'
_SCORES = {
    **JSON,
    "a list of scores": b'{"strict": [1, 2]}',
    "a number for a protocol": b'{"strict": 1}',
    "a metric missing": _SCORE % b"0.5",
    "a text for a value": _SCORE % b'"high"',
    "NaN for a value": _SCORE % b"NaN",
}


def _every_metric(value: str) -> bytes:
    score = f'{{"value": {value}, "low": null, "high": null, "n": 2, "reason": null}}'
    of = ", ".join(f'"{metric}": {score}' for metric in ("ssim", "ssim_256", "psnr", "lpips", "fid", "l1"))
    return f'{{"strict": {{{of}}}}}'.encode()


def _task(of: Command):
    yield from of.folder("--data")
    yield from of.file("--pairs")
    yield from of.file("--config", "--config", slow=True)
    yield from of.choice("--protocol")
    yield from of.values("--device", ("nope", "", "cuda:99", "meta", "cpu:-1", "cud a", "mps", "x" * 3000), some=2)
    yield from of.flag("--allow_partial")
    yield from of.flag("--best_of")
    yield from every(1 if of is EVALUATE else 3, of.contents("pairs.csv", PAIRS, some=5))
    yield from of.instead("pairs.csv")
    yield from every(1 if of is EVALUATE else 4, _lists(of))
    yield of.case("pairs of another dataset", {"--data": "market", "--pairs": "pairs.csv"}, "pairs.csv")


def _lists(of: Command, some: int = 1):
    for path, contents in LISTS.items():
        yield from of.contents(f"data/{path}", contents, some=some)
        yield from of.instead(f"data/{path}", kinds=("a folder", "a pipe", "a device"))


def _results(of: Command):
    yield from of.values("--results", ("made", "=made", "ours=", "", "=", "ours made"), "--results", some=3)
    yield of.case("a method twice", {"--results": ("ours=made", "ours=odd/folder")}, "twice", "odd/folder")
    yield of.case("a method twice, both there", {"--results": ("ours=made", "ours=made")}, "twice")
    yield from of.values(
        "--results", [f"ours={one}" for one in ("odd/nothing", "odd/folder", "odd/file", "odd/pipe")], "odd"
    )
    yield from of.values("--results", ("ours=odd/circle", "ours=a\0b", f"ours={'x' * 300}"), "circle", "a", slow=True)


CASES = {
    "evaluate": [
        *EVALUATE.grammar("--generated", "--data"),
        EVALUATE.case("an ambiguous beginning", {}, "--", further=("--d", "x")),
        *_task(EVALUATE),
        *EVALUATE.folder("--generated"),
        *EVALUATE.values("--size", SIZES, some=5),
        *EVALUATE.whole_number("--sheet"),
        *EVALUATE.written("--out"),
        EVALUATE.case("--out a file", {"--out": "odd/file"}, "odd/file", slow=True),
        EVALUATE.case("--out a pipe", {"--out": "odd/pipe"}, "odd/pipe", slow=True),
        EVALUATE.case("pictures of the dataset", {"--generated": "data"}, "data"),
        EVALUATE.case("a folder above", {"--generated": "."}, "."),
    ],
    "compare": [
        *COMPARE.grammar(),
        *_task(COMPARE),
        *_results(COMPARE),
        *COMPARE.choice("--table"),
        COMPARE.case("folders without data", {"--data": None, "--pairs": None}, "--data"),
        COMPARE.case("--device without folders", {"--results": "ours=scores.json", "--device": "nope"}, "--device"),
        COMPARE.case(
            "--data without folders", {"--results": "ours=scores.json", "--data": "odd/nothing"}, "odd/nothing"
        ),
        COMPARE.case(
            "--pairs without folders", {"--results": "ours=scores.json", "--pairs": "odd/nothing"}, "odd/nothing"
        ),
        *COMPARE.contents("scores.json", _SCORES, options={"--results": "ours=scores.json"}),
        *COMPARE.contents(
            "scores.json",
            {
                kind: _every_metric(value)
                for kind, value in (
                    ("texts", '"high"'),
                    ("NaN for values", "NaN"),
                    ("infinite", "Infinity"),
                    ("lists", "[1]"),
                    ("huge", "1e999"),
                )
            },
            options={"--results": "ours=scores.json"},
        ),
        *COMPARE.instead("scores.json", options={"--results": "ours=scores.json"}, slow=False),
        *COMPARE.written("--out"),
        COMPARE.case("--out a file", {"--results": "ours=scores.json", "--out": "odd/file"}, "odd/file"),
        COMPARE.case("--out a device", {"--results": "ours=scores.json", "--out": "odd/device"}, "odd/device"),
        COMPARE.case(
            "a folder where a table is written",
            {"--results": "ours=scores.json"},
            "new",
            place={"new/deepfashion-256x176.md/x": text(b"")},
        ),
    ],
    "gallery": [
        *GALLERY.grammar("--results", "--data"),
        *GALLERY.folder("--data"),
        *GALLERY.file("--pairs"),
        *GALLERY.file("--config", "--config", slow=True),
        *every(3, GALLERY.contents("pairs.csv", PAIRS, some=3)),
        *GALLERY.instead("pairs.csv"),
        *_results(GALLERY),
        *every(4, _lists(GALLERY, 0)),
        *GALLERY.whole_number("--rows", "0"),
        *GALLERY.whole_number("--seed"),
        *GALLERY.values("--out", ("new", "new.txt", "", ".", "new.", ".png", "new.pdf.x"), "new", "--out", some=3),
        *GALLERY.written("--out", ending=".png"),
        GALLERY.case("--out a folder", {"--out": "new.png"}, "new.png", place={"new.png/x": text(b"")}),
        GALLERY.case("pairs of another dataset", {"--data": "market"}, "pairs.csv"),
    ],
}
