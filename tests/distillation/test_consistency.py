"""The laws of latent consistency distillation."""

import pytest
import torch
from diffusers import DDIMScheduler, LCMScheduler, TCDScheduler

from imagpose.distillation.consistency import Consistency, FewSteps, guided
from imagpose.errors import InputError
from imagpose.models.network import Conditions
from imagpose.sampler import Guidance, sample

SCHEDULES = {
    "ε": {},
    "v": {"prediction_type": "v_prediction"},
    "v, zero terminal SNR": {"zero_terminal_snr": True},
}
SHAPE = (3, 2, 4, 2, 2)


@pytest.fixture(params=SCHEDULES)
def schedule(request):
    return SCHEDULES[request.param]


@pytest.fixture
def conditions():
    values = {"F_C": torch.randn(3, 2, 4), "F_I": torch.randn(3, 2, 5, 2, 2), "F_P": torch.randn(3, 2, 4, 2, 2)}
    return Conditions(values, absent={"F_I": torch.randn(2, 5, 2, 2)})


def exact(schedule, point):
    """What a network predicts that knows the only picture there is."""
    scheduler = schedule.for_training()

    def denoiser(noisy, timesteps, conditions=None):
        squared = scheduler.alphas_cumprod[timesteps].view(-1, 1, 1, 1, 1)
        alpha, sigma = squared.sqrt(), (1 - squared).sqrt()
        noise = (noisy - alpha * point) / sigma
        return alpha * noise - sigma * point if schedule.predicts == "v_prediction" else noise

    return denoiser


@pytest.mark.parametrize("method", ["consistency", "trajectory"])
def test_the_functions_leave_what_is_there_already(schedule, method):
    consistency = Consistency(FewSteps(**schedule, method=method))
    noisy, predicted = torch.randn(SHAPE), torch.randn(SHAPE)
    zero = torch.zeros(3, dtype=torch.long)
    torch.testing.assert_close(consistency.function(predicted, noisy, zero, zero), noisy)
    if method == "trajectory":
        t = torch.tensor([19, 499, 979])
        torch.testing.assert_close(consistency.function(predicted, noisy, t, t), noisy, atol=1e-4, rtol=1e-4)


def test_the_scalings_are_those_of_the_scheduler(schedule):
    few = FewSteps(**schedule)
    consistency, scheduler = Consistency(few), few.for_sampling()
    assert isinstance(scheduler, LCMScheduler)
    scheduler.set_timesteps(50)
    noisy, predicted = torch.randn(SHAPE), torch.randn(SHAPE)
    for t in (scheduler.timesteps[0], scheduler.timesteps[30], scheduler.timesteps[-1]):
        theirs = scheduler.step(predicted, t, noisy, torch.Generator()).denoised
        ours = consistency.function(predicted, noisy, t.expand(3), torch.zeros(3, dtype=torch.long))
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("grid", [20, 50])
def test_the_grid_is_the_schedulers(grid):
    consistency = Consistency(FewSteps(grid=grid))
    t, s = consistency.adjacent(torch.arange(1000))
    for kind in ("consistency", "trajectory"):
        scheduler = FewSteps(grid=grid, method=kind).for_sampling()
        scheduler.set_timesteps(grid)
        assert sorted(scheduler.timesteps.tolist()) == sorted(set(t.tolist()))
        for steps in (1, 2, 4, 8):
            scheduler.set_timesteps(steps)
            assert set(scheduler.timesteps.tolist()) <= set(t.tolist())
    assert set(s.tolist()) == {0, *t.tolist()} - {999}
    assert ((t - s == 1000 // grid) | (s == 0)).all()
    assert (t >= torch.arange(1000)).all()


def test_the_grid_parts_the_timesteps_evenly():
    with pytest.raises(InputError, match="grid is 30"):
        Consistency(FewSteps(grid=30))


def test_a_teachers_step_is_ddims(schedule):
    few = FewSteps(**schedule, method="trajectory")
    consistency = Consistency(few)
    config = {**super(FewSteps, few).for_sampling().config, "timestep_spacing": "trailing"}
    ddim = DDIMScheduler.from_config(config)
    ddim.set_timesteps(50)
    noisy, predicted = torch.randn(SHAPE), torch.randn(SHAPE)
    for t in ddim.timesteps[[0, 1, 25, -1]]:
        before = torch.clamp(t - 20, min=0).expand(3)
        ours = consistency.step(predicted, noisy, t.expand(3), before)
        torch.testing.assert_close(ours, ddim.step(predicted, t, noisy).prev_sample, atol=1e-4, rtol=1e-4)
    ends = Consistency(FewSteps(**schedule))
    last, zero = ddim.timesteps[-1].expand(3), torch.zeros(3, dtype=torch.long)
    assert torch.equal(ends.step(predicted, noisy, last, zero), ends.both(predicted, noisy, last)[0])


def test_where_trajectories_lead():
    consistency = Consistency(FewSteps(method="trajectory"))
    before, uniform = torch.arange(50).mul(20).sub(1).clamp(min=0), torch.linspace(0, 0.9999, 41)
    goals = torch.stack([consistency.goal(before, u.expand(50)) for u in uniform])
    assert (goals <= before).all()
    assert set(goals.flatten().tolist()) <= {0, *range(19, 1000, 20)}
    assert (goals[0] == 0).all()
    assert torch.equal(goals[-1], before)
    assert (Consistency(FewSteps()).goal(before, uniform[:1]) == 0).all()


@pytest.mark.parametrize("method", ["consistency", "trajectory"])
def test_who_knows_the_only_picture_draws_it_in_one_step(schedule, method, conditions):
    """An exact teacher's step stays on the way to it, so that nothing is left to learn, and one step arrives."""
    few, point = FewSteps(**schedule, method=method), torch.randn(SHAPE)
    consistency, denoiser = Consistency(few, huber=1e-3), exact(few, point)
    t, s = consistency.adjacent(torch.tensor([30, 500, 999]))
    goal = consistency.goal(s, torch.tensor([0.2, 0.5, 0.9]))
    noisy = few.for_training().add_noise(point, torch.randn(SHAPE), t)
    earlier = consistency.step(denoiser(noisy, t), noisy, t, s)
    ours = consistency.function(denoiser(noisy, t), noisy, t, goal)
    target = consistency.function(denoiser(earlier, s), earlier, s, goal)
    assert consistency.distance(ours, target).max() < 1e-2
    for steps in (1, 4):
        generators = [torch.Generator().manual_seed(i) for i in range(3)]
        drawn = sample(denoiser, conditions, torch.randn(SHAPE), few.for_sampling(), Guidance(scale=1.0), steps,
                       generator=generators)  # fmt: skip
        last = 0.03 if method == "trajectory" else 1e-3  # TCD ends at timestep 0, which still has some noise
        assert (drawn - point).abs().max() < 5 * last


def test_the_trajectory_scheduler_is_made_of_the_same_schedule():
    scheduler = FewSteps(zero_terminal_snr=True, method="trajectory", grid=25).for_sampling()
    assert isinstance(scheduler, TCDScheduler)
    assert scheduler.config["prediction_type"] == "v_prediction"
    assert scheduler.config["original_inference_steps"] == 25
    assert scheduler.alphas_cumprod[-1] == 0


@pytest.mark.parametrize("form", ["joint", "printed", "tokens"])
@pytest.mark.parametrize("interval", [None, (500, 999)])
@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_guidance_for_samples_of_different_timesteps_is_the_samplers(form, interval, scale, conditions):
    guidance = Guidance(form, scale, interval)

    def denoiser(noisy, timesteps, told):
        return noisy * timesteps.view(-1, 1, 1, 1, 1) + sum(
            told[n].flatten(1).mean(1) for n in ("F_C", "F_I", "F_P")
        ).view(-1, 1, 1, 1, 1)

    noisy, timesteps = torch.randn(SHAPE), torch.tensor([19, 499, 519])
    together = guided(denoiser, guidance, noisy, timesteps, conditions)
    for i, t in enumerate(timesteps):
        one = Conditions({k: v[i : i + 1] for k, v in conditions.values.items()}, conditions.absent)
        guides = guidance.guides(int(t))
        branches = guidance.branches(one, guides)
        predicted = denoiser(noisy[i : i + 1].repeat(len(branches), 1, 1, 1, 1), t.expand(len(branches)), branches)
        alone = guidance.combine(predicted) if guides else predicted
        torch.testing.assert_close(together[i : i + 1], alone)
