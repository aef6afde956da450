"""``demo``: what it refuses before it opens a page."""

from __future__ import annotations

from tests.bad_inputs.case import Command
from tests.bad_inputs.world import RUN

DEMO = Command({"--model": "model", "--device": "cpu", "--port": "0"})


def _demo():
    yield from (case for case in DEMO.grammar("--model") if "--model" not in case.name)  # it has a default
    yield from DEMO.folder("--model", "network/")
    yield from DEMO.values("--model", ("nowhere", "org/nowhere", "../nowhere"), "nowhere", some=1)
    yield from DEMO.folder("--run")
    yield DEMO.case("a dataset as a run", {"--model": None, "--run": "data"}, "data")
    yield DEMO.case("a run as a model", {"--model": RUN}, RUN)
    yield DEMO.case("--trust without a value", {}, "--trust", further=("--trust",))
    yield from DEMO.values("--device", ("nope", "cuda:99", "meta"), some=1)
    yield from DEMO.whole_number("--port", "-1", "65536")
    yield from DEMO.values("--host", ("256.256.256.256", "no host", "http://127.0.0.1", "x" * 300), "listen", some=2)
    yield from DEMO.flag("--open")
    yield from DEMO.choice("--detector")
    yield from DEMO.file("--config", "--config", slow=True)


CASES = {"demo": list(_demo())}
