"""What made the shipped weights runs, and leaves folders that the ordinary loader reads."""

import pytest
import torch

from imagpose.__main__ import main
from imagpose.data.figures import Figures
from imagpose.data.keypoints import FLIP_ORDER
from imagpose.data.mannequins.descriptions import CHOICES, COLOURS, describe
from imagpose.data.mannequins.wardrobe import Wardrobe
from imagpose.data.readers.deepfashion import DeepFashion
from imagpose.data.variations import Variations
from imagpose.models.base import Base
from imagpose.models.encoders import TimmEncoder
from imagpose.models.vae import VAE
from imagpose.pose.detectors import load_detector
from imagpose.pose.network import WINDOW
from imagpose.pretraining.scenes import compose
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


def test_the_detector_leaves_weights_that_it_is_loaded_from(fit, tmp_path):
    assert fit("detector", out="eyes") == 0
    before = load_detector("mannequin").network.state_dict()
    after = load_detector("mannequin", weights="eyes").network.state_dict()
    assert before.keys() == after.keys()
    assert not torch.equal(before["maps.weight"], after["maps.weight"])


@pytest.fixture
def figures(mannequin_root):
    index = DeepFashion(mannequin_root)
    items = [Figures([index.records[n] for n in index.splits["test"]], 0, False)[i] for i in range(16)]
    return torch.stack([one["picture"] for one in items]), torch.stack([one["keypoints"] for one in items])


def test_scenes_are_a_function_of_the_seed_alone(figures):
    one, again, other = (compose(*figures, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(one, again, strict=True))
    assert not torch.equal(one.windows, other.windows)


def test_joints_lie_where_their_figure_was_laid(figures):
    """A figure of one colour, whose joints each carry a mark: marks and joints come to the same places."""
    pictures, keypoints = figures
    marked = torch.full_like(pictures, -0.5)
    wrist = 7
    keypoints = keypoints.clone()
    keypoints[:, wrist] = torch.tensor([12.0, 40.0])
    marked[:, :, 38:43, 10:15] = 1.0  # a square before a plain background
    seen = 0
    for seed in range(6):
        scenes = compose(marked, keypoints, torch.Generator().manual_seed(seed))
        for window, joints, visible in zip(scenes.windows, scenes.joints, scenes.visible, strict=True):
            for joint in {wrist, FLIP_ORDER[wrist]}:
                x, y = (joints[joint]).round().int().tolist()
                if visible[joint] and 2 <= x < WINDOW - 2 and 2 <= y < WINDOW - 2:
                    seen += (window[:, y, x] > 0.2).all().item()
    assert seen >= 30


def test_joints_of_other_frames_and_of_nobody_are_told_to_be_missing(figures):
    scenes = compose(*figures, torch.Generator().manual_seed(5))
    inside = ((scenes.joints >= 0) & (scenes.joints < WINDOW)).all(-1)
    assert not (scenes.visible & ~inside).any()
    assert not scenes.present[scenes.visible.sum(1) < 4, 0].any()
    assert (scenes.boxes[..., 2:] >= 0).all()


def test_a_vae_goes_on_from_another_on_pictures_of_cameras(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    cameras = "{people: 3, test_people: 2, distractors: 0, junk: 0, seed: 1}"
    words = ["--exp", "vae_street", "--runs", str(tmp_path / "runs"), "--model.init_args.lr", "1e-9",
             "--trainer.max_steps", "1", "--trainer.val_check_interval", "1", "--data.init_args.batch_size", "2",
             "--data.init_args.root", str(tmp_path / "street"), "--data.init_args.cameras", cameras,
             "--data.init_args.num_workers", "0"]  # fmt: skip
    assert main(["fit", *words]) == 0
    trained, start = (VAE.of_folder(folder) for folder in (
        tmp_path / "runs/vae_street/version_0/vae", ROOT / "imagpose/weights/mannequin-sd-v/vae"))  # fmt: skip
    for vae in (trained, start):
        vae.load_weights()
    for ours, theirs in zip(trained.parameters(), start.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-3, rtol=1e-3)
    assert trained.scale != start.scale  # of these pictures' latents
