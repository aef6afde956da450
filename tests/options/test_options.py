"""Options that save memory change nothing else; those that cannot be combined are refused."""

import sys
from types import SimpleNamespace

import pytest
import torch
from lightning.pytorch.strategies import FSDPStrategy

from imagpose.errors import InputError
from imagpose.models.cva import CVA
from imagpose.models.ema import EMA


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(3)
    return {
        "images": torch.rand(2, 4, 3, 64, 44, generator=generator) * 2 - 1,
        "poses": torch.rand(2, 4, 3, 64, 44, generator=generator),
        "source": torch.rand(2, 3, 64, 44, generator=generator) * 2 - 1,
        "mask": torch.tensor([[1.0, 0, 0, 0], [1, 1, 0, 0]]),
        "number": torch.tensor([0, 1]),
    }


def gradients(module, batch) -> dict[str, torch.Tensor]:
    module.log = lambda *args, **kwargs: None
    module.network.train()
    module.training_step(batch, 0).backward()
    return {name: p.grad for name, p in module.network.named_parameters() if p.grad is not None}


def test_gradient_checkpointing_changes_no_gradient(make_module, stir, batch):
    plain, saving = make_module(), make_module(gradient_checkpointing=True)
    for module in (plain, saving):
        stir(module.network)
    expected, found = gradients(plain, batch), gradients(saving, batch)
    assert expected.keys() == found.keys()
    assert any(".cva." in name for name in found)
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, msg=name)


def test_gradient_checkpointing_calls_cva_again(make_module, batch, monkeypatch):
    calls = []
    update = CVA._update
    monkeypatch.setattr(CVA, "_update", lambda self, *args: calls.append(1) or update(self, *args))
    gradients(make_module(), batch)
    once = len(calls)
    gradients(make_module(gradient_checkpointing=True), batch)
    assert len(calls) == 3 * once  # once plain, twice checkpointed


def test_an_average_on_the_cpu_is_the_same_average():
    here, there = torch.nn.Linear(3, 3), torch.nn.Linear(3, 3)
    there.load_state_dict(here.state_dict())
    averages = EMA(here, 0.9), EMA(there, 0.9, device="cpu")
    for _ in range(5):
        for module, ema in zip((here, there), averages, strict=True):
            with torch.no_grad():
                for parameter in module.parameters():
                    parameter.add_(1)
            ema.update()
    for ours, theirs in zip(*(ema.state_dict()["shadow_params"] for ema in averages), strict=True):
        assert torch.equal(ours, theirs)
    with averages[1].applied():
        assert torch.equal(there.bias, averages[1].state_dict()["shadow_params"][1])
    assert torch.equal(there.bias, here.bias)


def test_an_average_moved_during_a_validation_is_updated_in_training():
    module = torch.nn.Linear(3, 3)
    ema = EMA(module, 0.9)
    with torch.inference_mode():
        ema.model.shadow_params = [p.clone() for p in ema.model.shadow_params]  # as a first move to a GPU makes them
        with ema.applied():
            pass
    ema.load_state_dict({**EMA(module, 0.9).state_dict()})
    ema.update()


def test_without_an_average_the_weights_stand_for_it(make_module):
    module = make_module(ema_decay=None)
    module.ema.update()
    assert module.ema.state_dict() == {}
    before = module.network.state_dict()
    with module.ema.applied():
        assert all(torch.equal(before[name], value) for name, value in module.network.state_dict().items())


def test_frozen_networks_in_half_precision_train_nearly_alike(make_module, batch):
    exact, half = make_module(), make_module(frozen_dtype="bfloat16")
    assert next(half.vae.parameters()).dtype == next(half.encoder.parameters()).dtype == torch.bfloat16
    assert next(half.network.parameters()).dtype == torch.float32
    for module in (exact, half):
        module.log = lambda *args, **kwargs: None
    assert half.training_step(batch, 0).item() == pytest.approx(exact.training_step(batch, 0).item(), rel=0.05)


def test_panels_along_the_batch_do_not_see_each_other(make_module, stir, batch):
    module = make_module(
        along_batch=True, cva=False, texture_tokens=False, image_conditions=False, mask_condition=False
    )
    stir(module.network)
    module.ema.reset()
    assert module.network.unet.unet.conv_in.conv.in_channels == 4
    first = module.generate(batch)
    batch["poses"][:, 3] = 0
    second = module.generate(batch)
    assert torch.equal(first[:, :3], second[:, :3])
    assert not torch.equal(first[:, 3], second[:, 3])
    with pytest.raises(InputError, match="set cva to false too"):
        make_module(along_batch=True)


def test_an_average_of_shards_is_refused(make_module):
    module = make_module()
    module._trainer = SimpleNamespace(strategy=FSDPStrategy(), barebones=False)
    with pytest.raises(InputError, match="ema_decay must be null with FSDP or DeepSpeed"):
        module.setup("fit")


def test_8_bit_adamw_without_bitsandbytes_is_told(make_module, monkeypatch):
    monkeypatch.setitem(sys.modules, "bitsandbytes.optim", None)
    with pytest.raises(InputError, match=r"adamw8bit needs bitsandbytes: pip install bitsandbytes"):
        make_module(optimizer="adamw8bit").configure_optimizers()
