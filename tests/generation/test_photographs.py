"""A photograph in, its pose found, a picture out: ``pose PHOTO``, and ``generate`` without ``--source_pose``."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from imagpose import ImagposePipeline
from imagpose.__main__ import main
from imagpose.data.body_pose import BodyPose
from imagpose.data.images import open_view
from imagpose.data.keypoints import visible
from imagpose.data.pose_detector import found
from imagpose.data.readers.deepfashion import DeepFashion
from imagpose.generation.model import ChosenModel, Trained
from imagpose.generation.photographs import canvas_of_files
from imagpose.generation.request import GenerationRequest
from imagpose.models.pipeline_folder import detector_of

ORIENTATION = 0x0112


@pytest.fixture(scope="module")
def two(mannequin_root) -> Image.Image:
    """Two held-out people in one photograph, the one on the right being larger."""
    index = DeepFashion(mannequin_root)
    names = [name for name in index.splits["test"] if "_1front" in name][:2]
    one, other = (open_view(index.records[name]) for name in names)
    photograph = Image.new("RGB", (240, 200), (237, 237, 237))
    photograph.paste(one.resize((66, 96)), (20, 70))
    photograph.paste(other.resize((132, 192)), (100, 4))
    return photograph


@pytest.fixture
def person(mannequin_root, tmp_path):
    """One held-out person's picture, and where the true pose of it is."""
    index = DeepFashion(mannequin_root)
    name = next(name for name in index.splits["test"] if "_1front" in name)
    shutil.copy(index.records[name].path, tmp_path / "me.jpg")
    return tmp_path / "me.jpg", index.records[name].keypoints_at((64, 44))


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
    assert pose(tmp_path / "two.png", "--person", 2) == 0
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


# generate ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def weights(make_module, tmp_path):
    """A pipeline folder of random weights, trained on mannequins as it says."""
    module = make_module()
    module.image_size = (64, 44)
    pipe = ImagposePipeline.of_module(module)
    pipe.register_to_config(detector="mannequin")
    pipe.save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def _generate(weights, path, *words):
    return main(["generate", "--model", str(weights), "--out", str(path.parent / "out"), "--steps", "2", "--source",
                 str(path), "--target_pose", str(path.with_name("pose.json")), *words])  # fmt: skip


@pytest.fixture
def target(person):
    path, true = person
    BodyPose((64, 44), true).write(path.with_name("pose.json"))
    return path


def test_sources_without_poses_are_looked_at(target, weights, capsys):
    assert _generate(weights, target) == 0
    assert "found by the detector mannequin, which fits" in capsys.readouterr().out
    out = target.parent / "out"
    settings = json.loads((out / "settings.json").read_text())
    assert settings["detector"] == "mannequin"
    assert not {"framing", "source_pose"} & settings.keys()
    record = json.loads(Image.open(out / "images/1_pose.png").text["imagpose"])
    assert record["detector"] == "mannequin"
    assert _generate(weights, target) == 0  # nothing is made again
    assert "there already" in capsys.readouterr().out
    assert _generate(weights, target, "--framing", "figure") == 2
    assert "framing as usual" in capsys.readouterr().err
    assert _generate(weights, target, "--framing", "figure", "--overwrite", "--person", "1") == 0
    settings = json.loads((out / "settings.json").read_text())
    assert (settings["framing"], settings["person"]) == ("figure", ["1"])


def test_a_given_pose_is_drawn_as_before(target, weights):
    assert _generate(weights, target, "--source_pose", str(target.with_name("pose.json"))) == 0
    settings = json.loads((target.parent / "out/settings.json").read_text())
    assert not {"detector", "framing", "person"} & settings.keys()


def test_the_detector_is_the_one_that_fits_the_model_or_is_named(target, weights, monkeypatch, capsys):
    index = json.loads((weights / "model_index.json").read_text())
    del index["detector"]
    (weights / "model_index.json").write_text(json.dumps(index))
    asked = []

    class Fake:
        def detect(self, picture):
            points = np.stack([np.linspace(2, 40, 18), np.linspace(2, 60, 18)], axis=1)
            return [found(points, np.ones(18), (picture.height, picture.width), 0.5)]

    def load(name, device="cpu", weights=None):
        asked.append((name, weights))
        return Fake()

    monkeypatch.setattr("imagpose.generation.photographs.load_detector", load)
    assert _generate(weights, target) == 0
    assert f"18 of 18 joints, found by the detector rtmlib, which fits {weights}." in capsys.readouterr().out
    assert _generate(weights, target, "--overwrite", "--detector", "blazepose", "--detector_weights", "mine") == 0
    assert "found by the detector blazepose." in capsys.readouterr().out
    assert asked == [("rtmlib", None), ("blazepose", "mine")]
    settings = json.loads((target.parent / "out/settings.json").read_text())
    assert (settings["detector"], settings["detector_weights"]) == ("blazepose", "mine")


def test_the_shipped_model_knows_mannequins_and_its_folder_keeps_saying_so(tmp_path):
    assert Trained.of(ChosenModel()).detector == "mannequin"
    ImagposePipeline.from_pretrained("mannequin-demo").save_pretrained(tmp_path / "again")
    assert detector_of(tmp_path / "again") == "mannequin"


def test_a_folder_that_names_no_detector_of_ours_is_not_read(target, weights, capsys):
    index = json.loads((weights / "model_index.json").read_text())
    (weights / "model_index.json").write_text(json.dumps({**index, "detector": "os.system"}))
    assert _generate(weights, target) == 2
    assert "says detector 'os.system'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--person", "2"), "sees 1 person"),
        (("--person", "1", "--person", "1"), "2 --person"),
        (("--person", "0"), "person"),
        (("--source_pose", "POSE", "--person", "1"), "--source_pose"),
        (("--source_pose", "POSE", "--detector", "mannequin"), "--source_pose"),
        (("--detector", "openpose"), "detector"),
        (("--framing", "nope"), "framing"),
    ],
)
def test_what_is_refused(target, weights, capsys, words, sentence):
    given = [str(target.with_name("pose.json")) if word == "POSE" else word for word in words]
    assert _generate(weights, target, *given) == 2
    assert sentence in capsys.readouterr().err
    assert not (target.parent / "out").exists()


@pytest.mark.parametrize("words", [("--person", "1"), ("--detector", "mannequin"), ("--framing", "figure")])
def test_lists_take_none_of_it(words, mannequin_root, tmp_path, capsys):
    pairs = mannequin_root / "fashion-pairs-test.csv"
    assert main(["generate", "--data", str(mannequin_root), "--pairs", str(pairs), *words]) == 2
    assert "pictures of your own" in capsys.readouterr().err
