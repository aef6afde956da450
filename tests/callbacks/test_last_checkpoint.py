"""When ``last.ckpt`` is saved by the clock."""

from datetime import timedelta
from itertools import pairwise
from types import SimpleNamespace

import pytest

from imagpose.callbacks import checkpoint
from imagpose.callbacks.checkpoint import LastCheckpoint


@pytest.fixture
def saved(monkeypatch):
    """Runs steps of a second each, of which each tenth logs; returns the seconds at which a save began."""

    def run(took: float, minutes: float = 3, seconds: int = 20000) -> list[float]:
        now, saves, asked = [0.0], [], []
        clock = SimpleNamespace(monotonic=lambda: now[0])
        monkeypatch.setattr(checkpoint, "time", clock)
        monkeypatch.setattr("lightning.pytorch.callbacks.model_checkpoint.time", clock)
        callback = LastCheckpoint(train_time_interval=timedelta(minutes=minutes))

        def save(trainer, candidates):
            saves.append(now[0])
            now[0] += took

        def broadcast(said):
            asked.append(trainer.global_step)
            return said

        monkeypatch.setattr(callback, "_save_topk_checkpoint", save)
        monkeypatch.setattr(callback, "_save_last_checkpoint", lambda *_: None)
        monkeypatch.setattr(callback, "_should_skip_saving_checkpoint", lambda trainer: False)
        monkeypatch.setattr(callback, "_monitor_candidates", lambda trainer: {})
        trainer = SimpleNamespace(
            accumulate_grad_batches=1, log_every_n_steps=10, global_step=0,
            strategy=SimpleNamespace(broadcast=broadcast),
        )  # fmt: skip
        module = SimpleNamespace(automatic_optimization=True)
        callback.on_train_start(trainer, module)
        while now[0] < seconds:
            now[0] += 1
            trainer.global_step += 1
            callback.on_train_batch_end(trainer, module, None, None, trainer.global_step - 1)
        assert asked == [step for step in range(1, trainer.global_step + 1) if step % 10 == 0]  # no other step waits
        return saves

    return run


def test_a_quick_save_comes_every_three_minutes(saved):
    moments = saved(0.1)
    assert len(moments) >= 30
    assert all(180 <= later - earlier <= 190.2 for earlier, later in pairwise(moments))


def test_a_slow_save_takes_a_hundredth_of_the_time(saved):
    moments = saved(17.0)
    assert len(moments) * 17 / 20000 <= 1.2 * checkpoint.SHARE
    assert len(moments) >= 5  # a run that is killed loses no more than that
