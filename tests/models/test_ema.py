"""The moving average against its closed form, and what it leaves of the module that carries it."""

import pytest
import torch
from torch import nn

from imagpose.models.ema import EMA


def trained(ema: EMA, module: nn.Module, steps: int) -> list[torch.Tensor]:
    """Give the module new weights so often, and return each step's."""
    weights = []
    for _ in range(steps):
        with torch.no_grad():
            module.weight.copy_(torch.randn_like(module.weight))
        weights.append(module.weight.detach().clone())
        ema.update()
    return weights


def averaged(ema: EMA, module: nn.Module) -> torch.Tensor:
    with ema.applied():
        return module.weight.detach().clone()


@pytest.mark.parametrize("decay", [0.0, 0.3, 0.9999])
@pytest.mark.parametrize("steps", [1, 2, 17])
@pytest.mark.parametrize("device", [None, "cpu"])
def test_the_average_is_a_sum_of_all_steps_with_the_weights_of_its_decays(decay, steps, device):
    module = nn.Linear(3, 2)
    ema = EMA(module, decay, device)
    weights = trained(ema, module, steps)
    decays = [min(decay, k / (9 + k)) if k > 1 else 0.0 for k in range(1, steps + 1)]  # it starts low and grows
    shares = [(1 - decays[k]) * torch.tensor(decays[k + 1 :]).prod() for k in range(steps)]
    torch.testing.assert_close(sum(shares), torch.tensor(1.0))
    torch.testing.assert_close(
        averaged(ema, module), sum(share * one for share, one in zip(shares, weights, strict=True))
    )


def test_the_module_has_its_own_weights_again_also_after_an_error():
    module = nn.Linear(3, 2)
    ema = EMA(module, 0.5)
    own = trained(ema, module, 3)[-1]

    def fail():
        with ema.applied():
            assert not torch.equal(module.weight, own)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert torch.equal(module.weight, own)


def test_a_restored_average_goes_on_as_if_it_had_not_been_interrupted():
    module, other = nn.Linear(3, 2), nn.Linear(3, 2)
    ema, restored = EMA(module, 0.5), EMA(other, 0.5)
    trained(ema, module, 4)
    restored.load_state_dict(ema.state_dict())
    assert torch.equal(averaged(restored, other), averaged(ema, module))
    for one, of in ((ema, module), (restored, other)):
        torch.manual_seed(1)
        trained(one, of, 3)
    assert torch.equal(averaged(restored, other), averaged(ema, module))


def test_without_a_decay_the_average_is_the_module_as_it_is():
    module = nn.Linear(3, 2)
    ema = EMA(module, None)
    last = trained(ema, module, 3)[-1]
    assert torch.equal(averaged(ema, module), last)
    assert ema.state_dict() == {}


def test_a_reset_average_starts_from_the_weights_of_now():
    module = nn.Linear(3, 2)
    ema = EMA(module, 0.9)
    last = trained(ema, module, 3)[-1]
    assert not torch.equal(averaged(ema, module), last)
    ema.reset()
    assert torch.equal(averaged(ema, module), last)


@pytest.mark.parametrize("every", [2, 5])
def test_updates_at_every_nth_step_decay_by_all_steps_in_between(every):
    module, steps, decay = nn.Linear(3, 2), 3 * every + 1, 0.4
    ema = EMA(module, decay, every=every)
    weights = trained(ema, module, steps)
    decays = [min(decay, k / (9 + k)) if k > 1 else 0.0 for k in range(1, steps + 1)]
    expected = torch.zeros_like(module.weight)
    for n in range(every, steps + 1, every):
        kept = torch.tensor(decays[n - every : n]).prod()
        expected = kept * expected + (1 - kept) * weights[n - 1]
    torch.testing.assert_close(averaged(ema, module), expected)
    assert decays[-2] == decay  # it has grown: the last update decayed by its power
    restored = EMA(module, decay, every=every)
    restored.load_state_dict(ema.state_dict())
    assert restored.model.optimization_step == steps  # a resumed run updates at the same steps
