"""A LoRA in training, as a file, and in a pipeline."""

import pytest
import torch
from diffusers import LCMScheduler

from imagpose.errors import InputError
from imagpose.models import lora
from imagpose.pipeline import ImagposePipeline
from tests.distillation.conftest import train


def test_a_lora_trains_alone_and_merges_to_the_same_pictures(make_student, teacher, batch, test_batch, tmp_path):
    pytest.importorskip("peft")
    module = make_student(lora_rank=2)
    before = {name: p.clone() for name, p in module.network.named_parameters()}
    trained = {name for name, p in module.network.named_parameters() if p.requires_grad}
    assert trained
    assert all("lora_" in name for name in trained)
    assert any(".cva." in name for name in trained)
    train(module, batch, 3)
    assert {n for n, p in module.network.named_parameters() if not torch.equal(p, before[n])} == trained
    checkpoint = {"state_dict": module.state_dict()}
    module.on_save_checkpoint(checkpoint)
    again = make_student("predict", lora_rank=2)
    again.on_load_checkpoint(checkpoint)
    again.load_state_dict(checkpoint["state_dict"], strict=False)
    drawn = module.generate(test_batch)
    assert torch.equal(again.generate(test_batch), drawn)

    pipe = ImagposePipeline.of_module(again)
    assert not lora.has(pipe.network)
    with again.ema.applied():
        lora.save(again.network, tmp_path / lora.FILE, pipe.scheduler, 2)
    shared = ImagposePipeline.from_pretrained(teacher)
    shared.load_lora(tmp_path / lora.FILE)
    assert isinstance(shared.scheduler, LCMScheduler)
    assert (shared.config["guidance_scale"], shared.config["num_inference_steps"]) == (1.0, 2)
    merged = dict(pipe.network.named_parameters())
    for name, value in shared.network.named_parameters():
        torch.testing.assert_close(value, merged[name], atol=1e-4, rtol=1e-3)  # the file is in half precision
    shared.save_pretrained(tmp_path / "shared")
    assert isinstance(ImagposePipeline.from_pretrained(tmp_path / "shared").scheduler, LCMScheduler)


def test_a_lora_of_another_network_is_refused(make_module, teacher, tmp_path):
    from safetensors.torch import save_file

    save_file({"unet.nowhere.A": torch.zeros(2, 4), "unet.nowhere.B": torch.zeros(4, 2)}, tmp_path / "a.safetensors")
    with pytest.raises(InputError, match=r"as its unet\.nowhere shows"):
        ImagposePipeline.from_pretrained(teacher).load_lora(tmp_path / "a.safetensors")


def test_a_lora_at_full_width_is_a_few_megabytes():
    pytest.importorskip("peft")
    from imagpose.training.experiment import read_experiment

    module = read_experiment(["--exp", "sd15_dinov2g_distilled"], lambda parser: None, device="meta").module
    with torch.device("meta"):
        lora.add(module.network, 8, 0)
    megabytes = 2 * sum(tensor.numel() for tensor in lora.tensors(module.network).values()) / 1e6  # in half precision
    assert 1 < megabytes < 15
