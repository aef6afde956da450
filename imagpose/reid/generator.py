"""The training data of a generator for re-identification: a part of the training pictures and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imagpose.data.datamodule import PoseDataModule
from imagpose.errors import InputError
from imagpose.options.ranges import Percentage, check_arguments
from imagpose.reid.parts import check_part, part_of


class PartDataModule(PoseDataModule):
    """The canvases of a part, which refuses to be set up on anything that is not in it.

    Args:
        of: The whole dataset that ``root`` is a part of; only the names of its pictures are looked at.
        percentage: Of its training pictures.
        kwargs: As of :class:`imagpose.data.datamodule.PoseDataModule`.
    """

    def __init__(self, of: Path, percentage: Percentage = 100, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_arguments(PartDataModule, locals(), "data.init_args.")
        self.of, self.percentage = Path(of), percentage

    def setup(self, stage: str) -> None:
        """Look at every file and every record.

        Raises:
            InputError: Something is from outside the part: a leak; or as in the parent class.
        """
        names = {one.name for one in part_of(self.of, self.percentage)}
        check_part(self.root, names)
        super().setup(stage)
        shown = [view.name for views in self.train for view in views]
        tested = [name for one in (*self.validation, *self.test) for name in (one.target, *one.sources)]
        if leaked := [name for name in (*shown, *tested) if name not in names]:
            raise InputError(f"{leaked[0]} is not in the part that the generator may see; have {self.root} made anew.")
