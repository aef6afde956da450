"""``imagpose study make``: a study out of folders of results."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from imagpose.data.body_pose import BodyPose
from imagpose.data.images import RESAMPLING, open_view
from imagpose.data.mannequins.folder import is_drawn
from imagpose.data.readers.index import Index
from imagpose.data.readers.layouts import open_index
from imagpose.errors import InputError
from imagpose.evaluation.evaluate import SQUARES, size_text
from imagpose.evaluation.matching import Pair, common_size, match, read
from imagpose.evaluation.truth import Truth
from imagpose.options.names import amount, joined
from imagpose.options.ranges import NonNegativeInt, Seed, Size, check_arguments
from imagpose.output.files import whole_folder
from imagpose.study import demo
from imagpose.study.choosing import Numbers, Outputs, Questions, choose
from imagpose.study.questions import KEY, PICTURES, QUESTIONS, REAL, Key, Study, read_study

_METHOD = re.compile(r"(?!real$)[\w.+*()-][\w .+*()-]{0,39}", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class MakingRequest:
    """Methods to ask raters about; without any, the demo weights' pictures of held-out mannequins.

    Attributes:
        results: Each method's folder of pictures: name=DIR.
        data: The dataset with the true pictures.
        pairs: The pairs to ask about; the dataset's test pairs unless given.
        judged: The methods whose pictures are judged as real or fake; the first of --results unless given. Each rater
            judges those of one.
        real: How many real pictures are judged, and as many generated ones; 0 leaves the question out.
        best: How many pairs are judged side by side; 0 leaves the question out.
        repeats: How many of each part's questions are asked twice, to see whether a rater answers alike.
        practice: How many questions more begin each part, and do not count.
        size: Height x width of every picture; the results' own unless given.
        seed: Of which pairs are drawn, and of every order.
        out: Folder of the study.
    """

    results: dict[str, Path] = field(default_factory=dict)
    data: Path | None = None
    pairs: Path | None = None
    judged: tuple[str, ...] = ()
    real: NonNegativeInt = 40
    best: NonNegativeInt = 40
    repeats: NonNegativeInt = 5
    practice: NonNegativeInt = 2
    size: Size | None = None
    seed: Seed = 0
    out: Path = Path("study")

    def __post_init__(self) -> None:
        check_arguments(type(self), vars(self), "--")
        for name in self.results:
            if not _METHOD.fullmatch(name):
                raise InputError(
                    f"--results {name}=… names a method in a way that a report cannot have; take up to 40 letters, "
                    "digits, spaces and . + * ( ) - _, and not the word real."
                )
        if self.results and self.data is None:
            raise InputError("--results names folders of pictures, so --data must name the dataset of the true ones.")
        if not self.results and (self.pairs or self.judged):
            raise InputError("--pairs and --judged are of --results, which are missing; give name=DIR.")
        if unknown := [name for name in self.judged if name not in self.results]:
            raise InputError(f"--judged names {unknown[0]}, which is none of --results: {joined(self.results)}.")
        if len(set(self.judged)) < len(self.judged):
            raise InputError("--judged names a method twice; name each once.")
        if not self.real and not (self.best and len(self.results) != 1):
            raise InputError("There is nothing to ask: give --real, or --best with several --results.")

    @property
    def numbers(self) -> Numbers:
        """How many questions there are; one method alone is compared with none."""
        return Numbers(self.real, 0 if len(self.results) == 1 else self.best, self.repeats, self.practice)

    @property
    def made(self) -> dict[str, Any]:
        """What makes the study this one."""
        results = {name: str(folder) for name, folder in self.results.items()}
        others = {name: str(value) for name in ("data", "pairs") if (value := getattr(self, name))}
        judged, size = list(self.judged), list(self.size) if self.size else None
        return {"results": results, **others, "judged": judged, **asdict(self.numbers), "size": size, "seed": self.seed}


def make(request: MakingRequest) -> None:
    """Draw a study: pictures to judge as real or fake, and pairs to choose the best picture of, all without a name.

    Raises:
        InputError: A file is not as it must be; the sentence says which.
    """
    if _is_there(request):
        print(f"The study in {request.out} is there already; study serve shows it.")
        return
    made = request.made
    if not request.results:
        folder = request.out.with_name(f"{request.out.name}-pictures")
        results, data, pairs = demo.draw(folder, request.data, request.numbers.generated, request.seed)
        request = replace(request, results=results, data=data, pairs=pairs)
    questions = write(request, made)
    print(
        f"A study of {amount(questions, 'question')} a rater is in {request.out}; study serve shows it, and study "
        "report counts the votes."
    )


def _is_there(request: MakingRequest) -> bool:
    if not request.out.exists() or (request.out.is_dir() and not any(request.out.iterdir())):
        return False
    if not (request.out / QUESTIONS).is_file():
        raise InputError(f"{request.out} holds something else than a study; name another --out.")
    if read_study(request.out).made != request.made:
        raise InputError(f"{request.out} holds a study that was made otherwise; name another --out.")
    return True


def write(request: MakingRequest, made: dict[str, Any]) -> int:
    """Write a study's folder, whole or not at all.

    Args:
        request: With results and data.
        made: What the study says that it was made from.

    Returns:
        The number of questions that a rater is asked.
    """
    index = open_index(request.data or Path())
    pairs = list(dict.fromkeys(index.pairs_of(request.pairs) if request.pairs else index.pairs("test")))
    outputs: dict[str, Outputs] = {name: match(folder, pairs).outputs for name, folder in request.results.items()}
    shown = [pair for pair in pairs if all(pair in of for of in outputs.values())]
    chosen = choose(index, pairs, shown, request.numbers, request.seed)
    judged = request.judged or tuple(request.results)[:1]
    questions = Questions(request.seed, judged, tuple(request.results), request.numbers)
    questions.gather(chosen)
    if chosen.twice:
        print(
            "Note: there are too few pairs to keep both parts apart; "
            f"{amount(chosen.twice, 'target is judged as it is', 'targets are judged as they are')} in the first, and "
            "as generated in the second."
        )
    pictures = Pictures.of(index, outputs, [*chosen.generated, *chosen.compared], request.size)
    study = Study(request.seed, len(judged), tuple(questions.items), made)
    key = Key(
        tuple(request.results), judged, {name: whose for name, (whose, _) in questions.of.items()},
        {name: pair for name, (_, pair) in questions.of.items()}, is_drawn(index.root),
    )  # fmt: skip
    out = request.out
    try:
        with whole_folder(out) as new:
            (new / PICTURES).mkdir()
            for name, (what, pair) in sorted({**questions.of, **questions.given}.items()):
                pictures.write(new / PICTURES / name, what, pair)
            (new / QUESTIONS).write_text(study.to_json(), encoding="utf-8")
            (new / KEY).write_text(key.to_json(), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{out} cannot be written ({error.strerror or error}); name another --out.") from error
    return len(study.items_of(1))


@dataclass(frozen=True)
class Pictures:
    """Writes what raters see, all at one size.

    Attributes:
        index: The dataset.
        outputs: By method.
        truth: Its own pictures.
        size: (height, width) of all.
    """

    index: Index
    outputs: dict[str, Outputs]
    truth: Truth
    size: tuple[int, int]

    @classmethod
    def of(cls, index: Index, outputs: dict[str, Outputs], pairs: list[Pair], size: tuple[int, int] | None) -> Pictures:
        """Find the size, and say what is resampled to it.

        Raises:
            InputError: Methods differ in it, and none was asked for.
        """
        theirs = {name: common_size([of[pair][0] for pair in pairs]) for name, of in outputs.items()}
        sizes = {name: SQUARES.get(one, one) for name, one in theirs.items()}
        first = next(iter(sizes))
        if size is None:
            other = next((name for name in sizes if sizes[name] != sizes[first]), first)
            if other != first:
                raise InputError(
                    f"The pictures of {first} are {size_text(sizes[first])} and those of {other} "
                    f"{size_text(sizes[other])}; give all raters a --size such as {size_text(sizes[first], 'x')}."
                )
            size = sizes[first]
        truth = Truth(index, cropped=theirs[first] not in SQUARES)
        own = truth.read(index.records[pairs[0][1]].path).shape[:2]
        for name, one in {**sizes, "the dataset": (own[0], own[1])}.items():
            if one != size:
                print(f"Note: pictures of {name} are resampled, {size_text(one)} to {size_text(size)}, which may show.")
        return cls(index, outputs, truth, size)

    def write(self, path: Path, what: str, pair: Pair) -> None:
        """Write one, as every other: the same pixels' number, no metadata, and for want of compression the same bytes'.

        Args:
            path: Of the file, a PNG.
            what: A method, :data:`REAL`, ``source`` or ``pose``.
            pair: Of names.
        """
        height, width = self.size
        source, target = (self.index.records[name] for name in pair)
        if what == "pose":
            image = BodyPose(target.frame, target.keypoints).picture(self.size)
        elif what == "source":
            image = open_view(source, self.index.root)
        else:
            pixels = self.truth.read(target.path) if what == REAL else read(self.outputs[what][pair][0])
            image = Image.fromarray(pixels)
        plain = Image.fromarray(np.asarray(image.convert("RGB").resize((width, height), RESAMPLING)))
        plain.save(path, format="PNG", compress_level=0)
