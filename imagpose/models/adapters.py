"""LoRA files in a pipeline: loaded, weighed against each other, taken out again; named as in diffusers.

    W = W_0 + s · Σ_i w_i Δ_i

with

    W_0            the pipeline's own weight, kept beside it while a file is loaded
    Δ_i            the update of file i: B A, or what became of a part that was trained whole
    w_i            its weight
    s              the scale of ``fuse_lora``, else 1

The weights themselves are changed, so a picture takes no longer, the pipeline is saved with them, and neither PEFT nor
another network is needed to generate. Without any file they are W_0 again, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from diffusers import LCMScheduler, TCDScheduler
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from imagpose.errors import InputError
from imagpose.models import lora
from imagpose.models.weights import check_finite, header
from imagpose.options.ranges import LoraScale, check

_FEW = {"LCMScheduler": LCMScheduler, "TCDScheduler": TCDScheduler}
_SAID = ("scheduler", "num_inference_steps", "original_inference_steps")


@dataclass(frozen=True)
class Sampling:
    """How a distilled network is sampled: the scheduler's class, its steps, and the timesteps it learned."""

    scheduler: str
    steps: int
    grid: int


@dataclass(frozen=True)
class Adapter:
    """A file.

    Attributes:
        path: Where it was read.
        weight: w of its updates.
        updates: Δ by parameter: (Δ,), or (B, A).
        sampling: How it is sampled, where it was distilled.
    """

    path: Path
    weight: float
    updates: Mapping[str, tuple[Tensor, ...]]
    sampling: Sampling | None


class TakesLora:
    """What a pipeline with a ``network`` needs to take LoRA files; a mixin."""

    network: Any
    scheduler: Any
    register_modules: Callable[..., None]
    register_to_config: Callable[..., None]

    def load_lora_weights(self, path: str | Path, adapter_name: str | None = None, scale: float = 1.0) -> None:
        """Add the updates of a file that ``imagpose export`` wrote to the network.

        One that was distilled brings its scheduler, its steps and guidance 1 with it. A file that is loaded already
        is read again, and counts once.

        Args:
            path: The safetensors file.
            adapter_name: How :meth:`set_adapters` calls it; the file's name, or its folder's, unless given.
            scale: w of its updates.

        Raises:
            InputError: The file is damaged or of another architecture, the name is another file's, or the LoRAs are
                fused; the pipeline is then as it was.
        """
        path = Path(path)
        name = adapter_name or (path.stem if path.name != lora.FILE else path.absolute().parent.name)
        check("scale", scale, LoraScale)
        self._refuse_fused("loaded")
        there = self._adapters.get(name)
        if there is not None and there.path.absolute() != path.absolute():
            raise InputError(f"The LoRA {name} is {there.path} already; give {path} another adapter_name.")
        self._apply({**self._adapters, name: _read(path, self.network, float(scale))})

    def load_lora(self, path: str | Path) -> None:
        """The older name of :meth:`load_lora_weights`."""
        self.load_lora_weights(path)

    def unload_lora_weights(self) -> None:
        """Take all LoRAs out; the weights are bit for bit what they were, but for those that were fused."""
        if self._fused is not None:
            vars(self).update(_lora_state={}, _lora_before={}, _lora_fused=None)
        else:
            self._apply({})

    def set_adapters(self, adapter_names: str | Sequence[str], adapter_weights: float | Sequence[float] = 1.0) -> None:
        """Let some of the loaded LoRAs count, and the others not.

        Args:
            adapter_names: Their names.
            adapter_weights: w of each, or one of all.

        Raises:
            InputError: One is not loaded, there are fewer or more weights than names, or the LoRAs are fused.
        """
        names = [adapter_names] if isinstance(adapter_names, str) else list(adapter_names)
        given = [adapter_weights] * len(names) if isinstance(adapter_weights, (int, float)) else list(adapter_weights)
        self._refuse_fused("weighed")
        if len(given) != len(names):
            raise InputError(f"There are {len(names)} adapter_names and {len(given)} adapter_weights; give as many.")
        for name in names:
            if name not in self._adapters:
                loaded = ", ".join(self._adapters) or "none"
                raise InputError(f"There is no LoRA {name!r}; loaded are: {loaded}.")
        for weight in given:
            check("adapter_weights", weight, LoraScale)
        weights = dict(zip(names, map(float, given), strict=True))
        self._apply({name: replace(one, weight=weights.get(name, 0.0)) for name, one in self._adapters.items()})

    def get_active_adapters(self) -> list[str]:
        """The names of the LoRAs that count."""
        return [name for name, one in self._adapters.items() if one.weight]

    def fuse_lora(self, lora_scale: float = 1.0) -> None:
        """Scale all LoRAs and keep them: :meth:`unload_lora_weights` then forgets W_0, and not them.

        Raises:
            InputError: None is loaded, or they are fused already.
        """
        check("lora_scale", lora_scale, LoraScale)
        self._refuse_fused("fused")
        if not self._adapters:
            raise InputError("There is no LoRA to fuse; load one with load_lora_weights first.")
        vars(self)["_lora_fused"] = float(lora_scale)
        self._apply(self._adapters)

    def unfuse_lora(self) -> None:
        """Undo :meth:`fuse_lora`; the LoRAs stay loaded."""
        vars(self)["_lora_fused"] = None
        self._apply(self._adapters)

    # A pipeline of diffusers reads its attributes' names as parts of it, so these are set past it.

    @property
    def _adapters(self) -> dict[str, Adapter]:
        return vars(self).get("_lora_state", {})

    @property
    def _fused(self) -> float | None:
        return vars(self).get("_lora_fused")

    def _refuse_fused(self, what: str) -> None:
        if self._fused is not None:
            raise InputError(f"The LoRAs are fused and cannot be {what}; call unfuse_lora first.")

    @torch.no_grad()
    def _apply(self, adapters: dict[str, Adapter]) -> None:
        """Give the network these and no others."""
        own = dict(self.network.named_parameters())
        before: dict[str, Tensor] = vars(self).setdefault("_lora_before", {})
        for name in (name for one in adapters.values() for name in one.updates):
            if name not in before:
                before[name] = own[name].detach().to("cpu", copy=True)
        scale = 1.0 if self._fused is None else self._fused
        for name, was in before.items():
            parameter = own[name]
            counting = [one for one in adapters.values() if one.weight and name in one.updates]
            total = was.to(parameter.device)
            if counting:
                total = total.float()
            for one in counting:
                total = total + scale * one.weight * _update(one.updates[name], parameter.device)
            parameter.copy_(total)
        few = [one.sampling for one in adapters.values() if one.weight and one.sampling]
        self._sample_as(few[-1] if few else None)
        vars(self).update(_lora_state=adapters, _lora_before=before if adapters else {})

    def _sample_as(self, sampling: Sampling | None) -> None:
        """As a distilled network is sampled, or as the pipeline was before."""
        kept = vars(self).pop("_lora_sampled", None)
        if kept is not None:
            self.register_modules(scheduler=kept[0])
            self._internal_dict = kept[1]
        if sampling is None:
            return
        vars(self)["_lora_sampled"] = (self.scheduler, self._internal_dict)
        few = _FEW[sampling.scheduler]
        self.register_modules(scheduler=few.from_config(self.scheduler.config, original_inference_steps=sampling.grid))
        self.register_to_config(guidance_scale=1.0, num_inference_steps=sampling.steps, guidance_interval=None)


def _update(factors: tuple[Tensor, ...], device: torch.device) -> Tensor:
    first, *rest = (factor.to(device).float() for factor in factors)
    return first @ rest[0] if rest else first


def _read(path: Path, network: nn.Module, weight: float) -> Adapter:
    """Read a file, all of it or nothing.

    Raises:
        InputError: It is damaged, or of another architecture.
    """
    shapes, layers, own = header(path), dict(network.named_modules()), dict(network.named_parameters())
    names = sorted({name.rpartition(".")[0] for name in shapes})
    if not names:
        raise InputError(f"{path} holds no LoRA; export it again.")
    for name in names:
        a, b, delta = (
            tuple(shapes[part].shape) if (part := f"{name}.{end}") in shapes else None for end in ("A", "B", "delta")
        )
        layer, parameter = layers.get(name), own.get(name)
        low = isinstance(layer, nn.Linear) and a and b == (layer.out_features, a[0]) and a[1:] == (layer.in_features,)
        whole = parameter is not None and delta == tuple(parameter.shape) and a is b is None
        if not (low and delta is None) and not whole:
            raise InputError(f"{path} is no LoRA of this network, as its {name} shows; load it into the one it is of.")
    found = load_file(path)
    check_finite(found, path)
    updates = {
        **{f"{name}.weight": (found[f"{name}.B"], found[f"{name}.A"]) for name in names if f"{name}.A" in found},
        **{name: (found[f"{name}.delta"],) for name in names if f"{name}.delta" in found},
    }
    return Adapter(path, weight, updates, sampling_of(path))


def sampling_of(path: Path) -> Sampling | None:
    """How a file says that a network with it is sampled; None where it leaves that to the pipeline.

    Raises:
        InputError: It is no safetensors file, or says half of it.
    """
    header(path)
    with safe_open(path, framework="pt") as file:
        told = file.metadata() or {}
    if not told.keys() & set(_SAID):
        return None
    try:
        name, steps, grid = told[_SAID[0]], int(told[_SAID[1]]), int(told[_SAID[2]])
        if name not in _FEW or not 1 <= steps <= grid <= 1000:
            raise ValueError(f"{name}, {steps} of {grid} steps")
    except (KeyError, ValueError) as error:
        raise InputError(f"{path} does not say how it is sampled ({error}); export it again.") from error
    return Sampling(name, steps, grid)
