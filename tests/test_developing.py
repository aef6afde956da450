"""docs/developing.md does what it says: its examples are carried out on a copy of the repository, and then used."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT

_EXAMPLE = re.compile(
    r"(?:(?P<new>New file|At the end of) `(?P<file>[^`]+)`:|"
    r"In `(?P<edited>[^`]+)`, (?P<how>after|in place of) `(?P<anchor>[^`]+)`:)\n\n```\w+\n(?P<text>.*?)```",
    re.DOTALL,
)


def carry_out(page: str, root) -> int:
    """Apply the page's examples to a copy; the number of them."""
    examples = list(_EXAMPLE.finditer(page))
    for example in examples:
        text = example["text"]
        if example["new"] == "New file":
            assert not (root / example["file"]).exists()
            (root / example["file"]).write_text(text)
        elif example["new"]:
            with open(root / example["file"], "a") as file:
                file.write(text)
        else:
            path, anchor = root / example["edited"], example["anchor"]
            lines = path.read_text().splitlines(keepends=True)
            places = [number for number, line in enumerate(lines) if line.strip() == anchor]
            assert len(places) == 1, f"{example['edited']} has {len(places)} lines {anchor}"
            lines[places[0]] = text if example["how"] == "in place of" else lines[places[0]] + text
            path.write_text("".join(lines))
    return len(examples)


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    root = tmp_path_factory.mktemp("copy")
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "imagpose", "callbacks", "experiments"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split("\0")  # fmt: skip
    for name in filter(None, names):
        source, target = ROOT / name, root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_symlink():
            target.symlink_to(os.readlink(source))
        elif source.exists():
            shutil.copyfile(source, target)
    page = (ROOT / "docs/developing.md").read_text()
    assert carry_out(page, root) == page.count("```python") + page.count("```yaml") == 17
    return root


@pytest.fixture
def run(copy):
    def run_(line: str, *further: str) -> str:
        command = [sys.executable, *line.split()[1:], *further]
        environment = {**os.environ, "PYTHONPATH": str(copy)}
        ended = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True)
        assert ended.returncode == 0, ended.stderr[-3000:]
        return ended.stdout

    return run_


@pytest.fixture
def commands():
    page = (ROOT / "docs/developing.md").read_text()
    return re.search(r"```sh\n(.*?)```", page, re.DOTALL)[1].splitlines()


@pytest.mark.slow
def test_the_new_dataset_is_read(run, commands):
    run(commands[0])
    assert "data/few: 4 train, 2 test images" in run(commands[1])


@pytest.mark.slow
def test_the_new_row_stands_in_its_table(run, commands, copy):
    run(commands[2])
    table = (copy / "results/ablations/tiny.md").read_text()
    assert re.search(r"^\| Without positions \| .*not run", table, re.MULTILINE)


@pytest.mark.slow
def test_the_new_parts_train_and_are_scored(run, commands, copy, mannequin_root):
    small = ["-c", str(ROOT / "tests/quick.yaml")]
    line = commands[3].replace("-c experiments/mobilenet.yaml", " ".join([*small, "-c experiments/mobilenet.yaml"]))
    run(line, "--data.init_args.root", str(mannequin_root), "--data.init_args.num_workers", "0")
    folder = next((copy / "runs").glob("*/version_0"))
    state = json.loads((folder / "metrics.json").read_text())
    assert state["strict/colour"] > 0
    scores = json.loads((folder / "protocols/evaluation.json").read_text())
    assert scores["strict"]["colour"]["n"] == 6
    assert "is no part of pcdms" in scores["pcdms"]["colour"]["reason"]
    assert "| Colour ↓ |" in (folder / "protocols/evaluation.md").read_text()
    config = (folder / "config.yaml").read_text()
    assert "TorchvisionEncoder" in config
