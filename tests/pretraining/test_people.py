"""The pictures that the miniature encoders learn from, their captions, and the measure on held-out people."""

import open_clip
import torch

from imagpose.data.images import read_image
from imagpose.data.mannequins.descriptions import caption
from imagpose.data.mannequins.people import CLOTH, draw_person
from imagpose.data.mannequins.wardrobe import Wardrobe
from imagpose.data.readers.deepfashion import DeepFashion
from imagpose.data.sampling import rng_for
from imagpose.pretraining.clip import CONTEXT
from imagpose.pretraining.family import same_person
from imagpose.pretraining.people import CaptionDataModule, CropDataModule


def test_crops_are_a_function_of_seed_and_number(mannequin_root):
    modules = [CropDataModule(mannequin_root, 2, seed=seed) for seed in (0, 0, 1)]
    for module in modules:
        module.setup("fit")
    state = torch.random.get_rng_state()
    one, again, other = (module.train[5] for module in modules)
    assert torch.equal(state, torch.random.get_rng_state())
    assert one["wholes"].shape == (2, 3, 64, 44)
    assert one["parts"].shape == (4, 3, 32, 22)
    for name, crops in one.items():
        assert torch.equal(crops, again[name])
        assert not torch.equal(crops, other[name])
        assert crops.min() >= -1
        assert crops.max() <= 1
        assert all(not torch.equal(crops[0], crop) for crop in crops[1:])


def test_nobody_is_learnt_from_and_held_out(mannequin_root):
    module = CaptionDataModule(mannequin_root, 2)
    module.setup("fit")
    held = {record.path for record in module.held_out.records}
    assert held.isdisjoint(module.train.paths)
    assert len(module.train) == 24
    assert len(held) == 16
    people = [module.held_out[i][1] for i in range(16)]
    assert sorted(people) == sorted([0, 1, 2, 3] * 4)


def test_a_picture_has_the_caption_of_who_is_seen(mannequin_root):
    module = CaptionDataModule(mannequin_root, 2)
    module.setup("fit")
    names = {record.path: name for name, record in DeepFashion(mannequin_root).records.items()}
    person = Wardrobe.of(mannequin_root).person
    images = {path: read_image(path) for path in module.train.paths}
    for number in range(24):
        picture, text = module.train[number]
        shown = [path for path, image in images.items() if torch.equal(image, picture)]
        shown += [path for path, image in images.items() if torch.equal(image, picture.flip(-1))]
        assert {caption(person(names[path])) for path in shown} == {text}
    assert len(set(module.train.captions)) == 6  # people, each in one outfit


def test_a_caption_says_all_that_is_worn_and_none_is_cut_short():
    person = draw_person(rng_for(0, 1))
    plain = person.__class__(**{
        **vars(person), "top": CLOTH["navy"], "sleeves": "none", "top_pattern": "checks", "top_accent": (250, 240, 220),
        "bottom": "skirt", "bottom_pattern": "plain", "bottom_colour": (205, 30, 50), "shoes": CLOTH["grey"],
        "hair": (220, 170, 100), "long_hair": True, "skin": (80, 52, 40),
    })  # fmt: skip
    assert caption(plain) == (
        "a person with long blond hair and dark skin in a navy sleeveless top with cream checks, plain red skirt and "
        "grey shoes"
    )
    captions = [caption(draw_person(rng_for(1, i))) for i in range(2000)]
    tokens = open_clip.SimpleTokenizer(context_length=CONTEXT)(captions)
    assert (tokens[:, -1] == 0).all()  # the last place stays empty


def test_the_measure_is_the_share_of_nearest_pictures_of_the_same_person():
    features = torch.tensor([[1.0, 0.0], [5.0, 0.1], [0.0, 1.0], [1.0, 1.5]])
    # By cosine, 0 and 1 are nearest to each other, 2 and 3 too; length does not count.
    assert float(same_person(features, torch.tensor([0, 0, 1, 1]))) == 1.0
    assert float(same_person(features, torch.tensor([0, 0, 1, 2]))) == 0.5
    assert float(same_person(features, torch.tensor([0, 1, 0, 1]))) == 0.0
