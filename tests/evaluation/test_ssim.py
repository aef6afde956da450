import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from imagpose.evaluation.ssim import gaussian_window, psnr, ssim, uniform_window


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    smooth = torch.nn.functional.interpolate(torch.from_numpy(rng.random((4, 3, 9, 7))), (70, 60), mode="bicubic")
    truth = (smooth.clamp(0, 1) + torch.from_numpy(rng.normal(0, 0.05, smooth.shape))).clamp(0, 1).float()
    generated = (0.7 * truth + 0.3 * truth.flip(-1)).float()
    truth[0, :, :40], generated[0, :, :40] = 1.0, 1.0  # a white background, where single precision could go wrong
    return generated.contiguous(), truth.contiguous()


@pytest.mark.parametrize("sigma", [1.2, 1.5])
def test_gaussian_ssim_is_skimages(images, sigma):
    ranges = images[0].amax((1, 2, 3)) - images[0].amin((1, 2, 3))
    expected = [
        structural_similarity(
            b.double().numpy(), a.double().numpy(), gaussian_weights=True, sigma=sigma, use_sample_covariance=False,
            channel_axis=0, data_range=r.item(),
        )
        for a, b, r in zip(*images, ranges, strict=True)
    ]  # fmt: skip
    assert ssim(*images, gaussian_window(sigma), data_range=None).tolist() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("size", [7, 11, 51])  # primes have one stage, 51 has two
def test_uniform_ssim_is_skimages(images, size):
    expected = [
        structural_similarity(b.double().numpy(), a.double().numpy(), win_size=size, channel_axis=0, data_range=1)
        for a, b in zip(*images, strict=True)
    ]
    scores = ssim(*images, uniform_window(size), sample_covariance=True)
    assert scores.tolist() == pytest.approx(expected, abs=1e-5)


def test_scores_do_not_depend_on_the_layout_in_memory(images):
    a, b = (image.contiguous(memory_format=torch.channels_last) for image in images)
    window = gaussian_window(1.5)
    assert torch.allclose(ssim(a, b, window), ssim(*images, window), atol=1e-6)


def test_equal_images_score_one_and_the_threads_stay_as_they_were(images):
    threads = torch.get_num_threads()
    assert ssim(images[0], images[0], uniform_window(51)).tolist() == [1.0] * 4
    assert torch.get_num_threads() == threads


def test_a_window_larger_than_the_image_is_refused(images):
    with pytest.raises(ValueError, match="window of 51 pixels"):
        ssim(images[0][..., :50], images[1][..., :50], uniform_window(51))


def test_psnr_is_skimages_and_infinite_for_equal_images(images):
    expected = [peak_signal_noise_ratio(b.numpy(), a.numpy(), data_range=1) for a, b in zip(*images, strict=True)]
    assert psnr(*images).tolist() == pytest.approx(expected, abs=1e-3)
    assert psnr(images[0], images[0]).isinf().all()
