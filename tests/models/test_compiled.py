"""torch.compile takes the denoiser in one graph a number of panels, and leaves names, copies and sampling alone."""

import copy

import pytest
import torch
from torch._dynamo.testing import CompileCounter

from imagpose.models.compiled import as_written
from imagpose.models.cva import CVA

ONE_BLOCK = {
    "in_channels": 4, "out_channels": 4, "block_out_channels": [8], "layers_per_block": 1,
    "down_block_types": ["CrossAttnDownBlock2D"], "up_block_types": ["CrossAttnUpBlock2D"], "mid_block_type": None,
    "attention_head_dim": 2, "cross_attention_dim": 16, "norm_num_groups": 4,
}  # fmt: skip


@pytest.fixture(autouse=True)
def _anew():
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


@pytest.fixture
def unet(make_module, stir):
    return stir(make_module(unet=ONE_BLOCK).network).unet


def given(panels):
    """Noisy latents, timesteps, F_C, F_I and F_P of two canvases."""
    shapes = (2, panels, 4, 4, 4), (2,), (2, 5, 16), (2, panels, 5, 4, 4), (2, panels, 8, 4, 4)
    generator = torch.Generator().manual_seed(panels)
    noisy, t, *conditions = (torch.randn(*shape, generator=generator) for shape in shapes)
    return noisy, t.abs().mul(100).long(), *conditions


@pytest.mark.slow
def test_the_denoiser_has_no_graph_break_and_one_that_is_put_in_is_found(unet, monkeypatch):
    found = torch._dynamo.explain(unet)(*given(4))
    assert (found.graph_count, found.graph_break_count) == (1, 0)
    update = CVA._update
    monkeypatch.setattr(CVA, "_update", lambda *args: (torch._dynamo.graph_break(), update(*args))[1])
    torch._dynamo.reset()
    assert torch._dynamo.explain(unet)(*given(4)).graph_break_count > 0


@pytest.mark.slow
def test_each_number_of_panels_is_compiled_once_and_changes_nothing(unet):
    expected = {panels: unet(*given(panels)) for panels in (2, 4, 6, 9)}
    counter = CompileCounter()
    unet.compile(backend=counter, dynamic=False)
    for _ in range(2):
        for panels, prediction in expected.items():
            torch.testing.assert_close(unet(*given(panels)), prediction)
    assert counter.frame_count == len(expected)


@pytest.mark.slow
def test_only_training_compiles_and_names_stay(make_module, monkeypatch):
    plain = make_module(unet=ONE_BLOCK)
    module = make_module(unet=ONE_BLOCK, compile=True)
    assert plain.state_dict().keys() == module.state_dict().keys()
    assert module.network.unet._compiled_call_impl is not None
    assert copy.deepcopy(module.network).unet._compiled_call_impl is None
    checkpoint = {"state_dict": module.state_dict()}
    module.on_save_checkpoint(checkpoint)
    plain.on_load_checkpoint(checkpoint)
    counter = CompileCounter()
    module.network.unet.compile(backend=counter, dynamic=False)
    with as_written():
        module.network.unet(*given(4))
    assert counter.frame_count == 0
    module.network.unet(*given(4))
    assert counter.frame_count == 1
