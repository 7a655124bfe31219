"""Promises of the wait after memory pressure has unloaded a model: how long, what ends it, what begins it anew."""

from dropscribe.config import Memory
from dropscribe.memory.pressure import Action, PressureWatch
from support.memory_samples import fed, sample

CRITICAL, CALM, EMPTY = sample("critical"), sample(), sample(worker=None)


def pressed(watch: PressureWatch, start: float) -> float:
    """Let pressure unload a model, let it end; return the moment of the last hard sample."""
    assert fed(watch, [CALM, CRITICAL, CRITICAL, EMPTY], start=start)[2] is Action.STOP_AND_UNLOAD
    return start + 4


def test_after_pressure_it_is_loaded_again_only_after_thirty_seconds_without():
    watch = PressureWatch(Memory())
    last = pressed(watch, 0.0)
    may, why, retry_at = watch.may_load(last + 29.9)

    assert (may, retry_at) == (False, last + 30)
    assert why == "memory was short; it is loaded again once there has been no pressure for 30 s"
    assert watch.may_load(last + 30)[0]


def test_each_hard_sample_begins_the_wait_anew():
    watch = PressureWatch(Memory())
    last = pressed(watch, 0.0)
    watch.feed(sample("critical", worker=None), last + 20)

    assert watch.may_load(last + 32) == (False, watch.may_load(last + 32)[1], last + 50)
    assert watch.may_load(last + 50)[0]


def waits(watch: PressureWatch, count: int) -> list[float]:
    """Unload by pressure again and again without a page between; return how long each wait was."""
    now, found = 0.0, []
    for _ in range(count):
        last = pressed(watch, now)
        now = watch.may_load(last + 3)[2]
        found.append(now - last)
        assert watch.may_load(now)[0]
    return found


def test_the_wait_doubles_with_each_unload_up_to_ten_minutes():
    assert waits(PressureWatch(Memory()), 7) == [30, 60, 120, 240, 480, 600, 600]


def test_a_page_read_in_peace_ends_the_back_off():
    watch = PressureWatch(Memory())
    waits(watch, 4)
    watch.feed(CALM, 5000.0)
    watch.page_read(5001.0)

    assert pressed(watch, 5002.0) + 30 == watch.may_load(5010.0)[2]


def test_a_page_finished_under_pressure_does_not_end_the_back_off():
    watch = PressureWatch(Memory())
    waits(watch, 2)
    last = pressed(watch, 5000.0)
    watch.page_read(last + 1)

    assert watch.may_load(last + 3)[2] == last + 120


def test_a_change_of_settings_ends_the_wait_and_the_back_off():
    watch = PressureWatch(Memory())
    waits(watch, 3)
    last = pressed(watch, 5000.0)
    watch.apply(Memory(max_percent=90))

    assert watch.may_load(last + 3)[0]
    assert pressed(watch, 6000.0) + 30 == watch.may_load(6007.0)[2]


def test_one_unload_counts_once_however_long_it_takes():
    watch = PressureWatch(Memory())
    fed(watch, [CRITICAL] * 15)

    assert watch.may_load(29.0)[0] is False
    watch.feed(EMPTY, 30.0)
    assert watch.may_load(31.0)[2] == 28 + 30


def test_pressure_while_nothing_is_loaded_is_no_unload():
    watch = PressureWatch(Memory())
    fed(watch, [sample("critical", worker=None)] * 100)
    watch.feed(EMPTY, 200.0)
    watch.feed(EMPTY, 202.0)
    fed(watch, [CALM, CRITICAL, CRITICAL, EMPTY], start=300.0)

    assert watch.may_load(307.0)[2] == 304 + 30
