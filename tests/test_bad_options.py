"""A wrong option is one sentence that names it, and nothing is drawn, built or written."""

import pytest
import yaml

from imagpose.__main__ import main
from imagpose.data.datamodule import PoseDataModule
from imagpose.data.mannequins.folder import MannequinSet
from imagpose.errors import InputError
from imagpose.objective import Objective, Schedule
from imagpose.options.ranges import Decay, NonNegativeFloat, PositiveInt, Range
from imagpose.sampler import Guidance
from imagpose.training.experiment import read_plain
from tests.conftest import ROOT

FILES = ["-c", "experiments/_base.yaml", "-c", "experiments/tiny.yaml"]
JARGON = ("Parser key", "Union", "subtypes", "class_path '", "Traceback", "usage:", "<class", "Expected a", "Got value")
MODEL, DATA, TRAINER = "--model.init_args.", "--data.init_args.", "--trainer."

NUMBERS = [
    *((f"{MODEL}lr", value) for value in ("0", "-1", "nan", "inf", "abc", "true")),
    *((f"{MODEL}betas", value) for value in ("[0.9,1]", "[-0.1,0.9]", "[0.9]")),
    *((f"{MODEL}sampling_steps", value) for value in ("0", "5000", "1.5")),
    *((f"{MODEL}ema_decay", value) for value in ("1", "-0.5")),
    *((f"{MODEL}condition_dropout", value) for value in ("1.1", "-0.1")),
    *((f"{MODEL}guidance.scale", value) for value in ("nan", "inf", "-1")),
    *((f"{MODEL}schedule.beta_start", value) for value in ("0", "1")),
    *((f"{MODEL}seed", value) for value in ("-1", "4294967296")),
    *((f"{MODEL}rows", value) for value in ("0", "65")),
    (f"{MODEL}weight_decay", "-1"),
    (f"{MODEL}min_snr_gamma", "0"),
    (f"{MODEL}warmup_steps", "-1"),
    (f"{MODEL}texture_kernel", "0"),
    (f"{MODEL}pose_channels", "[16,0]"),
    (f"{MODEL}encoder.init_args.image_size", "0"),
    *((f"{DATA}batch_size", value) for value in ("0", "-4", "2.5")),
    *((f"{DATA}num_workers", value) for value in ("-1", "100000")),
    *((f"{DATA}size", value) for value in ("[0,44]", "[1000000,1000000]", "[64]", "64")),
    (f"{DATA}panels", "0"),
    (f"{DATA}seed", "-1"),
    (f"{DATA}test_pairs", "0"),
    (f"{DATA}validation_pairs", "0"),
    (f"{DATA}validation_identities", "0"),
    (f"{DATA}mannequins.identities", "0"),
    (f"{DATA}mannequins.views", "1"),
    (f"{DATA}mannequins.test_identities", "0"),
    (f"{DATA}mannequins.size", "[1,1]"),
    ("--seed_everything", "-1"),
    ("--seed_everything", "4294967296"),
    (f"{TRAINER}callbacks.init_args.every_n_train_steps", "x"),
    *((f"{TRAINER}max_steps", value) for value in ("0", "-1", "abc")),
    *((f"{TRAINER}accumulate_grad_batches", value) for value in ("0", "x")),
    (f"{TRAINER}gradient_clip_val", "nan"),
    (f"{TRAINER}precision", "13"),
    (f"{TRAINER}accelerator", "cpuu"),
    (f"{TRAINER}strategy", "dpd"),
    (f"{TRAINER}devices", "0"),
    (f"{TRAINER}limit_val_batches", "7.5"),
    (f"{MODEL}ema_device", "meta"),
]

NEAREST = [
    (f"{MODEL}lrr", "3", f"{MODEL}lr?"),
    (f"{MODEL}guidance.scal", "2", f"{MODEL}guidance.scale?"),
    (f"{MODEL}encoder.init_args.image_siz", "3", f"{MODEL}encoder.init_args.image_size?"),
    ("--modle.init_args.lr", "3", f"{MODEL}lr?"),
    (f"{DATA}mannequins.viewz", "3", f"{DATA}mannequins.views?"),
    (f"{DATA}batchsize", "3", f"{DATA}batch_size?"),
    ("--lrr", "3", "--lr?"),
    ("--batchsize", "3", "--batch_size?"),
    ("--exp", "tinny", "tiny?"),
    ("--encoder", "dinov2", "did you mean dinov2"),
    ("--with", "low_memry", "low_memory?"),
    (f"{TRAINER}max_step", "3", f"{TRAINER}max_steps?"),
    ("--nam", "x", "--name?"),
    ("--model.class_path", "imagpose.module.IMAGPos", "imagpose.module.IMAGPose?"),
    (f"{MODEL}encoder.class_path", "imagpose.models.encoders.TimmEncode", "imagpose.models.encoders.TimmEncoder?"),
    (f"{TRAINER}callbacks.class_path", "imagpose.callbacks.samples.Sample", "imagpose.callbacks.samples.Samples?"),
    (f"{MODEL}timesteps", "cubicc", "cubic?"),
    (f"{MODEL}guidance.form", "joined", "joint, printed or tokens"),
    (f"{DATA}test_settings", "[T4]", "T2 or T3"),
]

TOGETHER = [
    (["--lr", "1", f"{MODEL}lr", "1"], "--lr and --model.init_args.lr say the same; give one of the two."),
    (["--data", "x", "--data.root", "x"], "--data and --data.init_args.root say the same"),
    (["--seed=1", "--seed_everything=1"], "--seed and --seed_everything say the same"),
    (["--lr"], "--lr needs one value, and none follow it"),
    (["--lr", "0"], "--model.init_args.lr is 0"),
    (["--compose", "tiny"], "There is no option --compose"),
    (["--with"], "--with needs the name of an overlay; there are: adamw8bit"),
    ([f"{DATA}mannequins.identities", "30"], "test_identities (40) must be below mannequins.identities (30)"),
    ([f"{MODEL}schedule.beta_start", "0.5", f"{MODEL}schedule.beta_end", "0.1"], "is above schedule.beta_end (0.1)"),
]

COMMANDS = [
    (["mannequins", "m", "--spec.identities", "0"], "--spec.identities is 0"),
    (["mannequins", "m", "--spec.views", "1"], "--spec.views is 1"),
    (["mannequins", "m", "--spec.test_identities", "0"], "--spec.test_identities is 0"),
    (["mannequins", "m", "--spec.identities", "3"], "must be below mannequins.identities (3)"),
    (["mannequins", "m", "--spec.size", "[1,1]"], "--spec.size is 1"),
    (["mannequins", "m", "--spec.identitie", "3"], "did you mean --spec.identities?"),
    (["mannequins"], "ROOT must be given"),
    (["pose", "--dat", "x"], "did you mean --data?"),
    (["pose"], "give a pose FILE with --show or --out, or --data, --image and --out"),
    (["export", "--runn", "x"], "did you mean --run?"),
    (["check"], "ROOT must be given"),
    (["check", "x", "--worker", "3"], "did you mean --workers?"),
    (["check", "x", "--layout", "foo"], "deepfashion, market1501 or null"),
    (["generate", "--see", "3"], "did you mean --seed?"),
    (["generate", "--seed", "4294967296"], "--seed is 4294967296; it must be a whole number from 0 to"),
    (["generate", "--guidance", "nan"], "--guidance is nan; it must be a number of at least 0"),
    (["generate", "--device", "meta"], "cannot be used ("),
    (["generate", "--device", "xyz"], "cannot be used ("),
    (["uniformity", "--device", "meta"], "cannot be used ("),
    (["speed", "--device", "meta"], "cannot be used ("),
    (["speed", "--batch-size", "0"], "--batch_size is 0; it must be a whole number of at least 1"),
    (["generate", "--scenario", "T9"], "--scenario is T9; it must be auto, T1, T2, T3 or IMAGPose*"),
    (["table", "architecture"], "did you mean architectures?"),
    (["table", "architectures", "--trainer.max_step", "3"], "did you mean --trainer.max_steps?"),
    (["table", "architectures", "--no-run", "--model.init_args.lr", "0"], "--model.init_args.lr is 0"),
    (["doctor", *FILES, "--downloadd", "true"], "did you mean --download?"),
    (["doctor", *FILES, f"{MODEL}lr", "0"], "--model.init_args.lr is 0"),
    (["doctor", *FILES, f"{DATA}panels", "[4, 0]"], "--data.init_args.panels"),
    (["cache", *FILES, "--shar", "0/1"], "did you mean --shard?"),
    (["cache", *FILES, f"{DATA}size", "[9999,2]"], "--data.init_args.size is [9999, 2]"),
    (["test", *FILES, f"{MODEL}lr", "0"], "--model.init_args.lr is 0"),
    (["fitt"], "did you mean fit?"),
    *(
        ([command, *FILES[:2]], "--model.init_args.encoder and --model.init_args.base must be given, as experiments do")
        for command in ("fit", "doctor")
    ),
    (["fit"], "--data and --model must be given, as experiments do: -c experiments/_base.yaml"),
    (["doctor"], "--data and --model must be given, as experiments do: -c experiments/_base.yaml"),
    (["export"], "--run, --out must be given."),
    *(
        ([command, option], "There is no experiment 'x' (x.yaml does not exist)")
        for command in ("fit", "doctor", "cache")
        for option in ("--config=x.yaml", "-c=x.yaml", "-cx.yaml")
    ),
    (["table", "variants", "--no-run", "-c", "x.yaml"], "There is no experiment 'x' (x.yaml does not exist)"),
    (["check", "experiments", "--config=x.yaml"], "x.yaml holds no readable options"),
]


@pytest.fixture
def refused(tmp_path, monkeypatch, capsys):
    """What a command says that must be refused, on its last line; nothing may have been written."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "experiments").symlink_to(ROOT / "experiments")

    def refused_(words):
        assert main(words) == 2
        told = capsys.readouterr()
        last = told.err.strip().splitlines()[-1]
        assert not any(word in told.err for word in JARGON)
        assert "Starting" not in told.out
        assert [path.name for path in tmp_path.iterdir()] == ["experiments"]
        return last

    return refused_


@pytest.mark.parametrize(("option", "value"), NUMBERS)
def test_a_value_out_of_range_is_told_by_its_options_name(option, value, refused):
    told = refused(["fit", *FILES, option, value])
    assert option.removeprefix("--").rpartition(".")[2] in told
    assert told.startswith("Error: ")


@pytest.mark.parametrize(("option", "value", "meant"), NEAREST)
def test_a_wrong_name_is_answered_with_the_nearest(option, value, meant, refused):
    assert meant in refused(["fit", *FILES, option, value])


@pytest.mark.parametrize(("words", "message"), TOGETHER)
def test_options_that_contradict_each_other_are_refused(words, message, refused):
    assert message in refused(["fit", *FILES, *words])


@pytest.mark.parametrize(("words", "message"), COMMANDS)
def test_every_command_answers_in_a_sentence(words, message, refused):
    assert message in refused(words)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Guidance(scale=float("nan")),
        lambda: Guidance(scale=-1),
        lambda: Schedule(beta_start=0.5, beta_end=0.1),
        lambda: Schedule(beta_end=1.0),
        lambda: Objective(Schedule(), min_snr_gamma=0.0),
        lambda: MannequinSet(identities=0),
        lambda: MannequinSet(identities=4, test_identities=4),
        lambda: MannequinSet(views=1),
        lambda: MannequinSet(size=(64, 10**6)),
        lambda: PoseDataModule(ROOT, batch_size=0),
        lambda: PoseDataModule(ROOT, batch_size=True),
        lambda: PoseDataModule(ROOT, size=(64, 0)),
    ],
)
def test_constructors_refuse_the_same(make):
    with pytest.raises(InputError, match=r"must be|is above"):
        make()


def test_a_range_reads_plain_numbers_within_its_bounds():
    assert type(PositiveInt.range.read("3")) is int
    assert type(NonNegativeFloat.range.read(2)) is float
    for kind, good, bad in ((Decay, (0, 0.999), (1, -1e-9)), (PositiveInt, (1, 10**9), (0, 1.0, True))):
        assert all(value in kind.range for value in good)
        assert not any(value in kind.range for value in bad)
    assert str(Range(int, 1, 1000)) == "a whole number from 1 to 1,000"


def test_what_was_read_is_kept_as_plain_numbers(monkeypatch):
    monkeypatch.chdir(ROOT)
    options = read_plain([*FILES, f"{MODEL}lr", "1"]).options
    assert yaml.safe_load(yaml.safe_dump(options)) == options
    model = options["model"]["init_args"]
    assert [type(model[name]) for name in ("lr", "sampling_steps", "ema_decay")] == [float, int, float]
    assert [type(beta) for beta in model["betas"]] == [float, float]
