"""``mannequins``, ``check`` and ``gather``."""

from tests.bad_inputs.case import INSTEAD, NOWHERE, Command, shown, text
from tests.bad_inputs.lists import LISTS
from tests.data.bad_pictures import BAD, OUTSIDE

SMALL = {"--spec.identities": "2", "--spec.views": "2", "--spec.test_identities": "1", "--spec.test_pairs": "1"}
MANNEQUINS = Command({"": "new", **SMALL})
CHECK = Command({"": "data", "--workers": "1"})
# Two people's pictures as a user has them: the folders of the mannequins are one a person.
GATHER = Command({"": "data/img_highres/MEN/Tees_Tanks", "--out": "new", "--size": "64x44"})


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


def _gather():
    yield from GATHER.grammar("--out")
    yield GATHER.case("no folder", {"": None}, "PHOTOS")
    yield from GATHER.folder("", "nobody", "among the photographs")
    yield GATHER.case("a folder of loose photographs", {"": "made"}, "made has nobody with 2 photographs")
    for name, make in {**BAD, **OUTSIDE}.items():
        place = {"photos/1/a.jpg": lambda p, m=make: m(p, p.parents[2]), "photos/2/a.jpg": text(b"x")}
        further = {f"photos/{person}/b.jpg": text(b"no picture") for person in (1, 2)}
        told = "photos has nobody with 2 photographs"
        yield GATHER.case(f"photographs: {name}", {"": "photos"}, told, place={**place, **further}, slow=True)
    link = {"photos/1": lambda p: p.symlink_to(p.parents[1] / "data/img_highres")}
    yield GATHER.case("a link out of the folder", {"": "photos"}, "photos has nobody", place=link)
    yield from GATHER.written("--out")
    for kind in ("a folder", "a pipe", "a device", "a broken link", "a circle"):
        holds = {"new/x": text(b"")} if kind == "a folder" else {"new": INSTEAD[kind]}
        yield GATHER.case(f"--out is {kind}", {}, "--out new is there", place=holds, slow=kind != "a folder")
    yield GATHER.case("--out among the photographs", {"--out": "data/img_highres/MEN/Tees_Tanks/new"}, "lies in")
    yield from GATHER.whole_number("--test_people", "0")
    yield GATHER.case("nobody to train on", {"--test_people": "999"}, "--test_people is 999")
    yield from GATHER.values("--size", ("0x0", "64", "x", "64×44", "", "[64]", "9999x1"), some=2)
    yield from GATHER.choice("--detector")
    yield from GATHER.choice("--framing")
    yield from GATHER.values("--detector_weights", ("nowhere", "odd/file", "odd/folder"), "mannequin", "odd", "nowhere")
    yield from GATHER.file("--config", "--config", slow=True)


CASES = {"mannequins": list(_mannequins()), "check": list(_check()), "gather": list(_gather())}
