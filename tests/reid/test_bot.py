"""BoT: its losses against cases written out, its tricks, its batches, and a run of it that is resumed."""

import itertools
import json
import math

import numpy as np
import pytest
import torch
import yaml
from torch import nn

from imagpose.__main__ import main
from imagpose.data.sampling import StepSampler
from imagpose.errors import InputError
from imagpose.reid.additions import Added, added_csv, read_added
from imagpose.reid.augmentation import Augmentation, plain
from imagpose.reid.bot import Bot, rate
from imagpose.reid.datamodule import ReidDataModule
from imagpose.reid.losses import CentreLoss, batch_hard_triplet
from imagpose.reid.network import BotNetwork
from imagpose.reid.sampling import PKSampler, epoch_of, steps_of
from tests.conftest import ROOT

NARROW = {"channels": [8, 8, 8, 16]}


def test_the_triplet_of_a_case_written_out():
    features = torch.tensor([[0.0, 0], [3, 4], [0, 1], [6, 8]])
    labels = torch.tensor([0, 0, 1, 1])
    # Farthest of the own, nearest of another: (5, 1), (5, √18), (√85, 1), (√85, 5).
    expected = [5 - 1 + 0.3, 5 - math.sqrt(18) + 0.3, math.sqrt(85) - 1 + 0.3, math.sqrt(85) - 5 + 0.3]
    assert batch_hard_triplet(features, labels, 0.3).item() == pytest.approx(sum(expected) / 4, abs=1e-6)
    apart = torch.tensor([[0.0, 0], [0, 1], [90, 0], [90, 1]])
    assert batch_hard_triplet(apart, labels, 1.0).item() == 0  # a hard margin, not softplus
    assert batch_hard_triplet(apart / 90, labels, 1.0).item() > 0  # features are taken as they are


def test_the_triplet_s_gradient_is_finite_where_pictures_are_equal():
    features = torch.ones(4, 3, requires_grad=True)
    batch_hard_triplet(features, torch.tensor([0, 0, 1, 1])).backward()
    assert torch.isfinite(features.grad).all()


def test_centres_descend_as_sgd_does_on_the_unweighted_loss():
    torch.manual_seed(0)
    loss, features, labels = CentreLoss(5, 3, lr=0.5), torch.randn(6, 3), torch.tensor([0, 0, 1, 4, 4, 4])
    centres = nn.Parameter(loss.centres.clone())
    value = (features - centres[labels]).square().sum(1).mean()
    assert loss(features, labels).item() == pytest.approx(value.item())
    value.backward()
    torch.optim.SGD([centres], lr=0.5).step()
    loss.descend(features, labels)
    torch.testing.assert_close(loss.centres, centres.detach())


def test_the_learning_rate_of_the_paper_s_epochs():
    rates = {epoch: rate(epoch, 10, (40, 70)) for epoch in (1, 5, 10, 39, 40, 69, 70, 120)}
    assert rates == pytest.approx(
        {1: 0.109, 5: 0.505, 10: 1.0, 39: 1.0, 40: 0.1, 69: 0.1, 70: 0.01, 120: 0.01}
    )  # fmt: skip
    assert rate(1, 0, ()) == 1


def test_each_trick_is_a_switch_of_the_network():
    images = torch.randn(4, 3, 64, 32)
    shapes = {stride: BotNetwork("resnet18", 5, stride, options=NARROW).backbone.forward_features(images).shape[-2:]
              for stride in (1, 2)}  # fmt: skip
    assert shapes == {1: (4, 2), 2: (2, 1)}
    neck, none = (BotNetwork("resnet18", 5, bnneck=bnneck, options=NARROW) for bnneck in (True, False))
    assert (neck.neck.bias.requires_grad, neck.classifier.bias) == (False, None)
    assert none.classifier.bias is not None
    told = neck(images)
    assert not torch.equal(told.feature, told.tested)
    told = none(images)
    assert torch.equal(told.feature, told.tested)
    fifty = BotNetwork("resnet50", 5)
    last = [module for module in fifty.backbone.layer4.modules() if isinstance(module, nn.Conv2d)]
    assert {module.stride for module in last} == {(1, 1)}
    assert {module.dilation for module in fifty.modules() if isinstance(module, nn.Conv2d)} == {(1, 1)}
    averaged = BotNetwork("resnet18d", 5, 1, options=NARROW).backbone  # an average is its shortcut's stride
    assert averaged.forward_features(images).shape[-2:] == (4, 2)


def test_imagenets_weights_are_read_without_their_classifier(tmp_path, monkeypatch):
    import timm
    from safetensors.torch import save_file

    monkeypatch.setenv("IMAGPOSE_WEIGHTS", str(tmp_path))
    published = timm.create_model("resnet18", pretrained=False, num_classes=7)
    (tmp_path / "some").mkdir()
    save_file(published.state_dict(), tmp_path / "some/model.safetensors")
    network = BotNetwork("resnet18", 5)
    network.load_weights("some")
    assert torch.equal(network.backbone.conv1.weight, published.conv1.weight)
    with pytest.raises(InputError, match="does not fit ResNet"):
        BotNetwork("resnet34", 5).load_weights("some")


def test_the_ladder_is_seven_experiments_each_with_one_trick_more():
    names = ["baseline", "warmup", "erasing", "smoothing", "stride", "bnneck", "bot"]
    read = {name: (ROOT / f"experiments/reid/{name}.yaml").read_text() for name in names}
    for before, name in itertools.pairwise(names):
        options = yaml.safe_load(read[name])
        assert options.pop("compose") == [f"reid/{before}"]
        assert sum(len(of["init_args"]) for of in options.values()) == 1
    assert "94.5, mAP 85.9" in read["bot"]
    assert "87.7, mAP 74.0" in read["baseline"]


# Batches ------------------------------------------------------------------------------------------------------------

LABELS = [0] * 9 + [1] * 4 + [2] * 2 + [3] * 5 + [4]


def test_a_batch_has_p_people_with_k_pictures_each():
    batches = epoch_of(LABELS, 0, 0, people=3, pictures=4)
    assert batches
    seen = []
    for batch in batches:
        groups = [batch[i : i + 4] for i in range(0, 12, 4)]
        people = [{LABELS[i] for i in group} for group in groups]
        assert all(len(one) == 1 for one in people)
        assert len(set.union(*people)) == 3
        seen += [tuple(sorted(group)) for group in groups if LABELS[group[0]] in (0, 1, 3)]
    assert len({i for group in seen for i in group}) == 4 * len(seen)  # nobody's picture twice where there are enough
    assert epoch_of(LABELS, 0, 0, 3, 4) == batches
    assert epoch_of(LABELS, 0, 1, 3, 4) != batches
    assert epoch_of(LABELS, 1, 0, 3, 4) != batches


def test_a_resumed_sampler_goes_on_with_what_would_have_come():
    whole = list(PKSampler(LABELS, 0, StepSampler(0, 20, 12), 3, 4))
    assert list(PKSampler(LABELS, 0, StepSampler(7, 20, 12), 3, 4)) == whole[7:]
    assert [[index for _, index in batch] for batch in whole[: steps_of(LABELS, 2, 0, 3, 4)]] == [
        *epoch_of(LABELS, 0, 0, 3, 4), *epoch_of(LABELS, 0, 1, 3, 4)
    ]  # fmt: skip
    numbers = [number for batch in whole for number, _ in batch]
    assert numbers == list(range(20 * 12))
    ranks = [list(PKSampler(LABELS, 0, StepSampler(0, 10, 12, rank, 2), 3, 4)) for rank in (0, 1)]
    assert [batch for both in zip(*ranks, strict=True) for batch in both] == whole


def test_augmentation_is_a_function_of_seed_and_number():
    picture = torch.randint(0, 256, (3, 64, 32), dtype=torch.uint8)
    augmentation = Augmentation((64, 32), 3, 0.5, seed=0)
    state = torch.get_rng_state()
    assert torch.equal(augmentation(picture, 5), augmentation(picture, 5))
    assert torch.equal(torch.get_rng_state(), state)
    assert len({augmentation(picture, number).sum().item() for number in range(20)}) > 15
    assert not torch.equal(augmentation(picture, 5), augmentation(picture, 5, more=True))
    erased = [(Augmentation((64, 32), 0, 1.0, 0)(picture, n) == 0).all(0).float().mean().item() for n in range(50)]
    assert min(erased) > 0.01
    assert max(erased) < 0.42
    never = [Augmentation((64, 32), 0, 0.0, 0)(picture, n) for n in range(9)]
    assert all(torch.equal(one, plain(picture)) or torch.equal(one.flip(-1), plain(picture)) for one in never)


# The list of what is added ------------------------------------------------------------------------------------------


def test_a_list_of_added_pictures_is_read_back(tmp_path):
    added = [Added(tmp_path / "a,b.png", 3), Added(tmp_path / "c.jpg", 4, True)]
    (tmp_path / "added.csv").write_text(added_csv(added))
    assert read_added(tmp_path / "added.csv", {3, 4}) == added
    (tmp_path / "added.csv").write_text("file,person,more_augmentation\nx.png,3,0\n")
    assert read_added(tmp_path / "added.csv", {3}) == [Added(tmp_path / "x.png", 3)]
    with pytest.raises(InputError, match="row 2: person 3 is not trained on"):
        read_added(tmp_path / "added.csv", {4})
    for row in ("x.png,3", "x.png,three,0", "x.png,3,2", '"x.png,3,0'):
        (tmp_path / "added.csv").write_text(f"file,person,more_augmentation\n{row}\n")
        with pytest.raises(InputError, match=r"row 2: expected a file, a person and 0 or 1"):
            read_added(tmp_path / "added.csv", {3})


# A run --------------------------------------------------------------------------------------------------------------


def quick(market, *words: str) -> list[str]:
    options = {
        "data.init_args.root": market, "data.init_args.cameras": "null", "data.init_args.persons": 3,
        "data.init_args.pictures": 2, "model.init_args.people": 6, "model.init_args.options": str(NARROW),
        "model.init_args.weights_name": "null",
        "trainer.max_steps": 6, "trainer.log_every_n_steps": 1,
    }  # fmt: skip
    named = (word for name, value in options.items() for word in (f"--{name}", str(value)))
    return ["-c", "reid/bot", "-c", "reid/miniature", *named, *words]


def test_a_run_is_scored_and_its_features_are_scored_to_the_same(market, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = quick(market, "--model.init_args.keep_features", "true", "--runs", "runs", "--name", "one")
    assert main(["fit", *words, "--table", "[reid]", "--results", "results"]) in (0, None)
    metrics = json.loads((tmp_path / "runs/one/version_0/metrics.json").read_text())
    row = json.loads((tmp_path / "results/reid/rows/one-seed0.json").read_text())
    capsys.readouterr()
    assert main(["reid", "evaluate", "runs/one/version_0/features", "--json", "scores.json", "--chunk", "3"]) == 0
    assert "mAP" in capsys.readouterr().out
    scores = json.loads((tmp_path / "scores.json").read_text())
    for name, score in scores.items():
        assert score["value"] == pytest.approx(metrics[f"test/{name}"], abs=1e-6)
        assert row["scores"]["market1501"][name]["value"] == pytest.approx(score["value"], abs=1e-9)
        assert np.mean(row["pairs"]["values"][f"market1501/{name}"]) == pytest.approx(score["value"])
    assert row["steps"] == 6


def test_people_that_do_not_fit_are_told(market, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["fit", *quick(market, "--model.init_args.people", "7")]) == 2
    assert "There are 6 people to train on; set model.init_args.people to 6." in capsys.readouterr().err
    assert main(["fit", *quick(market, "--data.init_args.persons", "7")]) == 2
    assert "shows 6 people and data.init_args.persons is 7" in capsys.readouterr().err


def test_the_data_leave_out_junk_and_keep_distractors(market):
    data = ReidDataModule(market, persons=3, size=(64, 32))
    data.setup("test")
    assert {one.person for one in data.gallery} == {0, *(one.person for one in data.query)}
    assert not {one.person for one in data.query} & set(data.people)
    assert [len(loader.dataset) for loader in data.test_dataloader()] == [len(data.query), len(data.gallery)]


def test_a_bot_without_tricks_has_no_centres():
    assert Bot(people=5, backbone="resnet18", options=NARROW, centre_weight=0).centres is None
