"""Others' weights become safetensors by our names; whatever else a file holds is told in one sentence."""

import pickle
import re

import pytest
import torch
from diffusers import MotionAdapter
from diffusers.models.controlnets.controlnet import ControlNetConditioningEmbedding
from safetensors.torch import load_file, save_file

from imagpose.__main__ import main
from imagpose.models import unpickle
from tests.models.test_part_names import in_layout, small

SMALL = {"block_out_channels": (16, 32), "motion_layers_per_block": 1, "motion_num_attention_heads": 8,
         "motion_norm_num_groups": 4, "motion_max_seq_length": 24}  # fmt: skip


@pytest.fixture
def motion(tmp_path):
    """A whole animation checkpoint of a small UNet, as somebody's training left it."""
    tensors = in_layout(MotionAdapter(**SMALL).state_dict(), "AnimateDiff, trained in parallel")
    others = {"module.conv_in.weight": torch.ones(3), "epoch_mean": torch.ones(1)}
    path = tmp_path / "mm.ckpt"
    torch.save({"epoch": 3, "state_dict": {**others, **tensors}}, path)
    return path


def convert(path, out) -> int:
    return main(["convert", str(path), "--out", str(out)])


def test_a_motion_module_is_converted_and_taken(motion, tmp_path, capsys):
    out = tmp_path / "new" / "motion.safetensors"
    assert convert(motion, out) == 0
    told = capsys.readouterr().out
    assert re.search(r"used\W+\d+\W+down_blocks\.0\.attentions\.0\.cva", told)
    assert re.search(r"left\W+2\W+epoch_mean, module\.conv_in\.weight", told)
    assert re.search(r"missing\W+\d+\W+down_blocks\.0\.attentions\.1\.cva", told)  # of Stable Diffusion's places
    unet = small()
    own = {name: one.shape for name, one in unet.unet.state_dict().items()}
    assert {name: one.shape for name, one in unet.from_motion(load_file(out)).items()} == own
    theirs = torch.load(motion, weights_only=True)["state_dict"]
    weight = (
        "module.mid_block.motion_modules.0.temporal_transformer.transformer_blocks.0.attention_blocks.1.to_q.weight"
    )
    assert torch.equal(load_file(out)["mid_block.attentions.0.cva.block.attn2.to_q.weight"], theirs[weight])
    assert [path.name for path in out.parent.iterdir()] == ["motion.safetensors"]


def test_a_lora_of_ours_is_not_converted(tmp_path, capsys):
    save_file({"to_q.A": torch.ones(2, 4), "to_q.B": torch.ones(4, 2)}, tmp_path / "mine.safetensors")
    assert convert(tmp_path / "mine.safetensors", tmp_path / "again.safetensors") == 2
    assert "is a LoRA that imagpose export wrote; --lora and load_lora_weights take it" in capsys.readouterr().err


def test_a_pose_guider_and_anything_else_are_converted(tmp_path, capsys):
    embedding = ControlNetConditioningEmbedding(16, block_out_channels=(4, 8, 8))
    save_file(embedding.state_dict(), tmp_path / "pose_guider.safetensors")
    assert convert(tmp_path / "pose_guider.safetensors", tmp_path / "pose.safetensors") == 0
    assert "a pose network" in capsys.readouterr().out
    assert {name[6:] for name in load_file(tmp_path / "pose.safetensors")} == set(embedding.state_dict())
    shared = torch.arange(6.0).view(2, 3)
    save_file({"a": shared.clone(), "b.c": shared.T.contiguous()}, tmp_path / "any.safetensors")
    assert convert(tmp_path / "any.safetensors", tmp_path / "again.safetensors") == 0
    assert set(load_file(tmp_path / "again.safetensors")) == {"a", "b.c"}


def test_nested_tensors_are_named_and_the_rest_is_passed_over():
    one = torch.ones(2)
    found = {"state_dict": {"a": one, "b": {"c": one}}, "step": 3, "optimizer": [one]}
    assert dict(unpickle.named(found)).keys() == {"a", "b.c"}


class Code:
    """Runs when it is unpickled."""

    def __reduce__(self):
        return exec, ("open('executed', 'w').close()",)


def runs_code(path):
    path.write_bytes(pickle.dumps(Code()))


def runs_code_in_an_archive(path):
    torch.save({"a": Code()}, path)


def half(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def grows(path):
    torch.save({"a": torch.zeros(1).expand(2**40)}, path)  # four bytes that stand for terabytes


def is_empty(path):
    torch.save({"step": 3}, path)


def of_another_shape(path):
    tensors = torch.load(path, weights_only=True)["state_dict"]
    name = next(name for name in tensors if name.endswith("attention_blocks.0.to_q.weight"))
    torch.save({**tensors, name: torch.zeros(3, 3)}, path)


def of_half_the_tensors(path):
    tensors = torch.load(path, weights_only=True)["state_dict"]
    torch.save(dict(list(tensors.items())[:20]), path)


def is_text(path):
    path.write_text("dear")


def is_lines(path):
    path.write_text("a file of lines. and so on")


def not_finite(path):
    torch.save({"a": torch.tensor([float("nan")])}, path)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (runs_code, r"mm\.ckpt holds no weights that can be read without running code \(Unsupported operand 149\);"),
        (is_text, r"mm\.ckpt holds no weights that can be read without running code \(Unsupported operand 100\);"),
        (is_lines, r"without running code \(torch\.save wrote no such file\);"),
        (grows, r"mm\.ckpt holds no weights that can be read .*(memory|size)"),
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in (
                (runs_code_in_an_archive, r"without running code \([^)]*nsupported global: GLOBAL [^)]*\);"),
                (half, r"mm\.ckpt holds no weights that can be read"),
                (is_empty, r"mm\.ckpt holds no tensors"),
                (
                    of_another_shape,
                    r"mm\.ckpt is no whole part: its mid_block.*to_q\.weight is \(3, 3\) where it should",
                ),
                (of_half_the_tensors, r"is no whole part: .* is missing where it should be"),
                (not_finite, r"mm\.ckpt is damaged: a has numbers that are not finite"),
            )
        ),
    ],
)
def test_a_bad_file_is_one_sentence_and_leaves_nothing(spoil, told, motion, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    spoil(motion)
    assert convert(motion, tmp_path / "out.safetensors") == 2
    error = capsys.readouterr().err
    assert re.search(told, error), error
    assert len(error.strip().splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["mm.ckpt"]


def test_a_process_that_dies_or_never_ends_is_told(motion, tmp_path, monkeypatch, capsys):
    for script, told in (("import os; os.abort()", r"ended the process that read it \(code -6\)"),
                         ("while True: pass", "is read for minutes without an end")):  # fmt: skip
        (tmp_path / "script.py").write_text(script)
        monkeypatch.setattr(unpickle, "__file__", str(tmp_path / "script.py"))
        monkeypatch.setattr("imagpose.training.convert.SECONDS", 1)
        assert convert(motion, tmp_path / "out.safetensors") == 2
        assert re.search(told, capsys.readouterr().err)
