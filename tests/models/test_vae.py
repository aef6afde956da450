"""The packaged VAE is the ceiling of everything generated with it."""

import pytest
import torch
from safetensors.torch import save_file

from imagpose.data.images import read_image
from imagpose.data.keypoints import figure_box
from imagpose.data.readers.deepfashion import DeepFashion
from imagpose.errors import InputError
from imagpose.evaluation.similarity import in_box
from imagpose.models import weights
from imagpose.models.vae import VAE
from imagpose.panels import crop, pad


@pytest.fixture(scope="module")
def vae():
    vae = VAE.of_folder(weights.find("mannequin-sd-v/vae"))
    vae.load_weights()
    return vae


def test_test_people_survive_the_vae(vae, mannequin_root):
    index = DeepFashion(mannequin_root)
    records = [index.records[name] for name in index.splits["test"]]
    images = torch.stack([read_image(record.path) for record in records])
    boxes = torch.tensor([figure_box(record.keypoints_at((64, 44)), (64, 44)) for record in records])
    decoded = crop(vae.decode(vae.encode(pad(images, 16)).mean), (64, 44))
    assert in_box(decoded, images, boxes)["ssim"].mean() > 0.92
    assert 0.7 < vae.encode(pad(images, 16)).mean.std() < 1.4


def test_panels_are_encoded_by_themselves(vae):
    panels = torch.rand(1, 4, 3, 64, 48) * 2 - 1
    torch.testing.assert_close(vae.encode(panels).mean[:, 2], vae.encode(panels[:, 2]).mean, atol=1e-4, rtol=1e-4)


def test_the_packaged_weights_are_small():
    folder = weights.find("mannequin-sd-v/vae")
    assert (folder / "diffusion_pytorch_model.safetensors").stat().st_size <= 4_000_000


def test_stable_diffusions_older_names_are_read(vae, tmp_path):
    """Its VAEs were published with the mid-block attention named query, key, value and proj_attn."""
    old = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    tensors = vae.autoencoder.state_dict()
    renamed = {}
    for name, tensor in tensors.items():
        for new, older in old.items():
            name = name.replace(f".attentions.0.{new}.", f".attentions.0.{older}.")
        renamed[name] = tensor.contiguous()
    assert renamed.keys() != tensors.keys()
    save_file(renamed, tmp_path / "old.safetensors")
    other = VAE.of_folder(weights.find("mannequin-sd-v/vae"))
    weights.load(other.autoencoder, tmp_path / "old.safetensors")
    assert all(torch.equal(a, b) for a, b in zip(other.state_dict().values(), vae.state_dict().values(), strict=True))


def test_weights_are_found_in_order_and_bad_ones_refused(tmp_path, monkeypatch, vae):
    monkeypatch.setenv("IMAGPOSE_WEIGHTS", str(tmp_path))
    assert weights.find("mannequin-sd-v/vae") == weights.PACKAGED / "mannequin-sd-v/vae"
    (tmp_path / "mannequin-sd-v/vae").mkdir(parents=True)
    assert weights.find("mannequin-sd-v/vae") == tmp_path / "mannequin-sd-v/vae"
    with pytest.raises(InputError, match=r"config.json cannot be read as JSON"):
        VAE.of_folder(weights.find("mannequin-sd-v/vae"))
    file = tmp_path / "cut.safetensors"
    whole = (weights.PACKAGED / "mannequin-sd-v/vae" / "diffusion_pytorch_model.safetensors").read_bytes()
    file.write_bytes(whole[:1000])
    with pytest.raises(InputError, match="is not a readable safetensors file"):
        weights.load(vae.autoencoder, file)
    file.write_bytes(whole)
    with pytest.raises(InputError, match="does not fit Linear"):
        weights.load(torch.nn.Linear(2, 2), file)
