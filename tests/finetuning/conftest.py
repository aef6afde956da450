"""A small network to start from, and its fine-tuning."""

import pytest
from safetensors.torch import save_file

from imagpose.finetuning.module import Finetuning
from imagpose.models.encoders import TimmEncoder
from tests.distillation.conftest import SETTINGS, batch, teacher, test_batch

__all__ = ["batch", "teacher", "test_batch"]


@pytest.fixture
def make_tuned(teacher):
    pytest.importorskip("peft")

    def make(stage="fit", **options) -> Finetuning:
        encoder = TimmEncoder(
            "vit_tiny_patch16_224", image_size=32,
            options={"img_size": 32, "patch_size": 16, "embed_dim": 24, "depth": 1, "num_heads": 2},
        )  # fmt: skip
        settings = {"start": str(teacher), "lora_rank": 2, "ema_decay": None, **SETTINGS, **options}
        module = Finetuning(encoder, "mannequin-sd-v", **settings)
        module.setup(stage)
        module._log_losses = lambda *args: None
        return module

    return make


@pytest.fixture
def write_lora(tmp_path):
    """A file of random updates of a network's attention, and of one whole convolution."""

    def write(network, seed, size=0.05, name=None, **metadata):
        import torch

        generator = torch.Generator().manual_seed(seed)

        def draw(*shape):
            return torch.randn(shape, generator=generator) * size

        tensors = {}
        for layer, module in network.named_modules():
            if layer.endswith((".to_q", ".to_v")):
                tensors |= {f"{layer}.A": draw(2, module.in_features), f"{layer}.B": draw(module.out_features, 2)}
        whole = "pose_encoder.embed.conv_in.weight"
        tensors[f"{whole}.delta"] = draw(*dict(network.named_parameters())[whole].shape)
        path = tmp_path / (name or f"lora_{seed}.safetensors")
        save_file(tensors, path, metadata=metadata or None)
        return path

    return write
