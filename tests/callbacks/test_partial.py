"""A test of a part of the pairs finishes its run, says so everywhere, and is no row of a table."""

import json

import pytest

from imagpose.__main__ import main

SHORT = ("--trainer.max_steps", "2", "--trainer.val_check_interval", "2")


@pytest.fixture
def fit(tiny_words, no_networks):
    return lambda *options: main(["fit", *tiny_words, *SHORT, *options])


@pytest.mark.slow
def test_what_was_generated_is_scored_and_marked_partial(fit, tmp_path, capsys):
    assert fit("--trainer.limit_test_batches", "2") == 0
    printed = capsys.readouterr().out
    assert "Partial: 4 of 6 held-out pairs" in printed
    folder = tmp_path / "quick/version_0"
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["pairs_left_out"] == 2
    assert metrics["test/ssim_n"] == 4
    strict = json.loads((folder / "protocols/evaluation.json").read_text())["strict"]
    assert strict["psnr"]["n"] == 4
    assert "partial: 4 of 6 pairs." in strict["psnr"]["reason"]

    assert (
        main(["test", "-c", str(folder / "config.yaml"), "--folder", str(folder), "--trainer.limit_test_batches=1.0"])
        == 0
    )
    assert "pairs_left_out" not in json.loads((folder / "evaluation.json").read_text())
    assert "partial" not in (folder / "protocols/evaluation.json").read_text()


@pytest.mark.parametrize("option", ["limit_test_batches", "fast_dev_run"])
def test_a_row_of_a_table_is_refused_before_anything_is_trained(option, fit, tmp_path, capsys):
    words = ("--name", "sd15_dinov2g", "--table", "[variants]", "--results", str(tmp_path / "results"))
    assert fit(*words, f"--trainer.{option}", "2") == 2
    assert f"leave out --trainer.{option}, or do without --table" in capsys.readouterr().err
    assert not (tmp_path / "results").exists()
    assert not (tmp_path / "sd15_dinov2g").exists()


def test_a_trial_keeps_nothing(fit, tmp_path, capsys):
    assert fit("--trainer.fast_dev_run", "2") == 0
    assert "nothing of it is kept" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_a_training_of_fewer_steps_says_so(fit, tmp_path, capsys):
    assert fit("--trainer.max_steps=4", "--trainer.limit_train_batches=3", "--trainer.limit_test_batches=0") == 0
    printed = capsys.readouterr().out
    assert "Trained were 3 of the 4 steps" in printed
    assert "Nothing was tested" in printed
    assert json.loads((tmp_path / "quick/version_0/metrics.json").read_text())["steps"] == 3
