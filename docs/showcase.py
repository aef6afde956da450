"""Draws docs/showcase.png, the README's first picture: people that the demo weights never saw, in every scenario."""

from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from imagpose import BodyPose, ImagposePipeline
from imagpose.data.images import open_view
from imagpose.data.mannequins.folder import ensure
from imagpose.data.readers.deepfashion import DeepFashion
from imagpose.reproduction.panels import NINE_VIEWS

ROOT = Path("data/nine_views")
ALL_VIEWS = 3  # people who are drawn in all eight further views
WIDTH = 10  # tiles
SCALE, GAP, LINE = 3, 4, 26

Tiles = list[tuple[Image.Image, int, int, int]]  # picture, column, row, and how many tiles it is wide and high
View = Callable[[str], tuple[Image.Image, BodyPose]]


def main() -> None:
    """The first held-out people of the list, in its order: none is left out."""
    ensure(ROOT, NINE_VIEWS)
    index = DeepFashion(ROOT)
    pipe = ImagposePipeline.from_pretrained("mannequin-demo")
    pipe.set_progress_bar_config(disable=True)

    def view(name: str) -> tuple[Image.Image, BodyPose]:
        record = index.records[name]
        image = open_view(record, ROOT)
        size = (image.height, image.width)
        return image, BodyPose(size, record.keypoints_at(size))

    people = iter([record.name for record in views] for views in index.identities("test").values())
    blocks = [_all_views(pipe, view, next(people), seed) for seed in range(ALL_VIEWS)]
    for several in (False, True):
        left, right = (("T3", 3), ("T2", 1)) if several else (("T1", 1), ("T3", 3))
        parts = (
            _setting(pipe, view, next(people), *left, poses=1, column=0),
            _setting(pipe, view, next(people), *right, poses=1, column=left[1] + 3),
        )
        blocks.append(([tile for part in parts for tile in part[0]], [head for part in parts for head in part[1]]))
    blocks.append(_setting(pipe, view, next(people), "IMAGPose*", 1, poses=3, column=0))
    _sheet(blocks).save("docs/showcase.png")
    print("The picture is docs/showcase.png.")


Block = tuple[Tiles, list[tuple[str, int]]]


def _all_views(pipe: ImagposePipeline, view: View, names: Sequence[str], seed: int) -> Block:
    """A source and eight poses on one canvas of nine panels: what was generated, above the truth."""
    (source, pose), *rest = (view(name) for name in names)
    images = pipe(source, pose, [wanted for _, wanted in rest], seed=seed).images[0]
    tiles: Tiles = [(source, 0, 0, 2)]
    tiles += [(image, 2 + i, 0, 1) for i, image in enumerate(images)]
    tiles += [(truth, 2 + i, 1, 1) for i, (truth, _) in enumerate(rest)]
    return tiles, [("source", 0), ("eight poses at once, above the truth", 2)]


def _setting(
    pipe: ImagposePipeline, view: View, names: Sequence[str], setting: str, sources: int, poses: int, column: int
) -> Block:
    """One of the paper's settings in a line: sources, poses, what was generated, the truth."""
    chosen = [view(name) for name in [*names[:sources], *names[4 : 4 + poses]]]
    pictures, wanted = zip(*chosen, strict=True)
    images = pipe(
        list(pictures[:sources]), list(wanted[:sources]), list(wanted[sources:]), setting, panels=4, seed=len(names)
    ).images[0]
    maps = [pose.picture((images[0].height, images[0].width)) for pose in wanted[sources:]]
    line = [*pictures[:sources], *maps, *images, *pictures[sources:]]
    starts = (0, sources, sources + poses, sources + 2 * poses)
    first = setting if poses > 1 else f"{setting}: source{'s' if sources > 1 else ''}"  # no more finds room
    heads = (first, "pose" + "s" * (poses > 1), "generated", "truth")
    tiles: Tiles = [(image, column + i, 0, 1) for i, image in enumerate(line)]
    return tiles, [(head, column + start) for head, start in zip(heads, starts, strict=True)]


def _sheet(blocks: Sequence[Block]) -> Image.Image:
    """Blocks below each other, each under its headings; no tile of the page stays empty."""
    first = blocks[0][0][1][0]
    width, height = first.width * SCALE, first.height * SCALE
    heights = [max(row + size for _, _, row, size in tiles) for tiles, _ in blocks]
    total = sum(rows * (height + GAP) + LINE for rows in heights)
    page = Image.new("RGB", (WIDTH * (width + GAP) + GAP, total + GAP), "white")
    draw, font, top = ImageDraw.Draw(page), ImageFont.load_default(16), 0
    for (tiles, heads), rows in zip(blocks, heights, strict=True):
        for text, column in heads:
            draw.text((GAP + column * (width + GAP), top + 5), text, "#444444", font)
        top += LINE
        for image, column, row, size in tiles:
            place = (GAP + column * (width + GAP), top + row * (height + GAP))
            shown = (size * width + (size - 1) * GAP, size * height + (size - 1) * GAP)
            page.paste(image.resize(shown, Image.Resampling.BICUBIC), place)
        top += rows * (height + GAP)
    return page


if __name__ == "__main__":
    main()
