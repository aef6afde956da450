import pytest
import torch
from diffusers import DDIMScheduler

from imagpose.errors import InputError
from imagpose.models.network import Conditions
from imagpose.objective import Schedule
from imagpose.sampler import Guidance, initial_noise, noise_generator, sample


@pytest.fixture
def conditions():
    values = {"F_C": torch.randn(2, 5, 8), "F_I": torch.randn(2, 4, 5, 3, 2), "F_P": torch.randn(2, 4, 6, 3, 2)}
    return Conditions(values, {"F_I": torch.randn(4, 5, 3, 2)})


def denoiser(noisy, timesteps, conditions):
    """Something that depends on all its inputs."""
    level = timesteps.view(-1, 1, 1, 1, 1) / 1000
    told = (
        conditions["F_C"].mean((1, 2)).view(-1, 1, 1, 1, 1)
        + conditions["F_I"][:, :, :4]
        + conditions["F_P"].mean(2, keepdim=True)
    )
    return noisy * 0.5 + level + 0.1 * told


@pytest.mark.parametrize("schedule", [Schedule(), Schedule(zero_terminal_snr=True)])
def test_guidance_1_is_the_ddim_loop_of_diffusers(schedule, conditions):
    noise = torch.randn(2, 4, 4, 3, 2)
    ours = sample(denoiser, conditions, noise, schedule.for_sampling(), Guidance(scale=1.0), steps=7)
    scheduler: DDIMScheduler = schedule.for_sampling()
    scheduler.set_timesteps(7)
    latents = noise * scheduler.init_noise_sigma
    for t in scheduler.timesteps:
        latents = scheduler.step(denoiser(latents, t.expand(2), conditions), t, latents, eta=0.0).prev_sample
    assert torch.equal(ours, latents)


def test_one_ddim_step_by_hand(conditions):
    scheduler = Schedule().for_sampling()
    noise = torch.randn(2, 4, 4, 3, 2)
    ours = sample(denoiser, conditions, noise, scheduler, Guidance(scale=1.0), steps=1)
    t = int(scheduler.timesteps[0])
    assert t == 1  # one leading step of a thousand, offset by one
    now, final = scheduler.alphas_cumprod[t], scheduler.alphas_cumprod[0]  # set_alpha_to_one is False
    epsilon = denoiser(noise, torch.tensor([t, t]), conditions)
    x_0 = (noise - (1 - now).sqrt() * epsilon) / now.sqrt()
    torch.testing.assert_close(ours, final.sqrt() * x_0 + (1 - final).sqrt() * epsilon)


@pytest.mark.parametrize(
    ("form", "first", "second"),
    [("joint", (1, 1, 1), (0, 0, 1)), ("printed", (1, 1, 0), (0, 0, 1)), ("tokens", (1, 1, 1), (0, 1, 1))],
)
def test_the_three_forms_of_eq_5(form, first, second, conditions):
    guidance = Guidance(form, scale=3.0)
    branches = guidance.branches(conditions)
    for half, kept in ((slice(0, 2), first), (slice(2, 4), second)):
        assert torch.equal(branches["F_C"][half], conditions["F_C"] * kept[0])
        assert torch.equal(
            branches["F_I"][half],
            conditions["F_I"] if kept[1] else conditions.absent["F_I"].expand(2, -1, -1, -1, -1),
        )
        assert torch.equal(branches["F_P"][half], conditions["F_P"] * kept[2])
    a, b = torch.randn(2, 4, 4, 3, 2), torch.randn(2, 4, 4, 3, 2)
    torch.testing.assert_close(guidance.combine(torch.cat([a, b])), 3 * a - 2 * b)


@pytest.mark.parametrize("form", ["joint", "printed", "tokens"])
def test_training_drops_exactly_what_sampling_drops(form, conditions):
    guidance = Guidance(form)
    branches = guidance.branches(conditions)
    incomplete = [i for i in (0, 1) if form == "printed" or i == 1]
    for k, i in enumerate(incomplete):
        branch = torch.full((2,), (k + 0.5) / len(incomplete))
        dropped = guidance.dropout(conditions, torch.zeros(2), branch, 0.1)
        for name in ("F_C", "F_I", "F_P"):
            assert torch.equal(dropped[name], branches[name][2 * i : 2 * i + 2])
    kept = guidance.dropout(conditions, torch.tensor([0.1, 0.9]), torch.zeros(2), 0.1)
    assert torch.equal(kept["F_C"], conditions["F_C"])


@pytest.mark.parametrize("steps", [5, 10])
def test_outside_of_its_interval_guidance_costs_and_changes_nothing(steps, conditions):
    noise, sizes = torch.randn(2, 4, 4, 3, 2), []

    def watched(noisy, timesteps, told):
        sizes.append((int(timesteps[0]), len(noisy)))
        return denoiser(noisy, timesteps, told)

    def run(guidance):
        return sample(watched, conditions, noise, Schedule().for_sampling(), guidance, steps)

    some = run(Guidance(scale=3.0, interval=(500, 1000)))
    assert {size for t, size in sizes if t >= 500} == {4}
    assert {size for t, size in sizes if t < 500} == {2}
    everywhere, nowhere = run(Guidance(scale=3.0)), run(Guidance(scale=1.0))
    assert torch.equal(run(Guidance(scale=3.0, interval=(0, 1000))), everywhere)
    assert torch.equal(run(Guidance(scale=3.0, interval=(1000, 1000))), nowhere)
    assert not torch.equal(some, everywhere)
    assert not torch.equal(some, nowhere)


def test_an_interval_turned_round_is_refused():
    with pytest.raises(InputError, match=r"\[lowest, highest\]"):
        Guidance(interval=(600, 500))


def test_initial_noise_is_a_function_of_seed_and_number():
    def noise(seed, numbers):
        return initial_noise([noise_generator(seed, number) for number in numbers], (2, 2))

    assert torch.equal(noise(0, [3, 4])[1], noise(0, [4])[0])
    assert not torch.equal(noise(1, [4]), noise(0, [4]))


def test_outside_of_its_interval_every_form_sees_all_conditions(conditions):
    for form in ("joint", "printed", "tokens"):
        guidance = Guidance(form, 3.0, (500, 1000))
        outside = guidance.branches(conditions, guided=False)
        assert all(torch.equal(outside[name], conditions[name]) for name in ("F_C", "F_I", "F_P"))
    assert not Guidance("printed", 1.0).branches(conditions, guided=False)["F_P"].any()  # Eq. (5) of w = 1


@pytest.mark.parametrize("interval", [(1,), (1, 2, 3), 7, "ab", (1.5, 3), (0, 1001), (-1, 5)])
def test_what_is_no_interval_is_refused(interval):
    with pytest.raises(InputError, match=r"guidance\.interval is"):
        Guidance(interval=interval)
