"""``uniformity`` and ``speed``, and what else draws by one trained model."""

from itertools import chain

from tests.bad_inputs.case import Case, Command
from tests.bad_inputs.lists import LISTS
from tests.bad_inputs.models import model_options, models, runs
from tests.bad_inputs.tried import every

_GOOD = {"--data": "data", "--model": "model", "--device": "cpu", "--results": "new", "--sources": "1"}
_PAIRS = ("new", "new/uniformity", "new/uniformity/pairs.csv")  # are chosen, and listed, before the model is read
UNIFORMITY = Command({**_GOOD, "--steps": "1"}, writes=_PAIRS)
SPEED = Command(
    {**_GOOD, "--repeats": "1", "--wide": "tiny"},
    writes=tuple(path.replace("uniformity", "speed") for path in _PAIRS),
)
PANELS = Command(
    {**_GOOD, "--repeats": "1", "--steps": "1", "--views": "4", "--wide": "tiny"},
    writes=tuple(path.replace("uniformity", "panels") for path in _PAIRS),
)
GUIDANCE = Command(
    {**_GOOD, "--steps": "1", "--targets": "1"},
    writes=tuple(path.replace("uniformity", "guidance") for path in _PAIRS),
)
VISIBILITY = Command(
    {**_GOOD, "--steps": "1"},
    writes=tuple(path.replace("uniformity", "visibility") for path in _PAIRS),
)
ROBUSTNESS = Command(
    {**_GOOD, "--steps": "1", "--kinds": "noise"},
    writes=tuple(path.replace("uniformity", "robustness") for path in _PAIRS),
)
STRATA = Command({"": "ablations", "--data": "data", "--results": "new"})
STYLES = Command({"--model": "model", "--device": "cpu", "--results": "new", "--data": "drawn", "--sources": "1"})


def _interval(of: Command) -> list[Case]:
    values = (("500",), ("x", "y"), ("-1", "500"), ("900", "500"), ("0", "1001"))
    return [
        of.case(f"--guidance_interval {' '.join(one)!r}", {"--guidance_interval": one}, "guidance_interval")
        for one in values
    ]


def _trial(of: Command) -> list[Case]:
    return [
        *of.grammar(),
        *of.folder("--data"),
        *of.file("--config", "--config", slow=True),
        *of.whole_number("--sources", "0"),
        *of.whole_number("--batch_size", "0"),
        *of.choice("--protocol"),
        *of.written("--results"),
        *model_options(of),
        of.case("--results a file", {"--results": "odd/file"}, "odd/file"),
        of.case("--out, its other name, a file", {"--results": None, "--out": "odd/file"}, "odd/file"),
    ]


def _student(of: Command) -> list[Case]:
    return [
        *of.values("--wide", ("nope", "", "../tiny"), "nope", "--exp", "../tiny", "no experiment"),
        *of.values("--distilled", ("nowhere", "../nowhere", "weights"), "nowhere", "weights", some=1),
        of.case("--distilled a model that was not", {"--distilled": "model"}, "--distilled model has guidance"),
    ]


_LISTS = chain.from_iterable(UNIFORMITY.contents(f"data/{path}", LISTS[path], some=1) for path in LISTS)
CASES = {  # the two open the same things by the same code
    "uniformity": [
        *_trial(UNIFORMITY),
        *every(3, _LISTS),
        *every(4, models(UNIFORMITY, 1)),
        *every(4, runs(UNIFORMITY, 1)),
        *UNIFORMITY.whole_number("--steps", "0", "1001"),
    ],
    "speed": [
        *_trial(SPEED),
        *_student(SPEED),
        *SPEED.whole_number("--repeats", "0"),
        *SPEED.values("--rows", ("fast", ""), "none of the ways"),
    ],
    "panels": [
        *_trial(PANELS),
        *_interval(PANELS),
        PANELS.case("--guidance_interval of every step", {"--guidance_interval": ("0", "1000")}, "every step"),
        *PANELS.whole_number("--repeats", "0"),
        *PANELS.whole_number("--steps", "0", "1001"),
        *PANELS.whole_number("--views", "2"),
        *_student(PANELS),
    ],
    "guidance": [
        *_trial(GUIDANCE),
        *_interval(GUIDANCE),
        *GUIDANCE.whole_number("--steps", "0", "1001"),
        *GUIDANCE.whole_number("--targets", "0"),
    ],
    "visibility": [
        *_trial(VISIBILITY),
        *VISIBILITY.whole_number("--steps", "0", "1001"),
        VISIBILITY.case("--data of photographs", {"--data": "market"}, "holds no drawn mannequins"),
    ],
    "robustness": [
        *_trial(ROBUSTNESS),
        *ROBUSTNESS.whole_number("--steps", "0", "1001"),
        *ROBUSTNESS.values("--kinds", ("fog", "", "Noise", "2"), "none of them"),
        ROBUSTNESS.case(
            "--kinds busy of what is not drawn", {"--kinds": "busy", "--data": "market"}, "--kinds busy draws"
        ),
    ],
    "strata": [
        *STRATA.grammar(),
        *STRATA.folder("--data"),
        *STRATA.choice("--protocol"),
        *STRATA.file("--config", "--config", slow=True),
        STRATA.case("no table", {"": None}, "TABLE"),
        STRATA.case("no such table", {"": "nope"}, "nope"),
        STRATA.case("--data of photographs", {"--data": "market"}, "holds no drawn mannequins"),
        STRATA.case("no rows", {}, "has no rows of tiny scale"),
        STRATA.case("--out, its other name, without rows", {"--results": None, "--out": "odd"}, "odd/ablations/rows"),
    ],
    "styles": [
        *STYLES.grammar(),
        *STYLES.whole_number("--sources", "0"),
        *STYLES.whole_number("--batch_size", "0"),
        *STYLES.choice("--protocol"),
        *STYLES.values("--arms", ("oil", "", "LoRA", "2"), "none of them"),
        *STYLES.file("--config", "--config", slow=True),
        *STYLES.values("--model", ("nowhere", "../nowhere"), "nowhere"),
        *STYLES.values("--device", ("nope", ""), slow=True),
        *STYLES.whole_number("--seed", "18446744073709551616"),
        *STYLES.number("--guidance"),
        *STYLES.flag("--overwrite"),
        STYLES.case("a run of one's own", {"--run": "runs/tiny/version_0"}, "of no use here"),
        STYLES.case("--trust without a value", {}, "--trust", further=("--trust",)),
        STYLES.case("--runs without a value", {}, "--runs", further=("--runs",)),
        STYLES.case("--results a file", {"--results": "odd/file"}, "odd/file"),
        STYLES.case("--out, its other name, a file", {"--results": None, "--out": "odd/file"}, "odd/file"),
        STYLES.case("sets below a file", {"--data": "odd/file"}, "odd/file", writes=("new", "new/styles")),
    ],
}
