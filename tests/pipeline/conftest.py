"""A pipeline of random weights, people to draw with it, and what it looks at."""

import pytest
import torch
from PIL import Image

from imagpose import BodyPose, ImagposePipeline
from imagpose.data.readers.deepfashion import DeepFashion


@pytest.fixture(scope="session")
def people(mannequin_root):
    """Views of each person of the test split: (picture, pose)."""
    index = DeepFashion(mannequin_root)
    return [
        [(Image.open(view.path).convert("RGB"), BodyPose((64, 44), view.keypoints_at((64, 44)))) for view in views]
        for views in index.identities("test").values()
    ]


@pytest.fixture(scope="session")
def pipe(make_module):
    """One for all tests, none of which may change it."""
    torch.manual_seed(0)
    module = make_module()
    with torch.no_grad():
        for parameter in module.network.parameters():  # away from zero, near enough to keep bf16-free sums tame
            parameter.add_(0.02 * torch.randn(parameter.shape))
    module.ema.reset()
    module.image_size = (64, 44)
    pipe = ImagposePipeline.of_module(module)
    pipe.set_progress_bar_config(disable=True)
    return pipe


@pytest.fixture
def seen(pipe, monkeypatch):
    """What the conditions are made from, and which panels are decoded."""
    calls = {}
    conditions, decode = pipe.network.conditions, pipe.synthesis.vae.decode

    def watched(source, semantic, given, mask, black, poses):
        calls.update(source=source, given=given, mask=mask, black=black, poses=poses)
        calls["times"] = calls.get("times", 0) + 1
        return conditions(source, semantic, given, mask, black, poses)

    def decoded(latents):
        calls["decoded"] = latents.shape[:2]
        return decode(latents)

    monkeypatch.setattr(pipe.network, "conditions", watched)
    monkeypatch.setattr(pipe.synthesis.vae, "decode", decoded)
    return calls
