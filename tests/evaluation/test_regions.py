import numpy as np
import pytest

from imagpose.data.mannequins.folder import MannequinSet, write
from imagpose.data.mannequins.wardrobe import Wardrobe
from imagpose.data.readers.deepfashion import DeepFashion
from imagpose.evaluation.clothes import cases
from imagpose.evaluation.visibility import FEWEST, Split, lpips_by_region, regions, score


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Of one person a front as target, and as sources a back and another front."""
    root = tmp_path_factory.mktemp("people") / "drawn"
    write(root, MannequinSet(identities=4, views=8, test_identities=3, test_pairs=4))
    index = DeepFashion(root)
    somebody = index.records[index.splits["test"][0]].person
    front, other, *_, back = sorted(name for name in index.splits["test"] if index.records[name].person == somebody)
    return index, front, (back, other)


def test_the_regions_are_the_figure(pair):
    index, target, sources = pair
    wardrobe = Wardrobe.of(index.root)
    figure = wardrobe.draw(wardrobe.person(target), target).silhouette
    parts = regions(wardrobe, target, figure, sources)
    assert (np.sum(list(parts.values()), 0) == figure).all()  # each pixel in one
    assert parts["others"].sum() > parts["source"].sum()  # the front shows what the back does not
    alone = regions(wardrobe, target, figure, sources[:1])
    assert not alone["others"].any()
    assert (alone["source"] == parts["source"]).all()


def test_a_region_is_scored_by_its_own_pixels(pair):
    index, target, sources = pair
    wardrobe = Wardrobe.of(index.root)
    true = wardrobe.draw(wardrobe.person(target), target)
    parts = regions(wardrobe, target, true.silhouette, sources)
    spoiled = true.image.copy()
    spoiled[parts["none"]] = 255 - spoiled[parts["none"]]
    [case] = cases(index, [(target, {"true": true.image, "spoiled": spoiled})], 0)
    found = score(Split(case, sources))
    assert sum(found.shares.values()) == pytest.approx(1)
    assert set(found.scores) == {name for name, part in parts.items() if part.sum() >= FEWEST}
    for region, of in found.scores.items():
        assert of["true"]["ssim"] == pytest.approx(1)
        assert "psnr" not in of["true"]  # it is infinite
        assert of["true"]["identity_at_1"] == 1
        if region != "none":
            assert "psnr" not in of["spoiled"]
    assert found.scores["none"]["spoiled"]["ssim"] < min(found.scores["others"]["spoiled"]["ssim"], 0.7)
    assert found.scores["none"]["spoiled"]["psnr"] < 15


def test_lpips_is_larger_where_the_picture_is_wrong(pair):
    import lpips

    index, target, sources = pair
    wardrobe = Wardrobe.of(index.root)
    true = wardrobe.draw(wardrobe.person(target), target)
    parts = regions(wardrobe, target, true.silhouette, sources)
    network = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False).eval()
    assert lpips_by_region(network, true.image, true.image, parts)["others"] == 0
    spoiled = true.image.copy()
    spoiled[parts["others"]] = 255 - spoiled[parts["others"]]
    found = lpips_by_region(network, spoiled, true.image, parts)
    assert found["others"] > 0
    assert not network.spatial  # as it was
