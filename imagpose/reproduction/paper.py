"""What stands in the paper's tables: rows, the experiment that reproduces each, and the orders that its text claims."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Literal, TypeVar

from imagpose.errors import InputError

Scale = Literal["tiny", "full"]
SCALES: tuple[Scale, ...] = ("tiny", "full")
Runs = TypeVar("Runs")


@dataclass(frozen=True)
class Entry:
    """A row of a table.

    Attributes:
        method: The method's name in ``printed.csv``.
        experiment: The file in ``experiments/`` that trains it; None is another's method, which is never run.
        miniatures: Files in ``experiments/miniatures/`` that put a small base or encoder in place of the published one.
        tiny: The row's name at tiny scale, if not ``tiny_<experiment>``.
        block: Rows of one block are trained alike, and compared for the best value, as the paper's bold figures are.
        shared: The files in ``experiments/miniatures/`` that all rows of the table share at tiny scale, read last.
    """

    method: str
    experiment: str | None
    miniatures: tuple[str, ...] = ()
    tiny: str | None = None
    block: str = ""
    shared: tuple[str, ...] = ("_row",)

    def name(self, scale: Scale) -> str:
        """Of its rows and runs."""
        assert self.experiment is not None
        return self.experiment if scale == "full" else self.tiny or f"tiny_{self.experiment}"

    def configs(self, scale: Scale) -> list[str]:
        """The experiment files, in the order in which they are read."""
        assert self.experiment is not None
        chain = ["_base", self.experiment]
        if scale == "tiny":
            chain += ["tiny", *(f"miniatures/{name}" for name in (*self.miniatures, *self.shared))]
        return [f"experiments/{name}.yaml" for name in chain]


@dataclass(frozen=True)
class Claim:
    """An order of rows that the paper's text speaks of; which of two is better is what it prints, metric by metric.

    Attributes:
        text: What it says.
        pairs: The methods it compares, the better first where the text tells.
        in_most_cases: Whether it is a count: in how many of the pairs the first is better.
    """

    text: str
    pairs: tuple[tuple[str, str], ...]
    in_most_cases: bool = False


@dataclass(frozen=True)
class PaperTable:
    """A table of the paper, or one like them.

    Attributes:
        name: Name of the table's command and of its folder in ``results/``; a key of
            :data:`imagpose.evaluation.tables.SIZES`, or not printed as a table.
        title: The table's number and caption.
        entries: The table's rows.
        claims: The orders that are looked at.
        caveats: What stands in for the paper's networks at tiny scale: notes below the table.
        of_paper: Whether it is the paper's; of another nothing is printed, and its rows are compared by what drawn
            mannequins tell too.
        parts: What its rows are made of, each with the pairs of methods that differ by it alone, the one that has it
            first; no method is in two pairs of a part.
    """

    name: str
    title: str
    entries: tuple[Entry, ...]
    claims: tuple[Claim, ...]
    caveats: tuple[str, ...] = ()
    of_paper: bool = True
    parts: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()

    def compared(self) -> list[tuple[str, str]]:
        """Every two methods that a claim or a part compares, each once."""
        of_claims = [pair for claim in self.claims for pair in claim.pairs]
        return list(dict.fromkeys([*of_claims, *(pair for _, pairs in self.parts for pair in pairs)]))

    def alike(self, pair: tuple[str, str], rows: Mapping[str, Runs]) -> list[Runs]:
        """The rows that tell together how much a pair's difference differs from one training seed to the next.

        They are those of the pair's block, since those of another may differ more or less, as with Table 3's two small
        bases. Two methods of different blocks have no such rows: a seed need not move both blocks alike.

        Args:
            pair: Two methods.
            rows: The runs of each method that has some.
        """
        blocks = {entry.method: entry.block for entry in self.entries}
        ours, theirs = (blocks[method] for method in pair)
        return [runs for method, runs in rows.items() if blocks[method] == ours == theirs]

    def trained(self) -> Iterator[Entry]:
        """The entries that we can run."""
        return (entry for entry in self.entries if entry.experiment is not None)


_BASES = {"sd15": "SD V1.5", "sd21": "SD V2.1"}
_ENCODERS = {
    "clipb": "CLIP-B/14", "clipbigg": "CLIP-bigG/14", "cliph": "CLIP-H/14",
    "dinov2b": "Dinov2-B/14", "dinov2l": "Dinov2-L/14", "dinov2g": "Dinov2-G/14",
}  # fmt: skip
_OURS = Entry("IMAGPose", "sd15_dinov2g", tiny="tiny_imagpose")


def _variant(base: str, encoder: str) -> str:
    return f"{_BASES[base]} + {_ENCODERS[encoder]}"


VARIANTS = PaperTable(
    "variants",
    "Table 3: base models and image encoders",
    tuple(
        Entry(_variant(base, encoder), f"{base}_{encoder}", (base, encoder), block=_BASES[base])
        for base in _BASES for encoder in _ENCODERS
    ),
    (
        Claim(
            "With SD V1.5, Dinov2-G/14 slightly outperforms the other encoders",
            tuple((_variant("sd15", "dinov2g"), _variant("sd15", other)) for other in _ENCODERS if other != "dinov2g"),
        ),
        Claim(
            "The encoders' order, with each base",
            tuple(
                (_variant(base, one), _variant(base, other))
                for base in _BASES for one, other in combinations(_ENCODERS, 2)
            ),
        ),
        Claim(
            "With the same encoder, SD V2.1 is better than SD V1.5 in most cases",
            tuple((_variant("sd21", encoder), _variant("sd15", encoder)) for encoder in _ENCODERS),
            in_most_cases=True,
        ),
    ),
    caveats=(
        "The encoders are miniatures, each trained on mannequins by its family's own kind of task, Dinov2's by "
        "pictures alone and CLIP's by captions: their order is that of these six.",
        "The bases are our own small ones, of which one predicts noise as SD V1.5 does and one v as SD V2.1: their "
        "order is that of these two.",
    ),
)  # fmt: skip

_MODULES = tuple(Entry(f"B{i}", f"ablation_b{i}") for i in range(5))
ABLATIONS = PaperTable(
    "ablations",
    "Table 2: FLC, ILC and CVA",
    (*_MODULES, _OURS),
    (
        Claim("CVA alone improves on B0", (("B1", "B0"),)),
        Claim("FLC and ILC improve on B1", (("B2", "B1"), ("B3", "B1"))),
        Claim("The rest of its order: ILC over FLC, both over ILC", (("B3", "B2"), ("B4", "B3"))),
        Claim("The whole is better than each part", tuple(("IMAGPose", f"B{i}") for i in range(5))),
    ),
    parts=(
        ("FLC", (("B2", "B0"), ("IMAGPose", "B3"))),
        ("ILC", (("B4", "B2"), ("B3", "B1"))),
        ("CVA", (("B1", "B0"), ("IMAGPose", "B4"))),
    ),
)
ARCHITECTURES = PaperTable(
    "architectures",
    "Table 7: architectures",
    (Entry("PIDM", None), Entry("M1", "m1"), _OURS),
    (Claim("One model for all settings is better than one for each", (("IMAGPose", "PIDM"), ("IMAGPose", "M1"))),),
)


def _recipe(method: str, name: str, *miniatures: str, experiment: str | None = None) -> Entry:
    return Entry(method, experiment or f"recipe_{name}", miniatures, f"tiny_recipe_{name}", shared=("_row", "_recipe"))


_AS_IT_IS = "As it is"
_CHOICES = {
    "Given views or poses repeated in half of the canvases": _recipe("Repeats", "repeats"),
    "Given panels at a quarter of the loss": _recipe("Given panels 0.25", "given_weight"),
    "Loss weights by min-SNR, γ = 5": _recipe("min-SNR", "min_snr"),
    "The other density of timesteps": _recipe("Timesteps", "timesteps", "uniform"),
    "Canvases of 2, 4, 6 and 9 panels": _recipe("Panels 2 to 9", "panels"),
    "Noise whose mean is shifted, 0.05": _recipe("Noise offset", "noise_offset"),
    "F_C alone is dropped, and guides": _recipe("Tokens dropped", "tokens"),
    "CVA as a motion module": _recipe("CVA as motion", "motion"),
}
RECIPES = PaperTable(
    "recipes",
    "Choices of training that the paper leaves open",
    (_recipe(_AS_IT_IS, "base", experiment="sd15_dinov2g"), *_CHOICES.values()),
    tuple(Claim(text, ((entry.method, _AS_IT_IS),)) for text, entry in _CHOICES.items()),
    of_paper=False,
)

UNIFORMITY = PaperTable(
    "uniformity",
    "Figure 7: one model in every setting",
    (
        Entry("T1", "T1", tiny="T1"), Entry("T2", "T2", tiny="T2"), Entry("T3", "T3", tiny="T3"),
        Entry("IMAGPose*", "IMAGPose_star", tiny="IMAGPose_star"),
    ),
    (
        Claim("The source repeated (T2) is better than the pose repeated (T1)", (("T2", "T1"),)),
        Claim("Several sources (T3) are better than one", (("T3", "T2"), ("T3", "T1"))),
        Claim("Three poses at once (IMAGPose*) cost a little quality", (("T1", "IMAGPose*"),)),
    ),
)  # fmt: skip

TABLES = {table.name: table for table in (VARIANTS, ABLATIONS, ARCHITECTURES, RECIPES)}
"""Those whose rows are trained, by the name of their command."""
ALL = {**TABLES, UNIFORMITY.name: UNIFORMITY}
"""And those of one trained model."""
if TYPE_CHECKING:
    TableName = str
    AnyTable = str
else:
    TableName, AnyTable = Literal[tuple(TABLES)], Literal[tuple(ALL)]


def scale_of(experiment: str) -> Scale:
    """At which scale a row of this name was run.

    Raises:
        InputError: No table has such a row.
    """
    for table in ALL.values():
        for entry in table.trained():
            for scale in SCALES:
                if entry.name(scale) == experiment:
                    return scale
    raise InputError(f"No table of the paper has a row {experiment!r}; leave --table out.")
