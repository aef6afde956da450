"""Table 3's miniature encoders: each family's task, what a step of it trains, and the weights that it leaves."""

import json
import math

import pytest
import torch
import yaml
from safetensors.torch import load_file
from torch.utils.data import default_collate

from imagpose.__main__ import main
from imagpose.data.readers.deepfashion import DeepFashion
from imagpose.errors import InputError
from imagpose.models import encoders
from imagpose.pretraining.clip import ClipTraining
from imagpose.pretraining.dino import DinoLoss, DinoTraining
from imagpose.pretraining.family import same_person
from imagpose.pretraining.people import CaptionDataModule, CropDataModule, HeldOut
from imagpose.pretraining.writing import write_half
from imagpose.training.experiment import read_options
from tests.conftest import ROOT

FAMILIES = ("clipb", "cliph", "clipbigg", "dinov2b", "dinov2l", "dinov2g")


def encoder_of(name, **changes):
    """The miniature's encoder as its rows build it."""
    options = yaml.safe_load((ROOT / f"experiments/miniatures/{name}.yaml").read_text())
    said = options["model"]["init_args"]["encoder"]
    built = getattr(encoders, said["class_path"].rsplit(".", 1)[1])
    return built(**{**said["init_args"], "weights_name": None, **changes})


def training_of(name, out):
    return (DinoTraining if name.startswith("dino") else ClipTraining)(out, encoder_of(name))


@pytest.fixture
def training(tmp_path, monkeypatch):
    """A family's training, outside of a trainer."""

    def training_(name):
        module = training_of(name, tmp_path / f"mannequin-{name}")
        monkeypatch.setattr(module, "log", lambda *args, **options: None)
        return module

    return training_


@pytest.fixture
def batch(mannequin_root):
    def batch_(name, size=8, number=0):
        module = (CropDataModule if name.startswith("dino") else CaptionDataModule)(mannequin_root, size)
        module.setup("fit")
        return default_collate([module.train[number * size + i] for i in range(size)])

    return batch_


def values(module):
    return {name: value.detach().clone() for name, value in module.state_dict().items()}


def step(module, batch, optimizer):
    loss = module.training_step(batch, 0)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return float(loss.detach())


def optimizer_of(module):
    return torch.optim.AdamW([p for p in module.parameters() if p.requires_grad], lr=1e-3)


# DINO's loss --------------------------------------------------------------------------------------------------------


def test_the_dino_loss_is_the_cross_entropy_written_out():
    student, teacher = torch.randn(3, 2, 4), torch.randn(2, 2, 4)
    loss = DinoLoss(4, student_temperature=0.5, teacher_temperature=0.2)
    loss.centre.copy_(torch.tensor([0.1, -0.3, 0.2, 0.5]))
    entropies = []
    for g, c in ((0, 1), (0, 2), (1, 0), (1, 2)):  # a crop is not compared with itself
        for b in range(2):
            raised = [math.exp((float(t) - float(m)) / 0.2) for t, m in zip(teacher[g, b], loss.centre, strict=True)]
            guessed = [math.exp(float(s) / 0.5) for s in student[c, b]]
            shares = zip(raised, guessed, strict=True)
            entropies.append(-sum(t / sum(raised) * math.log(s / sum(guessed)) for t, s in shares))
    assert float(loss(student, teacher)) == pytest.approx(sum(entropies) / len(entropies), abs=1e-5)


def test_the_centre_follows_what_the_teacher_says():
    loss = DinoLoss(2, momentum=0.75)
    loss.follow(torch.tensor([[[1.0, 0.0], [3.0, 4.0]], [[5.0, 2.0], [7.0, 2.0]]]))  # their mean is 4 and 2
    assert loss.centre.tolist() == [1.0, 0.5]
    loss.follow(torch.zeros(2, 2, 2))
    assert loss.centre.tolist() == [0.75, 0.375]


# What a step trains -------------------------------------------------------------------------------------------------


def test_a_step_of_dino_trains_the_student_and_the_teacher_follows_it(training, batch):
    module = training("dinov2b")
    before = values(module)
    module.training_step(batch("dinov2b"), 0).backward()
    asked = {name for name, parameter in module.named_parameters() if parameter.grad is not None}
    assert asked == {name for name, _ in module.named_parameters() if name.startswith(("student.", "head."))}
    optimizer_of(module).step()
    after = values(module)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {*asked, "loss.centre"}
    module.follow(0.0)
    for old, new in (("encoder.network", "student.network"), ("teacher_head", "head")):
        for name in (name for name in after if name.startswith(f"{old}.")):
            teacher, student = after[name], after[name.replace(old, new, 1)]
            torch.testing.assert_close(module.state_dict()[name], 0.98 * teacher + 0.02 * student)
    still = values(module)
    module.follow(1.0)  # at the end it stands still
    assert all(torch.equal(value, still[name]) for name, value in module.state_dict().items())


def test_a_step_of_clip_trains_both_towers_and_the_scale(training, batch):
    module = training("clipb")
    before = values(module)
    step(module, batch("clipb"), optimizer_of(module))
    same = {name for name, value in module.state_dict().items() if torch.equal(value, before[name])}
    assert same == set()
    assert module.clip.visual is module.encoder.network


def test_the_student_sees_small_crops_in_fewer_patches(training, batch):
    module = training("dinov2b")
    parts = module.encoder.prepare(batch("dinov2b")["parts"][:, 0], module.encoder.image_size // 2)
    assert module.student.tokens(parts).shape == (8, 2 * 2 + 1, 96)
    with torch.no_grad():
        wholes = module.encoder.prepare(batch("dinov2b")["wholes"][:, 0])
        assert torch.equal(module.student.tokens(wholes), module.encoder.tokens(wholes))  # they start alike


def test_dino_refuses_what_sees_no_small_crop(tmp_path):
    with pytest.raises(InputError, match="no vision transformer"):
        DinoTraining(tmp_path, encoders.TimmEncoder("resnet18", image_size=64))
    options = {"img_size": 70, "embed_dim": 96, "depth": 1, "num_heads": 12}
    with pytest.raises(InputError, match=r"image_size 70 is no even number of patches of 14 pixels; .* multiple of 28"):
        DinoTraining(tmp_path, encoder_of("dinov2b", image_size=70, options=options))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["clipb", "dinov2b"])
def test_the_loss_falls(name, training, batch):
    module = training(name)
    optimizer = optimizer_of(module)
    batches = [batch(name, 16, number) for number in range(3)]
    losses = []
    for number in range(45):
        losses.append(step(module, batches[number % 3], optimizer))
        if name.startswith("dino"):
            module.follow(0.0)
    assert sum(losses[-6:]) / 6 < sum(losses[:6]) / 6 - 0.3


# What is left -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FAMILIES)
def test_the_adapter_reads_what_is_left_and_sees_the_same(name, training, tmp_path, monkeypatch):
    monkeypatch.setenv("IMAGPOSE_WEIGHTS", str(tmp_path))
    module = training(name)
    with torch.no_grad():
        for parameter in module.encoder.network.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05).copy_(parameter.half())
    write_half(module.encoder.network, module.out, module.file, module.prefix)
    again = encoder_of(name, weights_name=f"mannequin-{name}")
    pictures = torch.rand(2, 3, 64, 44) * 2 - 1
    assert not torch.equal(again(pictures), module.encoder(pictures))
    again.load_weights()  # refuses a tensor that is missing or odd
    assert torch.equal(again(pictures), module.encoder(pictures))


@pytest.mark.parametrize("name", FAMILIES)
def test_the_packaged_miniature_knows_people_that_an_untrained_one_does_not(name, mannequin_root):
    held_out = HeldOut(list(DeepFashion(mannequin_root).records.values()))
    pictures, people = (torch.stack(list(map(torch.as_tensor, of))) for of in zip(*held_out, strict=True))
    packaged = encoder_of(name, weights_name=f"mannequin-{name}")
    packaged.load_weights()
    known, before = (same_person(encoder(pictures)[:, 0], people) for encoder in (packaged, encoder_of(name)))
    assert known > max(0.7, before)


@pytest.mark.parametrize("name", ["clipb", "dinov2b"])
def test_a_fit_leaves_its_encoder_and_its_measure(name, mannequin_root, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("IMAGPOSE_WEIGHTS", str(tmp_path))
    out = tmp_path / f"mannequin-{name}"
    words = ["fit", "--exp", f"encoder_{name}", "--runs", str(tmp_path / "runs"), "--model.init_args.out", str(out)]
    words += ["--trainer.max_steps", "2", "--trainer.val_check_interval", "2", "--trainer.precision", "32"]
    words += ["--data.init_args.root", str(mannequin_root), "--data.init_args.mannequins", "null"]
    assert main([*words, "--data.init_args.batch_size", "4", "--data.init_args.num_workers", "0"]) == 0
    run = tmp_path / f"runs/encoder_{name}/version_0"
    kept = torch.load(run / "checkpoints/last.ckpt", weights_only=True)["state_dict"]
    trained = {key: value for key, value in kept.items() if key.startswith("encoder.network.")}
    (file,) = out.iterdir()
    left = load_file(file)
    prefix = "visual." if name == "clipb" else ""
    assert left.keys() == {prefix + key.removeprefix("encoder.network.") for key in trained}
    for key, value in trained.items():
        assert torch.equal(left[prefix + key.removeprefix("encoder.network.")], value.half())
    again = encoder_of(name, weights_name=f"mannequin-{name}")
    again.load_weights()
    assert not torch.equal(again(torch.zeros(1, 3, 64, 44)), encoder_of(name)(torch.zeros(1, 3, 64, 44)))
    metrics = json.loads((run / "metrics.json").read_text())
    for which in ("trained", "untrained"):
        assert all(0 <= metrics[f"val/{which}_{what}"] <= 1 for what in ("class_token", "patches"))


@pytest.mark.slow
def test_a_resumed_training_ends_with_the_same_bits(mannequin_root, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    plain, stops = DinoTraining.training_step, iter([False, False, True])

    def fit(runs):
        words = ["fit", "--exp", "encoder_dinov2b", "--runs", str(tmp_path / runs), "--trainer.max_steps", "4"]
        words += ["--model.init_args.out", str(tmp_path / "out"), "--trainer.val_check_interval", "4"]
        words += ["--trainer.callbacks", "[]", "--trainer.callbacks+", "imagpose.callbacks.checkpoint.LastCheckpoint"]
        words += ["--trainer.callbacks.every_n_train_steps", "1", "--data.init_args.num_workers", "0"]
        words += ["--data.init_args.root", str(mannequin_root), "--data.init_args.mannequins", "null"]
        return main([*words, "--data.init_args.batch_size", "4"])

    def kept(runs):
        path = tmp_path / runs / "encoder_dinov2b/version_0/checkpoints/last.ckpt"
        return torch.load(path, weights_only=True)["state_dict"]

    def interrupted(self, batch, batch_idx):
        if next(stops, False):
            raise RuntimeError("the power is gone")
        return plain(self, batch, batch_idx)

    assert fit("whole") == 0
    monkeypatch.setattr(DinoTraining, "training_step", interrupted)
    assert fit("broken") != 0
    assert fit("broken") == 0
    whole, broken = kept("whole"), kept("broken")
    assert whole.keys() == broken.keys()
    assert [name for name, value in whole.items() if not torch.equal(value, broken[name])] == []


# Fairness -----------------------------------------------------------------------------------------------------------


def test_all_six_are_trained_alike(monkeypatch):
    monkeypatch.chdir(ROOT)
    alike = set()
    for name in FAMILIES:
        options = read_options(["--exp", f"encoder_{name}"])
        model, data, trainer = options.model.init_args, options.data.init_args, options.trainer
        assert str(model.out) == f"weights/mannequin-{name}"
        mini = yaml.safe_load((ROOT / f"experiments/miniatures/{name}.yaml").read_text())
        assert model.encoder.init_args.options == mini["model"]["init_args"]["encoder"]["init_args"]["options"]
        told = (trainer.max_steps, trainer.precision, trainer.gradient_clip_val, model.lr, model.seed)
        alike.add((*told, str(data.root), data.batch_size, data.mannequins.seed, data.mannequins.identities, data.seed))
    assert len(alike) == 1
