"""Any text either parses or is refused with its file and row."""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagpose.data.readers.annotations import read_annotations, read_pose_files
from imagpose.data.readers.folders import leaves_root
from imagpose.data.readers.layouts import open_index
from imagpose.data.readers.pairs import read_groups, read_pairs
from imagpose.data.text import read_listing
from imagpose.errors import InputError
from tests.data.layouts import FRAME, KEYPOINTS, NAME, XS

VALID = {
    "annotations.csv": f"name:keypoints_y:keypoints_x\n{NAME}: {KEYPOINTS}: {XS}\n{NAME}: {XS}: {XS}\n",
    "pose.txt": "".join(f"{40 + 2.5 * i} {3 * i}\n" for i in range(17)) + "-1 -1\n",
    "pairs.csv": f"from,to\n{NAME},{NAME}\n",
    "pairs.txt": f"{NAME},{NAME},{NAME}\n",
    "pairs.json": f'[{{"source_image": "{NAME}", "target_image": "{NAME}"}}]',
    "groups.json": f'[["{NAME}", "{NAME}"]]',
    "names.lst": f"{NAME}\n",
}
READERS = {
    "annotations.csv": lambda path: read_annotations(path, FRAME),
    "pose.txt": lambda path: (read_pose_files([str(path)], FRAME, True), read_pose_files([str(path)], FRAME, False)),
    "pairs.csv": read_pairs,
    "pairs.txt": read_pairs,
    "pairs.json": read_pairs,
    "groups.json": read_groups,
    "names.lst": read_listing,
}
SPLICES = st.sampled_from(
    [
        "",
        ",",
        ":",
        "[",
        "]",
        "\n",
        "\x00",
        "\u2028",
        "nan",
        "1e999",
        "-1",
        "null",
        '"',
        "{}",
        "[" * 3000,
        "9" * 5000,
        "../",
    ]
) | st.text(max_size=4)


@st.composite
def damaged(draw, text):
    """The text with a few places cut out or written over, as bytes."""
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        text = text[:start] + draw(SPLICES) + text[start + draw(st.integers(0, 12)) :]
    return text.encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("name", list(VALID))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_text_parses_or_is_refused_with_file_and_row(name, data, tmp_path):
    path = tmp_path / name
    path.write_text(VALID[name])
    READERS[name](path)
    path.write_bytes(data.draw(damaged(VALID[name]) | st.binary(max_size=60) | st.text(max_size=40).map(_utf8)))
    refusal = None
    try:
        READERS[name](path)
    except InputError as error:
        refusal = str(error)
    assert refusal is None or re.search(rf"{re.escape(str(path))}, (row|entry) \d+: ", refusal)


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_folder_indexes_or_is_refused(data, exported):
    root = exported[data.draw(st.sampled_from(sorted(exported)))]
    texts = sorted(p for p in root.rglob("*") if p.suffix in (".csv", ".lst", ".json", ".txt"))
    path = data.draw(st.sampled_from(texts))
    before = path.read_bytes()
    path.write_bytes(data.draw(damaged(before.decode())))
    refusal = None
    try:
        index = open_index(root)
        index.pair_findings("train"), index.pair_findings("test")
        index.scenarios(skip_unknown=True)
    except InputError as error:
        refusal = str(error)
    finally:
        path.write_bytes(before)
    assert refusal is None or (str(root) in refusal and "\n" not in refusal)


@given(st.text(max_size=30))
def test_names_never_lead_out_of_the_root(text):
    root = Path("/data/set")
    if not leaves_root(root, text):
        assert Path("/data/set") in (root / text).parents or ".." not in Path(text).parts
    assert leaves_root(root, "../" + text.lstrip("/"))
    assert leaves_root(root, "/data/settings/" + text)
    assert not leaves_root(root, "/data/set/a.jpg")
    assert not leaves_root(root, "img/a..jpg")
