"""Contact sheets: sources, poses, what was generated and, where it is known, the truth, side by side with headings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont, ImageOps

_PAGE = (3200, 2000)  # width and height that a sheet keeps to, if its pictures can be made to fit
_HEIGHT = 192  # of a small picture on the sheet
_SMALLEST = 64  # height that no picture is reduced below
_GAP = 6
_STRIP = 18  # more between what goes on beside
_LINE = 18
_HEADING = 22
_FONT = 14


@dataclass(frozen=True)
class SheetRow:
    """One canvas on a sheet.

    Attributes:
        sources: The given pictures.
        poses: The poses asked for, drawn.
        generated: The generated pictures, one a pose.
        truths: The true picture of each pose, or none.
        label: Written above the row, in one line or several.
    """

    sources: Sequence[Image.Image]
    poses: Sequence[Image.Image]
    generated: Sequence[Image.Image]
    truths: Sequence[Image.Image] = ()
    label: str = ""


def contact_sheet(rows: Sequence[SheetRow]) -> Image.Image:
    """Lay rows out under headings, on one page; see :func:`lay_out`."""
    size = rows[0].generated[0].size
    columns = [
        ("source", [list(row.sources) for row in rows]),
        ("pose", [list(row.poses) for row in rows]),
        ("generated", [list(row.generated) for row in rows]),
        ("truth", [list(row.truths) for row in rows]),
    ]
    return lay_out(columns, size, [row.label for row in rows] if any(row.label for row in rows) else ())


def lay_out(
    columns: Sequence[tuple[str, Sequence[Sequence[Image.Image]]]], size: tuple[int, int], labels: Sequence[str] = ()
) -> Image.Image:
    """Lay pictures out under headings, on one page: what is too high for it goes on beside.

    Args:
        columns: A heading and, row by row, the pictures under it.
        size: (width, height) in pixels of most pictures. Small ones are enlarged by whole pixels; where a page has no
            room they are shown smaller, a half, a third and so on.
        labels: Written above the rows, if any, in one line or several; what is too long is cut in its middle.

    Returns:
        The page. It is larger than 3200×2000 only where the smallest pictures do not fit.
    """
    font = ImageFont.load_default(_FONT)
    widths = [max(len(pictures) for pictures in rows) for _, rows in columns]
    count = len(columns[0][1])
    label = _LINE * max((text.count("\n") + 1 for text in labels), default=0)

    def width(cell: tuple[int, int]) -> int:
        pictures = sum(width * (cell[0] + _GAP) + _GAP for width in widths if width)
        return max(pictures, *(int(font.getlength(heading)) + 2 * _GAP for heading, _ in columns))

    for cell in _cells(size):
        rows = max((_PAGE[1] - _HEADING) // (label + cell[1] + _GAP), 1)
        strips = -(-count // rows)
        if strips * (width(cell) + _STRIP) <= _PAGE[0]:
            break
    rows = -(-count // strips)  # as many in each strip
    across, down = width(cell) + _STRIP, label + cell[1] + _GAP
    page = Image.new("RGB", (strips * across - _STRIP + _GAP, _HEADING + rows * down), "white")
    draw = ImageDraw.Draw(page)
    for strip in range(strips):
        left = strip * across + _GAP
        for (heading, of_rows), places in zip(columns, widths, strict=True):
            if not places:
                continue
            draw.text((left, 2), heading, fill="black", font=font)
            for i, pictures in enumerate(of_rows[strip * rows : (strip + 1) * rows]):
                for place, picture in enumerate(pictures):
                    at = left + place * (cell[0] + _GAP), _HEADING + i * down + label
                    page.paste(_shown(picture, size, cell), at)
            left += places * (cell[0] + _GAP) + _GAP
        for i, text in enumerate(labels[strip * rows : (strip + 1) * rows]):
            cut = "\n".join(_cut(line, across - _STRIP - _GAP, font) for line in text.split("\n"))
            draw.text((strip * across + _GAP, _HEADING + i * down), cut, fill="dimgray", font=font, spacing=2)
    return page


def _cells(size: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Sizes to show a picture at, from the largest."""
    for factor in range(max(_HEIGHT // size[1], 1), 0, -1):
        yield size[0] * factor, size[1] * factor
    for part in range(2, size[1] // _SMALLEST + 1):
        yield size[0] // part, size[1] // part


def _shown(image: Image.Image, size: tuple[int, int], cell: tuple[int, int]) -> Image.Image:
    if image.size == size and cell[0] >= size[0]:
        return image.resize(cell, Image.Resampling.NEAREST)
    return ImageOps.pad(image, cell, Image.Resampling.LANCZOS, color="white")


def _cut(text: str, width: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """A line that is at most so wide; both its ends tell names apart."""
    kept = len(text)
    short = text
    while font.getlength(short) > width and kept > 2:
        kept -= 1
        short = f"{text[: -(-kept // 2)]}…{text[len(text) - kept // 2 :]}"
    return short
