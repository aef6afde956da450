"""Sheets keep to a page, lose no picture on it and say what each is."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from imagpose.output.sheet import SheetRow, contact_sheet, lay_out


def colour(number: int) -> tuple[int, int, int]:
    return 40 + 8 * number, 250 - 8 * number, 120  # of no text and no background


def rows(count: int, size: tuple[int, int], **more) -> list[SheetRow]:
    return [SheetRow([], [], [Image.new("RGB", size, colour(i))], **more) for i in range(count)]


def colours(sheet: Image.Image) -> set[tuple[int, ...]]:
    return {found for _, found in sheet.getcolors(2**24)}


@pytest.mark.parametrize("size", [(44, 64), (176, 256), (352, 512)])
@pytest.mark.parametrize("count", [1, 7, 24])
def test_every_picture_is_on_one_page(count, size):
    sheet = contact_sheet(rows(count, size))
    assert sheet.width <= 3200
    assert sheet.height <= 2000
    assert {colour(i) for i in range(count)} <= colours(sheet)


def test_rows_go_on_beside_in_equal_strips_that_each_have_headings():
    several = lay_out([("picture", [[row.generated[0]] for row in rows(13, (44, 64))])], (44, 64))
    one = lay_out([("picture", [[row.generated[0]] for row in rows(7, (44, 64))])], (44, 64))
    pixels, strip = np.asarray(several), np.asarray(one)
    assert several.height == one.height
    np.testing.assert_array_equal(pixels[:, : one.width - 6], strip[:, :-6])
    np.testing.assert_array_equal(pixels[:22, -one.width :], strip[:22])
    assert (pixels[-192:, -one.width :] == 255).all()  # the fourteenth place is blank


def test_a_small_picture_is_enlarged_by_whole_pixels_and_one_row_shows_a_large_one_as_it_is():
    noise = np.random.default_rng(0).integers(0, 255, (64, 44, 3), dtype=np.uint8)
    page = np.asarray(contact_sheet([SheetRow([], [], [Image.fromarray(noise)])]))
    np.testing.assert_array_equal(page[22 : 22 + 192, 6 : 6 + 132], noise.repeat(3, 0).repeat(3, 1))
    noise = np.random.default_rng(0).integers(0, 255, (512, 352, 3), dtype=np.uint8)
    page = np.asarray(contact_sheet([SheetRow([], [], [Image.fromarray(noise)])]))
    np.testing.assert_array_equal(page[22 : 22 + 512, 6 : 6 + 352], noise)


def test_labels_are_written_over_their_rows_and_cut_in_the_middle(monkeypatch):
    written = []
    text = ImageDraw.ImageDraw.text
    monkeypatch.setattr(ImageDraw.ImageDraw, "text", lambda self, at, words, *a, **k: (
        written.append((at, words)), text(self, at, words, *a, **k)
    ))  # fmt: skip
    contact_sheet(rows(2, (44, 64), label=f"first_{'x' * 90}_last.png\nssim 0.5"))
    labels = [(at, words) for at, words in written if words != "generated"]
    assert [at for at, _ in labels] == [(6, 22), (6, 22 + 36 + 192 + 6)]
    assert all(words.startswith("first_x") and words.endswith("x_last.png\nssim 0.5") for _, words in labels)
    assert all("…" in words and len(words) < 40 for _, words in labels)


@pytest.mark.parametrize("shape", [(44, 64), (64, 44), (30, 64), (200, 20), (7, 300)])
def test_no_picture_is_cut_whatever_its_shape_beside_the_others(shape):
    """Its four corners are on the sheet, inside of its own place."""
    picture = Image.new("RGB", shape, "gray")
    marked = {(0, 0): (255, 0, 0), (1, 0): (0, 255, 0), (0, 1): (0, 0, 255), (1, 1): (255, 255, 0)}
    for (right, down), colour_ in marked.items():
        half = (shape[0] // 2, shape[1] // 2)
        picture.paste(colour_, (right * half[0], down * half[1], (right + 1) * half[0], (down + 1) * half[1]))
    sheet = lay_out([("picture", [[picture]])], (44, 64))
    pixels = np.asarray(sheet)[22:].astype(int)
    places = [np.argwhere(np.abs(pixels - colour_).max(-1) < 60).mean(0) for colour_ in marked.values()]
    assert not np.isnan(places).any()
    (first, beside, below, last) = places
    assert first[1] < beside[1]
    assert first[0] < below[0]
    np.testing.assert_allclose(first + last, beside + below, atol=2)
    np.testing.assert_allclose(
        (beside[1] - first[1]) / (below[0] - first[0]), shape[0] / shape[1], rtol=0.25
    )  # it keeps its shape


def test_every_heading_and_label_is_written_once_a_strip(monkeypatch):
    written = []
    monkeypatch.setattr(ImageDraw.ImageDraw, "text", lambda self, at, words, *a, **k: written.append(words))
    pictures = [[row.generated[0]] for row in rows(24, (44, 64))]
    labels = [f"{i}.png" for i in range(24)]
    lay_out([("ours", pictures), ("nobody's", [[] for _ in pictures]), ("theirs", pictures)], (44, 64), labels)
    assert [one for one in written if one.endswith(".png")] == labels
    assert written.count("ours") == written.count("theirs") > 1
    assert "nobody's" not in written  # a column of no pictures has no heading


def test_a_page_grows_only_where_the_smallest_pictures_do_not_fit():
    sheet = lay_out([("picture", [[row.generated[0]] for row in rows(700, (44, 64))])], (44, 64))
    assert sheet.height <= 2000
    assert sheet.width * sheet.height >= 700 * 44 * 64
