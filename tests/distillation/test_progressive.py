"""The laws of progressive distillation."""

import pytest
import torch
from diffusers import DDIMScheduler

from imagpose.distillation.consistency import Consistency, FewSteps, guided
from imagpose.distillation.progressive import Progressive
from imagpose.errors import InputError
from imagpose.models.network import Conditions
from imagpose.sampler import Guidance

SCHEDULES = ({}, {"prediction_type": "v_prediction"}, {"zero_terminal_snr": True})
SHAPE = (4, 2, 4, 2, 2)


@pytest.fixture(params=SCHEDULES, ids=["ε", "v", "v, zero terminal SNR"])
def schedule(request):
    return request.param


@pytest.fixture
def conditions():
    values = {"F_C": torch.randn(4, 2, 4), "F_I": torch.randn(4, 2, 5, 2, 2), "F_P": torch.randn(4, 2, 4, 2, 2)}
    return Conditions(values, absent={"F_I": torch.randn(2, 5, 2, 2)})


def teacher(noisy, timesteps, conditions):
    """Predicts something smooth that depends on everything."""
    told = conditions["F_C"].mean((1, 2)) + timesteps / 1000
    return 0.3 * noisy.flip(-1) + 0.2 * told.view(-1, 1, 1, 1, 1)


def test_the_students_timesteps_are_those_that_ddim_takes(schedule):
    few = FewSteps(**schedule, grid=20, method="progressive", steps=4)
    ddim = few.for_sampling()
    ddim.set_timesteps(4)
    assert isinstance(ddim, DDIMScheduler)
    t, r = Progressive(few).adjacent(torch.tensor([0.99, 0.74, 0.3, 0.0]))
    assert t.tolist() == ddim.timesteps.tolist() == [999, 749, 499, 249]
    assert r.tolist() == [749, 499, 249, 0]


def test_one_step_towards_the_target_leads_where_the_teachers_steps_lead(schedule, conditions):
    few = FewSteps(**schedule, grid=20, method="progressive", steps=4)
    progressive, maths, guidance = Progressive(few), Consistency(few), Guidance(scale=2.0, interval=(500, 999))
    t, r = progressive.adjacent(torch.tensor([0.99, 0.74, 0.3, 0.0]))
    noisy = torch.randn(SHAPE)
    target = progressive.target(teacher, guidance, noisy, t, r, conditions)
    led, now = noisy, t
    for _ in range(5):
        after = (now - 50).clamp(min=0)
        led, now = maths.step(guided(teacher, guidance, led, now, conditions), led, now, after), after
    alpha, sigma = maths.scales(t)
    noise = (noisy - alpha * target) / sigma
    predicted = alpha * noise - sigma * target if few.predicts == "v_prediction" else noise
    whole = torch.tensor([True, True, True, False])  # ε of pure noise tells nothing of x_0 without a terminal SNR
    torch.testing.assert_close(maths.step(predicted, noisy, t, r)[whole], led[whole], atol=2e-3, rtol=2e-3)
    torch.testing.assert_close(target[3], led[3], atol=1e-4, rtol=1e-4)  # the last step leads to x_0 itself
    assert progressive.loss(predicted, noisy, t, target).max() < 1e-5
    assert progressive.loss(predicted + 0.1, noisy, t, target).min() > 1e-3


def test_a_student_of_as_many_steps_is_its_teacher(schedule, conditions):
    few = FewSteps(**schedule, grid=4, method="progressive", steps=4)
    progressive, noisy = Progressive(few), torch.randn(SHAPE)
    t, r = progressive.adjacent(torch.tensor([0.99, 0.74, 0.3, 0.0]))
    target = progressive.target(teacher, Guidance(scale=1.0), noisy, t, r, conditions)
    assert progressive.loss(teacher(noisy, t, conditions), noisy, t, target).max() < 1e-4


def test_steps_that_do_not_part_the_teachers_are_refused():
    with pytest.raises(InputError, match="does not part the teacher's 20 steps"):
        Progressive(FewSteps(grid=20, method="progressive", steps=3))
