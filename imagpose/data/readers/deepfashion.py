"""DeepFashion In-shop, in every layout of the field: which file says what, and how images are named."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from imagpose.data.readers.annotations import ANNOTATION_HEADER, Annotation, read_annotations, read_pose_files
from imagpose.data.readers.findings import Finding, Kind
from imagpose.data.readers.folders import Files, find_files
from imagpose.data.readers.index import Index, Scenario
from imagpose.data.readers.pairs import names_of_pairs, read_groups
from imagpose.data.readers.records import Listed, Name
from imagpose.data.text import Listing, read_json_list, read_listing
from imagpose.errors import InputError
from imagpose.output.files import regular

ANNOTATION_SIZE = (256, 176)  # keypoints are given in this frame (height, width), whatever the image's size

# Where images are looked for; the earlier folder wins. Not simply everywhere: segmentations and drawn poses that lie
# beside the images have the same names.
IMAGE_FOLDERS = (
    "img_highres", "Img/img_highres", "img", "Img/img", "WOMEN", "MEN", "images",
    "train_highres", "test_highres", "fashion_resize/train", "fashion_resize/test", "train", "test",
    "train_all_png", "all_data_png",
    "train_lst_512_png", "test_lst_512_png", "train_lst_256_png", "test_lst_256_png",
)  # fmt: skip
IMAGE_ENDINGS = (".jpg", ".jpeg", ".png")
_POSE_FOLDERS = {"pose": False, "normalized_pose_txt": True}  # whether the numbers are relative to the frame

# One pattern for all spellings: WOMEN/Tees_Tanks/id_00000001/01_3_back.jpg below any folder, the flattened
# fashionWOMENTees_Tanksid0000000101_3back.jpg, and WOMEN-Tees_Tanks-id_00000001-01_3_back.png or with _ for -.
_NAME = re.compile(
    r"(?:.*/)?(?:fashion)?(WOMEN|MEN)[-_/]?(\w+?)[-_/]?id_?(\d{8})[-_/]?(\d\d)_(\d+)_?([A-Za-z]\w*)\.(?:jpe?g|png|txt)",
    re.ASCII,
)
_LONGEST = 400  # characters of a name; the pattern's time grows with the square of them


def parse_name(text: str) -> Name | None:
    """Understand a file name or path in any spelling of the field; None where it is none.

    The views of one identity show one person in one garment. Splits go by the folder ``WOMEN/Tees_Tanks/id_00000001``,
    which may hold several colours of a garment, ``01_``, ``02_``; the bare id stands in both parts of the published
    split, on other garments. The index's own spelling is the flattened one.
    """
    match = _NAME.fullmatch(text) if len(text) <= _LONGEST else None
    if not match:
        return None
    gender, category, number, garment, view, side = match.groups()
    person = f"{gender}/{category}/id_{number}"
    identity = f"{person}/{garment}"
    return Name(
        f"fashion{gender}{category}id{number}{garment}_{view}{side}.jpg", identity, person,
        f"img_highres/{identity}_{view}_{side}.jpg",
    )  # fmt: skip


def flatten_name(path: str) -> str:
    """``WOMEN/Tees_Tanks/id_00000001/01_3_back.jpg`` → ``fashionWOMENTees_Tanksid0000000101_3back.jpg``."""
    parsed = parse_name(path)
    if parsed is None:
        raise InputError(f"{path} is not a DeepFashion path such as WOMEN/Tees_Tanks/id_00000001/01_3_back.jpg.")
    return parsed.name


def unflatten_name(name: str) -> str:
    """The inverse of :func:`flatten_name`."""
    parsed = parse_name(name)
    if parsed is None:
        raise InputError(
            f"{name!r} is not a flattened DeepFashion name such as fashionWOMENTees_Tanksid0000000101_3back.jpg."
        )
    return parsed.path.removeprefix("img_highres/")


class DeepFashion(Index):
    """The index of a DeepFashion In-shop folder, in any of the field's layouts.

    For each split, the first that there is of these counts:

    - the images: ``<split>.lst``; else the rows of the annotation CSV; else the names in the pairs; else, for
      training, IMAGPose's JSON of groups.
    - keypoints: ``fashion-annotation-<split>.csv``, with ``resize-`` or spelt ``fasion`` too; else a text file per
      image in ``pose/`` (NTED, PIDM) or ``normalized_pose_txt/`` (PCDMs).
    - pairs: ``fashion-pairs-<split>.csv``, with the same spellings; else ``<split>_pairs.txt`` (NTED, PIDM); else
      ``<split>_data.json`` (PCDMs) or ``<split>_pairs_data.json`` (FPDM).

    Where none of a kind is there, a file is taken whose name holds the split and ``pair``, ``annotation`` or the ending
    ``.lst``, if it parses; ``notes`` says so.

    The files of images are found in ``IMAGE_FOLDERS``, nested or flattened. Keypoints are in the 256×176 frame.
    """

    title = "DeepFashion"
    folders = IMAGE_FOLDERS
    frame = ANNOTATION_SIZE
    example = "fashionWOMENTees_Tanksid0000000101_3back.jpg or WOMEN/Tees_Tanks/id_00000001/01_3_back.jpg"

    @staticmethod
    def parse(text: str) -> Name | None:
        """Understand a name in any spelling of the field."""
        return parse_name(text)

    def scenarios(self, skip_unknown: bool = False) -> list[Scenario]:
        """The fixed test cases: of ``test_scenarios.json``, which mannequins have, else the published test pairs."""
        if not self._scenario_file.is_file():
            return super().scenarios(skip_unknown)
        entries = self._read_scenarios()
        unknown = {number: names for number, entry in enumerate(entries, start=1) if (names := self._unknown(entry))}
        if unknown and not skip_unknown:
            number, names = next(iter(unknown.items()))
            raise InputError(f"{self._scenario_file}, entry {number}: {names[0]} is in no list of the images.")
        return [entry for number, entry in enumerate(entries, start=1) if number not in unknown]

    def pair_findings(self, split: str) -> list[Finding]:
        """What is wrong with the published pairs, and with the test cases."""
        findings = super().pair_findings(split)
        if split == "test" and self._scenario_file.is_file():
            for number, entry in enumerate(self._read_scenarios(), start=1):
                findings += [
                    Finding(Kind.UNLISTED, self._scenario_file.name, number, name) for name in self._unknown(entry)
                ]
        return findings

    @property
    def _scenario_file(self) -> Path:
        return self.root / "test_scenarios.json"

    def _unknown(self, entry: Scenario) -> list[str]:
        return [name for name in dict.fromkeys((entry.target, *entry.sources)) if name not in self.records]

    def _read_scenarios(self) -> list[Scenario]:
        entries = []
        for number, entry in enumerate(read_json_list(self._scenario_file), start=1):
            place = f"{self._scenario_file}, entry {number}"
            try:
                target, source, sources = entry["target"], entry["source"], tuple(entry["sources"])
            except (KeyError, TypeError) as error:
                raise InputError(f"{place}: expected {{target, source, sources}} ({error}).") from error
            if not all(isinstance(name, str) for name in (target, source, *sources)) or source not in sources:
                raise InputError(f"{place}: expected names, the source among the sources.")
            if target in sources:
                raise InputError(f"{place}: {target} is both source and target.")
            entries.append(Scenario(target, source, sources))
        return entries

    def _find_images(self) -> Files:
        files = find_files(self.root, IMAGE_FOLDERS, IMAGE_ENDINGS, _name_of)
        if not files.paths and not files.links:
            raise InputError(
                f"{self.root} has no DeepFashion images; they belong into one of {', '.join(IMAGE_FOLDERS)}."
            )
        return files

    def _pair_files(self, split: str) -> Sequence[Path]:
        names = (*_spellings("pairs", split), f"{split}_pairs.txt", f"{split}_data.json", f"{split}_pairs_data.json")
        return [self.root / name for name in names]

    def _read_split(self, split: str, files: Files) -> Listing:
        table = self._first(_spellings("annotation", split)) or self._other(split, "annotation", (".csv",), _is_table)
        annotated = read_annotations(table, self.frame) if table else None
        listing, names = self._list(split, annotated.listing if annotated else None, files)
        if annotated is None:
            found = self._read_poses(split, names)
        else:
            found = self._by_name(annotated, names)
        self._fill(split, listing, names, found, files)
        return listing

    def _list(self, split: str, annotated: Listing | None, files: Files) -> tuple[Listing, dict[str, Listed]]:
        groups = ("train.json", "fashion.json", "IMAGPose_DeepFashion_label.json") if split == "train" else ()
        if (path := self._first((f"{split}.lst",))) is not None:
            listing = read_listing(path)
        elif annotated is not None:
            listing = annotated
        elif (path := self.pair_file(split)) is not None:
            listing = names_of_pairs(path)
        elif (path := self._first(groups)) is not None:
            listing = read_groups(path)
            names = self._names(listing, files)
            _check_groups(listing, names)
            return listing, names
        elif (path := self._other(split, "", (".lst",), Path.is_file)) is not None:
            listing = read_listing(path)
        else:
            known = (f"{split}.lst", *_spellings("annotation", split), *(p.name for p in self._pair_files(split)))
            raise InputError(f"{self.root} has no list of its {split} images; it needs one of {', '.join(known)}.")
        return listing, self._names(listing, files)

    def _read_poses(self, split: str, names: dict[str, Listed]) -> dict[str, Annotation]:
        """Keypoints of text files, one per image."""
        folder = self._first(tuple(_POSE_FOLDERS))
        if folder is None:
            known = (*_spellings("annotation", split), *_POSE_FOLDERS)
            raise InputError(f"{self.root} has no keypoints of its {split} images; it needs one of {', '.join(known)}.")
        poses = find_files(self.root, (folder.name,), (".txt",), _name_of)
        self._tell_links(poses)
        present = [name for name in names if name in poses.paths]
        paths = [f"{self.root}/{poses.paths[name]}" for name in present]
        read = read_pose_files(paths, self.frame, normalised=_POSE_FOLDERS[folder.name])
        return dict(zip(present, read, strict=True))

    def _first(self, names: Sequence[str]) -> Path | None:
        return next((path for name in names if (path := self.root / name).exists()), None)


def _name_of(path: str) -> str | None:
    parsed = parse_name(path)
    return parsed and parsed.name


def _spellings(what: str, split: str) -> tuple[str, ...]:
    return tuple(f"{stem}{resize}-{what}-{split}.csv" for resize in ("-resize", "") for stem in ("fashion", "fasion"))


def _is_table(path: Path) -> bool:
    try:
        with open(regular(path), encoding="utf-8-sig", errors="replace") as file:
            return file.readline(200).strip() == ANNOTATION_HEADER
    except OSError:  # a pipe, say, which is no list of any kind
        return False


def _check_groups(listing: Listing, names: dict[str, Listed]) -> None:
    """Refuse a group that mixes people or garments; the names would tell another story than the list."""
    first: dict[int, Name] = {}
    for listed in names.values():
        leader = first.setdefault(listed.row, listed.image)
        if leader.identity != listed.image.identity:
            raise InputError(
                f"{listing.file}, entry {listed.row}: {leader.name} and {listed.image.name} are of different people or "
                "garments; a list holds the views of one."
            )
