"""From a folder of photographs to a dataset that is checked and trained on: ``gather``."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imagpose.__main__ import main
from imagpose.data.body_pose import BodyPose
from imagpose.data.datamodule import PoseDataModule
from imagpose.data.keypoints import visible
from imagpose.data.readers.deepfashion import DeepFashion
from imagpose.errors import InputWarning
from imagpose.pose.mannequin import MannequinDetector


def gather(photos, *words):
    return main(["gather", str(photos), *map(str, words)])


@pytest.fixture(scope="session")
def loose(mannequin_root, tmp_path_factory):
    """Loose photographs of four mannequins, three of each, as a user has them, and their true poses by path."""
    photos = tmp_path_factory.mktemp("loose") / "photos"
    index = DeepFashion(mannequin_root)
    truths, people = {}, dict.fromkeys(record.person for record in index.records.values())
    for number, person in enumerate(list(people)[:4], start=1):
        records = [record for record in index.records.values() if record.person == person][:3]
        for name, record in zip(("front", "left", "right"), records, strict=True):
            path = photos / f"{number}" / f"{name}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(record.path, path)
            truths[f"{number}/{name}.jpg"] = record.keypoints_at((64, 44))
    return photos, truths


@pytest.fixture
def photos(loose, tmp_path):
    shutil.copytree(loose[0], tmp_path / "photos")
    return tmp_path / "photos"


@pytest.fixture(scope="module")
def gathered(loose, tmp_path_factory):
    """The dataset, made once."""
    out = tmp_path_factory.mktemp("gathered") / "mine"
    assert gather(loose[0], "--out", out, "--size", "64x44") == 0
    return out


def test_the_dataset_is_checked_and_has_the_poses_that_are_seen(gathered, loose, capsys):
    assert main(["check", str(gathered)]) == 0
    index = DeepFashion(gathered)
    origins = json.loads((gathered / "photographs.json").read_text())
    assert [len(index.splits[split]) for split in ("train", "test")] == [9, 3]
    assert {record.person[-1] for record in index.records.values() if record.name in index.splits["test"]} == {"4"}
    assert len(index.pairs("test")) == 6
    apart = []
    for record in index.records.values():
        origin = origins[str(record.path.relative_to(gathered / "img_highres"))]
        assert origin["pose"] == "detector mannequin"
        pixels, theirs = (
            np.asarray(Image.open(path), float) for path in (record.path, loose[0] / origin["photograph"])
        )
        assert np.abs(pixels - theirs).mean() < 2
        found, true = record.keypoints_at((64, 44)), loose[1][origin["photograph"]]
        both = visible(found) & visible(true)
        apart += np.linalg.norm(found - true, axis=1)[both].tolist()
    assert len(apart) > 100
    assert np.median(apart) < 1.5
    sheet = np.asarray(Image.open(gathered / "contact_sheet.png").convert("RGB")).astype(int)
    assert ((sheet.max(-1) - sheet.min(-1)) > 200).sum() > 500, "the skeletons' pure colours"


def test_training_reads_it(gathered):
    data = PoseDataModule(str(gathered), validation_identities=1, size=(64, 44), num_workers=0)
    data.setup("fit")
    assert [len(data.train), len(data.test)] == [2, 6]
    assert next(iter(data.test_dataloader()))["images"].shape[1:] == (4, 3, 64, 44)


@pytest.mark.slow
def test_fit_starts_on_it(gathered, tiny_words, no_networks, tmp_path):
    short = ("--trainer.max_steps", "1", "--trainer.val_check_interval", "1", "--data.init_args.size", "64x44")
    one = ("--data.init_args.root", str(gathered), "--data.init_args.validation_identities", "1")
    assert main(["fit", *tiny_words, *one, *short]) == 0
    assert json.loads((tmp_path / "quick/version_0/metrics.json").read_text())["steps"] == 1


def test_a_pose_file_beside_a_photograph_is_taken_in_either_name(photos, tmp_path, loose):
    """As ``imagpose pose`` names it, whose drawing is no photograph; and of another shape than the dataset's."""
    wide = Image.new("RGB", (88, 64), "white")
    wide.paste(Image.open(photos / "1/front.jpg"), (22, 0))
    wide.save(photos / "1/front.jpg", quality=95)
    points = [[x + 22, y] if x >= 0 else None for x, y in loose[1]["1/front.jpg"].tolist()]
    (photos / "1/front.json").write_text(json.dumps({"size": [64, 88], "keypoints": points}))
    assert main(["pose", str(photos / "2/left.jpg")]) == 0
    for framing in ("letterbox", "figure"):
        out = tmp_path / framing
        words = ("--size", "128x88", "--framing", framing, "--test_people", 2)
        assert gather(photos, "--out", out, *words) == 0
        origins = json.loads((out / "photographs.json").read_text()).items()
        by = {origin["photograph"]: (name, origin["pose"]) for name, origin in origins}
        assert [len(by), by["1/front.jpg"][1], by["2/left.jpg"][1]] == [12, "1/front.json", "2/left_pose.json"]
        index = DeepFashion(out)
        assert len(index.splits["test"]) == 6
        (record,) = [one for one in index.records.values() if str(one.path).endswith(by["1/front.jpg"][0])]
        assert Image.open(record.path).size == (88, 128)
        height = np.ptp(record.keypoints_at((128, 88))[visible(record.keypoints)][:, 1])
        # The wide photograph is shown whole at its own scale; the figure fills five sixths of the height.
        whole = np.ptp([point[1] for point in points if point])
        assert height == pytest.approx(128 / 1.202 if framing == "figure" else whole, abs=3)


def test_what_cannot_be_used_is_told_and_the_others_go_on(photos, tmp_path, capsys):
    Image.new("RGB", (44, 64), (237, 237, 237)).save(photos / "1/front.jpg")  # nobody
    (photos / "2/front.jpg").write_bytes(b"no picture")
    (photos / "2/left.json").write_text('{"size": [64, 44], "keypoints": 3}')
    (photos / "3/front.jpg").unlink()
    (photos / "3/front.jpg").symlink_to(tmp_path / "secret.jpg")
    Image.new("RGB", (44, 64)).save(tmp_path / "secret.jpg")
    (photos / "3/notes\n[b].txt").write_text("no photograph")
    (photos / "4").rename(photos / "a, [red]b\nc")
    Image.new("RGB", (44, 64)).save(photos / "loose.jpg")
    (tmp_path / "elsewhere").mkdir()
    (photos / "link").symlink_to(tmp_path / "elsewhere")
    assert gather(photos, "--out", tmp_path / "mine", "--size", "64x44") == 0
    out = capsys.readouterr().out
    lines = [line for line in out.splitlines() if line.startswith("Left out: ")]
    for told in (
        "sees nobody in", "2/front.jpg is not a readable image", "2/left.json is no pose file",
        "2, all of it: 1 of 3 photographs can be used, and 2 are needed", "3/front.jpg is a link to",
        "3/notes [b].txt is no photograph", "loose.jpg is in no person's folder", "photos/link is a link out of",
    ):  # fmt: skip
        assert len([line for line in lines if told in line]) == 1, told
    assert len(lines) == 8
    assert "mine holds 7 pictures of 3 people, 64×44 pixels each; held out for testing: a, [red]b c." in out
    assert main(["check", str(tmp_path / "mine")]) == 0
    assert DeepFashion(tmp_path / "mine").splits.keys() == {"train", "test"}


def test_too_few_people_to_train_on_are_told(photos, tmp_path, capsys):
    for held_out, too_few in ((1, False), (3, True)):
        assert gather(photos, "--out", tmp_path / f"mine{held_out}", "--size", "64x44", "--test_people", held_out) == 0
        assert ("To train on it, add people: one is kept back" in capsys.readouterr().out) == too_few


def test_a_person_whose_folder_cannot_be_read_is_left_out(photos, tmp_path, monkeypatch, capsys):
    def iterdir(self):  # as for a user who may not; root may read all
        if self.name == "2":
            raise PermissionError(13, "Permission denied", str(self))
        return every(self)

    every = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", iterdir)
    assert gather(photos, "--out", tmp_path / "mine", "--size", "64x44") == 0
    out = capsys.readouterr().out
    assert f"Left out: {photos / '2'} cannot be read (Permission denied); make it readable." in out
    assert "9 pictures of 3 people" in out


def test_of_several_people_the_largest_is_taken(photos, tmp_path):
    two = Image.new("RGB", (240, 200), (237, 237, 237))
    two.paste(Image.open(photos / "2/front.jpg").resize((66, 96)), (20, 70))
    two.paste(Image.open(photos / "1/front.jpg").resize((132, 192)), (100, 4))
    two.save(photos / "1/front.jpg", quality=98)
    with pytest.warns(InputWarning, match=r"front.jpg shows 2 people; the largest is taken\."):
        assert gather(photos, "--out", tmp_path / "mine", "--size", "200x240") == 0
    pose = next(iter(DeepFashion(tmp_path / "mine").records.values())).keypoints_at((200, 240))
    assert pose[visible(pose), 0].mean() > 120


@pytest.mark.parametrize(
    ("spoiled", "words", "told"),
    [
        ((), ("--test_people", "4"), "--test_people is 4, and "),
        (("1", "2", "3"), (), "--test_people is 1, and "),
        (("1", "2", "3", "4"), (), "has nobody with 2 photographs that can be used"),
    ],
)
def test_where_nobody_is_left_nothing_is_written(spoiled, words, told, photos, tmp_path, capsys):
    for person in spoiled:  # nobody is seen in them
        for path in (photos / person).iterdir():
            Image.new("RGB", (44, 64), (237, 237, 237)).save(path)
    before = set(tmp_path.rglob("*"))
    assert gather(photos, "--out", tmp_path / "deep/mine", *words) == 2
    error = capsys.readouterr().err
    assert told in error
    assert len(error.strip().splitlines()) == 1
    left = {path for path in tmp_path.rglob("*") if not path.name.endswith(".lock")} - before
    assert left <= {tmp_path / "deep"}  # the lock's


def test_an_interruption_leaves_nothing(loose, tmp_path, monkeypatch, capsys):
    seen = []

    def detect(self, picture):
        seen.append(picture)
        if len(seen) > 5:  # the first person is written by now
            raise KeyboardInterrupt
        return found(self, picture)

    found = MannequinDetector.detect
    monkeypatch.setattr(MannequinDetector, "detect", detect)
    assert gather(loose[0], "--out", tmp_path / "mine", "--size", "64x44") == 130
    assert "nothing was written, and the same command starts again" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == [".mine.lock"]


def test_the_same_photographs_give_the_same_dataset(gathered, loose, tmp_path):
    assert gather(loose[0], "--out", tmp_path / "again", "--size", "64x44") == 0
    one, other = ({path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}
                  for root in (gathered, tmp_path / "again"))  # fmt: skip
    assert one == other


def test_a_fitted_pose_lies_where_the_map_draws_it(loose):
    pose = BodyPose((64, 44), loose[1]["1/front.jpg"])
    same = pose.fitted((128, 200))
    assert (same.map((128, 200)) == pose.map((128, 200))).all()
