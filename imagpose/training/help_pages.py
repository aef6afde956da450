"""What ``--help`` says of a command for experiments: a page, where the parser's own is a thousand lines."""

from __future__ import annotations

from argparse import SUPPRESS, Action, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from jsonargparse import DefaultHelpFormatter

from imagpose.options.parse_errors import OptionParser
from imagpose.options.program import program
from imagpose.training.composing import SHORT, names

ABOUT = {
    "fit": "Train or resume an experiment, then test it; its results are in runs/<experiment>/version_<n>.",
    "validate": "Generate and score the validation pairs of a run, -c <run>/config.yaml --folder <run>.",
    "test": "Evaluate a run on the test pairs, -c <run>/config.yaml --folder <run>.",
}
"""What the commands on runs do."""
_ALL = "--help_all"
_MEANINGS = {
    "lr": "learning rate",
    "base": "the base model: {bases}, or a name of weights",
    "encoder": "the image encoder: {encoders}, or a class",
    "start": "the run or pipeline folder to go on from",
    "data": "the dataset's folder",
    "size": "height and width of the images, such as 256x176",
    "batch_size": "canvases a step on each device",
    "max_steps": "steps to train",
    "precision": "such as bf16-mixed, 16-mixed or 32",
    "devices": "how many, or a list of them",
    "seed": "of every random number",
}


class _Formatter(DefaultHelpFormatter, RawDescriptionHelpFormatter):
    """Keeps the lines of the ending, and says no types."""

    def _get_help_string(self, action: Action) -> str:
        return f"{action.help} (default: {action.default})" if isinstance(action.default, Path) else str(action.help)


def show_help(command: str, about: str, args: list[str], add_arguments: Callable[[Any], Any]) -> None:
    """Print the page and exit if ``--help`` asks for it; ``--help_all`` becomes the parser's own ``--help``.

    Args:
        command: Its name.
        about: What it does, in a sentence.
        args: Words after it, which are changed.
        add_arguments: Adds the options that are the command's own.

    Raises:
        SystemExit: It was asked for and printed, as by every other command's parser.
    """
    if _ALL in args:
        args[:] = ["--help"]
    elif {"-h", "--help"} & set(args):
        _page(command, about, add_arguments).print_help()
        raise SystemExit(0)


def _page(command: str, about: str, add_arguments: Callable[[Any], Any]) -> OptionParser:
    call = f"{program()} {command}"
    parser = OptionParser(
        prog=call, usage=f"{call} [--exp NAME] [options]", description=about, formatter_class=_Formatter,
        add_help=False, epilog="\n".join(_ending(call)),
    )  # fmt: skip
    experiment = parser.add_argument_group("experiment")

    def add(group: Any, name: str, metavar: str, meaning: str) -> None:
        group.add_argument(name, metavar=metavar, help=meaning, default=SUPPRESS)

    add(experiment, "--exp", "NAME", f"on its base: {_list('')}; of the embedded weights: {_list('embedded')}")
    add(experiment, "--with", "NAME ...", f"overlays: {_list('overlays')}")
    add(experiment, "-c", "FILE", "a file of options, by its path or name; repeatable, later ones win")
    short = parser.add_argument_group("options that are changed most, and their full names")
    for name, full in SHORT.items():
        meaning = _MEANINGS[name].format(bases=_list("bases"), encoders=_list("encoders"))
        add(short, f"--{name}", "VALUE", f"{meaning} ({', '.join(f'--{one}' for one in full)})")
    add_arguments(parser.add_argument_group("the command's own"))
    return parser


def _list(folder: str) -> str:
    return ", ".join(names(folder))


def _ending(call: str) -> Sequence[str]:
    return (
        "every other option is one of the trainer, the model or the data, by its full name:",
        "  --trainer.accumulate_grad_batches 2 --model.init_args.guidance.scale 3",
        f"  {call} {_ALL} lists Lightning's trainer; of a class, its options:",
        f"  {call} --model.help imagpose.module.IMAGPose",
        f"  {call} --data.help imagpose.data.datamodule.PoseDataModule",
    )
