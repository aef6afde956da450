import pytest
import torch

from imagpose.models.cva import CVA
from imagpose.panels import split, tile


def make(positions=True, attentions=1):
    return CVA(16, head_dim=8, positions=positions, norm_num_groups=4, attentions=attentions)


@pytest.mark.parametrize("attentions", [1, 2])
def test_fresh_cva_is_silent(attentions):
    canvas = torch.randn(2, 16, 8, 6)
    assert torch.equal(make(attentions=attentions)(canvas, (2, 2)), canvas)


@pytest.mark.parametrize(("rows", "cols"), [(1, 1), (1, 2), (2, 2), (2, 3), (3, 3)])
def test_any_number_of_panels(rows, cols, stir):
    canvas = torch.randn(1, 16, rows * 3, cols * 2)
    assert stir(make())(canvas, (rows, cols)).shape == canvas.shape


def test_without_positions_permuting_panels_permutes_the_output(stir):
    cva, views, order = stir(make(positions=False)), torch.randn(2, 4, 16, 4, 3), torch.tensor([2, 0, 3, 1])
    direct = split(cva(tile(views, 2, 2), (2, 2)), 2, 2)[:, order]
    permuted = split(cva(tile(views[:, order], 2, 2), (2, 2)), 2, 2)
    torch.testing.assert_close(direct, permuted)


def test_with_positions_panels_know_their_place(stir):
    cva, views, order = stir(make()), torch.randn(2, 4, 16, 4, 3), torch.tensor([2, 0, 3, 1])
    direct = split(cva(tile(views, 2, 2), (2, 2)), 2, 2)[:, order]
    permuted = split(cva(tile(views[:, order], 2, 2), (2, 2)), 2, 2)
    assert (direct - permuted).abs().max() > 1e-3


def test_a_position_sees_its_like_in_every_panel_and_nothing_else(stir):
    cva = stir(make())
    cva.norm = torch.nn.Identity()  # its statistics spread over the panel
    views = torch.randn(1, 4, 16, 4, 3, requires_grad=True)
    split(cva(tile(views, 2, 2), (2, 2)), 2, 2)[0, 0, :, 1, 2].sum().backward()
    seen = views.grad[0].abs().sum(1) > 0
    assert seen[:, 1, 2].all()
    assert seen.sum() == 4


def test_panels_beside_each_other_are_as_panels_below_each_other(stir):
    cva, views = stir(make()), torch.randn(2, 6, 16, 4, 3)
    wide, high = ((2, 3), (3, 2))
    torch.testing.assert_close(split(cva(tile(views, *wide), wide), *wide), split(cva(tile(views, *high), high), *high))


@pytest.mark.parametrize("most", [1, 5, 95, 96])
def test_more_sequences_than_a_kernel_takes_are_attended_to_in_parts(stir, monkeypatch, most):
    cva, canvas = stir(make()), torch.randn(2, 16, 2 * 8, 2 * 6, requires_grad=True)
    whole = cva(canvas, (2, 2))
    (expected,) = torch.autograd.grad(whole.square().sum(), canvas)
    sizes = []
    cva.block.register_forward_pre_hook(lambda block, given: sizes.append(len(given[0])))
    monkeypatch.setattr("imagpose.models.cva.MAX_SEQUENCES", most)
    parted = cva(canvas, (2, 2))
    assert max(sizes) == most
    assert sum(sizes) == 2 * 8 * 6
    torch.testing.assert_close(parted, whole)
    torch.testing.assert_close(torch.autograd.grad(parted.square().sum(), canvas)[0], expected, rtol=1e-4, atol=1e-3)
