"""Mannequins on disk, laid out exactly as a DeepFashion In-shop folder, so that the ordinary reader reads them."""

from __future__ import annotations

import csv
import functools
import json
import multiprocessing
import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

import numpy as np
from PIL import Image
from rich.progress import track

from imagpose.data import drawing, mannequins
from imagpose.data.deepfashion import ANNOTATION_SIZE, flatten_name
from imagpose.data.keypoints import rescale, visible
from imagpose.data.mannequins import Person, Pose
from imagpose.errors import InputError

MANIFEST = "mannequins.json"
_AZIMUTHS = (0, 0, 30, -30, 90, -90, 180, 180)  # front views dominate, as in a shop


@dataclass(frozen=True)
class MannequinSet:
    """What to draw.

    Attributes:
        identities: Number of people; each wears one outfit.
        views: Images of each.
        test_identities: How many of the people are held out for testing.
        test_pairs: Number of fixed test cases, the held-out people taken in turn.
        size: (height, width) of an image in pixels.
        seed: Everything is a function of it.
        busy_backgrounds: Draw a different busy background behind every image instead of a plain one.
    """

    identities: int = 600
    views: int = 8
    test_identities: int = 40
    test_pairs: int = 200
    size: tuple[int, int] = (64, 44)
    seed: int = 0
    busy_backgrounds: bool = False


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


def _draw_identity(job: tuple[MannequinSet, int, str]) -> list[np.ndarray]:
    """Draw and save one identity's images; returns their keypoints in pixels of the image."""
    spec, identity, folder = job
    keypoints = []
    for view in _views_of(spec, identity):
        drawn = drawing.draw(view.person, view.pose, spec.size, view.busy)
        target = Path(folder) / "img_highres" / view.path
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(drawn.image).save(target, quality=98, subsampling=0)
        keypoints.append(drawn.keypoints)
    return keypoints


def write(root: Path, spec: MannequinSet) -> None:
    """Draw a set of mannequins into ``root``, on all cores.

    The folder appears under its name only when complete: an interrupted drawing leaves nothing that could be mistaken
    for a dataset. Written are ``img_highres/``, ``{train,test}.lst``, ``fashion-annotation-{train,test}.csv``,
    ``fashion-pairs-{train,test}.csv``, ``test_scenarios.json`` and ``mannequins.json``.
    """
    root.parent.mkdir(parents=True, exist_ok=True)
    unfinished = root.with_name(f".{root.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    jobs = [(spec, identity, str(unfinished)) for identity in range(spec.identities)]
    # Spawned, not forked: a forked copy of a process that runs torch may hang in its thread pool.
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as pool:
        results = pool.map(_draw_identity, jobs, chunksize=8)
        keypoints = list(track(results, f"Drawing {spec.identities} mannequins", total=spec.identities))
    views = [_views_of(spec, identity) for identity in range(spec.identities)]

    held_out = spec.identities - spec.test_identities
    for split, members in (("train", range(held_out)), ("test", range(held_out, spec.identities))):
        names = [flatten_name(view.path) for i in members for view in views[i]]
        (unfinished / f"{split}.lst").write_text("\n".join(names) + "\n")
        with open(unfinished / f"fashion-annotation-{split}.csv", "w") as annotations:
            annotations.write("name:keypoints_y:keypoints_x\n")
            for name, points in zip(names, (points for i in members for points in keypoints[i]), strict=True):
                annotations.write(_annotation_row(name, points, spec.size))
        with open(unfinished / f"fashion-pairs-{split}.csv", "w", newline="") as pairs:
            writer = csv.writer(pairs)
            writer.writerow(["from", "to"])
            for i in members:
                writer.writerows(permutations([flatten_name(view.path) for view in views[i]], 2))
    scenarios = _test_scenarios(views[held_out:], spec.seed, spec.test_pairs)
    (unfinished / "test_scenarios.json").write_text(json.dumps(scenarios, indent=1) + "\n")
    manifest = {
        "renderer": drawing.RENDERER_VERSION,
        "spec": {**mannequins.to_record(spec), "size": list(spec.size)},
        "images": {
            flatten_name(view.path): {
                "person": mannequins.to_record(view.person), "pose": mannequins.to_record(view.pose), "busy": view.busy,
            }
            for identity in views for view in identity
        },
    }  # fmt: skip
    (unfinished / MANIFEST).write_text(json.dumps(manifest) + "\n")
    shutil.rmtree(root, ignore_errors=True)
    unfinished.rename(root)


def _annotation_row(name: str, keypoints: np.ndarray, size: tuple[int, int]) -> str:
    points = np.rint(rescale(keypoints, size, ANNOTATION_SIZE)).astype(int)
    points[~visible(keypoints)] = -1
    return f"{name}: {points[:, 1].tolist()}: {points[:, 0].tolist()}\n"


def _test_scenarios(identities: Sequence[Sequence[View]], seed: int, pairs: int) -> list[dict[str, object]]:
    """Fixed lists of a target with one source (T1, T2) and three (T3), the identities taken in turn.

    A source is never the target's view. Where only a front view tells two garments apart and the target is seen from
    the front, the first source is too: nobody can know a badge from behind.
    """
    rng = np.random.default_rng([seed, 2**20])
    scenarios: list[dict[str, object]] = []
    while len(scenarios) < pairs:
        views = identities[len(scenarios) % len(identities)]
        order = rng.permutation(len(views))
        target, others = views[order[0]], [views[i] for i in order[1:]]
        hidden = views[0].person.top_pattern in (*mannequins.FRONT_ONLY, "plain") and target.pose.facing != "back"
        first = next(view for view in others if not hidden or view.pose.facing == "front")
        rest = [view for view in others if view is not first][:2]
        names = [flatten_name(view.path) for view in (first, *rest)]
        scenarios.append({"target": flatten_name(target.path), "source": names[0], "sources": names})
    return scenarios


class Wardrobe:
    """Draws any person of a mannequin folder in any of its poses: the ground truth that photographs cannot give.

    Args:
        root: A folder written by :func:`write`.
    """

    def __init__(self, root: Path) -> None:
        manifest = json.loads((root / MANIFEST).read_text())
        self.size: tuple[int, int] = tuple(manifest["spec"]["size"])
        self._images = manifest["images"]

    @staticmethod
    @functools.cache
    def of(root: Path) -> Wardrobe:
        """The wardrobe of a folder, read once a process."""
        return Wardrobe(root)

    def person(self, name: str) -> Person:
        """Who is seen in an image."""
        return mannequins.person_from_record(self._images[name]["person"])

    def draw(self, person: Person, name: str) -> drawing.Drawing:
        """Draw a person in the pose, and before the background, of an image."""
        record = self._images[name]
        return drawing.draw(person, mannequins.pose_from_record(record["pose"]), self.size, record["busy"])


def is_drawn(root: Path) -> bool:
    """Whether a dataset's people are mannequins."""
    return (root / MANIFEST).exists()


def ensure(root: Path, spec: MannequinSet | None) -> None:
    """Draw ``spec`` into ``root`` unless exactly this set is already there.

    Raises:
        InputError: ``root`` holds another set, or nothing and there is no ``spec`` to draw.
    """
    if not root.exists():
        if spec is None:
            raise InputError(
                f"{root} is no folder; put or link a dataset there (docs/datasets.md), or name its own with "
                "--data.init_args.root."
            )
        write(root, spec)
        return
    if spec is None or not (root / MANIFEST).exists():
        return
    manifest = json.loads((root / MANIFEST).read_text())
    wanted = {**mannequins.to_record(spec), "size": list(spec.size)}
    if manifest["spec"] != wanted or manifest["renderer"] != drawing.RENDERER_VERSION:
        raise InputError(f"{root} holds mannequins drawn with other settings; delete it or name another data.root.")


def draw_set(root: Path, spec: MannequinSet = MannequinSet()) -> None:
    """Draw mannequins as a DeepFashion In-shop folder.

    Args:
        root: The folder to write.
        spec: What to draw.
    """
    ensure(root, spec)
    print(f"The mannequins are in {root}.")
