"""A ``config.yaml`` of a run that was begun when classes had other names is read for ever."""

import importlib
import sys
from pathlib import Path

import pytest
import yaml
from jsonargparse import get_loader

from imagpose.errors import InputError
from imagpose.options import trust
from imagpose.options.renamed import read_older_names, renamed
from imagpose.panels import grid_of
from imagpose.training.experiment import read_plain
from imagpose.training.runs import changes, panels_of
from tests.conftest import ROOT

CALLBACKS = [path.stem for path in (ROOT / "callbacks").glob("*.py") if path.stem != "__init__"]


@pytest.mark.parametrize("module", CALLBACKS)
def test_what_lay_in_the_older_package_is_found_in_today_s(module):
    package, _, name = renamed(f"callbacks.{module}.Any").rpartition(".")
    assert (package, name) == (f"imagpose.callbacks.{module}", "Any")
    importlib.import_module(package)


def test_a_user_s_own_callback_is_found_where_it_is_now(tmp_path, monkeypatch):
    monkeypatch.setattr("imagpose.options.renamed._CALLBACKS", tmp_path)
    (tmp_path / "mine.py").touch()
    assert renamed({"trainer": ["callbacks.mine.Mine"]}) == {"trainer": ["imagpose.callbacks.mine.Mine"]}
    others = [
        "callbacks.theirs.Theirs",
        "callbacks.mine",
        "mycallbacks.mine.Mine",
        "callbacks.mine.a b",
        "callbacks/..",
    ]
    assert renamed(others) == others


def test_single_images_are_found_in_the_file_that_they_moved_to():
    package, _, name = renamed("imagpose.data.images.ImageDataModule").rpartition(".")
    assert hasattr(importlib.import_module(package), name)


def test_to_read_older_names_again_changes_nothing():
    read_older_names()
    once = get_loader("yaml")
    for _ in range(sys.getrecursionlimit()):
        read_older_names()
    assert get_loader("yaml") is once
    assert once("{a: 1}") == {"a": 1}


@pytest.mark.parametrize("value", ["&a [*a]", "{x: &a {y: *a}}"])
def test_a_value_that_holds_itself_is_a_text(value):
    options = read_plain(["--exp", "tiny", "--model.init_args.base", value]).options
    assert options["model"]["init_args"]["base"] == value


def test_an_older_config_is_trusted_and_names_the_classes_of_today(tmp_path):
    older = {"trainer": {"callbacks": [{"class_path": name} for name in ("callbacks.samples.Samples",)]}}
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(older))
    trust.check_files(["-c", str(path)])
    callbacks = read_plain(["--exp", "tiny", "-c", str(path)]).options["trainer"]["callbacks"]
    assert [one["class_path"] for one in callbacks] == ["imagpose.callbacks.samples.Samples"]


@pytest.mark.parametrize(("rows", "cols"), [(r, c) for r in range(1, 7) for c in range(1, 7)])
def test_a_grid_is_forgotten_only_if_panels_still_lie_so(rows, cols):
    older = {"class_path": "imagpose.module.IMAGPose", "init_args": {"rows": rows, "cols": cols, "lr": 1}}
    if grid_of(rows * cols) == (rows, cols):
        assert renamed(older)["init_args"] == {"lr": 1}
    else:
        with pytest.raises(InputError, match=f"rows is {rows} and cols {cols}"):
            renamed(older)


def test_one_number_of_panels_is_no_other_than_a_list_of_it():
    def options(panels):
        return {"data": {"class_path": "imagpose.data.datamodule.PoseDataModule", "init_args": {"panels": panels}}}

    assert list(changes(options([4]), options(4))) == []
    assert list(changes(options(4), options([4]))) == []
    assert list(changes(options([4]), options(9))) == [("data.init_args.panels", [4], [9])]


@pytest.mark.parametrize(("stored", "panels"), [({}, (4,)), ({"panels": [2, 9]}, (2, 9))])
def test_a_run_tells_its_panels(stored, panels):
    assert panels_of({"data": {"init_args": stored}}, Path("config.yaml")) == panels


def test_a_run_of_no_panels_is_refused():
    with pytest.raises(InputError, match=r"says data\.init_args\.panels"):
        panels_of({"data": {"init_args": {"panels": ["x"]}}}, Path("config.yaml"))
