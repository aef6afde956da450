"""Every experiment file through the real command line, at full size, without a weight being read."""

import json
import os
from pathlib import Path

import pytest
import torch

from imagpose.__main__ import main
from imagpose.models.encoders import TimmEncoder
from imagpose.module import IMAGPose
from imagpose.training.cost import estimate
from imagpose.training.experiment import read_experiment
from tests.conftest import ROOT
from tests.published import write_everything

GOLDEN = ROOT / "tests/golden/parameters.json"  # UPDATE_GOLDEN=1 writes it
PAPER = sorted(
    path.stem for path in (ROOT / "experiments").glob("*.yaml")
    if path.stem.startswith(("sd15_", "sd21_", "ablation_", "deepfashion_", "market", "m1"))
    and not path.stem.endswith("_distilled")  # which starts from what was trained here
)  # fmt: skip


@pytest.fixture(scope="session")
def published(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("published")
    write_everything(root)
    return root


def examine(tmp_path, *words: str) -> tuple[int, dict]:
    path = tmp_path / "findings.json"
    code = main(["doctor", *words, "--json", str(path)])
    return code, json.loads(path.read_text())


def configs(*names: str) -> list[str]:
    return [word for name in ("_base", *names) for word in ("-c", str(ROOT / "experiments" / f"{name}.yaml"))]


FAST = (
    "ablation_b0",
    "deepfashion_512",
    "market1501",
    "sd15_clipb",
    "sd15_dinov2g",
    "sd21_cliph",
)  # the others are slow


@pytest.mark.parametrize("name", [pytest.param(name, marks=() if name in FAST else pytest.mark.slow) for name in PAPER])
def test_every_experiment_of_the_paper_fits_the_published_weights(name, published, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("IMAGPOSE_WEIGHTS", str(published))
    monkeypatch.chdir(tmp_path)  # no dataset lies here
    monkeypatch.setattr("imagpose.training.doctor._memory", lambda *args: None)  # the overlays' test looks at it
    code, found = examine(tmp_path, *configs(name))
    assert set(found["weights"]) == {"VAE", "image encoder", "UNet"}
    assert all(text.startswith(str(published)) for text in found["weights"].values()), found["problems"]
    assert code == 1
    assert [problem.split(":")[0] for problem in found["problems"]] == ["data"]
    counts = {"trainable": found["trainable"], "frozen": found["frozen"]}
    golden = json.loads(GOLDEN.read_text())
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(json.dumps(dict(sorted({**golden, name: counts}.items())), indent=1) + "\n")
    else:
        assert counts == golden[name]


def test_there_are_twelve_variants_five_ablations_and_the_rest():
    assert len([name for name in PAPER if name.startswith("sd")]) == 12
    assert [name for name in PAPER if name.startswith("ablation")] == [f"ablation_b{i}" for i in range(5)]
    assert {"m1", "deepfashion_256", "deepfashion_512", "market1501"} < set(PAPER)
    assert set(json.loads(GOLDEN.read_text())) == set(PAPER)


def test_the_ablations_switch_off_what_the_paper_says():
    golden = {name: counts["trainable"] for name, counts in json.loads(GOLDEN.read_text()).items()}
    b0, full = golden["ablation_b0"], golden["sd15_dinov2g"]
    cva, texture, images = golden["ablation_b1"] - b0, golden["ablation_b2"] - b0, 4 * 320 * 9
    assert texture == 4 * 768 * 16 * 16 + 768  # the tokenizer of Section 4
    assert golden["ablation_b3"] == b0 + cva + images
    assert golden["ablation_b4"] == b0 + texture + images
    assert full == b0 + cva + texture + images
    assert golden["m1"] == b0 - 320 * 9  # no mask plane either
    assert golden["deepfashion_256"] == golden["deepfashion_512"] == full


@pytest.mark.slow
def test_overlays_change_what_they_name(published, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("IMAGPOSE_WEIGHTS", str(published))
    monkeypatch.chdir(tmp_path)
    overlays = sorted(p.stem for p in (ROOT / "experiments/overlays").glob("*.yaml"))
    found = {name: examine(tmp_path, *configs("sd15_dinov2b", f"overlays/{name}"))[1] for name in overlays}
    plain = examine(tmp_path, *configs("sd15_dinov2b"))[1]["memory"]
    memory = {name: findings["memory"] for name, findings in found.items()}
    gpus = {name for name in overlays if any("asks for 8 GPUs" in problem for problem in found[name]["problems"])}
    assert gpus == {"eight_gpus", "fsdp", "deepspeed"}
    assert {name for name in overlays if memory[name]["average"] == 0} == {"fsdp", "deepspeed"}
    assert memory["fsdp"]["weights"] * 8 == memory["deepspeed"]["weights"] == plain["weights"]
    assert memory["fsdp"]["gradients"] * 8 == memory["deepspeed"]["gradients"] * 8 == plain["gradients"]
    assert memory["low_memory"]["frozen"] * 2 == plain["frozen"]
    assert (
        plain["cached"] == plain["total"] - plain["frozen"] - plain["vae"]
    )  # its activations are more than comes after
    assert memory["low_memory"]["activations"] < plain["activations"] / 2
    assert memory["adamw8bit"]["optimizer"] * 4 == plain["optimizer"]
    assert memory["fp16"] == plain
    with torch.device("meta"):
        module = IMAGPose(TimmEncoder(model="resnet18"), "stable-diffusion-v1-5", ema_device="cpu")
    on_gpu, on_cpu = (estimate(module, (128, 64), 1, "bf16-mixed", gpu=gpu) for gpu in (True, False))
    assert (on_gpu.average, on_cpu.average) == (0, on_cpu.weights)


def test_what_a_strategy_lacks_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for strategy, problem in (("fsdp", "ema_decay must be null"), ("deepspeed_stage_2", "pip install deepspeed")):
        code, found = examine(tmp_path, *configs("tiny"), "--trainer.strategy", strategy)
        assert code == 1
        assert any(problem in told for told in found["problems"])
        assert any("needs GPUs and this machine has none" in told for told in found["problems"])


@pytest.mark.slow
def test_memory_is_of_the_panels_that_take_most(tmp_path):
    words = [*configs("tiny"), "--data.init_args.panels"]
    module = read_experiment([*words, "[4]"], lambda parser: None, device="meta").module

    def found(*panels):
        return estimate(module, (64, 44), 8, "32-true", panels=panels).total

    assert found(2) < found(4) == estimate(module, (64, 44), 8, "32-true").total < found(9)
    assert found(4) < found(4, 9) == found(9, 4) < found(9)  # four canvases of nine panels, not eight
    assert examine(tmp_path, *words, "[9]")[1]["memory"]["vae"] > examine(tmp_path, *words, "[4]")[1]["memory"]["vae"]
