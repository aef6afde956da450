"""torch.compile of the denoiser in training: one graph from the views to the prediction, CVA included."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch

from imagpose.models.network import Network


def compile_denoiser(network: Network) -> None:
    """Let the UNet be compiled at its first step, as a whole: it has no graph break.

    Each number of panels is a graph of its own, of fixed shapes, made when it first comes. Single blocks would be no
    fewer graphs: SD's have some twenty shapes for one number of panels, and PyTorch compiles one function at most
    eight times. Names of weights stay, and so do checkpoints, averages and pipeline folders.

    Args:
        network: The trained network; it is changed in place, and a copy of it is not compiled.
    """
    network.unet.compile(dynamic=False)


def as_written() -> AbstractContextManager[None]:
    """Inside of it nothing is compiled: batches of a validation come in many sizes, each a graph that few steps use."""
    return torch.compiler.set_stance("force_eager")
