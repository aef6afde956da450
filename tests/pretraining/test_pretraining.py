"""What made the shipped weights runs, and leaves folders that the ordinary loader reads."""

import pytest
import torch

from imagpose.__main__ import main
from imagpose.data.mannequins.descriptions import CHOICES, COLOURS, describe
from imagpose.data.mannequins.folder import Wardrobe
from imagpose.data.readers.deepfashion import DeepFashion
from imagpose.data.variations import Variations
from imagpose.models.base import Base
from imagpose.models.encoders import TimmEncoder
from imagpose.pretraining.variations import VariationTraining
from tests.conftest import ROOT


@pytest.fixture
def fit(mannequin_root, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("IMAGPOSE_WEIGHTS", str(tmp_path))

    def fit_(experiment, out):
        return main(
            ["fit", "--exp", experiment, "--runs", str(tmp_path / "runs"), "--model.init_args.out", str(tmp_path / out),
             "--trainer.max_steps", "2", "--trainer.val_check_interval", "2", "--data.init_args.batch_size", "2",
             "--data.init_args.num_workers", "0", "--data.init_args.mannequins", "null",
             "--data.init_args.root", str(mannequin_root)]
        )  # fmt: skip

    return fit_


def test_the_encoder_learns_from_descriptions(fit, tmp_path):
    assert fit("base_encoder", out="encoder") == 0
    encoder = TimmEncoder(
        model="resnet18", weights_name="encoder", image_size=64,
        options={"channels": [32, 64, 128, 128], "output_stride": 16},
    )  # fmt: skip
    before = encoder.network.conv1.weight.clone()
    encoder.load_weights()
    assert not torch.equal(encoder.network.conv1.weight, before)
    assert encoder.network.bn1.num_batches_tracked == 2  # its norms gathered statistics, frozen elsewhere


def test_a_base_of_each_kind_is_left_in_the_published_layout(fit, tmp_path):
    assert fit("base_v", out="v") == 0
    assert Base("v").schedule.zero_terminal_snr
    assert fit("base_epsilon", out="epsilon") == 0
    base = Base("epsilon")
    assert base.schedule.for_sampling().config["prediction_type"] == "epsilon"
    assert base.unet_config == Base("mannequin-sd-v").unet_config
    base.vae().load_weights()


def test_what_is_tested_after_training_is_what_was_trained(tmp_path):
    encoder = TimmEncoder(
        model="resnet18", weights_name="mannequin-resnet", image_size=64,
        options={"channels": [32, 64, 128, 128], "output_stride": 16},
    )  # fmt: skip
    base = Base("mannequin-sd-v")
    module = VariationTraining(tmp_path, encoder, "mannequin-sd-v/vae", base.unet_config, start="mannequin-sd-v")
    module.setup("fit")
    with torch.no_grad():
        for parameter in (*module.unet.parameters(), *module.ema.model.shadow_params):
            parameter.add_(1)
    before = [parameter.clone() for parameter in (*module.unet.parameters(), *module.ema.model.shadow_params)]
    module.setup("test")
    after = [*module.unet.parameters(), *module.ema.model.shadow_params]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_descriptions_say_what_is_worn(mannequin_root):
    index = DeepFashion(mannequin_root)
    wardrobe = Wardrobe.of(mannequin_root)
    for name in index.splits["test"][::4]:
        person = wardrobe.person(name)
        described = describe(person)
        assert ((described.colours[COLOURS.index("skin")] + 1) * 127.5).round().tolist() == list(person.skin)
        assert bool(described.seen[COLOURS.index("top_accent")]) == (person.top_pattern != "plain")
        for i, (choice, options) in enumerate(CHOICES.items()):
            assert options[described.choices[i]] == getattr(person, choice)


def test_variations_are_two_distinct_views_of_one_person(mannequin_root):
    identities = list(DeepFashion(mannequin_root).identities("train").values())
    pairs = Variations(identities, seed=3)
    for number in range(12):
        first, again = pairs[number], pairs[number]
        assert torch.equal(first["source"], again["source"])
        assert not torch.equal(first["source"], first["target"])
        assert first["number"] == number
