"""The number of raters that is told finds the difference as often as is told; more than enough raters lift no limit."""

from __future__ import annotations

import numpy as np
import pytest

from imagpose.__main__ import main
from imagpose.study.crossed import Crossed
from imagpose.study.power import raters_for


def found(difference: float, parts: tuple[float, float, float], raters: int, items: int) -> float:
    """How many of 2,000 simulated studies find the difference."""
    rng = np.random.default_rng(0)
    size = (2000, raters, items)
    values = (
        difference
        + rng.normal(0, parts[0] ** 0.5, (2000, raters, 1))
        + rng.normal(0, parts[1] ** 0.5, (2000, 1, items))
    )
    low, _ = Crossed.of(values + rng.normal(0, parts[2] ** 0.5, size)).interval()
    return float((low > 0).mean())


@pytest.mark.parametrize(
    ("difference", "parts"), [(0.1, (0.03, 0.02, 0.2)), (0.15, (0.05, 0.03, 0.17)), (0.08, (0.02, 0.01, 0.22))]
)
def test_as_many_raters_as_are_told_find_it_in_80_percent(difference, parts):
    raters = raters_for(difference, 0.5, parts, 40, 0.8)
    assert 0.76 <= found(difference, parts, raters, 40) <= 0.86


def test_more_raters_find_smaller_differences_until_the_items_are_the_limit():
    parts = (0.025, 0.025, 0.2)
    needed = [raters_for(one, 0.5, parts, 40, 0.8) for one in (0.2, 0.15, 0.1)]
    assert needed == sorted(needed)
    assert raters_for(0.06, 0.5, parts, 40, 0.8) is None  # (1.96 + 0.84)² · 0.025 / 40 is 0.070²
    assert raters_for(0.06, 0.5, parts, 200, 0.8) is not None
    assert found(0.06, parts, 100, 40) < 0.8


def test_the_command_says_the_number_and_the_limit(capsys):
    assert main(["study", "power", "--difference", "12"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    parts = (0.025, 0.025, 0.2)
    assert f"fixed number {raters_for(0.12, 0.5, parts, 40, 0.8)} 7.0 points" in shown
    assert "more raters find nothing" in shown
    assert main(["study", "power", "--difference", "2"]) == 0
    assert "none up to 1,000" in " ".join(capsys.readouterr().out.split())
