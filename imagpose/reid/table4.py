"""Table 4 as the paper prints it, and the rows that we run: methods, percentages and what each adds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PERCENTAGES = (20, 40, 60, 80)
WHOLE = 100
"""Of which there is a row without anything added: how much there is to gain."""
CAVEAT = (
    "The paper calls its figures Rank-1. PIDM and PCDMs print such a series, with 76.7 at 100 %, as mAP, and BoT's own "
    "Rank-1 at 100 % is 94.5: they are more likely mAP, and stand beside both."
)
PRINTED = {
    "Standard": (33.4, 56.6, 64.9, 69.2),
    "PTN": (55.6, 57.3, 67.1, 72.5),
    "GFLA": (57.3, 59.7, 67.6, 73.2),
    "DPTN": (58.1, 62.6, 69.0, 74.2),
    "PIDM": (61.3, 64.8, 71.6, 75.3),
    "PCDMs": (63.8, 67.1, 73.3, 76.4),
    "IMAGPose": (66.4, 69.2, 75.1, 77.6),
}
"""By method, a figure for each percentage; Shen and Tang: IMAGPose. NeurIPS 2024, Table 4."""
Generator = Literal["own", "all"]


@dataclass(frozen=True)
class Method:
    """A row of the table.

    Attributes:
        key: Of its rows' and files' names.
        title: For people.
        adds: What is added to the real pictures, for people; empty where nothing is.
        generator: Whose pictures are added: of a generator trained on the same part, or of one trained on all; None
            adds real ones.
    """

    key: str
    title: str
    adds: str = ""
    generator: Generator | None = None


STANDARD = Method("standard", "Standard")
IMAGPOSE = Method("imagpose", "IMAGPose", "pictures of a generator trained on the same part", "own")
OF_ALL = Method("imagpose_all", "IMAGPose (generator of all)", "pictures of a generator trained on all pictures", "all")
CONTROLS = (
    Method("again", "Control: each picture again", "in each generated picture's place the real one of its pose"),
    Method("copied", "Control: source copied", "in each generated picture's place its source"),
    Method("wrong", "Control: wrong person", "the generated pictures, each under another person's id", "own"),
    Method("augmented", "Control: more augmentation", "the same as again, with colours, place and blur changed too"),
)
METHODS = {method.key: method for method in (STANDARD, IMAGPOSE, OF_ALL, *CONTROLS)}
COMPARED = (
    *((method, STANDARD) for method in (IMAGPOSE, OF_ALL, *CONTROLS)),
    *((IMAGPOSE, control) for control in CONTROLS), (OF_ALL, IMAGPOSE),
)  # fmt: skip
"""The differences that are looked at, the first minus the second."""
