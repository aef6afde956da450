"""The packaged base model, read as Stable Diffusion will be."""

import json
import shutil

import pytest
import torch
from diffusers import UNet2DConditionModel

from imagpose.errors import InputError
from imagpose.models import weights
from imagpose.models.base import Base
from imagpose.models.encoders import TimmEncoder
from imagpose.module import IMAGPose
from imagpose.objective import Schedule
from imagpose.panels import tile

RESNET = {"channels": [32, 64, 128, 128], "output_stride": 16}


@pytest.fixture
def module():
    encoder = TimmEncoder(model="resnet18", weights_name="mannequin-resnet", image_size=64, options=RESNET)
    module = IMAGPose(encoder, "mannequin-sd-v", pose_channels=(16, 32, 64), texture_kernel=4)
    module.setup("fit")
    return module


@torch.no_grad()
def test_training_begins_as_the_base_model_on_the_same_tokens(module):
    """FLC's texture tokens alone are new to it: they come from a tokenizer that must be learned."""
    reference = UNet2DConditionModel.from_pretrained(
        weights.PACKAGED / "mannequin-sd-v" / "unet", use_safetensors=True, low_cpu_mem_usage=False
    )
    images = torch.rand(1, 4, 3, 64, 48) * 2 - 1
    seen = module.synthesis.see(images, images[:, 0])
    given = seen.panels.mean
    conditions = module.synthesis.conditions(
        seen.source, seen.semantic, given, torch.tensor([[1.0, 0, 0, 0]]), torch.rand(1, 4, 3, 64, 48)
    )
    assert (conditions["F_P"] == 0).all()
    noisy, t = torch.randn_like(given), torch.tensor([400])
    expected = reference(tile(noisy, 2, 2), t, encoder_hidden_states=conditions["F_C"]).sample
    actual = module.network(noisy, t, conditions)
    assert (tile(actual, 2, 2) - expected).abs().max() < 1e-4
    assert torch.equal(module.network.unet.unet.conv_in.conv.weight[:, :4], reference.conv_in.weight)
    assert all(
        torch.equal(a, b) for a, b in zip(module.ema.model.shadow_params, module.network.parameters(), strict=True)
    )


@torch.no_grad()
def test_the_base_models_tokens_reach_its_attention_unchanged(module):
    tokens = module.encoder(torch.rand(2, 3, 64, 44) * 2 - 1)
    assert tokens.shape == (2, 17, 128)  # the map's mean, then its 16 places
    torch.testing.assert_close(module.network.flc.project(tokens), tokens, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("config", "prediction", "zero_snr", "spacing"),
    [
        # What is published beside Stable Diffusion 1.5 and 2.1.
        (
            {"_class_name": "PNDMScheduler", "beta_end": 0.012, "beta_schedule": "scaled_linear", "beta_start": 0.00085,
             "num_train_timesteps": 1000, "set_alpha_to_one": False, "skip_prk_steps": True, "steps_offset": 1,
             "trained_betas": None, "clip_sample": False},
            "epsilon", False, "leading",
        ),
        (
            {"_class_name": "DDIMScheduler", "beta_end": 0.02, "beta_schedule": "linear", "beta_start": 0.0001,
             "clip_sample": False, "num_train_timesteps": 1000,
             "prediction_type": "v_prediction", "set_alpha_to_one": False, "steps_offset": 1},
            "v_prediction", False, "leading",
        ),
        ({"prediction_type": "v_prediction", "rescale_betas_zero_snr": True}, "v_prediction", True, "trailing"),
    ],
)  # fmt: skip
def test_the_schedule_is_the_bases(config, prediction, zero_snr, spacing):
    sampling = Schedule.of_base(config).for_sampling().config
    assert sampling["prediction_type"] == prediction
    assert sampling["rescale_betas_zero_snr"] == zero_snr
    assert sampling["timestep_spacing"] == spacing
    for name in ("beta_start", "beta_end", "beta_schedule"):
        assert sampling[name] == config.get(name, Schedule()._config()[name])


@pytest.mark.parametrize("name", ["mannequin-sd-v", "mannequin-sd-epsilon"])
def test_both_flavours_are_small_whole_and_in_the_published_layout(name):
    base = Base(name)
    assert base.schedule._config()["prediction_type"] == ("v_prediction" if name.endswith("v") else "epsilon")
    assert base.unet_config["in_channels"] == 4
    assert base.unet_config["cross_attention_dim"] == 128
    folder = weights.find(name)
    index = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    file = "diffusion_pytorch_model.safetensors"
    assert index == {
        f"unet/{file}", "unet/config.json", f"vae/{file}", "vae/config.json", "scheduler/scheduler_config.json",
    }  # fmt: skip


def test_what_ships_stays_small():
    def megabytes(*names):
        assert all((weights.PACKAGED / name).is_dir() for name in names)
        return sum(p.stat().st_size for n in names for p in (weights.PACKAGED / n).rglob("*") if p.is_file()) / 2**20

    assert megabytes("mannequin-sd-v", "mannequin-sd-epsilon", "mannequin-resnet") <= 32
    assert megabytes("mannequin-demo") <= 20


def test_an_incomplete_base_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("IMAGPOSE_WEIGHTS", str(tmp_path))
    folder = shutil.copytree(weights.PACKAGED / "mannequin-sd-v", tmp_path / "half")
    (folder / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    encoder = TimmEncoder(model="resnet18", weights_name="mannequin-resnet", image_size=64, options=RESNET)
    module = IMAGPose(encoder, "half", pose_channels=(16, 32, 64), texture_kernel=4)
    with pytest.raises(InputError, match=r"have no unet/diffusion_pytorch_model\.safetensors"):
        module.setup("fit")
    config = json.loads((folder / "unet" / "config.json").read_text())
    (folder / "unet" / "config.json").write_text(json.dumps({**config, "block_out_channels": [32, 48, 64]}))
    shutil.copy(weights.PACKAGED / "mannequin-sd-v/unet/diffusion_pytorch_model.safetensors", folder / "unet")
    narrow = IMAGPose(encoder, "half", pose_channels=(16, 32, 64), texture_kernel=4)
    with pytest.raises(InputError, match="does not fit"):
        narrow.setup("fit")
    (folder / "scheduler" / "scheduler_config.json").unlink()
    with pytest.raises(InputError, match=r"have no scheduler/scheduler_config.json"):
        Base("half")
