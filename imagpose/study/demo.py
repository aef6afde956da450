"""A study for newcomers: the demo weights' pictures of mannequins whom they never saw, in two settings."""

from __future__ import annotations

from pathlib import Path

from imagpose.data.mannequins.folder import MannequinSet, ensure
from imagpose.data.readers.layouts import open_index
from imagpose.data.sampling import across_people
from imagpose.data.scenarios import Setting
from imagpose.errors import InputError
from imagpose.evaluation.tables import to_csv
from imagpose.generation.command import generate
from imagpose.generation.request import GenerationRequest
from imagpose.output.files import write_whole
from imagpose.reproduction.trained import MANNEQUINS

_SETTINGS: tuple[Setting, ...] = ("T1", "T2")


def draw(folder: Path, data: Path | None, count: int, seed: int) -> tuple[dict[str, Path], Path, Path]:
    """Generate the pictures, or what is missing of them.

    Args:
        folder: Of the pictures. Each count and seed has a folder in it, with the list of pairs and a folder of each
            setting: other numbers are other pairs, and an unfinished study of these is gone on with.
        data: A dataset; None takes the mannequins, which are drawn if they are missing.
        count: Of pairs, of as many people as can be.
        seed: Of their choice, and of the pictures.

    Returns:
        The folder of pictures of each setting, the dataset, and the list of pairs.

    Raises:
        InputError: A file or the disk is not as it must be; the sentence says which.
    """
    folder = folder / f"{count}_pairs_seed_{seed}"
    if data is None:
        data = MANNEQUINS
        ensure(data, None if data.exists() else MannequinSet())
    index = open_index(data)
    pairs = list({pair[1]: pair for pair in index.pairs("test")}.values())
    people = [index.records[target].person for _, target in pairs]
    listed = folder / "pairs.csv"
    try:
        write_whole(listed, to_csv([("from", "to"), *(pairs[i] for i in across_people(people, seed, count))]))
    except OSError as error:
        raise InputError(f"{listed} cannot be written ({error.strerror}); name another --out.") from error
    for setting in _SETTINGS:
        print(f"{setting} of the demo weights:")
        generate(GenerationRequest(data=data, pairs=listed, scenario=setting, seed=seed, out=folder / setting))
    return {setting: folder / setting / "images" for setting in _SETTINGS}, data, listed
