"""Rows as jobs of slurm: what each asks for, and how the next call collects them."""

import io
import time

import pytest
from rich.console import Console
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from imagpose.errors import InputError
from imagpose.reproduction.jobs import Settings, carry_out, plan
from imagpose.reproduction.paper import ARCHITECTURES
from imagpose.reproduction.rows import read_row
from imagpose.reproduction.slurm import resources, submit
from imagpose.training.experiment import read_options
from tests.conftest import ROOT
from tests.reproduction.conftest import quick


def test_an_experiment_s_resources_are_asked_of_slurm():
    words = ["-c", "experiments/_base.yaml", "-c", "experiments/tiny.yaml"]
    assert resources(read_options([*words, "--trainer.accelerator", "cpu"])) == {
        "nodes": 1, "tasks_per_node": 1, "cpus_per_task": 2,
    }  # fmt: skip
    eight = read_options([*words, "-c", "experiments/overlays/eight_gpus.yaml", "--trainer.num_nodes", "2"])
    assert resources(eight) == {"nodes": 2, "tasks_per_node": 8, "cpus_per_task": 2, "gpus_per_node": 8}


@pytest.mark.slow
def test_a_submitted_row_is_collected_by_the_next_call(settings, mannequin_root, monkeypatch):
    """One row of the real command line, by submitit's local executor: it lands in both tables that it stands in."""
    monkeypatch.chdir(ROOT)
    cpu = ["--trainer.accelerator", "cpu", "--trainer.val_check_interval", "2"]
    options = (*quick(mannequin_root, 2), *cpu)
    asked = Settings(**{**vars(settings), "options": options, "cache": False})
    told = io.StringIO()
    jobs = plan(ARCHITECTURES, asked, ["IMAGPose"])
    assert submit(jobs, {}, Console(file=told), "local") == {}
    assert "submitted" in told.getvalue()
    deadline = time.time() + 300
    while not (jobs[0].folder / "version_0/metrics.json").exists() and time.time() < deadline:
        time.sleep(0.2)
    assert jobs[0].row.exists(), jobs[0].log.read_text()
    assert submit(jobs, {}, Console(file=told), "local") == {}
    assert "finished" in told.getvalue()
    found = read_row(jobs[0].row)
    assert found == read_row(settings.results / "ablations/rows/tiny_imagpose-seed0.json")
    assert [found.steps, found.samples, len(found.pairs.names), found.drawn] == [2, 6, 6, True]
    assert found.seconds > 0
    assert found.peak_memory > 2**27
    assert found.config["trainer"]["max_steps"] == 2
    assert found.scores["strict"]["ssim_256"].low <= found.scores["strict"]["ssim_256"].value
    mean = sum(found.pairs.values["figure/ssim"]) / 6
    assert mean == pytest.approx(found.scores["figure"]["ssim"].value, abs=1e-5)
    assert (settings.results / "architectures/tiny.png").exists()
    events = EventAccumulator(str(jobs[0].folder / "version_0")).Reload()
    logged = HParamsPluginData.FromString(events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content)
    assert logged.session_start_info.hparams["base"].string_value == "mannequin-sd-v"
    assert events.Scalars("test/strict_ssim_256")[0].value == pytest.approx(found.scores["strict"]["ssim_256"].value)
    assert "val/panels" in events.Tags()["images"]

    jobs[0].row.unlink()  # a finished run whose row is lost is tested again, and says the same of its training
    again = plan(ARCHITECTURES, asked, ["IMAGPose"])
    assert again[0].commands[0][0] == "test"
    assert carry_out(again[0]) == 0
    second = read_row(jobs[0].row)
    assert [second.steps, second.seconds, second.commit] == [2, found.seconds, found.commit]
    assert second.pairs.names == found.pairs.names
    assert second.scores["strict"]["psnr"].value == pytest.approx(found.scores["strict"]["psnr"].value, abs=0.01)


def test_a_job_that_ended_without_a_row_is_told_and_forgotten(settings, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    asked = Settings(**{**vars(settings), "options": ("--data.init_args.root", str(tmp_path)), "cache": False})
    jobs = plan(ARCHITECTURES, asked, ["M1"])
    jobs[0].folder.mkdir(parents=True)
    jobs[0].log.write_text("$ python -m imagpose fit\nError: The data is missing.\n")
    record = jobs[0].folder / "slurm.json"
    record.write_text('{"job": "1"}')
    assert submit(jobs, {}, Console(file=io.StringIO()), "local")["tiny_m1"].startswith("The data is missing.")
    assert not record.exists()  # so that the next call submits it again
    jobs[0].log.unlink()  # cancelled before it began
    record.write_text('{"job": "1"}')
    assert "before it could print anything" in submit(jobs, {}, Console(file=io.StringIO()), "local")["tiny_m1"]
    with pytest.raises(InputError, match="tiny_m1 was not submitted"):
        submit(jobs, {"timeout_min": "2h"}, Console(file=io.StringIO()), "local")
