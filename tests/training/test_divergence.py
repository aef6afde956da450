"""A diverged run says so in one sentence, and replaces no good checkpoint."""

import json
import math

import pytest
import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.plugins import MixedPrecision
from torch.utils.data import DataLoader

from imagpose.errors import InputError
from imagpose.module import IMAGPose
from imagpose.training import runs
from imagpose.training.divergence import Divergence

STEPS = 12


class Line(LightningModule):
    """A weight, and by step what its loss is multiplied with."""

    def __init__(self, factors):
        super().__init__()
        self.weight, self.factors = torch.nn.Parameter(torch.ones(1)), factors

    def training_step(self, batch, batch_idx):
        factor = self.factors.get(batch_idx + 1, 1.0)
        # A loss that is not finite with gradients that are leaves the weight as it is, as fp16's scaler would.
        return self.weight.square().sum() * 0.1 + (0.0 if factor == 1.0 else torch.tensor(factor))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def train(path, module, every=4, **options):
    trainer = Trainer(
        max_steps=STEPS, log_every_n_steps=every, callbacks=[Divergence(path)], accelerator="cpu", logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False, **options,
    )  # fmt: skip
    trainer.fit(module, DataLoader(torch.zeros(STEPS, 1), batch_size=1))
    return trainer


def test_losses_in_a_row_end_the_training_at_the_next_step_that_logs(tmp_path):
    module = Line({step: math.nan for step in range(5, STEPS + 1)})
    with pytest.raises(
        InputError, match=r"from step 5 on its loss is no finite number.*learning rate of 0\.1.*RUN=new"
    ):
        train(tmp_path / "last.ckpt", module)
    assert module.trainer.global_step == 8  # no other step looks


def test_the_last_steps_are_looked_at_though_they_log_nothing(tmp_path):
    with pytest.raises(InputError, match="from step 10 on"):
        train(tmp_path / "last.ckpt", Line({step: math.inf for step in range(10, STEPS + 1)}), every=50)


def test_from_the_first_step_on_it_is_the_data_or_the_precision(tmp_path):
    with pytest.raises(InputError, match=r"from step 1 on .*nothing was learned yet; python -m imagpose check"):
        train(tmp_path / "last.ckpt", Line({step: math.nan for step in range(1, STEPS + 1)}))


def test_single_losses_are_passed_over(tmp_path):
    assert train(tmp_path / "last.ckpt", Line({3: math.inf, 4: math.inf, 8: math.nan})).global_step == STEPS


def test_gradients_that_a_scaler_leaves_out_are_no_divergence(tmp_path):
    """In fp16 the scaler starts high, and steps of infinite gradients are left out with a finite loss."""
    start, scaler = 2.0**16, torch.amp.GradScaler("cpu")

    class Overflowing(Line):
        def on_after_backward(self):
            if self.trainer.global_step < 4:
                self.weight.grad.fill_(math.inf)

    module = Overflowing({})
    trainer = train(tmp_path / "last.ckpt", module, every=1, plugins=[MixedPrecision("16-mixed", "cpu", scaler)])
    assert trainer.global_step == STEPS
    assert 0 < module.weight.item() < 1  # it learned in the steps that were taken
    assert scaler.get_scale() == start / 2**4


def test_weights_that_are_not_finite_are_not_saved(tmp_path):
    path = tmp_path / "last.ckpt"
    module = Line({})
    trainer = train(path, module)
    trainer.save_checkpoint(path)
    good = path.read_bytes()
    with torch.no_grad():
        module.weight.fill_(math.nan)
    with pytest.raises(InputError, match=rf"after step {STEPS} its weights .* \({path} is kept as of step {STEPS}\)"):
        trainer.save_checkpoint(path)
    assert path.read_bytes() == good
    assert [file.name for file in tmp_path.iterdir()] == ["last.ckpt"]


@pytest.mark.parametrize("when", ["validation", "test"])
def test_panels_that_are_not_finite_end_the_run(when, tmp_path):
    trainer = Trainer(accelerator="cpu", logger=False, precision="bf16-mixed")
    look = getattr(Divergence(tmp_path / "last.ckpt"), f"on_{when}_batch_end")
    panels = torch.zeros(2, 4, 3, 8, 8)
    look(trainer, Line({}), panels, None, 0)
    panels[1, 0, 0, 0, 0] = math.nan
    with pytest.raises(InputError, match="no finite numbers"):
        look(trainer, Line({}), panels, None, 0)


def test_numbers_that_json_does_not_have_are_left_out_and_named(tmp_path):
    metrics = {"test/ssim": 0.5, "vae/psnr": math.inf, "val/ssim_256": math.nan}
    assert runs.write_metrics(tmp_path / "metrics.json", metrics) == ["vae/psnr (inf)", "val/ssim_256 (nan)"]
    assert json.loads((tmp_path / "metrics.json").read_text()) == {"test/ssim": 0.5}


@pytest.fixture
def fit(tiny_words):
    from imagpose.__main__ import main

    return lambda *options: main(["fit", *tiny_words, *options])


def test_a_run_that_diverges_keeps_its_last_good_checkpoint(fit, tmp_path, monkeypatch, capsys):
    step = IMAGPose.training_step

    def diverging(self, batch, batch_idx):
        loss = step(self, batch, batch_idx)
        return loss * (math.nan if self.trainer.global_step >= 4 else 1.0)

    monkeypatch.setattr(IMAGPose, "training_step", diverging)
    assert fit("--trainer.log_every_n_steps", "3") == 2
    error = capsys.readouterr().err
    last = tmp_path / "quick/version_0/checkpoints/last.ckpt"
    assert "The training diverged: from step 5 on its loss is no finite number" in error
    assert f"({last} is kept as of step 4)" in error
    assert "Traceback" not in error
    found = torch.load(last, weights_only=True)
    assert found["global_step"] == 4
    assert all(torch.isfinite(value).all() for value in found["state_dict"].values())
    assert not (last.parents[1] / "metrics.json").exists()
