"""What a page asks for, from its editor's value to the pictures; and that ``generate`` draws the same."""

from __future__ import annotations

import base64
import copy
import io
import json
import math
import shlex
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imagpose.__main__ import main
from imagpose.demo.drawing import draw
from imagpose.demo.request import Asked, command
from imagpose.errors import InputError
from imagpose.generation.model import Model
from imagpose.options.program import callable_words
from tests.demo.conftest import files_below


@pytest.fixture
def asked(state, photographs):
    def ask(scenario="auto", framing="letterbox", steps=2, guidance=2.0, seed=3, **changes):
        return Asked.of({**state, **changes}, photographs, scenario, framing, steps, guidance, seed)

    return ask


def _opened(address: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(address.split(",")[1])))


def test_pictures_become_clear_and_generate_draws_the_same(studio, asked, tmp_path, monkeypatch):
    *news, end = draw(studio, asked(steps=3, framing="figure"), threading.Event())
    called = callable_words()  # where the page runs
    assert [one["taken"] for one in news] == sorted({one["taken"] for one in news})
    assert news[-1]["taken"] == news[-1]["steps"] == 3
    assert all(one["image"].startswith("data:image/png") for one in news[-1]["pictures"])
    first, second = end["pictures"]
    assert (first["truth"] is None, second["truth"] is None) == (False, True)
    assert json.loads(_opened(first["image"]).text["imagpose"])["steps"] == 3
    assert "Synthetic" in _opened(first["image"]).text["Description"]
    assert files_below(studio.scratch) == []

    zipfile.ZipFile(io.BytesIO(base64.b64decode(end["archive"].split(",")[1]))).extractall(tmp_path)
    monkeypatch.chdir(tmp_path)
    words = shlex.split(end["command"])
    assert words[: len(called) + 1] == [*called, "generate"]
    assert main(words[words.index("generate") :]) == 0
    for picture in end["pictures"]:
        again = Image.open(f"generated/images/{picture['name']}")
        assert (np.asarray(again) == np.asarray(_opened(picture["image"]))).all()
        assert again.text["imagpose"] == _opened(picture["image"]).text["imagpose"]


def test_the_command_names_folders_by_their_whole_path(asked, tmp_path, monkeypatch):
    for place in ("mine", "weights/other", "runs/one"):
        (tmp_path / place).mkdir(parents=True)
    (tmp_path / "drawing").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("IMAGPOSE_WEIGHTS", raising=False)

    def words(**model) -> list[str]:
        request = asked().write(tmp_path / "drawing", Model(**model))
        return shlex.split(command(request, {}))

    assert words()[-2:] == ["--model", "mannequin-demo"]
    assert words(model="mine")[-2:] == ["--model", str(tmp_path / "mine")]
    assert words(model="other")[-2:] == ["--model", str(tmp_path / "weights/other")]
    assert words(run=Path("runs/one"))[-2:] == ["--run", str(tmp_path / "runs/one")]


def test_poses_that_fit_no_canvas_are_drawn_on_several(studio, asked, state):
    poses = state["poses"] * 5  # 9 panels hold a source and 8 of them
    *news, end = draw(studio, asked(steps=1, poses=poses), threading.Event())
    assert len(end["pictures"]) == 10
    assert news[-1]["steps"] == 2
    assert "2 canvases" in end["says"]


def test_a_drawing_is_stopped_between_two_steps_and_leaves_nothing(studio, asked):
    stopped = threading.Event()
    told = draw(studio, asked(steps=50), stopped)
    assert next(told)["taken"] == 0
    assert next(told)["taken"] == 1
    stopped.set()
    *_, end = told
    assert end["state"] == "stopped"
    assert end["says"].endswith("of 50 steps.")
    assert files_below(studio.scratch) == []


def test_who_looks_no_more_has_it_stopped(studio, asked):
    stopped = threading.Event()
    told = draw(studio, asked(steps=50), stopped)
    next(told), next(told)
    told.close()
    assert stopped.is_set()
    assert not [one for one in threading.enumerate() if one.name == "drawing"]
    assert files_below(studio.scratch) == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"photographs": []}, "There is no photograph to draw from; add one, or try a mannequin."),
        ({"poses": []}, "There is no pose to draw; add one."),
        ({"photographs": [{"id": "gone", "pose": None}]}, "A photograph is no longer here; add it again."),
        ({"photographs": "?"}, "The page sent what is no list of photographs and poses; load it again."),
        ({"steps": 0}, "The number of denoising steps is 0; it must be a whole number from 1 to 1,000."),
        ({"guidance": math.nan}, "The guidance w is nan; it must be a number of at least 0."),
        ({"seed": -3.5}, "The seed is −3.5; it must be a whole number from 0 to 4,294,967,295."),
        ({"seed": 1e30}, "The seed is 1e+30; it must be a whole number from 0 to 4,294,967,295."),
        ({"seed": None}, "The seed is empty; it must be a whole number from 0 to 4,294,967,295."),
        ({"seed": [1]}, "The seed is [1]; it must be a whole number from 0 to 4,294,967,295."),
        ({"scenario": "T9"}, "The page sent a scenario or a framing that there is not; load it again."),
        ({"scenario": "T1"}, "Scenario T1 takes one source and one pose, there are 1 and 2; leave it to 'auto'."),
    ],
)
def test_what_cannot_be_drawn_is_one_sentence(studio, asked, changes, sentence):
    with pytest.raises(InputError) as told:
        list(draw(studio, asked(**changes), threading.Event()))
    assert str(told.value) == sentence
    assert files_below(studio.scratch) == []


@pytest.mark.parametrize(
    ("keypoints", "sentence"),
    [
        ([None] * 18, "Pose 1 has no visible joint; show some of them."),
        ([[1, 2]] * 17, "Pose 1 is no pose of 18 joints; load the page again."),
        ([["<b>", 2]] * 18, "pose_1.json is no pose file"),
        ([[1e9, 1e9]] * 18, "pose_1.json has no visible joint in its 64×44 frame"),
        ("../../etc/passwd", "Pose 1 is no pose of 18 joints"),
    ],
)
def test_a_pose_that_is_none_is_one_sentence_without_a_path(studio, asked, state, keypoints, sentence):
    poses = copy.deepcopy(state["poses"])
    poses[0]["keypoints"] = keypoints
    with pytest.raises(InputError) as told:
        list(draw(studio, asked(poses=poses), threading.Event()))
    assert str(told.value).startswith(sentence)
    assert str(studio.scratch) not in str(told.value)
