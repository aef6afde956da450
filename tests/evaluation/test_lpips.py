import lpips
import pytest
import torch
from safetensors.torch import load_file

from tests.evaluation.conftest import ALEXNET


@pytest.mark.filterwarnings("ignore::UserWarning:torchvision")  # the package uses a retired argument
def test_lpips_is_the_packages_own_forward_on_the_real_alexnet(alexnet):
    """The network filled by hand from the raw tensors, without our loader."""
    tensors = load_file(ALEXNET)
    model = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)
    layers = [(n, m) for part in model.net.children() for n, m in part.named_children() if hasattr(m, "weight")]
    assert [number for number, _ in layers] == ["0", "3", "6", "8", "10"]
    for number, layer in layers:
        layer.weight.data, layer.bias.data = tensors[f"features.{number}.weight"], tensors[f"features.{number}.bias"]
    one, other = torch.rand(2, 3, 64, 48) * 2 - 1, torch.rand(2, 3, 64, 48) * 2 - 1
    with torch.inference_mode():
        assert torch.equal(alexnet(one, other), model.eval()(one, other))
        assert alexnet(one, one).abs().max() == 0
        assert alexnet(one, other).flatten().tolist() == pytest.approx(
            alexnet((one + 1) / 2, (other + 1) / 2, normalize=True).flatten().tolist(), abs=1e-5
        )
