"""A folder in which every command finds what it needs, and odd things beside."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import torch
import yaml
from PIL import Image

from imagpose import ImagposePipeline
from imagpose.__main__ import main
from imagpose.data.readers.deepfashion import DeepFashion
from imagpose.evaluation.metrics import METRICS
from imagpose.evaluation.results import to_json
from imagpose.evaluation.scoring import Score
from imagpose.module import IMAGPose
from imagpose.reid.features import save_features
from imagpose.study.choosing import Numbers
from imagpose.study.questions import VOTES
from imagpose.study.votes import Vote, Votes
from tests.bad_inputs.case import Case
from tests.data.layouts import market
from tests.study.conftest import write_study

RUN = "runs/tiny/version_0"


def build(root: Path, mannequins: Path, module: IMAGPose, options: dict) -> None:
    """Fill an empty folder.

    Args:
        root: The folder.
        mannequins: A dataset, which is linked.
        module: Any model of small size, as ``options`` describe it.
        options: Of a run, as its ``config.yaml`` holds them.
    """
    copy(mannequins, root / "data")
    index = DeepFashion(root / "data")
    market(index, root / "market")
    pairs = index.pairs("test")[:2]
    (root / "pairs.csv").write_text("from,to\n" + "".join(f"{a},{b}\n" for a, b in pairs))
    (root / "made").mkdir()
    for source, target in pairs:
        Image.new("RGB", (44, 64), "teal").save(root / "made" / f"{source[:-4]}_2_{target[:-4]}_vis.png")
    source = index.records[pairs[0][0]]
    shutil.copyfile(source.path, root / "source.jpg")
    for name in ("source", "target"):
        assert (
            main(["pose", "--data", str(root / "data"), "--image", source.name, "--out", str(root / f"{name}.json")])
            == 0
        )

    module.image_size = (64, 44)
    ImagposePipeline.of_module(module).save_pretrained(root / "model")
    run = root / RUN
    (run / "checkpoints").mkdir(parents=True)
    stored = {
        "state_dict": module.state_dict(),
        "callbacks": {},
        "pytorch-lightning_version": "2.6.6",
        "global_step": 2,
        "epoch": 0,
        "optimizer_states": [],
        "lr_schedulers": [],
    }
    module.on_save_checkpoint(stored)
    torch.save(stored, run / "checkpoints/last.ckpt")
    (run / "metrics.json").write_text(json.dumps({"steps": 2.0, "test/ssim": 0.5}))
    (run / "config.yaml").write_text(yaml.safe_dump(options))
    experiment = {key: value for key, value in options.items() if key != "seed_everything"}
    (root / "tiny.yaml").write_text(yaml.safe_dump(experiment))
    score = Score(0.5, 0.4, 0.6, 2)
    (root / "scores.json").write_text(to_json({"strict": dict.fromkeys(METRICS, score)}))

    _study(root / "study")
    _features(root / "features")

    (root / "experiments").symlink_to(Path(__file__).parents[2] / "experiments")
    odd = root / "odd"
    (odd / "folder").mkdir(parents=True)
    (odd / "file").write_bytes(b"neither this nor that\n")
    os.mkfifo(odd / "pipe")
    for name, target in (("device", "/dev/zero"), ("broken", "nothing_there"), ("circle", "circle")):
        (odd / name).symlink_to(target)


def _features(folder: Path) -> None:
    for name, person, camera in (("query", 1, 1), ("gallery", 1, 2)):
        save_features(folder / f"{name}.npz", torch.ones(1, 2), [f"{person:04d}_c{camera}s1_000001_01.jpg"])


def _study(folder: Path) -> None:
    study, _ = write_study(folder, Numbers(3, 3, 2, 1))
    votes = Votes(folder / VOTES, make=True)
    for token in ("a" * 22, "b" * 22):
        rater = votes.rater(token).number
        for item in study.items_of(rater):
            votes.cast(Vote(rater, item.name, item.choices[int(item.name, 16) % 2]))


def copy(source: Path, target: Path) -> None:
    """A copy of hard links: made at once, and files in it are replaced, never written into."""
    shutil.copytree(source, target, symlinks=True, copy_function=_link)


def _link(source: str, target: str) -> None:
    if os.path.islink(source):
        os.symlink(os.readlink(source), target)
    else:
        os.link(source, target)


def spoil(root: Path, case: Case) -> None:
    """Put a case's bad things in their places."""
    for name, make in case.place.items():
        path = root / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        make(path)


def snapshot(root: Path) -> dict[str, tuple[int, int]]:
    """All that lies below a folder, with its size and the moment it was written; locks stay, and are documented."""
    return {
        str(path.relative_to(root)): (path.lstat().st_size, path.lstat().st_mtime_ns)
        for path in root.rglob("*")
        if not path.name.endswith(".lock") and not (path.is_dir() and not path.is_symlink())
    } | {str(path.relative_to(root)): (0, 0) for path in root.rglob("*") if path.is_dir() and not path.is_symlink()}
