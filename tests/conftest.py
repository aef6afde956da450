from __future__ import annotations

import signal
from pathlib import Path

import pytest
import torch

from imagpose.data.mannequins.folder import MannequinSet, write
from imagpose.evaluation.scoring import Networks
from imagpose.models.encoders import TimmEncoder
from imagpose.module import IMAGPose
from imagpose.output import files

UNET = {
    "in_channels": 4, "out_channels": 4, "block_out_channels": [16, 32], "layers_per_block": 1,
    "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"], "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"],
    "attention_head_dim": 2, "cross_attention_dim": 16, "norm_num_groups": 4,
}  # fmt: skip
ROOT = Path(__file__).parents[1]


def left_unfinished() -> str:
    """The name of a file that a process which is no more was writing, see ``imagpose.output.files.whole_file``."""
    return f".{2**22 + 1}@{files._MACHINE}.{0:032x}.unfinished"  # no process has so high a number


@pytest.fixture(autouse=True)
def _two_threads():
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def small_set() -> MannequinSet:
    return MannequinSet(identities=10, views=4, test_identities=4, size=(64, 44))


@pytest.fixture(scope="session")
def mannequin_root(tmp_path_factory, small_set) -> Path:
    root = tmp_path_factory.mktemp("data") / "mannequins"
    write(root, small_set)
    return root


@pytest.fixture(scope="session")
def make_module():
    def make(**options) -> IMAGPose:
        encoder = TimmEncoder(
            "vit_tiny_patch16_224",
            image_size=32,
            options={"img_size": 32, "patch_size": 16, "embed_dim": 24, "depth": 1, "num_heads": 2},
        )
        settings = {"unet": UNET, "pose_channels": (4, 8, 8), "texture_kernel": 4}
        module = IMAGPose(encoder, "mannequin-sd-v", **{**settings, **options})
        module.setup("fit")
        return module

    return make


@pytest.fixture
def stir():
    """Give every parameter a value, so that zero-initialised parts speak."""

    def stir_(module: torch.nn.Module) -> torch.nn.Module:
        generator = torch.Generator().manual_seed(1)
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
        return module

    return stir_


@pytest.fixture
def no_networks(monkeypatch):
    """Scoring without LPIPS and FID, so that nothing is looked for on this machine or a network."""
    missing = dict.fromkeys(("lpips", "imagenet", "fid"), "not looked for in this test")
    monkeypatch.setattr(Networks, "load", staticmethod(lambda protocols, device: Networks(None, {}, missing)))


@pytest.fixture
def hangs():
    """Ends a test with an error that would wait for ever, as opening a pipe does."""

    def ring(*args):
        raise TimeoutError("it hangs")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def tiny_words(mannequin_root, tmp_path, monkeypatch):
    """Words after ``fit`` of a training that takes seconds; its run is in ``tmp_path / "quick"``."""
    monkeypatch.chdir(ROOT)
    files = ["experiments/_base.yaml", "experiments/tiny.yaml", "tests/quick.yaml"]
    words = [word for file in files for word in ("-c", file)]
    return [*words, "--runs", str(tmp_path), "--data.init_args.root", str(mannequin_root),
            "--data.init_args.num_workers", "0"]  # fmt: skip
