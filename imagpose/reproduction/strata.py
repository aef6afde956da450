"""``imagpose strata``: whether a table's orders are stronger where a pair is harder, of rows that are there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from pathlib import Path

import numpy as np

from imagpose.data.mannequins.folder import MannequinSet, ensure, is_drawn
from imagpose.data.mannequins.wardrobe import Wardrobe
from imagpose.errors import InputError
from imagpose.evaluation.choices import ProtocolName
from imagpose.evaluation.metrics import FIGURE, METRICS, Metric
from imagpose.evaluation.screen import show, wide_console
from imagpose.evaluation.tables import Table, to_csv
from imagpose.options.commands import OTHER_NAME
from imagpose.output.progress import progress
from imagpose.reproduction.differences import Difference, Gains, gains_by_pair, signed
from imagpose.reproduction.paper import ALL, AnyTable
from imagpose.reproduction.rows import Row, read_rows
from imagpose.reproduction.sweep import narrowed, write_tables
from imagpose.reproduction.trained import MANNEQUINS

HARDNESS = {
    "hidden": "the share of the target's figure that its source does not show",
    "patterned": "the share of the target's figure that plain clothes would change",
}
"""What makes a pair hard, and is known of drawn people alone, both from 0 to 1."""
_PARTS = ("least third", "middle third", "most third")
_ON_SCREEN = (0, 1, 2, 6)  # columns: the two rows, metric, hardness and contrast
_ARROW = " → "
Ordered = tuple[str, str]


@dataclass(frozen=True)
class StrataRequest:
    """Which table's pairs are parted.

    Attributes:
        table: Whose rows are there, at tiny scale.
        data: The mannequins that the rows were scored on; the usual ones are drawn if they are missing.
        protocol: By which quality was measured.
        results: Folder of all tables; --out is its other name.
    """

    table: AnyTable
    _: KW_ONLY
    data: Path = MANNEQUINS
    protocol: ProtocolName = "strict"
    results: Path = field(default=Path("results"), metadata={OTHER_NAME: "out"})


@dataclass(frozen=True)
class Stratified:
    """The difference of two rows by one metric, over pairs that are parted by one kind of hardness.

    Attributes:
        order: Both rows' methods.
        metric: By which they differ.
        hardness: A key of :data:`HARDNESS`.
        thirds: The difference in each third of the pairs, the easiest first.
        contrast: That of the hardest third minus that of the easiest.
    """

    order: Ordered
    metric: Metric
    hardness: str
    thirds: tuple[Difference, ...]
    contrast: Difference

    @classmethod
    def of(cls, order: Ordered, metric: Metric, hardness: str, gains: Gains, thirds: Sequence[set[str]]) -> Stratified:
        """Part the gains of one row over another."""
        some = tuple(gains.among(third).mean() for third in thirds)
        return cls(order, metric, hardness, some, gains.contrast(thirds[-1], thirds[0]))

    def lines(self) -> Iterator[list[object]]:
        """Of the CSV, as many as there are thirds, and one."""
        for part, found in zip((*_PARTS, "most minus least"), (*self.thirds, self.contrast), strict=True):
            ends = ["" if end is None else f"{end:.6f}" for end in (found.low, found.high)]
            yield [*self.order, self.metric.title, self.hardness, part, f"{found.value:.6f}", *ends, found.pairs,
                   found.people, found.seeds]  # fmt: skip


def strata(request: StrataRequest) -> None:
    """Part a table's test pairs into thirds by what makes a pair hard, and compare its rows in each.

    A row is better for a reason: texture tokens should help where clothes are patterned, further panels where the
    source hides what the target shows. Where a gain is as large in the easiest third as in the hardest, that reason is
    not why. Nothing is trained or generated: the rows' single pairs are in ``results/``, and the renderer tells how
    hard each pair is.

    Raises:
        InputError: There are no such rows, or the dataset is not that of their pairs; the sentence says which.
    """
    if request.data != MANNEQUINS or request.data.exists():
        _check_drawn(request.data)
    console = wide_console()
    table = ALL[request.table]
    found = read_rows(request.results, table.name, [entry.name("tiny") for entry in table.trained()])
    rows = {entry.method: found[entry.name("tiny")] for entry in table.trained() if entry.name("tiny") in found}
    if not any(row.pairs.names for seeds in rows.values() for row in seeds):
        raise InputError(
            f"{request.results / table.name / 'rows'} has no rows of tiny scale; run them with make {table.name}."
        )
    hard = _hardness(request.data, rows)
    thirds = {name: _thirds(values) for name, values in hard.items()}
    parted = [
        Stratified.of(order, metric, hardness, gains, of)
        for order in table.compared()
        if set(order) <= set(rows)
        for protocol, metric in _metrics(request.protocol)
        for told in [table.alike(order, rows)]
        if (gains := gains_by_pair(rows[order[0]], rows[order[1]], protocol, metric.name, told)) is not None
        for hardness, of in thirds.items()
    ]
    if not parted:
        raise InputError(f"No two rows of {table.name} were scored by {request.protocol} on the same pairs.")
    written = _table(table.title, parted, hard, thirds)
    folder = request.results / table.name
    header = ["better", "worse", "metric", "by", "part", "difference", "low", "high", "pairs", "people", "seeds"]
    try:
        write_tables(folder, written, to_csv([header, *(line for one in parted for line in one.lines())]), "strata")
    except OSError as error:
        raise InputError(f"{folder} cannot be written ({error.strerror}); name another --results.") from error
    show(narrowed(written, _ON_SCREEN), console)
    print(f"The tables are {folder / 'strata'}.md, .tex and .csv.")


def hardness(root: Path, pair: str) -> dict[str, float]:
    """How hard a pair is, by the names of :data:`HARDNESS`.

    Args:
        root: A folder of mannequins that has both pictures.
        pair: ``<source> → <target>``.
    """
    source, target = pair.split(_ARROW)
    wardrobe = Wardrobe.of(root)
    person = wardrobe.person(target)
    drawn = wardrobe.draw(person, target)
    plain = wardrobe.draw(replace(person, top_pattern="plain", bottom_pattern="plain"), target)
    figure = drawn.silhouette
    shown = wardrobe.shown(target, [source])[0]
    changed = (drawn.image != plain.image).any(-1)
    return {"hidden": 1 - float(shown[figure].mean()), "patterned": float(changed[figure].mean())}


def _hardness(root: Path, rows: Mapping[str, Sequence[Row]]) -> dict[str, dict[str, float]]:
    """Of every pair that a row has, by what makes it hard."""
    if not root.exists():
        ensure(root, MannequinSet())
    pairs = sorted({name for seeds in rows.values() for row in seeds for name in row.pairs.names})
    wardrobe = Wardrobe.of(root)
    if strange := [pair for pair in pairs if not _is_of(wardrobe, pair)]:
        raise InputError(f"{root} has no pair {strange[0]}, as a row has; name the mannequins of the rows as --data.")
    found = {}
    with progress("Pairs", len(pairs), "pairs") as advance:
        for pair in pairs:
            found[pair] = hardness(root, pair)
            advance(1)
    return {name: {pair: of[name] for pair, of in found.items()} for name in HARDNESS}


def _check_drawn(root: Path) -> None:
    if not is_drawn(root):
        raise InputError(
            f"{root} holds no drawn mannequins, and of photographs nobody knows what a source hides; name the rows' "
            "mannequins with --data."
        )


def _is_of(wardrobe: Wardrobe, pair: str) -> bool:
    source, arrow, target = pair.partition(_ARROW)
    return bool(arrow) and wardrobe.has(source) and wardrobe.has(target)


def _thirds(values: Mapping[str, float]) -> list[set[str]]:
    """The pairs in equally many by their value, the smallest first; pairs of one value go by their name."""
    ordered = sorted(values, key=lambda pair: (values[pair], pair))
    return [set(part.tolist()) for part in np.array_split(np.array(ordered, dtype=object), len(_PARTS))]


def _metrics(protocol: str) -> Iterator[tuple[str, Metric]]:
    for name in ("ssim_256", "lpips"):
        yield protocol, METRICS[name]
    yield "figure", FIGURE["pattern_at_1"]


def _table(
    title: str,
    parted: Sequence[Stratified],
    hard: Mapping[str, Mapping[str, float]],
    thirds: Mapping[str, list[set[str]]],
) -> Table:
    lines = [
        [f"{one.order[0]} − {one.order[1]}", one.metric.heading, one.hardness,
         *(signed(found) for found in (*one.thirds, one.contrast))]
        for one in parted
    ]  # fmt: skip
    notes = [
        f"{name}: {what}; its mean in the thirds is "
        + ", ".join(f"{np.mean([hard[name][pair] for pair in third]):.2f}" for third in thirds[name]) + "."
        for name, what in HARDNESS.items()
    ]  # fmt: skip
    seeds = sorted({one.contrast.seeds for one in parted})
    of = f"up to {seeds[-1]} seeds" if len(seeds) > 1 else f"{seeds[0]} seeds" if seeds[0] > 1 else "one seed"
    notes += [
        f"A cell is the difference of both rows, of {of}, with its 95 % interval over people, and over seeds where "
        "there are several; how much seeds differ is told by all rows that are trained alike. The last column is that "
        "of the most third minus that of the least.",
        "Of many such differences one in twenty excludes 0 by chance.",
    ]
    header = ["rows", "metric", "thirds by", *_PARTS, "most minus least"]
    return Table(f"{title}: differences by how hard a pair is", header, lines, notes)
