"""Training on cached features is training; a cache is never of other weights or images; a kill costs one shard."""

import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning import Callback, Trainer
from PIL import Image

from imagpose.__main__ import main
from imagpose.data.datamodule import PoseDataModule
from imagpose.data.features import FOLDER, IMAGES_PER_SHARD
from imagpose.errors import InputError
from imagpose.models.fingerprint import fingerprint
from imagpose.training.fill_cache import fill
from tests.conftest import ROOT, left_unfinished


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)  # as in the subprocesses, whose bytes are compared


@pytest.fixture
def folder(mannequin_root, tmp_path) -> Path:
    """A dataset of its own, which may be cached and changed."""
    return Path(shutil.copytree(mannequin_root, tmp_path / "data"))


def data_of(root: Path, **options) -> PoseDataModule:
    data = PoseDataModule(root, 2, validation_identities=1, validation_pairs=1, num_workers=0, **options)
    data.setup("fit")
    return data


class Losses(Callback):
    def __init__(self):
        self.values, self.keys = [], set()

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        self.values.append(outputs["loss"].item())
        self.keys |= batch.keys()


def train(module, data, precision="32-true") -> Losses:
    losses = Losses()
    Trainer(
        accelerator="cpu", max_steps=4, precision=precision, callbacks=[losses], logger=False, num_sanity_val_steps=0,
        limit_val_batches=0, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
    ).fit(module, datamodule=data)  # fmt: skip
    assert len(losses.values) == 4
    return losses


def not_drawn(trained):
    """What a batch holds beside its random numbers."""
    return {key for key in trained.keys if not key.startswith("drawn_")}


@pytest.mark.parametrize(
    ("precision", "dtype", "tolerance"),
    [
        ("32-true", "float32", 1e-6),
        ("32-true", "float16", 1e-4),
        pytest.param("bf16-mixed", "float32", 1e-3, marks=pytest.mark.slow),  # some processors emulate it
    ],
)
def test_losses_are_those_of_training_without_a_cache(make_module, folder, caplog, precision, dtype, tolerance):
    """Not bit for bit: a convolution over other images at a time may add in another order."""
    plain = train(make_module(lr=1e-3), data_of(folder), precision)
    assert not_drawn(plain) == {"images", "source", "poses", "mask", "number"}
    fill(make_module(), data_of(folder, cache_dtype=dtype), precision)
    cached = train(make_module(lr=1e-3), data_of(folder, cache_dtype=dtype), precision)
    assert f"20 images, {dtype}." in caplog.text
    assert not_drawn(cached) == {"mean", "std", "source_mean", "semantic", "poses", "mask", "number"}
    assert cached.values == pytest.approx(plain.values, rel=tolerance)


def test_mirrored_features_are_those_of_mirrored_images(make_module, folder):
    module, data = make_module(), data_of(folder)
    fill(module, data, "32-true")
    plain = data.train_dataset()
    data.find_features(
        lambda: fingerprint(module.synthesis.vae, module.synthesis.encoder, module.synthesis.multiple, data, "32-true")
    )
    cached = data.train_dataset()
    assert data.features.size == (64, 44)
    for number in range(12):
        seen = module.synthesis.see(plain[number]["images"][None], plain[number]["source"][None])
        item = cached[number]
        for found, expected in (
            (item["mean"], seen.panels.mean), (item["std"], seen.panels.std), (item["source_mean"], seen.source),
            (item["semantic"], seen.semantic),
        ):  # fmt: skip
            torch.testing.assert_close(found, expected[0], rtol=1e-4, atol=1e-5)
        for name in ("poses", "mask", "number"):
            assert torch.equal(item[name], plain[number][name])


def test_any_change_of_what_features_depend_on_has_another_name(make_module, folder):
    module, data = make_module(), data_of(folder)

    def name(module=module, data=data, precision="32-true") -> str:
        return fingerprint(module.synthesis.vae, module.synthesis.encoder, module.synthesis.multiple, data, precision)

    first = name()
    assert name(make_module(lr=1.0, seed=3)) == first == name(precision=32)
    names = [first, name(precision="bf16-mixed"), name(make_module(frozen_dtype="bfloat16"))]
    for options in ({"size": (64, 48)}, {"flips": False}, {"cache_dtype": "float16"}):
        names += [name(data=data_of(folder, **options))]
    other = make_module()
    other.encoder.mean = (0.4, 0.4, 0.4)
    names += [name(other)]
    for part in ("vae", "encoder"):
        other = make_module()
        weight = next(getattr(other, part).parameters())
        weight.data[(0,) * weight.ndim] += 1e-3
        names += [name(other)]
    assert len(set(names)) == len(names)


def test_a_changed_image_is_computed_again(make_module, folder, caplog):
    module, data = make_module(), data_of(folder)
    fill(module, data, "32-true")
    shards = data.shards(
        fingerprint(module.synthesis.vae, module.synthesis.encoder, module.synthesis.multiple, data, "32-true")
    )
    picture = data.train[0][0].path
    picture.write_bytes(picture.read_bytes() + b"\0")
    assert [shard.path.exists() for shard in shards] == [True]
    data.find_features(lambda: shards[0].path.parent.name)
    assert data.features is None
    assert "has 0 of 1 shards of these images and is not used" in caplog.text
    fill(module, data, "32-true")
    data.find_features(lambda: shards[0].path.parent.name)
    assert data.features is not None


def test_damaged_shards_are_refused_in_one_sentence(make_module, folder):
    module, data = make_module(), data_of(folder)
    fill(module, data, "32-true")
    name = fingerprint(module.synthesis.vae, module.synthesis.encoder, module.synthesis.multiple, data, "32-true")
    (path,) = (shard.path for shard in data.shards(name))
    content = path.read_bytes()
    half = data_of(folder, cache_dtype="float16")
    with pytest.raises(InputError, match=r"it is in F32 and not in F16\); delete it and run make cache again\.$"):
        half.find_features(lambda: name)
    for damaged in (content[:-1], content[:20], b"", b"\xff" * 100):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"^\S+ is no whole shard of the feature cache \(.*delete it and run"):
            data.find_features(lambda: name)


def test_a_full_disk_is_told_before_and_during(make_module, folder, monkeypatch):
    module, data = make_module(), data_of(folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**6, 10**6, 10))
    with pytest.raises(InputError, match=r"needs 0\.\d MB and its disk has 0\.0 MB; make room"):
        fill(module, data, "32-true")
    monkeypatch.undo()

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"cannot be written \(No space left on device\); make room"):
        fill(module, data, "32-true")
    left = [path for path in (folder / FOLDER).rglob("*") if path.is_file()]
    assert [path.suffix for path in left] == [".lock"]  # by which processes wait for each other; it is empty
    assert left[0].stat().st_size == 0


def test_features_beyond_half_precision_are_refused(make_module, folder):
    module, data = make_module(), data_of(folder, cache_dtype="float16")
    with torch.no_grad():
        module.encoder.network.norm.weight.fill_(1e6)
    with pytest.raises(InputError, match=r"The features of \S+ are beyond float16; set data.cache_dtype to bfloat16"):
        fill(module, data, "32-true")


# Kills and shares, over the command line -----------------------------------------------------------------------------


def write_noise(root: Path, identities: int) -> None:
    """Pictures of noise with two views of each identity: enough of them for several shards."""
    rng = np.random.default_rng(0)
    points = ", ".join(str(i) for i in range(20, 38))
    for split, people in {"train": range(identities), "test": [identities]}.items():
        names = [f"MEN/Tees/id_{person + 1:08d}/01_{v}_front.jpg" for person in people for v in (1, 2)]
        for name in names:
            path = root / "img_highres" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 255, (64, 44, 3), dtype=np.uint8)).save(path)
        rows = [f"{name}: [{points}]: [{points}]" for name in names]
        (root / f"fashion-annotation-{split}.csv").write_text("\n".join(["name:keypoints_y:keypoints_x", *rows]) + "\n")
        (root / f"fashion-pairs-{split}.csv").write_text(f"from,to\n{names[0]},{names[1]}\n")


def command(root: Path, cache: Path) -> list[str]:
    files = ["experiments/_base.yaml", "experiments/tiny.yaml", "tests/quick.yaml"]
    options = {"root": root, "cache": cache, "mannequins": "null", "num_workers": 0, "validation_identities": 1}
    words = [word for file in files for word in ("-c", file)]
    return ["cache", *words, *(w for k, v in options.items() for w in (f"--data.init_args.{k}", str(v)))]


def content(cache: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(cache)): path.read_bytes()
        for path in cache.rglob("*")
        if path.is_file() and path.suffix != ".lock"
    }


def kill_while_computing(words: list[str], cache: Path) -> None:
    """Start, wait for another shard or two, kill at a random moment."""
    wanted = len(list(cache.rglob("*.safetensors"))) + 1
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "imagpose", *words], cwd=ROOT, stdout=subprocess.DEVNULL, env=environment
    )
    while process.poll() is None and len(list(cache.rglob("*.safetensors"))) < wanted:
        time.sleep(0.001)
    time.sleep(random.uniform(0, 0.1))
    process.kill()
    process.wait()


def prove(tmp_path: Path, identities: int, kills: int) -> None:
    root, whole, broken = tmp_path / "data", tmp_path / "whole", tmp_path / "broken"
    write_noise(root, identities)
    assert main(command(root, whole)) == 0
    for _ in range(kills):
        kill_while_computing(command(root, broken), broken)
    shards = len(list(whole.rglob("*.safetensors")))
    assert shards == -(-2 * (identities - 1) // IMAGES_PER_SHARD)
    assert len(list(broken.rglob("*.safetensors"))) < shards, "the cache was complete before it could be killed"
    (folder,) = broken.iterdir()
    (folder / f".{next(folder.glob('*.safetensors')).name}.1.unfinished").write_bytes(b"of an earlier version")
    (folder / left_unfinished()).write_bytes(b"of a killed process")
    assert main(command(root, broken)) == 0
    assert content(broken) == content(whole)


@pytest.mark.slow
def test_a_kill_costs_no_more_than_a_shard(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    prove(tmp_path, identities=100, kills=2)


@pytest.mark.slow
def test_ten_kills_change_no_byte(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    prove(tmp_path, identities=500, kills=10)


@pytest.mark.slow
def test_shares_make_one_cache(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    root, whole, shared = tmp_path / "data", tmp_path / "whole", tmp_path / "shared"
    write_noise(root, 50)
    assert main(command(root, whole)) == 0
    assert main([*command(root, shared), "--shard", "1/2"]) == 0
    assert "still missing" in capsys.readouterr().out
    assert main([*command(root, shared), "--shard", "0/2"]) == 0
    assert "The cache is complete" in capsys.readouterr().out
    assert content(shared) == content(whole)
    assert len(content(whole)) == 4
    for wrong in ("2/2", "x", "1"):
        assert main([*command(root, shared), "--shard", wrong]) == 2
    assert "--shard is 1; it must be i/n" in capsys.readouterr().err
    assert main([*command(root, shared), "--trainer.precision", "64-true"]) == 2
    assert "trainer.precision is 64-true, in which features cannot be cached" in capsys.readouterr().err
