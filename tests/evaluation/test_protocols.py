"""Each protocol against golden/expected.json, which the published recipes made; see golden/make_golden.py."""

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image

from imagpose.evaluation import protocols
from imagpose.evaluation.protocols import PROTOCOLS, ssim_fixed, ssim_gaussian, ssim_uniform
from imagpose.evaluation.scoring import Networks, Sample, measure
from imagpose.evaluation.ssim import gaussian_window, ssim, uniform_window
from tests.conftest import ROOT

GOLDEN = ROOT / "tests" / "golden"
EXPECTED = json.loads((GOLDEN / "expected.json").read_text())
SIZE = (64, 56)


def scores(protocol, lpips=None):
    kind = "prediction" if protocol.resamples else "fitting"
    samples = [Sample(("", ""), GOLDEN / f"{kind}_{n}.png", GOLDEN / f"truth_{n}.png", "") for n in range(3)]
    measured = measure(samples, [protocol], SIZE, Networks(lpips, {}, {}), "cpu", lambda n: None)
    return measured[protocol.name].values


@pytest.mark.parametrize("name", EXPECTED)
def test_similarities_are_the_published_recipes(name):
    found = scores(PROTOCOLS[name])
    for metric, tolerance in (("ssim", 1e-5), ("ssim_256", 1e-5), ("psnr", 1e-3)):
        assert found[metric].tolist() == pytest.approx(EXPECTED[name][metric], abs=tolerance), metric


@pytest.mark.parametrize("name", EXPECTED)
def test_lpips_is_the_published_recipe_with_the_real_alexnet(name, alexnet):
    assert scores(PROTOCOLS[name], alexnet)["lpips"].tolist() == pytest.approx(EXPECTED[name]["lpips"], abs=1e-5)


def without(name, **changes):
    """A protocol that lost one of its features."""
    protocol = PROTOCOLS[name]
    return replace(protocol, **{"similarities": {**protocol.similarities, **changes.pop("metrics", {})}, **changes})


def sigma(value):
    return {"ssim_256": partial(ssim_gaussian, sigma=value)}


@pytest.mark.parametrize(
    ("feature", "metric", "lost"),
    [
        ("σ of pcdms", "ssim_256", without("pcdms", metrics=sigma(1.5))),
        ("σ of pidm", "ssim_256", without("pidm", metrics=sigma(1.5))),
        ("σ of gfla", "ssim_256", without("gfla", metrics=sigma(1.2))),
        ("σ of cfld", "ssim_256", without("cfld", metrics=sigma(1.2))),
        ("range of the prediction", "ssim_256", without("gfla", metrics={"ssim_256": ssim_fixed})),
        ("fixed range of strict", "ssim_256", without("strict", metrics=sigma(1.5))),
        ("window", "ssim", without("gfla", metrics={"ssim": lambda a, b: ssim(a, b, uniform_window(7), 1.0, True)})),
        ("uniform window", "ssim", without("cfld", metrics={"ssim": lambda a, b: ssim(a, b, gaussian_window(1.5))})),
        ("pcdms resizes by cv2's cubic", "ssim_256", without("pcdms", generated=protocols.resized)),
        ("pcdms resizes the truth alike", "ssim_256", without("pcdms", truth=protocols.resized)),
        ("pidm measures SSIM on squares", "ssim", without("pidm", generated=protocols.cubic, truth=protocols.cubic)),
        ("gfla measures on squares", "ssim", without("gfla", generated=protocols.resized, truth=protocols.resized)),
        ("cfld cuts bytes off", "psnr", without("cfld", generated=protocols.resized)),
        ("cfld's truth is Pillow's", "psnr", without("cfld", truth=protocols.antialiased)),
    ],
)  # fmt: skip
def test_a_protocol_that_loses_a_feature_misses_its_golden_values(feature, metric, lost):
    difference = np.abs(scores(lost)[metric] - EXPECTED[lost.name][metric]).max()
    assert difference > (2e-3 if metric == "psnr" else 2e-5), feature


@pytest.mark.parametrize(
    ("feature", "lost"),
    [
        ("pcdms gives LPIPS [0, 1]", without("pcdms", lpips_normalised=True)),
        ("gfla gives LPIPS [-1, 1]", without("gfla", lpips_normalised=False)),
        ("pidm resizes by bilinear", without("pidm", generated=protocols.cubic, truth=protocols.cubic)),
        ("pidm resizes for LPIPS", without("pidm", generated=protocols.stored_square, truth=protocols.stored_square)),
    ],
)  # fmt: skip
def test_lpips_of_a_protocol_that_loses_a_feature_is_another(feature, lost, alexnet):
    assert np.abs(scores(lost, alexnet)["lpips"] - EXPECTED[lost.name]["lpips"]).max() > 1e-4, feature


def test_the_sample_covariance_tells():
    """At 51×51 it is 1 + 1/2600: too little for the pictures above, seen where the noise is strong."""
    generated, truth = torch.rand(2, 3, 60, 60, dtype=torch.float64), torch.rand(2, 3, 60, 60, dtype=torch.float64)
    biased = ssim(generated, truth, uniform_window(51), 0.1)
    assert (ssim_uniform(generated * 0.1, truth * 0.1) - biased).abs().max() > 1e-8


def test_cubic_overshoots_without_clipping():
    edge = np.zeros((8, 8, 3), np.uint8)
    edge[:, 4:] = 255
    frame = protocols.cubic(edge, (13, 13)).pixels
    assert frame.min() < -0.01
    assert frame.max() > 1.01


def test_pictures_of_the_right_size_are_left_alone():
    image = np.random.default_rng(0).integers(0, 256, (64, 56, 3), dtype=np.uint8)
    for prepare in (protocols.resized, protocols.unresampled, protocols.antialiased, protocols.cubic):
        assert np.abs(prepare(image, SIZE).pixels * 255 - image).max() < 1e-4, prepare.__name__


def test_market_is_measured_without_squares():
    image = np.random.default_rng(0).integers(0, 256, (128, 64, 3), dtype=np.uint8)
    assert protocols.stored_square(image, (128, 64)).pixels.shape == (128, 64, 3)
    assert protocols.stored_square(image, (256, 176)).pixels.shape == (256, 256, 3)


def test_clean_is_torchmetrics_and_close_to_the_fixed_range_of_skimage():
    found = scores(PROTOCOLS["clean"])
    assert set(found) == {"ssim_256", "psnr"}
    images = [
        np.asarray(Image.open(GOLDEN / f"{kind}_0.png").resize(SIZE[::-1], Image.Resampling.BICUBIC)) / np.float32(255)
        for kind in ("prediction", "truth")
    ]
    a, b = (torch.from_numpy(image).permute(2, 0, 1)[None] for image in images)
    # torchmetrics also counts what it pads at the borders.
    assert found["ssim_256"][0] == pytest.approx(ssim_fixed(a, b).item(), abs=0.05)
