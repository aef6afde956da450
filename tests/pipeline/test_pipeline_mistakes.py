"""What the trained model is given wrongly is named."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from imagpose import BodyPose
from imagpose.errors import InputError


def test_mistakes_are_told(pipe, people):
    (picture, pose), (_, target) = people[0][:2]
    with pytest.raises(InputError, match="every source needs its pose"):
        pipe([picture, picture], [pose], target)
    with pytest.raises(InputError, match="is 64×44 and its pose is in a frame of 64×64"):
        pipe(picture, BodyPose((64, 64), pose.keypoints), target)
    with pytest.raises(InputError, match="There are 2 seeds for 1 canvases"):
        pipe(picture, pose, target, seed=[1, 2])
    with pytest.raises(InputError, match="Seeds must not be negative"):
        pipe(picture, pose, target, seed=-1)
    with pytest.raises(InputError, match="equally many sources and poses"):
        pipe([[picture], [picture] * 2], [[pose], [pose] * 2], [[target], [target]])


POSE = BodyPose((64, 44), np.full((18, 2), 9.0))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"sources": "me.jpg"}, "sources holds 'me.jpg'; it takes pictures of PIL"),
        ({"sources": [Path("me.jpg")]}, "sources holds a PosixPath; it takes pictures of PIL"),
        ({"sources": np.zeros((64, 44, 3))}, "sources holds a ndarray; it takes"),
        ({"sources": None}, "sources holds None; it takes"),
        ({"sources": [[None], 3]}, "sources holds a list; it takes"),
        ({"source_poses": {"size": [64, 44]}}, "source_poses holds a dict; it takes poses"),
        ({"target_poses": [POSE, "walk.json"]}, "target_poses holds 'walk.json'; it takes poses"),
        ({"target_poses": torch.zeros(18, 2)}, "target_poses holds a Tensor; it takes poses"),
        ({"sources": [], "source_poses": []}, "There are 0 sources"),
        ({"num_inference_steps": 0}, "num_inference_steps is 0; it takes a whole number from 1 to 1000"),
        ({"num_inference_steps": -3}, "num_inference_steps is -3;"),
        ({"num_inference_steps": 1001}, "num_inference_steps is 1001;"),
        ({"num_inference_steps": 2.5}, "num_inference_steps is 2.5;"),
        ({"num_inference_steps": True}, "num_inference_steps is True;"),
        ({"guidance_scale": float("nan")}, "guidance_scale is nan; it takes a finite number"),
        ({"guidance_scale": float("inf")}, "guidance_scale is inf;"),
        ({"guidance_scale": "two"}, "guidance_scale is 'two';"),
        ({"guidance_scale": [2]}, "guidance_scale is [2];"),
        ({"output_type": "latent"}, "There is no output_type 'latent'; there are: pil, np, pt."),
        ({"output_type": []}, "There is no output_type"),
        ({"scenario": []}, "There is no scenario"),
        ({"seed": 2**63}, "Seeds must not be larger than"),
        ({"seed": 1.5}, "seed is 1.5; it takes a whole number"),
        ({"seed": "1"}, "seed is '1'; it takes a whole number"),
        ({"seed": None}, "seed is None; it takes a whole number"),
        ({"seed": [-2]}, "Seeds must not be negative: -2"),
        ({"generator": 7}, "generator is none of torch's"),
        ({"generator": [7]}, "generator is none of torch's"),
        ({"generator": []}, "There are 0 generators for 1 canvases"),
    ],
)
def test_what_is_given_wrongly_is_named(changes, sentence, pipe, seen):
    given = {"sources": Image.new("RGB", (44, 64)), "source_poses": POSE, "target_poses": POSE, **changes}
    with pytest.raises(InputError) as raised:
        pipe(**given)
    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not seen, "nothing was computed"
