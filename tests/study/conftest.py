from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imagpose.data.readers.deepfashion import DeepFashion
from imagpose.study.choosing import Chosen, Numbers, Questions
from imagpose.study.questions import KEY, PICTURES, QUESTIONS, Key, Study

METHODS = ("ours", "other", "third")


def write_study(folder: Path, numbers: Numbers, judged=("ours",), methods=METHODS, size=(64, 44)) -> tuple[Study, Key]:
    """A study of single-coloured pictures: 60 hues of the real ones, darker generated ones."""
    several = numbers.single + numbers.several
    pairs = [(f"source_{i}.jpg", f"target_{i}.jpg") for i in range(several + numbers.true)]
    chosen = Chosen(pairs[: numbers.single], pairs[several:], pairs[numbers.single : several])
    names = np.random.default_rng([3, 17])  # the same ones each time: votes are simulated in their order
    questions = Questions(3, judged, methods, numbers, name=lambda: names.bytes(6).hex())
    questions.gather(chosen)
    study = Study(3, len(judged), tuple(questions.items), {})
    key = Key(
        methods, judged, {name: whose for name, (whose, _) in questions.of.items()},
        {name: pair for name, (_, pair) in questions.of.items()},
    )  # fmt: skip
    (folder / PICTURES).mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in (*questions.of, *questions.given):
        colour = rng.integers(60, 255, 3).tolist()
        Image.new("RGB", size[::-1], tuple(colour)).save(folder / PICTURES / name, compress_level=0)
    (folder / QUESTIONS).write_text(study.to_json())
    (folder / KEY).write_text(key.to_json())
    return study, key


@pytest.fixture
def small(tmp_path) -> Path:
    """A study's folder of 3 real, 3 generated and 3 compared pictures, two of each part repeated."""
    write_study(tmp_path / "study", Numbers(3, 3, 2, 1))
    return tmp_path / "study"


@pytest.fixture(scope="session")
def results(mannequin_root, tmp_path_factory) -> dict[str, Path]:
    """Two methods' folders: the truth darkened, and the truth in grey, of all test targets."""
    index = DeepFashion(mannequin_root)
    pairs = list({pair[1]: pair for pair in index.pairs("test")}.values())
    folders = {}
    for name, change in (
        ("ours", lambda image: image.point(lambda v: v * 3 // 4)),
        ("other", lambda image: image.convert("L")),
    ):
        folders[name] = tmp_path_factory.mktemp(name)
        for source, target in pairs:
            image = change(Image.open(index.records[target].path))
            image.save(folders[name] / f"{source[:-4]}_2_{target[:-4]}_vis.png")
    return folders
