"""The rooms of the house: which there are, and that their arrows point one way."""

import ast
from pathlib import Path

from tests.conftest import ROOT

ROOMS = (
    "errors", "output", "options", "objective", "data", "panels", "models", "pose", "sampler", "synthesis", "module",
    "distillation", "finetuning", "pretraining", "training", "pipeline", "evaluation", "generation",
    "gathering", "demo", "reproduction", "study", "reid", "callbacks", "__main__",
)  # fmt: skip
"""Files and folders of the package; each imports from those before it alone."""
CORE = ("objective", "sampler", "panels", "module", "models/flc", "models/ilc", "models/cva")
"""What a reader of the paper reads."""


def _sources() -> dict[str, list[Path]]:
    """The files of each room; the package's links lead to folders at the top."""
    package = ROOT / "imagpose"
    rooms = {path.stem: path for path in sorted(package.iterdir()) if path.suffix == ".py" or path.is_dir()}
    return {
        name: [path] if path.is_file() else sorted(path.resolve().rglob("*.py"))
        for name, path in rooms.items()
        if name not in ("__init__", "__pycache__", "experiments", "weights")
    }


def _rooms_imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "imagpose":
            names |= {f"imagpose.{name.name}" for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return {name.split(".")[1] for name in names if name.startswith("imagpose.")}


def _arrows() -> set[tuple[str, str]]:
    return {
        (room, other)
        for room, paths in _sources().items()
        for path in paths
        for other in _rooms_imported(path)
        if other != room
    }


def test_there_is_no_other_room():
    assert sorted(_sources()) == sorted(ROOMS)


def test_arrows_point_one_way():
    assert [(room, other) for room, other in sorted(_arrows()) if ROOMS.index(other) > ROOMS.index(room)] == []


def test_arrows_are_few():
    assert len(_arrows()) <= 130  # 75, and what fine-tuning, distillation, poses, page, studies and re-ID brought


def test_the_evaluation_knows_neither_runs_nor_generation():
    assert {other for room, other in _arrows() if room == "evaluation"} <= {"errors", "output", "options", "data"}


def test_no_file_is_long_and_the_paper_s_are_short():
    lines = {
        path.relative_to(ROOT): len(path.read_text().splitlines()) for paths in _sources().values() for path in paths
    }
    assert {path: count for path, count in lines.items() if count > 300} == {}
    assert sum(lines[Path(f"imagpose/{name}.py")] for name in CORE) <= 1000
