"""Runs and pipeline folders that no command can generate with."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path

from tests.bad_inputs.case import BYTES, INSTEAD, JSON, Case, Command, text
from tests.bad_inputs.world import RUN

WEIGHTS = "model/network/diffusion_pytorch_model.safetensors"


def _safetensors(header: bytes, body: bytes = b"") -> bytes:
    return struct.pack("<Q", len(header)) + header + body


def _tensor(**changes: object) -> bytes:
    return json.dumps({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4], **changes}}).encode()


SAFETENSORS = {
    **BYTES,
    "a bare header": _safetensors(b"{}"),
    "a header of exabytes": struct.pack("<Q", 2**62) + b"{}",
    "a binary header": _safetensors(bytes(range(256))),
    "truncated": _safetensors(_tensor(), b"\0"),
    "another tensor": _safetensors(_tensor(), b"\0" * 4),
    "an unknown type": _safetensors(_tensor(dtype="X9"), b"\0" * 4),
    "a negative shape": _safetensors(_tensor(shape=[-1]), b"\0" * 4),
    "a shape too large": _safetensors(_tensor(shape=[2**40]), b"\0" * 4),
    "a pickle": b"\x80\x02}q\x00.",
    "a list for a header": _safetensors(b"[]"),
    "HTML": b"<!DOCTYPE html><html></html>",
}


def _checkpoint(**changes: object):
    """A run's checkpoint with some entries changed."""

    def make(path: Path) -> None:
        import torch

        stored = {"state_dict": {}, "callbacks": {}, "pytorch-lightning_version": "2.6.6", "global_step": 2, **changes}
        torch.save({key: value for key, value in stored.items() if value is not None}, path)

    return make


def _list(path: Path) -> None:
    import torch

    torch.save([1, 2], path)


CHECKPOINTS = {
    **{kind: text(content) for kind, content in BYTES.items()},
    **INSTEAD,
    "a pickle": text(b"\x80\x02}q\x00."),
    "a pickle that runs code": text(b"cos\nsystem\n(S'touch marker'\ntR."),
    "a list": _list,
    "no tensors": _checkpoint(),
    "no state": _checkpoint(state_dict=None),
    "a number for the state": _checkpoint(state_dict=3),
    "no version": _checkpoint(**{"pytorch-lightning_version": None}),
    "another version": _checkpoint(**{"pytorch-lightning_version": "nope"}),
    "numbers for tensors": _checkpoint(state_dict={"network.unet.unet.conv_in.weight": 3}),
    "a text for the step": _checkpoint(global_step="two"),
    "names that are numbers": _checkpoint(state_dict={1: 2}),
}

_MODEL = "model: {class_path: imagpose.module.IMAGPose"
CONFIGS = {
    **BYTES,
    "a list": b"- model\n",
    "a number": b"3",
    "no model": b"trainer: {}",
    "open": b"model: {",
    "a tab": b"model:\n\tclass_path: x\n",
    "an unknown group": b"nope: 1\n",
    "twice": b"model: 1\nmodel: 2\n",
    "nested deeply": b"[" * 5000,
    "a model of no class": b"model: {class_path: nope.Nope}\n",
    "a model of another kind": b"model: {class_path: lightning.LightningModule}\n",
    "no encoder": f"{_MODEL}}}\n".encode(),
    "a text for the options": f"{_MODEL}, init_args: x}}\n".encode(),
    "an unknown option": f"{_MODEL}, init_args: {{nope: 1}}}}\n".encode(),
    "an encoder of no class": (
        f"{_MODEL}, init_args: {{encoder: {{class_path: imagpose.Nope}}, base: mannequin-sd-v}}}}\n".encode()
    ),
    "no such base": f"{_MODEL}, init_args: {{encoder: null, base: nowhere}}}}\n".encode(),
    "an object": b"model: !!python/object/apply:os.system [touch marker]\n",
    "an alias of nothing": b"model: *x\n",
    "foreign code": b"model: {class_path: os.system}\n",
    "two documents": b"model: 1\n---\nmodel: 2\n",
    "a merge of a number": b"model: {<<: 3}\n",
}
"""Contents of a run's ``config.yaml`` that are refused."""


def model_options(of: Command) -> Iterator[Case]:
    """What ``add_model_options`` adds."""
    yield from of.folder("--run")
    yield from of.folder("--model", "network/")
    yield from of.values(
        "--model", ("nowhere", "org/nowhere", "../nowhere", "~/nowhere", "weights"), "nowhere", "weights", some=2
    )
    yield from of.whole_number("--seed", "18446744073709551616")
    yield from of.values("--device", ("nope", "", "cuda:99", "meta", "cpu:-1", "cud a"), slow=True)
    yield from of.number("--guidance")
    yield from of.flag("--overwrite")
    yield of.case("--trust without a value", {}, "--trust", further=("--trust",))


def models(of: Command, some: int = 2) -> Iterator[Case]:
    """Pipeline folders."""
    yield from of.contents("model/model_index.json", JSON, some=some)
    yield from of.contents("model/network/config.json", JSON, slow=True)
    yield from of.contents("model/scheduler/scheduler_config.json", JSON, slow=True)
    yield from of.contents(WEIGHTS, SAFETENSORS, "model", slow=True)
    yield from of.instead("model/model_index.json", "model")
    yield from of.instead(WEIGHTS, "model")
    yield of.case("a run as a model", {"--model": RUN}, RUN)
    yield of.case("a dataset as a model", {"--model": "data"}, "data")


def runs(of: Command, some: int = 2, option: str = "--run") -> Iterator[Case]:
    """Run folders."""
    good = {"--model": None} if "--model" in of.good else {}
    options = {**good, option: RUN}
    yield from of.contents(f"{RUN}/config.yaml", CONFIGS, RUN, options=options, some=some)
    yield from of.instead(f"{RUN}/config.yaml", RUN, options=options)
    for number, (kind, make) in enumerate(CHECKPOINTS.items()):
        path = f"{RUN}/checkpoints/last.ckpt"
        yield of.case(f"{path}: {kind}", options, RUN, place={path: make}, slow=number >= some)
    yield of.case("a folder of runs", {**good, option: "runs"}, "runs")
    yield of.case("the runs of an experiment", {**good, option: "runs/tiny"}, "runs/tiny")
    yield of.case("a dataset as a run", {**good, option: "data"}, "data")
    yield of.case("no checkpoints", options, RUN, place={f"{RUN}/checkpoints": INSTEAD["missing"]})
    yield of.case("a run's checkpoint", {**good, option: f"{RUN}/checkpoints/last.ckpt"}, RUN)
    yield of.case(
        "a version of no number",
        {**good, option: "runs/tiny/version_x"},
        "version_x",
        place={"runs/tiny/version_x/config.yaml": text(b"")},
    )
