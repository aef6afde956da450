import json
import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from imagpose.__main__ import main
from imagpose.data.readers.deepfashion import DeepFashion
from imagpose.evaluation import backbones
from tests.conftest import ROOT

ALEXNET = ROOT.parent / "shared" / "weights" / "alexnet_features.safetensors"


@pytest.fixture(autouse=True)
def offline(monkeypatch, tmp_path_factory):
    """No test looks into this machine's caches or the network."""

    def refuse(*args, **kwargs):
        raise OSError("no network in tests")

    empty = tmp_path_factory.mktemp("empty")
    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(empty))
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(empty))
    monkeypatch.setenv("IMAGPOSE_WEIGHTS", str(empty))
    monkeypatch.setenv("XDG_CACHE_HOME", str(empty))


@pytest.fixture(scope="session")
def alexnet_folder(tmp_path_factory) -> Path:
    if not ALEXNET.exists():
        pytest.skip(f"{ALEXNET} is not here: LPIPS was not compared with the published metric")
    folder = tmp_path_factory.mktemp("weights")
    torch.save(load_file(ALEXNET), folder / backbones.ALEXNET.name)
    return folder


@pytest.fixture
def alexnet(alexnet_folder, monkeypatch):
    monkeypatch.setenv("IMAGPOSE_WEIGHTS", str(alexnet_folder))
    return backbones.lpips_alex("cpu")


@pytest.fixture
def pairs(mannequin_root, tmp_path):
    """Some of the mannequins' test pairs, and the file that lists them."""
    chosen = DeepFashion(mannequin_root).pairs("test")[::5]
    path = tmp_path / "pairs.csv"
    path.write_text("from,to\n" + "".join(f"{source},{target}\n" for source, target in chosen))
    return chosen, path


@pytest.fixture
def outputs(mannequin_root, pairs, tmp_path):
    """Writes what a method made of the pairs: copies of the source or of the truth."""

    def write(
        kind: str, name: str = "{a}_2_{b}_vis.png", folder: str = "generated", convert=lambda image: image
    ) -> Path:
        index, target_folder = DeepFashion(mannequin_root), tmp_path / folder
        target_folder.mkdir(exist_ok=True)
        for source, target in pairs[0]:
            path = index.records[target if kind == "truth" else source].path
            file = target_folder / name.format(a=Path(source).stem, b=Path(target).stem)
            with Image.open(path) as image:
                convert(image.convert("RGB")).save(file)
        return target_folder

    yield write
    shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.fixture
def run(mannequin_root, pairs, tmp_path, capsys):
    """Carries out the command; gives its scores, or the sentence that it ends with."""

    def run_(folder, *options, command="evaluate"):
        capsys.readouterr()
        out = tmp_path / "out"
        args = ["--generated", str(folder), "--data", str(mannequin_root), "--pairs", str(pairs[1]), "--out", str(out)]
        code = main([command, *args, "--device", "cpu", *options])
        run_.printed = capsys.readouterr()
        if code:
            assert code == 2
            assert "Traceback" not in run_.printed.err
            return run_.printed.err
        run_.out = out
        return json.loads((out / "evaluation.json").read_text())

    return run_
