"""Checkpoints that are not whole, or not ours, are told in one sentence."""

import re

import pytest
import torch

from imagpose.errors import InputError
from imagpose.training import runs
from tests.conftest import UNET


@pytest.fixture(scope="module")
def module():
    from imagpose.models.encoders import TimmEncoder
    from imagpose.module import IMAGPose

    options = {"img_size": 32, "patch_size": 16, "embed_dim": 24, "depth": 1, "num_heads": 2}
    encoder = TimmEncoder("vit_tiny_patch16_224", image_size=32, options=options)
    return IMAGPose(encoder, "mannequin-sd-v", unet=UNET, pose_channels=(4, 8, 8), texture_kernel=4)


@pytest.fixture
def checkpoint(module):
    content = {"state_dict": module.state_dict(), "callbacks": {}, "pytorch-lightning_version": "2.6.6"}
    module.on_save_checkpoint(content)
    return {**content, "image_size": [64, 44], "ema": {**content["ema"]}}


def test_a_whole_one_is_read(module, checkpoint, tmp_path):
    torch.save(checkpoint, tmp_path / "last.ckpt")
    runs.check_checkpoint(tmp_path / "last.ckpt")
    module.on_load_checkpoint(checkpoint, tmp_path / "last.ckpt")
    assert module.image_size == (64, 44)


def _spoiled(tensors, value):
    first, *rest = tensors
    return [torch.full_like(first, value), *rest]


CONTENTS = {
    "no average": (lambda c: c.pop("ema"), "has no 'ema'"),
    "an empty average": (lambda c: c.update(ema={}), "has no averaged weights"),
    "no callbacks": (lambda c: c.pop("callbacks"), "has no 'callbacks'"),
    "callbacks in a list": (lambda c: c.update(callbacks=[1]), "has no 'callbacks'"),
    "fewer averages": (lambda c: c["ema"].update(shadow_params=c["ema"]["shadow_params"][1:]), "it averages"),
    "other averages": (
        lambda c: c["ema"].update(shadow_params=c["ema"]["shadow_params"][::-1]), r"the average of .* is \(.*\) where"
    ),
    "averages that are none": (
        lambda c: c["ema"].update(shadow_params=_spoiled(c["ema"]["shadow_params"], float("nan"))),
        "the average of .* has numbers that are not finite",
    ),
    "weights that are none": (
        lambda c: next(iter(c["state_dict"].values())).fill_(float("inf")), "network.* has numbers that are not finite"
    ),
    "weights that are numbers": (lambda c: c["state_dict"].update(x=1), "is no mapping of tensors"),
    "no loops in it": (lambda c: c.update(loops={}), "its 'loops' do not tell how far its run was"),
    "loops in a list": (lambda c: c.update(loops=["test_loop"]), "its 'loops' do not tell how far its run was"),
    "loops of nothing": (
        lambda c: c.update(loops={f"{name}_loop": None for name in ("fit", "validate", "test", "predict")}), "'loops'"
    ),
    "a decay of text": (lambda c: c["ema"].update(decay="much"), "average"),
    "a size of 0": (lambda c: c.update(image_size=[0, 44]), r"image_size \[0, 44\]"),
    "a size of text": (lambda c: c.update(image_size=["64", "44"]), "image_size"),
    "a size of one": (lambda c: c.update(image_size=[64]), "image_size"),
    "panels of 0": (lambda c: c.update(panels=[4, 0]), r"panels \[4, 0\]"),
    "panels of text": (lambda c: c.update(panels="4"), "panels '4'"),
    "a size of bits": (lambda c: c.update(image_size=[True, True]), "image_size"),
}  # fmt: skip


@pytest.mark.parametrize("kind", CONTENTS)
def test_contents_that_do_not_fit_are_refused(kind, module, checkpoint, tmp_path):
    spoil, message = CONTENTS[kind]
    checkpoint["state_dict"] = {name: value.clone() for name, value in checkpoint["state_dict"].items()}
    spoil(checkpoint)
    with pytest.raises(InputError, match=message) as caught:
        module.on_load_checkpoint(checkpoint, tmp_path / "last.ckpt")
    assert "last.ckpt" in str(caught.value)


FILES = {
    "a list": ([1, 2], "is no Lightning checkpoint"),
    "weights in a list": ({"state_dict": [1]}, "is no Lightning checkpoint"),
    "no version": ({"state_dict": {}}, "by which version of Lightning"),
    "a version of letters": ({"state_dict": {}, "pytorch-lightning_version": "x"}, "by which version of Lightning"),
    "code": ({"state_dict": {}, "code": re.compile("x")}, "no readable checkpoint"),
}


@pytest.mark.parametrize("kind", FILES)
def test_files_that_are_none_of_ours_are_refused(kind, tmp_path):
    content, message = FILES[kind]
    torch.save(content, tmp_path / "last.ckpt")
    with pytest.raises(InputError, match=message):
        runs.check_checkpoint(tmp_path / "last.ckpt")


@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"PK\x03\x04", b"\x80\x02.", b"c"])
def test_bytes_that_are_no_checkpoint_are_refused(content, tmp_path):
    (tmp_path / "last.ckpt").write_bytes(content)
    with pytest.raises(InputError, match="no readable checkpoint"):
        runs.check_checkpoint(tmp_path / "last.ckpt")


def test_a_folder_is_a_checkpoint_only_of_shards(tmp_path):
    with pytest.raises(InputError, match="is a folder and no checkpoint"):
        runs.check_checkpoint(tmp_path)
    (tmp_path / "latest").touch()
    runs.check_checkpoint(tmp_path)
