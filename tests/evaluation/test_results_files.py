"""Files of scores that somebody edited, cut short or took for others: one sentence each."""

import json

import numpy as np
import pytest

from imagpose.__main__ import main
from imagpose.errors import InputError
from imagpose.evaluation.compare import comparison, overview
from imagpose.evaluation.metrics import METRICS
from imagpose.evaluation.results import from_json, to_json
from imagpose.evaluation.scoring import Sample, Score, _mean
from imagpose.reproduction.rows import read_row, write_row
from tests.reproduction.fabricated import row

SCORES = {"strict": {metric: Score(0.5, 0.4, 0.6, 10) for metric in METRICS}}
WRONG = ["0.5", True, [], {}, float("nan"), float("inf"), 10**400]


def _set(path, value):
    def change(plain):
        *above, last = path
        for key in above:
            plain = plain[key]
        plain[last] = value

    return change


CHANGES = [
    *(_set(("strict", "ssim", field), value) for field in ("value", "low", "n") for value in WRONG),
    _set(("strict", "ssim", "reason"), 3), _set(("strict", "ssim", "colour"), 3), _set(("strict", "ssim", "low"), None),
    _set(("strict", "ssim"), None), _set(("strict",), []), _set(("pcdms",), "none"),
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_scores_of_another_type_are_refused(change, tmp_path, capsys):
    plain = json.loads(to_json(SCORES))
    change(plain)
    path = tmp_path / "evaluation.json"
    path.write_text(json.dumps(plain))
    assert main(["compare", "--results", f"ours={path}", "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert f"{path} is no evaluation.json" in error
    assert len(error.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe\x00", b"\0" * 9, b"SSIM 0.9", b"[" * 10_000, b"null", b"[1]", '{"strict": {'.encode("utf-16")],
)
@pytest.mark.parametrize("read", [from_json, read_row])
def test_files_of_another_kind_are_refused(read, content, tmp_path):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.json is no") as raised:
        read(tmp_path / "a.json")
    assert "\n" not in str(raised.value)


def test_a_byte_order_mark_and_other_line_ends_are_read(tmp_path):
    (tmp_path / "a.json").write_bytes(b"\xef\xbb\xbf" + to_json(SCORES).replace("\n", "\r\n").encode())
    assert from_json(tmp_path / "a.json") == SCORES
    path = write_row(row("m1", 0.5), tmp_path, "ablations")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert read_row(path) == row("m1", 0.5)


@pytest.mark.parametrize(
    "change",
    [
        *(_set((field,), value) for field in ("seed", "samples", "steps") for value in WRONG),
        *(_set(("cost",), {"seconds": value}) for value in WRONG),
        *(_set(("pairs", "values", "strict/lpips", 3), value) for value in WRONG),
        _set(("data",), 3), _set(("device",), None), _set(("drawn",), "yes"), _set(("config",), []),
        _set(("experiment",), 3), _set(("experiment",), "../a"), _set(("cost",), 3), _set(("pairs",), None),
        _set(("pairs", "names"), ["a → b"]), _set(("pairs", "identities", 0), 3), _set(("pairs", "values"), []),
        _set(("pairs", "values", "strict/lpips"), 0.5), _set(("pairs", "values", "strict/lpips"), [0.5]),
        _set(("scores",), []), _set(("scores", "strict"), 3), _set(("scores", "strict", "lpips", "value"), "0.5"),
        _set(("colour",), "red"),
    ],
)  # fmt: skip
def test_rows_of_another_type_are_refused(change, tmp_path):
    path = write_row(row("m1", 0.5), tmp_path, "ablations")
    plain = json.loads(path.read_text())
    change(plain)
    path.write_text(json.dumps(plain))
    with pytest.raises(InputError) as raised:
        read_row(path)
    assert "\n" not in str(raised.value)
    assert str(path) in str(raised.value)


def test_the_screen_shows_intervals_and_why_there_is_none():
    assert "0.5000 [0.4000, 0.6000]" in overview("deepfashion-256x176", {"ours": SCORES}).rows[-1]
    assert "0.5000" in comparison("deepfashion-256x176", {"ours": SCORES}, "strict").rows[-1]
    pairs = [Sample(("a", name), None, None, "a person") for name in "bc"]
    score = _mean(METRICS["ssim"], np.array([0.2, 0.4]), pairs, [0, 1])
    assert (score.low, score.high) == (None, None)
    assert "all pairs show one person" in score.reason
    assert score.value == pytest.approx(0.3)
