"""rtmlib behind the contract: against stand-ins of its two tools, and through the library itself where it is there."""

import numpy as np
import pytest
from PIL import Image

from imagpose.data.keypoints import JOINTS, MISSING
from imagpose.errors import InputError
from imagpose.pose.detectors import load_detector
from imagpose.pose.rtmpose import RTMPoseDetector

PHOTO = Image.new("RGB", (120, 200), (200, 10, 20))


class People:
    def __init__(self, boxes):
        self.boxes = boxes

    def __call__(self, pixels):
        self.pixels = pixels
        return np.array(self.boxes)


class Joints:
    """Says 134 points for each box, as rtmlib does of a whole body, the first 18 in OpenPose's order."""

    def __call__(self, pixels, bboxes):
        points = np.zeros((len(bboxes), 134, 2))
        for one, (left, top, right, bottom) in zip(points, bboxes, strict=True):
            one[:, 0] = np.linspace(left, right, 134)
            one[:, 1] = np.linspace(top, bottom, 134)
        scores = np.full((len(bboxes), 134), 0.9)
        scores[:, JOINTS.index("left_ear")] = 0.2
        return points, scores


def test_people_come_largest_first_and_unsure_joints_are_missing():
    people = People([[0, 0, 30, 60], [0, 0, 110, 190]])
    found = RTMPoseDetector(people, Joints()).detect(PHOTO)
    assert len(found) == 2
    assert found[0].pose.size == (200, 120)
    last = JOINTS.index("right_ear")
    assert found[0].pose.keypoints[last] == pytest.approx([110 * last / 133, 190 * last / 133])
    assert (found[0].pose.keypoints[JOINTS.index("left_ear")] == MISSING).all()
    assert found[0].score == pytest.approx(0.9)
    assert people.pixels[0, 0].tolist() == [20, 10, 200]  # OpenCV's order


def test_without_a_box_nobody_is_seen():
    class Never:
        def __call__(self, *args, **options):
            raise AssertionError("rtmlib takes the whole picture for a person where there is no box")

    assert RTMPoseDetector(People(np.zeros((0, 4))), Never()).detect(PHOTO) == []


# Through the library ------------------------------------------------------------------------------------------------


def _constant(onnx, path, outputs, size):
    """A network that says the same of every picture."""
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    nodes = [
        helper.make_node("Constant", [], [name], value=numpy_helper.from_array(value.astype(np.float32)))
        for name, value in outputs.items()
    ]
    picture = helper.make_tensor_value_info("picture", onnx.TensorProto.FLOAT, [1, 3, *size])
    told = [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, v.shape) for n, v in outputs.items()]
    model = helper.make_model(
        helper.make_graph(nodes, "constant", [picture], told), opset_imports=[helper.make_opsetid("", 13)]
    )
    model.ir_version = 8
    onnx.save(model, str(path))


@pytest.fixture
def folder(tmp_path):
    """Networks that see one person in the whole of a picture of 256×192, its COCO joint i at (10 + i, 20 + 2 i)."""
    pytest.importorskip("rtmlib", reason="rtmlib is not installed: pip install 'imagpose[pose]'")
    onnx = pytest.importorskip("onnx", reason="onnx, which makes the networks of this test, is not installed")
    boxes = np.array([[[0.0, 0.0, 192 * 640 / 256, 640, 0.9]]])  # in the 640×640 that the picture is brought to
    _constant(onnx, tmp_path / "detector.onnx", {"boxes": boxes}, (640, 640))
    x, y = np.zeros((1, 17, 384)), np.zeros((1, 17, 512))
    for joint in range(17):
        # The network looks at 1.25 times the box, on 256×192, at two steps a pixel.
        x[0, joint, round(2 * ((10 + joint - 96) / 1.25 + 96))] = 0.8
        y[0, joint, round(2 * ((20 + 2 * joint - 128) / 1.25 + 128))] = 0.8
    _constant(onnx, tmp_path / "pose.onnx", {"simcc_x": x, "simcc_y": y}, (256, 192))
    return tmp_path


def test_the_library_itself_says_openposes_order(folder):
    coco = [
        "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
        "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
        "right_ankle",
    ]  # fmt: skip
    picture = Image.new("RGB", (192, 256))
    (found,) = load_detector("rtmlib", weights=str(folder)).detect(picture)
    for number, joint in enumerate(coco):
        at = found.pose.keypoints[JOINTS.index(joint)]
        assert at == pytest.approx([10 + number, 20 + 2 * number], abs=1.0), joint
    neck, *shoulders = (found.pose.keypoints[JOINTS.index(j)] for j in ("neck", "left_shoulder", "right_shoulder"))
    assert neck == pytest.approx(np.mean(shoulders, axis=0), abs=1e-3)


def test_a_damaged_file_is_told(folder):
    (folder / "pose.onnx").write_bytes(b"no network")
    with pytest.raises(InputError, match=r"pose\.onnx cannot be used by rtmlib"):
        load_detector("rtmlib", weights=str(folder))


def test_weights_that_are_not_there_are_named(tmp_path, monkeypatch):
    monkeypatch.setenv("IMAGPOSE_WEIGHTS", str(tmp_path))
    with pytest.raises(InputError, match=r"rtmlib|nobodys-weights"):  # the library, or then the weights
        load_detector("rtmlib", weights="nobodys-weights")
