"""Work that is spread over processes."""

import operator
import os

import pytest

from imagpose.data.workers import allotted, spread


@pytest.mark.parametrize("count", [1, 2])
def test_each_job_is_done_once_and_in_order(count):
    assert list(spread(operator.neg, [3, 1, 2, 1], count, chunk=2)) == [-3, -1, -2, -1]


def test_a_process_with_one_core_does_its_work_itself():
    here = []
    assert list(spread(lambda job: here.append(os.getpid()), [0, 0], 1)) == [None, None]  # no pool takes a lambda
    assert here == [os.getpid()] * 2


@pytest.mark.parametrize(("given", "cores"), [("3", 3), ("", 16), ("0", 16), ("4,2", 16)])
def test_rows_side_by_side_keep_to_the_cores_they_are_given(monkeypatch, given, cores):
    monkeypatch.setattr(os, "cpu_count", lambda: 16)
    monkeypatch.setenv("OMP_NUM_THREADS", given)
    assert allotted() == cores
