"""In a log, progress is a line now and then."""

import pytest

from imagpose.__main__ import main
from imagpose.output import progress as module
from imagpose.output.progress import Lines, track
from imagpose.training.lines import ProgressLines


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 0.0

        def monotonic(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def test_a_line_each_half_minute_with_speed_and_time_left(clock, capsys):
    def work():
        for i in range(600):
            clock.now += 0.25
            yield i

    assert list(track(work(), "Drawing", 600, "people")) == list(range(600))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Drawing: 120 of 600 people, 4.0 a second, 0:02:00 left"
    assert len(lines) == 5


def test_what_was_done_before_counts_for_no_speed(clock, capsys):
    lines = Lines("Training", 1000, "steps")
    lines.tell(900)
    clock.now = 40.0
    lines.tell(920, lambda: ", loss 0.5")
    assert capsys.readouterr().out == "Training: 920 of 1,000 steps, loss 0.5, 2.0 s each, 0:02:40 left\n"
    lines.tell(921, lambda: pytest.fail("it is not due"))


def test_short_work_prints_nothing(clock, capsys):
    list(track(range(10_000), "Drawing", 10_000, "people"))
    assert not capsys.readouterr().out


@pytest.mark.slow
def test_a_run_tells_steps_loss_and_batches(tiny_words, no_networks, monkeypatch, capsys):
    monkeypatch.setattr(module, "EVERY", 0.0)
    assert main(["fit", *tiny_words, "--trainer.max_steps", "2", "--trainer.val_check_interval", "2"]) == 0
    printed = capsys.readouterr().out
    for line in ("Training: 2 of 2 steps, loss ", "Validating: 1 of 1 batches", "Testing: 3 of 3 batches"):
        assert line in printed
    assert "━" not in printed.split("Total FLOPs")[-1]  # no bar's end
    assert ProgressLines().state_dict() == {}
