import math

import pytest
import torch
from lightning_utilities.core.apply_func import apply_to_collection
from torch import Tensor

from imagpose.data.draws import DrawingCollate, Draws, generator_for, with_draws
from imagpose.errors import InputError
from imagpose.models.newest_losses import NewestLosses
from imagpose.objective import Objective, Schedule


def test_the_loss_of_eq_1_by_hand():
    objective = Objective(Schedule())
    predicted = torch.tensor([[1.0, 2.0], [0.0, 0.0]]).view(2, 1, 1, 1, 2)
    noise = torch.tensor([[0.0, 4.0], [3.0, 1.0]]).view(2, 1, 1, 1, 2)
    loss = objective.loss(predicted, torch.zeros_like(noise), noise, torch.tensor([10, 20]))
    assert loss.tolist() == [(1 + 4) / 2, (9 + 1) / 2]


def test_given_panels_weigh_less_where_asked():
    objective = Objective(Schedule(), given_weight=0.25)
    noise = torch.tensor([[1.0, 3.0]]).view(1, 2, 1, 1, 1)
    zeros, step = torch.zeros_like(noise), torch.tensor([10])
    loss = objective.loss(zeros, zeros, noise, step, torch.tensor([[1.0, 0.0]]))  # the first panel is given
    assert loss.tolist() == pytest.approx([(0.25 * 1 + 9) / 1.25])
    assert objective.loss(zeros, zeros, noise, step, torch.zeros(1, 2)).tolist() == [5]
    assert Objective(Schedule()).loss(zeros, zeros, noise, step, torch.tensor([[1.0, 0.0]])).tolist() == [5]


def test_the_noise_s_mean_is_shifted_where_asked_by_one_offset_a_canvas_and_channel():
    draws = Draws.make(0, [5, 6], (4, 3, 2, 2))
    assert Objective(Schedule()).noise(draws.noise, draws.offset) is draws.noise
    shift = Objective(Schedule(), noise_offset=0.05).noise(draws.noise, draws.offset) - draws.noise
    torch.testing.assert_close(
        shift, 0.05 * draws.offset[:, None, :, None, None].expand(2, 4, 3, 2, 2), atol=1e-6, rtol=0
    )
    assert draws.offset[0].unique().numel() == 3
    assert draws.offset.shape == (2, 3)


def test_draws_are_those_of_before_there_was_an_offset():
    noise = Draws.make(3, [11], (4, 4, 2, 2)).noise
    generator = generator_for(3, 3, 11)
    torch.rand(3, generator=generator)
    torch.randn(4, 4, 2, 2, generator=generator)
    assert torch.equal(noise[0], torch.randn(4, 4, 2, 2, generator=generator))


def test_noising_is_alpha_x_plus_sigma_noise():
    objective = Objective(Schedule())
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    alpha_bar = math.prod((1 - betas[:501]).tolist())
    x, noise = torch.full((1, 1, 1, 1, 1), 2.0), torch.full((1, 1, 1, 1, 1), -1.0)
    noisy = objective.add_noise(x, noise, torch.tensor([500]))
    assert noisy.item() == pytest.approx(2 * alpha_bar**0.5 - (1 - alpha_bar) ** 0.5, abs=1e-5)


def test_v_is_predicted_where_the_schedule_says_so():
    objective = Objective(Schedule(prediction_type="v_prediction"))
    x, noise, t = torch.randn(1, 1, 1, 2, 2), torch.randn(1, 1, 1, 2, 2), torch.tensor([300])
    alpha_bar = objective.scheduler.alphas_cumprod[300]
    v = alpha_bar.sqrt() * noise - (1 - alpha_bar).sqrt() * x
    assert objective.loss(v, x, noise, t).item() < 1e-10


def test_zero_terminal_snr_forces_v_and_trailing_timesteps():
    schedule = Schedule(zero_terminal_snr=True)
    assert schedule.for_training().config.prediction_type == "v_prediction"
    assert schedule.for_sampling().config.timestep_spacing == "trailing"
    assert schedule.for_training().alphas_cumprod[-1] < 1e-6
    scheduler = schedule.for_sampling()
    scheduler.set_timesteps(20)
    assert scheduler.timesteps[0] == 999
    with pytest.raises(InputError, match="zero_terminal_snr cannot be combined"):
        Schedule(zero_terminal_snr=True, prediction_type="epsilon")


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_min_snr_weights(prediction):
    objective = Objective(Schedule(prediction_type=prediction), min_snr_gamma=5.0)
    t = torch.tensor([5, 900])
    snr = objective.scheduler.alphas_cumprod[t] / (1 - objective.scheduler.alphas_cumprod[t])
    zeros, ones = torch.zeros(2, 1, 1, 1, 1), torch.ones(2, 1, 1, 1, 1)
    plain = Objective(Schedule(prediction_type=prediction)).loss(zeros, ones, ones, t)
    weights = snr.clamp(max=5) / (snr if prediction == "epsilon" else snr + 1)
    torch.testing.assert_close(objective.loss(zeros, ones, ones, t), plain * weights)


def test_min_snr_weights_the_step_that_sampling_starts_from():
    schedule, t = Schedule(zero_terminal_snr=True), torch.tensor([5, 400, 999])
    objective = Objective(schedule, min_snr_gamma=5.0)
    alphas = objective.scheduler.alphas_cumprod[t]
    snr = alphas / (1 - alphas)
    generator = torch.Generator().manual_seed(0)
    predicted, latents, noise = (torch.randn(3, 1, 4, 2, 2, generator=generator) for _ in range(3))
    weights = objective.loss(predicted, latents, noise, t) / Objective(schedule).loss(predicted, latents, noise, t)
    torch.testing.assert_close(weights, (snr + 1).clamp(max=5) / (snr + 1))
    assert weights[-1] == pytest.approx(1)  # pure noise


def test_timesteps_cover_their_range_and_cubic_favours_noise():
    u = torch.linspace(0, 0.9999, 1000)
    uniform = Objective(Schedule()).draw_timesteps(u)
    cubic = Objective(Schedule(), timesteps="cubic").draw_timesteps(u)
    assert (uniform.min(), uniform.max()) == (0, 999)
    assert cubic.float().mean() > 700
    assert cubic.max() <= 999


def test_a_samples_draws_depend_on_its_number_alone():
    together, alone = Draws.make(0, [5, 6], (4, 4, 2, 2)), Draws.make(0, [6], (4, 4, 2, 2))
    assert torch.equal(together.noise[1], alone.noise[0])
    assert together.timestep[1] == alone.timestep[0]
    assert not torch.equal(together.noise[0], together.noise[1])
    assert not torch.equal(Draws.make(1, [6], (4, 4, 2, 2)).noise, alone.noise)


def test_losses_by_noise_level_are_the_newest_of_each_quarter_over_steps_that_nobody_reads():
    losses, expected = NewestLosses(1000), {}
    generator = torch.Generator().manual_seed(0)
    steps = [[0, 100], [999, 260], [600], [240, 255, 10], [500, 700], [900, 760, 999]]
    for i, timesteps in enumerate(steps):
        t, loss = torch.tensor(timesteps), torch.rand(len(timesteps), generator=generator)
        if i == 3:
            loss[0] = math.nan  # a loss that is none is told where it fell, and there alone
        losses.add(loss, t)
        expected["loss"] = loss.mean()
        for level in range(4):
            if (here := t * 4 // 1000 == level).any():
                expected[f"loss_noise_{level + 1}_of_4"] = loss[here].mean()
        if i in (0, 2, 3, 5):
            found = losses.read()
            assert found.keys() == expected.keys()  # a quarter in which none fell yet is not told
            for name, value in expected.items():
                torch.testing.assert_close(found[name], value, equal_nan=True)
    assert len(expected) == 5


def test_the_loader_s_draws_are_those_of_the_numbers_whatever_the_panels():
    samples = [{"number": torch.tensor(n), "mask": torch.zeros(2)} for n in (5, 6)]
    batch = DrawingCollate(3, (4, 2, 2))(samples)
    for found, expected in zip(Draws.of(batch), Draws.make(3, [5, 6], (2, 4, 2, 2)), strict=True):
        assert torch.equal(found, expected)
    assert with_draws(batch, 8, (2, 4, 2, 2)) is batch  # none are made twice
    halves = apply_to_collection(batch, Tensor, lambda x: x.bfloat16() if x.is_floating_point() else x)
    assert torch.equal(Draws.of(halves).timestep, Draws.of(batch).timestep)  # as DeepSpeed's precision casts a batch
    del batch["drawn_noise"]
    batch["number"] = batch["number"].to("meta")
    with pytest.raises(ValueError, match="before it is moved to a device"):
        with_draws(batch, 3, (2, 4, 2, 2))
