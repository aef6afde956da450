"""Stable Diffusion 1.5's real width trains and generates on this class of machine, through the real command line."""

import json
import os
import re
import resource
import shutil
import subprocess
import sys

import pytest
import timm
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import save_file

from imagpose.models.base import PUBLISHED
from tests.conftest import ROOT

SIZE = "[128, 64]"


def random_file(path, module: torch.nn.Module) -> None:
    """Half-precision random weights in the module's names."""
    table = (torch.randn(1 << 20) * 0.02).half()
    tensors = {
        name: table.repeat(-(-tensor.numel() // len(table)))[: tensor.numel()].view(tensor.shape).clone()
        for name, tensor in module.state_dict().items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path)


@pytest.fixture
def weights(tmp_path):
    name = "stable-diffusion-v1-5"
    with torch.device("meta"):
        parts = {
            "unet": UNet2DConditionModel.from_config(json.loads((PUBLISHED / name / "unet/config.json").read_text())),
            "vae": AutoencoderKL.from_config(json.loads((PUBLISHED / name / "vae/config.json").read_text())),
        }
        encoder = timm.create_model("vit_base_patch14_dinov2", num_classes=0)
    for part, module in parts.items():
        random_file(tmp_path / name / part / "diffusion_pytorch_model.fp16.safetensors", module)
    random_file(tmp_path / "vit_base_patch14_dinov2.lvd142m/model.safetensors", encoder)
    yield tmp_path
    shutil.rmtree(tmp_path)  # 2 GB


@pytest.mark.slow
def test_two_steps_and_one_canvas_at_the_width_of_stable_diffusion(weights):
    def run(command: str, *options: str) -> subprocess.CompletedProcess[str]:
        files = [word for name in ("_base", "sd15_dinov2b") for word in ("-c", f"experiments/{name}.yaml")]
        settings = [
            "--trainer.accelerator", "cpu", "--trainer.precision", "32-true", "--model.init_args.ema_decay", "null",
            "--data.init_args.root", str(weights / "people"), "--data.init_args.size", SIZE,
            "--data.init_args.batch_size", "1", "--data.init_args.num_workers", "0",
            "--data.init_args.mannequins", f"{{identities: 4, views: 3, test_identities: 2, size: {SIZE}}}",
            "--data.init_args.validation_identities", "1", "--data.init_args.validation_pairs", "1",
        ]  # fmt: skip
        return subprocess.run(
            [sys.executable, "-m", "imagpose", command, *files, *settings, *options],
            cwd=ROOT, capture_output=True, text=True, env={**os.environ, "IMAGPOSE_WEIGHTS": str(weights)},
        )  # fmt: skip

    examined = run("doctor", "--json", str(weights / "findings.json"))
    assert examined.returncode == 0, examined.stdout
    estimated = json.loads((weights / "findings.json").read_text())["memory"]["total"]
    fast = ["--trainer.fast_dev_run", "2", "--model.init_args.sampling_steps", "2"]  # no checkpoint either
    trained = run("fit", *fast, "--runs", str(weights / "runs"))
    assert trained.returncode == 0, trained.stderr
    assert re.search(r"val/ssim", trained.stdout)  # the canvas was generated and scored
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    print(f"estimated {estimated / 2**30:.1f} GiB, measured {peak / 2**30:.1f} GiB")
    assert 0.7 < peak / estimated < 1.3
