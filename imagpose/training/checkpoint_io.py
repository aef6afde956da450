"""How checkpoints reach the disk."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import TorchCheckpointIO
from lightning.fabric.utilities.cloud_io import _is_local_file_protocol

from imagpose.output.files import whole_file


class CheckpointFiles(TorchCheckpointIO):
    """Writes a local checkpoint beside the one it replaces, which is kept until the new one is whole on the disk.

    Lightning writes into the folder for temporary files and moves: from another file system that is a copy over the
    only good checkpoint, and a kill or a full disk meanwhile leaves half of one. It also holds a second copy of the
    checkpoint in memory.

    A checkpoint that cannot be written ends no run, as the one before it is whole: it is said, the run goes on, and
    the next save tries again.

    Attributes:
        failure: Why the newest checkpoint was not written; None where it was.
    """

    failure: str | None = None

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None) -> None:
        """Save, or say why not."""
        if storage_options is not None or not _is_local_file_protocol(path):
            super().save_checkpoint(checkpoint, path, storage_options)
            return
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            with whole_file(Path(path), durable=True) as unfinished, open(unfinished, "wb") as file:
                torch.save(checkpoint, file)
        except OSError as error:
            self._tell(path, checkpoint, error.strerror or str(error))
        except RuntimeError as error:  # torch's writer at the end of a file that could not be written
            cause = error.__context__
            if not isinstance(cause, OSError):
                raise
            self._tell(path, checkpoint, cause.strerror or str(cause))
        else:
            self.failure = None

    def remove_checkpoint(self, path: str | Path) -> None:
        """Remove one that another has replaced, unless that other could not be written."""
        if self.failure is None:
            super().remove_checkpoint(path)

    def _tell(self, path: str | Path, checkpoint: dict[str, Any], why: str) -> None:
        self.failure = why
        print(
            f"\nWarning: {path} was not saved at step {checkpoint.get('global_step')} ({why}); what was there before "
            "is kept, and the run goes on and tries again at its next save.",
            file=sys.stderr,
        )
