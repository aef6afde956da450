"""Bad inputs by command: data for ``tests/test_bad_inputs.py``."""

from importlib import import_module

from tests.bad_inputs.case import Case
from tests.bad_inputs.known import KNOWN, REFUSE_NOTHING

_MODULES = (
    "training",
    "examined",
    "generated",
    "opened",
    "scored",
    "tables",
    "figures",
    "studies",
    "datasets",
    "reids",
    "converted",
)

__all__ = ["KNOWN", "REFUSE_NOTHING", "cases"]


def cases(command: str) -> list[Case]:
    """All cases of a command."""
    modules = [import_module(f"tests.bad_inputs.{name}") for name in _MODULES]
    return [case for module in modules for case in module.CASES.get(command, ())]
