"""The optimiser of Table 6 and its learning rate."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from diffusers.optimization import get_scheduler

from imagpose.errors import InputError


def adamw(name: str, parameters: Iterable[torch.nn.Parameter], **settings: Any) -> torch.optim.Optimizer:
    """AdamW; on CUDA by its fused kernel, which a checkpoint of another device goes on with too.

    Args:
        name: ``adamw``, or ``adamw8bit``, whose moments are kept in 8 bits.
        parameters: To be trained.
        settings: ``lr``, ``betas`` and ``weight_decay``.

    Raises:
        InputError: bitsandbytes is not installed, which ``adamw8bit`` needs.
    """
    if name == "adamw":
        parameters = list(parameters)
        optimizer = torch.optim.AdamW(parameters, fused=all(p.is_cuda for p in parameters) or None, **settings)
        # It could unscale fp16's gradients itself, and Lightning would then refuse to clip them, in bf16 too.
        optimizer._step_supports_amp_scaling = False
        optimizer.register_load_state_dict_pre_hook(_keep_kernel)
        return optimizer
    try:
        from bitsandbytes.optim import AdamW8bit
    except ImportError as error:
        raise InputError(
            "model.init_args.optimizer adamw8bit needs bitsandbytes: pip install bitsandbytes, or choose adamw."
        ) from error
    return AdamW8bit(parameters, **settings)


def _keep_kernel(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> dict[str, Any]:
    """A checkpoint's state with the kernel of this device, not of the one that it was saved on."""
    kernel = {"fused": optimizer.defaults["fused"]}
    return {**state, "param_groups": [{**group, **kernel} for group in state["param_groups"]]}


def learning_rate(name: str, optimizer: torch.optim.Optimizer, warmup_steps: int, steps: int) -> Any:
    """The schedule of the learning rate: a rise, then constant, or falling to zero at the last step.

    Args:
        name: ``constant``, ``linear`` or ``cosine``.
        optimizer: Whose rate it is.
        warmup_steps: Of the rise.
        steps: Of the whole training.
    """
    name = "constant_with_warmup" if name == "constant" else name
    return get_scheduler(name, optimizer, num_warmup_steps=warmup_steps, num_training_steps=steps)
