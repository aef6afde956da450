"""What is not refused as it should be yet, and what there is nothing to refuse of."""

_BY_REASON: dict[str, list[str]] = {
    "a whole number may be written so": ["check: --workers '0x10'"],
}
KNOWN = {name: reason for reason, names in _BY_REASON.items() for name in names}
"""Why a case, ``<command>: <name>``, is expected to fail: strictly, so that who mends it takes it out here."""

_OF_FIT = ("--runs", "--name", "--results")
_OF_TRAINER = ("--trainer.default_root_dir", "--trainer.model_registry")  # any text is a folder's name, or a registry's
REFUSE_NOTHING: dict[str, set[str]] = {
    **{command: {*_OF_TRAINER} for command in ("fit", "doctor", "cache")},
    **{command: {*_OF_FIT, *_OF_TRAINER} for command in ("validate", "test")},
}
"""Options of a command that take whatever is said, or say nothing by themselves."""
