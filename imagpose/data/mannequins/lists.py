"""The lists of a set of mannequins, as DeepFashion In-shop has them: a function of the set and of what was drawn."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from imagpose.data.lists import annotation_row, split_lists
from imagpose.data.mannequins import people as mannequins
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
    texts: dict[str, str] = {}
    for split, members in (("train", range(held_out)), ("test", range(held_out, spec.identities))):
        people = [[flatten_name(view.path) for view in views[i]] for i in members]
        rows = None
        if len(keypoints) == spec.identities:
            names = (name for of_one in people for name in of_one)
            points = (points for i in members for points in keypoints[i])
            rows = [
                annotation_row(name, of, spec.size, ANNOTATION_SIZE) for name, of in zip(names, points, strict=True)
            ]
        texts |= split_lists(split, people, rows)
    scenarios = _test_scenarios(views[held_out:], spec.seed, spec.test_pairs)
    texts["test_scenarios.json"] = json.dumps(scenarios, indent=1) + "\n"
    return texts


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
