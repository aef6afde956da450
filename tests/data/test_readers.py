import re
import shutil
from itertools import permutations

import numpy as np
import pytest
from PIL import Image

from imagpose.data.datamodule import PoseDataModule
from imagpose.data.images import read_view
from imagpose.data.keypoints import JOINTS, visible
from imagpose.data.readers.annotations import read_annotations
from imagpose.data.readers.deepfashion import DeepFashion, parse_name, unflatten_name
from imagpose.data.readers.findings import Kind
from imagpose.data.readers.index import SPLITS
from imagpose.data.readers.layouts import open_index
from imagpose.data.readers.market1501 import Market1501
from imagpose.data.readers.pairs import read_pairs
from imagpose.errors import InputError
from tests.data import layouts
from tests.data.layouts import FRAME, KEYPOINTS, NAME, XS


@pytest.mark.parametrize("layout", [export.__name__ for export in layouts.DEEPFASHION])
def test_every_layout_gives_the_same_index(mannequins, exported, layout):
    index = open_index(exported[layout])
    assert index.findings == []
    assert index.splits == mannequins.splits
    assert list(index.records) == list(mannequins.records)
    for name, ours in mannequins.records.items():
        theirs = index.records[name]
        assert (theirs.identity, theirs.person, theirs.frame) == (ours.identity, ours.person, ours.frame)
        assert np.array_equal(visible(theirs.keypoints), visible(ours.keypoints))
        np.testing.assert_allclose(theirs.keypoints, ours.keypoints, atol=1e-9)
        assert np.array_equal(Image.open(theirs.path), Image.open(ours.path))
    assert index.pairs("test") == mannequins.pairs("test")
    assert index.pair_findings("test") == []
    if layout != "groups":  # which has no training pairs
        assert index.pairs("train") == mannequins.pairs("train")
    for scenario, (source, target) in zip(index.scenarios(), mannequins.pairs("test"), strict=True):
        assert (scenario.source, scenario.sources[0], scenario.target) == (source, source, target)
        identity = [v.name for v in mannequins.identities("test")[mannequins.records[source].identity]]
        assert set(scenario.sources) == {*identity} - {target}


def test_market_gives_the_same_index_under_its_own_names(mannequins, exported):
    index = open_index(exported["market"])
    names = dict(zip(mannequins.records, index.records, strict=True))  # junk and distractors are left out
    assert isinstance(index, Market1501)
    assert index.findings == []
    for split in SPLITS:
        assert index.splits[split] == [names[name] for name in mannequins.splits[split]]
        assert index.pairs(split) == [(names[a], names[b]) for a, b in mannequins.pairs(split)]
        groups, theirs = mannequins.identities(split).values(), index.identities(split).values()
        assert [[names[v.name] for v in group] for group in groups] == [[v.name for v in group] for group in theirs]
    for name, record in mannequins.records.items():
        theirs = index.records[names[name]]
        np.testing.assert_allclose(theirs.keypoints_at((64, 44)), record.keypoints_at((64, 44)), atol=1e-9)
        assert theirs.path.read_bytes() == record.path.read_bytes()


def test_markets_missing_pairs_are_rebuilt(mannequins, tmp_path):
    layouts.market(mannequins, tmp_path)
    (tmp_path / "market-pairs-test.csv").unlink()
    annotations = tmp_path / "market-annotation-test.csv"
    header, first, *rest = annotations.read_text().splitlines()
    name, ys, xs = first.split(": ")
    hip = JOINTS.index("left_hip")
    xs = str([-1.0 if i == hip else x for i, x in enumerate(map(float, xs[1:-1].split(",")))])
    annotations.write_text("\n".join([header, f"{name}: {ys}: {xs}", *rest]) + "\n")
    index = Market1501(tmp_path)
    torso = [JOINTS.index(joint) for joint in ("right_shoulder", "left_shoulder", "right_hip", "left_hip")]
    expected = [
        (a.name, b.name)
        for group in index.identities("test").values()
        for a, b in permutations(group, 2)
        if visible(a.keypoints)[torso].all() and visible(b.keypoints)[torso].all()
    ]
    assert index.pairs("test") == expected
    assert expected
    assert name not in {one for pair in expected for one in pair}
    assert len(index.scenarios()) == len(expected)


@pytest.mark.parametrize(
    "spelling",
    [
        NAME,
        "train/" + NAME,
        NAME.replace(".jpg", ".png"),
        "img_highres/WOMEN/Tees_Tanks/id_00000001/01_3_back.jpg",
        "/data/img/WOMEN/Tees_Tanks/id_00000001/01_3_back.jpg",
        "WOMEN-Tees_Tanks-id_00000001-01_3_back.png",
        "fashionWOMEN_Tees_Tanks_id_00000001_01_3_back.png",
    ],
)
def test_all_spellings_are_one_name(spelling):
    parsed = parse_name(spelling)
    assert parsed is not None
    assert parsed.name == NAME
    assert parsed.identity == "WOMEN/Tees_Tanks/id_00000001/01"
    assert parsed.person == "WOMEN/Tees_Tanks/id_00000001"  # a bare id stands in both published parts
    assert parsed.path == "img_highres/WOMEN/Tees_Tanks/id_00000001/01_3_back.jpg"


def test_the_field_s_own_row_is_read_y_first(tmp_path):
    path = tmp_path / "fasion-resize-annotation-test.csv"
    path.write_bytes(b"\xef\xbb\xbfname:keypoints_y:keypoints_x\r\n" + f"{NAME}: {KEYPOINTS}: {XS}\r\n".encode())
    listing, (annotation,) = read_annotations(path, FRAME)
    assert listing.entries == [(2, NAME)]
    assert annotation.points[0].tolist() == [88, 36]
    assert visible(annotation.points).sum() == 14
    assert annotation.found
    assert annotation.outside is None


def test_a_target_may_have_several_sources(tmp_path):
    path = tmp_path / "test_pairs.txt"
    path.write_text("a.jpg,b.jpg,c.jpg\n\nb.jpg, a.jpg\n")
    assert [tuple(pair) for pair in read_pairs(path)] == [
        (1, "a.jpg", ("b.jpg", "c.jpg")),
        (3, "b.jpg", ("a.jpg",)),
    ]


# What is refused.


def test_a_person_in_both_splits_is_named(mannequins, tmp_path):
    layouts.market(mannequins, tmp_path)
    row = (tmp_path / "market-annotation-train.csv").read_text().splitlines()[1]
    with open(tmp_path / "market-annotation-test.csv", "a") as file:
        file.write(row + "\n")
    with pytest.raises(InputError, match=r"0001 is in both market-annotation-train\.csv and market-annotation-test"):
        Market1501(tmp_path)


def test_a_group_of_two_garments_is_refused(mannequins, tmp_path):
    layouts.groups(mannequins, tmp_path)
    path = tmp_path / "train.json"
    path.write_text(path.read_text().replace("], [", ", ", 1))
    with pytest.raises(InputError, match=r"train\.json, entry 1: .* are of different people or garments"):
        DeepFashion(tmp_path)


def test_an_image_as_its_own_source_is_refused(mannequins, tmp_path):
    layouts.originals(mannequins, tmp_path)
    name = mannequins.splits["test"][0]
    (tmp_path / "fasion-resize-pairs-test.csv").write_text(f"from,to\n{name},{name}\n")
    with pytest.raises(InputError, match=r"pairs-test\.csv, row 2: .* is both source and target"):
        DeepFashion(tmp_path).scenarios()


def test_folders_that_are_no_dataset_are_refused(mannequins, tmp_path):
    with pytest.raises(InputError, match="is no folder"):
        open_index(tmp_path / "nowhere")
    with pytest.raises(InputError, match="has no DeepFashion images; they belong into one of img_highres"):
        open_index(tmp_path)
    layouts.market(mannequins, tmp_path)
    (tmp_path / "img").mkdir()
    with pytest.raises(InputError, match="say which by the option layout"):
        open_index(tmp_path)
    assert isinstance(open_index(tmp_path, "market1501"), Market1501)
    (tmp_path / "market-annotation-test.csv").unlink()
    with pytest.raises(InputError, match=r"market-annotation-test\.csv cannot be read"):
        open_index(tmp_path, "market1501")


def test_links_are_followed_within_the_root_alone(mannequins, tmp_path):
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    layouts.originals(mannequins, inside)
    (inside / "img_highres").rename(inside / "elsewhere")
    (inside / "img_highres").symlink_to("elsewhere")
    (inside / "elsewhere" / "WOMEN" / "round").symlink_to("../..")
    assert DeepFashion(inside).findings == []
    (inside / "elsewhere").rename(outside)
    (inside / "img_highres").unlink()
    (inside / "img_highres").symlink_to(outside)
    findings = DeepFashion(inside).findings
    assert findings[0][:4] == (Kind.OUTSIDE_ROOT, "img_highres", None, "img_highres")
    assert {finding.kind for finding in findings[1:]} == {Kind.NO_FILE}
    (inside / "img_highres").unlink()
    (inside / "Img").symlink_to(tmp_path)
    outside.rename(tmp_path / "img_highres")
    assert DeepFashion(inside).findings[0].detail == f"a link to {tmp_path / 'img_highres'}"


def test_a_part_of_the_test_pairs_shows_as_many_people_as_can_be(mannequins, tmp_path):
    def people(root, pairs, **options):
        data = PoseDataModule(root, validation_identities=2, test_pairs=pairs, **options)
        data.setup("test")
        return [data.index.records[one.target].person for one in data.test]

    drawn = mannequins.root
    assert people(drawn, 6) == people(drawn, None)[:6]
    own = shutil.copytree(drawn, tmp_path / "own")
    (own / "mannequins.json").unlink()  # a dataset of one's own, whose list is published person by person
    (own / "test_scenarios.json").unlink(missing_ok=True)
    everybody = people(own, None)
    assert len(set(everybody)) > len(set(everybody[:3])) == 1
    assert len(set(people(own, 3))) == 3
    assert people(own, 3) == people(own, 3, seed=5)


@pytest.mark.parametrize("layout", ["csv", "pose"])
def test_keypoints_relative_to_the_picture_are_told(mannequins, tmp_path, layout):
    root = shutil.copytree(mannequins.root, tmp_path / "own")
    file = root / "fashion-annotation-test.csv"
    if layout == "csv":
        rows = [re.sub(r"\d+(?=[,\]])", "0.5", row) for row in file.read_text().splitlines()]
        file.write_text("\n".join(rows) + "\n")
        place = str(file)
    else:
        for split in ("train", "test"):
            (root / f"fashion-annotation-{split}.csv").unlink()
        (root / "pose").mkdir()
        for name in mannequins.records:
            path = (root / "pose" / unflatten_name(name)).with_suffix(".txt")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("0.5 0.25\n" * 18)
        place = str(root / "pose")
    with pytest.raises(InputError, match=f"{place}.* has keypoints between 0 and 1, which look relative"):
        DeepFashion(root)


def test_keypoints_behind_a_link_out_of_the_root_are_not_read(mannequins, tmp_path):
    root = tmp_path / "root"
    layouts.nted(mannequins, root)
    (root / "pose").rename(tmp_path / "pose")
    (root / "pose").symlink_to(tmp_path / "pose")
    findings = DeepFashion(root).findings
    assert findings[0][:3] == (Kind.OUTSIDE_ROOT, "pose", None)
    assert {finding.kind for finding in findings[1:]} == {Kind.NO_KEYPOINTS}


# Size.


def test_low_resolution_pictures_lose_their_white_sides(mannequins, tmp_path):
    layouts.originals(mannequins, tmp_path)
    record = next(iter(DeepFashion(tmp_path).records.values()))
    pixels = np.asarray(Image.open(record.path).resize((176, 256)))
    bordered = np.full((256, 256, 3), 255, np.uint8)
    bordered[:, 40:216] = pixels
    record.path.unlink()
    Image.fromarray(bordered).save(record.path, quality=100, subsampling=0)
    found = visible(record.keypoints)
    image, keypoints = read_view(record, None)
    assert image.shape == (3, 256, 176)
    assert np.array_equal(keypoints, record.keypoints)
    assert np.abs((image.permute(1, 2, 0).numpy() + 1) * 127.5 - pixels).mean() < 2  # JPEG
    whole = record.keypoints_at((256, 256))  # in the picture as it is on disk
    np.testing.assert_allclose(whole[found], record.keypoints[found] + np.array([40, 0]))
    assert (whole[~found] == -1).all()
    image, keypoints = read_view(record, (64, 44))
    assert image.shape == (3, 64, 44)
    assert np.array_equal(keypoints, record.keypoints_at((64, 44)))
