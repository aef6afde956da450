"""Files that were damaged at random: read, or refused in a sentence; never another exception."""

import json
import warnings

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from imagpose.data.body_pose import BodyPose
from imagpose.data.mannequins.damage import MANIFEST, damaged, read_manifest
from imagpose.data.pictures import picture_size, picture_text, read_picture
from imagpose.data.readers.annotations import ANNOTATION_HEADER, read_annotations, read_pose_files
from imagpose.data.readers.pairs import names_of_pairs, read_groups, read_pairs
from imagpose.data.text import read_listing
from imagpose.errors import InputError, InputWarning
from imagpose.evaluation.metrics import METRICS
from imagpose.evaluation.results import from_json, to_json
from imagpose.evaluation.scoring import Score
from imagpose.generation.pictures import save
from imagpose.models.weights import header, read_config
from imagpose.options.trust import read as read_options
from imagpose.reproduction.rows import read_row, write_row
from imagpose.training.runs import check_checkpoint
from tests.data.test_pose_forms import POINTS, SIZE, triples
from tests.reproduction.fabricated import row

ODD = (
    b"\0", b"\xff", b"\xef\xbb\xbf", b"\r\n", b"\n", b"\t", b"-", b"[", b"]", b"{", b"}", b'"', b",", b":", b"null",
    b"NaN", b"1e999", b"-1", b"9" * 5000, b"true", b"[" * 3000, b"&a [*a]", b"!!python/object:os.system", b"\xe9",
    b"\xf0\x9f\xa4\xb7", b"\xed\xa0\x80", b"\\ud800", b"0", b"1e308",
)  # fmt: skip


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """One to four changes of a file."""
    for _ in range(rng.integers(1, 5)):
        data = _changed(data, rng)
    return data


def _changed(data: bytes, rng: np.random.Generator) -> bytes:
    at, to = sorted(rng.integers(0, len(data) + 1, 2).tolist())
    odd = ODD[rng.integers(len(ODD))]
    changes = (
        data[:at],
        data[:at] + odd + data[at:],
        data[:at] + odd + data[at + len(odd) :],
        data[:at] + data[min(to, at + 40) :],
        data[:to] + data[at : at + 200] + data[to:],
        data[:at] + rng.bytes(1) + data[at + 1 :],
        data[:at] + rng.bytes(8) + data[at:],
    )
    return changes[rng.integers(len(changes))]


def picture(path):
    read_picture(path)
    picture_size(path)
    picture_text(path)


def manifest(path):
    damaged(path.parent, read_manifest(path.parent))


def pose(path):
    found = BodyPose.read(path, SIZE)
    found.map((64, 44))
    found.write(path)
    assert BodyPose.read(path).size == found.size


@pytest.fixture(scope="module")
def kinds(tmp_path_factory):
    """Readers of every kind of file, each with a whole one of it."""
    folder = tmp_path_factory.mktemp("whole")
    colours = Image.fromarray(np.random.default_rng(0).integers(0, 255, (24, 16, 3), dtype=np.uint8))
    for ending in ("jpg", "webp", "bmp"):
        colours.save(folder / f"a.{ending}")
    save(colours, folder / "a.png", {"seed": 1})
    numbers = str(list(range(18)))
    (folder / "pairs.csv").write_text('from,to\na.jpg,b.jpg\n"c,d.jpg",e.jpg\n')
    (folder / "pairs.txt").write_text("a.jpg,b.jpg,c.jpg\nb.jpg,a.jpg\n")
    (folder / "pairs.json").write_text('[{"source_image": "a.jpg", "target_image": "b.jpg"}]')
    (folder / "groups.json").write_text('[["a.jpg", "b.jpg"], ["c.jpg"]]')
    (folder / "train.lst").write_text("a.jpg\nb.jpg\n")
    (folder / "annotation.csv").write_text(
        f"{ANNOTATION_HEADER}\na.jpg: {numbers}: {numbers}\nb.jpg: {numbers}: {numbers}\n"
    )
    (folder / "points.txt").write_text("\n".join(f"{x} {y}" for x, y in POINTS.tolist()))
    (folder / "ours.json").write_text(json.dumps({"size": SIZE, "keypoints": POINTS.tolist()}))
    (folder / "openpose.json").write_text(json.dumps({"people": [{"pose_keypoints_2d": triples(POINTS)}] * 2}))
    coco = {"images": [{"height": 128, "width": 88}], "annotations": [{"keypoints": triples(POINTS)}]}
    (folder / "coco.json").write_text(json.dumps(coco))
    spec = {
        "renderer": 1,
        "spec": {"identities": 2},
        "images": {"a_1_front.jpg": {"bytes": 3}},
        "lists": {"train.lst": 9},
    }
    (folder / MANIFEST).write_text(json.dumps(spec))
    (folder / "evaluation.json").write_text(
        to_json({"strict": {metric: Score(0.5, 0.4, 0.6, 9) for metric in METRICS}})
    )
    (folder / "config.yaml").write_text(
        "model:\n  class_path: imagpose.module.IMAGPose\n  init_args: {a: 1}\ndata: &x [1]\n"
    )
    (folder / "config.json").write_text('{"a": [1, 2], "b": {"c": null}}')
    torch.save({"state_dict": {"a": torch.ones(2)}, "global_step": 3, "optimizer_states": []}, folder / "last.ckpt")
    save_file({"a": torch.ones(2, 3)}, folder / "a.safetensors")
    written = write_row(row("m1", 0.5), folder, "ablations")
    return [
        *((folder / name, picture) for name in ("a.jpg", "a.png", "a.webp", "a.bmp")),
        *((path, reader) for path in sorted(folder.glob("pairs.*")) for reader in (read_pairs, names_of_pairs)),
        (folder / "groups.json", read_groups), (folder / "train.lst", read_listing),
        (folder / "annotation.csv", lambda path: read_annotations(path, SIZE)),
        *((folder / "points.txt", lambda path, n=n: read_pose_files([str(path)], SIZE, n)) for n in (True, False)),
        *((folder / f"{name}.json", pose) for name in ("ours", "openpose", "coco")), (folder / MANIFEST, manifest),
        (folder / "evaluation.json", from_json), (written, read_row), (folder / "config.yaml", read_options),
        (folder / "config.json", read_config), (folder / "last.ckpt", check_checkpoint),
        (folder / "a.safetensors", header),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("first", "count"), [(0, 250), pytest.param(250, 10_000, marks=pytest.mark.slow)], ids=["some", "ten thousand"]
)
def test_damaged_files_are_read_or_refused_in_a_sentence(first, count, kinds, tmp_path):
    sentences = []
    for number in range(first, first + count):
        whole, reader = kinds[number % len(kinds)]
        path = tmp_path / whole.name
        path.write_bytes(mutated(whole.read_bytes(), np.random.default_rng(number)))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                warnings.simplefilter("ignore", InputWarning)
                reader(path)
        except InputError as error:
            sentences.append(str(error))
        except Exception as error:
            raise AssertionError(f"number {number}, {whole.name}: {type(error).__name__}: {error}") from error
    assert not [sentence for sentence in sentences if "\n" in sentence]
    assert count / 5 < len(sentences) < count, "some are damaged, and some are whole"
