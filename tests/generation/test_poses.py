"""``pose`` from the command line: a dataset's, and anybody's pose files drawn and written in our form."""

import json
import warnings

import numpy as np
import pytest
from PIL import Image

from imagpose.__main__ import main
from imagpose.data.body_pose import BodyPose
from imagpose.generation.poses import over
from tests.data.test_pose_forms import POINTS, SIZE, coco, triples

OPENPOSE = {"people": [{"pose_keypoints_2d": triples(POINTS)}]}
RELATIVE = {"people": [{"pose_keypoints_2d": triples(POINTS / (88, 128))}]}
OURS = {"size": SIZE, "keypoints": POINTS.tolist()}


@pytest.fixture
def files(tmp_path):
    """A picture and its pose in a form that says no size."""
    Image.new("RGB", SIZE[::-1], (10, 200, 30)).save(tmp_path / "me.png")
    (tmp_path / "me.json").write_text(json.dumps(OPENPOSE))
    return tmp_path


def run(files, *words):
    return main(["pose", *[str(files / word[1:]) if word.startswith("@") else word for word in words]])


@pytest.mark.parametrize(
    "found",
    [OURS, OPENPOSE, {"keypoints": coco(POINTS)}, {"people": [{"pose_keypoints_2d": triples(POINTS / (88, 128))}]}],
)
def test_any_form_is_drawn_over_its_picture(found, files, capsys):
    (files / "me.json").write_text(json.dumps(found))
    assert run(files, "@me.json", "--show", "--picture", "@me.png") == 0
    out = capsys.readouterr().out
    assert "18 of 18 joints in a frame of 128×88" in out
    assert f"The skeleton is in {files / 'me_pose.png'}" in out
    drawn = np.asarray(Image.open(files / "me_pose.png"))
    assert drawn.shape == (*SIZE, 3)
    assert (drawn[0, -1] == (10, 200, 30)).all(), "the picture is seen where no joint is"
    x, y = BodyPose.read(files / "me.json", SIZE).keypoints[-1].round().astype(int)
    assert np.abs(drawn[y, x].astype(int) - (255, 0, 85)).max() <= 1, "joints are opaque, in OpenPose's colours"


def test_without_a_picture_it_lies_on_black_and_our_form_is_written(files, capsys):
    assert run(files, "@me.json", "--show", "@drawn.png", "--out", "@ours.json", "--pose-size", "128x88") == 0
    pose = BodyPose.read(files / "ours.json")
    assert pose.size == SIZE
    np.testing.assert_allclose(pose.keypoints, POINTS, atol=0.01)
    drawn = np.asarray(Image.open(files / "drawn.png"))
    assert np.abs(drawn.astype(int) - np.asarray(over(pose))).max() <= 2  # hundredths of a pixel are written
    assert (drawn[0, -1] == 0).all()
    assert not list(files.glob(".*")), "nothing half-written is left"


def test_over_a_picture_of_another_scale(files):
    Image.new("RGB", (2 * SIZE[1], 2 * SIZE[0])).save(files / "large.png")
    (files / "ours.json").write_text(json.dumps(OURS))
    assert run(files, "@ours.json", "--show", "--picture", "@large.png") == 0
    drawn = np.asarray(Image.open(files / "ours_pose.png"))
    assert drawn.shape == (256, 176, 3)
    x, y = (POINTS[9] * 2 + 0.5).round().astype(int)
    assert drawn[y, x].max() == 255


def test_somebody_elses_files_are_not_replaced_and_ours_are(files, capsys):
    Image.new("RGB", (4, 4)).save(files / "me_pose.png")
    (files / "notes.json").write_text('{"my": "notes"}')
    before = (files / "me_pose.png").read_bytes()
    show = ("@me.json", "--pose-size", "128x88", "--show")
    assert run(files, *show) == 2
    assert "me_pose.png is there and not a pose drawn by this command" in capsys.readouterr().err
    assert run(files, *show, "@notes.json") == 2
    assert run(files, "@me.json", "--pose-size", "128x88", "--out", "@notes.json") == 2
    assert "notes.json is there and no pose file of our form" in capsys.readouterr().err
    assert run(files, "@me.json", "--pose-size", "128x88", "--out", "@me.json") == 2
    assert "is the pose file itself" in capsys.readouterr().err
    assert (files / "me_pose.png").read_bytes() == before
    assert json.loads((files / "notes.json").read_text()) == {"my": "notes"}
    (files / "me_pose.png").unlink()
    for _ in range(2):
        assert run(files, *show) == run(files, "@me.json", "--pose-size", "128x88", "--out", "@ours.json") == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "give a pose FILE with --show or --out, or --data, --image and --out"),
        (("@me.json",), "Say what to do with"),
        (("@me.json", "--show", "--image", "a"), "give either a FILE, or --data and --image"),
        (("--show", "--data", "@.", "--image", "a", "--out", "@b"), "are for a pose FILE, which is missing"),
        (("@me.json", "--show"), "does not say the size of its frame; add --pose_size HEIGHTxWIDTH"),
        (
            ("@me.json", "--show", "--pose-size", "88"),
            "--pose_size is 88; it must be a height and a width such as 256x176",
        ),
        (("@none.json", "--show"), "There is no pose file"),
        (("@me.json", "--show", "--picture", "@none.png"), "There is no picture"),
        (("@wide.json", "--show", "--picture", "@me.png"), "says a frame of 128×128 and its picture"),
        (("@huge.json", "--show"), "too large to draw"),
        (("@me.json", "--pose-size", "128x88", "--show", "@no/where.png"), "where.png cannot be written"),
        (("@me.json", "--pose-size", "128x88", "--out", "@no/where.json"), "where.json cannot be written"),
        (("@me.json", "--pose-size", "128x88", "--show", "@."), "cannot be written"),
    ],
)
def test_mistakes_are_one_sentence(words, sentence, files, capsys):
    (files / "wide.json").write_text(json.dumps({**OURS, "size": [128, 128]}))
    (files / "huge.json").write_text(json.dumps({**OURS, "size": [20_000, 20_000]}))
    before = sorted(files.iterdir())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert run(files, *words) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert len(error.strip().splitlines()) == 1
    assert sorted(files.iterdir()) == before


@pytest.mark.parametrize("option", ["--show", "--out"])
def test_a_full_disk_leaves_nothing(option, files, monkeypatch, capsys):
    def full(self, *args, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    monkeypatch.setattr("pathlib.Path.write_text", full)
    before = sorted(files.iterdir())
    assert run(files, "@me.json", "--pose-size", "128x88", option, "@out") == 2
    assert "cannot be written (No space left on device)" in capsys.readouterr().err
    assert sorted(files.iterdir()) == before
