from itertools import pairwise

from imagpose.data.sampling import PanelSampler, StepSampler, across_people, canvases_of, member_of_epoch


def test_a_resumed_sampler_goes_on_where_the_first_stopped():
    assert list(StepSampler(0, 6, 3))[4:] == list(StepSampler(4, 6, 3))


def test_processes_share_each_step():
    one = list(StepSampler(2, 4, 4))
    two = [list(StepSampler(2, 4, 2, rank, 2)) for rank in (0, 1)]
    assert [a + b for a, b in zip(*two, strict=True)] == one


def test_every_epoch_visits_every_member_once_in_another_order():
    first, second = ([member_of_epoch(0, e * 50 + i, 50) for i in range(50)] for e in (0, 1))
    assert sorted(first) == sorted(second) == list(range(50))
    assert first != second


def test_people_take_turns_and_fewer_are_a_part_of_more():
    people = [person for person, count in (("a", 9), ("b", 1), ("c", 3)) for _ in range(count)]
    chosen = [across_people(people, 0, limit) for limit in range(14)]
    assert [len({people[i] for i in some}) for some in chosen[:4]] == [0, 1, 2, 3]
    assert sorted(people[i] for i in chosen[7]) == ["a", "a", "a", "b", "c", "c", "c"]
    assert all(set(few) < set(more) for few, more in pairwise(chosen))
    assert chosen[13] == across_people(people, 0) == list(range(13))
    assert all(some == sorted(some) for some in chosen)
    assert across_people(people, 1, 3) != chosen[3]


def test_one_number_of_panels_takes_the_batches_that_there_were_without_it():
    plain = StepSampler(3, 9, 4, rank=1, world_size=2)
    assert [[number for number, _ in batch] for batch in PanelSampler([4], 0, plain)] == list(plain)
    assert {panels for batch in PanelSampler([9], 0, plain) for _, panels in batch} == {9}


def test_mixed_panels_lose_and_repeat_no_sample_in_any_number_of_processes():
    last = 1500  # more than are drawn at once
    batches = [list(PanelSampler([2, 4, 6, 9], 5, StepSampler(0, last, 8, rank, 2))) for rank in (0, 1)]
    numbers = [number for step in zip(*batches, strict=True) for batch in step for number, _ in batch]
    assert numbers == list(range(len(numbers)))
    for ours, theirs in zip(*batches, strict=True):
        assert {panels for _, panels in ours} == {panels for _, panels in theirs}
        assert len({panels for _, panels in ours}) == 1
        assert 30 <= sum(panels for _, panels in ours) <= 36  # of four there are 32
    assert {panels for batch in batches[0] for _, panels in batch} == {2, 4, 6, 9}


def test_mixed_panels_resume_where_they_stopped():
    whole = list(PanelSampler([2, 4], 0, StepSampler(0, 2100, 4)))
    for first in (1, 1023, 1024, 2050):
        assert list(PanelSampler([2, 4], 0, StepSampler(first, 2100, 4))) == whole[first:]
    assert list(PanelSampler([2, 4], 1, StepSampler(0, 2100, 4))) != whole


def test_a_step_takes_the_same_canvases_however_it_is_parted():
    panels, steps = [2, 3, 4, 6, 9], 1100  # more than are drawn at once

    def taken(processes, accumulated):
        batch_size = 16 // (processes * accumulated)
        batches = [
            list(PanelSampler(panels, 5, StepSampler(0, steps * accumulated, batch_size, rank, processes, accumulated)))
            for rank in range(processes)
        ]
        found = []
        for step in range(steps):
            parts = [one for of in batches for one in of[step * accumulated : (step + 1) * accumulated]]
            assert len({len(part) for part in parts}) == 1
            found.append(sorted(address for part in parts for address in part))
        return found

    whole = taken(1, 1)
    assert all(len({panels for _, panels in step}) == 1 for step in whole)
    assert taken(2, 1) == taken(1, 2) == taken(2, 2) == taken(4, 1) == whole


def test_an_accumulating_run_resumes_where_it_stopped():
    whole = list(PanelSampler([2, 4, 9], 0, StepSampler(0, 4200, 4, 1, 2, 2)))
    for first in (2, 2046, 2048, 4100):
        assert list(PanelSampler([2, 4, 9], 0, StepSampler(first, 4200, 4, 1, 2, 2))) == whole[first:]


def test_more_panels_are_fewer_canvases():
    assert canvases_of([9], 3) == (3,)
    assert canvases_of([2, 4, 6, 9, 16, 64], 8) == (16, 8, 6, 4, 2, 1)  # at least one
