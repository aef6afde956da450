"""``python -m imagpose gallery``: rows of source, pose, truth and each method's picture (Figures 5, 9, 10, 12)."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from imagpose.data.body_pose import BodyPose
from imagpose.data.images import open_view
from imagpose.data.readers.layouts import open_index
from imagpose.data.sampling import across_people
from imagpose.errors import InputError
from imagpose.evaluation.matching import match, read
from imagpose.options.parser import Parser, named
from imagpose.options.ranges import PositiveInt, Seed, argument
from imagpose.output.files import drop_unfinished, whole_file
from imagpose.output.sheet import lay_out

_NOT_RUN = (235, 235, 235)  # the empty cell of a pair that a method has no picture of


def gallery(args: Sequence[str]) -> None:
    """Carry out the command.

    Raises:
        InputError: An option or a file is not as it must be; the sentence says which.
    """
    parser = Parser(
        prog="python -m imagpose gallery", formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        description="One row a pair: source, pose, truth and each method's picture.",
    )  # fmt: skip
    parser.add_argument(
        "--results",
        type=named,
        nargs="+",
        required=True,
        metavar="NAME=DIR",
        help="a method and its folder of pictures",
    )
    parser.add_argument("--data", type=Path, required=True, help="the dataset with the true pictures")
    parser.add_argument("--pairs", type=Path, help="the pairs to show; default: the folder's test pairs")
    parser.add_argument(
        "--rows", type=argument(PositiveInt), default=8, help="how many pairs, of as many people as can be"
    )
    parser.add_argument("--seed", type=argument(Seed), default=0, help="of which pairs are drawn")
    parser.add_argument("--out", type=Path, default=Path("gallery.png"), help="the picture to write")
    options = parser.parse_args(args)
    kind = Image.registered_extensions().get(options.out.suffix.lower())
    if kind not in Image.SAVE:
        raise InputError(f"{options.out} has no picture's ending; name another --out, such as gallery.png.")
    index = open_index(options.data)
    pairs = index.pairs_of(options.pairs) if options.pairs else index.pairs("test")
    methods = {name: match(Path(folder), pairs).outputs for name, folder in options.results}
    if len(methods) < len(options.results):
        raise InputError("--results names a method twice; give each method its own name.")
    shown = [pair for pair in dict.fromkeys(pairs) if any(pair in outputs for outputs in methods.values())]
    if not shown:
        raise InputError(f"No folder of --results has a picture of a pair of {options.pairs or options.data}.")
    people = [index.records[target].person for _, target in shown]
    chosen = [shown[i] for i in across_people(people, options.seed, options.rows)]

    sources = [open_view(index.records[source], index.root) for source, _ in chosen]
    truths = [open_view(index.records[target], index.root) for _, target in chosen]
    made = {
        name: [Image.fromarray(read(outputs[pair][0])) if pair in outputs else None for pair in chosen]
        for name, outputs in methods.items()
    }
    size = next(picture.size for pictures in made.values() for picture in pictures if picture)
    records = [index.records[target] for _, target in chosen]
    poses = [BodyPose(record.frame, record.keypoints).picture((size[1], size[0])) for record in records]
    empty = Image.new("RGB", size, _NOT_RUN)
    columns = [("source", sources), ("pose", poses), ("truth", truths)]
    columns += [(name, [picture or empty for picture in pictures]) for name, pictures in made.items()]
    rows = [(heading, [[picture] for picture in pictures]) for heading, pictures in columns]
    sheet = lay_out(rows, size, [f"{source} to {target}" for source, target in chosen])
    try:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        drop_unfinished(options.out.parent)
        with whole_file(options.out) as unfinished:
            sheet.save(unfinished, format=kind)
    except OSError as error:
        raise InputError(f"{options.out} cannot be written ({error}); name another --out.") from error
    print(f"{options.out} shows {len(chosen)} of {len(shown)} pairs.")
