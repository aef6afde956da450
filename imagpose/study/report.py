"""``imagpose study report``: the paper's Figure 6 from a study's votes, as tables and as a plot."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imagpose.errors import InputError
from imagpose.evaluation.scoring import Score
from imagpose.evaluation.screen import show, wide_console
from imagpose.evaluation.tables import Table, to_csv
from imagpose.options.names import amount, joined
from imagpose.output.files import write_whole
from imagpose.study.needs import needed
from imagpose.study.questions import VOTES, Key, read_key, read_study
from imagpose.study.votes import Votes

if TYPE_CHECKING:  # it needs choix, which may be missing
    from imagpose.study.counting import Counted

PRINTED = {"G2R": 58.5, "Jab": 42.3}
"""What the paper's Sec. 4.2 says of IMAGPose, in percent; the other bars of Figure 6 have no numbers."""
SOURCE = "Shen and Tang: IMAGPose. NeurIPS 2024, Sec. 4.2, 50 volunteers on DeepFashion"


@dataclass(frozen=True)
class ReportRequest:
    """A study to count.

    Attributes:
        study: Its folder.
        drop_failed: Whether to leave out raters who fail the repeated questions.
        out: Folder of report.md, .tex and .csv, raters.csv and figure.png; the study's own unless given.
    """

    study: Path = Path("study")
    _: KW_ONLY
    drop_failed: bool = False
    out: Path | None = None


def report(request: ReportRequest) -> None:
    """Count a study's votes: R2G, G2R, Jab and Luce's strengths, with 95 % intervals over raters and items.

    Raises:
        InputError: A file is not as it must be; the sentence says which.
    """
    needed("choix")
    from imagpose.study.counting import count
    from imagpose.study.figure import draw

    study = read_study(request.study)
    key = read_key(request.study, study)
    votes = Votes(request.study / VOTES).all()
    if not votes:
        raise InputError(f"{request.study / VOTES} holds no votes yet; study serve asks raters.")
    counted = count(study, key, votes, request.drop_failed)
    if not counted.any:
        left = "all raters who gave one fail the repeated questions; leave out --drop_failed"
        told = left if request.drop_failed and counted.failing else "all are practice; study serve asks for more"
        raise InputError(f"{request.study / VOTES} holds no vote that counts: {told}.")
    table = _table(counted, key, request.drop_failed)
    out = request.out or request.study
    try:
        write_whole(out / "report.md", table.markdown())
        write_whole(out / "report.tex", table.latex())
        write_whole(out / "report.csv", _csv(counted))
        write_whole(out / "raters.csv", _raters(counted))
        draw(counted, key, out / "figure.png")
    except OSError as error:
        raise InputError(f"{out} cannot be written ({error.strerror or error}); name another --out.") from error
    show(table, wide_console())
    print(f"The report is in {out}: report.md, .tex and .csv, raters.csv, figure.png.")


def _table(counted: Counted, key: Key, dropped: bool) -> Table:
    header = ["method", "R2G ↑ %", "G2R ↑ %", "Jab ↑ %", "Luce's strength ↑"]
    rows = [["IMAGPose as printed", "–", str(PRINTED["G2R"]), str(PRINTED["Jab"]), "–"]]
    for method in key.methods:
        shares = (counted.r2g, counted.g2r, counted.jab)
        rows.append([method, *(_cell(of.get(method), 1) for of in shares), _cell(counted.strength.get(method), 2)])
    return Table("User study (Figure 6)", header, rows, _notes(counted, key, dropped))


def _cell(score: Score | None, digits: int) -> str:
    if score is None or score.value is None:
        return "–"
    bounds = "" if score.low is None else f" [{score.low:.{digits}f}, {score.high:.{digits}f}]"
    return f"{score.value:.{digits}f}{bounds}"


def _notes(counted: Counted, key: Key, dropped: bool) -> list[str]:
    whole = sum(votes == counted.asked for votes in counted.votes.values())
    notes = [
        f"Printed by: {SOURCE}. It prints no other number of Figure 6.",
        f"{amount(len(counted.votes), 'rater')} gave {amount(sum(counted.votes.values()), 'vote')}; {whole} answered "
        f"all {amount(counted.asked, 'question')}. Intervals are 95 %, over raters and items.",
        "R2G: real pictures taken for fake. G2R: generated pictures taken for real. Who cannot tell them apart and "
        "guesses says 50 % of both.",
    ]
    if counted.jab:
        notes.append(
            f"Jab: votes for the method's picture as the best of {len(key.methods)}; at random "
            f"{100 / len(key.methods):.1f} %. Luce's strength: the logarithm of that share over the methods' geometric "
            "mean."
        )
    notes += [
        f"Jab of {key.methods[0]} less that of {other}: {_cell(score, 1)}{_verdict(score)}."
        for other, score in counted.ahead.items()
    ]
    if failing := counted.failing:
        told = [f"{rater} ({counted.agreement[rater].alike} of {counted.agreement[rater].asked})" for rater in failing]
        done = "left out here" if dropped else "counted here; --drop_failed leaves them out"
        notes.append(
            f"Rater{'s' if len(told) > 1 else ''} {joined(told)} answered repeated questions alike no more often than "
            f"at random: {done}."
        )
    elif any(of.asked for of in counted.agreement.values()):
        alike, asked = (sum(getattr(of, name) for of in counted.agreement.values()) for name in ("alike", "asked"))
        notes.append(f"No rater fails the repeated questions, with {alike} of {asked} answered alike.")
    reasons = (score.reason for of in (counted.r2g, counted.g2r, counted.jab) for score in of.values())
    notes += [f"{reason[0].upper()}{reason[1:]}." for reason in dict.fromkeys(filter(None, reasons))]
    if key.drawn:
        notes.append("Of drawn mannequins: not comparable with the printed numbers.")
    return notes


def _verdict(score: Score) -> str:
    if score.low is None or score.high is None:
        return ""
    return ", undecided" if score.low <= 0 <= score.high else ", ahead" if score.low > 0 else ", behind"


def _csv(counted: Counted) -> str:
    figures = {
        "R2G": counted.r2g, "G2R": counted.g2r, "Jab": counted.jab, "strength": counted.strength, "ahead": counted.ahead
    }  # fmt: skip
    printed = [["IMAGPose as printed", figure, value, "", "", ""] for figure, value in PRINTED.items()]
    rows = [
        [method, figure, score.value, score.low, score.high, score.n]
        for figure, of in figures.items()
        for method, score in of.items()
    ]
    return to_csv([["method", "figure", "value", "low", "high", "votes"], *printed, *rows])


def _raters(counted: Counted) -> str:
    rows = [
        [rater, votes, of.asked, of.alike, "yes" if of.fails else "no"]
        for rater, votes in counted.votes.items()
        for of in [counted.agreement[rater]]
    ]
    return to_csv([["rater", "votes", "asked twice", "alike", "fails"], *rows])
