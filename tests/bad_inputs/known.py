"""What is not refused as it should be yet, and what there is nothing to refuse of."""

_BY_REASON: dict[str, list[str]] = {
    "Lightning's Trainer refuses it with an error of its own, or takes it": [
        "fit: --trainer.fast_dev_run '-1'",
        "fit: --trainer.max_time 'x'",
        "fit: --trainer.gradient_clip_algorithm 'nope'",
        "fit: --trainer.profiler 'nope'",
        "fit: --trainer.reload_dataloaders_every_n_epochs '-1'",
        "fit: --trainer.default_root_dir '[1]'",
        "fit: --trainer.model_registry '[1]'",
    ],
    "the doctor builds no trainer, and takes it": [
        "doctor: --trainer.max_time 'x'",
        "doctor: --trainer.val_check_interval '-1'",
        "doctor: --trainer.gradient_clip_algorithm 'nope'",
        "doctor: --model.init_args.ema_device 'nope'",
        "doctor: tiny.yaml: a model of another kind",
    ],
    "a whole number may be written so": ["check: --workers '0x10'"],
}
KNOWN = {name: reason for reason, names in _BY_REASON.items() for name in names}
"""Why a case, ``<command>: <name>``, is expected to fail: strictly, so that who mends it takes it out here."""

_OF_FIT = ("--runs", "--name", "--results")
REFUSE_NOTHING: dict[str, set[str]] = {"validate": {*_OF_FIT}, "test": {*_OF_FIT}}
"""Options of a command that take whatever is said, or say nothing by themselves."""
