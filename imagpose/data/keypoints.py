"""OpenPose's 18 body keypoints and the pose maps drawn from them."""

from __future__ import annotations

import numpy as np

Array = np.ndarray

JOINTS = (
    "nose", "neck",
    "right_shoulder", "right_elbow", "right_wrist",
    "left_shoulder", "left_elbow", "left_wrist",
    "right_hip", "right_knee", "right_ankle",
    "left_hip", "left_knee", "left_ankle",
    # OpenPose's own order. A public script of the field lists the left eye and ear first; only colours depend on it.
    "right_eye", "left_eye", "right_ear", "left_ear",
)  # fmt: skip
NUM_JOINTS = len(JOINTS)
MISSING = -1.0
_SMALLEST_BOX = 11  # side of SSIM's window at σ 1.5

_MIRRORED = {"right": "left", "left": "right"}


def _mirror(joint: str) -> str:
    side, _, part = joint.partition("_")
    return f"{_MIRRORED[side]}_{part}" if side in _MIRRORED else joint


FLIP_ORDER = tuple(JOINTS.index(_mirror(joint)) for joint in JOINTS)

_LIMB_NAMES = (
    ("neck", "right_shoulder"), ("neck", "left_shoulder"),
    ("right_shoulder", "right_elbow"), ("right_elbow", "right_wrist"),
    ("left_shoulder", "left_elbow"), ("left_elbow", "left_wrist"),
    ("neck", "right_hip"), ("right_hip", "right_knee"), ("right_knee", "right_ankle"),
    ("neck", "left_hip"), ("left_hip", "left_knee"), ("left_knee", "left_ankle"),
    ("neck", "nose"), ("nose", "right_eye"), ("right_eye", "right_ear"),
    ("nose", "left_eye"), ("left_eye", "left_ear"),
)  # fmt: skip
LIMBS = tuple((JOINTS.index(a), JOINTS.index(b)) for a, b in _LIMB_NAMES)

COLOURS = np.array(
    [
        (255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0),
        (0, 255, 0), (0, 255, 85), (0, 255, 170), (0, 255, 255), (0, 170, 255), (0, 85, 255),
        (0, 0, 255), (85, 0, 255), (170, 0, 255), (255, 0, 255), (255, 0, 170), (255, 0, 85),
    ],
    dtype=np.float32,
) / 255  # fmt: skip
LIMB_OPACITY = 0.6  # as OpenPose draws: limbs translucent, joints opaque


def visible(keypoints: Array) -> Array:
    """Which joints were found.

    Args:
        keypoints: Joints, (18, 2), x then y in pixels; a negative number marks a missing one.

    Returns:
        (18,) booleans.
    """
    return np.asarray((keypoints >= 0).all(axis=-1))


def flip(keypoints: Array, width: int) -> Array:
    """Mirror keypoints with their image: x is reflected and left joints become right ones.

    Args:
        keypoints: Joints, (18, 2) in pixels, missing ones negative.
        width: Width of the image in pixels.
    """
    mirrored = keypoints[list(FLIP_ORDER)].copy()
    found = visible(mirrored)
    mirrored[found, 0] = np.clip(width - 1 - mirrored[found, 0], 0, None)
    return mirrored


def rescale(keypoints: Array, from_size: tuple[int, int], to_size: tuple[int, int]) -> Array:
    """Carry keypoints from one frame to another; missing joints stay missing.

    Args:
        keypoints: Joints, (18, 2) in pixels of a ``from_size`` frame.
        from_size: Height and width of the frame they are in.
        to_size: Height and width of the frame to bring them into.
    """
    factors = np.array([to_size[1] / from_size[1], to_size[0] / from_size[0]])
    found = visible(keypoints)[:, None]
    # A joint at the edge must not slip below zero, where it would count as missing.
    return np.where(found, ((keypoints + 0.5) * factors - 0.5).clip(min=0), MISSING)


def draw_pose(keypoints: Array, size: tuple[int, int]) -> Array:
    """Draw a pose map in OpenPose's colours, with the same look at every resolution.

    Args:
        keypoints: Joints, (18, 2), x then y in pixels of ``size``, missing ones negative.
        size: Height and width of the frame in pixels.

    Returns:
        (height, width, 3) float32 in [0, 1], black where there is no limb.
    """
    height, width = size
    radius = max(height / 80, 1.0)
    canvas = np.zeros((height, width, 3), dtype=np.float32)
    found = visible(keypoints)
    strokes = [(a, b, LIMB_OPACITY, i) for i, (a, b) in enumerate(LIMBS) if found[a] and found[b]]
    strokes += [(j, j, 1.0, j) for j in range(NUM_JOINTS) if found[j]]
    for start, end, opacity, colour in strokes:
        _stroke(canvas, keypoints[start], keypoints[end], radius, COLOURS[colour] * np.float32(opacity))
    return canvas


def _stroke(canvas: Array, start: Array, end: Array, radius: float, colour: Array) -> None:
    """Paint the capsule between two points, anti-aliased, touching only its bounding box."""
    (ax, ay), (bx, by) = start.tolist(), end.tolist()
    reach = radius + 1
    x0, x1 = max(int(min(ax, bx) - reach), 0), min(int(max(ax, bx) + reach) + 2, canvas.shape[1])
    y0, y1 = max(int(min(ay, by) - reach), 0), min(int(max(ay, by) + reach) + 2, canvas.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    along_x, along_y = bx - ax, by - ay
    dx = np.arange(x0, x1, dtype=np.float32) - np.float32(ax)
    dy = np.arange(y0, y1, dtype=np.float32)[:, None] - np.float32(ay)
    if length_squared := along_x * along_x + along_y * along_y:
        s = (dx * along_x + dy * along_y) * (1 / length_squared)
        s = s.clip(0, 1)
        dx, dy = dx - s * along_x, dy - s * along_y
    coverage = (radius + 0.5 - np.sqrt(dx * dx + dy * dy)).clip(0, 1)[..., None]
    box = canvas[y0:y1, x0:x1]
    box += coverage * (colour - box)


def figure_box(keypoints: Array, size: tuple[int, int], margin: float = 0.12) -> tuple[int, int, int, int]:
    """The box around a figure: its keypoints and a margin for what lies outside them, as hair, hands and shoes do.

    Args:
        keypoints: Joints, (18, 2) in pixels of ``size``, missing ones negative.
        size: Height and width of the frame in pixels.
        margin: Relative to the height of the keypoints' own box.

    Returns:
        top, bottom, left, right in pixels; the whole image where fewer than three joints were found, or where the box
        would be too small for SSIM's window.
    """
    whole = (0, size[0], 0, size[1])
    found = keypoints[visible(keypoints)]
    if len(found) < 3:
        return whole
    (left, top), (right, bottom) = found.min(0), found.max(0)
    grow = margin * (bottom - top)
    box = (
        max(int(top - grow), 0), min(int(np.ceil(bottom + grow)) + 1, size[0]),
        max(int(left - grow), 0), min(int(np.ceil(right + grow)) + 1, size[1]),
    )  # fmt: skip
    return box if min(box[1] - box[0], box[3] - box[2]) >= _SMALLEST_BOX else whole
