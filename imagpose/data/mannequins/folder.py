"""Mannequins on disk, laid out exactly as a DeepFashion In-shop folder, so that the ordinary reader reads them."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from imagpose.data.lists import annotation_file
from imagpose.data.mannequins import drawing
from imagpose.data.mannequins import people as mannequins
from imagpose.data.mannequins.damage import LISTS, MANIFEST, PICTURES, damaged, file_size, is_part, read_manifest
from imagpose.data.mannequins.drawn import draw_all, drawn_into
from imagpose.data.mannequins.lists import lists
from imagpose.data.mannequins.people import Person, Pose
from imagpose.data.mannequins.styles import FIRST_STYLE, Style
from imagpose.data.readers.deepfashion import flatten_name, unflatten_name
from imagpose.errors import InputError
from imagpose.options.ranges import DrawnSide, PositiveInt, Seed, Views, check_arguments
from imagpose.output.files import alone, scratch_folder

_CHUNK = 2  # people that a process takes at a time, and an interruption waits for
# Front views dominate, as in a shop. The ninth, which nine panels need, is the one that no other is near: from behind,
# at three quarters.
_AZIMUTHS = (0, 0, 30, -30, 90, -90, 180, 180, 135)
_FIRST_AZIMUTHS = 8  # those that sets had before


@dataclass(frozen=True)
class MannequinSet:
    """What to draw.

    Attributes:
        identities: Number of people; each wears one outfit.
        views: Images of each; those after the ninth are seen from where the first ones are, in turn.
        test_identities: How many of the people are held out for testing.
        test_pairs: Number of fixed test cases, the held-out people taken in turn.
        size: Height and width of an image in pixels.
        seed: Everything is a function of it.
        busy_backgrounds: Whether every image has a busy background of its own instead of a plain one.
        style: How the same people in the same poses are drawn: photograph, cartoon or sketch.
    """

    identities: PositiveInt = 600
    views: Views = 8
    test_identities: PositiveInt = 40
    test_pairs: PositiveInt = 200
    size: tuple[DrawnSide, DrawnSide] = (64, 44)
    seed: Seed = 0
    busy_backgrounds: bool = False
    style: Style = "photograph"

    def __post_init__(self) -> None:
        check_arguments(MannequinSet, vars(self), "mannequins.")
        if self.test_identities >= self.identities:
            raise InputError(
                f"mannequins.test_identities ({self.test_identities}) must be below mannequins.identities "
                f"({self.identities}); somebody must be left to train on."
            )


@dataclass(frozen=True)
class View:
    """One image of the set: who stands how, and its path below ``img_highres``."""

    path: str
    person: Person
    pose: Pose
    busy: int | None


def _views_of(spec: MannequinSet, identity: int) -> list[View]:
    person = mannequins.draw_person(np.random.default_rng([spec.seed, identity]))
    gender, category = ("WOMEN", "Skirts") if person.bottom == "skirt" else ("MEN", "Tees_Tanks")
    views = []
    for v in range(spec.views):
        rng = np.random.default_rng([spec.seed, identity, v + 1])
        pose = mannequins.draw_joint_angles(rng, _AZIMUTHS[v % len(_AZIMUTHS)])
        path = f"{gender}/{category}/id_{identity + 1:08d}/01_{v + 1}_{pose.facing}.jpg"
        views.append(View(path, person, pose, int(rng.integers(2**31)) if spec.busy_backgrounds else None))
    return views


def _views(spec: MannequinSet) -> list[list[View]]:
    return [_views_of(spec, identity) for identity in range(spec.identities)]


def _draw_identity(job: tuple[MannequinSet, int, str]) -> list[np.ndarray]:
    """Draw and save one identity's images; returns their keypoints in pixels of the image."""
    spec, identity, folder = job
    keypoints = []
    for view in _views_of(spec, identity):
        drawn = drawing.draw(view.person, view.pose, spec.size, view.busy, spec.style)
        target = Path(folder) / PICTURES / view.path
        target.parent.mkdir(parents=True, exist_ok=True)
        drawn.save(target)
        keypoints.append(drawn.keypoints)
    return keypoints


def write(root: Path, spec: MannequinSet) -> None:
    """Draw a set of mannequins into ``root``, on all cores.

    The folder appears under its name only when complete: an interrupted drawing leaves nothing that could be mistaken
    for a dataset. Written are ``img_highres/``, ``{train,test}.lst``, ``fashion-annotation-{train,test}.csv``,
    ``fashion-pairs-{train,test}.csv``, ``test_scenarios.json`` and ``mannequins.json``.

    Args:
        root: The folder; it must not be there, or be empty.
        spec: What to draw.
    """
    root.parent.mkdir(parents=True, exist_ok=True)
    with scratch_folder(root) as unfinished:
        keypoints = _draw_people(spec, range(spec.identities), unfinished)
        for name, text in lists(spec, _views(spec), keypoints).items():
            (unfinished / name).write_bytes(text.encode())
        (unfinished / MANIFEST).write_bytes(_manifest(spec, unfinished).encode())
        unfinished.rename(root)


def _draw_people(spec: MannequinSet, people: Sequence[int], folder: Path) -> dict[int, list[np.ndarray]]:
    """Draw and save people's images; returns their keypoints by person."""
    jobs = [(spec, identity, str(folder)) for identity in people]
    return dict(zip(people, draw_all(_draw_identity, jobs, _CHUNK), strict=True))


def _head(spec: MannequinSet) -> dict[str, Any]:
    """How a manifest of a set begins."""
    renderer = drawing.RENDERER_VERSION + (spec.views > _FIRST_AZIMUTHS)  # older sets have another ninth view
    said = {**mannequins.to_record(spec), "size": list(spec.size)}
    if spec.style == FIRST_STYLE:
        del said["style"]  # older sets do not say it
    return {"renderer": renderer, "spec": said}


def _manifest(spec: MannequinSet, folder: Path | None = None) -> str:
    """The manifest of a set, with the sizes of the files in a folder."""
    manifest: dict[str, Any] = {**_head(spec), "images": {}}
    for views in _views(spec):
        for view in views:
            record = {
                "person": mannequins.to_record(view.person), "pose": mannequins.to_record(view.pose), "busy": view.busy,
            }  # fmt: skip
            if folder is not None:
                record["bytes"] = file_size(folder / PICTURES / view.path)
            manifest["images"][flatten_name(view.path)] = record
    if folder is not None:
        manifest["lists"] = {name: file_size(folder / name) for name in LISTS}
    return json.dumps(manifest) + "\n"


def is_drawn(root: Path) -> bool:
    """Whether a dataset's people are mannequins."""
    return (root / MANIFEST).exists()


def ensure(root: Path, spec: MannequinSet | None) -> None:
    """Draw ``spec`` into ``root`` unless exactly this set is already there, and draw again what is damaged of it.

    Of several processes that want the same set one draws, and the others wait. No file is deleted, and none is replaced
    but one that is missing or cut short.

    Raises:
        InputError: ``root`` holds another set, or nothing and there is no ``spec`` to draw; or it cannot be written.
    """
    if spec is None:
        if not root.exists():
            raise InputError(
                f"{root} is no folder; put or link a dataset there (docs/datasets.md), or name its own with "
                "--data.init_args.root."
            )
        return
    with drawn_into(root, lambda: write(root, spec)):
        if is_drawn(root) and _check(root, spec):
            with alone(root, f"drawing what is damaged in {root}"):
                _mend(root, spec, _check(root, spec))


def manifest_of(root: Path, spec: MannequinSet) -> dict[str, Any] | None:
    """The manifest of a set that is drawn; None where it is cut short.

    Raises:
        InputError: It is another set, or that cannot be told.
    """
    manifest = read_manifest(root, begins=json.dumps(_head(spec))[:-1])
    if manifest is not None and {key: manifest[key] for key in _head(spec)} != _head(spec):
        raise InputError(
            f"{root} holds mannequins drawn with other settings; name another data.root, take this set as it is with "
            "--data.init_args.mannequins null, or delete it to have it drawn anew."
        )
    return manifest


def _check(root: Path, spec: MannequinSet) -> list[str]:
    """What is missing or cut short in a set: names of pictures, lists and the manifest.

    Raises:
        InputError: See :func:`manifest_of`.
    """
    manifest = manifest_of(root, spec)
    if manifest is None:
        return [MANIFEST, *damaged(root, json.loads(_manifest(spec)), thoroughly=True)]
    names = damaged(root, manifest)
    # Where no sizes were recorded and something is damaged, more may be: sizes are recorded when it is mended.
    return names if not names or "lists" in manifest else damaged(root, manifest, thoroughly=True)


def _mend(root: Path, spec: MannequinSet, names: Sequence[str]) -> None:
    """Draw again what is damaged; everything is a function of ``spec``."""
    if not names:  # who was first has done it
        return
    of = {flatten_name(view.path): i for i, views in enumerate(_views(spec)) for view in views}
    pictures = [name for name in names if name in of]
    everybody = any(annotation_file(split) in names for split in ("train", "test"))
    people = range(spec.identities) if everybody else sorted({of[name] for name in pictures})
    print(f"{root} is damaged: {len(names)} file(s) are missing or cut short, {names[0]} first; drawing them again.")
    with scratch_folder(root) as unfinished:
        keypoints = _draw_people(spec, people, unfinished) if people else {}
        for name in pictures:
            path = Path(PICTURES) / unflatten_name(name)
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            os.replace(unfinished / path, root / path)
        for name, text in lists(spec, _views(spec), keypoints).items():
            if name in names and is_part(root / name, text.encode()):
                (unfinished / name).write_bytes(text.encode())
                os.replace(unfinished / name, root / name)
            elif name in names:
                print(f"{root / name} was changed by somebody and is left as it is.")
        (unfinished / MANIFEST).write_bytes(_manifest(spec, root).encode())
        os.replace(unfinished / MANIFEST, root / MANIFEST)


def draw_set(root: Path, spec: MannequinSet = MannequinSet()) -> None:
    """Draw mannequins as a DeepFashion In-shop folder.

    Args:
        root: The folder to write.
        spec: What to draw.
    """
    if root.exists() and not is_drawn(root):
        raise InputError(f"{root} exists and is no folder of mannequins, so it is left as it is; name another.")
    ensure(root, spec)
    print(f"The mannequins are in {root}.")
