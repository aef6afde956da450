import inspect

import numpy as np
import pytest
import scipy.linalg
import torch
from torch import nn
from torchvision.models import inception_v3

from imagpose.errors import InputError
from imagpose.evaluation import backbones, fid


def features(seed, count, dim=24, rank=None):
    rng = np.random.default_rng(seed)
    spread = rng.normal(size=(rank or dim, dim))
    return (rng.normal(size=(count, rank or dim)) @ spread + rng.normal(size=dim)).astype(np.float32)


def statistics(array, batch=7, keep=None):
    moments = fid.Moments(keep or len(array))
    for start in range(0, len(array), batch):
        moments.add(array[start : start + batch])
    return moments.statistics()


def published(one, other):
    """The evaluators' formula by scipy's root of the product."""
    mean = [array.astype(float).mean(0) for array in (one, other)]
    covariance = [np.cov(array.astype(float), rowvar=False) for array in (one, other)]
    root = scipy.linalg.sqrtm(covariance[0] @ covariance[1])
    return np.square(mean[0] - mean[1]).sum() + np.trace(covariance[0] + covariance[1] - 2 * root.real)


def test_moments_are_numpys_batch_by_batch():
    array = features(0, 50)
    found = statistics(array)
    assert np.allclose(found.mean, array.mean(0), atol=1e-6)
    assert np.allclose(found.covariance, np.cov(array, rowvar=False), atol=1e-5)
    assert found.count == 50


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (features(1, 300), features(2, 200)),
        (features(3, 10), features(4, 300)),  # fewer images than dimensions
        (features(5, 10), features(6, 12)),
        (features(7, 300, rank=5), features(8, 300)),  # rank-deficient
        (features(9, 300, rank=5), features(10, 300, rank=7)),
    ],
)
def test_the_distance_is_scipys(one, other):
    distance = fid.frechet_distance(statistics(one), statistics(other))
    assert distance == pytest.approx(published(one, other), rel=1e-5)
    assert fid.frechet_distance(statistics(other), statistics(one)) == pytest.approx(distance, rel=1e-6)


@pytest.mark.skipif(
    "disp" not in inspect.signature(scipy.linalg.sqrtm).parameters, reason="clean-fid 0.1.35 needs SciPy before 1.18"
)
def test_the_distance_is_clean_fids():
    from cleanfid.fid import fid_from_feats

    one, other = features(1, 300), features(2, 200)
    distance = fid.frechet_distance(statistics(one), statistics(other))
    assert distance == pytest.approx(fid_from_feats(one.astype(float), other.astype(float)), rel=1e-6)


@pytest.mark.parametrize("count", [5, 300])
def test_identical_sets_are_at_distance_zero(count):
    found = statistics(features(1, count))
    scale = np.trace(found.covariance)
    assert fid.frechet_distance(found, found) == pytest.approx(0, abs=1e-6 * scale)


def test_one_image_is_refused():
    with pytest.raises(InputError, match="at least 2 images on each side, and there is 1"):
        statistics(features(1, 1))


def test_features_that_are_not_numbers_are_refused():
    broken = features(1, 5)
    broken[3, 2] = np.nan
    with pytest.raises(InputError, match="not all finite"):
        statistics(broken)


@pytest.mark.parametrize(
    ("count", "batch", "kept"),
    [(8570, 64, 8512), (8570, 128, 8448), (48674, 64, 48640), (8570, None, 8570), (40, 64, 40)],
)
def test_the_remainder_is_dropped_as_published(count, batch, kept):
    assert fid.kept(count, batch) == kept


def test_what_is_dropped_is_the_end():
    array = features(1, 50)
    assert np.allclose(statistics(array, keep=32).mean, array[:32].mean(0), atol=1e-6)


def test_a_fingerprint_tells_recipe_weights_and_files(tmp_path):
    weights, image = tmp_path / "w.pth", tmp_path / "a.jpg"
    weights.write_bytes(b"1")
    image.write_bytes(b"2")
    key = fid.reference_key({"size": (4, 4)}, weights, [image])
    assert key == fid.reference_key({"size": (4, 4)}, weights, [image])
    assert key != fid.reference_key({"size": (4, 5)}, weights, [image])
    image.write_bytes(b"22")
    changed = fid.reference_key({"size": (4, 4)}, weights, [image])
    weights.write_bytes(b"3")
    assert len({key, changed, fid.reference_key({"size": (4, 4)}, weights, [image])}) == 3


def test_the_cache_gives_back_what_it_was_given(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert fid.load_statistics("key") is None
    found = statistics(features(1, 20))
    fid.save_statistics("key", found)
    again = fid.load_statistics("key")
    assert np.array_equal(again.mean, found.mean)
    assert np.array_equal(again.covariance, found.covariance)
    assert again.count == 20
    assert [path.name for path in (tmp_path / "imagpose" / "fid").iterdir()] == ["key.npz"]
    (tmp_path / "imagpose" / "fid" / "key.npz").write_bytes(b"damaged")
    with pytest.raises(InputError, match="not a readable cache"):
        fid.load_statistics("key")


@pytest.fixture(scope="session")
def random_inception(tmp_path_factory):
    """A folder with torchvision's Inception at random weights under the public file's name."""
    folder = tmp_path_factory.mktemp("inception")
    torch.manual_seed(0)
    torch.save(inception_v3(weights=None, init_weights=False).state_dict(), folder / backbones.INCEPTION.name)
    return folder


def test_the_fields_inception_is_normalised_as_published(random_inception, monkeypatch):
    monkeypatch.setenv("IMAGPOSE_WEIGHTS", str(random_inception))
    images = torch.rand(1, 3, 64, 44)
    with torch.inference_mode():
        found = backbones.imagenet_inception("cpu")(images)
        with torch.device("meta"):
            network = inception_v3(weights=None, init_weights=False, transform_input=False).eval()
        tensors = torch.load(random_inception / backbones.INCEPTION.name, weights_only=True)
        network.load_state_dict(tensors, assign=True)
        network.fc = nn.Identity()
        x = torch.nn.functional.interpolate(images, size=(299, 299), mode="bilinear")
        scale, mean = torch.tensor([0.229, 0.224, 0.225]), torch.tensor([0.485, 0.456, 0.406])
        x = x * (scale / 0.5).view(3, 1, 1) + ((mean - 0.5) / 0.5).view(3, 1, 1)
        assert torch.allclose(found, network(x), atol=1e-5)
    assert found.shape == (1, 2048)


class _Scripted(nn.Module):
    """Stands in for the TorchScript file of the FID weights."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(48, 2048))

    def forward(self, x):
        return self.layers(x)


def test_cleans_inception_resizes_as_clean_fid_does(tmp_path, monkeypatch):
    from cleanfid.resize import build_resizer

    network = _Scripted()
    torch.jit.script(network).save(str(tmp_path / backbones.FID_INCEPTION.name))
    monkeypatch.setenv("IMAGPOSE_WEIGHTS", str(tmp_path))
    image = np.random.default_rng(0).integers(0, 256, (64, 44, 3), dtype=np.uint8)
    with torch.inference_mode():
        found = backbones.fid_inception("cpu")(torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255)
        resized = torch.from_numpy(build_resizer("clean")(image)).permute(2, 0, 1)[None]
        assert torch.allclose(found, network((resized - 128) / 128), atol=1e-5)


def test_missing_weights_name_the_file_and_where_to_put_it():
    with pytest.raises(
        backbones.UnavailableError, match=r"fetch https://\S+inception_v3\S+ into a folder and name that"
    ):
        backbones.imagenet_inception("cpu")


def test_damaged_weights_are_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("IMAGPOSE_WEIGHTS", str(tmp_path))
    (tmp_path / backbones.ALEXNET.name).write_bytes(b"nonsense")
    with pytest.raises(InputError, match="no readable file of weights"):
        backbones.lpips_alex("cpu")
    torch.save({"features.0.weight": torch.zeros(1)}, tmp_path / backbones.ALEXNET.name)
    with pytest.raises(InputError, match="does not fit Conv2d"):
        backbones.lpips_alex("cpu")


def test_weights_that_would_run_code_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("IMAGPOSE_WEIGHTS", str(tmp_path))
    torch.save(nn.Linear(1, 1), tmp_path / backbones.ALEXNET.name)
    with pytest.raises(InputError, match="no readable file of weights"):
        backbones.lpips_alex("cpu")
