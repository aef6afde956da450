import pytest

from imagpose import ImagposePipeline


@pytest.fixture
def model(make_module, tmp_path):
    """A pipeline folder of a tiny network with random weights."""
    module = make_module()
    module.image_size = (64, 44)
    ImagposePipeline.of_module(module).save_pretrained(tmp_path / "model")
    return str(tmp_path / "model")
