"""Contact sheets: sources, poses, what was generated and, where it is known, the truth, side by side with headings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont, ImageOps

from imagpose.data.body_pose import BodyPose
from imagpose.data.images import to_uint8

_HEIGHT = 192  # of a picture on the sheet
_GAP = 6
_HEADING = 22
_FONT = 14


@dataclass(frozen=True)
class Row:
    """One canvas on a sheet.

    Attributes:
        sources: Given pictures.
        poses: The poses asked for.
        generated: One picture a pose.
        truths: The true picture of each pose, or none.
        label: Written above the row.
    """

    sources: Sequence[Image.Image]
    poses: Sequence[BodyPose]
    generated: Sequence[Image.Image]
    truths: Sequence[Image.Image] = ()
    label: str = ""


def contact_sheet(rows: Sequence[Row]) -> Image.Image:
    """Lay rows out in columns of like kind; small pictures are enlarged by whole pixels."""
    size = rows[0].generated[0].size
    factor = max(_HEIGHT // size[1], 1)
    cell = (size[0] * factor, size[1] * factor)

    def shown(image: Image.Image) -> Image.Image:
        if image.size == size:
            return image.resize(cell, Image.Resampling.NEAREST)
        return ImageOps.pad(image, cell, Image.Resampling.LANCZOS, color="white")

    kinds = [
        ("source", [list(row.sources) for row in rows]),
        ("pose", [[_map(pose, size) for pose in row.poses] for row in rows]),
        ("generated", [list(row.generated) for row in rows]),
        ("truth", [list(row.truths) for row in rows]),
    ]
    widths = [max(len(pictures) for pictures in columns) for _, columns in kinds]
    step = cell[0] + _GAP
    labelled = _HEADING if any(row.label for row in rows) else 0
    height = _HEADING + len(rows) * (cell[1] + _GAP + labelled)
    sheet = Image.new("RGB", (sum(widths) * step + 3 * _GAP + _GAP, height), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(_FONT)
    left = _GAP
    for (heading, columns), width in zip(kinds, widths, strict=True):
        if not width:
            continue
        draw.text((left, 2), heading, fill="black", font=font)
        for number, pictures in enumerate(columns):
            top = _HEADING + number * (cell[1] + _GAP + labelled)
            if labelled and heading == "source":
                draw.text((left, top + 2), rows[number].label, fill="dimgray", font=font)
            for i, picture in enumerate(pictures):
                sheet.paste(shown(picture), (left + i * step, top + labelled))
        left += width * step + _GAP
    return sheet


def _map(pose: BodyPose, size: tuple[int, int]) -> Image.Image:
    return Image.fromarray(to_uint8(pose.map((size[1], size[0])) * 2 - 1))
