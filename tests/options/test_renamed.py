"""A ``config.yaml`` of a run that was begun when classes had other names is read for ever."""

import importlib

import yaml

from imagpose.options import trust
from imagpose.options.renamed import RENAMED
from imagpose.training.experiment import read_plain_options


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
