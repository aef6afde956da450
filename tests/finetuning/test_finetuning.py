"""Fine-tuning by a LoRA: what is trained, kept, resumed and shared."""

import pytest
import torch

from imagpose.errors import InputError
from imagpose.generation.export import _save_lora
from imagpose.models import lora
from imagpose.pipeline import ImagposePipeline
from tests.distillation.conftest import train


@pytest.mark.parametrize("whole", [(), ("cva", "pose_encoder")])
def test_what_is_frozen_keeps_its_bits_and_the_file_makes_the_same_network(
    make_tuned, teacher, batch, test_batch, tmp_path, whole
):
    module = make_tuned(lora_whole=whole)
    module.image_size = (64, 44)
    start = {name: value.clone() for name, value in module.network.state_dict().items()}
    plain = ImagposePipeline.from_pretrained(teacher)
    for name, value in ImagposePipeline.of_module(module).network.named_parameters():  # it begins as nothing
        assert torch.equal(value, dict(plain.network.named_parameters())[name])
    train(module, batch, 3)
    changed = {name for name, value in module.network.state_dict().items() if not torch.equal(value, start[name])}
    trained = {name for name, parameter in module.network.named_parameters() if parameter.requires_grad}
    assert changed == trained
    assert all("lora_" in name or ".cva." in name or "pose_encoder." in name for name in trained)
    assert any(".cva." in name and "lora_" not in name for name in trained) == bool(whole)

    checkpoint = {"state_dict": module.state_dict()}
    module.on_save_checkpoint(checkpoint)
    assert {name.removeprefix("network.") for name in checkpoint["state_dict"]} == trained
    again = make_tuned("predict", lora_whole=whole)
    again.on_load_checkpoint(checkpoint)
    again.load_state_dict(checkpoint["state_dict"], strict=False)
    assert torch.equal(again.generate(test_batch), module.generate(test_batch))

    pipe = ImagposePipeline.of_module(again)
    _save_lora(again, tmp_path / lora.FILE)
    plain.load_lora_weights(tmp_path / lora.FILE)
    merged = dict(pipe.network.named_parameters())
    for name, value in plain.network.named_parameters():
        torch.testing.assert_close(value, merged[name], atol=1e-4, rtol=1e-3)  # the file is in half precision


def test_a_checkpoint_of_other_weights_to_start_from_is_refused(make_tuned, teacher):
    module, checkpoint = make_tuned(), {}
    checkpoint["state_dict"] = module.state_dict()
    module.on_save_checkpoint(checkpoint)
    other = make_tuned()
    with torch.no_grad():
        other.network.unet.unet.conv_out.bias.add_(1)
    from imagpose.finetuning.module import _digest

    other._start_digest = _digest(other.network)
    with pytest.raises(InputError, match="are no more those that this LoRA was trained on"):
        other.on_load_checkpoint(checkpoint)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"lora_targets": ("to_qq",)}, "lora_targets names to_qq, as no linear layer's name ends; did you mean to_q"),
        ({"lora_targets": ()}, "lora_targets leaves no layer a LoRA"),
        ({"lora_whole": ("cva",), "cva": False}, "lora_whole names cva, which this network has not"),
        ({"lora_rank": 0}, "lora_rank is 0; it must be a whole number of at least 1"),
        ({"trainable": ["cva"]}, "trainable is not for a LoRA; name parts in lora_whole instead"),
    ],
)
def test_names_and_ranks_are_checked(make_tuned, options, told):
    with pytest.raises(InputError, match=told):
        make_tuned(**options)


def test_stable_diffusion_learns_a_few_pictures_below_12_gigabytes():
    """At 256×176 and batch 1, as the doctor estimates it for a GPU."""
    pytest.importorskip("peft")
    from imagpose.training.cost import GIB, Shards, estimate
    from imagpose.training.experiment import read_experiment

    words = ["--exp", "sd15_dinov2g", "--with", "lora", "--start", "mine", "--batch_size", "1"]
    module, data, options = read_experiment(words, lambda parser: None, device="meta")
    module.add_lora()
    found = estimate(module, (256, 176), data.batch_size, options.trainer.precision, Shards(), True, data.panels)
    assert found.total < 12e9 < 12 * GIB
    assert found.gradients < 0.01 * found.weights
    megabytes = 2 * sum(one.numel() for one in lora.tensors(module.network).values()) / 1e6
    assert 1 < megabytes < 15
