"""Weights in the published layouts are found, told apart and read; wrong ones are refused in one sentence."""

import json
import pickle
import re
import shutil

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import save_file

from imagpose.__main__ import main
from imagpose.errors import InputError
from imagpose.models import weights
from imagpose.models.base import PUBLISHED, Base
from imagpose.models.encoders import TimmEncoder
from imagpose.models.unet import CanvasUNet
from imagpose.models.vae import VAE
from imagpose.module import IMAGPose
from imagpose.objective import Schedule
from tests.conftest import ROOT
from tests.published import (
    encoder_shapes,
    ldm_unet_name,
    ldm_vae_name,
    unet_and_vae,
    write_base,
    write_single_file,
    write_sparse,
)

NARROW = {"block_out_channels": [32, 32, 64, 64], "cross_attention_dim": 24, "attention_head_dim": 4}


def config_of(name: str, part: str) -> dict:
    return json.loads((PUBLISHED / name / part / "config.json").read_text())


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("IMAGPOSE_WEIGHTS", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return tmp_path


def check(base: Base) -> None:
    """Whether the files found fit, by their headers."""
    with torch.device("meta"):
        vae, unet = base.vae(), CanvasUNet(UNet2DConditionModel.from_config(base.unet_config), 9)
    weights.check(vae.autoencoder, vae.file.fetch(), vae.names)
    weights.check(unet.unet, base.unet_weights.fetch(), unet.from_base)


@pytest.mark.parametrize(
    ("name", "predicts", "width"),
    [
        ("stable-diffusion-v1-5", "epsilon", 768),
        ("stable-diffusion-2-1", "v_prediction", 1024),
        ("stable-diffusion-2-1-base", "epsilon", 1024),
    ],
)
@pytest.mark.parametrize("layout", ["folder", "fp16 folder", "hub id", "single file", "folder of a single file"])
def test_every_published_layout_of_a_base_model_is_read(name, predicts, width, layout, home):
    named = name
    if layout == "single file":
        file = {"stable-diffusion-v1-5": "v1-5-pruned-emaonly", "stable-diffusion-2-1": "v2-1_768-ema-pruned"}
        named = str(write_single_file(home / f"{file.get(name, 'v2-1_512-ema-pruned')}.safetensors", name))
    elif layout == "folder of a single file":
        write_single_file(home / name / "any.safetensors", name)
    else:
        write_base(home, name, ".fp16" if layout == "fp16 folder" else "")
        named = f"somebody/{name}" if layout == "hub id" else name
    base = Base(named)
    assert base.schedule.predicts == predicts
    assert (base.schedule.beta_schedule, base.schedule.beta_start) == ("scaled_linear", 0.00085)
    assert base.unet_config["cross_attention_dim"] == width
    check(base)


def test_the_published_sizes_are_those_of_the_papers_models():
    for name, millions in (("stable-diffusion-v1-5", 859.520964), ("stable-diffusion-2-1", 865.910724)):
        unet, vae = (sum(torch.Size(s).numel() for s in shapes.values()) for shapes in unet_and_vae(name))
        assert (unet / 1e6, vae) == (millions, 83_653_863)


def test_a_single_files_values_arrive_under_the_right_names(tmp_path):
    unet = UNet2DConditionModel.from_config({**config_of("stable-diffusion-v1-5", "unet"), **NARROW})
    vae = AutoencoderKL.from_config(
        {**config_of("stable-diffusion-v1-5", "vae"), "block_out_channels": [32, 32, 64, 64]}
    )
    for module in (unet, vae):
        for parameter in module.parameters():
            torch.nn.init.normal_(parameter)
    file = {ldm_unet_name(name): tensor for name, tensor in unet.state_dict().items()}
    for name, tensor in vae.state_dict().items():
        linear = "attentions" in name and tensor.ndim == 2
        file[ldm_vae_name(name, 4)] = tensor[:, :, None, None].clone() if linear else tensor
    save_file(file, tmp_path / "single.safetensors")
    canvas = CanvasUNet(UNet2DConditionModel.from_config(unet.config), 9)
    canvas.load_base(tmp_path / "single.safetensors")
    ours, expected = canvas.unet.state_dict(), canvas.from_base(unet.state_dict())
    assert ours.keys() == expected.keys()
    assert all(torch.equal(ours[name], expected[name]) for name in ours)
    other = VAE(AutoencoderKL.from_config(vae.config), weights.File(str(tmp_path / "single.safetensors"), ()))
    other.load_weights()
    for name, tensor in vae.state_dict().items():
        assert torch.equal(other.autoencoder.state_dict()[name], tensor), name


@pytest.mark.slow
def test_another_vae_can_be_named(home):
    write_base(home, "stable-diffusion-v1-5")
    _, vae = unet_and_vae("stable-diffusion-v1-5")
    write_sparse(home / "sd-vae-ft-mse" / "diffusion_pytorch_model.safetensors", vae)
    shutil.copy(PUBLISHED / "stable-diffusion-v1-5/vae/config.json", home / "sd-vae-ft-mse")
    write_sparse(home / "vae-ft-mse-840000-ema-pruned.safetensors", vae)
    for name in ("stabilityai/sd-vae-ft-mse", str(home / "vae-ft-mse-840000-ema-pruned.safetensors")):
        base = Base("stable-diffusion-v1-5", vae=name)
        assert "vae-ft-mse" in str(base.vae().file.fetch())
        check(base)


def doctor(*options: str) -> int:
    files = [word for name in ("_base", "sd15_dinov2b") for word in ("-c", str(ROOT / f"experiments/{name}.yaml"))]
    return main(["doctor", *files, *options])


class Code:
    """Runs when it is unpickled."""

    def __reduce__(self):
        return exec, ("open('executed', 'w').close()",)


def wrong_folder(home):
    shutil.rmtree(home / "stable-diffusion-v1-5" / "unet")
    write_sparse(
        home / "stable-diffusion-v1-5/unet/diffusion_pytorch_model.safetensors", unet_and_vae("stable-diffusion-2-1")[0]
    )
    shutil.copy(PUBLISHED / "stable-diffusion-v1-5/unet/config.json", home / "stable-diffusion-v1-5/unet")


def truncated(home):
    path = home / "stable-diffusion-v1-5/vae/diffusion_pytorch_model.safetensors"
    with open(path, "r+b") as file:
        file.truncate(path.stat().st_size // 2)


def pickled(home):
    path = home / "stable-diffusion-v1-5/unet/diffusion_pytorch_model.safetensors"
    path.unlink()
    path.with_suffix(".bin").write_bytes(pickle.dumps(Code()))


def disguised(home):
    (home / "stable-diffusion-v1-5/unet/diffusion_pytorch_model.safetensors").write_bytes(pickle.dumps(Code()))


def other_width(home):
    path = home / "vit_base_patch14_dinov2.lvd142m/model.safetensors"
    write_sparse(path, encoder_shapes("vit_small_patch14_dinov2"))


def other_scheduler(home):
    folder = home / "stable-diffusion-v1-5"
    shutil.copytree(PUBLISHED / "stable-diffusion-2-1/unet", folder / "unet", dirs_exist_ok=True)


def inpainting(home):
    folder = home / "stable-diffusion-v1-5/unet"
    shapes = unet_and_vae("stable-diffusion-v1-5")[0]
    write_sparse(folder / "diffusion_pytorch_model.safetensors", {**shapes, "conv_in.weight": (320, 9, 3, 3)})


def inpainting_config(home):
    path = home / "stable-diffusion-v1-5/unet/config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "in_channels": 9}))


def other_prediction(home):
    path = home / "stable-diffusion-v1-5/scheduler/scheduler_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "prediction_type": "sample"}))


def no_json(home):
    (home / "stable-diffusion-v1-5/unet/config.json").write_text("<html>")


SPOILT = [
    (
        wrong_folder,
        r"unet/diffusion_pytorch_model\.safetensors does not fit UNet2DCond.*: .* is \(320, 320\) in it",
    ),
    (truncated, r"vae/diffusion_pytorch_model\.safetensors is not a readable safetensors file"),
    (pickled, r"unet/diffusion_pytorch_model\.bin is a pickle, which can run code when it is read; get"),
    (disguised, r"unet/diffusion_pytorch_model\.safetensors is not a readable safetensors file"),
    (other_width, r"model\.safetensors does not fit VisionTransformer: .* is \(.*384\) in it and \(.*768\) in"),
    (other_scheduler, r"scheduler_config\.json says epsilon, but .* stable-diffusion-2-1, which predicts v_pred"),
    (inpainting, r"conv_in takes 9 channels, not 4, as that of inpainting models does"),
    (inpainting_config, r"takes 9 channels, as that of inpainting models does"),
    (other_prediction, r"predicts 'sample' cannot be trained on"),
    (no_json, r"unet/config\.json cannot be read as JSON"),
]
SLOW = (disguised, inpainting, other_width, pickled)  # like others, and everything is built before they are told


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [pytest.param(*case, marks=pytest.mark.slow if case[0] in SLOW else ()) for case in SPOILT],
)
def test_wrong_weights_are_refused_in_one_sentence(spoil, sentence, home, capsys, monkeypatch):
    monkeypatch.chdir(home)
    write_base(home, "stable-diffusion-v1-5")
    write_sparse(home / "vit_base_patch14_dinov2.lvd142m/model.safetensors", encoder_shapes("vit_base_patch14_dinov2"))
    spoil(home)
    assert doctor() != 0
    output = "".join(capsys.readouterr())
    lines = [line for line in output.splitlines() if line.startswith(("✗", "Error:"))]
    assert any(re.search(sentence, line) for line in lines), output
    assert "Traceback" not in output
    assert not (home / "executed").exists()


def test_without_weights_the_doctor_says_what_to_get(home, monkeypatch, capsys):
    monkeypatch.chdir(home)
    assert doctor() == 1
    output = capsys.readouterr().out
    for file in (
        "unet/diffusion_pytorch_model",
        "vae/diffusion_pytorch_model",
        "vit_base_patch14_dinov2.lvd142m/model",
    ):
        assert f"{file}.safetensors" in output
    assert "huggingface.co/stable-diffusion-v1-5/stable-diffusion-v1-5" in output


def test_a_hub_id_that_cannot_be_downloaded_is_told(home):
    with pytest.raises(InputError, match=r"^Weights 'nobody/nothing' have no model\.safetensors .*downloading it fail"):
        weights.File("nobody/nothing", ("model.safetensors",)).fetch()


def test_one_change_of_the_schedule_leaves_the_rest_to_the_base():
    base = Base("stable-diffusion-2-1").schedule
    changed = Schedule(beta_schedule="linear").over(base)
    assert (changed.beta_schedule, changed.predicts, changed.beta_end) == ("linear", "v_prediction", base.beta_end)
    assert Schedule(prediction_type="epsilon").over(base).predicts == "epsilon"
    epsilon = Base("stable-diffusion-v1-5").schedule
    assert Schedule(zero_terminal_snr=True).over(epsilon).predicts == "v_prediction"
    with torch.device("meta"):
        encoder = TimmEncoder(model="resnet18")
        module = IMAGPose(encoder, "stable-diffusion-2-1", schedule=Schedule(beta_schedule="linear"))
    assert module.objective.predicts_v


def test_a_pickle_of_another_part_does_not_stand_in_the_way(home):
    (home / "some/text_encoder").mkdir(parents=True)
    (home / "some/text_encoder/pytorch_model.bin").write_bytes(b"")
    weights.File("some", ("vae/diffusion_pytorch_model.safetensors",)).refuse_pickles()
    (home / "some/v1-5.ckpt").write_bytes(b"")
    with pytest.raises(InputError, match=r"v1-5\.ckpt is a pickle"):
        weights.File("some/", ("vae/diffusion_pytorch_model.safetensors",)).fetch()


@pytest.mark.slow
def test_a_missing_vae_of_ones_choice_is_one_entry_of_the_doctors_list(home, monkeypatch, capsys):
    monkeypatch.chdir(home)
    assert doctor("--model.init_args.vae", "stabilityai/sd-vae-ft-mse") == 1
    output = capsys.readouterr().out
    assert "huggingface.co/stabilityai/sd-vae-ft-mse" in output
    assert "vit_base_patch14_dinov2.lvd142m/model.safetensors" in output
