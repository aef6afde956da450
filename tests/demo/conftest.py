"""A studio with the demo weights, and a page's photographs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from imagpose.data.body_pose import BodyPose
from imagpose.data.pose_detector import Found
from imagpose.demo.photographs import Photograph
from imagpose.demo.presets import mannequin, presets
from imagpose.demo.studio import Studio
from imagpose.generation.loading import load
from imagpose.generation.model import Model, Trained, fingerprint
from tests.conftest import ROOT


class OneOf:
    """Finds the example's person in whatever has its shape, at any scale, and nobody elsewhere."""

    def detect(self, picture):
        pose = BodyPose.read(ROOT / "examples/source.json")
        if picture.height * 44 != picture.width * 64:
            return []
        scaled = np.where(pose.keypoints >= 0, pose.keypoints * picture.height / 64, -1)
        return [Found(BodyPose((picture.height, picture.width), scaled), 0.9)]


@pytest.fixture(scope="session")
def pipe():
    return load(Model())


@pytest.fixture
def studio(pipe, tmp_path) -> Studio:
    return studio_in(tmp_path / "scratch", pipe)


def studio_in(scratch: Path, pipe) -> Studio:
    scratch.mkdir()
    return Studio(Model(), pipe, Trained.of(Model()), fingerprint(Model()), OneOf(), scratch)


@pytest.fixture
def photographs(studio) -> dict[str, Photograph]:
    """A mannequin from the front, and then in three poses."""
    return dict(zip("abcd", mannequin(0, (64, 44), studio.scratch), strict=True))


@pytest.fixture
def state(photographs):
    """What the editor sends: the first photograph, and the pose of the second and a preset to draw."""
    source, other = photographs["a"].people[0].form(), photographs["b"].people[0].form()
    return {
        "photographs": [{"id": "a", "pose": source}],
        "poses": [{**other, "truth": "b"}, {**presets((64, 44))["Walking"].form(), "truth": None}],
    }


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
