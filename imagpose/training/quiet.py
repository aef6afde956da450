"""What Lightning says that tells a user nothing."""

from __future__ import annotations

import logging
import warnings

_OF_NO_USE = (
    "GPU available: False", "TPU available: False",
    "💡 Tip",  # of services that nobody asked for
    "You are using a CUDA device",  # whose precision for 32 bits is the experiment's choice
    "`weights_only` was not set",  # of our own saving, which pickles plain types
)  # fmt: skip


def _of_use(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(_OF_NO_USE)


def quiet() -> None:
    """Silence warnings and messages that tell a user nothing."""
    for talker in ("utilities.rank_zero", "trainer.connectors.checkpoint_connector"):
        logging.getLogger(f"lightning.pytorch.{talker}").addFilter(_of_use)
    for harmless in (
        "LightningCLI's args parameter is intended",  # we pass exactly what the user typed
        "Found .* module.s. in eval mode",  # frozen modules are, on purpose
        "Precision .* is not supported by the model summary",
        ".*isinstance.treespec.*",
        ".*does not have many workers",
        ".*is smaller than the logging interval",
        ".*weights_only. was not set",
        "You have overridden `on_before_batch_transfer`",  # in the module, for loaders but ours
        # The samples of our loaders are numbered, and a resumed loader begins at the next: nothing is unreliable.
        "You're resuming from a checkpoint that ended before the epoch ended",
        "Checkpoint directory .* exists and is not empty",  # of the run that is resumed, which replaces them
    ):
        warnings.filterwarnings("ignore", harmless)
