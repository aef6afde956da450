"""A small teacher, its students, and what they are trained and tested on."""

import pytest
import torch

from imagpose.data.canvases import Canvases, TestCanvases
from imagpose.data.readers.deepfashion import DeepFashion
from imagpose.distillation.module import Distillation
from imagpose.models.encoders import TimmEncoder
from imagpose.pipeline import ImagposePipeline
from tests.conftest import UNET

SETTINGS = {"unet": UNET, "pose_channels": (4, 8, 8), "texture_kernel": 4, "sampling_steps": 2}


@pytest.fixture
def batch(mannequin_root):
    canvases = Canvases(list(DeepFashion(mannequin_root).identities("train").values()), 4, 0)
    return torch.utils.data.default_collate([canvases[i] for i in range(3)])


@pytest.fixture
def test_batch(mannequin_root):
    index = DeepFashion(mannequin_root)
    canvases = TestCanvases(index.records, index.scenarios())
    return torch.utils.data.default_collate([canvases[i] for i in range(2)])


@pytest.fixture
def teacher(make_module, stir, tmp_path):
    module = make_module()
    stir(module.network)
    with torch.no_grad():
        for parameter in module.network.parameters():
            parameter.mul_(0.3)
    module.ema.reset()
    module.image_size = (64, 44)
    ImagposePipeline.of_module(module).save_pretrained(tmp_path / "teacher")
    return tmp_path / "teacher"


@pytest.fixture
def make_student(teacher):
    def make(stage="fit", **options) -> Distillation:
        encoder = TimmEncoder(
            "vit_tiny_patch16_224", image_size=32,
            options={"img_size": 32, "patch_size": 16, "embed_dim": 24, "depth": 1, "num_heads": 2},
        )  # fmt: skip
        module = Distillation(encoder, "mannequin-sd-v", **{"start": str(teacher), **SETTINGS, **options})
        module.setup(stage)
        module._log_losses = lambda *args: None
        return module

    return make


def train(module, batch, steps):
    seen = module._see(batch)
    module._see = lambda batch: seen  # once is enough
    optimizer = torch.optim.AdamW([p for p in module.network.parameters() if p.requires_grad], lr=1e-3)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = module.training_step(batch, 0)
        loss.backward()
        optimizer.step()
        module.ema.update()
        losses.append(float(loss.detach()))
    return losses
