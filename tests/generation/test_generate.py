"""``generate``, ``export`` and ``pose`` from the command line."""

import csv
import json
import shutil

import numpy as np
import pytest
from PIL import Image

import imagpose.generation
from imagpose import ImagposePipeline
from imagpose.__main__ import main
from imagpose.data import pictures
from imagpose.data.body_pose import BodyPose
from imagpose.data.readers.deepfashion import DeepFashion
from imagpose.errors import InputError
from imagpose.generation.canvases import canvases_of_pairs


@pytest.fixture(scope="module")
def inputs(mannequin_root, tmp_path_factory):
    """Pictures of one person and their pose files, made with the command that users have."""
    folder = tmp_path_factory.mktemp("inputs")
    index = DeepFashion(mannequin_root)
    for number, name in enumerate(index.splits["test"][:4]):
        shutil.copy(index.records[name].path, folder / f"{number}.jpg")
        words = ["pose", "--data", str(mannequin_root), "--image", name, "--out", str(folder / f"{number}.json")]
        assert main(words) == 0
    return folder


@pytest.fixture
def weights(make_module, tmp_path):
    """A pipeline folder of random weights."""
    module = make_module()
    module.image_size = (64, 44)
    ImagposePipeline.of_module(module).save_pretrained(tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def generate(inputs, weights, tmp_path):
    def generate_(*options, sources=(0,), source_poses=None, targets=(1,), out="out"):
        words = ["generate", "--model", str(weights), "--out", str(tmp_path / out), "--steps", "2"]
        for i in sources:
            words += ["--source", str(inputs / f"{i}.jpg")]
        for i in sources if source_poses is None else source_poses:
            words += ["--source-pose", str(inputs / f"{i}.json")]
        for i in targets:
            words += ["--target-pose", str(inputs / f"{i}.json")]
        return main([*words, *options])

    return generate_


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


def test_a_list_of_pairs_resumes_where_it_stopped(mannequin_root, weights, tmp_path, capsys):
    pairs = tmp_path / "pairs.csv"
    with open(mannequin_root / "fashion-pairs-test.csv") as file:
        rows = [row for row in csv.reader(file)][:6]
    pairs.write_text("\n".join(",".join(row) for row in rows) + "\n")
    words = ["generate", "--data", str(mannequin_root), "--pairs", str(pairs), "--model", str(weights), "--steps", "2"]
    words += ["--batch-size", "2", "--out"]
    assert main([*words, str(tmp_path / "whole")]) == 0
    expected = {f"{a[:-4]}_2_{b[:-4]}_vis.png" for a, b in rows[1:]}
    assert {path.name for path in (tmp_path / "whole" / "images").iterdir()} == expected
    assert main([*words, str(tmp_path / "parts"), "--limit", "2"]) == 0
    assert len(list((tmp_path / "parts" / "images").iterdir())) == 2
    assert main([*words, str(tmp_path / "parts")]) == 0
    assert "2 of 5 canvases were there already" in capsys.readouterr().out
    for name in expected:  # whatever the batches were
        a, b = (np.asarray(Image.open(tmp_path / part / "images" / name)).astype(int) for part in ("whole", "parts"))
        assert np.abs(a - b).max() <= 1


@pytest.mark.parametrize(
    ("setting", "canvases"),
    [
        ("T1", [(1, 1, [1, 0, 0, 0])] * 4),
        ("T2", [(1, 1, [1, 1, 1, 0])] * 4),
        ("T3", [(3, 1, [1, 1, 1, 0])] * 4),
        ("IMAGPose*", [(1, 1, [1, 0, 0, 0]), (1, 3, [1, 0, 0, 0])]),  # three targets of a source, and one of another
    ],
)
def test_a_list_in_every_setting(setting, canvases, mannequin_root, weights, tmp_path, monkeypatch):
    pairs = tmp_path / "pairs.csv"
    rows = (mannequin_root / "fashion-pairs-test.csv").read_text().splitlines()
    pairs.write_text("\n".join(rows[:5]) + "\n")
    seen, prepare = [], ImagposePipeline.prepare

    def watched(self, batch, *given):
        prepared, arrangement = prepare(self, batch, *given)
        seen.extend((len(s), len(t), m) for (s, _, t), m in zip(batch, prepared["mask"].tolist(), strict=True))
        return prepared, arrangement

    monkeypatch.setattr(ImagposePipeline, "prepare", watched)
    words = ["generate", "--data", str(mannequin_root), "--pairs", str(pairs), "--model", str(weights), "--steps", "1"]
    assert main([*words, "--scenario", setting, "--out", str(tmp_path / "out")]) == 0
    assert sorted(seen) == sorted(canvases)
    assert len(list((tmp_path / "out" / "images").iterdir())) == 4


def test_the_sources_of_t3_are_other_views_of_the_same_person(mannequin_root):
    for canvas in canvases_of_pairs(mannequin_root, mannequin_root / "fashion-pairs-test.csv", "T3"):
        assert len({*canvas.sources, *canvas.truths}) == 4
        assert {path.parent for path in canvas.sources} == {canvas.truths[0].parent}


@pytest.mark.parametrize("setting", ["T1", "IMAGPose*"])
def test_a_limit_takes_canvases_across_people_and_a_larger_one_adds_to_them(setting, mannequin_root):
    def canvases(limit=None, seed=0):
        listed = canvases_of_pairs(mannequin_root, mannequin_root / "fashion-pairs-test.csv", setting, seed, limit)
        return {canvas.outputs: (canvas.seed, {path.parent for path in canvas.sources}) for canvas in listed}

    whole, few, more = canvases(), canvases(4), canvases(7)
    assert (len(few), len(more)) == (4, 7)
    assert len({str(people) for _, people in few.values()}) == 4, "the list begins with all pairs of one person"
    assert few.items() <= more.items() <= whole.items(), "each is what it would be without a limit"
    assert list(more) == [outputs for outputs in whole if outputs in more], "in the order of the list"
    assert canvases(4) == few
    assert canvases(4, seed=1).keys() == few.keys(), "so that seeds can be compared"


def test_the_truth_may_be_missing_and_a_source_may_not(mannequin_root, weights, tmp_path, capsys):
    root = shutil.copytree(mannequin_root, tmp_path / "data")
    source, target = (root / "fashion-pairs-test.csv").read_text().splitlines()[1].split(",")
    # Other rows have it as their source; only this row is asked for.
    (root / "fashion-pairs-test.csv").write_text(f"from,to\n{source},{target}\n")
    records = DeepFashion(root).records
    words = ["generate", "--data", str(root), "--pairs", str(root / "fashion-pairs-test.csv"), "--limit", "1"]
    words += ["--model", str(weights), "--steps", "1", "--out", str(tmp_path / "out")]
    assert main(words) == 0
    picture = next((tmp_path / "out" / "images").iterdir())
    with_truth = picture.read_bytes()
    records[target].path.unlink()
    assert main([*words, "--overwrite"]) == 0
    assert picture.read_bytes() == with_truth
    records[source].path.unlink()
    assert main([*words, "--overwrite"]) == 2
    assert "There is no picture" in capsys.readouterr().err


def test_an_interrupted_overwrite_mixes_nothing(mannequin_root, weights, tmp_path, monkeypatch, capsys):
    words = ["generate", "--data", str(mannequin_root), "--pairs", str(mannequin_root / "fashion-pairs-test.csv")]
    words += [
        "--limit",
        "4",
        "--batch-size",
        "2",
        "--model",
        str(weights),
        "--steps",
        "1",
        "--out",
        str(tmp_path / "out"),
    ]
    assert main(words) == 0
    call, calls = ImagposePipeline.__call__, []

    def killed(self, *args, **options):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return call(self, *args, **options)

    monkeypatch.setattr(ImagposePipeline, "__call__", killed)
    assert main([*words, "--seed", "50", "--overwrite"]) == 130
    assert capsys.readouterr().err == "Interrupted; the same command goes on where it stopped.\n"
    assert main([*words, "--seed", "50"]) == 2  # two pictures are still of seed 0
    assert "was made with seed" in capsys.readouterr().err
    assert main([*words, "--model", "nowhere", "--overwrite"]) == 2
    assert len(list((tmp_path / "out" / "images").iterdir())) == 4


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
