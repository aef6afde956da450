"""The pose encoder (Sec. 3.4): ControlNet's conditioning embedding, added after the UNet's first convolution."""

from __future__ import annotations

from collections.abc import Sequence

from diffusers.models.controlnets.controlnet import ControlNetConditioningEmbedding
from torch import Tensor, nn

from imagpose.errors import InputError
from imagpose.models import part_names


class PoseEncoder(nn.Module):
    """Pose maps → F_P, panel by panel; its last convolution starts at zero.

    F_P = embed(pose maps), (B, V, 3, H, W) → (B, V, out_channels, H/8, W/8); conv_in(input) + F_P goes on in the UNet.

    Args:
        out_channels: Channels of the UNet's first convolution, which F_P is added to.
        channels: Channels of ControlNet's embedding; each step after the first halves the resolution, so four make 8×.

    Raises:
        InputError: There are no channels.
    """

    def __init__(self, out_channels: int, channels: Sequence[int] = (16, 32, 96, 256)) -> None:
        super().__init__()
        if not channels:
            raise InputError(
                "model.init_args.pose_channels is []; give the pose encoder's widths, such as [16,32,96,256]."
            )
        self.embed = ControlNetConditioningEmbedding(out_channels, block_out_channels=tuple(channels))

    def from_published(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """The conditioning embedding of a ControlNet, or a pose guider, by the names that it has here.

        Args:
            tensors: Its own, beside any others.

        Raises:
            InputError: There is none.
        """
        if not (found := part_names.of_pose(tensors)):
            raise InputError(
                "The file of model.init_args.pose_weights holds no conditioning embedding of a ControlNet, nor a pose "
                "guider; name one that does."
            )
        return {name: tensors[theirs] for name, theirs in found.items()}

    def forward(self, poses: Tensor) -> Tensor:
        """Encode pose maps.

        Args:
            poses: Pose maps, (B, V, 3, H, W) in [0, 1].

        Returns:
            F_P, (B, V, out_channels, H/8, W/8).
        """
        return self.embed(poses.flatten(0, 1)).unflatten(0, poses.shape[:2])
