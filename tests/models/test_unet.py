import pytest
import torch
from diffusers import UNet2DConditionModel

from imagpose.errors import InputError
from imagpose.models.cross_view import CrossViewTransformer
from imagpose.models.cva import CVA
from imagpose.models.unet import CanvasUNet, grow_conv_in
from imagpose.panels import tile
from tests.conftest import UNET


def plain(seed=0):
    torch.manual_seed(seed)
    return UNet2DConditionModel(**UNET).eval()


@pytest.fixture
def inputs():
    return {
        "noisy": torch.randn(2, 4, 4, 8, 6), "timesteps": torch.tensor([3, 700]), "F_C": torch.randn(2, 5, 16),
        "F_I": torch.randn(2, 4, 5, 8, 6), "F_P": torch.zeros(2, 4, 16, 8, 6),
    }  # fmt: skip


@torch.no_grad()
@pytest.mark.parametrize(("form", "places"), [(False, 0), (True, 4), ("motion", 7)])
def test_fresh_cva_and_pose_change_nothing_bitwise(inputs, form, places):
    reference = plain()
    reference.conv_in = grow_conv_in(reference.conv_in, 9)
    canvas = tile(torch.cat([inputs["noisy"], inputs["F_I"]], 2), 2, 2)
    expected = reference(canvas, inputs["timesteps"], encoder_hidden_states=inputs["F_C"]).sample
    ours = CanvasUNet(plain(), 9, form).eval()
    # After attention 1 down, 1 in the middle and 2 up; without any, 1 down and 2 up.
    assert sum(isinstance(m, CVA) for m in ours.modules()) == places
    assert torch.equal(tile(ours(**inputs), 2, 2), expected)


@torch.no_grad()
def test_the_grown_conv_in_is_silent(inputs):
    expected = plain()(tile(inputs["noisy"], 2, 2), inputs["timesteps"], encoder_hidden_states=inputs["F_C"]).sample
    ours = CanvasUNet(plain(), 9).eval()
    assert (tile(ours(**inputs), 2, 2) - expected).abs().max() < 1e-5


@torch.no_grad()
def test_pose_features_are_added_after_conv_in(inputs):
    ours = CanvasUNet(plain(), 9).eval()
    pose = torch.randn(2, 4, 16, 8, 6)
    canvas = tile(torch.cat([inputs["noisy"], inputs["F_I"], pose], 2), 2, 2)
    conv = ours.unet.conv_in
    torch.testing.assert_close(conv(canvas), conv.conv(canvas[:, :9]) + tile(pose, 2, 2))
    assert not torch.equal(ours(**{**inputs, "F_P": pose}), ours(**inputs))


def test_without_cva_there_is_none():
    assert not any(isinstance(m, CrossViewTransformer) for m in CanvasUNet(plain(), 9, cva=False).modules())


@torch.no_grad()
def test_a_motion_module_speaks_in_blocks_without_attention_too(inputs, stir):
    ours = CanvasUNet(plain(), 9, "motion").eval()
    fresh, said = ours(**inputs), []
    for place in ("down_blocks.1.attentions.0", "up_blocks.0.attentions.1"):
        stir(ours.unet.get_submodule(place).cva)
        said.append(ours(**inputs))
    assert not torch.equal(said[0], fresh)
    assert not torch.equal(said[1], said[0])


def test_checkpointing_computes_a_motion_module_s_gradients_alike(inputs, stir):
    gradients = []
    for checkpointing in (False, True):
        ours = stir(CanvasUNet(plain(), 9, "motion"))
        ours.train()
        if checkpointing:
            ours.unet.enable_gradient_checkpointing()
        ours(**inputs).square().mean().backward()
        gradients.append({name: p.grad for name, p in ours.named_parameters()})
    assert all(one is not None for one in gradients[0].values())
    for name, one in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], one, msg=name)


def test_a_motion_module_has_no_place_in_other_blocks():
    unet = UNet2DConditionModel(**{**UNET, "down_block_types": ["CrossAttnDownBlock2D", "ResnetDownsampleBlock2D"]})
    with pytest.raises(InputError, match=r"cva motion has no place in the UNet's ResnetDownsampleBlock2D"):
        CanvasUNet(unet, 9, "motion")


def test_a_panel_splits_evenly_at_every_level():
    assert CanvasUNet(plain(), 9).multiple == 2


@torch.no_grad()
def test_conv_in_hands_on_the_type_that_autocast_computes_in(inputs):
    conv_in = CanvasUNet(plain(), 9).unet.conv_in
    views = torch.cat([inputs["noisy"], inputs["F_I"], inputs["F_P"]], dim=2)
    assert conv_in(tile(views, 2, 2)).dtype == torch.float32
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert conv_in(tile(views, 2, 2)).dtype == torch.bfloat16
