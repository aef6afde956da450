import numpy as np
import pytest

from imagpose.data.mannequins import people
from imagpose.data.mannequins.body import Body
from imagpose.data.mannequins.casting import Cast
from imagpose.data.mannequins.drawing import draw
from imagpose.data.mannequins.visibility import shown

SIZE = (128, 88)
VIEWS = {"front": 0, "three quarters": 30, "side": 90, "back": 180}


def somebody(number: int, azimuth: float, pose: int = 0):
    return people.draw_joint_angles(np.random.default_rng([1, number, pose]), azimuth)


@pytest.fixture(params=range(3))
def person(request):
    return people.draw_person(np.random.default_rng([0, request.param]))


def test_a_picture_shows_all_of_itself_and_a_back_hardly_anything_of_a_front(person):
    poses = [somebody(0, azimuth) for azimuth in VIEWS.values()]
    bodies = [Body.of(person, pose) for pose in poses]
    silhouette = draw(person, poses[0], SIZE).silhouette
    seen = shown(bodies[0], bodies, SIZE)
    assert seen.shape == (4, *SIZE)
    assert not seen[:, ~silhouette].any()
    front, quarters, side, back = seen[:, silhouette].mean(1)
    assert front > 0.995
    assert 0.75 < quarters < 0.99
    assert 0.2 < side < 0.75
    assert back < 0.12


def test_what_is_shown_has_the_same_paint_there(person):
    """The solid and the place on it that the source shows are those of the target, so the paint is the same."""
    ours, theirs = (Body.of(person, somebody(1, azimuth, pose)) for azimuth, pose in ((10, 0), (40, 1)))
    cast, other = Cast.of(ours, SIZE), Cast.of(theirs, SIZE)
    seen = np.repeat(np.repeat(shown(ours, [theirs], SIZE)[0], cast.samples, 0), cast.samples, 1)
    found = there = 0
    for index, rays in cast.met():
        rays = rays[seen.flat[rays]][::7]
        at = np.flatnonzero(other.owner == index)
        if not len(rays):
            continue
        there += len(rays)
        if len(at):  # each place on the solid is among those that the source's picture shows of it
            far = np.abs(cast.along.flat[rays][:, None] - other.along.flat[at][None])
            turn = np.abs(np.angle(np.exp(1j * (cast.angle.flat[rays][:, None] - other.angle.flat[at][None]))))
            found += ((far < 0.03) & (turn < 0.35)).any(1).sum()
    assert there > 300
    assert found / there > 0.93


def test_more_sources_show_more_and_what_is_covered_is_not_shown(person):
    poses = [somebody(2, azimuth) for azimuth in (0, 60, -60)]
    bodies = [Body.of(person, pose) for pose in poses]
    one, several = shown(bodies[0], bodies[1:2], SIZE).any(0), shown(bodies[0], bodies[1:], SIZE).any(0)
    assert not (one & ~several).any()
    assert several.sum() > one.sum()
    assert not shown(bodies[0], [], SIZE).any()
