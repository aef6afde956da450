"""The LoRA files of a request: told before a model is loaded, and kept in the record of what is drawn."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagpose.generation.model import Trained
from imagpose.output.files import regular

if TYPE_CHECKING:  # it imports torch and diffusers, which --help need not wait for
    from imagpose.models.adapters import Sampling


@dataclass(frozen=True)
class Loras:
    """What is known of the files without a network.

    Attributes:
        record: What the settings of pictures say of them; nothing where there are none.
        sampling: How the last one that was distilled is sampled.
    """

    record: dict[str, Any]
    sampling: Sampling | None = None

    def sampled(self, trained: Trained) -> Trained:
        """A model as it is sampled with them."""
        if self.sampling is None:
            return trained
        return replace(trained, interval=None, scale=1.0, steps=self.sampling.steps)


def read_loras(files: Sequence[tuple[Path, float]]) -> Loras:
    """Read how they are sampled, and a fingerprint of their content.

    Args:
        files: With their scales.

    Raises:
        InputError: One is no safetensors file.
    """
    if not files:
        return Loras({})
    from imagpose.models.adapters import sampling_of

    record, sampling = [], None
    for path, scale in files:
        sampling = sampling_of(path) or sampling
        with open(regular(path), "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()[:16]
        record.append({"file": str(path), "weights": digest, "scale": scale})
    return Loras({"lora": record}, sampling)
