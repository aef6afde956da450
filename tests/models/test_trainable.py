"""Parts that are not trained keep their bits, and nothing is kept of them beside the weights."""

from types import SimpleNamespace

import pytest
import torch

from imagpose.data.canvases import Canvases
from imagpose.data.readers.deepfashion import DeepFashion
from imagpose.errors import InputError

PARTS = ("flc", "pose_encoder", "unet", "cva")


@pytest.fixture
def batch(mannequin_root):
    canvases = Canvases(list(DeepFashion(mannequin_root).identities("train").values()), 4, 0)
    return torch.utils.data.default_collate([canvases[i] for i in range(2)])


def part_of(name: str) -> str:
    return "cva" if ".cva." in name else name.split(".")[0]


def step(module, batch) -> torch.optim.Optimizer:
    module._log_losses = lambda *args: None
    module._trainer = SimpleNamespace(max_steps=2)
    optimizer, module._trainer = module.configure_optimizers()["optimizer"], None
    for _ in range(2):
        optimizer.zero_grad()
        module.training_step(batch, 0).backward()
        optimizer.step()
        module.ema.update()
    return optimizer


@pytest.mark.parametrize("trained", [["cva"], ["unet", "pose_encoder", "flc"], None])
def test_the_others_keep_their_bits(make_module, batch, stir, trained):
    module = make_module(trainable=trained, cva="motion", ema_decay=0.5, lr=0.01, condition_dropout=0.0)
    stir(module.network)
    module.ema.reset()
    before = {name: p.detach().clone() for name, p in module.network.named_parameters()}
    optimizer = step(module, batch)
    changed = {part_of(name) for name, p in module.network.named_parameters() if not torch.equal(p, before[name])}
    assert changed == set(trained or PARTS)
    for (name, own), average in zip(before.items(), module.ema.model.shadow_params, strict=True):
        if part_of(name) not in (trained or PARTS):
            assert torch.equal(average, own), name
    in_parts = [p for name, p in module.network.named_parameters() if part_of(name) in (trained or PARTS)]
    assert len(optimizer.state) == sum(map(len, (group["params"] for group in optimizer.param_groups))) == len(in_parts)
    assert {id(p) for p in optimizer.state} == {id(p) for p in in_parts}


@pytest.mark.parametrize(
    ("parts", "cva", "told"),
    [
        ([], True, r"trainable names '', and this network's parts are cva, flc, pose_encoder and unet"),
        (["unet", "vae"], True, r"trainable names 'vae', and"),
        (["cva"], False, r"trainable names 'cva', and this network's parts are flc, pose_encoder and unet; name some"),
    ],
)
def test_an_unknown_part_is_told(make_module, parts, cva, told):
    with pytest.raises(InputError, match=told):
        make_module(trainable=parts, cva=cva)
