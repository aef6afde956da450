from imagpose.data.sampling import StepSampler, member_of_epoch


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
