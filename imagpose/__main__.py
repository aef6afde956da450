"""The command line: ``imagpose COMMAND``, or ``python -m imagpose COMMAND``."""

from __future__ import annotations

import os
import sys
from difflib import get_close_matches
from functools import partial
from importlib import import_module
from itertools import groupby
from typing import NamedTuple

from imagpose.options.program import program


class Command(NamedTuple):
    """A row of the table of commands.

    Attributes:
        group: Its heading on the screen.
        place: Its function, ``module:name``.
        about: One line.
        example: Words after the command that work.
        takes_words: Whether the function takes the command line's words, as those of experiments do.
        interrupted: What an interrupted command leaves; None leaves an interruption to Lightning.
    """

    group: str
    place: str
    about: str
    example: str
    takes_words: bool = False
    interrupted: str | None = ""


_TINY = "--exp tiny"
_DATA = "--data data/mannequins"
_RUN = "-c runs/tiny/version_0/config.yaml --folder runs/tiny/version_0"
_GOES_ON = "the same command goes on where it stopped"
_NOTHING = "nothing was written, and the same command starts again"
_RESUMES = "the same command resumes the rows from their last checkpoints"
_EXPERIMENTS = "imagpose.training.commands"

COMMANDS = {
    "fit": Command("Train", f"{_EXPERIMENTS}:fit", "train or resume an experiment, then test it", _TINY, True, None),
    "validate": Command(
        "Train", f"{_EXPERIMENTS}:validate", "generate and score a run's validation pairs", _RUN, True, None
    ),
    "test": Command("Train", f"{_EXPERIMENTS}:test", "evaluate a run on the test pairs", _RUN, True, None),
    "doctor": Command(
        "Train", f"{_EXPERIMENTS}:doctor", "tell whether an experiment could start on this machine", _TINY, True
    ),
    "cache": Command(
        "Train", f"{_EXPERIMENTS}:cache", "compute what the frozen networks say of every training image, once", _TINY,
        True, _GOES_ON,
    ),
    "convert": Command(
        "Train", "imagpose.training.convert:convert", "others' weights as safetensors, by our names",
        "mm_sd_v15_v2.ckpt --out weights/motion/diffusion_pytorch_model.safetensors", interrupted=_NOTHING,
    ),
    "generate": Command(
        "Generate", "imagpose.generation.command:generate", "draw a person in new poses",
        "--source examples/source.jpg --source_pose examples/source.json --target_pose examples/pose_1.json",
        interrupted=_GOES_ON,
    ),
    "demo": Command(
        "Generate", "imagpose.demo.command:demo", "open a page in the browser that draws photographs in new poses",
        "--open", interrupted="the page is closed, and nothing of it is kept",
    ),
    "pose": Command(
        "Generate", "imagpose.generation.poses:pose",
        "find the pose of a photograph, look at a pose file, or write a dataset's",
        "examples/pose_1.json --show pose_1.png",
    ),
    "export": Command(
        "Generate", "imagpose.generation.export:export", "a run's averaged weights as a pipeline folder",
        "--run runs/tiny/version_0 --out weights/mine", interrupted=_NOTHING,
    ),
    "evaluate": Command(
        "Evaluate", "imagpose.evaluation.command:evaluate", "score a folder of pictures under the field's protocols",
        f"--generated generated/images {_DATA}",
    ),
    "compare": Command(
        "Evaluate", "imagpose.evaluation.compare:compare", "the paper's tables, printed scores beside measured ones",
        f"--results ours=generated/images {_DATA}",
    ),
    "gallery": Command(
        "Evaluate", "imagpose.evaluation.gallery:gallery", "source, pose, truth and each method's picture, row by row",
        f"--results ours=generated/images {_DATA}",
    ),
    "table": Command(
        "Reproduce", "imagpose.reproduction.command:table", "run what is missing of a table of the paper, and print it",
        "ablations --no_run", interrupted=_RESUMES,
    ),
    "uniformity": Command(
        "Reproduce", "imagpose.reproduction.uniformity:uniformity",
        "the paper's Figure 7: one trained model in each of its scenarios", "--sources 4", interrupted=_GOES_ON,
    ),
    "speed": Command(
        "Reproduce", "imagpose.reproduction.speed:speed",
        "the paper's Figure 8: what a picture takes, against its quality", "--sources 2 --repeats 1",
        interrupted=_GOES_ON,
    ),
    "panels": Command(
        "Reproduce", "imagpose.reproduction.panels:panels",
        "cost and quality on canvases of two, four, six and nine panels", "--sources 2 --repeats 1",
        interrupted=_GOES_ON,
    ),
    "guidance": Command(
        "Reproduce", "imagpose.reproduction.guidance:guidance",
        "which guidance serves a model best, on validation people", "--sources 4", interrupted=_GOES_ON,
    ),
    "visibility": Command(
        "Reproduce", "imagpose.reproduction.visibility:visibility",
        "what a model copies from its sources and what it invents", "--sources 4", interrupted=_GOES_ON,
    ),
    "strata": Command(
        "Reproduce", "imagpose.reproduction.strata:strata",
        "whether a table's rows differ more where a pair is harder", "ablations",
    ),
    "robustness": Command(
        "Reproduce", "imagpose.reproduction.robustness:robustness",
        "what noisy, missing and wrong inputs cost one trained model", "--sources 4 --kinds noise missing",
        interrupted=_GOES_ON,
    ),
    "reid run": Command(
        "Reproduce", "imagpose.reid.command:run",
        "the paper's Table 4: re-identification with generated pictures", "--no_run", interrupted=_RESUMES,
    ),
    "reid pictures": Command(
        "Reproduce", "imagpose.reid.pictures:pictures", "draw the people of a part of the pictures in other poses",
        "runs/reid_tiny_parts/20/data --of data/reid --percentage 20 --pairs runs/reid_tiny_parts/20/pairs.csv "
        "--run runs/reid_tiny_generator_20/version_0 --out runs/reid_tiny_parts/20/pictures_own",
        interrupted=_GOES_ON,
    ),
    "reid evaluate": Command(
        "Reproduce", "imagpose.reid.evaluate:evaluate", "score any method's features by Market-1501's protocol",
        "runs/reid_tiny_standard_100/version_0/features",
    ),
    "reid draw": Command(
        "Reproduce", "imagpose.data.mannequins.cameras:draw_cameras", "draw mannequins before six cameras", "data/reid",
        interrupted=_NOTHING,
    ),
    "styles": Command(
        "Reproduce", "imagpose.reproduction.styles:styles",
        "other styles than photographs: what 20 cartoon people teach the demo weights", "--sources 4",
        interrupted=_RESUMES,
    ),
    "study make": Command(
        "Study", "imagpose.study.making:make", "draw a user study, the paper's Figure 6, from folders of pictures",
        f"--results ours=generated/images {_DATA} --real 4 --best 0", interrupted=_NOTHING,
    ),
    "study serve": Command(
        "Study", "imagpose.study.serving:serve", "show a study's questions in the browser, and keep the votes", "study",
        interrupted="all votes are kept, and the same command goes on",
    ),
    "study report": Command(
        "Study", "imagpose.study.report:report", "R2G, G2R and Jab with intervals over raters and items", "study",
    ),
    "study export": Command(
        "Study", "imagpose.study.export:export", "a study's votes as CSV", "study --out votes.csv",
    ),
    "study delete": Command(
        "Study", "imagpose.study.delete:delete", "delete the votes of a rater who withdraws", "study --rater 1",
        interrupted="the rater's votes are all there or all gone",
    ),
    "study power": Command(
        "Study", "imagpose.study.power:power", "how many raters a difference needs", "--difference 5",
    ),
    "mannequins": Command(
        "Data", "imagpose.data.mannequins.folder:draw_set", "draw the embedded dataset", "data/mannequins",
        interrupted=_NOTHING,
    ),
    "gather": Command(
        "Data", "imagpose.gathering.command:gather", "make a dataset of photographs, a folder a person",
        "photos --out mine --framing figure", interrupted=_NOTHING,
    ),
    "check": Command(
        "Data", "imagpose.data.readers.check:check", "look at every row and every image of a dataset once",
        "data/mannequins",
    ),
}  # fmt: skip


def _usage() -> str:
    lines = [f"usage: {program()} COMMAND [options]"]
    for group, commands in groupby(COMMANDS.items(), key=lambda item: item[1].group):
        lines += ["", f"{group}:", *(f"  {name:<15}{command.about}" for name, command in commands)]
    more = f"{program()} COMMAND --help says more; with --debug a fault shows its stack trace; --version tells it."
    return "\n".join([*lines, "", more])


def main(args: list[str] | None = None) -> int:
    """Carry out one command; returns the exit code.

    Args:
        args: Words after the program's name; None takes the process's own.
    """
    # Imported here, so that the worker processes that re-import this module start quickly.
    from imagpose.options import exits
    from imagpose.output import fault

    args = sys.argv[1:] if args is None else args
    debug, args = fault.DEBUG in args, [word for word in args if word != fault.DEBUG]
    if not args or args[0] in ("-h", "--help"):
        print(_usage())
        return 0 if args else exits.REFUSED
    if args[0] == "--version":
        print(f"imagpose {fault.version_of('imagpose')}")
        return 0
    name, words = _named(args)
    if name not in COMMANDS:
        known = [one for one in COMMANDS if one.startswith(f"{args[0]} ")]
        near = [] if known and name == args[0] else get_close_matches(name, known or COMMANDS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known or COMMANDS)}."
        print(f"There is no command {name!r}; {hint}", file=sys.stderr)
        return exits.REFUSED
    return exits.ended(partial(_carry_out, name, words), args, f"{program()} {name}", COMMANDS[name].interrupted, debug)


def _named(args: list[str]) -> tuple[str, list[str]]:
    """A command's name and the words after it; the name has two words where others begin with the same, as study's."""
    several = any(name.startswith(f"{args[0]} ") for name in COMMANDS)
    count = 2 if several and args[1:] and not args[1].startswith("-") else 1
    return " ".join(args[:count]), args[count:]


def _carry_out(name: str, words: list[str]) -> int:
    command = COMMANDS[name]
    module, _, function = command.place.partition(":")
    of = getattr(import_module(module), function)
    from imagpose.options import commands, dialect

    try:
        return int(of(dialect.spelled(words))) if command.takes_words else commands.carry_out(of, words, name)
    except SystemExit as told:
        if not told.code and {"-h", "--help"} & set(words):
            print(f"\nGroup: {command.group}, see {program()} --help\nExample: {program()} {name} {command.example}")
        raise


def start() -> int:
    """Carry out the process's own command line, as a process of its own; returns the exit code."""
    # Before torch is loaded, and for all processes that this one starts: threads that wait in a loop for each other
    # take the cores from whoever has work, as soon as anything else runs on the machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    command = COMMANDS.get(_named(sys.argv[1:])[0]) if sys.argv[1:] else None
    if command and command.interrupted is not None:
        from imagpose.options.exits import end_when_asked

        end_when_asked()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr] # a terminal that has no × shows a ?
    return main()


if __name__ == "__main__":
    sys.exit(start())
