"""Table 4 with our rows beside it: Markdown, LaTeX and CSV, made of whatever rows are there."""

from __future__ import annotations

from collections.abc import Sequence

from imagpose.evaluation.tables import Table, to_csv
from imagpose.output.files import write_whole
from imagpose.reid.made import keep
from imagpose.reid.plan import Plan
from imagpose.reid.scores import METRICS, PROTOCOL, percent
from imagpose.reid.table4 import CAVEAT, COMPARED, METHODS, PERCENTAGES, PRINTED, STANDARD, WHOLE, Method
from imagpose.reproduction.differences import difference, score
from imagpose.reproduction.rows import Row, read_rows
from imagpose.training.cli import REID

NOT_RUN = "not run"
_SHOWN = ("rank1", "map")
Rows = dict[str, list[Row]]


def render(plan: Plan) -> list[Table]:
    """Write ``<results>/reid/<scale>.md``, ``.tex`` and ``.csv``.

    Args:
        plan: Whose rows; those of other percentages or methods that are there stand in the table too.

    Returns:
        The tables: scores, differences, runs.
    """
    columns = sorted({*PERCENTAGES, WHOLE, *plan.percentages})
    names = [plan.name(method, percentage) for method in METHODS.values() for percentage in columns]
    rows = read_rows(plan.results, REID, names)
    tables = [_scores(plan, rows, columns), _differences(plan, rows, columns), _runs(plan, rows, columns)]
    place = plan.results / REID / plan.scale
    write_whole(place.with_suffix(".md"), "\n".join(one.markdown() for one in tables))
    write_whole(place.with_suffix(".tex"), "\n".join(one.latex() for one in tables))
    write_whole(place.with_suffix(".csv"), _csv(rows))
    return tables


def _scores(plan: Plan, rows: Rows, columns: Sequence[int]) -> Table:
    header = [""]
    for percentage in columns:
        header += [f"paper's, {percentage} %"] if percentage in PERCENTAGES else []
        header += [f"our {METRICS[metric].title}, {percentage} %" for metric in _SHOWN]
    lines = [[title, *_cells(plan, rows, columns, title, method)] for title, method in _lines()]
    notes = [CAVEAT, *_notes(plan, rows)]
    return Table(f"Table 4: person re-identification, {plan.scale} scale, in percent", header, lines, notes)


def _lines() -> list[tuple[str, Method | None]]:
    """The paper's methods in its order, then ours that it does not have."""
    ours = {method.title: method for method in METHODS.values()}
    return [*((title, ours.get(title)) for title in PRINTED),
            *((title, method) for title, method in ours.items() if title not in PRINTED)]  # fmt: skip


def _cells(plan: Plan, rows: Rows, columns: Sequence[int], title: str, method: Method | None) -> list[str]:
    cells = []
    for percentage in columns:
        if percentage in PERCENTAGES:
            cells.append(f"{PRINTED[title][PERCENTAGES.index(percentage)]:.1f}" if title in PRINTED else "–")
        for metric in _SHOWN:
            if method is None or (percentage == WHOLE and method != STANDARD):
                cells.append("–")
                continue
            found = rows.get(plan.name(method, percentage))
            cells.append(percent(score(found, PROTOCOL, metric)) if found else NOT_RUN)
    return cells


def _notes(plan: Plan, rows: Rows) -> list[str]:
    every = [row for of in rows.values() for row in of]
    notes = []
    if any(row.drawn for row in every):
        network = next(row.config.get("model", {}).get("init_args", {}) for row in every if row.drawn)
        start = network.get("weights_name")
        notes.append(
            "Measured on drawn mannequins before six drawn cameras, by a miniature of BoT "
            f"({network.get('backbone')} with {network.get('options')}, {network.get('epochs')} epochs, "
            f"{f'from {start}' if start else 'from scratch'}): the difference to the paper's figures tells nothing, "
            "the order of our rows may."
        )
    if any(len(of) > 1 for of in rows.values()):
        notes.append("Of several seeds of BoT: their mean and its 95 % interval over seeds and people.")
    if any(len(of) == 1 for of in rows.values()):
        notes.append("Of one seed: 95 % bootstrap interval over people; it tells nothing of another seed.")
    notes += [
        f"Each part keeps every person, and is in the larger ones. Every row but Standard adds {plan.ratio:g} times as "
        "many pictures as the part has; each row has BoT's epochs over its own pictures, so what adds pictures is "
        "trained longer than Standard, and all that add some equally long.",
        "A part, its generator and its pictures are one each, for all seeds: no interval says how another generator "
        "would do.",
    ]
    return notes


def _differences(plan: Plan, rows: Rows, columns: Sequence[int]) -> Table:
    shown = [percentage for percentage in columns if percentage != WHOLE]
    header = ["", *(f"{METRICS[metric].title}, {percentage} %" for percentage in shown for metric in _SHOWN)]
    lines = []
    for one, other in COMPARED:
        cells = [f"{one.title} − {other.title}"]
        for percentage in shown:
            ours, theirs = (rows.get(plan.name(method, percentage)) for method in (one, other))
            cells += [_gain(ours, theirs, metric) for metric in _SHOWN]
        lines.append(cells)
    notes = [
        "Query by query and seed by seed; 95 % intervals over seeds and people, of one seed over people alone. They "
        "tell nothing of other generators."
    ]
    return Table("Differences in percentage points, paired over queries", header, lines, notes)


def _gain(ours: list[Row] | None, theirs: list[Row] | None, metric: str) -> str:
    found = difference(ours, theirs, PROTOCOL, metric) if ours and theirs else None
    if found is None:
        return NOT_RUN
    bounds = "" if found.low is None or found.high is None else f" [{100 * found.low:+.1f}, {100 * found.high:+.1f}]"
    return f"{100 * found.value:+.1f}{bounds}"


def _runs(plan: Plan, rows: Rows, columns: Sequence[int]) -> Table:
    header = ["", "percentage", "seed", "steps", "pictures", "minutes", "device", "commit"]
    lines = [
        [one.what, f"{one.percentage} %", "0", str(one.steps or "–"), str(one.pictures or "–"),
         f"{one.seconds / 60:.1f}", one.device or "–", one.commit or "–"]
        for one in keep(plan, columns)
    ]  # fmt: skip
    for method in METHODS.values():
        for percentage in columns:
            for row in rows.get(plan.name(method, percentage), []):
                took = "–" if row.seconds is None else f"{row.seconds / 60:.1f}"
                pictures = f"{row.cost.get('training pictures', 0):.0f}"
                lines.append([method.title, f"{percentage} %", str(row.seed), str(row.steps or "–"), pictures, took,
                              row.device, row.commit or "–"])  # fmt: skip
    adds = [f"{method.title} adds {method.adds}." for method in METHODS.values() if method.adds]
    return Table("The runs", header, lines, adds)


def _csv(rows: Rows) -> str:
    header = ["row", "seed", "metric", "value", "low", "high", "n", "steps", "seconds"]
    return to_csv([header, *(
        [name, row.seed, metric, one.value, one.low, one.high, one.n, row.steps, row.seconds]
        for name, of in rows.items() for row in of for metric, one in row.scores[PROTOCOL].items()
    )])  # fmt: skip
