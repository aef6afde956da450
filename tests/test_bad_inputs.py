"""Whatever a user gives that is wrong, a command ends with one sentence that names it, and leaves nothing behind."""

from __future__ import annotations

import argparse
import re
import resource
import shutil
import signal
from inspect import signature
from pathlib import Path

import huggingface_hub.constants
import jsonargparse
import pytest

from imagpose.__main__ import COMMANDS, main
from imagpose.data.datamodule import PoseDataModule
from imagpose.models.encoders import TimmEncoder
from imagpose.module import IMAGPose
from tests.bad_inputs import KNOWN, REFUSE_NOTHING, cases
from tests.bad_inputs.case import IMAGE, Case
from tests.bad_inputs.training import EXPERIMENT_OPTIONS
from tests.bad_inputs.tried import pairs
from tests.bad_inputs.world import build, copy, snapshot, spoil
from tests.conftest import UNET
from tests.options.conftest import ENCODER, options

pytestmark = pytest.mark.usefixtures("no_networks")
LIMIT = 30
"""Seconds that a refusal may take."""
MEMORY = 2 * 2**30
"""Bytes that a refusal may take."""
_LONGEST = 1500
"""Characters that still are a sentence."""

CASES = {command: cases(command) for command in COMMANDS}


class Hangs(BaseException):
    """No error that a command would take for one of its own."""


def _params():
    for command, of_command in CASES.items():
        for number, case in enumerate(of_command):
            # Quick ones are many: every other one is among the long proofs, as those of its family are alike.
            marks = [pytest.mark.slow] if case.slow or number % 2 else []
            if reason := KNOWN.get(f"{command}: {case.name}"):
                marks.append(pytest.mark.xfail(strict=True, reason=reason, raises=(AssertionError, Hangs)))
            yield pytest.param(command, case, id=f"{command}: {case.name}", marks=marks)


def _pairs():
    settled = {name: [one for one in of if f"{name}: {one.name}" not in KNOWN] for name, of in CASES.items()}
    for command, case in pairs(settled, 300):
        yield pytest.param(command, case, id=f"{command}: {case.name}")


@pytest.fixture(scope="module")
def pristine(mannequin_root, tmp_path_factory):
    root = tmp_path_factory.mktemp("pristine")
    of = options()
    of["data"]["init_args"] = {"root": "data", "batch_size": 2, "num_workers": 0, "validation_identities": 2}
    of["model"]["init_args"] |= {"sampling_steps": 2, "guidance": {"form": "joint", "scale": 2.0}}
    of["trainer"] = {"callbacks": [], "logger": False, "max_steps": 2, "accelerator": "cpu"}
    encoder = TimmEncoder(**ENCODER["init_args"])
    module = IMAGPose(encoder, "mannequin-sd-v", unet=UNET, pose_channels=(4, 8, 8), texture_kernel=4)
    module.setup("fit")
    build(root, mannequin_root, module, of)
    return root


@pytest.fixture
def world(pristine, tmp_path, monkeypatch):
    """A folder of one's own, in which one is."""
    root = tmp_path / "world"
    copy(pristine, root)
    monkeypatch.chdir(root)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("IMAGPOSE_WEIGHTS", str(root / "weights"))
    yield root
    monkeypatch.undo()
    shutil.rmtree(root)


@pytest.fixture
def in_bounds():
    """Ends a test that takes too long, or too much memory, as reading a device does."""

    def ring(*args):
        raise Hangs

    before = signal.signal(signal.SIGALRM, ring)
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, hard))
    signal.alarm(LIMIT)
    yield
    signal.alarm(0)
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    signal.signal(signal.SIGALRM, before)


def refused(command: str, case: Case, world, capsys) -> None:
    """Carry out a case and look at all that a user would see of it."""
    image = (world / "data/train.lst").read_text().split()[0]
    spoil(world, case)
    before = snapshot(world)
    capsys.readouterr()
    trace = ""
    try:
        code = main([*command.split(), *(image if word == IMAGE else word for word in case.words)])
    except SystemExit as ended:
        code = ended.code
    except Exception as raised:
        trace = f"a stack trace: {raised!r}"[:500]
    out, error = capsys.readouterr()
    assert not trace
    assert code == case.code, (out + error)[-1000:]
    assert "Traceback" not in out + error
    assert "usage:" not in out + error
    told = out if case.code == 1 else error
    if case.code == 2:
        lines = error.strip().splitlines()
        assert len(lines) == 1, error[:1000]
        assert re.fullmatch(r"Error: .*[.)]", lines[0]), error[:1000]
        assert len(error) <= _LONGEST, f"{len(error)} characters"
    if case.told:
        assert any(text in told for text in case.told if text), f"{case.told} in {told[-1000:]}"
    left = {path for path in snapshot(world).items() if before.get(path[0]) != path[1]}
    assert not {path for path, _ in left if path not in case.writes}
    assert before.keys() <= snapshot(world).keys() | set(case.writes)


class Parsed(BaseException):
    """A command has made its parser."""


def _options(command: str, monkeypatch) -> set[str]:
    """All options of a command's parser, and of the one of its name below it."""
    found: list[argparse.ArgumentParser] = []

    def stop(parser, *args, **kwargs):
        found.append(parser)
        raise Parsed

    for of in (argparse.ArgumentParser, jsonargparse.ArgumentParser):
        for name in ("parse_args", "parse_known_args"):
            monkeypatch.setattr(of, name, stop)
    # The files that are named are looked at first, by a parser of their own that has no help.
    monkeypatch.setattr("imagpose.options.trust.check_files", lambda args: None)
    with pytest.raises(Parsed):
        main(command.split())
    actions = list(found[0]._actions)
    for action in found[0]._actions:
        if isinstance(action, argparse._SubParsersAction):
            actions = list(action.choices[command]._actions)
    return {name for action in actions for name in action.option_strings[-1:]} - {"--help", "--print_config"}


def test_every_command_has_cases():
    assert all(CASES.values())
    assert sum(map(len, CASES.values())) >= 600


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_refuses_something(command, monkeypatch):
    named = {option for case in CASES[command] for option in case.options}
    if "-c" in named:  # what all of these commands parse by the same code is tried in full with fit
        named |= {"--config", *EXPERIMENT_OPTIONS}
    excepted = REFUSE_NOTHING.get(command, set())
    assert not excepted & named, "these are named, so take them out of the list"
    options = {name for name in _options(command, monkeypatch) if not name.endswith((".help", "+"))}
    assert sorted(options - named - excepted) == []
    assert sorted(excepted - options) == []


def test_every_option_of_an_experiment_refuses_something():
    for group, of in (("model", IMAGPose), ("data", PoseDataModule)):
        named = {f"--{group}.init_args.{name}" for name in signature(of).parameters}
        assert sorted(named - EXPERIMENT_OPTIONS.keys()) == []


@pytest.mark.parametrize(("command", "case"), _params())
@pytest.mark.usefixtures("in_bounds")
def test_one_sentence(command, case, world, capsys):
    refused(command, case, world, capsys)


@pytest.mark.slow
@pytest.mark.parametrize(("command", "case"), _pairs())
@pytest.mark.usefixtures("in_bounds")
def test_one_sentence_of_two_mistakes(command, case, world, capsys):
    refused(command, case, world, capsys)
