"""A ``config.yaml`` of a run that was begun when classes had other names is read for ever."""

import importlib
from pathlib import Path

import pytest
import yaml

from imagpose.errors import InputError
from imagpose.options import trust
from imagpose.options.renamed import RENAMED, renamed
from imagpose.panels import grid_of
from imagpose.training.experiment import read_plain_options
from imagpose.training.runs import changes, panels_of


def test_every_older_name_is_a_class_of_today():
    for path in RENAMED.values():
        module, _, name = path.rpartition(".")
        assert isinstance(getattr(importlib.import_module(module), name), type)


def test_an_older_config_is_trusted_and_names_the_classes_of_today(tmp_path):
    older = {"trainer": {"callbacks": [{"class_path": name} for name in ("callbacks.samples.Samples",)]}}
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(older))
    trust.check_files(["-c", str(path)])
    callbacks = read_plain_options(["--exp", "tiny", "-c", str(path)])["trainer"]["callbacks"]
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
