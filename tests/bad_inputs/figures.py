"""``uniformity`` and ``speed``."""

from itertools import chain

from tests.bad_inputs.case import Case, Command, every
from tests.bad_inputs.lists import LISTS
from tests.bad_inputs.models import model_options, models, runs

_GOOD = {"--data": "data", "--model": "model", "--device": "cpu", "--results": "new", "--sources": "1"}
_PAIRS = ("new", "new/uniformity", "new/uniformity/pairs.csv")  # are chosen, and listed, before the model is read
UNIFORMITY = Command({**_GOOD, "--steps": "1"}, writes=_PAIRS)
SPEED = Command({**_GOOD, "--repeats": "1"}, writes=tuple(path.replace("uniformity", "speed") for path in _PAIRS))


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


_LISTS = chain.from_iterable(UNIFORMITY.contents(f"data/{path}", LISTS[path], some=1) for path in LISTS)
CASES = {  # the two open the same things by the same code
    "uniformity": [
        *_trial(UNIFORMITY),
        *every(3, _LISTS),
        *every(4, models(UNIFORMITY, 1)),
        *every(4, runs(UNIFORMITY, 1)),
        *UNIFORMITY.whole_number("--steps", "0", "1001"),
    ],
    "speed": [*_trial(SPEED), *SPEED.whole_number("--repeats", "0")],
}
