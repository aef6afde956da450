"""The table of commands: its screens, and its examples."""

import ast
import subprocess
import sys
from importlib import import_module

import pytest

from imagpose.__main__ import COMMANDS, main
from imagpose.options.commands import parser_of
from imagpose.output.fault import version_of
from tests.conftest import ROOT

_NOTHING_HEAVY = """
import sys
from imagpose.__main__ import main
code = main({words})
heavy = {{"torch", "lightning", "numpy", "PIL", "jsonargparse", "rich"}} & set(sys.modules)
sys.exit(code or (f"imported: {{heavy}}" if heavy else 0))
"""


@pytest.mark.parametrize("words", [["--help"], ["--version"]])
def test_nothing_heavy_is_imported_for_the_first_screen(words):
    subprocess.run([sys.executable, "-c", _NOTHING_HEAVY.format(words=words)], check=True, cwd=ROOT)


_SOON_TOLD = """
import sys
from imagpose.__main__ import main
for name in {names}:
    assert main([*name.split(), "--no_such_option", "1"]) == 2, name
    heavy = {heavy} & set(sys.modules)
    assert not heavy, f"{{name}} imports {{heavy}}"
"""


@pytest.mark.parametrize(
    ("names", "heavy"),
    [
        (["mannequins", "check", "study serve"], {"torch", "scipy.stats"}),
        (["compare", "gallery", "evaluate", "gather", "pose"], {"lightning", "torchmetrics", "diffusers"}),
        (["generate", "demo"], {"lightning", "torchmetrics", "timm", "gradio"}),
    ],
)
def test_a_mistyped_option_is_told_before_what_no_option_needs_is_imported(names, heavy):
    subprocess.run([sys.executable, "-c", _SOON_TOLD.format(names=names, heavy=heavy)], check=True, cwd=ROOT)


def test_the_screen_has_every_command_under_its_group(capsys):
    assert main(["--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for name, command in COMMANDS.items():
        (place,) = [number for number, line in enumerate(lines) if line.startswith(f"  {name}  ")]
        heading = next(line for line in reversed(lines[:place]) if line and not line.startswith(" "))
        assert heading == f"{command.group}:"
        assert len(lines[place]) <= 100


def test_a_command_of_two_words_is_found_and_its_group_told(capsys):
    for words, hint in (
        (["study"], "there are: study make, study serve"), (["study", "serv"], "did you mean study serve?"),
        (["study", "--help"], "there are: study make"),
    ):  # fmt: skip
        assert main(words) == 2
        assert hint in capsys.readouterr().err


def test_the_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"imagpose {version_of('imagpose')}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_example_can_be_read(name, monkeypatch):
    command = COMMANDS[name]
    module, _, function = command.place.partition(":")
    of = getattr(import_module(module), function)
    words = command.example.split()
    if command.takes_words:
        files = [word for word in words if word.startswith("experiments/")]
        assert all((ROOT / file).is_file() for file in files)
        return
    monkeypatch.chdir(ROOT)
    parser, request = parser_of(of, name)
    values = vars(parser.instantiate(parser.parse_args(words)))
    values.pop("config", None)
    assert parser.further in (None, [])
    if request is not None:
        request(**values)  # options fit each other


def test_what_is_said_to_a_user_names_the_program_as_it_was_started():
    of_ours = {ROOT / "imagpose/options/program.py", ROOT / "imagpose/reproduction/jobs.py"}  # what it runs itself
    for path in {*(ROOT / "imagpose").rglob("*.py"), *(ROOT / "callbacks").rglob("*.py")} - of_ours:
        tree = ast.parse(path.read_text())
        texts = [one for one in ast.walk(tree) if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        docstrings = [one.value for one in ast.walk(tree) if isinstance(one, ast.Expr)]
        assert not [one.value for one in texts if "python -m imagpose" in one.value and one not in docstrings], path


def test_help_names_the_script_where_it_was_started(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/somewhere/bin/imagpose"])
    for command in ("fit", "doctor", "cache", "pose", "study make"):
        with pytest.raises(SystemExit):
            main([*command.split(), "--help"])
        assert capsys.readouterr().out.startswith(f"usage: imagpose {command} [")


@pytest.mark.parametrize("name", ["pose", "fit"])
def test_help_names_the_group_and_ends_with_the_example(name, capsys):
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert not ended.value.code
    *_, group, example = capsys.readouterr().out.splitlines()
    assert group.startswith(f"Group: {COMMANDS[name].group}, ")
    assert example == f"Example: python -m imagpose {name} {COMMANDS[name].example}"
