"""A study from folders of results: seeded, and nothing but pixels tells a picture from another."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from imagpose.__main__ import main
from imagpose.data.readers.deepfashion import DeepFashion
from imagpose.errors import InputError
from imagpose.evaluation.matching import match
from imagpose.study import demo
from imagpose.study.choosing import Numbers
from imagpose.study.making import MakingRequest, make
from imagpose.study.questions import KEY, PICTURES, QUESTIONS, REAL, read_key, read_study
from tests.study.conftest import write_study

NUMBERS = {"real": 4, "best": 5, "repeats": 2, "practice": 2}


@pytest.fixture
def request_of(results, mannequin_root, tmp_path):
    def request(**changed) -> MakingRequest:
        return MakingRequest(
            **{"results": results, "data": mannequin_root, "out": tmp_path / "study", **NUMBERS, **changed}
        )

    return request


def test_it_asks_what_was_asked_for(request_of, capsys):
    request = request_of()
    make(request)
    study = read_study(request.out)
    key = read_key(request.out, study)
    kinds = Counter((item.kind, item.practice, bool(item.repeats)) for item in study.items)
    assert kinds == {
        ("real", False, False): 8, ("real", True, False): 2, ("real", False, True): 2,
        ("best", False, False): 5, ("best", True, False): 2, ("best", False, True): 2,
    }  # fmt: skip
    single = Counter(key.of[item.pictures[0]] for item in study.items if item.kind == "real" and item.counts)
    assert single == {REAL: 4, "ours": 4}
    for item in study.items:
        if item.kind == "best":
            assert {key.of[name] for name in item.pictures} == {"ours", "other"}
            assert len({key.pairs[name] for name in item.pictures}) == 1
            assert len(item.given) == 2
        if item.repeats:
            (first,) = [one for one in study.items if one.name == item.repeats]
            assert {key.pairs[name] for name in item.pictures} == {key.pairs[name] for name in first.pictures}
            assert not set(item.pictures) & set(first.pictures)  # a browser's cache does not tell either
    assert "21 questions" in capsys.readouterr().out


def test_no_target_is_shown_both_real_and_generated(request_of):
    request = request_of(real=7, practice=0, best=0)
    make(request)
    study = read_study(request.out)
    key = read_key(request.out, study)
    targets: dict[bool, set[str]] = {True: set(), False: set()}
    for item in study.items:
        if item.kind == "real":
            targets[key.of[item.pictures[0]] == REAL].add(key.pairs[item.pictures[0]][1])
    assert len(targets[True]) == len(targets[False]) == 7
    assert not targets[True] & targets[False]


def test_pictures_show_what_the_key_says(request_of, mannequin_root, results):
    request = request_of()
    make(request)
    study = read_study(request.out)
    key = read_key(request.out, study)
    index = DeepFashion(mannequin_root)
    outputs = {name: match(folder, index.pairs("test")).outputs for name, folder in results.items()}
    for name, whose in key.of.items():
        path = index.records[key.pairs[name][1]].path if whose == REAL else outputs[whose][key.pairs[name]][0]
        shown = np.asarray(Image.open(request.out / PICTURES / name))
        assert np.array_equal(shown, np.asarray(Image.open(path).convert("RGB")))


def test_neither_name_nor_size_nor_metadata_tells_what_a_picture_is(request_of):
    request = request_of()
    make(request)
    files = list((request.out / PICTURES).iterdir())
    assert len({path.stat().st_size for path in files}) == 1  # of bytes
    opened = [Image.open(path) for path in files]
    assert len({image.size for image in opened}) == 1
    assert all(not image.info and image.mode == "RGB" for image in opened)
    public = (request.out / QUESTIONS).read_text().replace(json.dumps(request.made), "")
    items = json.loads(public)["items"]
    assert not any(method in json.dumps(items) for method in ("ours", "other", "Tanks", "WOMEN", "MEN"))
    # Nor does an order, of questions or of one's pictures: it is that of names, which are random.
    assert [item["name"] for item in items] == sorted(item["name"] for item in items)
    assert all(item["pictures"] == sorted(item["pictures"]) for item in items)


@pytest.mark.parametrize("judged", [("ours",), ("ours", "other")])
def test_the_questions_of_real_and_of_generated_pictures_differ_in_nothing(request_of, judged):
    make(request := request_of(judged=judged, best=0))
    study = read_study(request.out)
    key = read_key(request.out, study)

    def told(real: bool) -> Counter:
        """What is written of questions on true pictures, or on generated ones, beside what was asked twice."""
        return Counter(
            (item.kind, len(item.pictures), item.given, item.practice, item.group)
            for item in study.items
            if item.repeats is None and (key.of[item.pictures[0]] == REAL) == real
        )

    assert told(real=True) == told(real=False)
    shown = [name for item in study.items for name in item.pictures]
    assert len(set(shown)) == len(shown)  # no picture is of two questions, or groups


def test_one_seed_makes_one_study_and_names_are_none_of_its(request_of, tmp_path):
    for number, seed in enumerate((1, 1, 2)):
        make(request_of(seed=seed, out=tmp_path / str(number)))
    keys = [read_key(tmp_path / str(number), read_study(tmp_path / str(number))) for number in range(3)]
    first, same, other = (sorted((whose, key.pairs[name]) for name, whose in key.of.items()) for key in keys)
    assert first == same != other
    assert not set(keys[0].of) & set(keys[1].of)


def test_where_pairs_are_enough_the_parts_share_no_target_and_else_it_is_said(request_of, tmp_path, capsys):
    for best in (4, 10):
        make(request := request_of(real=4, best=best, practice=0, seed=best, out=tmp_path / str(best)))
        study = read_study(request.out)
        key = read_key(request.out, study)
        targets: dict[bool, set[str]] = {True: set(), False: set()}
        for name, whose in key.of.items():
            targets[whose == REAL].add(key.pairs[name][1])
        both, said = len(targets[True] & targets[False]), capsys.readouterr().out
        assert (f"{both} targets are judged" in said) == (both > 0) == (best == 10)


def test_orders_are_each_raters_own_and_repeats_come_late(tmp_path):
    study, key = write_study(tmp_path / "study", Numbers(20, 10, 4, 2))
    orders = [[item.name for item in study.items_of(rater)] for rater in (1, 2, 3)]
    assert sorted(orders[0]) == sorted(orders[1])
    assert len({tuple(order) for order in orders}) == 3
    assert orders[0] == [item.name for item in study.items_of(1)]
    for rater in (1, 2, 3):
        items = study.items_of(rater)
        assert [item.kind for item in items] == sorted((item.kind for item in items), reverse=True)
        for kind in ("real", "best"):
            of_kind = [item for item in items if item.kind == kind]
            assert [item.practice for item in of_kind] == sorted((item.practice for item in of_kind), reverse=True)
        place = {item.name: i for i, item in enumerate(items)}
        for item in items:
            assert item.repeats is None or place[item.name] - place[item.repeats] > 1
    left = Counter(study.shown(item, rater)[0] for rater in range(1, 41) for item in study.items if item.kind == "best")
    shares = Counter(key.of[name] for name in left.elements())
    assert all(0.25 < shares[method] / shares.total() < 0.42 for method in key.methods)  # a third is on the left


def test_several_judged_methods_are_shared_out_among_raters(request_of):
    make(request := request_of(judged=("ours", "other"), repeats=0))
    study = read_study(request.out)
    key = read_key(request.out, study)
    for rater, method in ((1, "ours"), (2, "other"), (3, "ours")):
        single = Counter(
            key.of[item.pictures[0]] for item in study.items_of(rater) if item.kind == "real" and item.counts
        )
        assert single == {REAL: 4, method: 4}


def test_the_same_command_again_leaves_it_and_another_is_refused(request_of, capsys):
    make(request_of())
    before = (request_of().out / KEY).stat().st_mtime_ns
    make(request_of())
    assert "there already" in capsys.readouterr().out
    assert (request_of().out / KEY).stat().st_mtime_ns == before
    with pytest.raises(InputError, match="made otherwise"):
        make(request_of(seed=5))


def test_a_text_file_as_picture_is_one_sentence_and_nothing_is_left(request_of, results, tmp_path, capsys):
    spoilt = tmp_path / "spoilt"
    spoilt.mkdir()
    for path in results["ours"].iterdir():
        (spoilt / path.name).write_text("no picture")
    words = ["study", "make", "--results", f"ours={spoilt}", "--data", str(request_of().data), "--real", "4"]
    before = set(tmp_path.rglob("*"))
    assert main([*words, "--out", str(tmp_path / "new")]) == 2
    error = capsys.readouterr().err.strip()
    assert len(error.splitlines()) == 1
    assert "is not a readable image" in error
    assert {path for path in tmp_path.rglob("*") if not path.name.endswith(".lock")} == before


@pytest.mark.parametrize("name", ["<b>ours</b>", "../ours", "real", "a|b", "", "x" * 41, "ours\n"])
def test_a_methods_name_is_no_markup_and_no_path(name, request_of, results):
    with pytest.raises(InputError, match="names a method"):
        request_of(results={name: results["ours"]})


def test_pictures_of_different_sizes_need_one(request_of, results, tmp_path, capsys):
    large = tmp_path / "large"
    large.mkdir()
    for path in results["other"].iterdir():
        Image.open(path).resize((88, 128)).save(large / path.name)
    both = {"ours": results["ours"], "large": large}
    with pytest.raises(InputError, match="give all raters a --size"):
        make(request_of(results=both))
    make(request_of(results=both, size=(64, 44)))
    assert "large are resampled, 128×88 to 64×44" in capsys.readouterr().out


def test_too_few_pictures_are_told(request_of):
    with pytest.raises(InputError, match="16 different targets, and the study asks about 61"):
        make(request_of(real=60))


def test_pictures_of_other_numbers_are_drawn_elsewhere_and_the_same_are_found_again(
    mannequin_root, tmp_path, monkeypatch
):
    drawn = []
    monkeypatch.setattr(demo, "generate", drawn.append)
    for count, seed in ((4, 0), (5, 0), (4, 1), (4, 0)):
        folders, _, listed = demo.draw(tmp_path, mannequin_root, count, seed)
        assert len(listed.read_text().splitlines()) == 1 + count
        assert list(folders.values()) == [request.out / "images" for request in drawn[-2:]]
    outs = [request.out for request in drawn]
    assert len(set(outs)) == 6
    assert outs[:2] == outs[6:]


def test_a_study_whose_list_leads_out_of_its_folder_is_refused(request_of, tmp_path):
    make(request := request_of())
    path = request.out / QUESTIONS
    found = json.loads(path.read_text())
    found["items"][0]["pictures"] = ["../../secret.png"]
    path.write_text(json.dumps(found))
    with pytest.raises(InputError, match="no study's list of questions"):
        read_study(request.out)
