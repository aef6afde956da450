import csv

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.metrics import structural_similarity

from imagpose.data.readers.deepfashion import DeepFashion
from imagpose.evaluation import backbones, scoring
from imagpose.evaluation.metrics import METRICS
from imagpose.evaluation.protocols import PROTOCOLS
from imagpose.evaluation.scoring import Measured, Sample, best_of, summarise_protocol

NAMES = tuple(PROTOCOLS)


def enlarged(image):
    return image.resize((66, 96), Image.Resampling.BICUBIC)


def test_the_truth_itself_is_perfect_by_every_protocol(outputs, run, alexnet):
    scores = run(outputs("truth", convert=enlarged))  # as each protocol enlarges the truth, or nearly so
    assert set(scores) == set(NAMES)
    for name in ("strict", "cfld", "clean"):
        for metric in ("ssim", "ssim_256") if name != "clean" else ("ssim_256",):
            assert scores[name][metric]["value"] == pytest.approx(1, abs=1e-6)
        assert scores[name]["lpips"] == {"value": 0, "low": 0, "high": 0, "n": 10, "reason": None}
        assert scores[name]["psnr"]["value"] is None
        assert scores[name]["psnr"]["reason"].startswith("psnr is infinite: 10 pictures equal the truth")
    for name in ("pcdms", "pidm", "gfla"):  # these bring the two sides to their size along different ways
        assert scores[name]["ssim"]["value"] > 0.97
        assert scores[name]["lpips"]["value"] < 0.05


def test_the_truth_at_its_own_size_is_perfect_by_the_others_too(outputs, run, alexnet):
    scores = run(outputs("truth"))
    for name in NAMES:
        assert scores[name]["ssim_256"]["value"] == pytest.approx(1, abs=1e-6)
        assert scores[name]["lpips"]["value"] == 0
    assert scores["gfla"]["ssim"]["value"] == pytest.approx(1, abs=1e-6)
    assert scores["strict"]["ssim"]["reason"] == "ssim at 64×44: the window of 51 pixels is larger than the image."


def test_copying_the_source_scores_what_skimage_says_and_all_files_are_written(
    outputs, run, mannequin_root, pairs, alexnet
):
    scores = run(outputs("source"), "--sheet", "2")
    index = DeepFashion(mannequin_root)
    images = [[np.asarray(Image.open(index.records[name].path)) / 255 for name in pair] for pair in pairs[0]]
    expected = [
        structural_similarity(
            truth, copy, gaussian_weights=True, use_sample_covariance=False, channel_axis=2, data_range=1
        )
        for copy, truth in images
    ]
    score = scores["strict"]["ssim_256"]
    assert score["value"] == pytest.approx(np.mean(expected), abs=1e-5)
    assert score["low"] < score["value"] < score["high"]
    assert score["n"] == 10
    assert scores["strict"]["lpips"]["value"] > 0.05
    assert set(scores["strict"]) == set(METRICS)
    with open(run.out / "images.csv") as file:
        rows = {(row["from"], row["to"]): row for row in csv.DictReader(file)}
    kept = [float(rows[pair]["strict/ssim_256"]) for pair in pairs[0]]
    assert kept == pytest.approx(expected, abs=1e-5)
    assert "| strict | n/a |" in (run.out / "evaluation.md").read_text()
    assert "strict,psnr," in (run.out / "evaluation.csv").read_text()
    assert Image.open(run.out / "worst.png").width > 100


def test_without_weights_the_rest_is_computed_and_each_file_is_named_once(outputs, run):
    scores = run(outputs("source"))
    assert all(scores[name]["psnr"]["value"] > 5 for name in NAMES)
    for name in NAMES:
        for metric in ("lpips", "fid"):
            assert scores[name][metric]["value"] is None
            assert "name that folder in $IMAGPOSE_WEIGHTS" in scores[name][metric]["reason"]
    for file in (backbones.ALEXNET, backbones.INCEPTION, backbones.FID_INCEPTION):
        assert run.printed.out.count(f"fetch {file.url} ") == 1


class _Extractor:
    """Sees 8×8 blocks of colours: enough to tell sets of mannequins apart, and quick."""

    seen = 0

    def __call__(self, images):
        type(self).seen += len(images)
        return torch.nn.functional.adaptive_avg_pool2d(images, 8).flatten(1)


@pytest.fixture
def quick_inception(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("weights")
    (folder / backbones.INCEPTION.name).write_bytes(b"any")
    monkeypatch.setenv("IMAGPOSE_WEIGHTS", str(folder))
    monkeypatch.setitem(backbones.EXTRACTORS, "imagenet", (backbones.INCEPTION, lambda device: _Extractor()))


def test_fid_is_against_all_training_images_and_their_statistics_are_cached(
    outputs, run, mannequin_root, quick_inception, monkeypatch
):
    folder = outputs("source")
    score = run(folder, "--protocol", "strict")["strict"]["fid"]
    files = [DeepFashion(mannequin_root).records[name].path for name in DeepFashion(mannequin_root).splits["train"]]

    def features(paths):
        stack = np.stack([np.asarray(Image.open(path)) for path in paths])
        return _Extractor()(torch.from_numpy(stack).permute(0, 3, 1, 2).float() / 255).double().numpy()

    real, fake = features(files), features(sorted(folder.iterdir()))
    root = torch.linalg.eigvals(torch.from_numpy(np.cov(real.T) @ np.cov(fake.T))).sqrt().real.sum().item()
    expected = np.square(real.mean(0) - fake.mean(0)).sum() + np.trace(np.cov(real.T) + np.cov(fake.T)) - 2 * root
    assert score["value"] == pytest.approx(expected, rel=1e-3)
    assert score["n"] == 10
    assert score["low"] is None

    _Extractor.seen = 0
    assert run(folder, "--protocol", "strict")["strict"]["fid"] == score
    assert _Extractor.seen == 10, "only the generated pictures are looked at again"
    # cfld prepares the truth alike, so it takes strict's reference; gfla's is its own.
    run(folder, "--protocol", "cfld")
    assert _Extractor.seen == 20
    run(folder, "--protocol", "gfla")
    assert _Extractor.seen == 30 + len(files)


def test_features_that_are_not_numbers_are_one_sentence_and_the_rest_stands(outputs, run, quick_inception, monkeypatch):
    folder = outputs("source")
    run(folder, "--protocol", "strict")
    monkeypatch.setattr(_Extractor, "__call__", lambda self, images: torch.full((len(images), 192), torch.nan))
    scores = run(folder, "--protocol", "strict")
    assert (
        scores["strict"]["fid"]["reason"] == "Inception's features are not all finite numbers; fetch its weights again."
    )
    assert scores["strict"]["psnr"]["value"] > 5
    sentence = run(folder, "--protocol", "gfla")  # whose reference is not cached
    assert "not all finite numbers" in sentence


def test_without_the_training_images_the_rest_stands(outputs, run, quick_inception, mannequin_root):
    folder = outputs("source")
    index = DeepFashion(mannequin_root)
    absent = index.records[index.splits["train"][3]].path
    aside = absent.rename(absent.with_suffix(".aside"))
    try:
        scores = run(folder, "--protocol", "strict")
    finally:
        aside.rename(absent)
    assert scores["strict"]["fid"]["reason"].endswith(f"{absent.name} is missing; restore it.")
    assert scores["strict"]["psnr"]["value"] > 5


def test_a_part_of_the_pairs_is_refused_or_marked(outputs, run, pairs):
    folder = outputs("source")
    next(folder.iterdir()).unlink()
    (folder / "grid.png").write_bytes(b"is not even looked at")
    assert "has no picture of 1 of 10 pairs" in run(folder)
    scores = run(folder, "--allow-partial")
    assert scores["strict"]["psnr"]["n"] == 9
    assert scores["strict"]["psnr"]["reason"] == "partial: 9 of 10 pairs."
    assert "1 pictures in" in run.printed.out.replace("\n", " ")
    markdown = (run.out / "evaluation.md").read_text()
    assert "* [" in markdown
    assert "- partial: 9 of 10 pairs." in markdown


def test_several_samples_are_scored_apart(outputs, run, pairs):
    outputs("source", name="{a}_2_{b}_vis_0.png")
    folder = outputs("truth", name="{a}_2_{b}_vis_1.png")
    assert "add --best_of" in run(folder)
    scores = run(folder, "--best-of", "--protocol", "pcdms")
    assert list(scores) == ["pcdms", "pcdms (best of 2)"]
    assert scores["pcdms"]["ssim_256"]["value"] < 0.9
    assert scores["pcdms (best of 2)"]["ssim_256"]["value"] == pytest.approx(1, abs=1e-6)
    assert scores["pcdms"]["ssim_256"]["n"] == 10
    next(path for path in folder.iterdir() if path.stem.endswith("_1")).unlink()
    assert "holds 1 samples of some pairs and 2 of others" in run(folder, "--best-of")


def test_bad_input_is_one_sentence(outputs, run, tmp_path):
    empty = tmp_path / "nothing"
    empty.mkdir()
    assert "holds no .png" in run(empty)
    folder = outputs("source")
    first, second = sorted(folder.iterdir())[:2]
    second.write_text("no image")
    assert f"{second.name} is not a readable image" in run(folder)
    Image.new("RGB", (44, 65)).save(second)
    assert f"{second.name} is 65×44, but {first.name} is 64×44" in run(folder)
    Image.new("RGB", (44, 64)).save(second)
    Image.new("RGB", (44, 64)).save(second.with_suffix(".jpg"))
    assert "both show" in run(folder)
    assert "--device nonsense cannot be used" in run(folder, "--device", "nonsense")
    assert "must be a height and a width such as 256x176" in run(folder, "--size", "256")


def test_a_picture_of_one_colour_has_no_range(outputs, run):
    folder = outputs("source")
    first = min(folder.iterdir())
    Image.new("RGB", (44, 64), "gray").save(first)
    score = run(folder, "--protocol", "gfla")["gfla"]["ssim_256"]
    assert score["value"] is None
    assert score["reason"] == f"ssim_256 of {first.name} is not a number (of one colour, so that its range is 0)."


def test_strict_does_not_resample(outputs, run):
    folder = outputs("source")
    scores = run(folder, "--size", "96x66")
    assert scores["strict"]["psnr"]["reason"] == "strict does not resample 64×44 to 96×66."
    assert scores["pcdms"]["psnr"]["value"] > 5
    assert "add --size 64x44 or choose another protocol" in run(folder, "--size", "96x66", "--protocol", "strict")


def test_strips_and_squares_are_read(outputs, run):
    def strip(image):
        panels = Image.new("RGB", (5 * image.width, image.height))
        panels.paste(image, (4 * image.width, 0))
        return panels

    folder = outputs("truth", name="{a}.jpg___{b}.jpg_vis.png", convert=strip)
    assert run(folder, "--protocol", "strict")["strict"]["ssim_256"]["value"] == pytest.approx(1, abs=1e-6)
    squares = outputs(
        "truth", folder="squares", convert=lambda image: image.resize((256, 256), Image.Resampling.BICUBIC)
    )
    scores = run(squares, "--sheet", "0")
    assert "squares at 256×176, 10 pictures" in (run.out / "evaluation.md").read_text()
    assert scores["pidm"]["ssim"]["value"] == pytest.approx(1, abs=1e-6), "both sides were squeezed alike"


def test_lpips_and_fid_drop_the_incomplete_batch_and_ssim_does_not():
    samples = [Sample(("a", "b"), None, None, str(i)) for i in range(70)]
    values = np.concatenate([np.zeros(64), np.ones(6)])
    features = np.random.default_rng(0).normal(size=(70, 8))
    measured = Measured({"ssim_256": values, "psnr": values, "lpips": values}, features, {})
    reference = scoring.fid.Statistics(np.zeros(8), np.eye(8), 100)

    def summary(name):
        scores = summarise_protocol(PROTOCOLS[name], measured, samples, range(70), reference, {})
        return {metric: (scores[metric].value, scores[metric].n) for metric in ("ssim_256", "lpips", "fid")}

    for name, lpips, fid in (
        ("pidm", 64, 64),
        ("gfla", 64, 64),
        ("pcdms", 64, 70),
        ("cfld", 70, 70),
        ("strict", 70, 70),
    ):
        found = summary(name)
        assert found["ssim_256"] == (pytest.approx(6 / 70), 70)
        assert found["lpips"] == (pytest.approx(0 if lpips == 64 else 6 / 70), lpips)
        assert found["fid"][1] == fid


def test_the_best_sample_is_the_most_similar():
    measured = Measured({"ssim_256": np.array([0.1, 0.5, 0.9, 0.2])}, None, {})
    assert best_of(measured, [range(0, 2), range(2, 4)]) == [1, 2]


@pytest.mark.parametrize("size", ["1x1", "8x8", "10x64", "8000x8000"])
def test_sizes_without_room_for_a_window_or_in_memory_are_refused(size, outputs, run, tmp_path):
    sentence = run(outputs("source"), "--size", size)
    assert f"cannot be scored at {size.replace('x', '×')}" in sentence
    assert len(sentence.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()
