"""At Stable Diffusion's full width, what we add says nothing at the first step."""

import json

import pytest
import torch
from diffusers import UNet2DConditionModel
from torch import nn

from imagpose.models.base import PUBLISHED
from imagpose.models.unet import CanvasUNet
from imagpose.panels import tile


def materialise(module: nn.Module) -> dict[str, torch.Tensor]:
    """Cheap random weights: 0.9 billion of the usual kind take most of a minute."""
    table = torch.randn(1 << 20) * 0.02
    for name, tensor in (tensors := module.state_dict()).items():
        repeats = -(-tensor.numel() // table.numel())
        tensors[name] = table.repeat(repeats)[: tensor.numel()].view(tensor.shape).clone()
    module.load_state_dict(tensors, assign=True)
    return tensors


@pytest.mark.slow
@torch.no_grad()
@pytest.mark.parametrize("form", [True, "motion"])
@pytest.mark.parametrize("name", ["stable-diffusion-v1-5", "stable-diffusion-2-1"])
def test_the_assembled_unet_begins_as_the_base_model(name, form, monkeypatch):
    config = json.loads((PUBLISHED / name / "unet/config.json").read_text())
    with torch.device("meta"):
        four, nine = (UNet2DConditionModel.from_config({**config, "in_channels": n}).eval() for n in (4, 9))
    base = materialise(four)
    conv_in = torch.cat([base["conv_in.weight"], torch.zeros(320, 5, 3, 3)], dim=1)
    nine.load_state_dict({**base, "conv_in.weight": conv_in}, assign=True)  # the same memory

    noisy, F_I = torch.randn(1, 4, 4, 8, 8), torch.randn(1, 4, 5, 8, 8)
    F_C, t = torch.randn(1, 7, config["cross_attention_dim"]), torch.tensor([321])
    canvas = tile(torch.cat([noisy, F_I], dim=2), 2, 2)
    of_four, of_nine = four(canvas[:, :4], t, F_C).sample, nine(canvas, t, F_C).sample
    for slow in ("kaiming_uniform_", "uniform_"):  # what CVA is zeroed from, not what it is zeroed with
        monkeypatch.setattr(f"torch.nn.init.{slow}", lambda tensor, *args, **kwargs: tensor.fill_(0.01))
    ours = CanvasUNet(four, 9, form).eval()
    predicted = tile(ours(noisy, t, F_C, F_I, torch.zeros(1, 4, 320, 8, 8)), 2, 2)
    assert predicted.std() > 1e-3  # it does say something
    assert torch.equal(predicted, of_nine)
    assert (predicted - of_four).abs().max() < 1e-5
