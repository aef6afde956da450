import pytest
import torch

from imagpose.data.canvases import Canvases, TestCanvases
from imagpose.data.readers.deepfashion import DeepFashion
from imagpose.errors import InputError


@pytest.fixture
def index(mannequin_root):
    return DeepFashion(mannequin_root)


@pytest.fixture
def batch(index):
    canvases = Canvases(list(index.identities("train").values()), 4, 0)
    return torch.utils.data.default_collate([canvases[i] for i in range(3)])


@pytest.fixture
def test_batch(index):
    canvases = TestCanvases(index.records, index.scenarios())
    return torch.utils.data.default_collate([canvases[i] for i in range(2)])


@pytest.fixture
def inputs_of(monkeypatch):
    """What the denoiser is given in a training step."""

    def inputs_of_(module, batch):
        seen = []
        module._log_losses = lambda *args: None
        monkeypatch.setattr(module.network, "forward", lambda *args: seen.append(args) or torch.zeros_like(args[0]))
        module.training_step(batch, 0)
        return seen[0]

    return inputs_of_


def test_masked_pixels_reach_the_model_only_through_x_t(make_module, batch, stir, inputs_of, monkeypatch):
    module = make_module(condition_dropout=0.0)
    stir(module.network)
    held = torch.randn(3, 4, 4, 16, 12)
    monkeypatch.setattr(module.objective, "add_noise", lambda *args: held)
    _, t, conditions = inputs_of(module, batch)
    noise = torch.rand_like(batch["images"]) * 2 - 1
    changed = {**batch, "images": torch.where(batch["mask"][:, :, None, None, None] > 0, batch["images"], noise)}
    assert not torch.equal(changed["images"], batch["images"])
    _, t_changed, conditions_changed = inputs_of(module, changed)
    assert torch.equal(t, t_changed)
    for name in ("F_C", "F_I", "F_P"):
        assert torch.equal(conditions[name], conditions_changed[name])
    assert torch.equal(conditions.absent["F_I"], conditions_changed.absent["F_I"])
    given = {**batch, "images": -batch["images"]}
    assert not torch.equal(inputs_of(module, given)[2]["F_I"], conditions["F_I"])


def test_sampling_never_looks_at_masked_pixels(make_module, test_batch, stir):
    module = make_module(sampling_steps=2)
    stir(module.network)
    generated = module.generate(test_batch)
    assert generated.shape == (2, 4, 3, 64, 44)
    masked = test_batch["mask"][:, :, None, None, None] == 0
    changed = {**test_batch, "images": torch.where(masked, torch.rand_like(test_batch["images"]), test_batch["images"])}
    changed["target"] = torch.rand_like(test_batch["target"])
    assert torch.equal(module.generate(changed), generated)
    assert not torch.equal(module.generate({**test_batch, "source": -test_batch["source"]}), generated)


def test_frozen_modules_get_no_gradient_and_stay_in_eval_mode(make_module, batch):
    module = make_module().train()
    module._log_losses = lambda *args: None
    module.training_step(batch, 0).backward()
    for frozen in (module.vae, module.encoder):
        assert not any(part.training for part in frozen.modules())
        assert all(p.grad is None and not p.requires_grad for p in frozen.parameters())
    gradients = {name: p.grad for name, p in module.network.named_parameters()}
    silent = {name for name, grad in gradients.items() if grad is None}
    assert not silent, f"no gradient reaches {silent}"


def test_a_checkpoint_holds_the_trainable_part_alone_in_plain_types(make_module, tmp_path):
    module = make_module()
    checkpoint = {"state_dict": module.state_dict()}
    module.on_save_checkpoint(checkpoint)
    assert {name.split(".")[0] for name in checkpoint["state_dict"]} == {"network"}
    assert len(checkpoint["ema"]["shadow_params"]) == len(list(module.network.parameters()))
    torch.save(checkpoint, tmp_path / "c.ckpt")
    loaded = torch.load(tmp_path / "c.ckpt", weights_only=True)
    other = make_module(seed=1)
    other.on_load_checkpoint(loaded)
    assert torch.equal(other.ema.model.shadow_params[0], module.ema.model.shadow_params[0])


def test_a_checkpoint_of_another_experiment_is_refused(make_module):
    checkpoint = {"state_dict": make_module(cva=False).state_dict()}
    module = make_module()
    module.on_save_checkpoint(checkpoint)
    with pytest.raises(InputError, match="is of another experiment"):
        module.on_load_checkpoint(checkpoint)


@pytest.mark.parametrize(
    ("options", "channels"), [({}, 9), ({"image_conditions": False, "texture_tokens": False, "cva": False}, 5)]
)
def test_switches_of_table_2(make_module, options, channels, batch):
    module = make_module(**options)
    assert module.network.unet.unet.conv_in.conv.in_channels == channels
    module._log_losses = lambda *args: None
    assert module.training_step(batch, 0).isfinite()


def test_generation_uses_the_averaged_weights_and_restores_the_others(make_module, test_batch, stir):
    module = make_module(sampling_steps=1)
    before = module.generate(test_batch)
    stir(module.network)
    stirred = [p.clone() for p in module.network.parameters()]
    assert torch.equal(module.generate(test_batch), before)  # the average has not moved yet
    assert all(torch.equal(a, b) for a, b in zip(stirred, module.network.parameters(), strict=True))


def test_the_same_sample_in_another_batch_gets_the_same_picture(make_module, test_batch, stir):
    module = make_module(sampling_steps=2)
    stir(module.network)
    alone = module.generate({key: value[1:] for key, value in test_batch.items()})
    torch.testing.assert_close(module.generate(test_batch)[1:], alone, atol=1e-3, rtol=0)
