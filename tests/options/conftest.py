"""A small run, as somebody else may have left it."""

import pytest
import torch

from imagpose.models.encoders import TimmEncoder
from imagpose.module import IMAGPose
from tests.conftest import UNET

ENCODER = {
    "class_path": "imagpose.models.encoders.TimmEncoder",
    "init_args": {
        "model": "vit_tiny_patch16_224", "image_size": 32,
        "options": {"img_size": 32, "patch_size": 16, "embed_dim": 24, "depth": 1, "num_heads": 2},
    },
}  # fmt: skip


def options():
    return {
        "seed_everything": 0,
        "trainer": {"callbacks": [], "logger": False, "max_steps": 1},
        "model": {
            "class_path": "imagpose.module.IMAGPose",
            "init_args": {
                "encoder": {**ENCODER}, "base": "mannequin-sd-v", "unet": UNET, "pose_channels": [4, 8, 8],
                "texture_kernel": 4,
            },
        },
        "data": {"class_path": "imagpose.data.datamodule.PoseDataModule", "init_args": {"root": "nowhere"}},
    }  # fmt: skip


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("checkpoint") / "last.ckpt"
    encoder = TimmEncoder(**ENCODER["init_args"])
    module = IMAGPose(encoder, "mannequin-sd-v", unet=UNET, pose_channels=(4, 8, 8), texture_kernel=4)
    module.image_size = (64, 44)
    content = {"state_dict": module.state_dict(), "callbacks": {}, "pytorch-lightning_version": "2.6.6"}
    module.on_save_checkpoint(content)
    torch.save(content, path)
    return path


@pytest.fixture
def run(checkpoint, tmp_path, monkeypatch):
    """A run's folder beside which a module ``evil_…`` lies, as it does in an archive that a user unpacks and enters."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    folder = tmp_path / "runs/tiny/version_0"
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "checkpoints/last.ckpt").symlink_to(checkpoint)
    return folder
