"""LoRA files in a pipeline; none of it needs PEFT."""

import pytest
import torch
from diffusers import DDIMScheduler, LCMScheduler
from safetensors.torch import load_file, save_file

from imagpose.errors import InputError
from imagpose.pipeline import ImagposePipeline


@pytest.fixture
def pipe(teacher):
    return ImagposePipeline.from_pretrained(teacher)


def weights(pipe):
    return {name: value.clone() for name, value in pipe.network.state_dict().items()}


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


def test_loading_and_unloading_leaves_the_same_bits_again_and_again(pipe, write_lora):
    path, before = write_lora(pipe.network, 1), weights(pipe)
    pipe.load_lora_weights(path)
    changed = weights(pipe)
    assert not same(changed, before)
    pipe.load_lora_weights(path)  # counts once
    assert same(weights(pipe), changed)
    pipe.unload_lora_weights()
    assert same(weights(pipe), before)
    pipe.load_lora_weights(path)
    assert same(weights(pipe), changed)
    pipe.unload_lora_weights()
    assert same(weights(pipe), before)
    assert pipe.get_active_adapters() == []


def test_several_are_the_sum_of_their_updates(pipe, write_lora):
    one, other, before = write_lora(pipe.network, 1), write_lora(pipe.network, 2), weights(pipe)
    expected = {name: value.clone() for name, value in before.items()}
    for path, weight in ((one, 0.5), (other, -2.0)):
        tensors = load_file(path)
        for name in tensors:
            layer, _, part = name.rpartition(".")
            if part == "A":
                expected[f"{layer}.weight"] += weight * tensors[f"{layer}.B"] @ tensors[name]
            elif part == "delta":
                expected[layer] += weight * tensors[name]
    pipe.load_lora_weights(one, scale=0.5)
    pipe.load_lora_weights(other, adapter_name="second", scale=-2.0)
    for name, value in weights(pipe).items():
        torch.testing.assert_close(value, expected[name], atol=1e-6, rtol=1e-5)
    alone = ImagposePipeline.from_pretrained(pipe.config._name_or_path)
    alone.load_lora_weights(other)
    pipe.set_adapters("second")
    assert pipe.get_active_adapters() == ["second"]
    assert same(weights(pipe), weights(alone))
    pipe.set_adapters(["lora_1", "second"], [0.5, -2.0])
    for name, value in weights(pipe).items():
        torch.testing.assert_close(value, expected[name], atol=1e-6, rtol=1e-5)
    pipe.set_adapters([])
    assert same(weights(pipe), before)


def test_fusing_and_unfusing_changes_nothing_beyond_rounding(pipe, write_lora):
    pipe.load_lora_weights(write_lora(pipe.network, 1))
    before = weights(pipe)
    pipe.fuse_lora(0.25)
    fused = weights(pipe)
    assert not same(fused, before)
    for call in (
        lambda: pipe.set_adapters("lora_1"),
        lambda: pipe.load_lora_weights(write_lora(pipe.network, 2)),
        pipe.fuse_lora,
    ):
        with pytest.raises(InputError, match="call unfuse_lora first"):
            call()
    pipe.unfuse_lora()
    for name, value in weights(pipe).items():
        torch.testing.assert_close(value, before[name], atol=1e-5, rtol=0)
    pipe.fuse_lora(0.25)
    pipe.unload_lora_weights()  # what is fused stays
    assert same(weights(pipe), fused)
    with pytest.raises(InputError, match="There is no LoRA to fuse"):
        pipe.fuse_lora()


def test_a_pipeline_that_was_cast_meanwhile_is_given_its_weights_back(pipe, write_lora):
    halves = {name: value.half() for name, value in weights(pipe).items() if value.is_floating_point()}
    pipe.load_lora_weights(write_lora(pipe.network, 1))
    pipe.to(dtype=torch.float16)
    pipe.unload_lora_weights()
    assert same(halves, weights(pipe))


def test_a_distilled_one_brings_its_sampling_and_takes_it_along(pipe, write_lora, tmp_path):
    told = {"scheduler": "LCMScheduler", "num_inference_steps": "3", "original_inference_steps": "50"}
    path, plain = write_lora(pipe.network, 1, name="few.safetensors", **told), write_lora(pipe.network, 2)
    before = dict(pipe.config)
    pipe.load_lora_weights(plain)
    assert isinstance(pipe.scheduler, DDIMScheduler)
    pipe.load_lora_weights(path)
    pipe.load_lora_weights(path)
    assert isinstance(pipe.scheduler, LCMScheduler)
    assert (pipe.config["guidance_scale"], pipe.config["num_inference_steps"]) == (1.0, 3)
    pipe.set_adapters("lora_2")
    assert isinstance(pipe.scheduler, DDIMScheduler)
    pipe.set_adapters(["few", "lora_2"])
    assert isinstance(pipe.scheduler, LCMScheduler)
    pipe.save_pretrained(tmp_path / "shared")
    again = ImagposePipeline.from_pretrained(tmp_path / "shared")
    assert isinstance(again.scheduler, LCMScheduler)
    assert same(weights(again), weights(pipe))
    pipe.unload_lora_weights()
    assert isinstance(pipe.scheduler, DDIMScheduler)
    assert dict(pipe.config) == before


def _spoil(path, kind):
    tensors = load_file(path)
    layer = next(name for name in tensors if name.endswith(".A"))
    if kind == "half a file":
        path.write_bytes(path.read_bytes()[:-100])
        return
    if kind == "NaN":
        tensors[layer][0, 0] = float("nan")
    elif kind == "another width":
        tensors[layer] = torch.zeros(2, 999)
    elif kind == "no B":
        del tensors[f"{layer[:-1]}B"]
    elif kind == "another name":
        tensors["unet.nowhere.A"] = tensors.pop(layer)
    elif kind == "another part":
        tensors["pose_encoder.embed.conv_in.weight.delta"] = torch.zeros(3)
    elif kind == "nothing":
        tensors = {}
    told = {"scheduler": "os.system", "num_inference_steps": "2", "original_inference_steps": "50"}
    save_file(tensors, path, metadata=told if kind == "another scheduler" else None)


@pytest.mark.parametrize(
    "kind",
    ["half a file", "NaN", "another width", "no B", "another name", "another part", "nothing", "another scheduler"],
)
def test_a_bad_file_is_one_sentence_and_the_pipeline_as_it_was(pipe, write_lora, kind):
    bad, good = write_lora(pipe.network, 1), write_lora(pipe.network, 2)
    _spoil(bad, kind)
    pipe.load_lora_weights(good)
    before = weights(pipe)
    with pytest.raises(InputError, match=r"lora_1\.safetensors") as raised:
        pipe.load_lora_weights(bad)
    assert "\n" not in str(raised.value)
    assert same(weights(pipe), before)
    assert pipe.get_active_adapters() == ["lora_2"]


def test_names_and_weights_are_checked(pipe, write_lora, tmp_path):
    path = write_lora(pipe.network, 1)
    pipe.load_lora_weights(path, adapter_name="style")
    with pytest.raises(InputError, match=r"The LoRA style is .*lora_1\.safetensors already"):
        pipe.load_lora_weights(write_lora(pipe.network, 2), adapter_name="style")
    with pytest.raises(InputError, match="There is no LoRA 'oil'; loaded are: style"):
        pipe.set_adapters("oil")
    with pytest.raises(InputError, match="1 adapter_names and 2 adapter_weights"):
        pipe.set_adapters("style", [1.0, 2.0])
    with pytest.raises(InputError, match=r"scale is nan; it must be a number from -10 to 10"):
        pipe.load_lora_weights(path, "style", float("nan"))
    with pytest.raises(InputError, match=r"nothing\.safetensors cannot be read \(No such file"):
        pipe.load_lora_weights(tmp_path / "nothing.safetensors")
