"""``imagpose gallery``: rows of source, pose, truth and each method's picture (Figures 5, 9, 10, 12)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from imagpose.data.body_pose import BodyPose
from imagpose.data.images import open_view
from imagpose.data.readers.layouts import open_index
from imagpose.data.sampling import across_people
from imagpose.errors import InputError
from imagpose.evaluation.matching import match, read
from imagpose.options.ranges import PositiveInt, Seed, check_arguments
from imagpose.output.files import drop_unfinished, whole_file
from imagpose.output.sheet import lay_out

_NOT_RUN = (235, 235, 235)  # the empty cell of a pair that a method has no picture of


@dataclass(frozen=True, kw_only=True)
class GalleryRequest:
    """Methods whose pictures to lay side by side.

    Attributes:
        results: Each method's folder of pictures: name=DIR.
        data: The dataset with the true pictures.
        pairs: The pairs to show; the dataset's test pairs unless given.
        rows: How many pairs, of as many people as can be.
        seed: Of which pairs are drawn.
        out: The picture to write.
    """

    results: dict[str, Path]
    data: Path
    pairs: Path | None = None
    rows: PositiveInt = 8
    seed: Seed = 0
    out: Path = Path("gallery.png")

    def __post_init__(self) -> None:
        check_arguments(type(self), vars(self), "--")


def gallery(request: GalleryRequest) -> None:
    """Lay pictures out, one row a pair: source, pose, truth and each method's picture.

    Raises:
        InputError: A file is not as it must be; the sentence says which.
    """
    kind = Image.registered_extensions().get(request.out.suffix.lower())
    if kind not in Image.SAVE:
        raise InputError(f"{request.out} has no picture's ending; name another --out, such as gallery.png.")
    index = open_index(request.data)
    pairs = index.pairs_of(request.pairs) if request.pairs else index.pairs("test")
    methods = {name: match(folder, pairs).outputs for name, folder in request.results.items()}
    shown = [pair for pair in dict.fromkeys(pairs) if any(pair in outputs for outputs in methods.values())]
    if not shown:
        raise InputError(f"No folder of --results has a picture of a pair of {request.pairs or request.data}.")
    people = [index.records[target].person for _, target in shown]
    chosen = [shown[i] for i in across_people(people, request.seed, request.rows)]

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
        request.out.parent.mkdir(parents=True, exist_ok=True)
        drop_unfinished(request.out.parent)
        with whole_file(request.out) as unfinished:
            sheet.save(unfinished, format=kind)
    except OSError as error:
        raise InputError(f"{request.out} cannot be written ({error}); name another --out.") from error
    print(f"{request.out} shows {len(chosen)} of {len(shown)} pairs.")
