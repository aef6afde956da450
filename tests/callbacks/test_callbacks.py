from itertools import groupby

import numpy as np
import pytest
import torch
from PIL import ImageDraw

from imagpose.callbacks.evaluation import one_result
from imagpose.callbacks.samples import panel_sheet


def make_batch():
    return {
        "number": torch.arange(3),
        "mask": torch.tensor([[1.0, 0, 0, 0]] * 3),
        "source": torch.full((3, 3, 8, 6), 0.1),
        "poses": torch.full((3, 4, 3, 8, 6), 0.5),
        "target": torch.full((3, 3, 8, 6), 0.9),
    }


def test_one_of_the_masked_results_is_taken_at_random_but_always_the_same():
    panels = torch.arange(4.0).view(1, 4, 1, 1, 1).expand(3, 4, 3, 8, 6)
    batch = {**make_batch(), "number": torch.arange(3)}
    chosen = one_result(panels, batch, seed=0)[:, 0, 0, 0]
    assert chosen.min() >= 1
    assert torch.equal(chosen, one_result(panels, batch, seed=0)[:, 0, 0, 0])
    many = {**batch, "number": torch.arange(300), "mask": batch["mask"][:1].expand(300, 4)}
    drawn = one_result(panels[:1].expand(300, -1, -1, -1, -1), many, seed=0)[:, 0, 0, 0]
    assert drawn.unique().tolist() == [1, 2, 3]


def test_the_panels_are_source_pose_three_results_and_truth_under_headings(monkeypatch):
    headings = []
    text = ImageDraw.ImageDraw.text
    monkeypatch.setattr(
        ImageDraw.ImageDraw, "text", lambda self, at, words, **k: (headings.append(words), text(self, at, words, **k))
    )
    panels = torch.arange(4.0).view(1, 4, 1, 1, 1).expand(3, 4, 3, 8, 6) / 10
    sheet = np.asarray(panel_sheet(make_batch(), panels, pairs=2))
    assert headings == ["source", "pose", "T1, 3 results", "truth"]
    assert sheet.shape[0] == 22 + 2 * (8 * 24 + 6)  # two pairs, enlarged to 192 pixels
    line = sheet[30, :, 0].tolist()
    shown = [round((value + 1) * 127.5) for value in (0.1, 0.0, 0.1, 0.2, 0.3, 0.9)]
    assert [value for value, _ in groupby(line) if value != 255] == pytest.approx(shown, abs=1)
