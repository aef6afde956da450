"""Pipeline folders of strangers: none runs code, reads a pickle or is taken for whole when it is not."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from imagpose import ImagposePipeline
from imagpose.errors import InputError
from imagpose.models import weights

DEMO = weights.PACKAGED / "mannequin-demo"
CODE = """
from pathlib import Path
Path({marker!r}).write_text("ran")
from imagpose.pipeline import ImagposePipeline
class Evil(ImagposePipeline): pass
"""


class Pickled:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return (Path.write_text, (self.marker, "ran"))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The shipped pipeline with Python files in it that tell when they are run; on Python's path too."""
    folder = shutil.copytree(DEMO, tmp_path / "pipe")
    code = CODE.format(marker=str(tmp_path / "marker"))
    for place in (folder, folder / "vae", folder / "encoder", folder / "network", folder / "scheduler"):
        (place / "evil.py").write_text(code)
    torch.save({"x": Pickled(tmp_path / "marker")}, folder / "evil.bin")
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)
    return folder


def change(path, **options):
    path.write_text(json.dumps({**json.loads(path.read_text()), **options}))


INDEX, ENCODER = "model_index.json", "encoder/config.json"
ATTACKS = {
    "a class of the folder": (INDEX, {"vae": ["evil", "Evil"]}, "vae evil.Evil"),
    "a class of a library": (INDEX, {"encoder": ["subprocess", "Popen"]}, "encoder subprocess.Popen"),
    "a class of a library's inside": (INDEX, {"scheduler": ["diffusers.utils", "os"]}, "scheduler diffusers.utils.os"),
    "a scheduler that is none": (INDEX, {"scheduler": ["diffusers", "DiffusionPipeline"]}, "scheduler diffusers.Diff"),
    "a pipeline of its own": (INDEX, {"_class_name": ["evil", "Evil"]}, "no ImagposePipeline"),
    "custom pipeline": (INDEX, {"custom_pipeline": "evil"}, "says custom_pipeline"),
    "another component": (INDEX, {"more": ["evil", "Evil"]}, "says more"),
    "panels of text": (INDEX, {"panels": "four"}, "says panels four"),
    "no panels": (INDEX, {"panels": []}, "says panels"),
    "an interval turned round": (INDEX, {"guidance_interval": [900, 10]}, "says guidance_interval"),
    "no size": (INDEX, {"image_size": [0, "a"]}, "says image_size"),
    "auto_map": ("network/config.json", {"auto_map": {"AutoModel": "evil.Evil"}}, "says auto_map"),
    "trust_remote_code": ("vae/config.json", {"trust_remote_code": True}, "says trust_remote_code"),
    "another class of config": (ENCODER, {"_class_name": "Evil"}, "is of 'Evil'"),
    "checkpoint_path": (ENCODER, {"options": {"checkpoint_path": "evil.bin"}}, "says checkpoint_path"),
    "pretrained": (
        ENCODER, {"options": {"pretrained_cfg_overlay": {"file": "evil.bin"}}}, "says pretrained_cfg_overlay"
    ),
    "a folder as architecture": (ENCODER, {"model": "local-dir:."}, "is a folder"),
}  # fmt: skip


@pytest.mark.parametrize("kind", ATTACKS)
def test_a_pipelines_files_start_no_code(kind, folder, tmp_path):
    file, options, message = ATTACKS[kind]
    change(folder / file, **options)
    with pytest.raises(InputError) as caught:
        ImagposePipeline.from_pretrained(folder)
    assert not (tmp_path / "marker").exists()
    assert message in str(caught.value)


def test_pickles_and_parts_are_not_read(folder, tmp_path):
    for part in ("vae", "encoder", "network"):
        torch.save({"x": Pickled(tmp_path / "marker")}, folder / part / "diffusion_pytorch_model.bin")
    assert isinstance(ImagposePipeline.from_pretrained(folder), ImagposePipeline)
    (folder / "vae/diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(InputError, match="vae"):
        ImagposePipeline.from_pretrained(folder)
    index = folder / "vae/diffusion_pytorch_model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": {"x": "diffusion_pytorch_model.bin"}}))
    with pytest.raises(InputError, match="parts the weights into several files"):
        ImagposePipeline.from_pretrained(folder)
    assert not (tmp_path / "marker").exists()


@pytest.mark.parametrize(
    ("part", "damage"),
    [("vae", damage) for damage in ("missing", "more", "shape", "nan", "infinite")]
    + [("encoder", "missing"), ("encoder", "nan"), ("network", "shape"), ("network", "infinite")],
)
def test_weights_that_are_not_whole_are_refused(part, damage, folder):
    file = folder / part / "diffusion_pytorch_model.safetensors"
    tensors = load_file(file)
    name = max(tensors, key=lambda one: tensors[one].numel() if tensors[one].is_floating_point() else 0)
    if damage == "missing":
        tensors.pop(name)
    elif damage == "more":
        tensors[name := "x.weight"] = torch.zeros(2)
    elif damage == "shape":
        tensors[name] = tensors[name].flatten()[:7].clone()
    else:
        tensors[name].view(-1)[3] = float("nan" if damage == "nan" else "-inf")
    save_file(tensors, file)
    with pytest.raises(InputError) as caught:
        ImagposePipeline.from_pretrained(folder)
    assert name.rsplit(".", 1)[0] in str(caught.value) or damage == "shape"
    assert str(folder) in str(caught.value)


def test_training_starts_from_finite_weights_alone(folder, make_module, monkeypatch, tmp_path):
    file = folder / "network/diffusion_pytorch_model.safetensors"
    tensors = load_file(file)
    module = torch.nn.ParameterDict({"a": torch.zeros(3), "b": torch.zeros(2, 2)})
    save_file({"a": torch.zeros(3), "b": torch.full((2, 2), float("nan"))}, tmp_path / "x.safetensors")
    with pytest.raises(InputError, match=r"x\.safetensors is damaged: b has numbers that are not finite"):
        weights.load(module, tmp_path / "x.safetensors")
    weights.check_finite(tensors, file)
