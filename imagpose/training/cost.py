"""What a training step, or a picture, costs: memory and operations, found on the meta device, nothing is computed."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import FlopCounterMode

from imagpose.data.sampling import canvases_of
from imagpose.module import IMAGPose

GIB = 2**30


@dataclass(frozen=True)
class Estimate:
    """Bytes on the device that trains, by what they are for.

    Attributes:
        frozen: Weights of VAE and encoder.
        weights: The network's weights, 32-bit, trained or not.
        gradients: Of those that are trained.
        optimizer: AdamW's two moments.
        average: The moving average, where it is kept on the device.
        activations: Kept from the forward for the backward pass, with the half-precision copies of the weights.
        vae: The largest tensors of the VAE's pass, beside the activations.
        transient: The optimiser's temporaries or, at validation, the weights put aside for the average: what comes when
            activations are gone.
        libraries: The libraries' own memory.
    """

    frozen: int
    weights: int
    gradients: int
    optimizer: int
    average: int
    activations: int
    vae: int
    transient: int
    libraries: int

    @property
    def total(self) -> int:
        """All of it at its peak, in training or between its steps."""
        return self._peak(self.frozen, self.activations + self.vae)

    @property
    def cached(self) -> int:
        """The same when features come from a cache: VAE and encoder then wait on the CPU until a validation."""
        return self._peak(0, self.activations)

    def _peak(self, frozen: int, in_a_step: int) -> int:
        kept = self.weights + self.gradients + self.optimizer + self.average + self.libraries
        return frozen + kept + max(in_a_step, self.transient)


class _AsTrained(TorchFunctionMode):
    """Mixed precision and fused attention as a GPU has them, which the meta device has not.

    Autocast casts the arguments of products to half and those of norms to full precision, and both stay for the
    backward pass; attention keeps its inputs and output instead of a matrix of all pairs.
    """

    def __init__(self, half: torch.dtype | None) -> None:
        super().__init__()
        self.casts: dict[Any, torch.dtype] = {}
        if half is not None:
            self.casts = dict.fromkeys((F.linear, F.conv2d, torch.matmul, F.scaled_dot_product_attention), half)
            self.casts |= dict.fromkeys((F.layer_norm, F.group_norm, F.mse_loss), torch.float32)
        self.copies: dict[tuple[int, torch.dtype], Tensor] = {}  # autocast casts each weight once a step

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if (dtype := self.casts.get(func)) is not None:
            args, kwargs = [self._cast(a, dtype) for a in args], {k: self._cast(v, dtype) for k, v in kwargs.items()}
        if func is F.scaled_dot_product_attention:
            query, key, value = args[:3] if len(args) >= 3 else (kwargs[name] for name in ("query", "key", "value"))
            return torch.ops.aten._scaled_dot_product_efficient_attention(query, key, value, None, True)[0]
        return func(*args, **kwargs)

    def _cast(self, value: Any, dtype: torch.dtype) -> Any:
        if not isinstance(value, Tensor) or not value.is_floating_point() or value.dtype == dtype:
            return value
        if not isinstance(value, torch.nn.Parameter):
            return value.to(dtype)
        return self.copies.setdefault((id(value), dtype), value.to(dtype))


@dataclass(frozen=True)
class Shards:
    """Into how many parts the processes share what they hold.

    Attributes:
        weights: Parts of the trainable weights.
        gradients: Of the gradients.
        moments: Of the optimiser's moments.
    """

    weights: int = 1
    gradients: int = 1
    moments: int = 1


def estimate(
    module: IMAGPose,
    size: tuple[int, int],
    batch: int,
    precision: str,
    shards: Shards = Shards(),
    gpu: bool = True,
    panels: Sequence[int] = (4,),
) -> Estimate:
    """The memory of one step, of that number of panels which takes most.

    Args:
        module: On the meta device.
        size: (height, width) of the images.
        batch: Canvases a step and device, see :func:`imagpose.data.sampling.canvases_of`.
        precision: Lightning's name of it.
        shards: Of strategies that part the state.
        gpu: Whether what is kept on the CPU is elsewhere.
        panels: Numbers V of panels that are trained.
    """
    each = zip(panels, canvases_of(panels, batch), strict=True)
    return max((_of_canvases(module, size, *one, precision, shards, gpu) for one in each), key=lambda one: one.total)


def _of_canvases(
    module: IMAGPose, size: tuple[int, int], panels: int, batch: int, precision: str, shards: Shards, gpu: bool
) -> Estimate:
    half = torch.bfloat16 if precision.startswith("bf16") else torch.float16 if precision.startswith("16") else None
    weights = sum(p.numel() for p in module.network.parameters())
    trainable = sum(p.numel() for p in module.network.parameters() if p.requires_grad)
    frozen = sum(p.numel() for part in (module.vae, module.encoder) for p in part.parameters())
    _, _, height, width = module.synthesis.latent_shape(size, panels)
    # The VAE's first level holds 128 channels of the padded image, and a residual block some four tensors of it.
    scale = module.vae.downscale
    channels = int(module.vae.autoencoder.config["block_out_channels"][0])
    encoding = 4 * batch * panels * channels * height * width * scale**2 * (2 if half else 4)
    activations = _activations(module, size, panels, batch, half, module.network.is_gradient_checkpointing)
    elsewhere = module.ema.device is not None and gpu
    eight_bit = module.optimizer == "adamw8bit"
    fused = gpu or eight_bit  # else AdamW steps all tensors at once
    temporaries = 0 if fused else 4 * trainable // shards.moments
    aside = 4 * weights if module.ema.decay is not None and not elsewhere else 0
    return Estimate(
        frozen=frozen * module.frozen_dtype.itemsize,
        weights=4 * weights // shards.weights,
        gradients=4 * trainable // shards.gradients,
        optimizer=(2 if eight_bit else 8) * trainable // shards.moments,
        average=4 * weights if module.ema.decay is not None and not elsewhere else 0,
        activations=activations,
        vae=encoding,
        transient=max(temporaries, aside),
        libraries=GIB // 2,
    )


@functools.lru_cache(maxsize=32)  # other options leave them as they are
def _activations(
    module: IMAGPose, size: tuple[int, int], panels: int, batch: int, half: torch.dtype | None, checkpointing: bool
) -> int:
    own = {p.untyped_storage()._cdata for p in module.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in own:
            kept[storage._cdata] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor), _AsTrained(half):
        loss = forward(module, size, batch, panels)()  # alive until all are counted: storages are told by address
    assert loss.requires_grad
    return sum(kept.values())


def flops(module: IMAGPose, size: tuple[int, int], panels: int = 4) -> dict[str, int]:
    """Floating-point operations of one canvas's training step.

    Args:
        module: On the meta device.
        size: (height, width) of the images.
        panels: V of the canvas.

    Returns:
        ``frozen``: the VAE on the panels and the source, and the encoder, which a cache would save; ``trained``: the
        trained network, forward and backward.
    """
    with FlopCounterMode(display=False) as frozen, _AsTrained(None), torch.no_grad():
        _see(module, module.synthesis.latent_shape(size, panels), panels + 1)
    with FlopCounterMode(display=False) as trained, _AsTrained(None):
        forward(module, size, 1, panels)().backward()
    module.zero_grad()
    return {"frozen": frozen.get_total_flops(), "trained": trained.get_total_flops()}


def flops_of_generation(module: IMAGPose, size: tuple[int, int], panels: int, sources: int = 1) -> dict[str, int]:
    """Floating-point operations of generating on one canvas.

    Args:
        module: On the meta device.
        size: (height, width) of the images.
        panels: V of the canvas.
        sources: Different pictures that are given, each of which is encoded once; a black panel costs nothing.

    Returns:
        ``conditions``: encoding and all conditions, once; ``prediction``: of the network, once an unguided step and
        twice a guided one; ``decoding``: of each panel that is kept.
    """
    shape = module.synthesis.latent_shape(size, panels)
    counters = {name: FlopCounterMode(display=False) for name in ("conditions", "prediction", "decoding")}
    with _AsTrained(None), torch.no_grad():
        with counters["conditions"]:
            _see(module, shape, sources)
            predict = _conditioned(module, shape, 1)
        with counters["prediction"]:
            predict()
        with counters["decoding"]:
            module.vae.autoencoder.decode(torch.empty(1, *shape[1:], device="meta"))
    return {name: counter.get_total_flops() for name, counter in counters.items()}


def _see(module: IMAGPose, shape: tuple[int, int, int, int], pictures: int) -> None:
    """What the frozen networks look at: the VAE at some pictures, the encoder at the source."""
    _, _, height, width = shape
    scale, side = module.vae.downscale, module.encoder.image_size
    module.vae.autoencoder.encode(torch.empty(pictures, 3, height * scale, width * scale, device="meta"))
    module.encoder.tokens(torch.empty(1, 3, side, side, device="meta"))


def forward(module: IMAGPose, size: tuple[int, int], batch: int, panels: int = 4) -> Callable[[], Tensor]:
    """The trained part of a step on empty tensors of the module's device, ready to be called.

    Args:
        module: On any device.
        size: (height, width) of the images.
        batch: Canvases.
        panels: V of each.
    """
    shape = module.synthesis.latent_shape(size, panels)

    def step() -> Tensor:
        latents, predicted = _conditioned(module, shape, batch)()
        return F.mse_loss(predicted, latents)

    return step


def _conditioned(module: IMAGPose, shape: tuple[int, int, int, int], batch: int) -> Callable[[], tuple[Tensor, Tensor]]:
    """Compute conditions of empty canvases; returns what predicts: its latents and the prediction."""
    device = next(module.network.parameters()).device
    panels, _, height, width = shape
    scale = module.vae.downscale
    latents = torch.empty(batch, *shape, device=device)
    semantic = torch.empty(batch, module.encoder.num_tokens, module.encoder.dim, device=device)
    mask = torch.empty(batch, panels, device=device)
    poses = torch.empty(batch, panels, 3, height * scale, width * scale, device=device)
    timesteps = torch.zeros(batch, dtype=torch.long, device=device)
    conditions = module.network.conditions(latents[:, 0], semantic, latents, mask, latents[0, 0], poses)
    return lambda: (latents, module.network(latents, timesteps, conditions))
