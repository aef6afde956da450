"""What the doctor finds of an experiment, in sentences and an exit code."""

import json

import pytest
import torch

from imagpose.__main__ import main
from imagpose.training import doctor
from imagpose.training.cost import GIB


@pytest.fixture
def words(tiny_words):
    """Of an experiment that could start."""
    return tiny_words[: tiny_words.index("--runs")] + tiny_words[tiny_words.index("--runs") + 2 :]


@pytest.fixture
def examine(words, tmp_path, capsys):
    def examine_(*more: str) -> tuple[int, dict, str]:
        path = tmp_path / "findings.json"
        code = main(["doctor", *words, *more, "--json", str(path)])
        told = capsys.readouterr()
        assert "Traceback" not in told.err
        return code, json.loads(path.read_text()), told.out

    return examine_


@pytest.fixture
def room(monkeypatch):
    """Makes a machine of so many GiB without a GPU."""

    def make(gib: float) -> None:
        monkeypatch.setattr(doctor.torch.cuda, "device_count", lambda: 0)
        monkeypatch.setattr(doctor, "_container_limit", lambda: int(gib * GIB))

    return make


def test_a_run_of_a_lora_is_nothing_to_start_from(examine, tmp_path):
    last = tmp_path / "lora/checkpoints/last.ckpt"
    last.parent.mkdir(parents=True)
    torch.save({"state_dict": {}, "start": "0123"}, last)
    code, found, _ = examine("--model.init_args.start", str(tmp_path / "lora"))
    assert code == 1
    assert f"{last} holds a LoRA alone; write its run as a whole pipeline folder" in found["problems"][0]


def test_an_experiment_that_could_start_is_code_0(examine):
    code, found, told = examine()
    assert code == 0
    assert found["problems"] == []
    assert told.splitlines()[-1] == "Training could start."
    assert found["weights"]["VAE"].endswith("MB)")
    assert found["memory"]["total"] <= found["available"]
    assert "images of" in found["data"]


def test_missing_weights_are_code_1_and_named_with_where_to_put_them(examine):
    code, found, told = examine("--model.init_args.encoder.init_args.weights_name", "nowhere")
    assert code == 1
    assert found["weights"]["image encoder"] == "nowhere: not usable, see below"
    (problem,) = found["problems"]
    assert problem.startswith("image encoder: Weights 'nowhere' were not found; put the folder in one of: ")
    assert f"✗ {problem}" in told.splitlines()
    assert "Training could start." not in told


def test_data_that_cannot_be_read_is_code_1_and_the_rest_is_examined(examine, tmp_path):
    (tmp_path / "empty").mkdir()
    code, found, _ = examine("--data.init_args.root", str(tmp_path / "empty"))
    assert code == 1
    assert found["data"] == f"{tmp_path / 'empty'}: not usable, see below"
    assert [problem.split(":")[0] for problem in found["problems"]] == ["data"]
    assert found["trainable"] > 0


def test_too_little_memory_is_code_1_and_what_is_advised_would_fit(examine, room):
    batch = ["--data.init_args.batch_size", "8"]
    need = examine(*batch)[1]["memory"]["total"] / GIB
    room(need * 0.9)
    code, found, told = examine(*batch)
    assert code == 1
    (problem,) = found["problems"]
    assert problem.startswith(f"memory: a step at batch 8 takes about {need:.1f} GiB, and this machine (no GPU, ")
    assert f"→ {found['advice']}" in told.splitlines()
    options = found["advice"].partition("(without make: ")[2].removesuffix(").").split()
    assert options[:2] == ["--with", "low_memory"]
    code, found, _ = examine(*options, *([] if "--batch_size" in options else batch))
    assert (code, found["problems"]) == (0, [])


def test_a_machine_that_nothing_fits_is_told(examine, room):
    room(0.1)
    code, found, _ = examine("--data.init_args.batch_size", "1")
    assert code == 1
    assert found["advice"] == "It would not fit with any of its settings; take smaller images or another machine."


def test_more_gpus_than_there_are_are_told(examine, monkeypatch):
    monkeypatch.setattr(doctor.torch.cuda, "device_count", lambda: 0)
    code, found, _ = examine("--trainer.accelerator", "gpu", "--trainer.devices", "8")
    assert code == 1
    assert any("asks for 8 GPUs and this machine has 0" in problem for problem in found["problems"])
