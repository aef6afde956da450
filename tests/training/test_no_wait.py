"""A training step gives the GPU its work and never waits for it, unless it logs: shown without one, on fake tensors."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

import pytest
import torch
from lightning import Callback, Trainer
from lightning.pytorch.accelerators import CPUAccelerator
from lightning.pytorch.callbacks import LearningRateMonitor, RichProgressBar
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.strategies import SingleDeviceStrategy
from torch._subclasses.fake_tensor import DataDependentOutputException, DynamicOutputShapeException, FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from imagpose.callbacks.monitor import Monitor
from imagpose.data.canvases import Canvases
from imagpose.data.draws import DrawingCollate
from imagpose.data.readers.deepfashion import DeepFashion
from imagpose.module import IMAGPose
from imagpose.training.divergence import Divergence
from imagpose.training.lines import ProgressLines
from imagpose.training.steps import CountSteps

CUDA = torch.device("cuda", 0)
STEPS = 4


class WaitedError(Exception):
    """The host waited for the device."""


class EnoughError(Exception):
    """All steps were taken."""


class NeverWait(TorchDispatchMode):
    """Refuses copies from the device, and copies to it that are not asynchronous; ``.item()`` fails on any fake."""

    on = False

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        given = _devices((args, kwargs))
        result = func(*args, **kwargs)
        if not self.on or _devices(result) == given:
            return result
        if "cuda" in given and "cpu" in _devices(result):
            raise WaitedError(f"{func} copies from the device")
        if func is torch.ops.aten._to_copy.default and given == {"cpu"} and not kwargs.get("non_blocking"):
            raise WaitedError(f"{func} copies to the device and waits")
        return result


def _devices(values) -> set[str]:
    return {one.device.type for one in tree_leaves(values) if isinstance(one, torch.Tensor)}


class OnFakeCUDA(SingleDeviceStrategy):
    """The module is on the fake GPU already and stays there; batches are moved to it once the training starts."""

    def __init__(self) -> None:
        super().__init__("cpu", CPUAccelerator())

    def model_to_device(self) -> None:
        pass

    def backward(self, loss, optimizer, *args, **kwargs):
        """Autograd's engine asks a driver for the device; what it would run is no code of ours."""
        assert loss.requires_grad
        for parameter in optimizer.param_groups[0]["params"]:
            parameter.grad = torch.zeros_like(parameter)
        return loss

    def teardown(self) -> None:
        pass


class Loader:
    """Yields the batches; Lightning takes a list for several loaders."""

    def __init__(self, batches: list) -> None:
        self.batches = batches

    def __iter__(self):
        return iter(self.batches)


class FromTheSecondStep(Callback):
    """Forbids waiting between the end of the first step, which makes what the others use, and the last one's end."""

    def __init__(self, modes: ExitStack, fake: FakeTensorMode) -> None:
        self.modes, self.fake, self.never = modes, fake, NeverWait()

    def on_train_start(self, trainer, pl_module) -> None:
        trainer.strategy._root_device = pl_module._device = CUDA
        self.modes.enter_context(self.fake)
        self.modes.enter_context(self.never)

    def on_train_batch_end(self, *args) -> None:
        self.never.on = True

    def on_train_batch_start(self, trainer, *args) -> None:
        if trainer.global_step == STEPS:
            raise EnoughError

    def on_exception(self, *args) -> None:
        self.never.on = False


def put_on_fake_cuda(module: IMAGPose) -> None:
    for part in module.modules():
        for tensors in (part._parameters, part._buffers):
            for name, one in tensors.items():
                if one is not None:
                    fake = torch.empty_strided(one.size(), one.stride(), dtype=one.dtype, device=CUDA)
                    tensors[name] = torch.nn.Parameter(fake, one.requires_grad) if tensors is part._parameters else fake
    module.ema.reset()


@pytest.fixture
def take_steps(make_module, mannequin_root, tmp_path):
    """Takes some steps of the whole loop on a fake GPU, with every callback that looks at each."""
    canvases = Canvases(list(DeepFashion(mannequin_root).identities("train").values()), 4, 0)
    collate = DrawingCollate(0, (4, 16, 12))
    batches = [collate([canvases[2 * step + i] for i in range(2)]) for step in range(STEPS + 1)]

    def take(change: Callable[[IMAGPose], None] = lambda module: None, every: int = 50, **options) -> None:
        module = make_module(**options)
        change(module)
        module.setup = lambda stage: None
        with ExitStack() as modes:
            fake = FakeTensorMode(allow_non_fake_inputs=True)
            with fake:
                put_on_fake_cuda(module)
            watching = [
                CountSteps(), Divergence(tmp_path / "last.ckpt"), Monitor(), LearningRateMonitor(), RichProgressBar(),
                ProgressLines(), FromTheSecondStep(modes, fake),
            ]  # fmt: skip
            trainer = Trainer(
                strategy=OnFakeCUDA(), max_steps=10, log_every_n_steps=every, gradient_clip_val=1.0,
                precision="bf16-mixed", callbacks=watching, logger=CSVLogger(tmp_path), enable_checkpointing=False,
                enable_model_summary=False, limit_val_batches=0,
            )  # fmt: skip
            on_host = [{name: fake.from_tensor(one) for name, one in batch.items()} for batch in batches]
            trainer.fit(module, Loader(on_host))

    return take


@pytest.mark.parametrize("options", [{}, pytest.param({"min_snr_gamma": 5.0}, marks=pytest.mark.slow)])
def test_no_step_waits(take_steps, options):
    with pytest.raises(EnoughError):
        take_steps(**options)


def test_a_step_that_logs_waits(take_steps):
    with pytest.raises(WaitedError):
        take_steps(every=2)


@pytest.mark.parametrize(
    "put_in",
    [
        lambda module, losses: losses.mean().item(),
        lambda module, losses: losses.cpu(),
        lambda module, losses: losses[losses > 0],
        *(
            pytest.param(waits, marks=pytest.mark.slow)
            for waits in (
                lambda module, losses: losses.tolist(),
                lambda module, losses: bool((losses > 0).any()),
                lambda module, losses: torch.tensor([0.5], device=losses.device),
                lambda module, losses: losses.new_tensor([0.5]),
            )
        ),
    ],
)
def test_what_waits_is_found(take_steps, put_in):
    def change(module):
        log = module._log_losses
        module._log_losses = lambda losses, timesteps: (log(losses, timesteps), put_in(module, losses))

    with pytest.raises((WaitedError, DataDependentOutputException, DynamicOutputShapeException)):
        take_steps(change)
