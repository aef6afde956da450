"""``generate --lora``."""

import json
import shutil

import numpy as np
from PIL import Image

from imagpose.__main__ import main
from imagpose.data.readers.deepfashion import DeepFashion
from imagpose.pipeline import ImagposePipeline


def test_files_with_their_scales_draw_other_pictures_and_are_in_the_record(
    teacher, write_lora, mannequin_root, tmp_path, capsys
):
    index = DeepFashion(mannequin_root)
    name = index.splits["test"][0]
    shutil.copy(index.records[name].path, tmp_path / "me.jpg")
    assert main(["pose", "--data", str(mannequin_root), "--image", name, "--out", str(tmp_path / "me.json")]) == 0
    network = ImagposePipeline.from_pretrained(teacher).network
    told = {"scheduler": "LCMScheduler", "num_inference_steps": "2", "original_inference_steps": "50"}
    one, few = write_lora(network, 1), write_lora(network, 2, name="few=1.safetensors", **told)

    def draw(out, *options):
        words = ["generate", "--model", str(teacher), "--source", str(tmp_path / "me.jpg"), "--device", "cpu"]
        words += ["--source_pose", str(tmp_path / "me.json"), "--target_pose", str(tmp_path / "me.json")]
        assert main([*words, "--out", str(tmp_path / out), *options]) == 0
        settings = json.loads((tmp_path / out / "settings.json").read_text())
        return np.asarray(Image.open(tmp_path / out / "images" / "1_me.png")), settings

    plain, settings = draw("plain", "--steps", "2")
    assert "lora" not in settings
    nothing, _ = draw("nothing", "--steps", "2", "--lora", f"{one}=0")
    assert np.array_equal(nothing, plain)
    changed, settings = draw("changed", "--lora", f"{one}=0.5", "--lora", str(few))
    assert not np.array_equal(changed, plain)
    assert [(record["file"], record["scale"]) for record in settings["lora"]] == [(str(one), 0.5), (str(few), 1.0)]
    assert (settings["steps"], settings["guidance"]) == (2, 1.0)  # as the distilled one is sampled
    (tmp_path / "changed" / "images" / "1_me.png").unlink()
    again, _ = draw("changed", "--lora", f"{one}=0.5", "--lora", str(few))
    assert np.array_equal(again, changed)
