"""FLC, ILC and the pose encoder."""

import pytest
import torch

from imagpose.models.encoders import TimmEncoder, letterbox
from imagpose.models.flc import FLC
from imagpose.models.ilc import ILC
from imagpose.models.pose_encoder import PoseEncoder


@pytest.mark.parametrize(
    ("latent", "kernel", "m"), [((32, 24), 16, 4), ((64, 48), 16, 12), ((16, 8), 4, 8), ((16, 12), 4, 12)]
)
def test_flc_joins_texture_and_semantic_tokens(latent, kernel, m):
    flc = FLC(24, 16, 4, kernel)
    tokens = flc(torch.randn(2, 4, *latent), torch.randn(2, 7, 24))
    assert tokens.shape == (2, m + 7, 16)


def test_eq_3_is_a_concatenation():
    flc, latents, semantic = FLC(24, 16, 4, 4), torch.randn(1, 4, 8, 4), torch.randn(1, 7, 24)
    tokens = flc(latents, semantic)
    torch.testing.assert_close(tokens[:, 2:], flc.project(semantic))
    torch.testing.assert_close(tokens[0, 0], flc.tokenizer(latents)[0, :, 0, 0])


def test_texture_tokens_can_be_switched_off():
    flc = FLC(24, 16, texture=False)
    assert flc(torch.randn(1, 4, 32, 24), torch.randn(1, 7, 24)).shape == (1, 7, 16)
    assert not any("tokenizer" in name for name, _ in flc.named_parameters())


def test_ilc_masks_with_black_and_marks_what_is_given():
    latents, black = torch.randn(1, 4, 4, 3, 2), torch.randn(4, 3, 2)
    F_I = ILC()(latents, torch.tensor([[1.0, 0.0, 0.0, 1.0]]), black)
    assert F_I.shape == (1, 4, 5, 3, 2)
    assert torch.equal(F_I[0, 0, :4], latents[0, 0])
    assert torch.equal(F_I[0, 1, :4], black)
    assert F_I[0, :, 4].amax((1, 2)).tolist() == [1, 0, 0, 1]


def test_ilc_ignores_masked_panels_whatever_they_hold():
    latents = torch.full((1, 4, 4, 3, 2), torch.nan)
    latents[0, 0] = 1.0
    assert ILC()(latents, torch.tensor([[1.0, 0.0, 0.0, 0.0]]), torch.zeros(4, 3, 2)).isfinite().all()


def test_without_images_only_the_mask_is_left():
    assert ILC().channels == 5
    assert ILC(images=False).channels == 1
    assert ILC(images=False)(torch.randn(1, 4, 4, 3, 2), torch.ones(1, 4), torch.zeros(4, 3, 2)).shape == (
        1,
        4,
        1,
        3,
        2,
    )


def test_the_pose_encoder_starts_silent_at_latent_resolution():
    features = PoseEncoder(20, (4, 8, 8, 8))(torch.rand(2, 4, 3, 32, 24))
    assert features.shape == (2, 4, 20, 4, 3)
    assert features.abs().max() == 0


def test_letterboxing_keeps_head_and_shoes():
    image = torch.zeros(1, 3, 64, 44)
    image[..., 0, :], image[..., -1, :] = 1.0, 1.0
    boxed = letterbox(image, 32)
    assert boxed.shape == (1, 3, 32, 32)
    assert boxed[..., 0, 16].min() > 0.3
    assert boxed[..., -1, 16].min() > 0.3
    assert boxed[..., :4].abs().max() == 0


def test_an_encoder_is_frozen_and_stays_in_eval_mode():
    encoder = TimmEncoder(
        "vit_tiny_patch16_224", image_size=32, options={"img_size": 32, "embed_dim": 24, "depth": 1, "num_heads": 2}
    )
    parent = torch.nn.Sequential(encoder).train()
    assert not any(module.training for module in parent[0].modules())
    assert not any(p.requires_grad for p in encoder.parameters())
    assert parent(torch.zeros(2, 3, 64, 44)).shape == (2, 5, encoder.dim)
