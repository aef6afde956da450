"""The student in training, in its checkpoints and in a pipeline."""

import json
import os
import signal

import pytest
import torch
from diffusers import DDIMScheduler, LCMScheduler, TCDScheduler
from torch.utils._python_dispatch import TorchDispatchMode

from imagpose.__main__ import main
from imagpose.callbacks.monitor import Monitor
from imagpose.data.draws import Draws
from imagpose.errors import InputError
from imagpose.models.pipeline_folder import drawn_with
from imagpose.pipeline import ImagposePipeline
from imagpose.sampler import Guidance
from tests.distillation.conftest import train

PROGRESSIVE = {"method": "progressive", "grid": 4}


def test_the_student_starts_as_its_teacher_which_stays_as_it_was(make_student, batch):
    module = make_student()
    before = {name: value.clone() for name, value in module.teacher.state_dict().items()}
    assert all(torch.equal(before[name], value) for name, value in module.network.state_dict().items())
    train(module, batch, 1)
    assert all(torch.equal(before[name], value) for name, value in module.teacher.state_dict().items())
    assert not any(p.requires_grad for p in module.teacher.parameters())
    assert not all(torch.equal(before[name], value) for name, value in module.network.state_dict().items())


@pytest.mark.parametrize(
    "options",
    [
        {},
        *(
            pytest.param(options, marks=pytest.mark.slow)
            for options in ({"target": "average"}, {"method": "trajectory"}, {"method": "progressive", "grid": 4})
        ),
    ],
)
def test_a_few_steps_bring_student_and_target_together(make_student, batch, options):
    losses = train(make_student(**options), batch, 8)
    assert sum(losses[-2:]) < 0.97 * sum(losses[:2])


def test_under_autocast_gradients_reach_every_weight(make_student, batch):
    module = make_student()
    with torch.autocast("cpu", torch.bfloat16):
        loss = module.training_step(batch, 0)
    loss.backward()
    assert not [name for name, p in module.network.named_parameters() if p.grad is None or not p.grad.any()]


class _NoWaiting(TorchDispatchMode):
    """Raises where a GPU would have to be waited for: a number is read, or a shape depends on values."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        assert func.overloadpacket not in (
            torch.ops.aten._local_scalar_dense, torch.ops.aten.nonzero, torch.ops.aten.masked_select,
            torch.ops.aten.is_nonzero, torch.ops.aten.equal,
        ), func  # fmt: skip
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    "options", [{}, {"target": "average", "method": "trajectory"}, {"method": "progressive", "grid": 4}]
)
def test_a_step_never_waits_for_the_device(make_student, batch, options):
    module = make_student(**options)
    seen = module._see(batch)
    draws = Draws.make(0, batch["number"].tolist(), seen.panels.mean.shape[1:])
    module.synthesis.black(batch["poses"])  # once
    with _NoWaiting():
        losses, _ = module.canvas_losses(batch, seen, draws)
        losses.mean().backward()
    with pytest.raises(AssertionError, match="_local_scalar_dense"), _NoWaiting():
        losses.mean().item()


def test_the_average_is_a_target_of_its_own(make_student, batch):
    module, other = make_student(target="average"), make_student(target="student")
    torch.testing.assert_close(module.training_step(batch, 0), other.training_step(batch, 0))  # nothing has moved yet
    with torch.no_grad():
        for shadow in module.ema.model.shadow_params:
            shadow.zero_()
    assert not torch.isclose(module.training_step(batch, 0), other.training_step(batch, 0))


def test_guidance_is_the_teachers_alone(make_student, batch):
    students = [make_student(guidance=Guidance(scale=scale)) for scale in (1.0, 2.0, 4.0)]
    assert len({round(float(student.training_step(batch, 0).detach()), 6) for student in students}) == 3
    module = make_student()
    assert module.guidance.scale == 1.0
    assert module.guidance.interval is None
    assert module.folded_in.scale == 2.0


@pytest.mark.parametrize(
    ("method", "grid", "kind"),
    [("consistency", 50, LCMScheduler), ("trajectory", 50, TCDScheduler), ("progressive", 4, DDIMScheduler)],
)
def test_a_checkpoint_generates_in_a_pipeline_as_in_the_run(
    make_student, batch, test_batch, tmp_path, method, grid, kind
):
    module = make_student(method=method, grid=grid)
    train(module, batch, 2)
    checkpoint = {"state_dict": module.state_dict()}
    module.on_save_checkpoint(checkpoint)
    assert {name.split(".")[0] for name in checkpoint["state_dict"]} == {"network"}  # no teacher
    again = make_student("predict", method=method, grid=grid)
    assert again.teacher is None
    again.on_load_checkpoint(checkpoint)
    again.load_state_dict(checkpoint["state_dict"], strict=False)
    assert torch.equal(again.generate(test_batch), module.generate(test_batch))
    ImagposePipeline.of_module(again).save_pretrained(tmp_path / "pipe")
    pipe = ImagposePipeline.from_pretrained(tmp_path / "pipe")
    assert isinstance(pipe.scheduler, kind)
    assert (pipe.config["guidance_scale"], pipe.config["num_inference_steps"]) == (1.0, 2)
    index = json.loads((tmp_path / "pipe/model_index.json").read_text())
    assert index["scheduler"] == ["diffusers", kind.__name__]
    average = dict(zip((n for n, _ in module.network.named_parameters()), module.ema.model.shadow_params, strict=True))
    assert all(torch.equal(average[name], value) for name, value in pipe.network.named_parameters())


def test_an_undistilled_pipeline_says_nothing_of_steps(teacher):
    index = json.loads((teacher / "model_index.json").read_text())
    assert not {"guidance_scale", "num_inference_steps"} & index.keys()
    assert isinstance(ImagposePipeline.from_pretrained(teacher).scheduler, DDIMScheduler)


@pytest.mark.parametrize("method", ["consistency", "trajectory"])
def test_the_noise_of_every_step_is_a_function_of_seed_and_number(make_student, test_batch, method):
    module = make_student(method=method)
    both = module.generate(test_batch, seed=3)
    alone = module.generate({key: value[1:] for key, value in test_batch.items()}, seed=3)
    torch.testing.assert_close(both[1:], alone, atol=1e-3, rtol=0)
    torch.testing.assert_close(module.generate(test_batch, seed=3), both)
    assert not torch.allclose(module.generate(test_batch, seed=4), both, atol=1e-2)


def test_a_run_can_be_the_teacher(make_module, make_student, stir, tmp_path):
    module = make_module()
    stir(module.network)  # the average stays behind
    checkpoint = {"state_dict": module.state_dict()}
    module.on_save_checkpoint(checkpoint)
    (tmp_path / "version_0/checkpoints").mkdir(parents=True)
    torch.save(checkpoint, tmp_path / "version_0/checkpoints/last.ckpt")
    student = make_student(start=str(tmp_path / "version_0"))
    for ours, averaged in zip(student.network.parameters(), module.ema.model.shadow_params, strict=True):
        assert torch.equal(ours, averaged)
    (tmp_path / "version_0/checkpoints/last.ckpt").write_bytes(b"no checkpoint")
    with pytest.raises(InputError, match="no readable checkpoint"):
        make_student(start=str(tmp_path / "version_0"))


def test_what_cannot_be_distilled_is_said(make_student, teacher):
    with pytest.raises(InputError, match="sampling_steps is 51"):
        make_student(sampling_steps=51)
    with pytest.raises(InputError, match="target average"):
        make_student(target="average", ema_decay=None)
    with pytest.raises(InputError, match="lora_rank is 0"):
        make_student(lora_rank=0)
    path = teacher / "scheduler/scheduler_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "beta_end": 0.02}))
    with pytest.raises(InputError, match=r"says beta_end 0\.02, and the experiment 0\.012"):
        make_student()


@pytest.mark.slow
def test_the_experiment_resumes_and_is_exported(teacher, tiny_words, tmp_path, monkeypatch):
    """Trained in one go or in two, the same weights; the folder's card says how it draws."""
    distilled = ["-c", "experiments/tiny_distilled.yaml", "--model.init_args.start", str(teacher)]
    words = [*tiny_words[:4], *distilled[:2], *tiny_words[4:], *distilled[2:], "--trainer.max_steps", "4"]
    words += ["--trainer.limit_val_batches", "0", "--trainer.limit_test_batches", "0"]
    assert main(["fit", *words, "--name", "whole"]) == 0
    ended = Monitor.on_train_batch_end

    def signalling(self, trainer, *args):
        ended(self, trainer, *args)
        if trainer.global_step == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(Monitor, "on_train_batch_end", signalling)
        assert main(["fit", *words, "--name", "parted"]) == 143
    assert main(["fit", *words, "--name", "parted"]) == 0
    runs = [tmp_path / name / "version_0" for name in ("whole", "parted")]
    whole, parted = (torch.load(run / "checkpoints/last.ckpt", weights_only=True) for run in runs)
    assert whole["global_step"] == parted["global_step"] == 4
    for name, value in whole["state_dict"].items():
        assert torch.equal(value, parted["state_dict"][name]), name
    for one, other in zip(whole["ema"]["shadow_params"], parted["ema"]["shadow_params"], strict=True):
        assert torch.equal(one, other)
    assert main(["export", "--run", str(runs[1]), "--out", str(tmp_path / "out")]) == 0
    assert "DDIM 2, guidance 2.0 folded in" in (tmp_path / "out/README.md").read_text()
    assert drawn_with(tmp_path / "out") == ((2, 4), "joint", None, 1.0, 2)
