"""``generate``, ``export`` and ``pose`` from the command line."""

import json

import numpy as np
import pytest
from PIL import Image

import imagpose.generation
from imagpose.__main__ import main
from imagpose.data import pictures
from imagpose.data.body_pose import BodyPose
from imagpose.data.readers.deepfashion import DeepFashion
from imagpose.errors import InputError


def test_pictures_sheet_and_settings(generate, tmp_path, capsys):
    assert generate(targets=(1, 2, 3)) == 0
    out = tmp_path / "out"
    assert sorted(path.name for path in (out / "images").iterdir()) == ["1_1.png", "2_2.png", "3_3.png"]
    with Image.open(out / "images" / "1_1.png") as image:
        assert image.size == (44, 64)
        assert "Synthetic image" in image.text["Description"]
        assert image.text["DigitalSourceType"] == "trainedAlgorithmicMedia"
        assert json.loads(image.text["imagpose"])["steps"] == 2
    settings = json.loads((out / "settings.json").read_text())
    assert settings["seed"] == 0
    assert settings["guidance"] == 2.0
    with Image.open(out / "contact_sheet.png") as sheet:
        assert sheet.width > 7 * 44
        assert len(np.unique(np.asarray(sheet).reshape(-1, 3), axis=0)) > 100
    assert f"3 pictures are in {out / 'images'}" in capsys.readouterr().out


def test_what_exists_is_skipped_unless_overwritten_and_never_mixed(generate, tmp_path, capsys):
    assert generate() == 0
    picture = tmp_path / "out" / "images" / "1_1.png"
    first = picture.read_bytes()
    written = picture.stat().st_mtime_ns
    assert generate() == 0
    said = capsys.readouterr().out
    assert "1 of 1 canvases were there already" in said
    assert f"1 picture is in {picture.parent}" in said
    assert "shows 1 of 1 canvas." in said
    assert picture.stat().st_mtime_ns == written
    assert generate("--seed", "1") == 2
    assert "was made with seed 0, and it is 1 now" in capsys.readouterr().err
    Image.new("RGB", (44, 64)).save(picture)
    assert generate() == 2
    assert "was made by something else" in capsys.readouterr().err
    assert generate("--overwrite") == 0
    assert picture.read_bytes() == first


def test_two_people_are_not_mixed_in_one_folder(generate, tmp_path, capsys):
    assert generate(targets=(1, 2)) == 0
    assert generate(targets=(3,)) == 2
    assert "holds other pictures, such as 1_1.png; name another --out" in capsys.readouterr().err
    assert len(list((tmp_path / "out" / "images").iterdir())) == 2


def _broken(text):
    def spoil(inputs, tmp_path):
        (tmp_path / "pose.json").write_text(text)
        return ["--target-pose", str(tmp_path / "pose.json")]

    return spoil


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ({"source_poses": ()}, [], "a pose file"),
        ({"sources": (0, 1, 2, 3, 0)}, [], "5 source(s) and 1 target pose(s) do not fit 4 panels"),
        ({"targets": (9,)}, [], "There is no pose file"),
        ({"sources": (9,), "source_poses": (0,)}, [], "There is no picture"),
        ({"targets": ()}, [], "give --source, --source_pose and --target_pose, or --data and --pairs"),
        ({}, ["--model", "nowhere"], "Weights 'nowhere' were not found"),
        ({}, ["--run", "runs/nowhere/version_0"], "is no run folder"),
        ({}, ["--scenario", "T3"], "T3 takes several sources"),
        ({}, ["--steps", "none"], "--steps is none; it must be a whole number"),
        ({}, ["--device", "abacus"], "--device abacus cannot be used"),
        ({}, ["--steps", "1001"], "--steps is 1001; it must be a whole number from 1 to 1,000"),
        ({}, ["--seed", "-1"], "--seed is -1; it must be a whole number from 0 to 4,294,967,295"),
        ({}, _broken('{"size": [Infinity, 44], "keypoints": []}'), "is no pose file"),
        ({}, _broken(json.dumps({"size": [64, 44], "keypoints": [[50, 70]] * 18})), "has no visible joint"),
        ({}, _broken('{"size": [64, 44], "keypoints": [[1, 2]]}'), "it holds 1 joint(s)"),
        ({}, _broken(json.dumps({"size": [64, 44], "keypoints": [None] * 18})), "has no visible joint"),
        ({}, _broken("{"), "cannot be read as JSON"),
        ({}, _broken("[]"), "is no pose file"),
    ],
)
def test_mistakes_are_one_sentence_and_leave_nothing(arguments, options, message, generate, inputs, tmp_path, capsys):
    words = options(inputs, tmp_path) if callable(options) else options
    assert generate(*words, **arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
    assert len(error.strip().splitlines()) == 1
    assert not list((tmp_path / "out").rglob("*.png"))


def test_openposes_own_files_are_poses_and_a_source_says_its_size(generate, inputs, weights, tmp_path, capsys):
    for i in (0, 1):
        pose = BodyPose.read(inputs / f"{i}.json")
        triples = [v for x, y in pose.keypoints.tolist() for v in (x, y, float(x >= 0))]
        (inputs / f"{i + 20}.json").write_text(json.dumps({"people": [{"pose_keypoints_2d": triples}]}))
    assert generate(source_poses=(20,), targets=(21,)) == 2
    assert "21.json does not say the size of its frame; add --pose_size" in capsys.readouterr().err
    assert generate("--pose-size", "64x44", source_poses=(20,), targets=(21,)) == 0
    assert generate(out="ours") == 0
    theirs, ours = tmp_path / "out/images/1_21.png", tmp_path / "ours/images/1_1.png"
    assert (np.asarray(Image.open(theirs)) == np.asarray(Image.open(ours))).all()


def test_a_pose_of_another_picture_names_both(generate, inputs, tmp_path, capsys):
    (inputs / "22.json").write_text(json.dumps({"size": [64, 64], "keypoints": [[9, 9]] * 18}))
    assert generate(source_poses=(22,)) == 2
    assert f"{inputs / '22.json'} says a frame of 64×64 and its picture {inputs / '0.jpg'} is 64×44" in (
        capsys.readouterr().err
    )


def test_a_picture_is_opened_once(generate, mannequin_root, weights, tmp_path, monkeypatch):
    opened, open_file = [], pictures._file
    monkeypatch.setattr(pictures, "_file", lambda path, root: opened.append(str(path)) or open_file(path, root))
    assert generate(sources=(0, 2)) == 0
    words = ["generate", "--data", str(mannequin_root), "--pairs", str(mannequin_root / "fashion-pairs-test.csv")]
    assert main([*words, "--model", str(weights), "--steps", "1", "--limit", "3", "--out", str(tmp_path / "list")]) == 0
    given = [path for path in opened if path.endswith(".jpg")]
    assert len(given) == len(set(given)) > 4


def test_python_calls_the_command_by_a_request(inputs, weights, tmp_path, generate, capsys):
    assert generate() == 0
    said = capsys.readouterr().out
    files = {"source": "0.jpg", "source_pose": "0.json", "target_pose": "1.json"}
    given = {name: (inputs / file,) for name, file in files.items()}
    imagpose.generation.generate(
        imagpose.generation.GenerationRequest(**given, model=str(weights), steps=2, out=tmp_path / "python")
    )
    assert capsys.readouterr().out == said.replace(str(tmp_path / "out"), str(tmp_path / "python"))
    drawn = [(tmp_path / folder / "images/1_1.png").read_bytes() for folder in ("out", "python")]
    assert drawn[0] == drawn[1]
    with pytest.raises(InputError, match="steps is 0; it must be a whole number from 1 to 1,000"):
        imagpose.generation.GenerationRequest(**given, steps=0)


def test_a_damaged_picture_is_told(generate, inputs, tmp_path, capsys):
    (inputs / "8.jpg").write_bytes((inputs / "0.jpg").read_bytes()[:300])
    assert generate(sources=(8,), source_poses=(0,)) == 2
    assert "8.jpg is not a readable image" in capsys.readouterr().err


def test_a_full_disk_leaves_no_broken_picture(generate, tmp_path, capsys, monkeypatch):
    def full(self, path, **options):
        with open(path, "wb") as file:
            file.write(b"half a picture")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    assert generate() == 2
    error = capsys.readouterr().err
    assert "cannot be written (No space left on device); make room" in error
    assert not list((tmp_path / "out" / "images").iterdir())


def test_a_pose_file_says_what_the_dataset_says(inputs, mannequin_root):
    index = DeepFashion(mannequin_root)
    record = index.records[index.splits["test"][0]]
    pose = BodyPose.read(inputs / "0.json")
    assert pose.size == (64, 44)
    np.testing.assert_allclose(pose.keypoints, record.keypoints_at((64, 44)), atol=0.01)
    assert (pose.keypoints[(record.keypoints < 0).all(1)] == -1).all()


def _record(path):
    return json.loads(Image.open(path).text["imagpose"])


def test_more_poses_than_fit_are_drawn_on_several_canvases(generate, tmp_path):
    assert generate(targets=(0, 1, 2, 3)) == 0
    assert len(list((tmp_path / "out" / "images").iterdir())) == 4
    assert not {"panels", "guidance_form", "guidance_interval"} & _record(tmp_path / "out/images/1_0.png").keys()


def test_panels_and_interval_are_recorded_where_they_are_not_the_papers(generate, tmp_path, capsys):
    asked = ("--panels", "6", "--guidance_interval", "500", "1000")
    assert generate(*asked, sources=(0, 1, 2, 3), targets=(1, 2)) == 0
    record = _record(tmp_path / "out/images/1_1.png")
    assert (record["panels"], record["guidance_interval"]) == (6, [500, 1000])
    assert generate(*asked, sources=(0, 1, 2, 3), targets=(1, 2)) == 0
    assert "were there already" in capsys.readouterr().out
    assert generate(*asked[:2], sources=(0, 1, 2, 3), targets=(1, 2)) == 2
    assert "was made with guidance_interval [500, 1000], and it is as usual now" in capsys.readouterr().err
    assert generate("--panels", "9", *asked[2:], sources=(0, 1, 2, 3), targets=(1, 2)) == 2
    assert "was made with panels 6, and it is 9 now" in capsys.readouterr().err


def test_a_model_s_own_panels_and_guidance_are_followed_and_recorded(generate, weights, tmp_path, capsys):
    assert generate(sources=(0, 1, 2, 3)) == 2
    assert "do not fit 4 panels" in capsys.readouterr().err
    index = json.loads((weights / "model_index.json").read_text())
    changed = {"panels": [2, 6], "guidance_form": "tokens", "guidance_interval": [500, 1000]}
    (weights / "model_index.json").write_text(json.dumps({**index, **changed}))
    assert generate(sources=(0, 1, 2, 3)) == 0
    record = _record(tmp_path / "out/images/1_1.png")
    assert {name: record[name] for name in changed} == {**changed, "panels": 6}
    assert generate(out="two") == 0
    assert _record(tmp_path / "two/images/1_1.png")["panels"] == 2
