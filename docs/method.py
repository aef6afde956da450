"""Draws docs/method.png, the method in one picture: its panels are examples/ and what the demo weights make of them."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch
from PIL import Image

from imagpose import BodyPose, ImagposePipeline

EXAMPLES = Path("examples")
FROZEN, TRAINED, FLOW = "#e3e6ea", "#fbe3c0", "#444444"
PANEL = (4.4, 6.4)  # width and height of one panel, in the figure's units
Point = tuple[float, float]


def box(ax: Axes, corner: Point, size: Point, text: str, color: str = TRAINED) -> None:
    """A module: grey is frozen, orange is trained."""
    style = "round,pad=0,rounding_size=0.8"
    ax.add_patch(FancyBboxPatch(corner, *size, boxstyle=style, facecolor=color, edgecolor=FLOW, linewidth=0.9))
    ax.text(corner[0] + size[0] / 2, corner[1] + size[1] / 2, text, ha="center", va="center", fontsize=8)


def arrow(ax: Axes, *points: Point, text: str = "", at: Point | None = None) -> None:
    """A line through the points that ends in an arrow head, and what flows there."""
    xs, ys = zip(*points[:-1], strict=True)
    ax.plot(xs, ys, color=FLOW, linewidth=1)
    ax.annotate("", points[-1], points[-2], arrowprops={"arrowstyle": "-|>", "color": FLOW, "shrinkA": 0, "shrinkB": 0})
    if text and at:
        ax.text(*at, text, ha="center", va="bottom", fontsize=8)


def panels(ax: Axes, corner: Point, images: list[Image.Image], title: str) -> None:
    """One picture, or four as the 2×2 canvas; ``corner`` is the lower left one."""
    cols = 2 if len(images) > 1 else 1
    rows = len(images) // cols
    for number, image in enumerate(images):
        x = corner[0] + number % cols * PANEL[0]
        y = corner[1] + (rows - 1 - number // cols) * PANEL[1]
        ax.imshow(image, extent=(x, x + PANEL[0], y, y + PANEL[1]), interpolation="nearest", zorder=1)
    ax.text(corner[0] + cols * PANEL[0] / 2, corner[1] + rows * PANEL[1] + 0.7, title, ha="center", fontsize=8)


def main() -> None:
    """Generate the example's three pictures, and draw the way to them."""
    source, source_pose = Image.open(EXAMPLES / "source.jpg"), BodyPose.read(EXAMPLES / "source.json")
    poses = [BodyPose.read(EXAMPLES / f"pose_{number}.json") for number in (1, 2, 3)]
    pipe = ImagposePipeline.from_pretrained("mannequin-demo")
    pipe.set_progress_bar_config(disable=True)
    results = pipe(source, source_pose, poses, seed=1).images[0]
    size = (results[0].height, results[0].width)
    black = Image.new("RGB", size[::-1])

    figure, ax = plt.subplots(figsize=(11, 6), dpi=150)
    panels(ax, (4.2, 43.5), [source], "source")
    panels(ax, (2, 18), [pose.picture(size) for pose in [source_pose, *poses]], "pose maps")
    panels(ax, (2, 0.5), [source, black, black, black], "panels: given or masked")

    # FLC
    box(ax, (16, 49.5), (14, 4.2), "image encoder", FROZEN)
    box(ax, (16, 41), (6, 4.2), "VAE", FROZEN)
    box(ax, (24, 41), (8, 4.2), "tokenizer")
    box(ax, (43, 41), (14, 12.7), "FLC, Sec. 3.2\n\n$F_C = $concat$(F_L, F_H)$\nEq. (3)")
    arrow(ax, (8.6, 48.5), (12, 48.5), (12, 51.6), (16, 51.6))
    arrow(ax, (8.6, 45.5), (12, 45.5), (12, 43.1), (16, 43.1))
    arrow(ax, (22, 43.1), (24, 43.1))
    arrow(ax, (30, 51.6), (43, 51.6), text="$F_H$: semantics", at=(36.5, 51.9))
    arrow(ax, (32, 43.1), (43, 43.1), text="$F_L$: texture", at=(37.5, 43.4))

    # Pose
    box(ax, (43, 21.4), (14, 6), "pose encoder\nSec. 3.4")
    arrow(ax, (10.8, 24.4), (43, 24.4))

    # ILC
    box(ax, (16, 4.8), (6, 4.2), "VAE", FROZEN)
    box(ax, (43, 1), (14, 11.8), "ILC, Sec. 3.3\n\nthree layers of one\n2×2 canvas", "#ffffff")  # it has no weights
    arrow(ax, (10.8, 6.9), (16, 6.9))
    arrow(ax, (22, 6.9), (43, 6.9), text="masked latents, 4 channels", at=(32.5, 7.1))
    arrow(ax, (24, 11.2), (43, 11.2), text="noisy latents $x_t$, 4 channels", at=(32.5, 11.4))
    arrow(ax, (24, 2.6), (43, 2.6), text="mask, 1 channel", at=(32.5, 2.8))

    # UNet
    box(ax, (64, 0.5), (18, 53.2), "", "#ffffff")
    ax.text(73, 54.4, "UNet", ha="center", fontsize=8)
    box(ax, (66, 4.6), (14, 4.6), "first convolution")
    ax.text(73, 24.4, "⊕", ha="center", va="center", fontsize=15)
    ax.text(73, 29.6, "in each attention block", ha="center", va="center", fontsize=7)
    box(ax, (66, 32.4), (14, 4.6), "cross-attention")
    box(ax, (66, 41), (14, 9.4), "CVA, Sec. 3.4\nattends across the\npanels, position\nby position")
    arrow(ax, (57, 6.9), (66, 6.9), text="$F_I$, $x_t$", at=(60.5, 7.1))
    arrow(ax, (57, 24.4), (71.8, 24.4), text="$F_P$", at=(60.5, 24.6))
    arrow(ax, (57, 47.3), (60.5, 47.3), (60.5, 34.7), (66, 34.7))
    ax.text(61, 40.5, "$F_C$", ha="left", va="center", fontsize=8)
    arrow(ax, (73, 9.2), (73, 23))
    arrow(ax, (73, 30.4), (73, 32.4))
    ax.plot([73, 73], [25.8, 28.6], color=FLOW, linewidth=1)
    arrow(ax, (73, 37), (73, 41))

    # From noise to pictures
    box(ax, (88, 41.5), (16, 8.4), "training: loss, Eq. (4)\nsampling: guidance,\nEq. (5), and DDIM", "#ffffff")
    box(ax, (91, 28), (10, 4.2), "VAE decoder", FROZEN)
    panels(ax, (91.6, 3.5), [source, *results], "")
    arrow(ax, (80, 45.7), (88, 45.7), text="$\\hat\\epsilon$", at=(85, 45.9))
    arrow(ax, (96, 41.5), (96, 32.2), text="$x_0$", at=(97.8, 36))
    arrow(ax, (96, 28), (96, 16.6))
    ax.text(96, 1.2, "the masked panels are the result", ha="center", fontsize=8)

    box(ax, (88, 54), (3, 2), "", FROZEN)
    ax.text(92, 55, "frozen", va="center", fontsize=8)
    box(ax, (98, 54), (3, 2), "")
    ax.text(102, 55, "trained", va="center", fontsize=8)

    ax.set_xlim(0, 108)
    ax.set_ylim(-1, 57)
    ax.set_aspect("equal")
    ax.axis("off")
    figure.savefig("docs/method.png", bbox_inches="tight", pad_inches=0.05)
    print("The picture is docs/method.png; grey is frozen, orange is trained.")


if __name__ == "__main__":
    main()
