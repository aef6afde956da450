"""``study make``, ``serve``, ``report``, ``export`` and ``power``."""

from tests.bad_inputs.case import BYTES, JSON, Command, text
from tests.bad_inputs.lists import PAIRS
from tests.bad_inputs.scored import SIZES
from tests.bad_inputs.tried import every

MAKE = Command(
    {
        "--results": "ours=made", "--data": "data", "--pairs": "pairs.csv", "--real": "1", "--best": "0",
        "--repeats": "0", "--practice": "0", "--out": "new",
    }
)  # fmt: skip
SERVE = Command({"--study": "study", "--port": "18765"})
REPORT = Command({"--study": "study", "--out": "new"})
DELETE = Command({"--study": "study", "--rater": "1"})
EXPORT = Command({"--study": "study", "--out": "new.csv"})
POWER = Command({"--study": "study"})
_QUESTIONS = {
    **JSON,
    "another format": b'{"format": 2, "seed": 0, "groups": 1, "items": [], "made": {}}',
    "no items": b'{"format": 1, "seed": 0, "groups": 1, "items": [], "made": {}}',
    "a path for a picture": b"""{"format": 1, "seed": 0, "groups": 1, "made": {}, "items": [{"name": "0123456789ab",
        "kind": "real", "pictures": ["../k.png"], "given": [], "practice": false, "group": null, "repeats": null}]}""",
}
_NO_VOTES = {kind: content for kind, content in BYTES.items() if content}  # an empty file is how SQLite begins one


def _folder(of: Command, some: int = 1):
    yield from of.grammar()
    yield from of.file("--config", "--config", slow=True)
    yield from of.folder("--study", "study.json")
    yield from every(some, of.contents("study/study.json", _QUESTIONS, "study.json", some=4))
    yield from of.instead("study/study.json")
    yield of.case("no pictures", {}, "study/pictures", place={"study/pictures": lambda path: None})


def _counted(of: Command, some: int = 1):
    yield from _folder(of, 3)
    yield from every(some, of.contents("study/key.json", JSON, "key.json", some=3))
    yield from of.instead("study/key.json")
    yield from every(some, of.contents("study/votes.sqlite", BYTES, "votes.sqlite", some=3))
    yield from of.instead("study/votes.sqlite", "votes.sqlite", kinds=("missing", "a folder", "a broken link"))


CASES = {
    "study make": [
        *MAKE.grammar(),
        *MAKE.file("--config", "--config", slow=True),
        *MAKE.folder("--data"),
        *MAKE.file("--pairs"),
        *every(3, MAKE.contents("pairs.csv", PAIRS, some=3)),
        MAKE.case("results without data", {"--data": None}, "--data"),
        MAKE.case("pairs without results", {"--results": None}, "--results"),
        *MAKE.values(
            "--results", ("made", "=made", "ours=", "", "ours made", "<b>x</b>=made", "../x=made"), "--results"
        ),
        *MAKE.values(
            "--results", [f"ours={one}" for one in ("odd/nothing", "odd/folder", "odd/file", "odd/pipe")], "odd"
        ),
        *MAKE.values("--judged", ("nope", "<script>", "../ours"), "--judged"),
        MAKE.case("a method judged twice", {"--judged": ("ours", "ours")}, "twice"),
        *MAKE.whole_number("--real", "0", "99999"),
        *MAKE.whole_number("--best"),
        *MAKE.whole_number("--repeats"),
        *MAKE.whole_number("--practice", "9999"),
        *MAKE.whole_number("--seed", "4294967296"),
        *MAKE.values("--size", SIZES, some=5),
        *MAKE.written("--out"),
        MAKE.case("--out a file", {"--out": "odd/file"}, "odd/file"),
        MAKE.case("--out another folder", {"--out": "made"}, "made"),
        MAKE.case("--out another study", {"--out": "study"}, "made otherwise"),
    ],
    "study serve": [
        *_folder(SERVE),
        *SERVE.whole_number("--port", "-1", "65536"),
        *SERVE.values("--host", ("", " ", "192.0.2.1", "a\0b", "a b"), "--host", some=3),
        *SERVE.values("--name", ("", "http://study.example.org", "study.example.org:8000", "a b"), "--name", some=2),
        *SERVE.contents("study/votes.sqlite", _NO_VOTES, "votes.sqlite", options={"--port": "18766"}, some=3),
    ],
    "study report": [
        *_counted(REPORT),
        *REPORT.flag("--drop_failed"),
        *REPORT.written("--out"),
        REPORT.case("--out a file", {"--out": "odd/file"}, "odd/file"),
    ],
    "study export": [
        *_counted(EXPORT, 3),
        *EXPORT.written("--out", ending=".csv"),
        EXPORT.case("--out a folder", {"--out": "new.csv"}, "new.csv", place={"new.csv/x": text(b"")}),
    ],
    "study delete": [
        *_folder(DELETE, 3),
        *every(3, DELETE.contents("study/votes.sqlite", BYTES, "votes.sqlite", some=3)),
        *DELETE.instead("study/votes.sqlite", "votes.sqlite", kinds=("missing", "a folder", "a broken link")),
        *DELETE.whole_number("--rater", "0"),
        DELETE.case("no --rater", {"--rater": None}, "--rater"),
        *DELETE.values("--rater", ("3", "9" * 30), "knows no rater"),
    ],
    "study power": [
        *_counted(POWER, 4),
        *POWER.number("--difference", "0", "100", "-1"),
        *POWER.number("--share", "0", "100"),
        *POWER.whole_number("--questions", "0", "1"),
        *POWER.number("--power", "0", "100", "5"),
        *POWER.number("--rater_part", "0", "100", "95"),
        *POWER.number("--item_part", "0", "100", "95"),
    ],
}
