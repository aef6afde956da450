import torch

from imagpose.callbacks.evaluation import one_result
from imagpose.callbacks.samples import contact_sheet


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


def test_the_contact_sheet_shows_source_pose_three_results_and_truth():
    panels = torch.arange(4.0).view(1, 4, 1, 1, 1).expand(3, 4, 3, 8, 6) / 10
    sheet = contact_sheet(make_batch(), panels, pairs=3, per_row=2)
    assert sheet.shape == (3, 2 * 8, 2 * 6 * 6)
    cells = sheet[0, 0, ::6][:6]
    torch.testing.assert_close(cells, torch.tensor([0.1, 0.0, 0.1, 0.2, 0.3, 0.9]))
    assert sheet[:, 8:, 36:].eq(1).all()  # the fourth place is blank
