"""Makes the pictures and the expected scores of tests/golden, by the published recipes and none of our code.

    pip install opencv-python-headless imageio lpips scikit-image torchvision
    python tests/golden/make_golden.py [folder with alexnet_features.safetensors]

Each recipe follows its authors' evaluator: GFLA script/metrics.py, PIDM utils/metrics.py, PCDMs metrics.py, CFLD
models/metrics.py and pose_transfer_test.py. Measured is at 64×56. Without AlexNet no LPIPS is written.
"""

import json
import sys
import warnings
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as TF

warnings.simplefilter("ignore")
HERE = Path(__file__).parent
SIZE = (64, 56)
COUNT = 3


def draw(seed, height, width, shift):
    """A smooth picture with edges and a white border; the prediction is a shifted, noisier, duller one."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / height
    picture = np.full((height, width, 3), 250.0)
    for _ in range(5):
        cy, cx, r = rng.uniform(0.2, 0.8), rng.uniform(0.15, 0.7), rng.uniform(0.08, 0.3)
        colour = rng.uniform(10, 245, 3)
        inside = (y - cy - shift) ** 2 + (x - cx) ** 2 < r * r
        stripes = 0.75 + 0.25 * np.sin(rng.uniform(20, 60) * (x + y))
        picture[inside] = (colour * stripes[..., None])[inside]
    if shift:
        picture = picture * 0.8 + 20 + rng.normal(0, 6, picture.shape)
    return picture.clip(0, 255).astype(np.uint8)


def lpips_model(folder):
    import lpips
    from safetensors.torch import load_file

    model = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)
    tensors = load_file(folder / "alexnet_features.safetensors")
    for part in model.net.children():
        for number, layer in part.named_children():
            if f"features.{number}.weight" in tensors:
                layer.weight.data = tensors[f"features.{number}.weight"]
                layer.bias.data = tensors[f"features.{number}.bias"]
    return model.eval()


def reconstruction(gt, pred, sigma):
    """gt, pred: float32 (H, W, 3) in [0, 1]."""
    gt_256, pred_256 = gt * 255.0, pred * 255.0
    return {
        "ssim": structural_similarity(gt, pred, data_range=1, win_size=51, channel_axis=2),
        "ssim_256": structural_similarity(
            gt_256, pred_256, gaussian_weights=True, sigma=sigma, use_sample_covariance=False, channel_axis=2,
            data_range=pred_256.max() - pred_256.min(),
        ),
        "psnr": peak_signal_noise_ratio(gt, pred, data_range=1),
    }


def distance(model, gt, pred):
    if model is None:
        return {}
    one, other = (torch.from_numpy(np.ascontiguousarray(a.transpose(2, 0, 1)))[None].float() for a in (pred, gt))
    with torch.no_grad():
        return {"lpips": model(one, other).item()}


def pil(image, size):
    return np.asarray(Image.fromarray(image).resize(size[::-1], Image.BICUBIC))


def unit(image):
    return image.astype(np.float32) / 255.0


def strict(truth, fitting, prediction, model):
    gt, pred = unit(pil(truth, SIZE)), unit(fitting)
    scores = reconstruction(gt, pred, 1.5)
    scores["ssim_256"] = structural_similarity(
        gt, pred, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, channel_axis=2, data_range=1
    )
    return scores | distance(model, gt * 2 - 1, pred * 2 - 1)


def pcdms(truth, fitting, prediction, model):
    size = SIZE[::-1]
    gt = cv2.resize(truth.astype(np.float32), size, interpolation=cv2.INTER_CUBIC) / 255.0
    pred = cv2.resize(prediction.astype(np.float32), size, interpolation=cv2.INTER_CUBIC) / 255.0
    return reconstruction(gt, pred, 1.2) | distance(model, gt, pred)


def pidm(truth, fitting, prediction, model):
    square = (SIZE[0], SIZE[0])
    truth, prediction = pil(truth, square), pil(prediction, square)
    scores = reconstruction(unit(truth), unit(prediction), 1.2)
    gt, pred = (cv2.resize(a.astype(np.float32), SIZE[::-1]) / 127.5 - 1 for a in (truth, prediction))
    return scores | distance(model, gt, pred)


def gfla(truth, fitting, prediction, model):
    square = (SIZE[0], SIZE[0])
    gt, pred = unit(pil(truth, square)), unit(pil(prediction, square))
    return reconstruction(gt, pred, 1.5) | distance(model, gt * 2 - 1, pred * 2 - 1)


def cfld(truth, fitting, prediction, model):
    resized = TF.resize(Image.fromarray(truth), SIZE, InterpolationMode.BICUBIC, antialias=True)
    gt = TF.to_tensor(resized).permute(1, 2, 0).numpy()
    sampled = TF.to_tensor(Image.fromarray(prediction))[None]
    sampled = F.interpolate(sampled, SIZE, mode="bicubic", antialias=True) * 255.0
    pred = sampled.clamp(0, 255).to(torch.uint8).float()[0].permute(1, 2, 0).numpy() / 255.0
    return reconstruction(gt, pred, 1.5) | distance(model, gt * 2 - 1, pred * 2 - 1)


def main():
    model = lpips_model(Path(sys.argv[1])) if len(sys.argv) > 1 else None
    expected = {}
    for number in range(COUNT):
        pictures = {
            "truth": draw(number, 110, 96, 0.0), "fitting": draw(number, *SIZE, 0.03),
            "prediction": draw(number, 128, 112, 0.03),
        }
        for name, picture in pictures.items():
            Image.fromarray(picture).save(HERE / f"{name}_{number}.png")
        for protocol in (strict, pcdms, cfld, pidm, gfla):
            scores = protocol(*pictures.values(), model)
            for metric, value in scores.items():
                expected.setdefault(protocol.__name__, {}).setdefault(metric, []).append(float(value))
    (HERE / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
