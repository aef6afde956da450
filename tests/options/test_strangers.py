"""Runs of strangers: reading one runs no code of its folder. Each attack writes a marker if its code ran."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

from imagpose import ImagposePipeline
from imagpose.__main__ import main
from imagpose.errors import InputError
from imagpose.options import trust
from tests.conftest import ROOT
from tests.options.conftest import ENCODER, options

EVIL = """
from pathlib import Path
Path({marker!r}).write_text("ran")
from lightning import Callback, LightningDataModule
from imagpose.models.encoders import TimmEncoder
class Callback(Callback): pass
class Data(LightningDataModule): pass
class Encoder(TimmEncoder): pass
"""


@pytest.fixture
def evil(tmp_path):
    """The name of a module that nobody has imported yet."""
    name = f"evil_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(EVIL.format(marker=str(tmp_path / "marker")))
    yield name
    sys.modules.pop(name, None)


def _callbacks(of, evil):
    of["trainer"]["callbacks"] = [{"class_path": f"{evil}.Callback"}]


def _logger(of, evil):
    of["trainer"]["logger"] = {"class_path": f"{evil}.Callback"}


def _strategy(of, evil):
    of["trainer"]["strategy"] = {"class_path": f"{evil}.Callback"}


def _plugins(of, evil):
    of["trainer"]["plugins"] = [{"class_path": f"{evil}.Callback"}]


def _by_its_path_alone(of, evil):
    of["trainer"]["callbacks"] = [f"{evil}.Callback"]


def _data(of, evil):
    of["data"] = {"class_path": f"{evil}.Data"}


def _dotted_key(of, evil):
    del of["data"]
    of["data.class_path"] = f"{evil}.Data"


def _encoder(of, evil):
    of["model"]["init_args"]["encoder"]["class_path"] = f"{evil}.Encoder"


def _in_a_string(of, evil):
    of["model"]["init_args"]["encoder"] = f'{{\t"class_path": "{evil}.Encoder"}}'


def _in_another_file(of, evil):
    Path("more.yaml").write_text(yaml.safe_dump({**ENCODER, "class_path": f"{evil}.Encoder"}))
    of["model"]["init_args"]["encoder"] = "more.yaml"


MODEL = [_encoder, _in_a_string, _in_another_file]
TRAINER_AND_DATA = [_callbacks, _logger, _strategy, _plugins, _by_its_path_alone, _data, _dotted_key]


def test_an_honest_run_is_read(run):
    (run / "config.yaml").write_text(yaml.safe_dump(options()))
    assert ImagposePipeline.from_run(run).image_size == (64, 44)


def test_a_run_whose_checkpoint_does_not_say_its_panels_has_those_of_its_options(run):
    said = options()
    said["data"]["init_args"]["panels"] = 9
    (run / "config.yaml").write_text(yaml.safe_dump(said))
    path = run / "checkpoints/last.ckpt"
    checkpoint = torch.load(path, weights_only=True)
    del checkpoint["panels"]
    path.unlink()  # a link to the one of all tests
    torch.save(checkpoint, path)
    assert ImagposePipeline.from_run(run).config["panels"] == [9]


@pytest.mark.parametrize("attack", MODEL)
def test_a_runs_model_names_no_foreign_code(attack, run, evil, tmp_path):
    of = options()
    attack(of, evil)
    (run / "config.yaml").write_text(yaml.safe_dump(of))
    with pytest.raises(InputError) as caught:
        ImagposePipeline.from_run(run)
    message = str(caught.value)
    assert not (tmp_path / "marker").exists()
    assert f"names the class {evil}.Encoder" in message
    assert "config.yaml" in message
    assert f"--trust {evil}" in message
    if attack is _encoder:
        assert isinstance(ImagposePipeline.from_run(run, trust=[evil]), ImagposePipeline)
        assert (tmp_path / "marker").exists()


@pytest.mark.parametrize("attack", [*TRAINER_AND_DATA, *MODEL])
def test_testing_a_run_starts_no_foreign_code(attack, run, evil, tmp_path, capsys):
    of = options()
    attack(of, evil)
    (run / "config.yaml").write_text(yaml.safe_dump(of))
    assert main(["test", "-c", str(run / "config.yaml"), "--folder", str(run)]) == 2
    assert not (tmp_path / "marker").exists()
    error = capsys.readouterr().err
    assert f"--trust {evil}" in error
    assert "Traceback" not in error


def test_a_run_composes_nothing(run, capsys):
    (run / "more.yaml").write_text("{}")
    (run / "config.yaml").write_text(yaml.safe_dump({**options(), "compose": ["more"]}))
    assert main(["test", "-c", str(run / "config.yaml"), "--folder", str(run)]) == 2
    assert "config.yaml says compose, which no run's options do" in capsys.readouterr().err
    (run / "mine.yaml").write_text(yaml.safe_dump({**options(), "compose": ["more"]}))  # an experiment's may
    trust.check_files(["-c", str(run / "mine.yaml")])


def test_trust_is_repeated_and_reaches_the_parser(run, evil, tmp_path, capsys):
    of = options()
    _callbacks(of, evil)
    (run / "config.yaml").write_text(yaml.safe_dump(of))
    words = ["test", "-c", str(run / "config.yaml"), "--folder", str(run), "--trust", "other", f"--trust={evil}"]
    assert main(words) == 2  # its data is nowhere
    assert (tmp_path / "marker").exists()
    assert "nowhere" in capsys.readouterr().err


def test_packages_are_known_by_their_place_and_not_by_their_name(run, tmp_path, monkeypatch, capsys):
    for name in [name for name in sys.modules if name.partition(".")[0] == "callbacks"]:
        monkeypatch.delitem(sys.modules, name)
    code = EVIL.format(marker=str(tmp_path / "marker"))
    for package in ("callbacks", "torch"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "evil.py").write_text(code)
    (tmp_path / "callbacks/__init__.py").write_text(code)
    for name in ("callbacks.evil.Callback", "torch.evil.Callback"):
        of = options()
        of["trainer"]["callbacks"] = [{"class_path": name}]
        (run / "config.yaml").write_text(yaml.safe_dump(of))
        assert main(["test", "-c", str(run / "config.yaml"), "--folder", str(run)]) == 2
        assert not (tmp_path / "marker").exists()
    assert "Traceback" not in capsys.readouterr().err


_CHECK = """
from pathlib import Path
from imagpose.options import trust
options = {{"trainer": {{"callbacks": [{{"class_path": {name!r}}}]}}}}
try:
    trust.check(options, Path("config.yaml"))
except trust.InputError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("package", "said"),
    [
        ("experiments", "which is none of"),
        ("other", "which is none of"),
        pytest.param("callbacks", "", marks=pytest.mark.slow),
    ],
)
def test_of_the_linked_folders_the_callbacks_alone_are_code(package, said, tmp_path):
    """A checkout's package holds links to folders beside it; what is unpacked into ``experiments`` is data."""
    shutil.copytree(
        ROOT / "imagpose", tmp_path / "imagpose", symlinks=True, ignore=shutil.ignore_patterns("weights", "__pycache__")
    )
    for folder in ("callbacks", "experiments", "other"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").touch()
    (tmp_path / "imagpose/other").symlink_to("../other")
    (tmp_path / package / "evil.py").write_text(EVIL.format(marker=str(tmp_path / "marker")))
    words = [sys.executable, "-c", _CHECK.format(name=f"imagpose.{package}.evil.Callback")]
    told = subprocess.run(
        words, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)}, check=True, capture_output=True, text=True
    )
    assert said in told.stdout
    assert bool(said) == bool(told.stdout)
    assert (tmp_path / "marker").exists() == (not said)


@pytest.mark.parametrize("name", ["torch.os.system", "lightning.pytorch.cli.os.system", "os.system", "posix.system"])
def test_what_our_packages_pass_on_is_not_theirs(name, run, capsys):
    of = options()
    of["trainer"]["strategy"] = {"class_path": "lightning.pytorch.strategies.FSDPStrategy"}
    of["trainer"]["strategy"]["init_args"] = {"auto_wrap_policy": name}
    (run / "config.yaml").write_text(yaml.safe_dump(of))
    assert main(["test", "-c", str(run / "config.yaml"), "--folder", str(run)]) == 2
    assert f"names the class {name}" in capsys.readouterr().err


def test_to_resume_a_run_imports_nothing_it_names(run, evil, tmp_path, capsys, monkeypatch):
    of = options()
    experiment = tmp_path / "tiny.yaml"
    experiment.write_text(yaml.safe_dump(of))
    _callbacks(of, evil)
    (run / "config.yaml").write_text(yaml.safe_dump(of))
    assert main(["fit", "-c", str(experiment), "--runs", str(tmp_path / "runs")]) == 2
    assert not (tmp_path / "marker").exists()
    assert f"names the class {evil}.Callback" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["../../evil", "/tmp/evil", "..", ".hidden", "a/b", "a\nb", "x" * 200])
def test_a_runs_name_stays_under_its_root(name, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(options()))
    assert main(["fit", "-c", "tiny.yaml", "--runs", "here/runs", f"--name={name}"]) == 2
    assert "--name names the folder or file" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tiny.yaml"]
