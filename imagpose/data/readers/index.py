"""The index that every layout of the field ends in: identity → views → path and keypoints."""

from __future__ import annotations

import copy
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Self

import numpy as np

from imagpose.data.keypoints import JOINTS, MISSING, NUM_JOINTS, visible
from imagpose.data.readers.annotations import Annotation, Annotations
from imagpose.data.readers.findings import Finding, Kind
from imagpose.data.readers.folders import Files, leaves_root
from imagpose.data.readers.lists import spelt_otherwise
from imagpose.data.readers.pairs import PAIR_ENDINGS, Pair, read_pairs
from imagpose.data.readers.records import ImageRecord as ImageRecord
from imagpose.data.readers.records import Listed, Name
from imagpose.data.readers.records import Scenario as Scenario
from imagpose.data.text import Listing
from imagpose.errors import InputError

SPLITS = ("train", "test")
_NOWHERE = np.full((NUM_JOINTS, 2), MISSING)


class Index(ABC):
    """The images of a dataset folder, by name, split and identity.

    Everything that lists name is in it, what has no file or no keypoints too; ``findings`` says so, and
    :meth:`without` leaves it out.

    Args:
        root: The dataset folder.

    Attributes:
        records: Every listed image, by name.
        lists: The file that names a split's images.
        splits: Names of ``train`` and ``test``, in the order of their lists.
        findings: What is wrong with the lists.
        notes: What was taken or left out without asking, a sentence each; reading the pairs may add to it.

    Raises:
        InputError: A file is missing, a row is malformed, or a person is in both splits.
    """

    title: str  # the dataset's name, for messages
    folders: tuple[str, ...]  # relative to the root; one of them is enough to tell the layout
    frame: tuple[int, int]  # (height, width) that annotations are in
    example: str  # a name, for messages

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise InputError(
                f"{root} is no folder; put or link a dataset there (docs/datasets.md), or name its own with "
                "--data.init_args.root."
            )
        self.root = root
        self.records: dict[str, ImageRecord] = {}
        self.findings: list[Finding] = []
        self.notes: list[str] = []
        self.left_out: set[str] = set()  # names that no pair is refused for
        self.splits: dict[str, list[str]] = {}
        files = self._find_images()
        self._tell_links(files)
        self.lists = {split: self._read_split(split, files).file for split in SPLITS}
        self.findings = list(dict.fromkeys(self.findings))  # where the annotations are the list, both say the same
        persons = {split: {self.records[name].person for name in names} for split, names in self.splits.items()}
        if both := sorted(persons["train"] & persons["test"]):
            some = ", ".join(islice(both, 10)) + (f" and {len(both) - 10} more" if len(both) > 10 else "")
            are = "is" if len(both) == 1 else "are"
            train, test = (self.lists[split].name for split in SPLITS)
            raise InputError(f"{root}: {some} {are} in both {train} and {test}; leave each in one of them.")

    @staticmethod
    @abstractmethod
    def parse(text: str) -> Name | None:
        """Understand a name as lists or folders spell it; None where it is no image's name."""

    @abstractmethod
    def _find_images(self) -> Files:
        """The layout's image files."""

    @abstractmethod
    def _read_split(self, split: str, files: Files) -> Listing:
        """Call :meth:`_fill` with what the layout's files say of a split; returns the list that names it."""

    @abstractmethod
    def _pair_files(self, split: str) -> Sequence[Path]:
        """Where the published pairs may be, in the order of preference."""

    def summary(self) -> str:
        """The layout, and which lists were found with how many images, for reading."""
        lists = [f"{len(self.splits[split]):,} images of {self.lists[split].name}" for split in SPLITS]
        pairs = self.pair_file("test")
        return f"{type(self).__name__}, {', '.join(lists)}, test pairs of {pairs.name if pairs else 'no list'}"

    def identities(self, split: str) -> dict[str, list[ImageRecord]]:
        """Views by identity, in the order of the split's list; groups of one view are left out, they form no pair."""
        groups: dict[str, list[ImageRecord]] = {}
        for name in self.splits[split]:
            groups.setdefault(self.records[name].identity, []).append(self.records[name])
        return {identity: views for identity, views in groups.items() if len(views) >= 2}

    def pair_file(self, split: str) -> Path | None:
        """The published pairs' file, else one of another name that can be read; None where there is none."""
        if (known := next((path for path in self._pair_files(split) if path.is_file()), None)) is not None:
            return known
        return self._other(split, "pair", PAIR_ENDINGS, self._are_pairs)

    def pairs(self, split: str) -> list[tuple[str, str]]:
        """The published (source, target) pairs, in order."""
        return [(source, pair.target) for pair in self._known(*self._published(split)) for source in pair.sources]

    def pairs_of(self, path: Path) -> list[tuple[str, str]]:
        """The (source, target) pairs of a file that :func:`imagpose.data.readers.pairs.read_pairs` reads, in order."""
        return [(source, pair.target) for pair in self._known(path, self._pairs_in(path)) for source in pair.sources]

    def scenarios(self, skip_unknown: bool = False) -> list[Scenario]:
        """The fixed test cases: the published test pairs, in order.

        Further sources, which three-source settings take, are the other views of the first source's identity in which
        a joint was found.

        Args:
            skip_unknown: Leave out pairs of images that are not in the index, instead of refusing them.
        """
        views: dict[str, list[str]] = {}
        for name in self.splits["test"]:
            if visible(self.records[name].keypoints).any():
                views.setdefault(self.records[name].identity, []).append(name)
        file, pairs = self._published("test")
        scenarios = []
        for row, target, given in self._known(file, pairs, skip_unknown):
            if target in given:
                raise InputError(f"{file}, row {row}: {target} is both source and target; take the row out.")
            others = (name for name in views.get(self.records[given[0]].identity, ()) if name != target)
            scenarios.append(Scenario(target, given[0], tuple(dict.fromkeys((*given, *others)))))
        return scenarios

    def pair_findings(self, split: str) -> list[Finding]:
        """What is wrong with the published pairs: images that no list names, and names that leave the root."""
        if (file := self.pair_file(split)) is None:
            return []
        return [
            Finding(Kind.OUTSIDE_ROOT if leaves_root(self.root, name) else Kind.UNLISTED, file.name, pair.row, name)
            for pair in self._pairs_in(file)
            for name in (*pair.sources, pair.target)
            if name not in self.records and name not in self.left_out
        ]

    def without(self, names: Collection[str]) -> Self:
        """This index, less some images."""
        rest = copy.copy(self)
        rest.records = {name: record for name, record in self.records.items() if name not in names}
        rest.splits = {split: [name for name in some if name in rest.records] for split, some in self.splits.items()}
        return rest

    def _published(self, split: str) -> tuple[Path, Iterable[Pair]]:
        file = self.pair_file(split)
        if file is None:
            known = ", ".join(path.name for path in self._pair_files(split))
            raise InputError(f"{self.root} has no list of {split} pairs; it needs one of {known}.")
        return file, self._pairs_in(file)

    def _pairs_in(self, file: Path) -> Iterator[Pair]:
        for row, target, sources in read_pairs(file):
            yield Pair(row, self._spell(file, row, target), tuple(self._spell(file, row, name) for name in sources))

    def _spell(self, file: Path, row: int, text: str) -> str:
        """A name as the index spells it; one that leaves the root stays as it is written, which is in no index."""
        if text in self.records:
            return text
        understood = self._understand(file, row, text, self.records)
        return text if understood is None else understood.name

    def _known(self, file: Path, pairs: Iterable[Pair], skip_unknown: bool = False) -> Iterator[Pair]:
        left_out = 0
        for pair in pairs:
            unknown = [name for name in (*pair.sources, pair.target) if name not in self.records]
            if not unknown:
                yield pair
            elif not self.left_out.isdisjoint(unknown):
                left_out += 1
            elif not skip_unknown:
                raise InputError(f"{file}, row {pair.row}: {unknown[0]} is in no list of the images; take it out.")
        if left_out:
            self._note(f"{file.name}: {left_out:,} pairs of images without any joint are left out.")

    def _parse_row(self, file: Path, row: int, text: str) -> Name:
        if (parsed := self.parse(text)) is None:
            raise InputError(f"{file}, row {row}: {text[:200]!r} is no image's name such as {self.example}.")
        return parsed

    def _understand(self, file: Path, row: int, text: str, known: Container[str]) -> Name | None:
        """A name in a list; None where it leads out of the root.

        An absolute path of the machine that wrote the list is taken where it ends in a known name. Only what
        :meth:`_find_images` found is ever read, so that no path in a list can lead anywhere.
        """
        if not leaves_root(self.root, text):
            return self._parse_row(file, row, text)
        parsed = None if ".." in text else self.parse(text)
        return parsed if parsed is not None and parsed.name in known else None

    def _names(self, listing: Listing, files: Files) -> dict[str, Listed]:
        """A list's images, each where it is first met; names that leave the root are found wanting."""
        names: dict[str, Listed] = {}
        for row, text in listing.entries:
            understood = self._understand(listing.file, row, text, files.paths)
            if understood is None:
                self.findings.append(Finding(Kind.OUTSIDE_ROOT, self._relative(listing.file), row, text))
            else:
                names.setdefault(understood.name, Listed(understood, row))
        return names

    def _by_name(self, annotated: Annotations, names: Collection[str]) -> dict[str, Annotation]:
        """A file's annotations by their image; ``names`` are known to be spelt as the index does."""
        file = annotated.listing.file
        found: dict[str, Annotation] = {}
        for (row, text), annotation in zip(annotated.listing.entries, annotated.annotations, strict=True):
            if text in names:
                found.setdefault(text, annotation)
            elif (understood := self._understand(file, row, text, names)) is None:
                self.findings.append(Finding(Kind.OUTSIDE_ROOT, self._relative(file), row, text))
            else:
                found.setdefault(understood.name, annotation)
        return found

    def _fill(
        self,
        split: str,
        listing: Listing,
        names: Mapping[str, Listed],
        annotations: Mapping[str, Annotation],
        files: Files,
    ) -> None:
        """Make a split's records, and say what they lack."""
        file = self._relative(listing.file)
        for name, (parsed, row) in names.items():
            path, annotation = files.paths.get(name), annotations.get(name)
            if path is None:
                self.findings.append(Finding(Kind.NO_FILE, file, row, name))
            if annotation is None:
                self.findings.append(Finding(Kind.NO_KEYPOINTS, file, row, name, "it has no annotation"))
            elif not annotation.found:
                place = self._relative(annotation.file)
                self.findings.append(Finding(Kind.NO_KEYPOINTS, place, annotation.row, name, "all joints are missing"))
            if annotation is not None and annotation.outside:
                joint, x, y = annotation.outside
                where = f"{JOINTS[joint]} at ({x:g}, {y:g}) in {self.frame[0]}×{self.frame[1]}"
                row_of = annotation.row or joint + 1
                self.findings.append(Finding(Kind.OUT_OF_FRAME, self._relative(annotation.file), row_of, name, where))
            self.records[name] = ImageRecord(
                name, f"{self.root}/{path or parsed.path}", parsed.identity, parsed.person,
                _NOWHERE if annotation is None else annotation.points, self.frame,
            )  # fmt: skip
        for name, annotation in annotations.items():
            if name not in names and name not in files.paths:
                self.findings.append(Finding(Kind.NO_FILE, self._relative(annotation.file), annotation.row, name))
        self.splits[split] = list(names)

    def _tell_links(self, files: Files) -> None:
        self.findings += [
            Finding(Kind.OUTSIDE_ROOT, link.path, None, link.path, f"a link to {link.target}") for link in files.links
        ]

    def _other(self, split: str, what: str, endings: tuple[str, ...], fits: Callable[[Path], bool]) -> Path | None:
        """A split's list under a name that nobody publishes; notes that it was taken."""
        found = next((path for path in spelt_otherwise(self.root, split, what, endings) if fits(path)), None)
        if found is not None:
            self._note(f"{found.name}, which is no published name, is read for the {split} split.")
        return found

    def _are_pairs(self, path: Path) -> bool:
        try:
            pairs = read_pairs(path)
        except InputError:
            return False  # another method's list, perhaps; the missing one is told by whoever needs it
        return bool(pairs) and self.parse(pairs[0].target) is not None

    def _note(self, sentence: str) -> None:
        if sentence not in self.notes:
            self.notes.append(sentence)

    def _relative(self, file: Path | str) -> str:
        return os.path.relpath(file, self.root)
