"""LoRA (Hu et al. 2022) on the attention of UNet and CVA: trained by PEFT, shared as a file of a few MB, merged.

    W' = W + B A

with

    A, B           (r, in) and (out, r), of rank r; B starts at zero
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from diffusers import LCMScheduler, SchedulerMixin, TCDScheduler
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from imagpose.errors import InputError
from imagpose.models.network import Network
from imagpose.models.weights import check_finite, header

FILE = "lora.safetensors"
"""The name of the shared file in a pipeline's folder."""
_TARGETS = r".*\.attn\d\.(to_q|to_k|to_v|to_out\.0)"
_ADAPTER = "default"
_FEW = {"LCMScheduler": LCMScheduler, "TCDScheduler": TCDScheduler}


def check_installed() -> None:
    """Refuse to train a LoRA without PEFT.

    Raises:
        InputError: It is not installed.
    """
    if importlib.util.find_spec("peft") is None:
        raise InputError("model.init_args.lora_rank needs PEFT: pip install peft, or train the whole network.")


def add(network: nn.Module, rank: int, seed: int) -> None:
    """Freeze a network, and put a LoRA that changes nothing yet beside its attention's linear layers."""
    from peft import LoraConfig, inject_adapter_in_model

    network.requires_grad_(False)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        inject_adapter_in_model(LoraConfig(r=rank, lora_alpha=rank, target_modules=_TARGETS), network, _ADAPTER)


def has(network: nn.Module) -> bool:
    """Whether a network has one."""
    return next(_layers(network), None) is not None


def tensors(network: nn.Module) -> dict[str, Tensor]:
    """A and B of every layer that has them, as ``<layer>.A``, (r, in), and ``<layer>.B``, (out, r)."""
    return {
        f"{name}.{part}": getattr(layer, f"lora_{part}")[_ADAPTER].weight.detach()
        for name, layer in _layers(network)
        for part in "AB"
    }


def merged(network: Network) -> Network:
    """The network without its LoRA, with each B A added to the weight; changed in place."""
    found = tensors(network)
    for name, layer in list(_layers(network)):
        network.set_submodule(name, layer.get_base_layer())
        _merge(layer.get_base_layer(), found[f"{name}.A"], found[f"{name}.B"])
    return network


def save(network: Network, path: Path, scheduler: SchedulerMixin, steps: int) -> None:
    """Write A and B in half precision, and how a network that has them is sampled.

    Args:
        network: That was trained.
        path: Of the file.
        scheduler: Of few steps.
        steps: That it takes unless told otherwise.
    """
    told = {
        "scheduler": type(scheduler).__name__, "num_inference_steps": str(steps),
        "original_inference_steps": str(scheduler.config["original_inference_steps"]),
    }  # fmt: skip
    save_file({name: one.half().contiguous().cpu() for name, one in tensors(network).items()}, path, metadata=told)


def load_into(pipe: Any, path: Path) -> None:
    """Merge a file into the network of a pipeline, which from then on takes few steps without guidance.

    Args:
        pipe: An :class:`imagpose.pipeline.ImagposePipeline` of the network that the LoRA was trained on.
        path: A safetensors file that ``imagpose export`` wrote.

    Raises:
        InputError: The file is damaged, or of another architecture; the pipeline is then as it was.
    """
    shapes, layers = header(path), dict(pipe.network.named_modules())
    names = sorted({name.rpartition(".")[0] for name in shapes})
    for name in names:
        a, b = (tuple(shapes[part].shape) if (part := f"{name}.{half}") in shapes else () for half in "AB")
        layer = layers.get(name)
        if not isinstance(layer, nn.Linear) or a[1:] != (layer.in_features,) or b != (layer.out_features, a[0]):
            raise InputError(f"{path} is no LoRA of this network, as its {name} shows; load it into the one it is of.")
    with safe_open(path, framework="pt") as file:
        told = file.metadata() or {}
    try:
        steps, grid = int(told["num_inference_steps"]), int(told["original_inference_steps"])
        scheduler = _FEW[told["scheduler"]]
    except (KeyError, ValueError) as error:
        raise InputError(f"{path} does not say how it is sampled ({error}); export it again.") from error
    found = load_file(path)
    check_finite(found, path)
    for name in names:
        _merge(layers[name], found[f"{name}.A"], found[f"{name}.B"])
    pipe.register_modules(scheduler=scheduler.from_config(pipe.scheduler.config, original_inference_steps=grid))
    pipe.register_to_config(guidance_scale=1.0, num_inference_steps=steps, guidance_interval=None)


@torch.no_grad()
def _merge(layer: Any, a: Tensor, b: Tensor) -> None:
    layer.weight += (b.float() @ a.float()).to(layer.weight)


def _layers(network: nn.Module) -> Iterator[tuple[str, Any]]:
    return ((name, layer) for name, layer in network.named_modules() if hasattr(layer, "lora_A"))
