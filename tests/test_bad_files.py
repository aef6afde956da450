"""Files of options and names of files that nothing can be done with: one sentence, exit code 2, nothing written."""

import pytest

from imagpose.__main__ import main
from tests.conftest import ROOT

BASE, TINY = ROOT / "experiments" / "_base.yaml", ROOT / "experiments" / "tiny.yaml"


def refused(words, capsys):
    """The sentence that a command ends with."""
    assert main([str(word) for word in words]) == 2
    error = capsys.readouterr().err
    assert error.startswith("Error: ")
    assert len(error.strip().splitlines()) == 1
    return error


@pytest.mark.parametrize(
    "content",
    [
        b"# \xe9",
        bytes(range(256)),
        b"model:\n\tinit_args: 1\n",
        b"data: 1\0",
        "a: 1".encode("utf-16"),
        b"",
        b"- 1",
    ],
)
@pytest.mark.parametrize("command", ["fit", "doctor"])
def test_an_experiment_that_is_no_yaml_is_named(command, content, tmp_path, capsys):
    path = tmp_path / "mine.yaml"
    path.write_bytes(content)
    runs = ["--runs", tmp_path / "runs"] if command == "fit" else []
    assert f"{path} holds no" in refused([command, "-c", BASE, "-c", path, *runs], capsys)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_an_experiment_may_begin_with_a_byte_order_mark(ends, tmp_path, capsys):
    path = tmp_path / "mine.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + TINY.read_bytes().replace(b"\n", ends))
    main(["doctor", "-c", str(BASE), "-c", str(path), "--data.init_args.root", str(tmp_path / "none"),
          "--data.init_args.mannequins", "{}"])  # fmt: skip
    assert "parameters" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "sentence"), [("a" * 300, "longer name"), ("a\0b", "NUL character")])
@pytest.mark.parametrize("words", [
    ["check", "NAME"], ["evaluate", "--generated", "NAME", "--data", "DATA"], ["mannequins", "NAME"],
    ["gallery", "--results", "ours=NAME", "--data", "DATA"], ["generate", "--data", "NAME", "--pairs", "pairs.csv"],
    ["generate", "--data", "DATA", "--pairs", "NAME.csv"],
], ids=" ".join)  # fmt: skip
def test_names_that_no_file_can_have(words, name, sentence, mannequin_root, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {"NAME": name, "DATA": str(mannequin_root)}
    told = refused([word.replace("NAME", name) if "NAME" in word else names.get(word, word) for word in words], capsys)
    assert sentence in told or "cannot be read" in told or "is no folder" in told
    assert len(told) < 1000
    assert not [path for path in tmp_path.iterdir() if path.suffix != ".lock"]
