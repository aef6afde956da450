"""``imagpose guidance``: which guidance serves a trained model best, asked of people kept for validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from imagpose.data.datamodule import PoseDataModule
from imagpose.data.readers.index import Index
from imagpose.data.scenarios import Setting
from imagpose.errors import InputError
from imagpose.evaluation.matching import Pair
from imagpose.evaluation.screen import show, wide_console
from imagpose.evaluation.tables import Table, cell, to_csv
from imagpose.options.ranges import DenoisingSteps, PositiveInt, Timestep, check_interval
from imagpose.options.trust import read_run
from imagpose.output.files import write_whole
from imagpose.reproduction.chosen import choose
from imagpose.reproduction.differences import difference, score, signed
from imagpose.reproduction.filled import EVERY_STEP, Interval
from imagpose.reproduction.panels_report import shown
from imagpose.reproduction.rows import Row
from imagpose.reproduction.sweep import run
from imagpose.reproduction.timing import Way
from imagpose.reproduction.trained import Trial, TrialRequest
from imagpose.training.runs import from_folder

SETTINGS: tuple[Setting, ...] = ("T1", "T2", "T3")
PLAIN = "plain"
_ALL = "T1, T2, T3"


@dataclass(frozen=True)
class Guided(Way):
    """A setting of the paper under one guidance.

    Attributes:
        key: Of the guidance.
    """

    sampler: str = "DDIM"
    steps: int = 20
    key: str = PLAIN

    @property
    def label(self) -> str:
        """For people."""
        return f"{self.scenario}, {self.key}"

    @property
    def name(self) -> str:
        """Of its row, its pictures' folder and their files."""
        return f"{self.key}-{self.scenario}"


@dataclass(frozen=True, kw_only=True)
class GuidanceRequest(TrialRequest):
    """What guidances are compared on.

    Attributes:
        sources: How many people: the last of the training people, as ``data.validation_identities`` keeps them.
        targets: Of each person, who gives one source.
        steps: Denoising steps.
        guidance_interval: The lowest and the highest timestep of the guidance with an interval.
    """

    sources: PositiveInt = 20
    targets: PositiveInt = 3
    steps: DenoisingSteps = 20
    guidance_interval: tuple[Timestep, Timestep] = (500, 1000)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_interval("--guidance_interval", self.guidance_interval)


def guidance(request: GuidanceRequest) -> None:
    """Compare guidances of one trained model on validation people, so that no test pair has a say in the choice.

    Plain guidance, which is the paper's, guidance in an interval of timesteps, guidance by F_C alone (``tokens``),
    both and none draw the same pairs in T1, T2 and T3, from the same noise; each is compared with the plain one pair by
    pair.

    Raises:
        InputError: A file or the disk is not as it must be; the sentence says which.
    """
    console = wide_console()
    trial = Trial.of(request, "guidance", lambda index: validation_pairs(request, index))
    trial.check_many_steps()
    ways = ways_of(request.steps, request.guidance_interval)
    try:
        rows = run(trial, {way: trial.canvases(way.scenario) for way in ways}, console)
        table, lines = report(rows, ways)
        write_whole(trial.folder / "table.md", table.markdown())
        write_whole(trial.folder / "table.csv", to_csv(lines))
    except OSError as error:
        raise InputError(f"{trial.folder} cannot be written ({error.strerror}); name another --results.") from error
    show(table, console)
    print(f"The tables are {trial.folder / 'table'}.md and .csv.")


def ways_of(steps: int, interval: Interval) -> list[Guided]:
    """Every guidance in every setting, the plain one first."""
    return [
        Guided(scenario=setting, steps=steps, key=key, form=form, interval=when, guided=guided)
        for key, form, when, guided in (
            (PLAIN, "joint", EVERY_STEP, True),
            ("interval", "joint", interval, True),
            ("tokens", "tokens", EVERY_STEP, True),
            ("tokens_interval", "tokens", interval, True),
            ("none", "joint", EVERY_STEP, False),
        )
        for setting in SETTINGS
    ]


def validation_pairs(request: GuidanceRequest, index: Index) -> list[Pair]:
    """Pairs of the training people whom :class:`imagpose.data.datamodule.PoseDataModule` keeps for validation.

    Raises:
        InputError: There are not so many people, or none of them has enough views; or a run kept fewer of its own.
    """
    if request.run:
        data_of_run = read_run(from_folder(request.run).config, request.trust)["data"]["init_args"]
        kept = data_of_run.get("validation_identities", 20)
        if Path(str(data_of_run.get("root"))).absolute() == request.data.absolute() and request.sources > kept:
            raise InputError(
                f"--sources is {request.sources}, and {request.run} kept {kept} people for validation; take at most "
                f"{kept}, as it was trained on the others."
            )
    data = PoseDataModule(request.data, validation_identities=request.sources, validation_pairs=request.sources)
    data.setup("validate")
    people = {index.records[scenario.target].person for scenario in data.validation}
    return choose(index, request.sources, request.seed, request.targets, split="train", of=people)


def report(rows: Mapping[str, Row], ways: Sequence[Guided]) -> tuple[Table, list[list[object]]]:
    """The table, and its lines for a CSV.

    Args:
        rows: By way's name.
        ways: In order.
    """
    base = rows[ways[0].name]
    metrics = shown(base)
    body: list[list[str]] = []
    lines: list[list[object]] = [[
        "guidance", "setting", "protocol", "metric", "value", "low", "high", "minus_plain", "minus_low", "minus_high",
    ]]  # fmt: skip
    for key in dict.fromkeys(way.key for way in ways):
        for setting in SETTINGS if key == PLAIN else (*SETTINGS, _ALL):
            ours = [rows[f"{key}-{one}"] for one in SETTINGS if setting in (one, _ALL)]
            plain = [rows[f"{PLAIN}-{one}"] for one in SETTINGS if setting in (one, _ALL)]
            cells = []
            for protocol, metric in metrics:
                found = None if key == PLAIN else difference(ours, plain, protocol, metric.name)
                one = score(ours, protocol, metric.name) if len(ours) == 1 else None
                cells += ["" if one is None else cell(metric, one), "–" if key == PLAIN else signed(found)]
                values = [one.value, one.low, one.high] if one else ["", "", ""]
                minus = [found.value, found.low, found.high] if found else ["", "", ""]
                lines.append([key, setting, protocol, metric.name, *values, *minus])
            body.append([key, setting, *cells])
    header = ["guidance", "setting"]
    for _, metric in metrics:
        header += [metric.heading, f"{metric.title} − plain's"]
    interval = next(way.interval for way in ways if way.key == "interval")
    assert interval is not None
    config = base.config
    notes = [
        f"{base.samples} pairs of {len(set(base.pairs.identities))} validation people of {base.data}, in no test pair; "
        f"{config['model']}, guidance {config['guidance']:g}, {config['steps']} steps, the same noise in all.",
        f"plain: at every step, as in the paper. interval: where {interval[0]} ≤ t ≤ {interval[1]} alone. tokens: at "
        "every step, dropping F_C alone, as the authors' code does. tokens_interval: both. none: w = 1.",
        "Differences are pair by pair, with 95 % bootstrap intervals over people; those of T1, T2, T3 together are of "
        "each pair's mean over the three.",
    ]  # fmt: skip
    reasons = [rows[way.name].scores[name][metric.name].reason for way in ways for name, metric in metrics]
    table = Table("Guidance on validation people", header, body, [*notes, *dict.fromkeys(r for r in reasons if r)])
    return table, lines
