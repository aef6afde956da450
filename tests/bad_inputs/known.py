"""What is not refused as it should be yet, and what there is nothing to refuse of."""

_BY_REASON: dict[str, list[str]] = {}
KNOWN = {name: reason for reason, names in _BY_REASON.items() for name in names}
"""Why a case, ``<command>: <name>``, is expected to fail: strictly, so that who mends it takes it out here."""

_OF_FIT = ("--runs", "--name", "--results")
REFUSE_NOTHING: dict[str, set[str]] = {"validate": {*_OF_FIT}, "test": {*_OF_FIT}}
"""Options of a command that take whatever is said, or say nothing by themselves."""
