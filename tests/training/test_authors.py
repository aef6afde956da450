"""The authors' three stages: each starts from the one before, and leaves what it does not train as it was."""

import json

import pytest
import torch
import yaml
from diffusers import MotionAdapter

from imagpose import ImagposePipeline
from imagpose.__main__ import main
from imagpose.module import IMAGPose
from imagpose.training.composing import expand, experiment_name
from imagpose.training.experiment import read_options
from tests.conftest import ROOT
from tests.published import write_everything, write_sparse


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize("small", ["", "tiny_"])
def test_the_stages_follow_each_other_and_train_what_the_authors_do(small):
    stages = [["--exp", f"authors/{small}stage{i}"] for i in (1, 2, 3)]
    names = [experiment_name(expand(words)[1::2]) for words in stages]
    assert names == [f"authors_{small}stage{i}" for i in (1, 2, 3)]
    read = [read_options(words) for words in stages]
    models = [options.model.init_args for options in read]
    assert [model.start for model in models] == [None, *(f"runs/{name}/version_0" for name in names[:2])]
    assert [model.trainable for model in models] == [["unet", "pose_encoder", "flc"], ["cva"], None]
    for model in models:
        assert (model.cva, model.min_snr_gamma, model.noise_offset, model.ema_decay) == ("motion", 5, 0.05, None)
        assert (model.schedule.zero_terminal_snr, model.guidance.form, model.timesteps) == (True, "tokens", "uniform")
    if not small:
        assert [options.trainer.max_steps for options in read] == [50_000, 200_000, 50_000]
        assert models[2].lr == 1e-6
        assert {model.vae for model in models} == {"stabilityai/sd-vae-ft-mse"}


@pytest.mark.slow
def test_the_second_stage_fits_the_published_motion_module(tmp_path, monkeypatch, capsys):
    published = tmp_path / "published"
    write_everything(published)
    with torch.device("meta"):
        shapes = {name: tuple(one.shape) for name, one in MotionAdapter(use_motion_mid_block=True).state_dict().items()}
    write_sparse(published / "animatediff-motion-adapter-v1-5-2/diffusion_pytorch_model.safetensors", shapes)
    monkeypatch.setenv("IMAGPOSE_WEIGHTS", str(published))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("imagpose.training.doctor._memory", lambda *args: None)
    words = ["doctor", "--exp", "authors/stage2", "--json", "found.json", "--model.init_args.vae", "null"]
    assert main(words) == 1
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["weights"]["CVA"].startswith(str(published))
    assert [problem.split(":")[0] for problem in found["problems"]] == ["network to go on from", "data"]
    with torch.device("meta"):
        cva = sum(p.numel() for p in MotionAdapter(use_motion_mid_block=True).parameters())
    assert found["trainable"] == cva  # as many as the module was published with


def weights(run) -> dict[str, torch.Tensor]:
    return torch.load(run / "checkpoints/last.ckpt", weights_only=True)["state_dict"]


def changed(before: dict, after: dict) -> set[str]:
    """The parts of which a parameter has other bits."""
    names = [name.removeprefix("network.") for name in before if not torch.equal(before[name], after[name])]
    return {"cva" if ".cva." in name else name.split(".")[0] for name in names}


@pytest.mark.slow
def test_three_stages_end_to_end_resumed_within_and_ended_in_a_pipeline(mannequin_root, tmp_path, monkeypatch, capsys):
    def fit(stage: int, runs, *options: str) -> int:
        start = (
            []
            if stage == 1
            else ["--model.init_args.start", str(tmp_path / f"authors_tiny_stage{stage - 1}/version_0")]
        )
        words = [
            "--exp",
            f"authors/tiny_stage{stage}",
            "-c",
            "tests/quick.yaml",
            "--name",
            f"authors_tiny_stage{stage}",
        ]
        words += ["--trainer.max_steps", "4", "--trainer.val_check_interval", "4", "--data.init_args.num_workers", "0"]
        return main(
            ["fit", *words, "--runs", str(runs), "--data.init_args.root", str(mannequin_root), *start, *options]
        )

    assert fit(1, tmp_path) == 0
    first = tmp_path / "authors_tiny_stage1/version_0"
    assert yaml.safe_load((first / "config.yaml").read_text())["model"]["init_args"]["trainable"][0] == "unet"
    assert not any(tensor.any() for name, tensor in weights(first).items() if ".cva.project_out." in name)

    whole = tmp_path / "whole"
    assert fit(2, whole) == 0
    step, stops = IMAGPose.training_step, iter([False, False, True])

    def interrupted(self, batch, batch_idx):
        if next(stops, False):
            raise RuntimeError("the power is gone")
        return step(self, batch, batch_idx)

    monkeypatch.setattr(IMAGPose, "training_step", interrupted)
    assert fit(2, tmp_path) != 0
    second = tmp_path / "authors_tiny_stage2/version_0"
    assert not (second / "metrics.json").exists()
    capsys.readouterr()
    assert fit(2, tmp_path, "--model.init_args.trainable", "[unet]") == 2
    assert "model.init_args.trainable is ['cva'] in" in capsys.readouterr().err
    assert fit(2, tmp_path) == 0
    assert "Resuming" in capsys.readouterr().out
    assert changed(weights(first), weights(second)) == {"cva"}
    assert changed(weights(whole / "authors_tiny_stage2/version_0"), weights(second)) == set()
    (optimizer,) = torch.load(second / "checkpoints/last.ckpt", weights_only=True)["optimizer_states"]
    of_cva = [name for name in weights(second) if ".cva." in name and not name.endswith("pos_embed.pe")]
    assert len(optimizer["state"]) == len(of_cva)

    assert fit(3, tmp_path) == 0
    third = tmp_path / "authors_tiny_stage3/version_0"
    assert changed(weights(second), weights(third)) == {"cva", "flc", "pose_encoder", "unet"}
    assert json.loads((third / "metrics.json").read_text())["steps"] == 4
    assert main(["export", "--run", str(third), "--out", str(tmp_path / "pipeline")]) == 0
    pipe = ImagposePipeline.from_pretrained(str(tmp_path / "pipeline"))
    assert pipe.network.config["cva"] == "motion"
    drawn = ["--model", str(tmp_path / "pipeline"), "--out", str(tmp_path / "drawn"), "--steps", "2"]
    source = ["--source", "examples/source.jpg", "--source_pose", "examples/source.json"]
    assert main(["generate", *drawn, *source, "--target_pose", "examples/pose_1.json"]) == 0
    assert len(list((tmp_path / "drawn").rglob("*.png"))) >= 1
