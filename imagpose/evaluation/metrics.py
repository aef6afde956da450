"""A record for each metric: its name, its direction, and what tables, plots and notes say of it.

What computes it stands in a protocol: as one of its ``similarities`` where each picture has a number of its own.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """One way to tell how good generated pictures are.

    Attributes:
        name: Its name in files, ``ssim_256`` in ``evaluation.json`` say.
        title: Its name for people.
        lower_is_better: Whether a smaller score is the better one.
        paper: The paper's score that it presumably is, a column of ``printed.csv``; None where the paper prints none.
        digits: Decimals in tables.
        card_digits: Decimals in a pipeline's model card.
        compared: Whether it stands in tables that compare methods or rows.
        of_set: Whether it is of a whole set of pictures; the others have a number for each picture.
        unbounded: Whether a picture that equals the truth scores infinity.
        undefined: Which pictures have no score, in words; empty where all have one.
        margin: What is no difference worth the name: an interval of a difference that lies within it says that two rows
            are alike. SSIM's was fixed before there were rows; the others were chosen when there were rows of one
            seed, which are judged by them too.
    """

    name: str
    title: str
    lower_is_better: bool = False
    paper: str | None = None
    digits: int = 4
    card_digits: int = 2
    compared: bool = True
    of_set: bool = False
    unbounded: bool = False
    undefined: str = ""
    margin: float | None = None

    @property
    def heading(self) -> str:
        """The heading of its column: its title, and an arrow to where the better scores are."""
        return f"{self.title} {'↓' if self.lower_is_better else '↑'}"

    @property
    def sign(self) -> int:
        """The sign of an improvement, 1 or -1."""
        return -1 if self.lower_is_better else 1


METRICS = {
    metric.name: metric
    for metric in (
        Metric("ssim", "SSIM", margin=0.005),
        # The paper's SSIM is that of values 0 … 255.
        Metric("ssim_256", "SSIM_256", paper="ssim", undefined="of one colour, so that its range is 0", margin=0.005),
        Metric("psnr", "PSNR", digits=2, compared=False, unbounded=True),
        Metric("lpips", "LPIPS", lower_is_better=True, paper="lpips", margin=0.005),
        Metric("fid", "FID", lower_is_better=True, paper="fid", of_set=True),
    )
}
"""The field's metrics by name, in the order of all tables."""

PAPERS = {metric.paper: metric for metric in METRICS.values() if metric.paper is not None}
"""Those that the paper prints, by the column of ``printed.csv``."""

FIGURE = {
    metric.name: metric
    for metric in (
        Metric("ssim", "figure's SSIM", card_digits=3, margin=0.005),
        Metric("psnr", "figure's PSNR", digits=2, card_digits=1, compared=False, unbounded=True),
        Metric("identity_at_1", "identity@1", margin=0.02),
        Metric("pattern_at_1", "pattern@1", margin=0.02),
    )
}
"""What drawn mannequins have beside them, under the protocol ``figure``: measured inside the figure's box."""


def compared(metrics: dict[str, Metric]) -> list[Metric]:
    """Those of the metrics that stand in tables which compare methods or rows."""
    return [metric for metric in metrics.values() if metric.compared]
