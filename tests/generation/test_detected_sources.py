"""``generate`` without ``--source_pose``: a photograph in, a picture out."""

import json

import numpy as np
import pytest
from PIL import Image

from imagpose import ImagposePipeline
from imagpose.__main__ import main
from imagpose.data.body_pose import BodyPose
from imagpose.data.pose_detector import found
from imagpose.generation.model import ChosenModel, Trained
from imagpose.models.pipeline_folder import detector_of


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
