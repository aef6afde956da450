"""What the papers around the code say is held to the code."""

import re
import subprocess
import tomllib
from pathlib import Path

import yaml

from docs import evidence
from docs.assets import elsewhere
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


def test_the_equation_map_leads_to_the_code():
    rows = re.findall(
        r"^\| (Eq\. \(\d\)|Sec\. \d\.\d|Fig\. \d)[^|]*\| [^|]*\| `([\w/.]+)`",
        (ROOT / "docs" / "paper.md").read_text(),
        re.MULTILINE,
    )
    assert {f"Eq. ({i})" for i in range(1, 6)} <= {anchor for anchor, _ in rows}
    for anchor, path in rows:
        assert anchor in (ROOT / path).read_text(), f"{path} has no anchor {anchor}"


def test_the_page_of_evidence_counts_the_orders_in_results():
    text = evidence.PAGE.read_text()
    assert evidence.page(text) == text, "python -m docs.evidence writes it again"


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


def test_the_readme_is_read_to_its_end_and_its_links_lead_somewhere():
    text = (ROOT / "README.md").read_text()
    assert len(text.split()) <= 900
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    assert len(links) >= 10
    for link in links:
        assert (ROOT / link).exists(), link


def test_what_a_site_loads_from_elsewhere_is_told(tmp_path):
    page = tmp_path / "index.html"
    page.write_text('<a href="https://example.org">a link</a><script src="assets/own.js"></script>')
    (tmp_path / "own.css").write_text("@import 'own2.css'; a {background: url(own.png)}")
    assert elsewhere(tmp_path) == []
    page.write_text('<script src="https://example.org/a.js"></script><link rel="stylesheet" href=//example.org/b.css>')
    (tmp_path / "own.css").write_text('@font-face {src: url("https://example.org/c.woff")}')
    assert [line.split()[-1] for line in elsewhere(tmp_path)] == [
        "https://example.org/a.js", "//example.org/b.css", "https://example.org/c.woff",
    ]  # fmt: skip
