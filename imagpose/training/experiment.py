"""The one reader of experiments: of their words and files, and of the options that a run kept."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentError
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, NoReturn

import torch
import yaml
from lightning import LightningDataModule, LightningModule
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI

from imagpose.data.datamodule import PoseDataModule
from imagpose.errors import InputError
from imagpose.module import IMAGPose
from imagpose.options import trust
from imagpose.options.parse_errors import OptionParser
from imagpose.options.ranges import Seed
from imagpose.options.renamed import read_older_names, renamed
from imagpose.training import composing
from imagpose.training.drawn_root import check_root
from imagpose.training.option_checks import check_machine, check_options
from imagpose.training.quiet import quiet


class _ExperimentParser(OptionParser, LightningArgumentParser):
    """Lightning's parser, whose errors know of the short names too."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raise the error; see :func:`imagpose.options.parse_errors.sentence`."""
        try:
            super().error(message, ex)
        except ArgumentError as error:
            short = [f"--{name}" for name in ("exp", "with", *composing.SHORT)]
            error.options = [*getattr(error, "options", ()), *short]  # type: ignore[attr-defined]
            raise


class ExperimentCLI(LightningCLI):
    """Lightning's command line, which refuses a wrong option before anything is built, drawn or written."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            LightningModule, LightningDataModule, subclass_mode_model=True, subclass_mode_data=True,
            save_config_callback=None, parser_class=_ExperimentParser, **kwargs,
        )  # fmt: skip

    def add_default_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """The seed, in the range that numpy takes, and the line of files that says what they compose."""
        parser.add_argument(
            "--seed_everything", type=bool | Seed, default=self.seed_everything_default,
            help="of every random number that is not a function of the model's and the data's own seeds",
        )  # fmt: skip
        parser.add_argument(f"--{trust.COMPOSE}", type=list[str], default=[], help=SUPPRESS)  # read before

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Parse, and look at the options together."""
        super().parse_arguments(parser, args)
        command = self.config.get("subcommand")
        options = self.config[command] if command else self.config
        check_options(options)
        if command:  # the others train nothing on this machine
            check_machine(options)


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


class _Reader(ExperimentCLI):
    def instantiate_classes(self) -> None:
        pass


def words_of(args: Sequence[str]) -> list[str]:
    """The words of a command line as the parser takes them, once its data may be drawn where they say.

    Args:
        args: Words after the command.

    Raises:
        InputError: See :func:`imagpose.training.composing.expand`, :func:`imagpose.training.composing.check_base` and
            :func:`check_root`.
    """
    quiet()
    read_older_names()
    words = composing.expand(args)
    composing.check_base(words)
    check_root(words)
    return words


def read_options(args: Sequence[str]) -> Any:
    """All options of a command line, by name; nothing is built.

    Args:
        args: As for ``fit``, but none of its own (``--runs``, ``--name`` and so on).
    """
    return _read(_Reader, args).config


class PlainOptions(NamedTuple):
    """What a command line says, as a run keeps it in its ``config.yaml``, without the seed.

    Attributes:
        options: By group.
        parser: That read them.
    """

    options: dict[str, Any]
    parser: LightningArgumentParser

    def completed(self, stored: dict[str, Any]) -> dict[str, Any]:
        """Those groups of a run's stored options, as :func:`completed` has them."""
        return completed(self.parser, {group: stored[group] for group in self.options if group in stored})


def read_plain(args: Sequence[str]) -> PlainOptions:
    """The same as a run keeps them in ``config.yaml``, with what brings an older run's options into their form.

    Args:
        args: As for :func:`read_options`.
    """
    cli = _read(_Reader, args)
    plain = _plain(cli.parser, cli.config)
    return PlainOptions({group: plain[group] for group in ("trainer", "model", "data")}, cli.parser)


def completed(parser: LightningArgumentParser, stored: dict[str, Any]) -> dict[str, Any]:
    """A run's options by today's names, with the defaults of those that there were not yet when it was started.

    Args:
        parser: Of today's options.
        stored: Options whose classes may be imported.

    Raises:
        ArgumentError: They are of another version of this package.
    """
    return _plain(parser, parser.parse_object(renamed(stored)))


def _plain(parser: LightningArgumentParser, options: Any) -> dict[str, Any]:
    plain: dict[str, Any] = yaml.safe_load(parser.dump(options, skip_none=False, skip_check=True))
    return plain


def _read(reader: type[ExperimentCLI], args: Sequence[str]) -> ExperimentCLI:
    return reader(args=words_of(args), run=False, seed_everything_default=False)


def read_experiment(
    args: Sequence[str], add_arguments: Callable[[LightningArgumentParser], Any], device: str = "cpu"
) -> Experiment:
    """Build an experiment's model and data.

    Args:
        args: As for ``fit``: ``--exp <name>`` or ``-c`` and files, and any option.
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


def build_model(options: dict[str, Any]) -> IMAGPose:
    """The model of a run's options, no weights read.

    Args:
        options: As :func:`imagpose.options.trust.read_run` gives them; their other groups are not looked at.

    Raises:
        ArgumentError: They are of another version of this package.
    """
    parser = OptionParser()
    parser.add_argument("--model", type=IMAGPose)
    return parser.instantiate(parser.parse_object({"model": options["model"]})).model
