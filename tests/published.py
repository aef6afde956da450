"""Weights in the published layouts: exact names, shapes and types, sparse on disk or filled with random numbers."""

from __future__ import annotations

import json
import re
import shutil
import struct
from pathlib import Path

import open_clip
import timm
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel

from imagpose.models.base import PUBLISHED

Shapes = dict[str, tuple[int, ...]]
ENCODERS = {
    "timm/vit_base_patch14_dinov2.lvd142m": ("vit_base_patch14_dinov2", "model.safetensors"),
    "timm/vit_large_patch14_dinov2.lvd142m": ("vit_large_patch14_dinov2", "model.safetensors"),
    "timm/vit_giant_patch14_dinov2.lvd142m": ("vit_giant_patch14_dinov2", "model.safetensors"),
    "laion/CLIP-ViT-B-16-laion2B-s34B-b88K": ("ViT-B-16", "open_clip_model.safetensors"),
    "laion/CLIP-ViT-H-14-laion2B-s32B-b79K": ("ViT-H-14", "open_clip_model.safetensors"),
    "laion/CLIP-ViT-bigG-14-laion2B-39B-b160k": ("ViT-bigG-14", "open_clip_model.safetensors"),
}


def shapes_of(module: torch.nn.Module) -> Shapes:
    return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}


def write_sparse(path: Path, shapes: Shapes, dtype: str = "F32") -> None:
    """A safetensors file of zeros that takes no room on disk."""
    width = {"F32": 4, "F16": 2}[dtype]
    header, end = {}, 0
    for name, shape in shapes.items():
        start, end = end, end + width * torch.Size(shape).numel()
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + end)


def encoder_shapes(model: str) -> Shapes:
    """All tensors that timm and open_clip publish: DINOv2 at 518 pixels, CLIP with its text tower."""
    with torch.device("meta"):
        if "dinov2" in model:
            return shapes_of(timm.create_model(model, num_classes=0))
        config = open_clip.get_model_config(model)
        return shapes_of(open_clip.CLIP(config["embed_dim"], config["vision_cfg"], config["text_cfg"]))


def unet_and_vae(name: str) -> tuple[Shapes, Shapes]:
    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config(json.loads((PUBLISHED / name / "unet/config.json").read_text()))
        vae = AutoencoderKL.from_config(json.loads((PUBLISHED / name / "vae/config.json").read_text()))
    return shapes_of(unet), shapes_of(vae)


def write_base(root: Path, name: str, variant: str = "") -> Path:
    """A base model's folder in the diffusers layout."""
    for part, shapes in zip(("unet", "vae"), unet_and_vae(name), strict=True):
        path = root / name / part / f"diffusion_pytorch_model{variant}.safetensors"
        write_sparse(path, shapes, "F16" if variant else "F32")
        shutil.copy(PUBLISHED / name / part / "config.json", path.parent)
    shutil.copytree(PUBLISHED / name / "scheduler", root / name / "scheduler", dirs_exist_ok=True)
    return root / name


def write_everything(root: Path) -> None:
    """All that the paper's experiments need."""
    for base in ("stable-diffusion-v1-5", "stable-diffusion-2-1"):
        write_base(root, base)
    for name, (model, file) in ENCODERS.items():
        write_sparse(root / name.split("/")[1] / file, encoder_shapes(model))


# The names of the single-file checkpoints, as CompVis' code has them ------------------------------------------------

_RESNET = {
    "norm1": "in_layers.0", "conv1": "in_layers.2", "norm2": "out_layers.0", "conv2": "out_layers.3",
    "time_emb_proj": "emb_layers.1", "conv_shortcut": "skip_connection",
}  # fmt: skip


def ldm_unet_name(name: str) -> str:
    """diffusers' name of a UNet's tensor → its name in a single-file checkpoint."""
    for ours, theirs in (
        ("time_embedding.linear_1", "time_embed.0"), ("time_embedding.linear_2", "time_embed.2"),
        ("conv_in", "input_blocks.0.0"), ("conv_norm_out", "out.0"), ("conv_out", "out.2"),
    ):  # fmt: skip
        if name.startswith(ours + "."):
            return "model.diffusion_model." + theirs + name.removeprefix(ours)
    block, rest = re.match(r"(down_blocks\.\d|up_blocks\.\d|mid_block)\.(.*)", name).groups()
    kind, number, rest = re.match(r"(resnets|attentions|downsamplers|upsamplers)\.(\d)\.(.*)", rest).groups()
    j = int(number)
    if block == "mid_block":
        place = f"middle_block.{1 if kind == 'attentions' else 2 * j}"
    else:
        i = int(block[-1])
        if block.startswith("down"):
            place = {
                "resnets": f"input_blocks.{3 * i + j + 1}.0", "attentions": f"input_blocks.{3 * i + j + 1}.1",
                "downsamplers": f"input_blocks.{3 * i + 3}.0",
            }[kind]  # fmt: skip
        else:
            place = {
                "resnets": f"output_blocks.{3 * i + j}.0", "attentions": f"output_blocks.{3 * i + j}.1",
                "upsamplers": f"output_blocks.{3 * i + 2}.{1 if i == 0 else 2}",
            }[kind]  # fmt: skip
    if kind == "resnets":
        first, tail = rest.split(".", 1)
        rest = f"{_RESNET[first]}.{tail}"
    elif kind == "downsamplers":
        rest = rest.replace("conv.", "op.")
    return f"model.diffusion_model.{place}.{rest}"


def ldm_vae_name(name: str, levels: int) -> str:
    """diffusers' name of a VAE's tensor → its name in a single-file checkpoint."""
    name = re.sub(r"down_blocks\.(\d)\.resnets\.(\d)", r"down.\1.block.\2", name)
    name = re.sub(r"down_blocks\.(\d)\.downsamplers\.0", r"down.\1.downsample", name)
    name = re.sub(r"up_blocks\.(\d)\.resnets\.(\d)", lambda m: f"up.{levels - 1 - int(m[1])}.block.{m[2]}", name)
    name = re.sub(r"up_blocks\.(\d)\.upsamplers\.0", lambda m: f"up.{levels - 1 - int(m[1])}.upsample", name)
    name = re.sub(r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}", name)
    name = name.replace("mid_block.attentions.0", "mid.attn_1").replace("conv_norm_out", "norm_out")
    for ours, theirs in (("group_norm", "norm"), ("to_q", "q"), ("to_k", "k"), ("to_v", "v"), ("to_out.0", "proj_out")):
        name = name.replace(f"attn_1.{ours}.", f"attn_1.{theirs}.")
    return "first_stage_model." + name.replace("conv_shortcut", "nin_shortcut")


def write_single_file(path: Path, name: str) -> Path:
    """A base model as one file of half-precision tensors."""
    unet, vae = unet_and_vae(name)
    shapes = {ldm_unet_name(key): shape for key, shape in unet.items()}
    for key, shape in vae.items():  # its attention is of 1×1 convolutions there
        linear = "attentions" in key and key.endswith("weight") and "group_norm" not in key
        shapes[ldm_vae_name(key, 4)] = (*shape, 1, 1) if linear else shape
    shapes["cond_stage_model.transformer.text_model.embeddings.position_ids"] = (1, 77)
    write_sparse(path, shapes, "F16")
    return path
