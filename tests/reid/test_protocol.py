"""The protocol of Market-1501: its laws, and a plain loop that is held to it."""

import math

import numpy as np
import pytest
import torch

from imagpose.data.readers.market1501 import DISTRACTOR, JUNK, Sighting
from imagpose.errors import InputError
from imagpose.reid.protocol import Ranking, Seen, rank


def seen(features, persons, cameras) -> Seen:
    return Seen(torch.as_tensor(features).float(), torch.tensor(persons), torch.tensor(cameras))


def drawn(seed=0, queries=40, gallery=300, people=12, width=6) -> tuple[Seen, Seen]:
    """Features that tell people apart a little, with junk, distractors and pictures that are equal."""
    rng = np.random.default_rng(seed)

    def some(count, persons):
        persons = rng.choice(persons, count)
        centres = np.random.default_rng(1).normal(size=(people + 2, width))
        features = np.round(centres[persons] + rng.normal(size=(count, width)), 0)  # many are equal
        return seen(features, persons.tolist(), rng.integers(1, 7, count).tolist())

    return some(queries, np.arange(1, people + 1)), some(gallery, np.array([JUNK, DISTRACTOR, *range(1, people)]))


def by_hand(query: Seen, gallery: Seen) -> Ranking:
    """One query and one picture after the other."""
    precision, first = [], []
    for feature, person, camera in zip(*map(torch.Tensor.tolist, query), strict=True):
        found = []
        for other, who, where in zip(*map(torch.Tensor.tolist, gallery), strict=True):
            if who == JUNK or (who == person and where == camera):
                continue
            norm = math.hypot(*feature) * math.hypot(*other)
            cosine = sum(a * b for a, b in zip(feature, other, strict=True)) / norm if norm else 0.0
            found.append((round(1 - cosine, 9), who == person))
        hits = [place for place, (_, match) in enumerate(sorted(found), start=1) if match]
        first.append(hits[0] if hits else 0)
        precision.append(sum(n / place for n, place in enumerate(hits, start=1)) / max(len(hits), 1))
    return Ranking(torch.tensor(first) > 0, torch.tensor(precision).double(), torch.tensor(first))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("chunk", [1, 7, 256])
def test_it_is_a_plain_loop_in_chunks(seed, chunk):
    query, gallery = drawn(seed)
    found, expected = rank(query, gallery, chunk), by_hand(query, gallery)
    assert found.counted.tolist() == expected.counted.tolist()
    assert not found.counted.all()  # a person is in no gallery
    assert found.first.tolist() == expected.first.tolist()
    torch.testing.assert_close(found.average_precision, expected.average_precision, atol=1e-6, rtol=0)


def test_a_perfect_feature_scores_one_and_a_random_one_chance():
    rng = np.random.default_rng(0)
    persons, cameras = np.arange(1, 51).repeat(6), np.tile(np.arange(1, 7), 50)
    identity = np.eye(51)[persons]
    queries = slice(0, None, 6)
    query, gallery = (seen(identity[s], persons[s].tolist(), cameras[s].tolist()) for s in (queries, slice(None)))
    perfect = rank(query, gallery).values()
    assert {name: value.mean().item() for name, value in perfect.items()} == dict.fromkeys(perfect, 1.0)
    scores = []
    for _ in range(20):
        noise = rng.normal(size=(len(persons), 16))
        parts = (seen(noise[s], persons[s].tolist(), cameras[s].tolist()) for s in (queries, slice(None)))
        scores.append(rank(*parts).values())
    chance = 5 / 299  # five matches among what is left of 300
    assert torch.cat([one["rank1"] for one in scores]).mean().item() == pytest.approx(chance, abs=0.01)
    assert 0.01 < torch.cat([one["map"] for one in scores]).mean().item() < 0.05


def test_the_average_precision_of_a_case_written_out():
    gallery = seen([[1, 0.1], [1, 0.2], [1, 0.3], [1, 0.4], [1, 0.5]], [1, 2, 1, 3, 1], [2, 2, 2, 2, 3])
    found = rank(seen([[1.0, 0]], [1], [1]), gallery)
    assert found.average_precision.item() == pytest.approx((1 / 1 + 2 / 3 + 3 / 5) / 3)
    assert found.first.item() == 1


def test_junk_is_dropped_distractors_stay_and_the_own_camera_is_left_out():
    near, far = [1, 0.0], [1, 1.0]
    query = seen([near], [5], [1])
    match = (far, 5, 2)

    def first(*others):
        return rank(query, seen(*map(list, zip(*others, match, strict=True)))).first.item()

    assert first() == 1
    assert first((near, JUNK, 2)) == 1
    assert first((near, 5, 1)) == 1
    assert first((near, DISTRACTOR, 1)) == 2  # another's picture by the same camera is no own one
    assert first((near, 6, 1)) == 2
    assert first((near, 5, 3)) == 1


def test_a_query_without_a_match_is_skipped():
    query = seen([[1, 0.0], [1, 0.1]], [5, 6], [1, 1])
    gallery = seen([[1, 0.0], [0, 1.0], [1, 1.0]], [5, 6, 7], [1, 2, 2])  # the first's only match is on its own camera
    found = rank(query, gallery)
    assert found.counted.tolist() == [False, True]
    assert {len(values) for values in found.values().values()} == {1}


def test_of_equal_distances_wrong_people_come_first_whatever_the_gallery_s_order():
    query = seen([[1, 0.0]], [5], [1])
    for order in ([0, 1, 2], [2, 1, 0], [1, 0, 2]):
        persons = [[5, 6, 7][i] for i in order]
        found = rank(query, seen([[2.0, 0], [1, 0], [3, 0]], persons, [2, 2, 2]))
        assert found.first.item() == 3
        assert found.average_precision.item() == pytest.approx(1 / 3)


def test_the_gallery_s_order_and_the_features_length_do_not_matter():
    query, gallery = drawn(5)
    order = torch.randperm(len(gallery.persons), generator=torch.Generator().manual_seed(0))
    shuffled = Seen(gallery.features[order] * 7, gallery.persons[order], gallery.cameras[order])
    assert torch.equal(rank(query, gallery).average_precision, rank(query, shuffled).average_precision)


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_features_that_are_no_numbers_are_refused(bad):
    query, gallery = drawn()
    gallery.features[3, 2] = bad
    with pytest.raises(InputError, match="gallery have numbers that are not finite"):
        rank(query, gallery)
    with pytest.raises(InputError, match="query are 5 wide and those of the gallery 6"):
        rank(Seen(query.features[:, :5], *query[1:]), drawn()[1])


# Names --------------------------------------------------------------------------------------------------------------


def published_names() -> dict[str, list[str]]:
    """Names in the published shape: so many pictures, people, junk and distractors in each folder."""
    rng = np.random.default_rng(0)

    def names(persons, total, one_a_camera=False):
        listed = []
        for number in range(total):
            person = persons[number % len(persons)]
            camera = 1 + number // len(persons) if one_a_camera else int(rng.integers(1, 7))
            listed.append(f"{person}_c{camera}s{rng.integers(1, 7)}_{number:06d}_{rng.integers(0, 9):02d}.jpg")
        return listed

    train = [f"{person:04d}" for person in range(2, 1503, 2)]
    test = [f"{person:04d}" for person in range(1, 1502, 2)][:750]
    assert (len(train), len(test)) == (751, 750)
    gallery = [*names(["-1"], 3819), *names(["0000"], 2798), *names(test, 13115)]
    return {
        "bounding_box_train": names(train, 12936), "query": names(test, 3368, True), "bounding_box_test": gallery,
    }  # fmt: skip


def test_market_1501_s_names_are_counted_as_published():
    found = {folder: [Sighting.parse(name) for name in names] for folder, names in published_names().items()}
    assert len(found["bounding_box_test"]) == 19_732
    people = {folder: {one.person for one in of} for folder, of in found.items()}
    assert len(found["bounding_box_train"]) == 12_936
    assert len(people["bounding_box_train"]) == 751
    assert len(found["query"]) == 3_368
    assert len([one for one in found["bounding_box_test"] if one.person != JUNK]) == 15_913
    assert len([one for one in found["bounding_box_test"] if one.person == DISTRACTOR]) == 2_798
    assert not people["bounding_box_train"] & people["query"]
    some, all_of = found["query"][::16], found["bounding_box_test"]
    assert rank(*(Seen.of(torch.ones(len(of), 2), of) for of in (some, all_of))).counted.all()


def test_a_name_tells_person_and_camera():
    assert Sighting.parse("query/0264_c3s1_061292_02.jpg") == ("0264_c3s1_061292_02.jpg", 264, 3)
    assert Sighting.parse("1488_c5s3_071737_01.jpg.jpg") == ("1488_c5s3_071737_01.jpg", 1488, 5)
    assert Sighting.parse("-1_c1s1_000401_03.jpg").person == JUNK
    assert Sighting.parse("0000_c1s1_000401_03.jpg").person == DISTRACTOR
    assert Sighting.parse("Thumbs.db") is None
