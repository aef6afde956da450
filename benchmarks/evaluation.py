"""Both SSIMs and PSNR at 256×176: the published loop over skimage beside ours. Decoding is not measured.

The machine's other work slows both, so they take turns, and the best turn of each counts.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from imagpose.data.mannequins import drawing
from imagpose.data.mannequins import people as mannequins
from imagpose.evaluation.protocols import ssim_gaussian, ssim_uniform
from imagpose.evaluation.ssim import psnr

IMAGES, TURNS, SIZE, SIGMA = 32, 25, (256, 176), 1.5


def pictures() -> np.ndarray:
    """Mannequins, (IMAGES + 1, 256, 176, 3) in [0, 1]."""
    drawn = []
    for number in range(IMAGES + 1):
        rng = np.random.default_rng([1, number])
        person, pose = mannequins.draw_person(rng), mannequins.draw_joint_angles(rng, 0)
        drawn.append(np.asarray(Image.fromarray(drawing.draw(person, pose, SIZE, None).image)))
    return np.stack(drawn).astype(np.float32) / 255


def published(generated: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """What GFLA's and every later evaluator does, image by image, (B, 3)."""
    scores = []
    for prediction, target in zip(generated, truth, strict=True):
        ssim = structural_similarity(target, prediction, data_range=1, win_size=51, channel_axis=2)
        prediction_256, target_256 = prediction * 255.0, target * 255.0
        ssim_256 = structural_similarity(
            target_256, prediction_256, gaussian_weights=True, sigma=SIGMA, use_sample_covariance=False,
            channel_axis=2, data_range=prediction_256.max() - prediction_256.min(),
        )  # fmt: skip
        scores.append([ssim, ssim_256, peak_signal_noise_ratio(target, prediction, data_range=1)])
    return np.array(scores)


def ours(generated: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """The same by this project, (B, 3)."""
    a, b = (torch.from_numpy(images).permute(0, 3, 1, 2) for images in (generated, truth))
    return torch.stack([ssim_uniform(a, b), ssim_gaussian(a, b, SIGMA), psnr(a, b)], 1).numpy()


def seconds(task: Callable[[], object]) -> tuple[float, float]:
    """How long a task takes by the clock, and of the processor's time."""
    start, cpu = time.perf_counter(), time.process_time()
    task()
    return time.perf_counter() - start, time.process_time() - cpu


def main() -> None:
    """Measure, print and write ``benchmarks/evaluation.json``."""
    torch.set_num_threads(min(2, os.cpu_count() or 1))
    images = pictures()
    generated, truth = images[1:], images[:-1]
    difference = float(np.abs(published(generated, truth) - ours(generated, truth)).max())
    turns = [[seconds(partial(task, generated, truth)) for task in (published, ours)] for _ in range(TURNS)]
    (theirs, theirs_cpu), (own, own_cpu) = IMAGES / np.min(turns, axis=0)
    result = {
        "what": "SSIM (51, uniform), SSIM_256 (σ 1.5) and PSNR at 256×176, images a second",
        "published_skimage_loop": round(float(theirs), 1), "imagpose": round(float(own), 1),
        "ratio": round(float(own / theirs), 2),
        "published_skimage_loop_by_cpu_time": round(float(theirs_cpu), 1),
        "imagpose_by_cpu_time": round(float(own_cpu), 1),
        "largest_difference": difference, "threads": torch.get_num_threads(),
        "load_before": [round(load, 1) for load in os.getloadavg()],
        "processor": platform.processor() or platform.machine(), "torch": torch.__version__,
    }  # fmt: skip
    Path(__file__).with_suffix(".json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    print("images/s                 by the clock   by CPU time")
    print(f"published skimage loop   {theirs:12.1f}  {theirs_cpu:12.1f}   one process")
    print(f"imagpose                 {own:12.1f}  {own_cpu:12.1f}   {result['threads']} threads")
    print(f"imagpose is {own / theirs:.1f} times as fast by the clock, the largest difference is {difference:.1e}")


if __name__ == "__main__":
    main()
