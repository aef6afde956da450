"""The image encoders' contract: token grids, normalisation, what the tokens are, and how published files are read."""

import open_clip
import pytest
import timm
import torch
from safetensors.torch import save_file

from imagpose.errors import InputError
from imagpose.models.encoders import OpenClipEncoder, TimmEncoder

IMAGENET, CLIP = (0.485, 0.456, 0.406), (0.48145466, 0.4578275, 0.40821073)


def dino(model: str, **options) -> TimmEncoder:
    return TimmEncoder(model=f"vit_{model}_patch14_dinov2", options={"img_size": 224}, **options)


def clip(model: str, pretrained: str, **options) -> OpenClipEncoder:
    return OpenClipEncoder(model=model, pretrained=pretrained, **options)


@pytest.mark.parametrize(
    ("build", "grid", "mean"),
    [
        (lambda: clip("ViT-B-16", "laion2b_s34b_b88k"), (197, 768), CLIP),
        (lambda: clip("ViT-H-14", "laion2b_s32b_b79k"), (257, 1280), CLIP),
        (lambda: clip("ViT-bigG-14", "laion2b_s39b_b160k"), (257, 1664), CLIP),
        (lambda: dino("base"), (257, 768), IMAGENET),
        (lambda: dino("large"), (257, 1024), IMAGENET),
        (lambda: dino("giant"), (257, 1536), IMAGENET),
    ],
)
def test_the_token_grids_of_the_papers_encoders(build, grid, mean):
    with torch.device("meta"):
        encoder = build()
        tokens = encoder(torch.empty(2, 3, 256, 176))  # letterboxed to 224
    assert tokens.shape == (2, *grid)
    assert (encoder.num_tokens, encoder.dim) == grid
    assert encoder.mean == pytest.approx(mean)
    assert not any(p.requires_grad for p in encoder.parameters())
    assert not encoder.train().training


def test_a_maps_positions_are_counted_too():
    encoder = TimmEncoder(model="resnet18", image_size=64, options={"output_stride": 16})
    assert encoder(torch.rand(1, 3, 64, 48)).shape == (1, encoder.num_tokens, encoder.dim)


@torch.no_grad()
def test_clips_class_token_is_after_the_norm_and_before_the_projection():
    encoder = clip("ViT-B-16", "laion2b_s34b_b88k", image_size=32, options={"layers": 2, "width": 64, "head_width": 32})
    images = encoder.prepare(torch.rand(2, 3, 32, 32))
    tower = encoder.network
    torch.testing.assert_close(encoder.tokens(images)[:, 0] @ tower.proj, tower(images))
    tower.output_tokens = True  # which leaves the class token out
    assert tower(images)[1].shape[1] + 1 == encoder.num_tokens


@torch.no_grad()
def test_a_published_clip_file_with_its_text_tower_is_read(tmp_path):
    config = open_clip.get_model_config("ViT-B-16")
    vision = {**config["vision_cfg"], "image_size": 32, "layers": 2, "width": 64, "head_width": 32}
    whole = open_clip.CLIP(config["embed_dim"], vision, {**config["text_cfg"], "layers": 1}).eval()
    save_file({k: v.contiguous() for k, v in whole.state_dict().items()}, tmp_path / "open_clip_model.safetensors")
    encoder = clip(
        "ViT-B-16", "laion2b_s34b_b88k", weights_name=str(tmp_path), image_size=32,
        options={"layers": 2, "width": 64, "head_width": 32},
    )  # fmt: skip
    encoder.load_weights()
    images = torch.rand(1, 3, 32, 32)
    torch.testing.assert_close(encoder.network(images), whole.encode_image(images))


@torch.no_grad()
def test_dinos_position_table_is_resampled_as_timm_does_it(tmp_path):
    published = timm.create_model("vit_small_patch14_dinov2", num_classes=0, depth=1)  # at 518 pixels
    torch.nn.init.normal_(published.pos_embed)
    save_file(published.state_dict(), tmp_path / "model.safetensors")
    encoder = TimmEncoder(
        model="vit_small_patch14_dinov2", weights_name=str(tmp_path), options={"img_size": 224, "depth": 1}
    )
    encoder.load_weights()
    theirs = timm.create_model(
        "vit_small_patch14_dinov2", pretrained=True, num_classes=0, depth=1, img_size=224,
        pretrained_cfg_overlay={"file": str(tmp_path / "model.safetensors")},
    ).eval()  # fmt: skip
    images = torch.rand(1, 3, 224, 224)
    torch.testing.assert_close(encoder.tokens(images), theirs.forward_features(images))


def test_unknown_encoders_are_refused_in_one_sentence():
    with pytest.raises(InputError, match="open_clip has no weights 'nope' for a model 'ViT-B-16'; it has"):
        clip("ViT-B-16", "nope")
    with pytest.raises(InputError, match=r"model.encoder.init_args.model: Unknown model"):
        TimmEncoder(model="vit_nope")
