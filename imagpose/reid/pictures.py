"""``imagpose reid pictures``: what a generator makes of the pictures and poses of a part."""

from __future__ import annotations

import json
import time
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

from imagpose.errors import InputError
from imagpose.generation.command import generate
from imagpose.generation.model import fingerprint
from imagpose.generation.request import GenerationRequest
from imagpose.options.ranges import DenoisingSteps, Percentage, PositiveInt, check_arguments
from imagpose.output.files import write_whole
from imagpose.reid.parts import check_part, part_of

DONE = "pictures.json"


@dataclass(frozen=True)
class PicturesRequest:
    """Pictures to draw.

    Attributes:
        part: Folder of the part, which imagpose reid run writes.
        of: The whole dataset; only the names of its pictures are looked at.
        percentage: Of its training pictures that are in the part.
        pairs: CSV of from,to within the part.
        run: Of the generator.
        out: Folder of the pictures.
        steps: Denoising steps; the generator's own unless given.
        batch_size: Canvases at once.
        device: cpu, cuda or another of torch's; cuda where there is one unless given.
    """

    part: Path
    _: KW_ONLY
    of: Path
    percentage: Percentage
    pairs: Path
    run: Path
    out: Path
    steps: DenoisingSteps | None = None
    batch_size: PositiveInt = 16
    device: str | None = None

    def __post_init__(self) -> None:
        check_arguments(type(self), vars(self), "--")


def pictures(request: PicturesRequest) -> None:
    """Draw the pairs of a part with a generator, after a look that nothing in them is from outside the part.

    Raises:
        InputError: A leak, or a file is not as it must be; the sentence says which.
    """
    if not request.part.is_dir():
        raise InputError(f"{request.part} is no folder; name a part that imagpose reid run wrote.")
    check_part(request.part, {one.name for one in part_of(request.of, request.percentage)}, request.pairs)
    started = time.perf_counter()
    asked = GenerationRequest(
        run=request.run, data=request.part, pairs=request.pairs, out=request.out, steps=request.steps,
        batch_size=request.batch_size, device=request.device,
    )  # fmt: skip
    generate(asked)
    count = len(list((request.out / "images").glob("*.png")))
    took = round(time.perf_counter() - started, 1)
    done = {"pictures": count, "seconds": took, "weights": fingerprint(asked), "run": str(request.run)}
    write_whole(request.out / DONE, json.dumps(done) + "\n")
