"""An experiment as ``fit`` reads it, for commands that need its model and data but no trainer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
import yaml
from lightning.pytorch.cli import LightningArgumentParser

from imagpose.data.datamodule import PoseDataModule
from imagpose.errors import InputError
from imagpose.module import IMAGPose
from imagpose.options.renamed import read_older_names
from imagpose.training.cli import ExperimentCLI
from imagpose.training.drawn_root import check_root
from imagpose.training.quiet import quiet


class Experiment(NamedTuple):
    """What a command line says.

    Attributes:
        module: Built, no weights read.
        data: Not set up.
        options: All of them, by name.
    """

    module: IMAGPose
    data: PoseDataModule
    options: Any


class _Parser(ExperimentCLI):
    def instantiate_classes(self) -> None:
        pass


def read_options(args: Sequence[str]) -> Any:
    """All options of a command line, by name; nothing is built.

    Args:
        args: As for ``fit``, but none of its own (``--runs``, ``--name`` and so on).
    """
    return _read(_Parser, args).config


def read_plain_options(args: Sequence[str]) -> dict[str, Any]:
    """The same as a run keeps them in its ``config.yaml``, without the seed."""
    cli = _read(_Parser, args)
    plain = yaml.safe_load(cli.parser.dump(cli.config, skip_none=False, skip_check=True))
    return {group: plain[group] for group in ("trainer", "model", "data")}


def _read(reader: type[ExperimentCLI], args: Sequence[str]) -> ExperimentCLI:
    quiet()
    read_older_names()
    check_root(args)
    return reader(args=list(args), run=False, seed_everything_default=False)


def read_experiment(
    args: Sequence[str], add_arguments: Callable[[LightningArgumentParser], Any], device: str = "cpu"
) -> Experiment:
    """Build an experiment's model and data.

    Args:
        args: As for ``fit``: ``-c experiments/_base.yaml -c experiments/<name>.yaml`` and any option.
        add_arguments: Adds the command's own.
        device: Of the model; ``meta`` computes and keeps nothing.

    Raises:
        InputError: It is no experiment of IMAGPose, or its base model's configuration cannot be had.
    """

    class Reader(ExperimentCLI):
        def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
            add_arguments(parser)

        def instantiate_classes(self) -> None:
            with torch.device(device):
                built = self.parser.instantiate(self.config)
            self.model, self.datamodule = built["model"], built["data"]

    cli = _read(Reader, args)
    if not isinstance(cli.model, IMAGPose) or not isinstance(cli.datamodule, PoseDataModule):
        raise InputError("This command takes experiments of imagpose.module.IMAGPose; name one, such as tiny.")
    return Experiment(cli.model, cli.datamodule, cli.config)
