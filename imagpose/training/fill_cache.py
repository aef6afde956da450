"""``imagpose cache``: what the frozen networks say of every training image, computed once."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import torch
from lightning.pytorch.cli import LightningArgumentParser
from rich.console import Console
from safetensors.torch import save
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from imagpose.data.datamodule import PoseDataModule
from imagpose.data.features import NAMES, Shard
from imagpose.data.images import read_view
from imagpose.errors import InputError
from imagpose.models.fingerprint import autocast_dtype, fingerprint
from imagpose.module import IMAGPose
from imagpose.options.program import program
from imagpose.output.files import alone, drop_unfinished, whole_file
from imagpose.output.progress import progress
from imagpose.training.experiment import read_experiment
from imagpose.training.help_pages import show_help
from imagpose.training.precision import spare_emulation

_AT_ONCE = {"cpu": 8, "cuda": 32}  # images that the networks see together


def _own_arguments(parser: LightningArgumentParser) -> None:
    parser.prog = f"{program()} cache"
    parser.add_argument("--shard", default="0/1", help="i/n: do only every n-th shard of files, from i on (0 … n-1)")


class _Pictures(Dataset[Tensor]):
    """A shard's images, (n, orientations, 3, H, W) in [-1, 1]; the last orientation is mirrored."""

    def __init__(self, shards: Sequence[Shard], data: PoseDataModule, size: tuple[int, int]) -> None:
        self.shards, self.data, self.size = shards, data, size

    def __len__(self) -> int:
        return len(self.shards)

    def __getitem__(self, index: int) -> Tensor:
        images = torch.stack([self._read(i, index) for i in range(len(self.shards[index].records))])
        return torch.stack([images, images.flip(-1)] if self.data.flips else [images], dim=1)

    def _read(self, i: int, index: int) -> Tensor:
        record = self.shards[index].records[i]
        image = read_view(record, self.data.size)[0]
        if image.shape[-2:] != self.size:
            raise InputError(
                f"{record.path} is {image.shape[-2]}×{image.shape[-1]}, and another image is "
                f"{self.size[0]}×{self.size[1]}; set data.size, to which all are resized."
            )
        return image


def cache(args: list[str]) -> None:
    """Compute the features of an experiment's training images, all that are not there yet.

    Args:
        args: As for ``fit``: ``--exp <name>``, or ``-c`` and files, and any option.

    Raises:
        InputError: It is no experiment of IMAGPose; or see :func:`fill`.
    """
    about = "Compute what the frozen networks say of an experiment's training images, once; training then reads it."
    show_help("cache", about, args, _own_arguments)
    module, data, options = read_experiment(args, _own_arguments)
    share = _share(options.shard)
    spare_emulation(options.trainer)
    autocast_dtype(options.trainer.precision)  # refuses before anything is read
    data.prepare_data()
    data.setup("fit")  # before a download that may take long: a missing dataset is told at once
    module.prepare_data()
    module.setup("validate")  # the frozen weights alone
    on_cpu = options.trainer.accelerator == "cpu" or not torch.cuda.is_available()
    fill(module, data, options.trainer.precision, share, torch.device("cpu" if on_cpu else "cuda"))


def fill(
    module: IMAGPose,
    data: PoseDataModule,
    precision: str | int | None,
    share: tuple[int, int] = (0, 1),
    device: torch.device = torch.device("cpu"),
) -> None:
    """Compute the shards that are not there yet.

    Args:
        module: With its frozen weights.
        data: Set up.
        precision: Lightning's name of that of the computation.
        share: (i, n): every n-th shard, from i on.
        device: That computes.

    Raises:
        InputError: An image is damaged or of another size, a feature is beyond the cache's type, or the disk is full.
    """
    part, parts = share
    half = autocast_dtype(precision)
    shards = data.shards(
        fingerprint(module.synthesis.vae, module.synthesis.encoder, module.synthesis.multiple, data, precision)
    )
    folder = shards[0].path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder} cannot be made ({error.strerror}); name another place with data.cache.") from error
    # Of processes that want the same shards, who comes second finds them done.
    with alone(folder / f"{part}_of_{parts}", f"computing shards of {folder}"):
        _fill(module, data, half, shards, shards[part::parts], device)


def _fill(
    module: IMAGPose, data: PoseDataModule, half: torch.dtype | None, shards: list[Shard], mine: list[Shard],
    device: torch.device,
) -> None:  # fmt: skip
    todo = [shard for shard in mine if not shard.path.exists()]
    for drop in (drop_unfinished, _drop_older_unfinished):
        drop(shards[0].path.parent)
    size = data.image_size()
    _announce(module, data, size, shards, mine, todo)
    for frozen in (module.vae, module.encoder):
        torch.nn.Module.to(frozen, device)
    images = DataLoader(_Pictures(todo, data, size), batch_size=None, num_workers=data.num_workers)
    autocast = torch.autocast(device.type, half) if half else nullcontext()
    before = _count(mine) - _count(todo)
    with progress("Computing", _count(mine), "images", before) as advance, autocast:
        for shard, pictures in zip(todo, images, strict=True):
            features = _compute(module, pictures.to(device), getattr(torch, data.cache_dtype))
            _check_range(shard, features, data.cache_dtype)
            # One entry alone: safetensors writes several in any order, and the same shard should have the same bytes.
            _write(shard.path, save(features, {"size": f"{size[0]}×{size[1]}"}))
            advance(len(shard.records))
    left = sum(not shard.path.exists() for shard in shards)
    print(f"{left} of {len(shards)} shards are still missing." if left else "The cache is complete; training uses it.")


def _share(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text)
    if not match or int(match[1]) >= int(match[2]):
        raise InputError(f"--shard is {text}; it must be i/n with i from 0 to n-1, such as 0/2 here and 1/2 elsewhere.")
    return int(match[1]), int(match[2])


def _count(shards: Sequence[Shard]) -> int:
    return sum(len(shard.records) for shard in shards)


def _announce(
    module: IMAGPose, data: PoseDataModule, size: tuple[int, int], shards: list[Shard], mine: list[Shard],
    todo: list[Shard],
) -> None:  # fmt: skip
    """Say what will be on the disk.

    Raises:
        InputError: It does not fit.
    """
    _, channels, height, width = module.synthesis.latent_shape(size, 1)
    numbers = 2 * channels * height * width + module.encoder.num_tokens * module.encoder.dim
    image = numbers * (2 if data.flips else 1) * getattr(torch, data.cache_dtype).itemsize
    folder = shards[0].path.parent
    needed, free = image * _count(todo), shutil.disk_usage(folder).free
    Console(soft_wrap=True, highlight=False).print(
        f"{_count(shards):,} images{' and their mirror images' if data.flips else ''} in {len(shards):,} shards, "
        f"{_bytes(image * _count(shards))} in {data.cache_dtype} in {folder}; "
        f"{len(todo):,} of {len(mine):,} shards are computed here, {_bytes(needed)}; {_bytes(free)} are free.",
        markup=False,
    )
    if needed > free:
        raise InputError(
            f"{folder} needs {_bytes(needed)} and its disk has {_bytes(free)}; make room, name another place with "
            "data.cache, or set data.cache_dtype to float16."
        )


def _bytes(number: float) -> str:
    return f"{number / 1e9:,.1f} GB" if number >= 1e9 else f"{number / 1e6:,.1f} MB"


@torch.no_grad()
def _compute(module: IMAGPose, pictures: Tensor, dtype: torch.dtype) -> dict[str, Tensor]:
    """A shard's features by name, (n, orientations, ...)."""
    at_once = _AT_ONCE[pictures.device.type]
    seen = (module.synthesis.see(images[:, None], images) for images in pictures.flatten(0, 1).split(at_once))
    parts = [(s.panels.mean[:, 0], s.panels.std[:, 0], s.semantic) for s in seen]
    features = (torch.cat(column).to(dtype).cpu() for column in zip(*parts, strict=True))
    return {
        name: feature.unflatten(0, pictures.shape[:2]).contiguous()
        for name, feature in zip(NAMES, features, strict=True)
    }


def _check_range(shard: Shard, features: dict[str, Tensor], dtype: str) -> None:
    for values in features.values():
        if not (finite := values.flatten(1).isfinite().all(1)).all():
            path = shard.records[int(finite.logical_not().nonzero()[0])].path
            raise InputError(f"The features of {path} are beyond {dtype}; set data.cache_dtype to bfloat16 or float32.")


def _drop_older_unfinished(folder: Path) -> None:
    """Delete what killed processes of earlier versions left behind, which named it after its shard."""
    for path in folder.glob(".*.safetensors.*.unfinished"):
        path.unlink(missing_ok=True)


def _write(path: Path, content: bytes) -> None:
    """Write a shard that is there whole or not at all."""
    try:
        with whole_file(path, durable=True) as unfinished:
            unfinished.write_bytes(content)
    except OSError as error:
        raise InputError(
            f"{path} cannot be written ({error.strerror}); make room or name another place with data.cache, and the "
            "same command goes on."
        ) from error
