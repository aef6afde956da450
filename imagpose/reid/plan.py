"""Table 4 as work: parts, generators, pictures and rows, each made once and shared by all that need it."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np

from imagpose.data.readers.market1501 import Sighting
from imagpose.errors import InputError
from imagpose.output.files import write_whole
from imagpose.reid.additions import Added, added_csv
from imagpose.reid.parts import Pair, draw_pairs, part_of, posed, write_part
from imagpose.reid.pictures import DONE
from imagpose.reid.sampling import steps_of
from imagpose.reid.table4 import METHODS, STANDARD, WHOLE, Generator, Method
from imagpose.reproduction.jobs import PlannedRow
from imagpose.reproduction.paper import Scale
from imagpose.reproduction.rows import row_path
from imagpose.training import runs
from imagpose.training.cli import REID


@dataclass(frozen=True)
class Size:
    """How the table is made at a scale.

    Attributes:
        root: Of the dataset, unless another is named.
        bot: Files of BoT's options.
        epochs: That they say; the steps of a row are counted from it.
        generator: Files of the generator's options.
        denoising: Steps of a picture; None is the generator's own.
    """

    root: Path
    bot: tuple[str, ...]
    epochs: int
    generator: tuple[str, ...]
    denoising: int | None = None


SIZES: dict[Scale, Size] = {
    "tiny": Size(
        Path("data/reid"), ("reid/bot", "reid/miniature"), 60,
        ("_base", "tiny", "reid/generator", "reid/generator_miniature"), 8,
    ),
    "full": Size(Path("data/market1501"), ("reid/bot",), 120, ("_base", "market1501", "reid/generator")),
}  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """The table's work.

    Attributes:
        scale: ``tiny`` or ``full``.
        root: Of the dataset; at tiny scale drawn unless it is there.
        drawn: Whether it is the scale's own dataset, which the experiments draw.
        percentages: Of real pictures.
        methods: Rows at each percentage; of 100 % there is Standard alone.
        seeds: Of BoT's runs; generators have one.
        ratio: Added pictures for one real picture.
        runs: Folder of all runs.
        results: Folder of all tables.
        options: Further options of every row's ``fit``.
        generator_options: Likewise of every generator's.
    """

    scale: Scale
    root: Path
    drawn: bool
    percentages: tuple[int, ...]
    methods: tuple[Method, ...]
    seeds: tuple[int, ...] = (0, 1, 2)
    ratio: float = 1.0
    runs: Path = Path("runs")
    results: Path = Path("results")
    options: tuple[str, ...] = ()
    generator_options: tuple[str, ...] = ()

    def cells(self) -> list[tuple[Method, int]]:
        """Methods and percentages that there is a row of."""
        return [
            (method, percentage) for percentage in self.percentages for method in self.methods
            if percentage != WHOLE or method == STANDARD
        ]  # fmt: skip

    def name(self, method: Method, percentage: int) -> str:
        """Of a row's file, without its seed."""
        return f"{REID}_{self.scale}_{method.key}_{percentage}"

    def place(self, percentage: int) -> Path:
        """The folder of a part: ``data``, ``pairs.csv``, ``added`` and the generated pictures."""
        return self.runs / f"{REID}_{self.scale}_parts" / str(percentage)

    def generator_run(self, percentage: int) -> Path:
        """The run of the generator of a part."""
        return self.runs / f"{REID}_{self.scale}_generator_{percentage}" / "version_0"

    def pictures(self, percentage: int, generator: Generator) -> Path:
        """The folder of what a generator made of a part."""
        return self.place(percentage) / f"pictures_{generator}"

    def drawing_name(self, generator: Generator, percentage: int) -> str:
        """Of the job that makes those pictures."""
        return f"{REID}_{self.scale}_pictures_{generator}_{percentage}"

    # Files ----------------------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Write the parts, and the lists of pairs and of added pictures; the same files each time.

        Raises:
            InputError: The dataset is not as it must be; or a part that was written before holds what is not of it.
        """
        trained = {percentage for _, percentage in self._drawings()} | self._generators()
        for percentage in sorted({*self.percentages, *trained}):
            place = self.place(percentage)
            if percentage in trained:
                write_part(place / "data", self.root, percentage)
            if percentage == WHOLE:
                continue
            part, pairs = _drawn(self.root, percentage, self.ratio)
            if not pairs:
                raise InputError(
                    f"In {percentage} % of {self.root} nobody is seen twice with a pose; name more --percentages."
                )
            _keep(place / "pairs.csv", "".join(f"{source},{target}\n" for source, target in (("from", "to"), *pairs)))
            for done in (self.pictures(percentage, generator) / DONE for generator in get_args(Generator)):
                if done.is_file() and json.loads(done.read_text(encoding="utf-8"))["pictures"] < len(pairs):
                    done.unlink()  # of a smaller --ratio: the further pairs are drawn
            for method in self.methods:
                if method != STANDARD:
                    _keep(self._added(method, percentage), added_csv(self._additions(method, percentage, part, pairs)))

    def _added(self, method: Method, percentage: int) -> Path:
        return self.place(percentage) / "added" / f"{method.key}.csv"

    def _additions(
        self, method: Method, percentage: int, part: dict[Sighting, Path], pairs: Sequence[Pair]
    ) -> list[Added]:
        """What a method adds: a picture for each pair, of as many people as often, whatever it shows."""
        files = {one.name: path.resolve() for one, path in part.items()}
        person = {one.name: one.person for one in part}
        if method.generator is not None:
            folder = Path("..") / self.pictures(percentage, method.generator).name / "images"
            drawn = [folder / f"{Path(a).stem}_2_{Path(b).stem}_vis.png" for a, b in pairs]
            shown = [person[source] for source, _ in pairs]
            named = _of_others(shown) if method.key == "wrong" else shown
            return [Added(path, who) for path, who in zip(drawn, named, strict=True)]
        real = [source if method.key == "copied" else target for source, target in pairs]
        return [Added(files[name], person[name], method.key == "augmented") for name in real]

    # Jobs -----------------------------------------------------------------------------------------------------------

    def _drawings(self) -> list[tuple[Generator, int]]:
        """Who draws what for the rows that are not there yet; those that are need no pictures any more."""
        return list(dict.fromkeys(
            (method.generator, percentage) for method, percentage in self.cells()
            if method.generator is not None and not self._finished(method, percentage)
        ))  # fmt: skip

    def _finished(self, method: Method, percentage: int) -> bool:
        name = self.name(method, percentage)
        return all(row_path(self.results, REID, name, seed).exists() for seed in self.seeds)

    def _generators(self) -> set[int]:
        return {_trained_on(generator, percentage) for generator, percentage in self._drawings()}

    def generators(self) -> list[PlannedRow]:
        """A training for each part, and one of all."""
        return [self._generator(percentage) for percentage in sorted(self._generators())]

    def _generator(self, percentage: int) -> PlannedRow:
        run = self.generator_run(percentage)
        files = (word for name in SIZES[self.scale].generator for word in ("-c", f"experiments/{name}.yaml"))
        of_part = {"root": self.place(percentage) / "data", "of": self.root, "percentage": percentage}
        data = [word for name, value in of_part.items() for word in (f"--data.init_args.{name}", str(value))]
        name = run.parent.name
        words = ("fit", *files, *self.generator_options, *data, "--name", name, "--runs", str(self.runs))
        return PlannedRow(name, run / "metrics.json", run.parent, (words,))

    def drawings(self) -> list[PlannedRow]:
        """What each generator makes of each part; its generator must be there."""
        return [self._drawing(generator, percentage) for generator, percentage in self._drawings()]

    def _drawing(self, generator: Generator, percentage: int) -> PlannedRow:
        place, out = self.place(percentage), self.pictures(percentage, generator)
        training = self._generator(_trained_on(generator, percentage))
        words: tuple[str, ...] = (
            "reid", "pictures", str(place / "data"), "--of", str(self.root), "--percentage", str(percentage),
            "--pairs", str(place / "pairs.csv"), "--run", str(training.row.parent), "--out", str(out),
        )  # fmt: skip
        if (steps := SIZES[self.scale].denoising) is not None:
            words += ("--steps", str(steps))
        asks = training.commands[-1]
        name = self.drawing_name(generator, percentage)
        return PlannedRow(name, out / DONE, out, (words,), asks[1 : asks.index("--name")], (training.row,))

    def rows(self) -> list[PlannedRow]:
        """BoT's trainings; what they add must be there."""
        return [self._row(method, percentage, seed) for seed in self.seeds for method, percentage in self.cells()]

    def _row(self, method: Method, percentage: int, seed: int) -> PlannedRow:
        name = self.name(method, percentage)
        row = row_path(self.results, REID, name, seed)
        run_name = name + (f"-seed{seed}" if seed else "")
        needs = (self.pictures(percentage, method.generator) / DONE,) if method.generator is not None else ()
        placed = ("--runs", str(self.runs), "--results", str(self.results), "--table", f"[{REID}]")
        run = runs.newest(self.runs, run_name)
        if run is not None and run.complete and not row.exists():
            words: tuple[str, ...] = ("test", "-c", str(run.config), "--folder", str(run.folder), *placed)
            return PlannedRow(run_name, row, self.runs / run_name, (words,), needs=needs)
        files = [word for file in SIZES[self.scale].bot for word in ("-c", f"experiments/{file}.yaml")]
        own = {"percentage": str(percentage), "seed": str(seed)}
        if not self.drawn:
            own |= {"root": str(self.root), "cameras": "null"}
        if method != STANDARD:
            own["added"] = str(self._added(method, percentage))
        data = [word for option, value in own.items() for word in (f"--data.init_args.{option}", value)]
        steps = ("--trainer.max_steps", str(self._steps(method, percentage, seed)))
        words = (
            "fit", *files, *data, *steps, "--seed_everything", str(seed), *self.options, "--name", run_name, *placed
        )  # fmt: skip
        return PlannedRow(run_name, row, self.runs / run_name, (words,), needs=needs)

    def _steps(self, method: Method, percentage: int, seed: int) -> int:
        """BoT's epochs over the row's own pictures: what has more pictures is trained longer, as in the field."""
        part, pairs = _drawn(self.root, percentage, self.ratio)
        labels = [one.person for one in part]
        if method != STANDARD:
            labels += [one.person for one in self._additions(method, percentage, part, pairs)]
        return steps_of(labels, SIZES[self.scale].epochs, seed)


@functools.lru_cache(maxsize=16)
def _drawn(root: Path, percentage: int, ratio: float) -> tuple[dict[Sighting, Path], list[Pair]]:
    """A part, and the pairs that are drawn from it."""
    part = part_of(root, percentage)
    return part, draw_pairs(list(part), posed(root), round(ratio * len(part)))


def _trained_on(generator: Generator, percentage: int) -> int:
    """The part that a generator which draws a part was trained on."""
    return WHOLE if generator == "all" else percentage


def _keep(path: Path, text: str) -> None:
    """Write a list unless it is there; a run that reads it is not disturbed."""
    try:
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            write_whole(path, text)
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror}); make room or name other --runs.") from error


def _of_others(people: Sequence[int]) -> list[int]:
    """The same ids, each in the place of another: as many pictures a person, and nobody's own.

    Sorted by person, each takes the id that stands as many places farther as the most frequent one has pictures.
    """
    order = np.argsort(np.array(people), kind="stable")
    values = np.array(people)[order]
    found = np.empty(len(people), dtype=int)
    found[order] = np.roll(values, int(np.unique(values, return_counts=True)[1].max()))
    return found.tolist()


def chosen(names: Sequence[str]) -> tuple[Method, ...]:
    """The methods of these keys or titles, in the table's order; all of them for none.

    Raises:
        InputError: There is no such method.
    """
    known = {name: method for method in METHODS.values() for name in (method.key, method.title)}
    if unknown := [name for name in names if name not in known]:
        raise InputError(f"--rows names {unknown[0][:100]!r}, which is no row; there are: {', '.join(METHODS)}.")
    return tuple(method for method in METHODS.values() if not names or method in [known[name] for name in names])
