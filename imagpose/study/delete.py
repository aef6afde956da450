"""``imagpose study delete``: the votes of whoever withdraws."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from pathlib import Path

from imagpose.errors import InputError
from imagpose.options.names import amount
from imagpose.options.ranges import PositiveInt, check_arguments
from imagpose.study.questions import VOTES, read_study
from imagpose.study.votes import Votes


@dataclass(frozen=True)
class DeletionRequest:
    """A rater to forget.

    Attributes:
        study: The study's folder.
        rater: The number that stands beside every question.
    """

    study: Path = Path("study")
    _: KW_ONLY
    rater: PositiveInt

    def __post_init__(self) -> None:
        check_arguments(type(self), vars(self), "--")


def delete(request: DeletionRequest) -> None:
    """Delete a rater's votes and token. The number is given to nobody else; reports and exports keep what they have.

    Raises:
        InputError: There is no study or no such rater.
    """
    read_study(request.study)
    votes = Votes(request.study / VOTES).forget(request.rater)
    if votes is None:
        raise InputError(
            f"{request.study / VOTES} knows no rater {request.rater}; --rater is the number beside every question."
        )
    print(f"Rater {request.rater} is forgotten, and {amount(votes, 'vote')} with them; make reports and exports again.")
