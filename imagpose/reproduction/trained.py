"""One trained model on chosen pairs: what Figures 7 and 8 of the paper, and the table of panels, have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from rich.console import Console
from torch import Tensor

from imagpose.data.images import open_view, to_tensor
from imagpose.data.keypoints import figure_box
from imagpose.data.mannequins.folder import MannequinSet, ensure, is_drawn
from imagpose.data.mannequins.wardrobe import Wardrobe
from imagpose.data.readers.index import Index
from imagpose.data.scenarios import Setting
from imagpose.errors import InputError
from imagpose.evaluation.choices import ProtocolChoice
from imagpose.evaluation.clothes import cases, judge_all
from imagpose.evaluation.command import Scoring
from imagpose.evaluation.evaluate import Evaluation, Task, evaluate_folder
from imagpose.evaluation.matching import Pair, read
from imagpose.evaluation.scoring import Networks, Score
from imagpose.evaluation.similarity import in_box
from imagpose.evaluation.tables import to_csv
from imagpose.generation.canvases import Canvas, canvases_of_pairs
from imagpose.generation.model import DEMO, DISTILLED_DEMO, ChosenModel, Trained, fingerprint
from imagpose.options.commands import OTHER_NAME
from imagpose.options.ranges import PositiveInt
from imagpose.output.files import write_whole
from imagpose.reproduction.chosen import TARGETS, choose
from imagpose.reproduction.rows import Pairs, Row, commit, device_name
from imagpose.sampler import Guidance

MANNEQUINS = Path("data/mannequins")


@dataclass(frozen=True, kw_only=True)
class TrialRequest(ChosenModel):
    """What the commands of Figures 7 and 8 are asked for, and others of one trained model.

    Attributes:
        data: A dataset; the mannequins are drawn if they are missing.
        sources: How many people, of each of whom one source and three targets are taken.
        batch_size: Canvases at once.
        protocol: By which quality is measured, or all of them.
        results: Folder of all tables; --out is its other name.
    """

    data: Path = MANNEQUINS
    sources: PositiveInt = 40
    batch_size: PositiveInt = 8
    protocol: ProtocolChoice = "strict"
    results: Path = field(default=Path("results"), metadata={OTHER_NAME: "out"})


@dataclass(frozen=True, kw_only=True)
class StudentRequest(TrialRequest):
    """What commands are asked for that draw a distilled model beside the one that it learned from.

    Attributes:
        distilled: Its pipeline folder, or the name of shipped weights; those that learned from the demo weights unless
            another model is named.
    """

    distilled: str | None = None

    @property
    def student(self) -> str | None:
        """The distilled model, if there is one."""
        ours = DISTILLED_DEMO if self.run is None and self.model == DEMO else None
        return self.distilled or ours


@dataclass(frozen=True)
class Student:
    """A distilled model.

    Attributes:
        chosen: Where it is.
        weights: Fingerprint of its weights.
        model: What it was trained for.
    """

    chosen: ChosenModel
    weights: str
    model: Trained

    @classmethod
    def of(cls, request: StudentRequest) -> Student | None:
        """That of a command, if there is one.

        Raises:
            InputError: It cannot be read, or was not distilled.
        """
        if request.student is None:
            return None
        chosen = ChosenModel(model=request.student, seed=request.seed, device=request.device)
        student = cls(chosen, fingerprint(chosen), Trained.of(chosen))
        if student.model.scale != 1:
            raise InputError(f"--distilled {request.student} has guidance of its own; name one that was distilled.")
        return student

    def settings(self, scenario: Setting, steps: int) -> dict[str, Any]:
        """All that decides how the pictures look, as of :class:`Trial`."""
        return self.model.settings(self.chosen, self.weights, scenario, steps, None)


@dataclass(frozen=True)
class Trial:
    """A model, and what it is asked for.

    Attributes:
        request: Of the command.
        task: Dataset, pairs and protocols.
        folder: Of the results.
        weights: Fingerprint of the model's weights.
        model: What it was trained for.
        student: A distilled model beside it, if there is one.
    """

    request: TrialRequest
    task: Task
    folder: Path
    weights: str
    model: Trained
    student: Student | None = None

    @classmethod
    def of(
        cls,
        request: TrialRequest,
        name: str,
        pairs: Callable[[Index], list[Pair]] | None = None,
        mannequins: MannequinSet = MannequinSet(),
    ) -> Trial:
        """Choose the pairs and write their list, ``<results>/<name>/pairs.csv``, which ``generate`` takes too.

        Args:
            request: Of the command.
            name: Of the results' folder.
            pairs: Chooses them; None is :func:`choose`, as Figures 7 and 8 do.
            mannequins: The set to draw where the request's own default dataset is missing.

        Raises:
            InputError: The model or the dataset cannot be read, or the list cannot be written.
        """
        weights, model = fingerprint(request), Trained.of(request)  # a mistake is told before a dataset is drawn
        student = Student.of(request) if isinstance(request, StudentRequest) else None
        if request.data == type(request).data and not request.data.exists():
            ensure(request.data, mannequins)
        whole = Scoring(protocol=request.protocol, device=request.device).task(request.data)
        chosen = pairs(whole.index) if pairs else choose(whole.index, request.sources, request.seed)
        task = replace(whole, pairs=chosen)
        trial = cls(request, task, request.results / name, weights, model, student)
        try:
            write_whole(trial.listed, to_csv([("from", "to"), *trial.task.pairs]))
        except OSError as error:
            raise InputError(f"{trial.listed} cannot be written ({error.strerror}); name another --results.") from error
        return trial

    def check_many_steps(self) -> None:
        """Refuse a distilled model, which is drawn by a sampler of its own, without guidance.

        Raises:
            InputError: The model was distilled.
        """
        if self.model.scale == 1:
            raise InputError(
                f"{self.request.run or self.request.model} was distilled into {self.model.steps} steps without "
                "guidance, and here other steps and guidances are compared; name the model that it learned from."
            )

    @property
    def guidance(self) -> Guidance:
        """What the model is drawn with unless a way says otherwise: w as asked for, and its own interval."""
        scale, interval = self.request.guidance, self.model.interval
        return Guidance(
            scale=self.model.scale if scale is None else scale,
            interval=None if interval is None else (interval[0], interval[1]),
        )

    @property
    def listed(self) -> Path:
        """The list of the pairs."""
        return self.folder / "pairs.csv"

    def images(self, experiment: str) -> Path:
        """Where a row's pictures lie."""
        return self.folder / "images" / experiment

    def settings(self, scenario: Setting, steps: int | None, guidance: float | None) -> dict[str, Any]:
        """All that decides how the pictures look; those of ``generate`` have the same record."""
        return self.model.settings(self.request, self.weights, scenario, steps, guidance)

    def config(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """What a row of pictures that were made with these settings says of how it came about."""
        return {**settings, "sources": self.request.sources, "protocol": self.request.protocol}

    def canvases(
        self, scenario: Setting, panels: int | None = None, sources: int = TARGETS, poses: int = TARGETS
    ) -> list[Canvas]:
        """The canvases of all pairs in a scenario.

        Args:
            scenario: Of the paper.
            panels: V; None takes the smallest that fits of those that the model was trained on.
            sources: Of T3.
            poses: Of IMAGPose*, spread where one canvas has no room for them.
        """
        some = canvases_of_pairs(
            self.request.data, self.listed, scenario, self.request.seed, sources=sources, poses=poses
        )
        return [canvas.fitted(self.model.panels, panels) for canvas in some]

    def score(self, networks: Networks, console: Console, settings: Mapping[str, dict[str, Any]]) -> dict[str, Row]:
        """Score every row's pictures.

        Args:
            networks: For LPIPS and FID.
            console: For progress and what is missing.
            settings: By row's name, what its pictures were made with.

        Raises:
            InputError: A picture is missing or cannot be read.
        """
        found = {name: evaluate_folder(self.images(name), self.task, networks, console) for name in settings}
        figure = _of_figure(found, self.task.index, self.request.seed)
        return {name: self._row(name, found[name], figure.get(name, {}), made) for name, made in settings.items()}

    def _row(
        self, name: str, evaluation: Evaluation, figure: dict[str, dict[Pair, float]], settings: dict[str, Any]
    ) -> Row:
        order = {sample.pair: number for number, sample in enumerate(evaluation.samples)}
        values = {
            f"{protocol}/{metric}": [float(of_metric[order[pair]]) for pair in self.task.pairs]
            for protocol, measured in evaluation.measured.items()
            for metric, of_metric in measured.values.items()
            if np.isfinite(of_metric).all()
        }
        people = [self.task.index.records[target].person for _, target in self.task.pairs]
        scores = dict(evaluation.scores)
        for metric, of_pair in figure.items():
            found = [of_pair[pair] for pair in self.task.pairs]
            if np.isfinite(found).all():  # PSNR of the truth itself is not
                values[f"figure/{metric}"] = found
                scores.setdefault("figure", {})[metric] = Score.mean(found, people)
        request = self.request
        return Row(
            name, request.seed, scores,
            Pairs([f"{source} → {target}" for source, target in self.task.pairs], people, values),
            len(self.task.pairs), str(request.data), is_drawn(self.task.index.root),
            device=device_name(self.task.device), commit=commit(),
            config=self.config(settings),
        )  # fmt: skip


def _of_figure(
    evaluations: Mapping[str, Evaluation], index: Index, seed: int
) -> dict[str, dict[str, dict[Pair, float]]]:
    """What only mannequins have, by row, metric and pair; nothing where pictures are of another size than they."""
    sizes = {evaluation.size for evaluation in evaluations.values()}
    if not is_drawn(index.root) or sizes != {Wardrobe.of(index.root).size}:
        return {}
    size = sizes.pop()
    pictures: dict[Pair, dict[str, np.ndarray]] = {}
    for name, evaluation in evaluations.items():
        for sample in evaluation.samples:
            pictures.setdefault(sample.pair, {})[name] = read(sample.path)
    found: dict[str, dict[str, dict[Pair, float]]] = {name: {} for name in evaluations}
    verdicts = judge_all(cases(index, ((target, of) for (_, target), of in pictures.items()), seed))
    for (pair, of), verdict in zip(pictures.items(), verdicts, strict=True):
        record = index.records[pair[1]]
        truth, box = to_tensor(open_view(record, index.root))[None], figure_box(record.keypoints_at(size), size)
        for name, image in of.items():
            similar = in_box(to_tensor(Image.fromarray(image))[None], truth, torch.tensor([box]))
            scores: dict[str, Tensor | bool] = {
                **similar, "identity_at_1": verdict.identity[name], "pattern_at_1": verdict.pattern[name]
            }  # fmt: skip
            for metric, value in scores.items():
                found[name].setdefault(metric, {})[pair] = float(value)
    return found
