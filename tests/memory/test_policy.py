"""Promises of the decisions about a model's stay: bounds, tables of cases."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropscribe.config import Model
from dropscribe.memory import policy
from dropscribe.memory.policy import IdleAction, SleepWatch, Verdict
from dropscribe.memory.values import Availability
from support.memory_samples import GB


def there(count: int) -> Availability:
    return Availability(count, 50.0, 16 * GB)


@pytest.mark.parametrize(
    ("peaks", "expected"),
    [
        ([], 7),
        ([5], 5),
        ([3, 1, 2], 3),
        (list(range(1, 11)), 9),
        (list(range(20, 0, -1)), 18),
        ([100] * 19 + [900], 100),
    ],
)
def test_need_is_the_ninetieth_percentile_of_peaks_or_the_estimate(peaks: list[int], expected: int):
    assert policy.need(peaks, 7) == expected


@given(st.lists(st.integers(1, 2**40), min_size=1))
def test_need_covers_nine_of_ten_peaks_and_is_one_of_them(peaks: list[int]):
    need = policy.need(peaks, 0)

    assert need in peaks
    assert sum(peak <= need for peak in peaks) >= math.ceil(0.9 * len(peaks))


def test_a_model_that_just_fits_is_loaded():
    assert policy.preflight(3 * GB, there(3 * GB), 0, 0) == Verdict(True, "")


def test_a_model_that_does_not_fit_is_refused_with_both_numbers():
    verdict = policy.preflight(3_200 * 10**6, there(950 * 10**6), 0, 599.9)

    assert verdict == Verdict(False, "the model needs about 3.2 GB of memory and 950 MB are available")


def test_a_refusal_shows_the_arithmetic_where_there_is_any():
    room = Availability(10**9, 50.0, 8 * GB, "100 MB free, 900 MB of cache")

    said = policy.preflight(3 * GB, room, 0, 0).reason

    assert said.endswith("1.0 GB are available (100 MB free, 900 MB of cache)")


def test_after_ten_minutes_of_waiting_it_is_tried_all_the_same_and_told_so():
    verdict = policy.preflight(3 * GB, there(GB), 100, 700)

    assert verdict.allowed
    assert verdict.reason.endswith("1.0 GB are available; trying all the same after 10 minutes")


@pytest.mark.parametrize(
    ("idle", "trimmed", "queue_empty", "expected"),
    [
        (0, False, True, None),
        (29.9, False, True, None),
        (30, False, True, IdleAction.TRIM),
        (30, True, True, None),
        (299.9, True, True, None),
        (300, True, True, IdleAction.UNLOAD),
        (300, False, True, IdleAction.UNLOAD),
        (300, True, False, None),
        (300, False, False, IdleAction.TRIM),
    ],
)
def test_an_idle_model_is_trimmed_then_unloaded(
    idle: float, trimmed: bool, queue_empty: bool, expected: IdleAction | None
):
    assert policy.idle_action(idle, Model(), trimmed, queue_empty) == expected


@pytest.mark.parametrize(("queue_empty", "expected"), [(True, IdleAction.UNLOAD), (False, None)])
def test_an_idle_timeout_of_zero_unloads_as_soon_as_the_queue_is_empty(queue_empty: bool, expected: IdleAction | None):
    assert policy.idle_action(0, Model(idle_timeout=0), False, queue_empty) == expected


def test_never_means_never():
    model = Model(idle_timeout=None, clear_cache_after=None)

    assert policy.idle_action(10**9, model, False, True) is None
    assert policy.next_idle_deadline(0, model, False, True) is None
    assert policy.unload_at(0, model, True) is None


@pytest.mark.parametrize(
    ("trimmed", "queue_empty", "expected"),
    [(False, True, 1030), (True, True, 1300), (False, False, 1030), (True, False, None)],
)
def test_the_next_deadline_is_the_next_thing_to_do(trimmed: bool, queue_empty: bool, expected: float | None):
    assert policy.next_idle_deadline(1000, Model(), trimmed, queue_empty) == expected


@given(st.sampled_from([None, 0, 5, 300]), st.sampled_from([None, 0, 30, 400]), st.booleans(), st.booleans())
def test_at_its_deadline_there_is_something_to_do_and_never_before(
    timeout: float | None, trim: float | None, trimmed: bool, queue_empty: bool
):
    """Or the loop would spin, or sleep through it."""
    model = Model(idle_timeout=timeout, clear_cache_after=trim)
    deadline = policy.next_idle_deadline(0, model, trimmed, queue_empty)

    if deadline is None:
        assert policy.idle_action(10**6, model, trimmed, queue_empty) is None
    else:
        assert policy.idle_action(deadline, model, trimmed, queue_empty) is not None
        assert deadline == 0 or policy.idle_action(deadline - 0.1, model, trimmed, queue_empty) is None


@pytest.mark.parametrize(
    ("pages", "age", "footprint", "after_load", "key"),
    [
        (999, 86399, 3 * GB, 2 * GB, None),
        (1000, 0, None, None, "recycle_pages"),
        (0, 86400, None, None, "recycle_after"),
        (0, 0, 3 * GB + 1, 2 * GB, "recycle_growth"),
        (0, 0, 9 * GB, None, None),
        (0, 0, None, 2 * GB, None),
        (0, 0, 2 * GB, 3 * GB, None),
    ],
)
def test_a_worn_out_worker_is_replaced_for_a_reason(
    pages: int, age: float, footprint: int | None, after_load: int | None, key: str | None
):
    reason = policy.recycle_reason(pages, age, footprint, after_load, Model())

    assert reason is None if key is None else reason is not None and f"model.{key}" in reason


def test_recycling_can_be_switched_off():
    model = Model(recycle_pages=None, recycle_after=None, recycle_growth=None)

    assert policy.recycle_reason(10**9, 10**9, 10**15, 0, model) is None


@pytest.mark.parametrize(
    ("monotonic", "wall", "expected"),
    [(100, 100, 0), (100, 130, 0), (100, 130.5, 30.5), (1, 3601, 3600), (100, -3500, -3600), (100, 70, 0)],
)
def test_a_jump_of_the_wall_clock_of_more_than_half_a_minute_is_told(monotonic: float, wall: float, expected: float):
    watch = SleepWatch(1000, 5000)

    assert watch.jumped(1000 + monotonic, 5000 + wall) == expected


def test_a_jump_is_told_once():
    watch = SleepWatch(0, 0)
    watch.jumped(1, 500)

    assert watch.jumped(2, 501) == 0


def test_a_clock_that_is_set_right_little_by_little_is_no_jump():
    watch = SleepWatch(0, 0)

    assert not any(watch.jumped(n * 60, n * 61) for n in range(1, 200))
