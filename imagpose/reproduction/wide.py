"""What a canvas would take at a full-size experiment's width: counted on the meta device, nothing is loaded."""

from __future__ import annotations

from dataclasses import dataclass, field

from imagpose.errors import InputError
from imagpose.generation.canvases import Canvas
from imagpose.module import IMAGPose
from imagpose.reproduction.timing import DISTILLED, Way
from imagpose.sampler import Guidance
from imagpose.training.cost import flops_of_generation
from imagpose.training.experiment import read_experiment


@dataclass(frozen=True)
class Wide:
    """An experiment's network.

    Attributes:
        name: Of the experiment.
        module: On the meta device.
        size: (height, width) of its images.
    """

    name: str
    module: IMAGPose
    size: tuple[int, int]
    _counted: dict[tuple[int, int], dict[str, int]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, name: str) -> Wide:
        """Build it.

        Raises:
            InputError: There is no such experiment, or it does not say a size.
        """
        module, data, _ = read_experiment(["--exp", name], lambda parser: None, device="meta")
        size = data.size or (data.mannequins.size if data.mannequins else None)
        if size is None:
            raise InputError(f"{name} sets no data.size, so nobody knows what its pictures take; name another --wide.")
        return cls(name, module, size)

    def flops(self, canvas: Canvas, way: Way, guidance: Guidance) -> dict[str, int]:
        """Floating-point operations of generating all pictures of a canvas, or of those over which it is spread.

        Args:
            canvas: Whose panels, sources and poses count.
            way: Its steps, and whether and when they are guided.
            guidance: Where the way says nothing of its own.

        Returns:
            ``conditions``: VAE and encoder on the sources, FLC, ILC and the poses; ``predictions``: the network in all
            steps; ``decoding``: of the pictures that are kept.
        """
        key = canvas.panels, canvas.encoded
        if key not in self._counted:
            self._counted[key] = flops_of_generation(self.module, self.size, *key)
        counted = self._counted[key]
        scheduler = self.module.schedule.for_sampling()
        scheduler.set_timesteps(way.steps)
        guided = way.guided and way.sampler != DISTILLED
        guidance = Guidance(scale=guidance.scale if guided else 1.0, interval=way.interval or guidance.interval)
        predictions = sum(1 + guidance.guides(t) for t in scheduler.timesteps.tolist())
        return {
            "conditions": canvas.turns * counted["conditions"],
            "predictions": canvas.turns * predictions * counted["prediction"],
            "decoding": len(canvas.outputs) * counted["decoding"],
        }
