from pathlib import Path

import pytest

from imagpose import ImagposePipeline
from imagpose.evaluation.clothes import Verdict
from imagpose.reproduction import trained
from imagpose.reproduction.jobs import Settings


@pytest.fixture
def model(make_module, tmp_path):
    """A pipeline folder of a tiny network with random weights."""
    module = make_module()
    module.image_size = (64, 44)
    ImagposePipeline.of_module(module).save_pretrained(tmp_path / "model")
    return str(tmp_path / "model")


@pytest.fixture
def student(model, tmp_path):
    """The same as if it had been distilled into two steps."""
    pipe = ImagposePipeline.from_pretrained(model)
    pipe.register_to_config(guidance_scale=1.0, num_inference_steps=2)
    pipe.save_pretrained(tmp_path / "student")
    return str(tmp_path / "student")


@pytest.fixture
def unjudged(monkeypatch, no_networks):
    """Nothing is judged by what mannequins wear, which takes long."""
    monkeypatch.setattr(
        trained, "judge_all", lambda cases: [Verdict(*[dict.fromkeys(c.images, True)] * 2) for c in cases]
    )


def quick(data: Path, steps: int = 12) -> list[str]:
    """What makes a row small; it is no mannequin folder's fault that it has few people."""
    options = {"data.init_args.root": data, "data.init_args.num_workers": 0, "trainer.max_steps": steps}
    return ["-c", "tests/quick.yaml", *(word for name, value in options.items() for word in (f"--{name}", str(value)))]


@pytest.fixture
def settings(tmp_path):
    return Settings("tiny", runs=tmp_path / "runs", results=tmp_path / "results")
