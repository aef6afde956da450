"""The trained model as users call it."""

import copy

import numpy as np
import pytest
import torch
from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    LCMScheduler,
)
from PIL import Image
from safetensors.torch import load_file, save_file

from imagpose import BodyPose, ImagposePipeline
from imagpose.data.body_pose import fit
from imagpose.data.images import to_tensor, to_uint8
from imagpose.data.scenarios import arrange
from imagpose.errors import InputError


def _same(a, b):
    return np.array_equal(np.asarray(a), np.asarray(b))


@pytest.mark.parametrize(
    ("sources", "targets", "setting", "given", "masked"),
    [
        (1, 1, "auto", [0], [0, 0, 0]),  # "we use three black images for padding and replicate the target pose 3 times"
        (1, 1, "T1", [0], [0, 0, 0]),
        (1, 1, "T2", [0, 0, 0], [0]),  # "T2 replicates the source image in the joint image"
        (2, 1, "T3", [0, 1, 0], [0]),
        (3, 1, "auto", [0, 1, 2], [0]),  # "multiple different source images"
        (1, 2, "auto", [0], [0, 1, 0]),
        (1, 3, "IMAGPose*", [0], [0, 1, 2]),
        (2, 2, "auto", [0, 1], [0, 1]),
    ],
)
@torch.no_grad()
def test_what_each_scenario_conditions_on(pipe, seen, people, sources, targets, setting, given, masked):
    views = people[0]
    pictures, poses = (list(some) for some in zip(*views[:sources], strict=True))
    wanted = [pose for _, pose in views[-targets:]]
    images = pipe(pictures, poses, wanted, setting, num_inference_steps=2).images
    assert [len(canvas) for canvas in images] == [targets]
    assert seen["times"] == 1  # encoded once, not once a step
    assert seen["decoded"] == (1, targets)  # the asked-for panels alone
    assert seen["mask"].tolist() == [[1.0] * len(given) + [0.0] * len(masked)]
    vae, multiple = pipe.synthesis.vae, pipe.synthesis.multiple
    assert multiple == 8

    def latent(picture):
        padded = torch.nn.functional.pad(to_tensor(picture)[None], (2, 2, 0, 0), mode="replicate")  # 44 → 48
        return vae.encode(padded).mean[0]

    black = vae.black((64, 48))
    for panel, number in enumerate(given):
        torch.testing.assert_close(seen["given"][0, panel], latent(pictures[number]), atol=1e-4, rtol=1e-4)
    for panel in range(len(given), 4):
        torch.testing.assert_close(seen["given"][0, panel], black, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(seen["black"], black, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(seen["source"][0], latent(pictures[0]), atol=1e-4, rtol=1e-4)
    expected = [poses[i].map((64, 44)) for i in given] + [wanted[i].map((64, 44)) for i in masked]
    assert torch.equal(seen["poses"][0][..., 2:-2], torch.stack(expected))


@pytest.mark.parametrize(
    ("sources", "targets", "setting", "message"),
    [
        (5, 1, "auto", r"5 source\(s\) and 1 target pose\(s\) do not fit 4 panels"),
        (0, 1, "auto", "There are 0 sources"),
        (2, 1, "T1", "T1 takes one source and one pose"),
        (1, 1, "T3", "T3 takes several sources"),
        (1, 1, "T9", "There is no scenario 'T9'"),
    ],
)
def test_numbers_that_fit_no_scenario(sources, targets, setting, message):
    with pytest.raises(InputError, match=message):
        arrange(sources, targets, setting)


def test_saved_and_reloaded_it_gives_the_same_pixels(pipe, people, tmp_path):
    (picture, pose), (_, target) = people[0][:2]
    before = pipe(picture, pose, target, num_inference_steps=2, seed=5).images[0][0]
    pipe.save_pretrained(tmp_path / "pipe")
    again = ImagposePipeline.from_pretrained(tmp_path / "pipe")
    again.set_progress_bar_config(disable=True)
    assert again.image_size == (64, 44)
    assert _same(again(picture, pose, target, num_inference_steps=2, seed=5).images[0][0], before)
    assert not _same(again(picture, pose, target, num_inference_steps=2, seed=6).images[0][0], before)
    file = tmp_path / "pipe" / "network" / "diffusion_pytorch_model.safetensors"
    tensors = load_file(file)
    tensors.pop("flc.project.0.weight")
    save_file(tensors, file)
    with pytest.raises(InputError, match=r"does not fit its config: flc.project.0.weight"):
        ImagposePipeline.from_pretrained(tmp_path / "pipe")
    file.unlink()
    with pytest.raises(InputError, match="is no whole pipeline folder"):
        ImagposePipeline.from_pretrained(tmp_path / "pipe")


def test_the_same_seed_gives_the_same_picture_in_any_batch(pipe, people):
    views = [person[:2] for person in people]
    batch = [[[v[0][0]] for v in views], [[v[0][1]] for v in views], [[v[1][1]] for v in views]]
    together = pipe(*batch, num_inference_steps=3, seed=[7, 8, 9, 10], output_type="pt").images
    assert together.shape == (4, 1, 3, 64, 44)
    alone = pipe(views[2][0][0], views[2][0][1], views[2][1][1], num_inference_steps=3, seed=9, output_type="pt").images
    assert (together[2] - alone[0]).abs().max() <= 2 / 255  # a range of 2, so 1/255 of it


def test_the_truth_is_never_read(pipe, people, monkeypatch):
    """The panels to generate are black, whatever is offered for them."""
    (picture, pose), (_, target) = people[0][:2]
    prepared, _ = pipe.prepare([([picture], [pose], [target])], "T1")
    assert (prepared["images"][0, 1:] == -1).all()
    scheduler = pipe.scheduler
    noise = torch.randn(1, 4, 4, 16, 12, generator=torch.Generator().manual_seed(0))
    from imagpose.sampler import Guidance

    first = pipe.synthesis.generate(prepared, noise, scheduler, Guidance(), 2)
    spoiled = {**prepared, "images": prepared["images"].clone()}
    spoiled["images"][:, 1:] = torch.rand_like(spoiled["images"][:, 1:])
    assert torch.equal(pipe.synthesis.generate(spoiled, noise, scheduler, Guidance(), 2), first)


def test_generators_schedulers_and_callbacks_are_those_of_diffusers(pipe, people):
    (picture, pose), (_, target) = people[0][:2]

    def draw(seed):
        return pipe(picture, pose, target, num_inference_steps=3, generator=torch.Generator().manual_seed(seed)).images[
            0
        ][0]

    assert _same(draw(1), draw(1))
    assert not _same(draw(1), draw(2))
    calls = []

    def watch(pipeline, index, timestep, tensors):
        calls.append((pipeline is pipe, index, int(timestep), tuple(tensors["latents"].shape)))
        return {"latents": torch.zeros_like(tensors["latents"])} if index == 2 else None

    blank = pipe(picture, pose, target, num_inference_steps=3, callback_on_step_end=watch).images[0][0]
    assert [call[1] for call in calls] == [0, 1, 2]
    assert calls[0][2] > calls[1][2] > calls[2][2]
    assert {(call[0], call[3]) for call in calls} == {(True, (1, 4, 4, 16, 12))}
    expected = pipe.synthesis.vae.decode(torch.zeros(1, 4, 16, 12))[0, :, :, 2:-2]
    assert np.abs(np.asarray(blank).astype(float) - (expected.permute(1, 2, 0).numpy() + 1) * 127.5).max() <= 1
    ddim = draw(1)
    swapped = copy.copy(pipe)
    swapped.scheduler = EulerDiscreteScheduler.from_config(pipe.scheduler.config)
    euler = swapped(picture, pose, target, num_inference_steps=3, generator=torch.Generator().manual_seed(1))
    assert not _same(euler.images[0][0], ddim)
    swapped.scheduler = EulerAncestralDiscreteScheduler.from_config(pipe.scheduler.config)  # draws noise at every step
    one, two = (swapped(picture, pose, target, num_inference_steps=3, seed=4).images[0][0] for _ in range(2))
    assert _same(one, two)


@pytest.mark.parametrize("kind", [DDIMScheduler, LCMScheduler, DPMSolverMultistepScheduler])
def test_a_callback_sees_what_is_being_drawn_become_the_result(pipe, people, kind):
    (picture, pose), *others = people[0]
    watched = copy.copy(pipe)
    watched.scheduler = kind.from_config(pipe.scheduler.config)
    seen = []

    def watch(pipeline, index, timestep, tensors):
        estimate = pipeline.synthesis.decode(tensors["pred_original_sample"], pipeline.image_size)
        seen.append(to_uint8(estimate)[0])

    targets = [target for _, target in others[:2]]
    options = {"num_inference_steps": 3, "seed": 1, "panels": 4, "callback_on_step_end": watch}
    images = np.stack([np.asarray(image) for image in watched(picture, pose, targets, **options).images[0]])
    assert [one.shape for one in seen] == [images.shape] * 3
    first, *_, last = [np.abs(one.astype(float) - images).mean() for one in seen]
    assert last < 2 < first  # grey levels; the last step of DDIM arrives at the first timestep, not at x_0 itself


def test_half_precision_runs(pipe, people):
    (picture, pose), (_, target) = people[0][:2]
    whole = pipe(picture, pose, target, num_inference_steps=2).images[0][0]
    half = copy.deepcopy(pipe).to(dtype=torch.bfloat16)(picture, pose, target, num_inference_steps=2).images[0][0]
    assert np.abs(np.asarray(whole).astype(float) - np.asarray(half)).mean() < 6


def test_arrays_and_tuples_as_in_diffusers(pipe, people):
    (picture, pose), (_, target) = people[0][:2]
    call = {"num_inference_steps": np.int64(2), "seed": np.int64(3)}
    pictures = pipe(picture, pose, [target, target], **call).images
    (array,) = pipe(picture, pose, [target, target], **call, output_type="np", return_dict=False)
    assert array.shape == (1, 2, 64, 44, 3)
    assert array.dtype == np.float32
    assert 0 <= array.min() < array.max() <= 1
    assert np.abs(array[0, 1] * 255 - np.asarray(pictures[0][1])).max() <= 0.51


def test_a_picture_of_another_shape_keeps_its_joints(people):
    picture, pose = people[0][0]
    larger = picture.resize((176, 256))
    scaled = BodyPose((256, 176), (pose.keypoints + 0.5) * 4 - 0.5)
    assert torch.allclose(scaled.map((64, 44)), pose.map((64, 44)), atol=1e-3)
    square = Image.new("RGB", (64, 64), picture.getpixel((0, 0)))
    square.paste(picture, (10, 0))
    fitted = fit(square, (64, 44))  # the whole square, smaller, with room above and below
    assert fitted.shape == (3, 64, 44)
    moved = BodyPose((64, 64), np.where(pose.keypoints >= 0, np.add(pose.keypoints, (10, 0)), -1))
    figure = (fitted - fitted[:, :1, :1]).abs().amax(0) > 0.3
    joints = torch.nonzero(moved.map((64, 44)).amax(0) > 0.9)
    inside = torch.stack([figure[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2].any() for y, x in joints.tolist()])
    assert inside.float().mean() > 0.9
    assert (fit(larger, (64, 44)) - to_tensor(picture)).abs().mean() < 0.05


def test_training_goes_on_from_an_exported_pipeline(pipe, make_module, tmp_path, monkeypatch):
    pipe.save_pretrained(tmp_path / "mine")
    monkeypatch.setenv("IMAGPOSE_WEIGHTS", str(tmp_path))
    module = make_module(start="mine", seed=5)
    expected = pipe.network.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in module.network.state_dict().items())
    assert all(
        torch.equal(a, b) for a, b in zip(module.ema.model.shadow_params, module.network.parameters(), strict=True)
    )
    with pytest.raises(InputError, match="does not fit Network"):
        make_module(start="mine", cva=False)
