"""Mannequins before cameras: Market-1501's layout, read by its reader."""

import json

import numpy as np
import pytest
from PIL import Image

from imagpose.__main__ import main
from imagpose.data.keypoints import visible
from imagpose.data.mannequins.cameras import CameraSet, ensure, is_drawn, shots_of, write
from imagpose.data.mannequins.people import draw_person
from imagpose.data.mannequins.scenes import CAMERAS, photograph
from imagpose.data.readers.layouts import open_index
from imagpose.data.readers.market1501 import DISTRACTOR, JUNK, Market1501, Sighting, sightings
from imagpose.errors import InputError
from tests.reid.conftest import SMALL


def test_the_reader_of_market_1501_reads_it(market, capsys):
    index = open_index(market)
    assert isinstance(index, Market1501)
    assert index.findings == []
    assert len(index.identities("train")) == SMALL.people
    assert all(np.any(visible(record.keypoints)) for record in index.records.values())
    assert len(index.pairs("test")) > 20
    assert main(["check", str(market)]) == 0


def test_it_has_queries_junk_and_distractors_as_market_1501_has(market):
    train, query, gallery = (
        list(sightings(market, folder)) for folder in ("bounding_box_train", "query", "bounding_box_test")
    )
    people = {one.person for one in train}, {one.person for one in query}
    assert people == (set(range(1, 7)), set(range(7, 10)))
    assert len({(one.person, one.camera) for one in query}) == len(query)
    counts = {person: sum(one.person == person for one in gallery) for person in (JUNK, DISTRACTOR)}
    assert counts == {JUNK: SMALL.junk, DISTRACTOR: SMALL.distractors}
    assert {one.camera for one in train} <= set(range(1, len(CAMERAS) + 1))
    for person in people[1]:
        assert len({one.camera for one in query if one.person == person}) >= 4
    picture = Image.open(market / "query" / query[0].name)
    assert (picture.height, picture.width) == SMALL.size


def test_it_is_a_function_of_its_seed(tmp_path):
    few = CameraSet(people=1, test_people=1, distractors=1, junk=1)
    for name in ("one", "again"):
        write(tmp_path / name, few)
    files = [path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.*")]
    assert len(files) > 20
    assert all((tmp_path / "one" / file).read_bytes() == (tmp_path / "again" / file).read_bytes() for file in files)
    other = shots_of(CameraSet(**{**vars(SMALL), "seed": 1}), 0)
    assert [shot.name for shot in other] != [shot.name for shot in shots_of(SMALL, 0)]
    assert all(Sighting.parse(shot.name) for shot in other)


def test_hidden_joints_are_missing_and_the_others_in_the_box():
    person, found = draw_person(np.random.default_rng(0)), []
    for number in range(36):
        picture, keypoints = photograph(person, CAMERAS[number % 6], np.random.default_rng(number), (64, 32))
        assert picture.shape == (64, 32, 3)
        seen = keypoints[visible(keypoints)]
        assert (seen >= 0).all()
        assert (seen < (32, 64)).all()
        found.append(len(seen))
    assert max(found) >= 14
    assert min(found) < 12  # feet are cut off, and posts stand before people
    cut = [len(k[visible(k)]) for n in range(10) for _, k in
           [photograph(person, CAMERAS[0], np.random.default_rng(n), (64, 32), cut=True)]]  # fmt: skip
    assert np.mean(cut) < np.mean(found) / 2


def test_cameras_differ_more_than_draws_of_one():
    person = draw_person(np.random.default_rng(3))
    means = np.array([
        [photograph(person, camera, np.random.default_rng(n), (64, 32))[0].mean((0, 1)) for n in range(4)]
        for camera in CAMERAS
    ])  # fmt: skip
    assert means.mean(1).std(0).mean() > 2 * means.std(1).mean() / np.sqrt(4)


def test_another_set_or_folder_is_left_as_it_is(market, tmp_path):
    assert is_drawn(market)
    ensure(market, SMALL)
    with pytest.raises(InputError, match="holds something else than this set"):
        ensure(market, CameraSet())
    (tmp_path / "x").mkdir()
    (tmp_path / "x/file").touch()
    with pytest.raises(InputError, match="holds something else than this set"):
        ensure(tmp_path / "x", SMALL)
    with pytest.raises(InputError, match=r"more than 9,999 together"):
        CameraSet(people=9000, test_people=1000)


def test_the_command_draws_a_set(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    spec = ["--spec.people", "1", "--spec.test_people", "1", "--spec.distractors", "0", "--spec.junk", "1"]
    assert main(["reid", "draw", "new", *spec]) == 0
    assert json.loads((tmp_path / "new/cameras.json").read_text())["spec"]["people"] == 1
