"""What a run at the paper's settings spends besides training: counted, on the paper's eight GPUs."""

import inspect

import pytest
import yaml

from imagpose.callbacks.checkpoint import SHARE
from imagpose.data.datamodule import PoseDataModule
from tests.conftest import ROOT

GPUS, TEST_PAIRS = 8, 8570  # of DeepFashion
SECONDS = 13 * 3600  # of all steps at 100 TFLOP/s a GPU (docs/reproduce.md)
CHECKPOINT, WRITTEN = 17.4, 2.0  # GB, and GB a second
FORWARD_AND_BACKWARD = 3  # in forwards; checkpointing would add one
GUIDED = 2  # forwards a step of sampling


def test_evaluation_and_checkpoints_take_at_most_a_twentieth():
    options = yaml.safe_load((ROOT / "experiments/_base.yaml").read_text())
    trainer, model, data = options["trainer"], options["model"]["init_args"], options["data"]["init_args"]
    validations = trainer["max_steps"] / trainer["val_check_interval"]
    pairs = inspect.signature(PoseDataModule).parameters["validation_pairs"].default
    trained = trainer["max_steps"] * data["batch_size"] * GPUS * FORWARD_AND_BACKWARD
    sampled = model["sampling_steps"] * GUIDED
    validated = validations * pairs * sampled / trained
    tested = TEST_PAIRS * sampled * 2 / trained  # the model, and the model given another person
    best = validations * CHECKPOINT / WRITTEN / SECONDS  # if each validation were better than the one before
    assert validated == pytest.approx(0.0013, abs=0.0002)
    assert tested == pytest.approx(0.024, abs=0.001)
    assert best == pytest.approx(0.011, abs=0.001)
    assert SHARE == 0.01
    assert validated + tested + best + SHARE <= 0.05
