"""Tables of scores as Markdown, LaTeX and CSV, and the scores that papers print."""

from __future__ import annotations

import csv
import functools
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from imagpose.evaluation.metrics import METRICS, Metric
from imagpose.evaluation.scoring import Score

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


@dataclass(frozen=True)
class Printed:
    """A method's scores as a paper prints them; an empty one is not printed.

    Attributes:
        method: Its name.
        source: The paper and its table.
        scores: To the digit, by the column of ``printed.csv``; see :attr:`Metric.paper`.
    """

    method: str
    source: str
    scores: dict[str, str]

    def number(self, column: str) -> float | None:
        """A score; None where it is not printed."""
        text = self.scores[column]
        return float(text) if text else None


@functools.cache
def printed(table: str) -> tuple[Printed, ...]:
    """The printed rows of a table named in ``SIZES``."""
    with open(Path(__file__).with_name("printed.csv"), newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row.pop("table") == table]
    return tuple(Printed(row.pop("method"), row.pop("source"), row) for row in rows)


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


def cell(metric: Metric, score: Score, interval: bool = True) -> str:
    """A score as text: with the metric's digits, a star where its reason must be read, and its interval."""
    if score.value is None:
        return "n/a"
    digits = metric.digits
    star = "*" if score.reason else ""
    bounds = f" [{score.low:.{digits}f}, {score.high:.{digits}f}]" if interval and score.low is not None else ""
    return f"{score.value:.{digits}f}{star}{bounds}"


def score_table(title: str, scores: dict[str, dict[str, Score]], size: tuple[int, int]) -> Table:
    """One row a protocol, the paper's own scores beneath the one it presumably used."""
    rows = []
    for protocol, of_metric in scores.items():
        rows.append([protocol, *(cell(metric, of_metric[name]) for name, metric in METRICS.items())])
        paper = of_paper(size)
        if protocol == PRESUMED and paper:
            theirs = [paper.scores[metric.paper] if metric.paper else "–" for metric in METRICS.values()]
            rows.append([f"IMAGPose as printed, presumably by {PRESUMED}", *theirs])
    return Table(title, ["protocol", *(metric.heading for metric in METRICS.values())], rows, reasons(scores))


def reasons(scores: dict[str, dict[str, Score]]) -> list[str]:
    """Every reason once, in order."""
    return list(dict.fromkeys(s.reason for of_metric in scores.values() for s in of_metric.values() if s.reason))
