"""A photograph in, its pose found and drawn: ``pose PHOTO``."""

import json

import numpy as np
import pytest
from PIL import Image

from imagpose.__main__ import main
from imagpose.data.body_pose import BodyPose
from imagpose.data.keypoints import visible
from imagpose.generation.photographs import canvas_of_files
from imagpose.generation.request import GenerationRequest

ORIENTATION = 0x0112


def pose(photograph, *words):
    return main(["pose", str(photograph), *map(str, words)])


def test_a_photograph_gives_a_pose_file_and_a_skeleton_over_it(person, capsys):
    path, true = person
    assert pose(path) == 0
    out = capsys.readouterr().out
    assert "found by the detector mannequin" in out
    assert f"The skeleton is in {path.with_name('me_pose.png')}, the pose in {path.with_name('me_pose.json')}." in out
    read = BodyPose.read(path.with_name("me_pose.json"))
    assert read.size == (64, 44)
    both = visible(read.keypoints) & visible(true)
    assert both.sum() >= 14
    assert np.median(np.linalg.norm(read.keypoints - true, axis=1)[both]) < 2
    drawn, photograph = (np.asarray(Image.open(p).convert("RGB"), float) for p in (path.with_name("me_pose.png"), path))
    x, y = read.keypoints[visible(read.keypoints)][0].round().astype(int)
    assert np.abs(drawn[y, x] - photograph[y, x]).max() > 60
    assert (drawn[0] == photograph[0]).all()
    assert pose(path) == 0  # its own files are replaced


def test_a_corrected_pose_stays(person, capsys):
    path, _ = person
    assert pose(path) == 0
    file, drawing = path.with_name("me_pose.json"), path.with_name("me_pose.png")
    corrected = json.loads(file.read_text())
    corrected["keypoints"][10] = [20.0, 30.0]
    file.write_text(json.dumps(corrected))
    drawing.unlink()
    capsys.readouterr()
    assert pose(path) == 2
    assert "me_pose.json is there and says another pose, corrected by hand perhaps" in capsys.readouterr().err
    assert json.loads(file.read_text()) == corrected
    assert not drawing.exists()
    assert pose(path, "--overwrite") == 0
    assert json.loads(file.read_text()) != corrected


def test_the_pose_is_taken_as_source_pose(person, tmp_path):
    """What pose wrote is what generate detects."""
    path, _ = person
    assert pose(path) == 0
    request = GenerationRequest(source=(path,), target_pose=(path.with_name("me_pose.json"),))
    detected = canvas_of_files(request, "mannequin").source_poses[0]
    written = BodyPose.read(path.with_name("me_pose.json"))
    assert detected.keypoints == pytest.approx(written.keypoints, abs=0.01)


def test_of_several_the_largest_or_the_one_that_is_named(two, tmp_path, capsys):
    two.save(tmp_path / "two.png")
    assert pose(tmp_path / "two.png") == 0
    assert "person 1 of 2" in capsys.readouterr().out
    right = BodyPose.read(tmp_path / "two_pose.json").keypoints
    drawn = np.asarray(Image.open(tmp_path / "two_pose.png"))
    assert ((drawn == 255).all(-1)[:, :90]).any()  # a box around the other one
    assert pose(tmp_path / "two.png", "--person", 2, "--overwrite") == 0
    left = BodyPose.read(tmp_path / "two_pose.json").keypoints
    assert left[visible(left), 0].mean() < 100 < right[visible(right), 0].mean()
    assert pose(tmp_path / "two.png", "--person", 3) == 2
    assert "sees 2 people in" in capsys.readouterr().err


def test_nobody_is_told_and_nothing_is_written(tmp_path, capsys):
    Image.new("RGB", (90, 120), (237, 237, 237)).save(tmp_path / "wall.jpg")
    assert pose(tmp_path / "wall.jpg") == 2
    assert "sees nobody in" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["wall.jpg"]


@pytest.mark.parametrize(("orientation", "turn"), [(3, 180), (6, 90), (8, 270)])
def test_exifs_rotation_is_applied(person, tmp_path, orientation, turn):
    path, _ = person
    picture = Image.open(path)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    picture.save(tmp_path / "plain.png")
    picture.rotate(turn, expand=True).save(tmp_path / "turned.png", exif=exif)
    poses = []
    for name in ("plain", "turned"):
        assert pose(tmp_path / f"{name}.png") == 0
        poses.append(json.loads((tmp_path / f"{name}_pose.json").read_text()))
    assert poses[0] == poses[1]
    assert Image.open(tmp_path / "turned_pose.png").size == (44, 64)


def _sixteen_bits(picture):
    return Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("grey.png", lambda picture: picture.convert("L")),
        ("palette.png", lambda picture: picture.convert("P", palette=Image.Palette.ADAPTIVE)),
        ("alpha.png", lambda picture: picture.convert("RGBA")),
        ("print.jpg", lambda picture: picture.convert("CMYK")),
        ("deep.png", _sixteen_bits),
        ("other.webp", lambda picture: picture),
        ("OTHER.BMP", lambda picture: picture),
        ("large.jpg", lambda picture: picture.resize((1100, 1600))),
    ],
)
def test_any_mode_format_and_size(person, tmp_path, name, change):
    change(Image.open(person[0])).save(tmp_path / name)
    assert pose(tmp_path / name, "--out", tmp_path / "out.json") == 0
    assert visible(BodyPose.read(tmp_path / "out.json").keypoints).sum() >= 10


def test_the_pose_of_a_large_photograph_is_in_its_own_pixels(two, tmp_path, monkeypatch):
    two.resize((480, 400)).save(tmp_path / "two.png")
    assert pose(tmp_path / "two.png", "--out", tmp_path / "whole.json") == 0
    monkeypatch.setattr("imagpose.data.pictures.WHOLE", 100_000)
    assert pose(tmp_path / "two.png", "--out", tmp_path / "half.json") == 0
    whole, half = (BodyPose.read(tmp_path / f"{name}.json") for name in ("whole", "half"))
    assert whole.size == half.size == (400, 480)
    both = visible(whole.keypoints) & visible(half.keypoints)
    assert both.sum() >= 12
    assert np.median(np.linalg.norm(whole.keypoints - half.keypoints, axis=1)[both]) < 6


def test_figure_framing_is_shown_and_the_pose_stays_the_photographs(two, tmp_path):
    two.save(tmp_path / "two.png")
    assert pose(tmp_path / "two.png", "--framing", "figure", "--person", 2) == 0
    shown = Image.open(tmp_path / "two_pose.png")
    assert shown.height / shown.width == pytest.approx(64 / 44, abs=0.04)
    assert 80 < shown.height < 115  # the smaller one was 96 pixels high
    assert BodyPose.read(tmp_path / "two_pose.json").size == (200, 240)


@pytest.mark.parametrize("out", ["--out", "--show"])
def test_either_both_files_or_none(person, tmp_path, capsys, out):
    path, _ = person
    there = tmp_path / ("mine.json" if out == "--out" else "mine.png")
    there.write_text('{"mine": true}')
    assert pose(path, out, there) == 2
    assert str(there) in capsys.readouterr().err
    assert sorted(one.name for one in tmp_path.iterdir()) == sorted(["me.jpg", there.name])
    assert there.read_text() == '{"mine": true}'


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--picture", "x.png"), "a photograph itself"),
        (("--pose-size", "64x44"), "a photograph itself"),
        (("--detector", "nope"), "detector"),
        (("--detector-weights", "nowhere"), "nowhere"),
        (("--person", "0"), "person"),
    ],
)
def test_what_a_photograph_does_not_take(person, capsys, words, sentence):
    assert pose(person[0], *words) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("words", [("--person", "1"), ("--detector", "mannequin"), ("--framing", "figure")])
def test_a_pose_file_does_not_take_what_a_photograph_does(words, tmp_path, capsys):
    (tmp_path / "me.json").write_text(json.dumps({"size": [64, 44], "keypoints": [[3, 4]] * 18}))
    assert pose(tmp_path / "me.json", "--show", *words) == 2
    assert "for a photograph" in capsys.readouterr().err
