"""What a run writes for TensorBoard, read from its event files."""

import json

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.custom_scalar.layout_pb2 import Layout
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from imagpose.__main__ import main
from imagpose.callbacks.board import intervals, scores_of, told_apart_by


@pytest.mark.slow
def test_curves_hyperparameters_and_one_picture_of_the_intervals(tiny_words, no_networks, tmp_path):
    short = ("--trainer.max_steps", "2", "--trainer.val_check_interval", "2")
    assert main(["fit", *tiny_words, *short]) == 0
    folder = tmp_path / "quick/version_0"
    metrics = json.loads((folder / "metrics.json").read_text())
    events = EventAccumulator(str(folder)).Reload()
    tags = events.Tags()

    scores = scores_of(metrics)
    assert {"test/ssim", "test/psnr", "test/identity_at_1", "test/pattern_at_1", "test/strict_psnr"} <= set(scores)
    tested_tags = {tag for tag in tags["scalars"] if tag.startswith("test/")}
    assert tested_tags == set(scores)
    assert {tag.split("/")[0] for tag in tags["scalars"]} == {"train", "val", "test"}
    assert {"train/loss", "train/lr-AdamW", "val/ssim", "val/strict_psnr"} <= set(tags["scalars"])
    assert set(tags["images"]) == {"val/panels", "test/intervals"}
    assert events.Scalars("test/ssim")[0].step == 2
    assert events.Scalars("test/ssim")[0].value == pytest.approx(metrics["test/ssim"])

    started = HParamsPluginData.FromString(events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content)
    about = started.session_start_info.hparams
    assert (about["experiment"].string_value, about["steps"].number_value) == ("quick", 2)
    assert (about["base"].string_value, about["batch_size"].number_value) == ("mannequin-sd-v", 2)
    assert (about["trainable"].string_value, about["noise_offset"].number_value) == ("None", 0)
    assert "noise_offset" in about
    told = HParamsPluginData.FromString(events.SummaryMetadata("_hparams_/experiment").plugin_data.content)
    assert {info.name.tag for info in told.experiment.metric_infos} == set(scores)

    layout = Layout.FromString(events.Tensors("custom_scalars__config__")[0].tensor_proto.string_val[0])
    assert [category.title for category in layout.category] == ["validation", "training"]

    # The files of the run have every number that TensorBoard has no curve for.
    assert {"test/ssim_low", "test/ssim_high", "test/ssim_n", "vae/ssim", "strict/psnr"} <= set(metrics)


def test_runs_are_told_apart_by_what_they_train_and_by_their_noise():
    config = {"seed_everything": 0, "model": {"init_args": {"trainable": ["cva"], "noise_offset": 0.05, "lr": 1e-4}}}
    options = told_apart_by(config)
    assert (options["trainable"], options["noise_offset"], options["lr"]) == (["cva"], 0.05, 1e-4)


def test_the_intervals_of_every_measure_and_of_differences_are_drawn():
    metrics = {"val/ssim": 0.5, "test/ssim": 0.6, "test/ssim_low": 0.5, "test/ssim_high": 0.7, "test/ssim_n": 9.0}
    metrics |= {"T2/ssim": 0.4, "T2/ssim_n": 9.0, "T2_minus_T1/ssim": -0.2, "T2_minus_T1/ssim_n": 9.0}
    metrics |= {"test/psnr": 20.0, "test/psnr_n": 9.0}
    axes = intervals(metrics).axes
    assert [panel.get_title() for panel in axes] == ["ssim", "psnr", "", ""]
    assert [label.get_text() for label in axes[0].get_yticklabels()] == ["test", "T2"]
    assert [label.get_text() for label in axes[2].get_yticklabels()] == ["T2_minus_T1"]
    assert [list(line.get_xdata()) for line in axes[0].lines[:2]] == [[0.5, 0.7], [0.6]]
    assert [list(line.get_xdata()) for line in axes[1].lines] == [[20.0, 20.0], [20.0]]
