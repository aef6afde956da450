import pytest
import torch

from imagpose.panels import crop, pad, split, tile


@pytest.mark.parametrize(("rows", "cols"), [(1, 1), (1, 2), (2, 2), (2, 3), (3, 3)])
def test_split_undoes_tile(rows, cols):
    views = torch.randn(2, rows * cols, 3, 5, 4)
    assert torch.equal(split(tile(views, rows, cols), rows, cols), views)


def test_panels_are_laid_row_by_row():
    canvas = tile(torch.arange(4.0).view(1, 4, 1, 1, 1), 2, 2)
    assert canvas[0, 0].tolist() == [[0, 1], [2, 3]]


def test_wrong_counts_are_refused():
    with pytest.raises(ValueError, match="3 panels do not fill 2 rows of 2"):
        tile(torch.zeros(1, 3, 1, 2, 2), 2, 2)
    with pytest.raises(ValueError, match="does not split"):
        split(torch.zeros(1, 1, 3, 4), 2, 2)


@pytest.mark.parametrize(
    ("size", "padded"), [((256, 176), (256, 192)), ((512, 352), (512, 384)), ((128, 64), (128, 64))]
)
def test_padding_reaches_the_multiple_and_is_cropped_back(size, padded):
    images = torch.randn(1, 2, 3, *size)
    grown = pad(images, 64)
    assert grown.shape[-2:] == padded
    assert torch.equal(crop(grown, size), images)
    assert torch.equal(grown[..., 0], grown[..., (padded[1] - size[1]) // 2])  # the edge is repeated
