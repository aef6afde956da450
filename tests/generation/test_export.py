"""An exported folder is the run that it was made from."""

import json

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from imagpose import BodyPose, ImagposePipeline
from imagpose.__main__ import main
from imagpose.data.readers.deepfashion import DeepFashion
from imagpose.evaluation.metrics import FIGURE
from imagpose.models.pipeline_folder import drawn_with, told_by
from imagpose.models.weights import find
from tests.conftest import UNET

METRICS = {"steps": 2.0, "test/ssim": 0.51251, "test/ssim_low": 0.4, "test/ssim_high": 0.6, "test/psnr": 21.25,
           "vae/ssim": 0.9, "vae/identity_at_1": 1.0, "loss": 3.0}  # fmt: skip


@pytest.fixture
def run(make_module, stir, tmp_path, mannequin_root):
    """A finished run, whose average is other than its weights."""
    module = make_module()
    module.image_size = (64, 44)
    average = [parameter.detach().clone() for parameter in module.network.parameters()]
    for parameter in average:
        parameter.add_(0.02 * torch.randn(parameter.shape))
    stir(module.network)
    module.ema.model.shadow_params = average
    content = {"state_dict": module.state_dict(), "callbacks": {}, "pytorch-lightning_version": "2.6.6"}
    module.on_save_checkpoint(content)
    folder = tmp_path / "runs/tiny/version_0"
    (folder / "checkpoints").mkdir(parents=True)
    torch.save(content, folder / "checkpoints/last.ckpt")
    (folder / "metrics.json").write_text(json.dumps(METRICS))
    encoder = {
        "model": "vit_tiny_patch16_224", "image_size": 32,
        "options": {"img_size": 32, "patch_size": 16, "embed_dim": 24, "depth": 1, "num_heads": 2},
    }  # fmt: skip
    model = {
        "encoder": {"class_path": "imagpose.models.encoders.TimmEncoder", "init_args": encoder},
        "base": "mannequin-sd-v", "unet": UNET, "pose_channels": [4, 8, 8], "texture_kernel": 4,
        "sampling_steps": 2, "guidance": {"form": "joint", "scale": 2.0},
    }  # fmt: skip
    options = {
        "model": {"class_path": "imagpose.module.IMAGPose", "init_args": model},
        "data": {
            "class_path": "imagpose.data.datamodule.PoseDataModule",
            "init_args": {"root": str(mannequin_root), "batch_size": 2},
        },
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(options))
    return folder


def export(run, out, *words):
    return main(["export", "--run", str(run), "--out", str(out), *words])


def test_a_folder_reads_back_to_the_same_pixels(run, tmp_path, mannequin_root):
    assert export(run, tmp_path / "mine") == 0
    of_run, of_folder = ImagposePipeline.from_run(run), ImagposePipeline.from_pretrained(tmp_path / "mine")
    of_run.to(dtype=torch.float16).to(dtype=torch.float32)  # an export is in half precision
    views = next(iter(DeepFashion(mannequin_root).identities("test").values()))
    source, pose = Image.open(views[0].path).convert("RGB"), BodyPose((64, 44), views[0].keypoints_at((64, 44)))
    drawn = []
    for pipe in (of_run, of_folder):
        pipe.set_progress_bar_config(disable=True)
        drawn.append(pipe(source, pose, pose, num_inference_steps=2, output_type="np").images)
    assert drawn[0].std() > 0
    np.testing.assert_array_equal(*drawn)


def test_the_card_tells_the_run_and_its_figures(run, tmp_path):
    assert export(run, tmp_path / "mine") == 0
    card = (tmp_path / "mine/README.md").read_text()
    assert "of the run `tiny` after 2 steps of 2 canvases" in card
    assert "**Pictures**: 64×44 pixels" in card
    heading, _, *rows = [line for line in card.splitlines() if line.startswith("|")]
    assert rows == ["| test | 0.513 [0.400, 0.600] | 21.2 |  |  |", "| vae | 0.900 |  | 1.00 |  |"]
    assert heading.count("|") == len(FIGURE) + 2  # a column for each
    assert "**Guidance**: `joint` at every step" in card
    assert export(run, tmp_path / "other", "--guidance_form", "tokens", "--guidance_interval", "500", "1000") == 0
    assert "**Guidance**: `tokens` at timesteps from 500 to 1000" in (tmp_path / "other/README.md").read_text()
    assert drawn_with(tmp_path / "other")[1:3] == ("tokens", [500, 1000])


def test_a_card_tells_mannequins_where_there_are_some(run, tmp_path):
    options = yaml.safe_load((run / "config.yaml").read_text())
    data, told = options["data"]["init_args"], {}
    data["mannequins"] = {"identities": 600, "views": 8}
    (tmp_path / "own").mkdir()
    for root in (data["root"], str(tmp_path / "own")):  # an experiment's mannequins stay where another root is named
        data["root"] = root
        (run / "config.yaml").write_text(yaml.safe_dump(options))
        assert export(run, tmp_path / "mine", "--overwrite") == 0
        told[root] = (tmp_path / "mine/README.md").read_text()
        assert ImagposePipeline.from_pretrained(tmp_path / "mine").config.get("detector") == (
            None if root.endswith("own") else "mannequin")  # fmt: skip
    assert ["600 drawn mannequins" in card for card in told.values()] == [True, False]


def test_a_folder_tells_how_it_is_used(tmp_path):
    shipped = told_by(find("mannequin-demo"))
    assert (shipped["panels"], shipped["guidance_form"], shipped["detector"]) == ([2, 4, 6, 9], "tokens", "mannequin")
    assert "image_size" not in shipped
    assert told_by(tmp_path) == {}  # of a network alone


def test_what_is_there_stays_unless_it_is_a_pipeline_that_may_be_replaced(run, tmp_path, capsys):
    out = tmp_path / "mine"
    out.mkdir()
    (out / "letter.txt").write_text("dear")
    assert export(run, out) == 2
    assert f"{out} exists; add --overwrite true or name another folder." in capsys.readouterr().err
    assert export(run, out, "--overwrite") == 2
    assert f"{out} is no pipeline folder and is not replaced" in capsys.readouterr().err
    assert [path.name for path in out.iterdir()] == ["letter.txt"]
    assert export(run, tmp_path / "other") == 0
    (tmp_path / "other/letter.txt").write_text("dear")
    assert export(run, tmp_path / "other", "--overwrite") == 0
    assert not (tmp_path / "other/letter.txt").exists()


def test_a_run_that_is_not_finished_or_has_no_results_is_refused(run, tmp_path, capsys):
    (run / "metrics.json").write_text('{"test/ssim": 0.5}')
    assert export(run, tmp_path / "mine") == 2
    assert "holds no results of a run, steps and finite numbers" in capsys.readouterr().err
    (run / "metrics.json").unlink()
    assert export(run, tmp_path / "mine") == 2
    assert "is not finished" in capsys.readouterr().err
    assert not (tmp_path / "mine").exists()
