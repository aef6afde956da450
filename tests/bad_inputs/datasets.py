"""``mannequins`` and ``check``."""

from tests.bad_inputs.case import INSTEAD, NOWHERE, Command, shown, text
from tests.bad_inputs.lists import LISTS

SMALL = {"--spec.identities": "2", "--spec.views": "2", "--spec.test_identities": "1", "--spec.test_pairs": "1"}
MANNEQUINS = Command({"": "new", **SMALL})
CHECK = Command({"": "data", "--workers": "1"})


def _mannequins():
    yield from MANNEQUINS.grammar()
    yield MANNEQUINS.case("no folder", {"": None}, "ROOT")
    for option in ("--spec.identities", "--spec.views"):
        yield from MANNEQUINS.whole_number(option, "0")
    for option in ("--spec.test_identities", "--spec.test_pairs", "--spec.seed"):
        yield from MANNEQUINS.whole_number(option)
    yield MANNEQUINS.case("more test people than people", {"--spec.test_identities": "3"}, "test_identities")
    sizes = (
        "[0, 0]",
        "x",
        "[64]",
        "[64, 44, 3]",
        "[-1, 5]",
        "64x44",
        "[1.5, 2]",
        "[a, b]",
        "",
        "[1000000, 1000000]",
        "[1, 1]",
    )
    yield from MANNEQUINS.values("--spec.size", sizes, some=3)
    yield from MANNEQUINS.values("--spec.busy_backgrounds", ("x", "2", "", "[1]"), some=1)
    yield from MANNEQUINS.values("--spec.style", ("x", "Cartoon", "", "[cartoon]", "1"), "style", some=2)
    yield from MANNEQUINS.values("--spec", ("x", "[1]", "3", "{nope: 1}", "", "odd/nothing", "odd/file"), some=2)
    yield from MANNEQUINS.file("--config", slow=True)
    for kind in ("a pipe", "a device", "a circle", "a broken link"):
        yield MANNEQUINS.case(f"root is {kind}", {}, "new", place={"new": INSTEAD[kind]}, slow=True)
    yield MANNEQUINS.case("root is a file", {}, "new", place={"new": text(b"")})
    yield MANNEQUINS.case("root is another folder", {}, "new", place={"new/x": text(b"")})
    yield MANNEQUINS.case("root is other mannequins", {"": "data"}, "data")
    yield MANNEQUINS.case("root is a market", {"": "market"}, "market")
    for kind, place in (
        ("below a file", "odd/file/new"),
        ("in a kernel's folder", "/proc/nowhere/new"),
        ("too long", "x" * 300),
        ("NUL", "a\0b"),
        ("empty", ""),
        ("too deep", "x/" * 3000 + "x"),
    ):
        yield MANNEQUINS.case(f"root {kind}", {"": place}, *shown(place), "root", slow=True)


def _check():
    yield from CHECK.grammar()
    yield CHECK.case("no folder", {"": None}, "ROOT")
    for number, (kind, place) in enumerate({**NOWHERE, "a file": "odd/file", "an empty folder": "odd/folder"}.items()):
        yield CHECK.case(f"root {kind}", {"": place}, *shown(place), "root", slow=number > 1)
    yield from CHECK.whole_number("--workers", "0")
    yield from CHECK.choice("--layout")
    yield CHECK.case("--layout of another dataset", {"--layout": "market1501"}, "data", "layout")
    yield from CHECK.written("--json", ending=".json")
    yield CHECK.case("--json a folder", {"--json": "odd/folder"}, "odd/folder", slow=True)
    yield from CHECK.file("--config", slow=True)
    for path, contents in LISTS.items():
        yield from CHECK.contents(
            f"data/{path}", {kind: content for kind, content in contents.items() if path.endswith(".csv")}, some=2
        )
        yield from CHECK.instead(f"data/{path}", kinds=("a folder", "a pipe", "a device"))


CASES = {"mannequins": list(_mannequins()), "check": list(_check())}
