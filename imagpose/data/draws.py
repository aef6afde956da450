"""The random numbers of training and sampling: each sample's a function of the seed and its number alone.

A training step's numbers are drawn on the CPU, so that every device sees the same, and where the batch is made: in the
loader's workers. Drawing 128 of a tiny canvas takes 16 ms or more, and to read the samples' numbers back from a GPU
would let the host wait for all that it was given to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import default_collate

_PREFIX = "drawn_"  # of the names in a batch


def generator_for(seed: int, stream: int, number: int) -> torch.Generator:
    """The generator of one sample's draws of one kind, a function of its three arguments alone."""
    state = np.random.SeedSequence([seed, stream, int(number)]).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state) >> 1)


class Draws(NamedTuple):
    """The random numbers of one training step, each sample's a function of the seed and its number alone.

    Attributes:
        timestep: Uniform in [0, 1), (B,).
        dropout: Uniform in [0, 1), (B,).
        branch: Uniform in [0, 1), (B,).
        posterior: Standard normal, the shape of the latents: draws x_0 from the VAE's posterior.
        noise: ε, standard normal, the shape of the latents.
        offset: Standard normal, (B, c): shifts the mean of ε, where the objective asks for it.
    """

    timestep: Tensor
    dropout: Tensor
    branch: Tensor
    posterior: Tensor
    noise: Tensor
    offset: Tensor

    @staticmethod
    def make(seed: int, numbers: Sequence[int], shape: Sequence[int], device: torch.device | str = "cpu") -> Draws:
        """Draw the numbers of some samples.

        Args:
            seed: Seeds every draw, together with the sample's number.
            numbers: The samples' numbers, B integers from 0.
            shape: Shape of one sample's latents, (V, c, h, w).
            device: Where the tensors are put; they are drawn on the CPU, so that every device sees the same.
        """
        uniform, posterior, noise, offset = [], [], [], []
        for number in numbers:
            generator = generator_for(seed, 3, number)
            uniform.append(torch.rand(3, generator=generator))
            posterior.append(torch.randn(*shape, generator=generator))
            noise.append(torch.randn(*shape, generator=generator))
            offset.append(torch.randn(shape[1], generator=generator))
        u = torch.stack(uniform).to(device)
        return Draws(u[:, 0], u[:, 1], u[:, 2], *(torch.stack(one).to(device) for one in (posterior, noise, offset)))

    @staticmethod
    def of(batch: dict[str, Tensor]) -> Draws:
        """Those that came with a batch, see :func:`with_draws`."""
        return Draws(*(batch[_PREFIX + name].view(torch.float32) for name in Draws._fields))


def with_draws(batch: dict[str, Tensor], seed: int, shape: Sequence[int]) -> dict[str, Tensor]:
    """A batch with the draws of its samples, as ``drawn_noise`` and so on; as it is where it has them.

    Args:
        batch: Canvases with their ``number``, see :class:`imagpose.data.canvases.Canvases`.
        seed: Seeds every draw, together with the sample's number.
        shape: Shape of one sample's latents, (V, c, h, w).

    Raises:
        ValueError: The numbers are on another device than the CPU: to read them there would wait for it at every step.
    """
    if _PREFIX + "noise" in batch:
        return batch
    if batch["number"].device.type != "cpu":
        raise ValueError("the draws of a batch are made before it is moved to a device; leave its number on the CPU")
    draws = Draws.make(seed, batch["number"].tolist(), shape, batch["mask"].device)
    # As whole numbers of the same bits: Lightning casts a batch's floats to the precision of some strategies, and
    # bfloat16 knows 501 of the 1,000 timesteps.
    return {**batch, **{_PREFIX + name: value.view(torch.int32) for name, value in draws._asdict().items()}}


@dataclass(frozen=True)
class DrawingCollate:
    """Makes a batch of samples with their draws, in the process that reads them.

    Attributes:
        seed: Seeds every draw, together with the sample's number.
        latent: Shape of one panel's latents, (c, h, w).
    """

    seed: int
    latent: tuple[int, ...]

    def __call__(self, samples: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        """Stack the samples and add their draws."""
        batch = default_collate(samples)
        return with_draws(batch, self.seed, (batch["mask"].shape[1], *self.latent))
