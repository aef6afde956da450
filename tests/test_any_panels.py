"""Nothing but CVA's positions knows how many panels there are: one network serves canvases of any number."""

import json

import pytest
import torch
from diffusers import UNet2DConditionModel
from PIL import Image

from imagpose.data.body_pose import BodyPose
from imagpose.data.readers.deepfashion import DeepFashion
from imagpose.data.scenarios import smallest, spread
from imagpose.errors import InputError
from imagpose.models.unet import CanvasUNet
from imagpose.panels import grid_of, tile
from imagpose.pipeline import ImagposePipeline
from tests.conftest import UNET


@pytest.fixture(scope="module")
def views(mannequin_root):
    """Pictures of one person with their poses."""
    index = DeepFashion(mannequin_root)
    some = next(iter(index.identities("test").values()))
    return [(Image.open(view.path).convert("RGB"), BodyPose((64, 44), view.keypoints_at((64, 44)))) for view in some]


@pytest.fixture
def pipe(make_module, stir):
    module = make_module()
    stir(module.network)
    module.ema.reset()
    module.image_size, module.panels = (64, 44), (2, 4, 9)
    pipe = ImagposePipeline.of_module(module)
    pipe.set_progress_bar_config(disable=True)
    return pipe


@pytest.mark.parametrize("panels", [1, 2, 6, 9])
@torch.no_grad()
def test_a_new_network_begins_as_the_base_on_any_canvas(panels):
    base = UNet2DConditionModel.from_config({**UNET, "in_channels": 4}).eval()
    noisy, F_I, F_C = torch.randn(1, panels, 4, 8, 4), torch.randn(1, panels, 5, 8, 4), torch.randn(1, 3, 32)
    F_C, t = torch.randn(1, 3, base.config["cross_attention_dim"]), torch.tensor([321])
    expected = base(tile(noisy[0][None], *grid_of(panels)), t, F_C).sample
    ours = CanvasUNet(base, 9).eval()
    F_P = torch.zeros(1, panels, ours.pose_channels, 8, 4)
    torch.testing.assert_close(tile(ours(noisy, t, F_C, F_I, F_P), *grid_of(panels)), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("sources", "targets", "scenario", "panels"),
    [
        (1, 1, "auto", 2), (1, 2, "auto", 4), (1, 3, "auto", 4), (3, 1, "T3", 4), (1, 1, "T1", 4), (1, 1, "T2", 4),
        (2, 1, "T3", 4), (1, 2, "IMAGPose*", 4), (1, 8, "IMAGPose*", 9),
        (1, 8, "auto", 9), (8, 1, "auto", 9), (1, 20, "auto", 9),
    ],
)  # fmt: skip
def test_the_smallest_canvas_that_fits_is_taken(sources, targets, scenario, panels):
    assert smallest(sources, targets, scenario, (2, 4, 9)) == panels


@pytest.mark.parametrize(
    ("panels", "sources", "targets", "given", "masked"),
    [
        (2, 1, 1, [0], [0]),
        (9, 1, 8, [0], list(range(8))),
        (9, 8, 1, list(range(8)), [0]),
        (9, 1, 1, [0], [0] * 8),
        (9, 2, 3, [0, 1, 0, 1, 0, 1], [0, 1, 2]),
    ],
)
def test_what_other_canvases_condition_on(pipe, views, panels, sources, targets, given, masked):
    some, wanted = (views * 2)[:sources], [pose for _, pose in (views * 2)[-targets:]]
    canvas = ([picture for picture, _ in some], [pose for _, pose in some], wanted)
    prepared, _ = pipe.prepare([canvas], "auto", panels)
    assert prepared["mask"].tolist() == [[1.0] * len(given) + [0.0] * len(masked)]
    assert prepared["images"][0, len(given) :].eq(-1).all()  # black
    expected = [some[i][1].map((64, 44)) for i in given] + [wanted[i].map((64, 44)) for i in masked]
    assert torch.equal(prepared["poses"][0], torch.stack(expected))
    assert prepared["images"].shape[1] == panels


def test_poses_that_find_no_room_are_spread_over_canvases(pipe, views, monkeypatch):
    drawn = []
    generate = pipe.synthesis.generate

    def watched(canvases, *args):
        drawn.append(canvases["images"].shape[1])
        return generate(canvases, *args)

    monkeypatch.setattr(pipe.synthesis, "generate", watched)
    picture, pose = views[0]
    poses = [pose for _, pose in (views * 2)[1:6]]
    images = pipe(picture, pose, poses, num_inference_steps=1, output_type="pt", panels=4).images
    assert images.shape[:2] == (1, 5)
    assert drawn == [4, 4]
    drawn.clear()
    assert pipe(picture, pose, poses, num_inference_steps=1, output_type="pt").images.shape[:2] == (1, 5)
    assert drawn == [9]


@pytest.mark.parametrize("panels", [2, 9])
def test_a_picture_is_the_same_whatever_else_is_in_the_batch(pipe, views, panels):
    (picture, pose), (other, other_pose), (_, wanted) = views[:3]
    call = {"num_inference_steps": 2, "output_type": "pt", "panels": panels}
    alone = pipe([[picture]], [[pose]], [[wanted]], seed=[7], **call).images
    both = pipe([[other], [picture]], [[other_pose], [pose]], [[wanted], [wanted]], seed=[3, 7], **call).images
    torch.testing.assert_close(both[1], alone[0], atol=1e-4, rtol=1e-4)


def test_a_pipeline_remembers_its_canvases(pipe, tmp_path):
    pipe.save_pretrained(tmp_path / "saved")
    again = ImagposePipeline.from_pretrained(tmp_path / "saved")
    assert again.config["panels"] == [2, 4, 9]
    assert again.config["guidance_interval"] is None


@pytest.mark.parametrize(
    ("sources", "targets", "scenario", "parts"),
    [(1, 3, "auto", [3]), (1, 5, "auto", [3, 2]), (1, 4, "IMAGPose*", [2, 2]), (2, 5, "auto", [2, 2, 1])],
)
def test_poses_are_spread_evenly(sources, targets, scenario, parts):
    found = spread(sources, targets, scenario, 4)
    assert [len(part) for part in found] == parts
    assert [pose for part in found for pose in part] == list(range(targets))


@pytest.mark.parametrize(
    ("sources", "targets", "scenario", "told"),
    [
        (1, 5, "T1", "do not fit 4 panels"), (1, 5, "T2", "do not fit 4 panels"), (2, 5, "T3", "do not fit 4 panels"),
        (2, 5, "IMAGPose*", "takes one source and several poses"), (4, 1, "auto", "do not fit 4 panels"),
        (1, 5, "T9", "do not fit 4 panels"), (0, 5, "auto", "There are 0 sources"),
    ],
)  # fmt: skip
def test_what_no_canvases_could_show_is_not_spread(sources, targets, scenario, told):
    with pytest.raises(InputError, match=told):
        spread(sources, targets, scenario, 4)


@pytest.mark.parametrize("counts", [(3, 2), (2, 3)])
def test_canvases_of_unequally_many_poses_are_refused(pipe, views, counts):
    picture, pose = views[0]
    targets = [[pose] * count for count in counts]
    with pytest.raises(InputError, match="equally many sources and poses"):
        pipe([[picture]] * 2, [[pose]] * 2, targets, num_inference_steps=1, panels=2)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"panels": 1}, "panels is 1; it must be a whole number from 2 to 64"), ({"panels": 65}, "panels is 65"),
        ({"panels": "four"}, "panels is 'four'"), ({"panels": True}, "panels is True"),
        ({"guidance_interval": (600, 500)}, r"guidance_interval is \(600, 500\); it takes \[lowest, highest\]"),
        ({"guidance_interval": (600,)}, "guidance_interval is"), ({"guidance_interval": 7}, "guidance_interval is 7"),
        ({"guidance_interval": (0, 1001)}, "guidance_interval is"), ({"guidance_interval": ()}, "guidance_interval is"),
        ({"guidance_interval": "ab"}, "guidance_interval is 'ab'"),
    ],
)  # fmt: skip
def test_panels_and_intervals_that_there_are_not_are_refused(pipe, views, options, told):
    picture, pose = views[0]
    with pytest.raises(InputError, match=told):
        pipe(picture, pose, pose, num_inference_steps=1, **options)


@pytest.mark.parametrize(("grid", "panels"), [((1, 2), [2]), ((2, 3), [6]), ((2, 2), [4])])
def test_an_older_pipeline_is_of_as_many_panels_as_its_grid_had(pipe, tmp_path, grid, panels):
    pipe.save_pretrained(tmp_path)
    _change(tmp_path / "model_index.json", panels=None)
    _change(tmp_path / "network/config.json", rows=grid[0], cols=grid[1])
    assert ImagposePipeline.from_pretrained(tmp_path).config["panels"] == panels


def test_an_older_pipeline_of_another_layout_is_refused(pipe, tmp_path):
    pipe.save_pretrained(tmp_path)
    _change(tmp_path / "network/config.json", rows=1, cols=4)
    with pytest.raises(InputError, match="rows 1 and cols 4"):
        ImagposePipeline.from_pretrained(tmp_path)


def _change(path, **changes):
    config = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({name: value for name, value in config.items() if value is not None}))
