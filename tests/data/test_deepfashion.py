import shutil

import pytest

from imagpose.data.images import read_image
from imagpose.data.readers.deepfashion import DeepFashion, flatten_name, unflatten_name
from imagpose.errors import InputError


def test_names_are_flattened_as_the_field_does():
    path, name = "WOMEN/Blouses_Shirts/id_00001530/01_3_back.jpg", "fashionWOMENBlouses_Shirtsid0000153001_3back.jpg"
    assert flatten_name(path) == name
    assert unflatten_name(name) == path
    with pytest.raises(InputError, match="not a DeepFashion path"):
        flatten_name("../secret.jpg")
    with pytest.raises(InputError, match="not a flattened DeepFashion name"):
        unflatten_name("fashion.jpg")


@pytest.fixture
def copy(mannequin_root, tmp_path):
    return shutil.copytree(mannequin_root, tmp_path / "copy")


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("fashion-annotation-train.csv", "name:keypoints_y", "name;keypoints_y", "row 1: the header must be"),
        ("fashion-annotation-test.csv", ": [", ": [7, ", "row 2: expected 'name: "),
        ("fashion-annotation-test.csv", ": [", ": [__import__('os'), ", "row 2: expected 'name: "),
        ("train.lst", "fashion", "passion", "row 1: 'passionMEN"),
        ("test_scenarios.json", "[", "[[", "row 1[0-9]*: this is no JSON"),
        ("test_scenarios.json", '"target"', '"goal"', "entry 1: expected {target, source, sources}"),
        ("test_scenarios.json", "fashion", "passion", "entry 1: passion.* is in no list of the images"),
    ],
)
def test_malformed_files_are_refused_with_file_and_row(copy, file, old, new, message):
    edit(copy / file, old, new)
    with pytest.raises(InputError, match=message) as error:
        DeepFashion(copy).scenarios()
    assert file in str(error.value)


def test_a_malformed_pair_is_refused(copy):
    with open(copy / "fashion-pairs-test.csv", "a") as file:
        file.write("one.jpg,two.jpg,three.jpg\n")
    with pytest.raises(InputError, match=r"fashion-pairs-test\.csv, row 50: expected two names"):
        DeepFashion(copy).pairs("test")


def test_a_missing_file_is_named(copy):
    for name in ("test.lst", "fashion-annotation-test.csv", "fashion-pairs-test.csv"):
        (copy / name).unlink()
    with pytest.raises(InputError, match=r"has no list of its test images; it needs one of test\.lst, fashion-resize-"):
        DeepFashion(copy)


def test_a_person_in_both_splits_is_refused(copy):
    name = (copy / "train.lst").read_text().splitlines()[0]
    row = next(r for r in (copy / "fashion-annotation-train.csv").read_text().splitlines() if r.startswith(name))
    with open(copy / "test.lst", "a") as listing, open(copy / "fashion-annotation-test.csv", "a") as rows:
        listing.write(name + "\n")
        rows.write(row + "\n")
    with pytest.raises(InputError, match=r"is in both train\.lst and test\.lst"):
        DeepFashion(copy)


def test_bad_images_are_refused(copy):
    record = next(iter(DeepFashion(copy).records.values()))
    record.path.write_bytes(record.path.read_bytes()[:300])
    with pytest.raises(InputError, match="is not a readable image"):
        read_image(record.path)
    record.path.unlink()
    with pytest.raises(InputError, match=r"There is no picture .*; restore it or name another"):
        read_image(record.path)
