"""``fit``, ``validate`` and ``test``, and the options that every command with an experiment has."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bad_inputs.case import INSTEAD, Case, Command
from tests.bad_inputs.lists import LISTS
from tests.bad_inputs.models import CONFIGS, runs
from tests.bad_inputs.tried import every
from tests.bad_inputs.world import RUN

_TRAINER = {
    "accelerator": "nope",
    "strategy": "nope",
    "devices": "nope",
    "num_nodes": "0",
    "precision": "nope",
    "logger": "nope",
    "callbacks": "nope",
    "fast_dev_run": "-1",
    "max_epochs": "x",
    "min_epochs": "x",
    "max_steps": "x",
    "min_steps": "x",
    "max_time": "x",
    "limit_train_batches": "-1",
    "limit_val_batches": "2.5",
    "limit_test_batches": "x",
    "limit_predict_batches": "x",
    "overfit_batches": "-2",
    "val_check_interval": "-1",
    "check_val_every_n_epoch": "x",
    "num_sanity_val_steps": "x",
    "log_every_n_steps": "x",
    "enable_checkpointing": "x",
    "enable_progress_bar": "x",
    "enable_model_summary": "x",
    "accumulate_grad_batches": "0",
    "gradient_clip_val": "nan",
    "gradient_clip_algorithm": "nope",
    "deterministic": "x",
    "benchmark": "x",
    "inference_mode": "x",
    "use_distributed_sampler": "x",
    "profiler": "nope",
    "detect_anomaly": "x",
    "barebones": "x",
    "plugins": "nope",
    "sync_batchnorm": "x",
    "reload_dataloaders_every_n_epochs": "-1",
    "enable_autolog_hparams": "x",
}
_MODEL = {
    "encoder": "nope",
    "base": "nowhere",
    "vae": "nowhere",
    "start": "nowhere",
    "cva_weights": "nowhere",
    "pose_weights": "nowhere",
    "unet": "x",
    "trainable": "[nope]",
    "pose_channels": "[0]",
    "texture_kernel": "0",
    "texture_tokens": "x",
    "image_conditions": "x",
    "mask_condition": "x",
    "cva": "x",
    "cva_positions": "x",
    "along_batch": "x",
    "schedule": "x",
    "guidance": "x",
    "min_snr_gamma": "-1",
    "given_weight": "1.5",
    "noise_offset": "-0.1",
    "ema_every": "0",
    "compile": "perhaps",
    "timesteps": "nope",
    "condition_dropout": "2",
    "sampling_steps": "0",
    "lr": "-1",
    "weight_decay": "-1",
    "betas": "[2, 3]",
    "lr_schedule": "nope",
    "warmup_steps": "-1",
    "optimizer": "nope",
    "ema_decay": "2",
    "ema_device": "nope",
    "gradient_checkpointing": "x",
    "frozen_dtype": "nope",
    "seed": "x",
}
_DATA = {
    "root": "odd/nothing",
    "batch_size": "0",
    "mannequins": "x",
    "panels": "0",
    "repeats": "2",
    "flips": "x",
    "validation_identities": "0",
    "validation_pairs": "-1",
    "test_pairs": "-1",
    "test_settings": "[T9]",
    "seed": "x",
    "num_workers": "-1",
    "size": "[0,0]",
    "layout": "nope",
    "skip_bad": "x",
    "cache": "[1]",
    "cache_dtype": "nope",
}
EXPERIMENT_OPTIONS = {
    **{f"--trainer.{name}": value for name, value in _TRAINER.items()},
    **{f"--model.init_args.{name}": value for name, value in _MODEL.items()},
    **{f"--data.init_args.{name}": value for name, value in _DATA.items()},
    "--trainer": "x",
    "--model": "nope.Nope",
    "--data": "nope.Nope",
    "--seed_everything": "nope",
    "--trainer.nope": "1",
    "--model.init_args.nope": "1",
    "--data.init_args.nope": "1",
    "--optimizer": "nope.Nope",
    "--lr_scheduler": "nope.Nope",
    "--trainer.callbacks+": "nope",
}
"""Every option of an experiment with something that it does not take."""

_FURTHER = {
    "--trainer.max_steps": ("1.5", "nan", "", "[1]"),
    "--trainer.precision": ("17", "", "fp8"),
    "--trainer.devices": ("0", "-2", "99"),
    "--trainer.callbacks": ("{class_path: nope.Nope}", "[1]", "{class_path: imagpose.callbacks.samples.Nope}"),
    "--trainer.accelerator": ("gpu", "tpu", ""),
    "--trainer.strategy": ("fsdp", "{class_path: nope}"),
    "--trainer.limit_val_batches": ("nan", "-0.5"),
    "--trainer.val_check_interval": ("0", "nan", "1.5"),
    "--model.init_args.lr": ("nan", "inf", "x", ""),
    "--model.init_args.betas": ("[0.9]", "x", "[nan, 0.9]"),
    "--model.init_args.sampling_steps": ("1001", "-1", "1.5"),
    "--model.init_args.condition_dropout": ("-0.1", "nan"),
    "--model.init_args.guidance": ("{scale: nan}", "{form: nope}", "{nope: 1}"),
    "--model.init_args.pose_channels": ("[]", "[-4]", "x"),
    "--model.init_args.cva": ("nope", "2", "[motion]"),
    "--model.init_args.trainable": ("[]", "[vae]", "unet", "[unet, null]", "{unet: 1}"),
    "--model.init_args.noise_offset": ("nan", "x"),
    "--model.init_args.unet": ("{nope: 1}", "{block_out_channels: [0]}", "{}"),
    "--model.init_args.base": ("", "a\0b", "../x", "odd/file"),
    "--model.init_args.schedule": ("{nope: 1}", "{prediction_type: nope}"),
    "--model.init_args.texture_kernel": ("-1", "99"),
    "--model.init_args.encoder": (
        "{class_path: nope.Nope}",
        "null",
        "{class_path: imagpose.models.encoders.TimmEncoder, init_args: {model: nope}}",
    ),
    "--model.init_args.ema_decay": ("-1", "nan", "1.5"),
    "--model.init_args.rows": ("3", "-1", "x"),
    "--model.init_args.seed": ("-1",),
    "--data.init_args.root": ("odd/file", "odd/folder", "a\0b", "odd/circle", "x" * 300, ""),
    "--data.init_args.panels": ("[]", "-1", "99"),
    "--data.init_args.batch_size": ("-1", "1.5", "x", "nan"),
    "--data.init_args.size": ("[64]", "x", "[1.5, 2]", "[-64, 44]"),
    "--data.init_args.validation_identities": ("-1", "9999"),
    "--data.init_args.mannequins": ("{nope: 1}", "{identities: 0}"),
    "--data.init_args.seed": ("-1",),
    "--data.init_args.layout": ("market1501",),
    "--data.init_args.test_settings": ("x", "[3]"),
}

_TOLD = {
    ("--data.init_args.root", ""): ("Error: . ",),  # as Python reads an empty path
    ("--data.init_args.layout", "market1501"): ("data/market-annotation-train.csv",),  # which that layout has
}
"""Further texts, one of which a sentence may have: what the value stands for."""

FIT = Command({"-c": "tiny.yaml", "--runs": "runs", "--name": "new"})
LOOK = Command({"-c": f"{RUN}/config.yaml", "--folder": RUN})


_LORA = (
    ({"start": "nowhere", "lora_rank": "0"}, "lora_rank"), ({"start": "nowhere", "lora_rank": "x"}, "lora_rank"),
    ({"start": "nowhere", "lora_whole": "[unet]"}, "lora_whole"), ({"start": "x", "lora_targets": "3"}, "targets"),
    ({}, "start"),
)  # fmt: skip


def _lora(of: Command) -> Iterator[Case]:
    """Options of fine-tuning."""
    for options, told in _LORA:
        words = [word for name, value in options.items() for word in (f"--model.init_args.{name}", value)]
        yield of.case(f"lora {options}", {}, told, "PEFT", further=("--with", "lora", *words), slow=True)


def experiments(of: Command, further: bool = True, some: int = 3) -> Iterator[Case]:
    """Options and files of an experiment."""
    cases = [(option, value) for option, value in EXPERIMENT_OPTIONS.items()]
    if further:
        cases += [(option, value) for option, values in _FURTHER.items() for value in values]
    for number, (option, value) in enumerate(cases):
        told = option.rsplit(".", 1)[-1].strip("-+"), value[:40], *_TOLD.get((option, value), ())
        yield of.case(f"{option} {value!r}", {option: value}, *told, slow=number >= some)
    yield from of.file("-c", "-c", "config", slow=True)
    contents = {
        kind: content for kind, content in CONFIGS.items() if kind not in ("an encoder of no class", "no such base")
    }
    yield from of.contents("tiny.yaml", contents, "tiny.yaml", "model", slow=True, options={"-c": "tiny.yaml"})
    yield of.case("an experiment of another name", {"-c": "nope.yaml"}, "nope")
    yield of.case("an overlay of another name", {}, "nope", further=("-c", "experiments/overlays/nope.yaml"), slow=True)


def _fit() -> Iterator[Case]:
    yield from FIT.grammar()
    yield FIT.case("no experiment", {"-c": None}, "--data")
    yield from experiments(FIT)
    yield from _lora(FIT)
    yield from FIT.written("--runs")
    yield FIT.case("--runs a file", {"--runs": "odd/file"}, "odd/file", slow=True)
    yield from FIT.values("--new", ("x", "2", "", "[1]"), some=1)
    yield from FIT.values("--name", ("../x", ".x", "a/b", "x" * 200, "a\0b", "a\nb"), some=2)
    yield from FIT.values("--table", ("../x", "[../x]", "{a: 1}", ""), "table", slow=True)
    row = {"--table": "[variants]", "--name": "tiny_sd15_clipb"}
    yield FIT.case("--results a file", {"--results": "odd/file", **row}, "odd/file", slow=True)
    yield from FIT.values(
        "--folder",
        ("odd/file", "odd/folder", "runs", "a\0b", "x" * 300, "", "odd/circle"),
        "--folder",
        "odd",
        "runs",
        "a",
        slow=True,
    )
    yield FIT.case("--trust without a value", {}, "--trust", further=("--trust",))
    yield from FIT.values("--ckpt_path", ("odd/nothing", "odd/file"), slow=True)
    yield from FIT.values("--weights_only", ("x",), slow=True)
    for path, contents in LISTS.items():
        yield from every(3, FIT.contents(f"data/{path}", contents, slow=True))
    resumed = {"--folder": RUN, "--name": None}
    unfinished = {f"{RUN}/metrics.json": INSTEAD["missing"]}
    for case in every(2, runs(FIT, 0, "--folder")):
        place = {**unfinished, **case.place}
        named = case.words[case.words.index("--folder") + 1]
        if named == RUN and case.place and not case.name.endswith(("config.yaml: missing", "last.ckpt: missing")):
            yield FIT.case(f"resumed: {case.name}", resumed, RUN, place=place, slow=True)
    yield FIT.case(
        "resumed with another option", {**resumed, "--model.init_args.lr": "0.5"}, "lr", place=unfinished, slow=True
    )
    yield FIT.case(
        "resumed as another dataset",
        {**resumed, "--data.init_args.root": "market"},
        "root",
        place=unfinished,
        slow=True,
    )


def _look(command: str) -> Iterator[Case]:
    yield from LOOK.grammar()
    yield LOOK.case("no run", {"--folder": None}, "--folder")
    yield LOOK.case("no options", {"-c": None}, "--data")
    yield from LOOK.folder("--folder", slow=True)
    yield from every(2 if command == "test" else 4, runs(LOOK, 1, "--folder"))
    yield from LOOK.file("-c", "config", slow=True)
    yield LOOK.case("the options of another run", {"-c": "runs/tiny/version_9/config.yaml"}, "version_9")
    if command == "test":
        # A test takes the network from the checkpoint, and never looks at what the training started from.
        tried = (case for case in experiments(LOOK, False, 0) if "start" not in case.name)
        yield from every(4, (case for case in tried if case.name.startswith("--")))
    for path, contents in LISTS.items():
        yield from every(4, LOOK.contents(f"data/{path}", contents, slow=True))
    for option in ("--ckpt_path", "--verbose", "--weights_only"):
        yield LOOK.case(f"{option} [1, {{}}]", {option: "{a: [1]}"}, option, option.strip("-"), slow=True)
    yield LOOK.case("--table of no kind", {"--table": "{a: 1}"}, "table", slow=True)
    yield LOOK.case("--new x", {"--new": "x"}, "new", slow=True)
    yield LOOK.case("--trust without a value", {}, "--trust", further=("--trust",))


CASES = {"fit": list(_fit()), "validate": list(_look("validate")), "test": list(_look("test"))}
