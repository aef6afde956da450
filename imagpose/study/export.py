"""``imagpose study export``: votes as CSV, with nothing about a person but a number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

from imagpose.errors import InputError
from imagpose.evaluation.tables import to_csv
from imagpose.options.names import amount
from imagpose.output.files import write_whole
from imagpose.study.questions import VOTES, Key, Study, read_key, read_study
from imagpose.study.votes import Vote, Votes

HEADER = ("rater", "question", "item", "kind", "counts", "source", "target", "shown", "choice")


@dataclass(frozen=True)
class ExportRequest:
    """A study whose votes to write.

    Attributes:
        study: Its folder.
        out: The CSV file; the study's own votes.csv unless given.
    """

    study: Path = Path("study")
    _: KW_ONLY
    out: Path | None = None


def export(request: ExportRequest) -> None:
    """Write a study's votes as CSV: one line each, with what was shown and what was chosen.

    Raises:
        InputError: A file is not as it must be; the sentence says which.
    """
    study = read_study(request.study)
    key = read_key(request.study, study)
    votes = Votes(request.study / VOTES).all()
    out = request.out or request.study / "votes.csv"
    try:
        write_whole(out, to_csv([HEADER, *lines(study, key, votes)]))
    except OSError as error:
        raise InputError(f"{out} cannot be written ({error.strerror or error}); name another --out.") from error
    print(f"{amount(len(votes), 'vote is', 'votes are')} in {out}.")


def lines(study: Study, key: Key, votes: list[Vote]) -> Iterator[tuple[object, ...]]:
    """The votes, rater by rater, in the order in which the questions were asked; see :data:`HEADER`.

    ``counts`` is yes, practice or repeat; ``shown`` says whose pictures they were, from left to right.
    """
    said = {vote[:2]: vote.choice for vote in votes}
    for rater, group in sorted(study.groups_of(votes).items()):
        for number, item in enumerate(study.items_of(rater, group), start=1):
            if (choice := said.get((rater, item.name))) is not None:
                counts = "practice" if item.practice else "repeat" if item.repeats else "yes"
                shown = " | ".join(key.of[name] for name in study.shown(item, rater))
                pair = key.pairs[item.pictures[0]]
                yield rater, number, item.name, item.kind, counts, *pair, shown, key.of.get(choice, choice)
