"""Run folders, and which of a run's options may change."""

import json

import pytest
import yaml

from imagpose.errors import InputError
from imagpose.training import runs
from imagpose.training.runs import Run


@pytest.fixture
def run(tmp_path):
    """A whole run's folder."""
    one = Run(tmp_path / "runs", "tiny", 3)
    one.last.parent.mkdir(parents=True)
    one.last.touch()
    one.config.write_text("{}")
    return one


def test_a_run_is_its_folder(run):
    assert Run.of_folder(run.folder) == run == runs.from_folder(run.folder)
    assert run.folder.parts[-3:] == ("runs", "tiny", "version_3")


def test_the_newest_run_has_the_highest_number_and_others_are_none(tmp_path):
    assert runs.newest(tmp_path, "tiny") is None
    for name in ("version_2", "version_10", "version_9", "version_x", "version_", "other_11", "version_12.old"):
        (tmp_path / "tiny" / name).mkdir(parents=True)
    (tmp_path / "tiny2/version_99").mkdir(parents=True)
    assert [one.version for one in runs.all_of(tmp_path, "tiny")] == [10, 9, 2]
    assert runs.newest(tmp_path, "tiny") == Run(tmp_path, "tiny", 10)


def test_a_run_is_complete_once_its_results_are_written(run):
    assert not run.complete
    left_out = runs.write_metrics(run.metrics, {"b": 1.0, "a": 0.5, "c": float("nan"), "d": float("inf")})
    assert run.complete
    assert left_out == ["c (nan)", "d (inf)"]
    assert list(json.loads(run.metrics.read_text()).items()) == [("a", 0.5), ("b", 1.0)]


@pytest.mark.parametrize("name", ["runs", "version_1", "version_3x"])
def test_a_folder_of_another_name_is_no_run(name, tmp_path):
    (tmp_path / "version_3x").mkdir()
    (tmp_path / "runs").mkdir()
    with pytest.raises(InputError, match=f"{name} is no run folder"):
        runs.from_folder(tmp_path / name)


@pytest.mark.parametrize("part", ["config.yaml", "checkpoints/last.ckpt"])
def test_a_run_without_a_part_says_which(part, run):
    (run.folder / part).unlink()
    with pytest.raises(InputError, match=rf"version_3 has no {part}; train the run first \(make train EXP=tiny\)"):
        runs.from_folder(run.folder)


STORED = {
    "trainer": {"max_steps": 3, "devices": 1, "strategy": "auto"},
    "model": {"init_args": {"lr": 0.1, "betas": [0.9, 0.99], "unet": {}}},
    "data": {"init_args": {"root": "here", "batch_size": 4}},
}


def test_the_same_options_are_no_change():
    assert list(runs.changes(STORED, STORED)) == []


def test_another_machine_is_no_change():
    now = {
        "trainer": {"max_steps": 3, "devices": 8, "strategy": {"class_path": "x.Y", "init_args": {"a": 1}}},
        "model": STORED["model"],
        "data": {"init_args": {"root": "here", "batch_size": 1, "num_workers": 2, "cache": "there"}},
    }
    assert list(runs.changes(STORED, now)) == []


def test_every_other_option_is_one_and_is_named_in_order():
    now = {
        "trainer": {**STORED["trainer"], "max_steps": 4, "devices_": 1},
        "model": {"init_args": {"betas": [0.9, 0.999], "unet": {"in_channels": 4}}},
        "data": STORED["data"],
    }
    assert list(runs.changes(STORED, now)) == [
        ("model.init_args.betas", [0.9, 0.99], [0.9, 0.999]),
        ("model.init_args.lr", 0.1, None),
        ("model.init_args.unet", {}, None),
        ("model.init_args.unet.in_channels", None, 4),
        ("trainer.devices_", None, 1),
        ("trainer.max_steps", 3, 4),
    ]


def test_groups_that_are_not_asked_for_are_not_looked_at():
    assert list(runs.changes({**STORED, "seed_everything": 1}, {"data": STORED["data"]})) == []


def test_a_run_goes_on_with_the_options_it_was_started_with_alone(run):
    stored = {**STORED, "model": {"class_path": "imagpose.module.IMAGPose", **STORED["model"]}}
    run.config.write_text(yaml.safe_dump(stored))
    runs.check_unchanged(run, stored, (), lambda options: options)
    other = {**stored, "trainer": {**stored["trainer"], "max_steps": 9}}
    with pytest.raises(
        InputError, match=r"trainer\.max_steps is 3 in .*config\.yaml, the run to be resumed, and 9 now"
    ):
        runs.check_unchanged(run, other, (), lambda options: options)
    runs.check_unchanged(run, other, (), lambda options: {**options, "trainer": other["trainer"]})  # newer defaults
    run.config.unlink()  # it ended before its first step
    runs.check_unchanged(run, other, (), lambda options: options)
