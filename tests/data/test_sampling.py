from itertools import pairwise

from imagpose.data.sampling import StepSampler, across_people, member_of_epoch


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
