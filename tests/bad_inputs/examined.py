"""``doctor`` and ``cache``: what they say of an experiment before it is trained."""

from __future__ import annotations

from tests.bad_inputs.case import Command
from tests.bad_inputs.lists import LISTS
from tests.bad_inputs.models import SAFETENSORS
from tests.bad_inputs.training import experiments
from tests.bad_inputs.tried import every

DOCTOR = Command({"-c": "tiny.yaml"})
CACHE = Command({"-c": "tiny.yaml"})
_FOUND = ("root", "layout", "validation_identities", "test_settings", "base", "start", "vae")
"""Options whose mistakes the doctor finds, and goes on examining."""


def _doctor():
    yield from DOCTOR.grammar()
    yield DOCTOR.case("no experiment", {"-c": None}, "-c", "DATA", "model")
    yield from every(3, experiments(DOCTOR, False))
    yield DOCTOR.case("--model.init_args.ema_device 'nope'", {"--model.init_args.ema_device": "nope"}, "ema_device")
    yield from DOCTOR.written("--json", ending=".json")
    yield DOCTOR.case("--json a folder", {"--json": "odd/folder"}, "odd/folder", slow=True)
    yield from DOCTOR.values("--download", ("x", "2", "", "[1]"), slow=True)
    for path, contents in LISTS.items():
        yield from every(3, DOCTOR.contents(f"data/{path}", contents, slow=True, code=1))
    start = {"--model.init_args.start": "own"}
    yield from DOCTOR.contents("weights/own/network/model.safetensors", SAFETENSORS, options=start, slow=True, code=1)


def _cache():
    yield from CACHE.grammar()
    yield CACHE.case("no experiment", {"-c": None}, "-c", "DATA", "model")
    yield from every(3, experiments(CACHE, False))
    yield CACHE.case("--model.init_args.ema_device 'nope'", {"--model.init_args.ema_device": "nope"}, "ema_device")
    yield from CACHE.values(
        "--shard", ("5/2", "2/2", "x", "1", "-1/2", "0/0", "", "1/", "1.5/2", "0/" + "9" * 5000, "a/b", "½/1"), some=2
    )
    yield from CACHE.written("--data.init_args.cache")
    for path, contents in LISTS.items():
        yield from every(3, CACHE.contents(f"data/{path}", contents, slow=True))


CASES = {"doctor": list(_doctor()), "cache": list(_cache())}
