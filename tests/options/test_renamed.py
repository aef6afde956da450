"""A ``config.yaml`` of a run that was begun when classes had other names is read for ever."""

import importlib
import sys

import pytest
import yaml
from jsonargparse import get_loader

from imagpose.errors import InputError
from imagpose.options import trust
from imagpose.options.renamed import read_older_names, renamed
from imagpose.training.experiment import read_plain_options
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


def test_to_read_older_names_again_changes_nothing():
    read_older_names()
    once = get_loader("yaml")
    for _ in range(sys.getrecursionlimit()):
        read_older_names()
    assert get_loader("yaml") is once
    assert once("{a: 1}") == {"a": 1}


@pytest.mark.parametrize("value", ["&a [*a]", "{x: &a {y: *a}}"])
def test_a_value_that_holds_itself_is_one_sentence(value):
    with pytest.raises(InputError, match="holds itself"):
        read_plain_options(["--exp", "tiny", "--model.init_args.base", value])


def test_an_older_config_is_trusted_and_names_the_classes_of_today(tmp_path):
    older = {"trainer": {"callbacks": [{"class_path": name} for name in ("callbacks.samples.Samples",)]}}
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(older))
    trust.check_files(["-c", str(path)])
    callbacks = read_plain_options(["--exp", "tiny", "-c", str(path)])["trainer"]["callbacks"]
    assert [one["class_path"] for one in callbacks] == ["imagpose.callbacks.samples.Samples"]
