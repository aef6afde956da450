"""LoRA (Hu et al. 2022): what fine-tuning adds to a network, trained by PEFT, shared as a file of a few MB.

    W' = W + B A,          of a linear layer
    W' = W + Δ,            of a part that is trained whole

with

    A, B           (r, in) and (out, r), of rank r; B starts at zero
    Δ              what training changed, of W's own shape

:mod:`imagpose.models.adapters` loads such files into a pipeline.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from diffusers import SchedulerMixin
from safetensors.torch import save_file
from torch import Tensor, nn

from imagpose.errors import InputError
from imagpose.models.network import Network
from imagpose.options.names import nearest

FILE = "lora.safetensors"
"""The name of the shared file in a pipeline's folder."""
ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")
"""How the names of the linear layers of attention end, in UNet and CVA."""
Part = Literal["cva", "pose_encoder", "flc"]
"""What can be trained whole beside it."""
_ADAPTER = "default"


def check_installed() -> None:
    """Refuse to train a LoRA without PEFT.

    Raises:
        InputError: It is not installed.
    """
    if importlib.util.find_spec("peft") is None:
        raise InputError("model.init_args.lora_rank needs PEFT: pip install peft, or train the whole network.")


def add(
    network: nn.Module, rank: int, seed: int, targets: Sequence[str] = ATTENTION, whole: Sequence[Part] = ()
) -> dict[str, Tensor]:
    """Freeze a network, and put a LoRA that changes nothing yet beside some of its linear layers.

    Args:
        network: With the weights that training starts from.
        rank: r of A and B.
        seed: Of A's random numbers.
        targets: How the names of these layers end.
        whole: Parts that are trained themselves instead, not frozen.

    Returns:
        What the parts that are trained whole start from, by parameter, on the CPU.

    Raises:
        InputError: The network has no layer, or no part, of such a name.
    """
    from peft import LoraConfig, inject_adapter_in_model

    layers = targeted(network, targets, whole)
    network.requires_grad_(False)
    start = {}
    for name, parameter in network.named_parameters():
        if _part_of(name, whole):
            start[name] = parameter.detach().to("meta" if parameter.is_meta else "cpu", copy=True)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        inject_adapter_in_model(LoraConfig(r=rank, lora_alpha=rank, target_modules=layers), network, _ADAPTER)
    for name, parameter in network.named_parameters():
        if name in start:  # PEFT has just frozen all but its own
            parameter.requires_grad_(True)
    return start


def targeted(network: nn.Module, targets: Sequence[str], whole: Sequence[Part]) -> list[str]:
    """The names of the linear layers whose names end so, outside of what is trained whole.

    Raises:
        InputError: There is none, or no part of such a name.
    """
    linear = [name for name, layer in network.named_modules() if isinstance(layer, nn.Linear)]
    for part in whole:
        if not any(_part_of(name, [part]) for name, _ in network.named_parameters()):
            raise InputError(f"model.init_args.lora_whole names {part}, which this network has not; leave it out.")
    for target in targets:
        if not any(_ends(name, target) for name in linear):
            endings = {name.split(".", depth)[-1] for name in linear for depth in range(1, name.count(".") + 1)}
            near = nearest(target, endings)
            hint = f"did you mean {near}?" if near else f"attention has {', '.join(ATTENTION)}."
            raise InputError(f"model.init_args.lora_targets names {target}, as no linear layer's name ends; {hint}")
    found = [name for name in linear if any(_ends(name, t) for t in targets) and not _part_of(name, whole)]
    if not found:
        raise InputError(
            "model.init_args.lora_targets leaves no layer a LoRA; name layers outside of model.init_args.lora_whole."
        )
    return found


def _ends(name: str, target: str) -> bool:
    return f".{name}".endswith(f".{target}")


def _part_of(name: str, parts: Sequence[str]) -> bool:
    return any(part in name.split(".") for part in parts)


def has(network: nn.Module) -> bool:
    """Whether a network has one."""
    return next(_layers(network), None) is not None


def tensors(network: nn.Module, start: Mapping[str, Tensor] = {}) -> dict[str, Tensor]:
    """What a file holds.

    Args:
        network: That has a LoRA.
        start: What its parts that are trained whole started from, as :func:`add` gave it.

    Returns:
        A and B of every layer that has them, as ``<layer>.A``, (r, in), and ``<layer>.B``, (out, r), and what became of
        other parameters, as ``<parameter>.delta``.
    """
    found = {
        f"{name}.{part}": getattr(layer, f"lora_{part}")[_ADAPTER].weight.detach()
        for name, layer in _layers(network)
        for part in "AB"
    }
    own = dict(network.named_parameters())
    return found | {f"{name}.delta": own[name].detach() - was.to(own[name].device) for name, was in start.items()}


@torch.no_grad()
def merged(network: Network) -> Network:
    """The network without its LoRA, with each B A added to the weight; changed in place."""
    found = tensors(network)
    for name, layer in list(_layers(network)):
        base = layer.get_base_layer()
        network.set_submodule(name, base)
        base.weight += (found[f"{name}.B"].float() @ found[f"{name}.A"].float()).to(base.weight)
    return network


def save(
    network: Network,
    path: Path,
    scheduler: SchedulerMixin | None = None,
    steps: int | None = None,
    start: Mapping[str, Tensor] = {},
) -> None:
    """Write A, B and Δ in half precision and, of a network of few steps, how one that has them is sampled.

    Args:
        network: That was trained.
        path: Of the file.
        scheduler: Of few steps; None leaves a pipeline its own.
        steps: That it takes unless told otherwise.
        start: See :func:`tensors`.
    """
    told = {"format": "pt"}
    if scheduler is not None:
        told = {
            "scheduler": type(scheduler).__name__, "num_inference_steps": str(steps),
            "original_inference_steps": str(scheduler.config["original_inference_steps"]),
        }  # fmt: skip
    halves = {name: one.half().contiguous().cpu() for name, one in tensors(network, start).items()}
    save_file(halves, path, metadata=told)


def _layers(network: nn.Module) -> Iterator[tuple[str, Any]]:
    return ((name, layer) for name, layer in network.named_modules() if hasattr(layer, "lora_A"))
