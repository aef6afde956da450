"""The lists of a set of mannequins, as DeepFashion In-shop has them: a function of the set and of what was drawn."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np

from imagpose.data.keypoints import rescale, visible
from imagpose.data.mannequins import people as mannequins
from imagpose.data.readers.annotations import ANNOTATION_HEADER
from imagpose.data.readers.deepfashion import ANNOTATION_SIZE, flatten_name

if TYPE_CHECKING:
    from imagpose.data.mannequins.folder import MannequinSet, View


def lists(
    spec: MannequinSet, views: Sequence[Sequence[View]], keypoints: Mapping[int, list[np.ndarray]]
) -> dict[str, str]:
    """The text files of a set, by name.

    Args:
        spec: The set.
        views: The views of each person.
        keypoints: The joints of each person's views in pixels; unless everybody's are given, the files of keypoints are
            left out.
    """
    held_out = spec.identities - spec.test_identities
    texts = {}
    for split, members in (("train", range(held_out)), ("test", range(held_out, spec.identities))):
        names = [flatten_name(view.path) for i in members for view in views[i]]
        texts[f"{split}.lst"] = "\n".join(names) + "\n"
        if len(keypoints) == spec.identities:
            points = (points for i in members for points in keypoints[i])
            rows = [
                annotation_row(name, of, spec.size, ANNOTATION_SIZE) for name, of in zip(names, points, strict=True)
            ]
            texts[annotation_file(split)] = "".join([f"{ANNOTATION_HEADER}\n", *rows])
        pairs = io.StringIO()
        writer = csv.writer(pairs)
        writer.writerow(["from", "to"])
        for i in members:
            writer.writerows(permutations([flatten_name(view.path) for view in views[i]], 2))
        texts[f"fashion-pairs-{split}.csv"] = pairs.getvalue()
    scenarios = _test_scenarios(views[held_out:], spec.seed, spec.test_pairs)
    texts["test_scenarios.json"] = json.dumps(scenarios, indent=1) + "\n"
    return texts


def annotation_file(split: str) -> str:
    """Name of the file of keypoints of ``train`` or ``test``."""
    return f"fashion-annotation-{split}.csv"


def annotation_row(name: str, keypoints: np.ndarray, size: tuple[int, int], frame: tuple[int, int]) -> str:
    """A picture's row in a file of keypoints.

    Args:
        name: Of the picture.
        keypoints: In its pixels, (18, 2), x first; what cannot be seen is negative.
        size: Height and width of the picture.
        frame: Height and width of what the file's numbers are in.
    """
    points = np.rint(rescale(keypoints, size, frame)).astype(int)
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
