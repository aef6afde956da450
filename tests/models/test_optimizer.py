import torch

from imagpose.models.optimizer import adamw


def _stepped(parameter, optimizer):
    parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    return parameter.detach().clone()


def test_a_checkpoint_of_a_gpu_goes_on_with_the_kernel_of_this_device():
    settings = {"lr": 0.1, "betas": (0.9, 0.99), "weight_decay": 0.01}
    ours, theirs = (torch.nn.Parameter(torch.arange(4.0)) for _ in range(2))
    first, second = adamw("adamw", [ours], **settings), adamw("adamw", [theirs], **settings)
    _stepped(ours, first)
    state = first.state_dict()
    state["param_groups"][0]["fused"] = True  # as a GPU saves it
    theirs.data.copy_(ours.data)
    second.load_state_dict(state)
    assert second.param_groups[0]["fused"] is None
    assert torch.equal(_stepped(ours, first), _stepped(theirs, second))


def test_lightning_may_clip_gradients_beside_a_fused_kernel():
    optimizer = adamw("adamw", [torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    assert not optimizer._step_supports_amp_scaling
