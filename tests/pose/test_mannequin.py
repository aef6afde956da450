"""The detector that ships finds held-out mannequins: as drawn, and small, aside and several in a photograph."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from imagpose.data.body_pose import BodyPose
from imagpose.data.images import open_view
from imagpose.data.keypoints import FLIP_ORDER, JOINTS, visible
from imagpose.data.mannequins.drawing import draw
from imagpose.data.mannequins.people import draw_joint_angles, draw_person
from imagpose.data.readers.deepfashion import DeepFashion
from imagpose.errors import InputError
from imagpose.models import weights
from imagpose.pose.detectors import load_detector
from imagpose.pose.mannequin import NAME, MannequinDetector
from imagpose.pose.network import CELL, WINDOW, PoseNetwork, maps_of, places
from imagpose.pose.pck import score_joints
from imagpose.pose.windows import Window


@pytest.fixture(scope="module")
def detector():
    return load_detector("mannequin")


def _drawn(seed: int, azimuth: float = 0, size: tuple[int, int] = (160, 110), busy: int | None = None):
    rng = np.random.default_rng([77, seed])
    return draw(draw_person(rng), draw_joint_angles(rng, azimuth), size, busy)


def _photograph(figures, size=(300, 420)):
    """Pictures of figures beside each other on a wall, each (drawing, height, left, top), and their true joints."""
    height, width = size
    shade = np.linspace(150, 215, width)[None, :, None] * np.array([1.0, 0.95, 0.85])
    photograph = Image.fromarray(np.broadcast_to(shade, (height, width, 3)).astype(np.uint8))
    truths = []
    for drawing, tall, left, top in figures:
        wide = round(tall * drawing.image.shape[1] / drawing.image.shape[0])
        mask = Image.fromarray(drawing.silhouette.astype(np.uint8) * 255).resize((wide, tall))
        photograph.paste(Image.fromarray(drawing.image).resize((wide, tall)), (left, top), mask)
        scale = tall / drawing.image.shape[0]
        points = (drawing.keypoints + 0.5) * scale - 0.5 + (left, top)
        truths.append(np.where(visible(drawing.keypoints)[:, None], points, -1.0))
    return photograph, truths


def test_held_out_pictures(detector, mannequin_root):
    index = DeepFashion(mannequin_root)
    truth, found = [], []
    for name in index.splits["test"]:
        picture = open_view(index.records[name])
        people = detector.detect(picture)
        assert len(people) == 1
        truth.append(index.records[name].keypoints_at((picture.height, picture.width)))
        found.append(people[0].pose)
        assert 0.4 < people[0].score <= 1
    scores = score_joints(truth, found)
    assert scores.pck >= 0.9


def test_a_face_that_is_turned_away_is_missing(detector):
    noses = [
        [visible(detector.detect(Image.fromarray(_drawn(seed, azimuth).image))[0].pose.keypoints)[JOINTS.index("nose")]
         for seed in range(6)] for azimuth in (0, 180)
    ]  # fmt: skip
    assert sum(noses[0]) >= 5
    assert sum(noses[1]) <= 1


def test_a_small_figure_anywhere_in_a_photograph(detector):
    places_of = [(150, 20, 100), (220, 240, 60), (110, 180, 20), (280, 130, 10)]
    truth, found = [], []
    for seed, (tall, left, top) in enumerate(places_of):
        photograph, (true,) = _photograph([(_drawn(seed, busy=None), tall, left, top)])
        people = detector.detect(photograph)
        truth.append(true)
        found.append(people[0].pose if people else None)
    assert score_joints(truth, found).pck >= 0.85


def test_several_people_come_largest_first(detector):
    photograph, truths = _photograph([(_drawn(5), 150, 20, 120), (_drawn(6), 260, 220, 20)])
    people = detector.detect(photograph)
    assert len(people) == 2
    scores = score_joints(truths[::-1], [one.pose for one in people])
    assert scores.pck >= 0.8


def test_nobody(detector):
    assert detector.detect(Image.new("RGB", (200, 300), (237, 237, 237))) == []
    shade = np.linspace(0, 255, 200)[None, :, None] * np.ones((300, 1, 3))
    assert detector.detect(Image.fromarray(shade.astype(np.uint8))) == []


def test_a_mirrored_picture_shows_the_other_sides(detector):
    drawn = _drawn(1)
    picture = Image.fromarray(drawn.image)
    one = detector.detect(picture)[0].pose.keypoints
    other = detector.detect(picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT))[0].pose.keypoints[list(FLIP_ORDER)]
    both = visible(one) & visible(other)
    assert both.sum() >= 12
    other[:, 0] = picture.width - 1 - other[:, 0]
    assert np.median(np.linalg.norm(one - other, axis=1)[both]) < 0.03 * picture.height


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK"])
def test_any_mode(detector, mode):
    picture = Image.fromarray(_drawn(2).image)
    plain = detector.detect(picture)
    other = detector.detect(picture.convert(mode))
    assert len(plain) == len(other) == 1
    assert other[0].pose.size == (160, 110)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (3, 4)])
def test_any_size(detector, size):
    assert isinstance(detector.detect(Image.new("RGB", size, "white")), list)


def test_an_untrained_network_says_what_is_in_the_contract():
    torch.manual_seed(0)
    for one in MannequinDetector(PoseNetwork()).detect(Image.new("RGB", (50, 80))):
        assert isinstance(one.pose, BodyPose)
        assert visible(one.pose.keypoints).sum() >= 4


def test_weights_are_small_and_of_their_own_kind(tmp_path):
    folder = weights.find(NAME)
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 850_000  # half as much found 5 % fewer joints
    (tmp_path / "config.json").write_text(json.dumps({"_class_name": "AutoencoderKL"}))
    with pytest.raises(InputError, match="AutoencoderKL' and no PoseNetwork"):
        load_detector("mannequin", weights=str(tmp_path))
    with pytest.raises(InputError, match="nowhere"):
        load_detector("mannequin", weights="nowhere")


# Parts ---------------------------------------------------------------------------------------------------------------


def test_a_place_is_read_from_the_map_that_stands_for_it():
    at = torch.rand(3, len(JOINTS), 2) * (WINDOW - 4 * CELL) + 2 * CELL
    maps = maps_of(at, (WINDOW // CELL, WINDOW // CELL))
    assert torch.allclose(maps.sum((-2, -1)), torch.ones(3, len(JOINTS)))
    assert (places(maps.clamp(min=1e-12).log()) - at).abs().max() < 0.2


def test_a_window_shows_what_its_pixels_lead_back_to():
    pixels = np.zeros((40, 80, 3), np.uint8)
    pixels[10:14, 60:64] = 255
    picture = Image.fromarray(pixels)
    whole = Window.of_whole(picture)
    assert (whole.left, whole.top, whole.side) == (0, -20, 80)
    seen = whole.cut(picture)
    assert (seen[:, :16] == 0).all()  # above the picture
    assert seen[:, 17:47].amax() > 0
    assert (seen[:, 48:] == 0).all()
    weight = (seen[0] + 1) * (seen[0] != 0)
    row, column = np.unravel_index(int(weight.argmax()), (WINDOW, WINDOW))
    assert whole.to_picture(np.array([column, row])) == pytest.approx([61.5, 11.5], abs=1.3)
    around = Window.around(50, 0, 70, 30, margin=1.5)
    assert (around.left, around.top, around.side) == (60 - 22.5, 15 - 22.5, 45)
