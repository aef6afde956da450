"""Tables of scores as Markdown, LaTeX and CSV, and the scores that papers print."""

from __future__ import annotations

import csv
import functools
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from imagpose.evaluation.scoring import METRICS, Score

SIZES = {
    "deepfashion-256x176": (256, 176),
    "deepfashion-512x352": (512, 352),
    "market-1501": (128, 64),
    "ablations": (256, 176),
    "variants": (256, 176),
    "architectures": (256, 176),
    "uniformity": (256, 176),
}
"""The paper's tables and the size that each was measured at: the three blocks of Table 1, Tables 2, 3 and 7, and what
the text says of Figure 7."""

PRESUMED = "pcdms"
"""The protocol of the paper's own scores: asked for their evaluation, its authors answer "refer to PCDMs"."""

HEADINGS = {"ssim": "SSIM ↑", "ssim_256": "SSIM_256 ↑", "psnr": "PSNR ↑", "lpips": "LPIPS ↓", "fid": "FID ↓"}


@dataclass(frozen=True)
class Printed:
    """A method's scores as a paper prints them; an empty one is not printed.

    Attributes:
        method: Its name.
        ssim: To the digit, as the rest.
        lpips: Likewise.
        fid: Likewise.
        source: The paper and its table.
    """

    method: str
    ssim: str
    lpips: str
    fid: str
    source: str

    def number(self, metric: str) -> float | None:
        """A score; None where it is not printed."""
        text = getattr(self, metric)
        return float(text) if text else None


@functools.cache
def printed(table: str) -> tuple[Printed, ...]:
    """The printed rows of a table named in ``SIZES``."""
    with open(Path(__file__).with_name("printed.csv"), newline="", encoding="utf-8") as file:
        return tuple(Printed(*list(row.values())[1:]) for row in csv.DictReader(file) if row["table"] == table)


def of_paper(size: tuple[int, int]) -> Printed | None:
    """What the paper prints for its own model at a size in Table 1."""
    for table in list(SIZES)[:3]:
        if SIZES[table] == size:
            return next(row for row in printed(table) if row.method == "IMAGPose")
    return None


@dataclass(frozen=True)
class Table:
    """Cells of text.

    Attributes:
        title: Text above the table.
        header: Names of the columns.
        rows: Rows of cells, each as long as the header.
        notes: Sentences below the table.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()

    def markdown(self) -> str:
        """For a README."""
        lines = [self.header, ["---"] * len(self.header), *self.rows]
        body = "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
        return f"**{self.title}**\n\n{body}\n" + "".join(f"\n- {note}" for note in self.notes) + "\n"

    def latex(self) -> str:
        """For a paper; needs booktabs. ``**bold**`` cells are bold there too."""
        body = "".join(f"{' & '.join(_latex(cell) for cell in row)} \\\\\n" for row in self.rows)
        head = " & ".join(_latex(cell) for cell in self.header)
        notes = "".join(f"\\par\\footnotesize {_latex(note)}\n" for note in self.notes)
        return (
            f"\\begin{{table}}\n\\caption{{{_latex(self.title)}}}\n"
            f"\\begin{{tabular}}{{l{'r' * (len(self.header) - 1)}}}\n\\toprule\n{head} \\\\\n\\midrule\n{body}"
            f"\\bottomrule\n\\end{{tabular}}\n{notes}\\end{{table}}\n"
        )


def to_csv(rows: Iterable[Sequence[object]]) -> str:
    """Rows as CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "↑": r"$\uparrow$", "↓": r"$\downarrow$", "–": "--",
    "−": r"$-$", "σ": r"$\sigma$", "×": r"$\times$", "→": r"$\to$",
}  # fmt: skip


def _latex(text: str) -> str:
    plain = "".join(_LATEX.get(character, character) for character in text)
    return re.sub(r"\*\*(.+?)\*\*", r"\\textbf{\1}", plain)


def cell(metric: str, score: Score, interval: bool = True) -> str:
    """A score as text: four digits (PSNR two), a star where its reason must be read, and its interval."""
    if score.value is None:
        return "n/a"
    digits = 2 if metric == "psnr" else 4
    star = "*" if score.reason else ""
    bounds = f" [{score.low:.{digits}f}, {score.high:.{digits}f}]" if interval and score.low is not None else ""
    return f"{score.value:.{digits}f}{star}{bounds}"


def score_table(title: str, scores: dict[str, dict[str, Score]], size: tuple[int, int]) -> Table:
    """One row a protocol, the paper's own scores beneath the one it presumably used."""
    rows = []
    for name, of_metric in scores.items():
        rows.append([name, *(cell(metric, of_metric[metric]) for metric in METRICS)])
        paper = of_paper(size)
        if name == PRESUMED and paper:
            rows.append(["IMAGPose as printed, presumably by pcdms", "–", paper.ssim, "–", paper.lpips, paper.fid])
    return Table(title, ["protocol", *HEADINGS.values()], rows, reasons(scores))


def reasons(scores: dict[str, dict[str, Score]]) -> list[str]:
    """Every reason once, in order."""
    return list(dict.fromkeys(s.reason for of_metric in scores.values() for s in of_metric.values() if s.reason))
