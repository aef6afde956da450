"""What the papers around the code say is held to the code."""

import re
import subprocess
import tomllib
from pathlib import Path

import yaml

from imagpose.__main__ import main
from imagpose.data.datamodule import PoseDataModule
from tests.conftest import ROOT


def test_environment_yml_says_what_pyproject_says():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    packages = next(entry["pip"] for entry in environment if isinstance(entry, dict))
    assert [package for package in packages if not package.startswith("-")] == project["dependencies"]
    assert f"python{project['requires-python']}" in environment


def test_constraints_pin_every_dependency_but_no_cpu_only_torch():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = dict(re.findall(r"^([\w-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE))
    for requirement in project["dependencies"]:
        assert re.match(r"[\w-]+", requirement)[0] in pinned
    assert pinned["torch"] != "2.13.0"


def test_the_readmes_equation_map_leads_to_the_code():
    rows = re.findall(
        r"^\| (Eq\. \(\d\)|Sec\. \d\.\d|Fig\. \d)[^|]*\| [^|]*\| `([\w/.]+)`",
        (ROOT / "README.md").read_text(),
        re.MULTILINE,
    )
    assert {f"Eq. ({i})" for i in range(1, 6)} <= {anchor for anchor, _ in rows}
    for anchor, path in rows:
        assert anchor in (ROOT / path).read_text(), f"{path} has no anchor {anchor}"


def test_make_help_lists_every_target():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split())
    shown = subprocess.run(
        ["make", "--no-print-directory", "help"], capture_output=True, text=True, cwd=ROOT, check=True
    ).stdout
    assert {line.split()[0] for line in shown.splitlines()} == targets


def test_experiments_are_short_and_cite_what_they_are():
    for path in (ROOT / "experiments").rglob("*.yaml"):
        assert path.read_text().startswith("# "), path
    for path in (ROOT / "experiments").glob("*.yaml"):
        assert path.stem in ("_base", "tiny") or len(path.read_text().splitlines()) <= 12, path


def test_public_weights_are_never_unpickled():
    for path in [*(ROOT / "imagpose").rglob("*.py"), *(ROOT / "callbacks").rglob("*.py")]:
        text = path.read_text()
        assert "weights_only=False" not in text
        assert "pickle.load" not in text
        assert not re.search(r"torch\.load\((?!.*weights_only=True)", text), path


def test_the_datasets_page_s_example_is_a_dataset(tmp_path, monkeypatch):
    page = (ROOT / "docs" / "datasets.md").read_text()
    example, listing = re.search(r"```python\n(.*?)```\n\n```\n(mine/.*?)```", page, re.DOTALL).groups()
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "datasets.md", "exec"), {})
    assert sorted(str(path) for path in Path("mine").rglob("*.*")) == listing.splitlines()
    assert main(["check", "mine"]) == 0
    data = PoseDataModule("mine", validation_identities=1, size=(256, 176), num_workers=0)
    data.setup("fit")
    assert [len(data.train), len(data.test)] == [1, 2]
    assert next(iter(data.test_dataloader()))["images"].shape == (2, 4, 3, 256, 176)
