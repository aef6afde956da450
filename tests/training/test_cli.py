"""The command line as a user meets it; experiment files go through the real ``main``."""

import json
import logging
import math
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from lightning import Trainer
from lightning.pytorch.utilities import rank_zero_info
from PIL import Image

from imagpose.__main__ import main
from imagpose.data.readers.deepfashion import unflatten_name
from imagpose.models import weights
from imagpose.models.vae import VAE
from imagpose.training.quiet import quiet
from tests.conftest import ROOT


@pytest.fixture
def fit(mannequin_root, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)

    def fit_(*options, experiments=("tiny",)):
        files = [f"experiments/{name}.yaml" for name in ("_base", *experiments)] + ["tests/quick.yaml"]
        words = [word for file in files for word in ("-c", file)]
        return main(["fit", *words, "--runs", str(tmp_path), "--data.init_args.root", str(mannequin_root), *options])

    return fit_


def test_a_run_from_first_step_to_results_and_back(fit, mannequin_root, tmp_path, capsys):
    assert fit("--trainer.max_steps", "2", "--trainer.val_check_interval", "2") == 0
    folder = tmp_path / "quick" / "version_0"
    for part in ("config.yaml", "checkpoints/last.ckpt", "checkpoints/best.ckpt", "panels/step_000002.png"):
        assert (folder / part).exists()
    metrics = json.loads((folder / "metrics.json").read_text())
    assert all(isinstance(value, float) and math.isfinite(value) for value in metrics.values())
    for name in ("test", "copy_source", "background", "wrong_source", "vae"):
        for end in ("", "_low", "_high", "_n"):
            assert f"{name}/ssim{end}" in metrics
            assert f"{name}/psnr{end}" in metrics
    for name in ("test", "wrong_source", "vae"):
        assert 0 <= metrics[f"{name}/identity_at_1"] <= 1
        assert 0 <= metrics[f"{name}/pattern_at_1"] <= 1
    strict = json.loads((folder / "protocols/evaluation.json").read_text())["strict"]
    assert metrics["strict/psnr"] == pytest.approx(strict["psnr"]["value"])
    assert strict["psnr"]["n"] == len(list((folder / "test_images").glob("*_2_*_vis.png"))) == 6
    assert "results in metrics.json" in capsys.readouterr().out

    assert fit("--trainer.max_steps", "2", "--trainer.val_check_interval", "2") == 0
    assert "is finished; its results are in" in capsys.readouterr().out
    assert not (tmp_path / "quick" / "version_1").exists()

    before = metrics["test/ssim"]
    assert main(["test", "-c", str(folder / "config.yaml"), "--folder", str(folder)]) == 0
    assert json.loads((folder / "evaluation.json").read_text())["test/ssim"] == pytest.approx(before, abs=1e-4)
    assert json.loads((folder / "metrics.json").read_text()) == metrics

    exported = tmp_path / "weights"
    assert main(["export", "--run", str(folder), "--out", str(exported)]) == 0
    card = (exported / "README.md").read_text()
    assert "after 2 steps of 2 canvases" in card
    assert f"| test | {metrics['test/ssim']:.3f} [" in card
    assert main(["export", "--run", str(folder), "--out", str(exported)]) == 2
    assert "exists; add --overwrite true" in capsys.readouterr().err
    words = ["generate", "--data", str(mannequin_root), "--pairs", str(mannequin_root / "fashion-pairs-test.csv")]
    words += ["--limit", "2", "--steps", "2"]
    assert main([*words, "--run", str(folder), "--out", str(tmp_path / "of_run")]) == 0
    assert main([*words, "--model", str(exported), "--out", str(tmp_path / "of_export")]) == 0
    for path in (tmp_path / "of_run" / "images").iterdir():  # the export is in half precision
        a, b = (np.asarray(Image.open(p)).astype(int) for p in (path, tmp_path / "of_export" / "images" / path.name))
        assert np.abs(a - b).mean() < 3

    options = yaml.safe_load((folder / "config.yaml").read_text())
    options["model"]["init_args"]["cva"] = False
    other = shutil.copytree(folder, tmp_path / "other" / "version_0")
    (other / "config.yaml").write_text(yaml.safe_dump(options))
    assert main([*words, "--run", str(other), "--out", str(tmp_path / "of_other")]) == 2
    assert "is of another experiment" in capsys.readouterr().err

    (folder / "metrics.json").unlink()
    options = yaml.safe_load((folder / "config.yaml").read_text())
    del options["data"]["init_args"]["cache_dtype"]  # the run is older than this option: that is no change
    (folder / "config.yaml").write_text(yaml.safe_dump(options))
    assert fit("--trainer.max_steps", "2", "--trainer.val_check_interval", "2", "--model.init_args.lr", "0.5") == 2
    error = capsys.readouterr().err
    assert "model.init_args.lr is 0.001 in" in error
    assert "RUN=new" in error
    assert yaml.safe_load((folder / "config.yaml").read_text())["model"]["init_args"]["lr"] == 0.001

    assert fit("--trainer.max_steps", "2", "--trainer.val_check_interval", "2", "--new", "true") == 0
    assert (tmp_path / "quick" / "version_1" / "metrics.json").exists()


def test_the_vae_is_trained_saved_and_read_back(mannequin_root, small_set, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    options = ["--trainer.max_steps", "2", "--trainer.val_check_interval", "2", "--data.init_args.batch_size", "4"]
    options += ["--data.init_args.num_workers", "0", "--data.init_args.mannequins", "null"]
    options += ["--data.init_args.root", str(mannequin_root), "--runs", str(tmp_path / "runs")]
    assert main(["fit", "--exp", "vae", *options]) == 0
    run = tmp_path / "runs" / "vae" / "version_0"
    assert json.loads((run / "metrics.json").read_text())["val/ssim"] > 0
    assert (
        len({path.stat().st_mode for path in (run / "metrics.json", *(run / "vae").iterdir())}) == 1
    )  # others may read
    monkeypatch.setenv("IMAGPOSE_WEIGHTS", str(run))
    vae = VAE.of_folder(weights.find("vae"))
    vae.load_weights()
    images = torch.rand(2, 4, 3, 64, 48) * 2 - 1
    latents = vae.encode(images).mean
    assert latents.shape == (2, 4, 4, 16, 12)
    assert vae.decode(latents).shape == images.shape
    packaged = VAE.of_folder(weights.find("mannequin-sd-v/vae")).autoencoder.config
    assert {k: v for k, v in vae.autoencoder.config.items() if k not in ("scaling_factor", "_name_or_path")} == {
        k: v for k, v in packaged.items() if k not in ("scaling_factor", "_name_or_path")
    }


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["fit", "-c", "experiments/_base.yaml", "-c", "experiments/nope.yaml"], "There is no experiment 'nope'"),
        (["frobnicate"], "There is no command 'frobnicate'"),
        (
            ["test", "-c", "experiments/_base.yaml", "-c", "experiments/tiny.yaml", "--folder", "runs/absent"],
            "is no run folder",
        ),
    ],
)
def test_mistakes_are_one_sentence_and_exit_code_2(words, message, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert main(words) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


@pytest.mark.parametrize("option", ["--model.init_args.leraning_rate", "--trainer.max_stepz"])
def test_an_unknown_option_is_refused(option, fit, capsys, tmp_path):
    assert fit(option, "1") == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("Error: ")
    assert option.rsplit(".", 1)[1] in error
    assert not (tmp_path / "quick").exists()


def test_a_run_folder_without_a_checkpoint_is_refused(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    folder = tmp_path / "tiny" / "version_0"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("{}")
    words = ["test", "-c", "experiments/_base.yaml", "-c", "experiments/tiny.yaml", "--folder", str(folder)]
    assert main(words) == 2
    assert "has no checkpoints/last.ckpt" in capsys.readouterr().err


def test_a_data_folder_with_too_few_people_is_refused(fit, capsys, tmp_path):
    assert fit("--data.init_args.validation_identities", "50") == 2
    assert "validation_identities (50)" in capsys.readouterr().err
    assert not (tmp_path / "quick" / "version_0" / "checkpoints").exists()


def test_missing_weights_are_named_with_the_places_looked_in(fit, capsys):
    assert fit("--model.init_args.base", "sd-vae-nowhere") == 2
    error = capsys.readouterr().err
    assert (
        error.strip().splitlines()[-1].startswith("Error: Weights 'sd-vae-nowhere' were not found; put the folder in")
    )
    assert "Traceback" not in error


def test_a_run_that_cannot_begin_leaves_nothing_behind(fit, tmp_path):
    assert fit("--model.init_args.base", "sd-vae-nowhere") == 2
    assert not (tmp_path / "quick").exists()


def test_a_damaged_image_met_by_a_worker_is_one_sentence(mannequin_root, fit, capsys, tmp_path):
    copy = shutil.copytree(mannequin_root, tmp_path / "copy")
    for name in (copy / "train.lst").read_text().split():
        path = copy / "img_highres" / unflatten_name(name)
        size = path.stat().st_size  # kept, since a picture that was cut short would be drawn again
        path.write_bytes(path.read_bytes()[:200].ljust(size, b"\0"))
    assert fit("--data.init_args.root", str(copy), "--data.init_args.num_workers", "1") == 2
    error = capsys.readouterr().err
    assert "is not a readable image" in error
    assert "Traceback" not in error
    assert error.strip().splitlines()[-1].startswith("Error: ")


@pytest.mark.parametrize("damage", ["truncated", "pickle with code", "other experiment"])
def test_a_checkpoint_that_cannot_be_resumed_is_refused(damage, fit, capsys, tmp_path):
    last = tmp_path / "quick" / "version_0" / "checkpoints" / "last.ckpt"
    last.parent.mkdir(parents=True)
    if damage == "truncated":
        torch.save({"state_dict": {"network.x": torch.zeros(1000)}}, last)
        last.write_bytes(last.read_bytes()[:2000])
    elif damage == "pickle with code":
        torch.save({"state_dict": {}, "code": Path("x")}, last)
    else:
        torch.save({"state_dict": {"network.x": torch.zeros(2)}, "pytorch-lightning_version": "2.6.6"}, last)
    before = last.read_bytes()
    assert fit() == 2
    error = capsys.readouterr().err.strip()
    assert ("of another experiment" if damage == "other experiment" else "no readable checkpoint") in error
    assert "Traceback" not in error
    assert last.read_bytes() == before


def test_what_tells_nothing_is_not_said(caplog):
    quiet()
    talkers = [
        logging.getLogger(f"lightning.pytorch.{name}")
        for name in ("utilities.rank_zero", "trainer.connectors.checkpoint_connector")
    ]
    for talker in talkers:
        talker.addHandler(caplog.handler)
    try:
        Trainer(accelerator="cpu", logger=False, enable_checkpointing=False)
        rank_zero_info("3 images are skipped")
        talkers[1].info("`weights_only` was not set, defaulting to `False`.")
    finally:
        for talker in talkers:
            talker.removeHandler(caplog.handler)
    told = {text for text in caplog.messages if not text.startswith("GPU available: True")}
    assert told == {"3 images are skipped"}


@pytest.mark.parametrize("command", ["fit", "test", "doctor", "cache"])
def test_help_names_the_command_as_it_is_typed(command, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/somewhere/imagpose/__main__.py"])
    with pytest.raises(SystemExit):
        main([command, "--help"])
    assert capsys.readouterr().out.startswith(f"usage: python -m imagpose {command} [")


def test_help_lists_every_command():
    out = subprocess.run(
        [sys.executable, "-m", "imagpose", "--help"], capture_output=True, text=True, cwd=ROOT, check=True
    )
    for command in ("fit", "validate", "test", "generate", "export", "pose", "mannequins"):
        assert command in out.stdout
