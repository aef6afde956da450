"""What a card has to tell: all parts run whole on a CPU, at next to no width, so that the first card finds no fault."""

import json
import time

import pytest
import torch

from benchmarks import gpu
from benchmarks.networks import full_size
from benchmarks.parts.card import Card, NotHereError, Variant
from benchmarks.parts.estimates import expected
from benchmarks.parts.processes import together
from benchmarks.steps import Steps
from imagpose.training.experiment import read_experiment


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)  # of what is so small, more only wait


def reports(folder) -> dict[str, dict]:
    found = (json.loads(path.read_text()) for path in folder.glob("*.json"))
    return {report["part"]: report for report in found}


@pytest.fixture
def parts(monkeypatch):
    """Takes parts in place of those that measure."""

    def put(**of) -> None:
        monkeypatch.setattr(gpu, "PARTS", {name: lambda card, of=of: of for name, of in of.items()})
        monkeypatch.setattr(gpu, "STARTED", time.monotonic())

    return put


@pytest.mark.slow
def test_every_part_runs_and_says_what_it_measured(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(gpu, "STARTED", time.monotonic())
    card = Card.here()
    assert card.device == "cpu"
    assert gpu.main(["--out", str(tmp_path)]) == 0
    found = reports(tmp_path)
    assert list(gpu.PARTS) == ["train", "sampling", "large", "nccl", "sharded", "compile"]
    assert found.keys() == gpu.PARTS.keys()
    for report in found.values():
        assert report["device"] == "cpu"
        assert report["network"] == "smallest"
        assert report["torch"] == torch.__version__
        assert report["date"].startswith("20")
        assert report["matrix_tflops"] > 0
    for one in found["train"]["variants"] + found["large"]["variants"]:
        assert one["state"] == "measured"
        assert one["steps_per_second"] > 0
        assert one["estimated_gib"] > 0
        assert one["tflop_a_step"] > 0
        assert one["matrix_share"] > 0
        assert one["peak_gib"] is None
        assert {"size", "panels", "batch", "checkpointing", "cached", "compile"} <= one.keys()
    for one in found["sampling"]["variants"]:
        assert one["seconds"] == pytest.approx(one["seconds_per_image"] * one["poses"] * one["batch"])
        assert one["calls"] == one["steps"] * (1 if one["guidance"] == 1 else 2)
    assert {one["panels"] for one in found["sampling"]["variants"]} == {2, 4, 9}
    assert {one["state"] for one in found["nccl"]["variants"]} == {"no card"}
    assert {one["state"] for one in found["sharded"]["variants"]} == {"no card, and shards need one"}
    assert {one["state"] for one in found["compile"]["variants"]} == {"a CPU's compiler takes minutes"}
    told = capsys.readouterr()
    assert "train, batch 1, checkpointing: " in told.out
    assert told.err == ""


def test_a_failure_is_a_sentence_and_the_rest_goes_on(parts, tmp_path, capsys):
    def broken() -> dict:
        raise ValueError("no such kernel\nand a second line")

    def full() -> dict:
        raise torch.OutOfMemoryError("CUDA out of memory")

    def absent() -> dict:
        raise NotHereError("one card")

    parts(
        first=[Variant("a", {}, broken), Variant("b", {}, full), Variant("c", {}, absent)],
        second=[Variant("d", {"batch": 3}, lambda: {"seconds": 0.5})],
    )
    assert gpu.main(["first", "second", "--out", str(tmp_path)]) == 1
    found = reports(tmp_path)
    states = [one["state"] for one in found["first"]["variants"]]
    assert states == ["failed: ValueError: no such kernel", "does not fit", "one card"]
    assert found["second"]["variants"] == [{"name": "d", "batch": 3, "state": "measured", "seconds": 0.5}]
    assert capsys.readouterr().err == "first, a failed: ValueError: no such kernel\n"


def test_what_time_does_not_allow_was_not_reached(parts, tmp_path):
    def endless() -> dict:
        while True:
            time.sleep(0.01)

    assert gpu.measured(Variant("a", {}, endless), time.monotonic() + 0.2) == {"state": "not reached"}
    time.sleep(0.3)  # nothing rings any more
    parts(first=[Variant("a", {}, lambda: {"seconds": 1.0})] * 2)
    assert gpu.main(["first", "--seconds", "0.001", "--out", str(tmp_path)]) == 0
    assert [one["state"] for one in reports(tmp_path)["first"]["variants"]] == ["not reached", "not reached"]


def test_a_report_is_there_whole_while_its_part_runs(parts, tmp_path):
    seen = []
    looking = Variant("b", {}, lambda: seen.append(reports(tmp_path)["first"]["variants"]) or {})
    parts(first=[Variant("a", {}, lambda: {"seconds": 1.0}), looking])
    gpu.main(["first", "--out", str(tmp_path)])
    assert [one["state"] for one in seen[0]] == ["measured", "not reached"]


def test_an_unknown_part_is_refused(capsys):
    with pytest.raises(SystemExit, match="2"):
        gpu.main(["trian"])
    assert "there is no part 'trian'; there are: train, sampling" in capsys.readouterr().err


def test_the_network_is_the_experiment_s():
    def shapes(module) -> dict:
        return {name: value.shape for name, value in module.state_dict().items()}

    ours, theirs = full_size("meta"), read_experiment(["--exp", "sd15_dinov2g"], lambda parser: None, "meta").module
    assert shapes(ours) == shapes(theirs)
    assert (ours.lr, ours.betas, ours.ema.decay) == (theirs.lr, theirs.betas, theirs.ema.decay)


def test_what_is_counted_beside_a_step():
    report = {"network": "smallest", "precision": "bf16-mixed", "matrix_tflops": 1.0}
    step = {
        "size": [32, 24], "panels": 4, "batch": 2, "checkpointing": False, "cached": False, "frozen_dtype": "float32",
        "steps_per_second": 2.0,
    }  # fmt: skip
    whole, cached, two = (expected(report, {**step, **of}) for of in ({}, {"cached": True}, {"batch": 4}))
    assert whole["matrix_share"] == pytest.approx(2 * whole["tflop_a_step"])
    assert two["tflop_a_step"] == pytest.approx(2 * whole["tflop_a_step"])
    assert cached["tflop_a_step"] < whole["tflop_a_step"]
    assert cached["estimated_gib"] < whole["estimated_gib"] < two["estimated_gib"]
    checkpointed = expected(report, {**step, "checkpointing": True})
    assert checkpointed["estimated_gib"] <= whole["estimated_gib"]
    assert checkpointed["tflop_a_step"] == whole["tflop_a_step"]


@pytest.mark.slow
def test_two_processes_step_together():
    found = together("ddp", 2, Steps(1, 1))
    assert found["steps_per_second"] > 0


@pytest.mark.slow
def test_a_process_that_fails_is_told_by_its_last_words():
    with pytest.raises(RuntimeError, match="no_such_strategy"):
        together("no_such_strategy", 1, Steps(1, 1))
