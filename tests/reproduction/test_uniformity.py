"""``uniformity``: what the network is given in each scenario of the paper, and what the command leaves."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from imagpose.__main__ import main
from imagpose.data.images import to_tensor
from imagpose.data.pictures import read_picture
from imagpose.data.readers.deepfashion import DeepFashion
from imagpose.errors import InputError
from imagpose.generation.command import draw
from imagpose.generation.loading import load
from imagpose.generation.pictures import pending
from imagpose.reproduction import uniformity as module
from imagpose.reproduction.chosen import choose
from imagpose.reproduction.rows import read_row
from imagpose.reproduction.trained import Trial
from imagpose.reproduction.uniformity import UniformityRequest
from imagpose.synthesis import Synthesis
from tests.data import layouts


@pytest.fixture(scope="module")
def given(mannequin_root, tmp_path_factory):
    """What the pipeline hands to the networks in each setting, beside the canvas that was asked for."""
    results = tmp_path_factory.mktemp("results")
    request = UniformityRequest(data=mannequin_root, results=results, sources=2, device="cpu")
    asked, pipe, found = Trial.of(request, "uniformity"), load(request), {}

    def capture(self, canvases, noise, scheduler, guidance, steps, wanted, *args):
        captured.extend(
            {**{name: value[i] for name, value in canvases.items()}, "wanted": wanted[i]} for i in range(len(noise))
        )
        return torch.zeros(len(noise), len(wanted[0]), 3, 64, 44)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Synthesis, "generate", capture)
        for name, setting in module.SETTINGS.items():
            captured: list = []
            canvases = asked.canvases(setting)
            draw(pipe, pending(canvases, asked.settings(setting, 1, 2.0), asked.images(name)), asked.images(name), 4)
            found[name] = list(zip(captured, canvases, strict=True))
    return found


def distinct(panels: torch.Tensor) -> int:
    return len(torch.unique(panels.flatten(1), dim=0))


@pytest.mark.parametrize(
    ("name", "canvases", "panels_given", "sources", "poses"),
    [("T1", 6, 1, 1, 1), ("T2", 6, 3, 1, 1), ("T3", 6, 3, 3, 1), ("IMAGPose_star", 2, 1, 1, 3)],
)
def test_the_networks_are_given_what_the_paper_states(given, name, canvases, panels_given, sources, poses):
    assert len(given[name]) == canvases
    for tensors, canvas in given[name]:
        mask, images, maps = tensors["mask"], tensors["images"], tensors["poses"]
        assert mask.tolist() == [1.0] * panels_given + [0.0] * (4 - panels_given)
        assert images.shape == maps.shape == (4, 3, 64, 44)
        assert (images[mask == 0] == -1).all()  # black
        assert distinct(images[mask == 1]) == sources
        assert distinct(maps[mask == 0]) == poses
        assert distinct(maps[mask == 1]) == sources
        assert torch.equal(tensors["source"], images[0])
        for truth in canvas.truths:  # which nothing may look at
            assert not any(torch.equal(image, to_tensor(read_picture(truth))) for image in images)
        # What is kept shows the pose that was asked for, once each.
        assert len(tensors["wanted"]) == len(canvas.outputs) == poses
        for panel, pose in zip(tensors["wanted"], canvas.target_poses, strict=True):
            assert mask[panel] == 0
            assert torch.equal(maps[panel], pose.map((64, 44)))


def test_every_setting_draws_the_same_pairs(given):
    outputs = {name: sorted(file for _, canvas in of for file in canvas.outputs) for name, of in given.items()}
    assert len(outputs["T1"]) == 6
    assert all(of == outputs["T1"] for of in outputs.values())
    for (_, one), (_, several) in zip(given["T1"], given["T3"], strict=True):
        assert one.sources[0] == several.sources[0]


def test_the_choice_is_one_source_a_person_and_a_function_of_the_seed(mannequin_root):
    index = DeepFashion(mannequin_root)
    pairs = choose(index, 4, 0)
    assert len(pairs) == len(set(pairs)) == 12
    assert set(pairs) <= set(index.pairs("test"))
    people = [index.records[source].person for source, _ in pairs]
    assert people == [person for person in dict.fromkeys(people) for _ in range(3)]
    assert len(set(people)) == len({source for source, _ in pairs}) == 4
    assert choose(index, 4, 0) == pairs == choose(index, 100, 0)
    assert choose(index, 2, 0) == pairs[:6]
    assert choose(index, 4, 1) != pairs


@pytest.mark.parametrize("export", [*layouts.DEEPFASHION, layouts.market], ids=lambda export: export.__name__)
def test_any_layout_of_the_field_will_do(mannequin_root, tmp_path, export):
    names = export(DeepFashion(mannequin_root), tmp_path / "data") or {}
    request = UniformityRequest(data=tmp_path / "data", results=tmp_path / "results", sources=2, device="cpu")
    asked = Trial.of(request, "uniformity")
    canvases = {name: asked.canvases(setting) for name, setting in module.SETTINGS.items()}
    assert {name: len(of) for name, of in canvases.items()} == {"T1": 6, "T2": 6, "T3": 6, "IMAGPose_star": 2}
    assert all(len(set(canvas.sources)) == 3 for canvas in canvases["T3"])
    possible = {(names.get(a, a), names.get(b, b)) for a, b in DeepFashion(mannequin_root).pairs("test")}
    assert set(asked.task.pairs) <= possible


def test_who_has_too_few_views_is_not_chosen(mannequin_root, monkeypatch):
    index = DeepFashion(mannequin_root)
    first = index.splits["test"][0]
    listed = [pair for pair in index.pairs("test") if index.records[pair[0]].identity != index.records[first].identity]
    few = [pair for pair in index.pairs("test") if pair[0] == first][:2]
    monkeypatch.setattr(index, "pairs", lambda split: [*few, *listed])
    assert first not in {source for source, _ in choose(index, 4, 0)}
    monkeypatch.setattr(index, "pairs", lambda split: few)
    with pytest.raises(InputError, match="Nobody in the test pairs"):
        choose(index, 4, 0)


@pytest.mark.slow
def test_rows_sheet_and_resuming(mannequin_root, tmp_path, model, capsys):
    words = ["uniformity", "--data", str(mannequin_root), "--results", str(tmp_path), "--sources", "2", "--steps", "2"]
    words += ["--model", model, "--device", "cpu"]
    assert main(words) == 0
    folder = tmp_path / "uniformity"
    rows = {name: read_row(folder / "rows" / f"{name}-seed0.json") for name in module.SETTINGS}
    for name, row in rows.items():
        assert row.config["scenario"] == module.SETTINGS[name]
        assert (row.samples, row.drawn, row.config["steps"], row.config["guidance"]) == (6, True, 2, 2.0)
        assert len(row.config["weights"]) == 16
        assert row.pairs.names == rows["T1"].pairs.names
        for key in ("strict/ssim_256", "figure/ssim", "figure/identity_at_1", "figure/pattern_at_1"):
            protocol, _, metric = key.partition("/")
            assert np.mean(row.pairs.values[key]) == pytest.approx(row.scores[protocol][metric].value, abs=1e-6)
            assert row.scores[protocol][metric].low <= row.scores[protocol][metric].high
    assert rows["T1"].pairs.values["strict/ssim_256"] != rows["T3"].pairs.values["strict/ssim_256"]
    with Image.open(folder / "panels.png") as sheet:
        assert json.loads(sheet.text["imagpose"])["scenario"] == list(module.SETTINGS.values())
    pictures = sorted(folder.glob("images/*/*.png"))
    assert len(pictures) == 24
    written = {path: path.stat().st_mtime_ns for path in pictures}
    pictures[-1].unlink()
    capsys.readouterr()
    assert main(words) == 0  # as after an interruption
    assert all((path.stat().st_mtime_ns == written[path]) == (path != pictures[-1]) for path in pictures)
    row = read_row(folder / "rows" / "T1-seed0.json")
    assert (row.scores, row.pairs) == (rows["T1"].scores, rows["T1"].pairs)
    words[words.index("--steps") + 1] = "3"
    assert main(words) == 2
    assert "was made with steps 2, and it is 3 now; add --overwrite" in capsys.readouterr().err


def test_an_interruption_is_one_sentence(monkeypatch, capsys):
    def interrupt(request: UniformityRequest):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "uniformity", interrupt)
    assert main(["uniformity"]) == 130
    assert "the same command goes on" in capsys.readouterr().err
