"""Contact sheets: sources, poses, what was generated and, where it is known, the truth, side by side with headings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont, ImageOps

_HEIGHT = 192  # of a picture on the sheet
_GAP = 6
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
        label: Written above the row.
    """

    sources: Sequence[Image.Image]
    poses: Sequence[Image.Image]
    generated: Sequence[Image.Image]
    truths: Sequence[Image.Image] = ()
    label: str = ""


def contact_sheet(rows: Sequence[SheetRow]) -> Image.Image:
    """Lay rows out in columns of like kind; small pictures are enlarged by whole pixels."""
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
    """Lay pictures out under headings.

    Args:
        columns: A heading and, row by row, the pictures under it.
        size: (width, height) that pictures are shown at; small ones are enlarged by whole pixels.
        labels: Written above the rows, if any.
    """
    factor = max(_HEIGHT // size[1], 1)
    cell = (size[0] * factor, size[1] * factor)

    def shown(image: Image.Image) -> Image.Image:
        if image.size == size:
            return image.resize(cell, Image.Resampling.NEAREST)
        return ImageOps.pad(image, cell, Image.Resampling.LANCZOS, color="white")

    widths = [max(len(pictures) for pictures in rows) for _, rows in columns]
    step = cell[0] + _GAP
    labelled = _HEADING if labels else 0
    height = _HEADING + len(columns[0][1]) * (cell[1] + _GAP + labelled)
    sheet = Image.new("RGB", (sum(widths) * step + len(columns) * _GAP, height), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(_FONT)
    left = _GAP
    for (heading, rows), width in zip(columns, widths, strict=True):
        if not width:
            continue
        draw.text((left, 2), heading, fill="black", font=font)
        for number, pictures in enumerate(rows):
            top = _HEADING + number * (cell[1] + _GAP + labelled)
            for i, picture in enumerate(pictures):
                sheet.paste(shown(picture), (left + i * step, top + labelled))
        left += width * step + _GAP
    for number, label in enumerate(labels):
        top = _HEADING + number * (cell[1] + _GAP + labelled)
        draw.text((_GAP, top + 2), label, fill="dimgray", font=font)
    return sheet
