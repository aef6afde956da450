"""Published motion modules and pose networks compute here what they computed where they were published."""

import json

import pytest
import torch
from diffusers import ControlNetModel, MotionAdapter, UNet2DConditionModel
from diffusers.models.controlnets.controlnet import ControlNetConditioningEmbedding
from diffusers.models.unets.unet_motion_model import AnimateDiffTransformer3D
from safetensors.torch import save_file
from torch import nn

from imagpose.errors import InputError
from imagpose.models import part_names, weights
from imagpose.models.base import PUBLISHED, Base
from imagpose.models.cva import CVA, MAX_PANELS
from imagpose.models.pose_encoder import PoseEncoder
from imagpose.models.start import Start
from imagpose.models.unet import CanvasUNet
from imagpose.panels import split, tile
from tests.conftest import UNET


def of_animatediff(name: str) -> str:
    """A name of diffusers' as AnimateDiff's files have it."""
    place, _, inner = name.partition("motion_modules.")
    number, _, inner = inner.partition(".")
    for theirs, published in (
        ("attn1.", "attention_blocks.0."), ("attn2.", "attention_blocks.1."), ("norm1.", "norms.0."),
        ("norm2.", "norms.1."), ("norm3.", "ff_norm."), ("pos_embed.", "attention_blocks.0.pos_encoder."),
    ):  # fmt: skip
        inner = inner.replace(f"transformer_blocks.0.{theirs}", f"transformer_blocks.0.{published}")
    return f"{place}motion_modules.{number}.temporal_transformer.{inner}"


def in_layout(tensors: dict, layout: str) -> dict:
    if layout == "diffusers":
        return tensors
    renamed = {of_animatediff(name): tensor for name, tensor in tensors.items()}
    tables = {name: table for name, table in renamed.items() if name.endswith("pos_encoder.pe")}
    seconds = {name.replace("attention_blocks.0", "attention_blocks.1"): table for name, table in tables.items()}
    prefix = "module." if layout == "AnimateDiff, trained in parallel" else ""
    return {prefix + name: tensor for name, tensor in {**renamed, **seconds}.items()}


LAYOUTS = ("diffusers", "AnimateDiff", "AnimateDiff, trained in parallel")


def sd15() -> CanvasUNet:
    config = json.loads((PUBLISHED / "stable-diffusion-v1-5/unet/config.json").read_text())
    return CanvasUNet(UNet2DConditionModel.from_config(config), 9, "motion")


@pytest.mark.parametrize(
    ("layout", "middle", "length"), [(LAYOUTS[0], True, 32), (LAYOUTS[1], False, 24), (LAYOUTS[2], True, 100)]
)
def test_every_tensor_of_a_published_module_has_a_place_at_full_width(layout, middle, length):
    with torch.device("meta"):
        ours = sd15()
        theirs = MotionAdapter(use_motion_mid_block=middle, motion_max_seq_length=length).state_dict()
    found = ours.from_motion(in_layout(theirs, layout))
    own = {name: tensor.shape for name, tensor in ours.unet.state_dict().items()}
    assert {name: tensor.shape for name, tensor in found.items()} == own
    assert len(part_names.motion(theirs)) == len(theirs) == (21 if middle else 20) * 27


def filled(module: nn.Module) -> nn.Module:
    """Random weights, and a random table of positions, on a module of the meta device."""
    generator, own = torch.Generator().manual_seed(4), module.state_dict()
    for name, tensor in own.items():
        own[name] = torch.randn(tensor.shape, generator=generator) * tensor.shape[-1] ** -0.5
    module.load_state_dict(own, assign=True)
    return module.eval()


class PanelByPanel(nn.Module):
    """A motion module's norm as AnimateDiff has it; diffusers' takes the statistics of all frames together."""

    def __init__(self, norm: nn.GroupNorm) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        return torch.stack([self.norm(frame) for frame in hidden_states.unbind(2)], dim=2)


@torch.no_grad()
@pytest.mark.parametrize("layout", LAYOUTS[:2])
@pytest.mark.parametrize("width", [320, 640, 1280])
def test_cva_computes_what_the_motion_module_did(width, layout):
    with torch.device("meta"):
        theirs = AnimateDiffTransformer3D(
            8, width // 8, width, num_layers=1, positional_embeddings="sinusoidal", num_positional_embeddings=24
        )
        ours = CVA(width, width // 8, attentions=2)
    filled(theirs)  # a table that no formula gives, too
    named = {f"down_blocks.0.motion_modules.0.{name}": tensor for name, tensor in theirs.state_dict().items()}
    found = part_names.motion(in_layout(named, layout))
    found = {name.removeprefix("down_blocks.0.attentions.0.cva."): tensor for name, tensor in found.items()}
    found["block.pos_embed.pe"] = part_names.fitted(found["block.pos_embed.pe"], torch.zeros(1, MAX_PANELS, width))
    ours.load_state_dict(found, assign=True)
    ours.eval()
    one = torch.randn(1, width, 3, 2)
    alike = torch.stack([one, one.flip(2), one.flip(3), one.roll(1, 2)], 1)  # of one deviation, so no norm differs
    frames = alike.flatten(0, 1)
    expected = theirs(frames, num_frames=4)
    said = split(ours(tile(alike, 2, 2), (2, 2)), 2, 2).flatten(0, 1)
    assert (expected - frames).abs().max() > 0.1
    assert (said - expected).abs().max() < 1e-5
    theirs.norm = PanelByPanel(theirs.norm)
    views = torch.randn(2, 4, width, 3, 2) * torch.tensor([1.0, 2, 3, 4]).view(1, 4, 1, 1, 1)
    expected = theirs(views.flatten(0, 1), num_frames=4).unflatten(0, (2, 4))
    assert (split(ours(tile(views, 2, 2), (2, 2)), 2, 2) - expected).abs().max() < 1e-5


def test_positions_are_cut_or_extended_by_the_formula():
    own = torch.arange(8.0).view(1, 4, 2)
    theirs = -torch.arange(12.0).view(1, 6, 2)
    assert torch.equal(part_names.fitted(theirs, own), theirs[:, :4])
    assert torch.equal(part_names.fitted(theirs[:, :3], own), torch.cat([theirs[:, :3], own[:, 3:]], 1))


def pose_layouts(embedding: ControlNetConditioningEmbedding) -> dict[str, dict]:
    own = embedding.state_dict()
    order = ["conv_in", *(f"blocks.{i}" for i in range(6)), "conv_out"]
    hint = {f"{part}.{kind}": f"{2 * i}.{kind}" for i, part in enumerate(order) for kind in ("weight", "bias")}
    return {
        "diffusers": {f"controlnet_cond_embedding.{name}": tensor for name, tensor in own.items()},
        "pose guider": dict(own),
        "another prefix": {f"module.pose_guider.{name}": tensor for name, tensor in own.items()},
        "ControlNet": {f"control_model.input_hint_block.{hint[name]}": tensor for name, tensor in own.items()},
    }


@torch.no_grad()
@pytest.mark.parametrize("layout", ["diffusers", "pose guider", "another prefix", "ControlNet"])
def test_the_pose_encoder_computes_what_the_conditioning_embedding_did(layout, stir, tmp_path):
    theirs = stir(ControlNetConditioningEmbedding(320)).eval()
    for parameter in theirs.parameters():
        parameter.mul_(0.2)
    ours = PoseEncoder(320).eval()
    others = {"input_blocks.0.weight": torch.zeros(2), "down_blocks.0.resnets.0.conv1.weight": torch.zeros(2)}
    tensors = {name: tensor.clone() for name, tensor in {**others, **pose_layouts(theirs)[layout]}.items()}
    save_file(tensors, tmp_path / "pose.safetensors")
    weights.load(ours, tmp_path / "pose.safetensors", ours.from_published)
    poses = torch.rand(2, 3, 3, 32, 16)
    expected = theirs(poses.flatten(0, 1)).unflatten(0, (2, 3))
    assert expected.std() > 1e-3
    assert (ours(poses) - expected).abs().max() < 1e-5


def test_a_whole_controlnet_has_one():
    with torch.device("meta"):
        whole = ControlNetModel().state_dict()
    assert len(part_names.of_pose(whole)) == len(PoseEncoder(320).state_dict())


def small(form="motion"):
    return CanvasUNet(UNet2DConditionModel(**UNET), 9, form)


def motion_file(path, **changes):
    """Of the small UNet, which has two levels of one layer."""
    own = {name: tensor + 0.5 for name, tensor in small().unet.state_dict().items() if ".cva." in name}
    save_file({**own, **changes}, path)
    return path


@pytest.mark.parametrize(
    ("changes", "form", "told"),
    [
        (
            {"mid_block.attentions.0.cva.norm.weight": torch.ones(7)},
            "motion",
            r"m\.safetensors does not fit .*is \(7,\)",
        ),
        ({"down_blocks.7.motion_modules.0.norm.weight": torch.ones(7)}, "motion", r"7\.attent.*in it and unknown in"),
        ({}, True, r"cva_weights needs a CVA of the same form; set cva to motion"),
    ],
)
def test_a_module_of_another_unet_is_told(changes, form, told, tmp_path):
    unet = small(form)
    with pytest.raises(InputError, match=told):
        weights.load(unet.unet, motion_file(tmp_path / "m.safetensors", **changes), unet.from_motion)


def test_files_without_what_is_looked_for_are_told(tmp_path):
    save_file({"a": torch.ones(1)}, tmp_path / "a.safetensors")
    unet, pose = small(), PoseEncoder(16, (4, 8, 8))
    cases = ((unet.unet, unet.from_motion, "no motion module"), (pose, pose.from_published, "no conditioning embedd"))
    for module, names, told in cases:
        with pytest.raises(InputError, match=told):
            weights.load(module, tmp_path / "a.safetensors", names)


def test_a_run_starts_from_parts_in_place_of_the_base_s(make_module, tmp_path):
    motion_file(tmp_path / "m.safetensors")
    pose = {name: one + 1 for name, one in PoseEncoder(16, (4, 8, 8)).embed.state_dict().items()}
    save_file({f"controlnet_cond_embedding.{name}": one for name, one in pose.items()}, tmp_path / "p.safetensors")
    options = {"cva_weights": str(tmp_path / "m.safetensors"), "pose_weights": str(tmp_path / "p.safetensors")}
    module, plain = make_module(cva="motion", **options), make_module(cva="motion")
    assert {what for what, *_ in module.weights_files()} >= {"CVA", "pose encoder"}
    changed = {
        name.split(".")[0] if ".cva." not in name else "cva"
        for (name, ours), theirs in zip(module.network.named_parameters(), plain.network.parameters(), strict=True)
        if not torch.equal(ours, theirs)
    }
    assert changed == {"cva", "pose_encoder"}
    assert torch.equal(module.ema.model.shadow_params[-1], list(module.network.parameters())[-1])


def test_a_pickle_says_how_it_is_converted(tmp_path):
    (tmp_path / "mm.ckpt").write_bytes(b"")
    start = Start(Base("mannequin-sd-v"), None, True, cva=str(tmp_path / "mm.ckpt"))
    with pytest.raises(InputError, match=r"mm\.ckpt is a pickle.*or make one with imagpose convert\."):
        start.cva.fetch()
