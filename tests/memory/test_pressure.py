"""Promises of the watch over memory pressure."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropscribe.config import Memory
from dropscribe.memory.pressure import Action, Grade, PressureWatch, grade
from dropscribe.memory.values import Sample
from support.memory_samples import GB, fed, sample

CRITICAL, WARN, CALM = sample("critical"), sample("warn"), sample()
EMPTY = sample(worker=None)


@pytest.mark.parametrize(
    ("look", "memory", "expected"),
    [
        (sample("normal"), Memory(), Grade.CALM),
        (sample("unknown"), Memory(), Grade.CALM),
        (sample("warn"), Memory(), Grade.WARN),
        (sample("critical"), Memory(), Grade.HARD),
        (sample(percent=85), Memory(), Grade.CALM),
        (sample(percent=85.1), Memory(), Grade.HARD),
        (sample("unknown", percent=85.1), Memory(), Grade.HARD),
        (sample(percent=100), Memory(max_percent=100), Grade.CALM),
        (sample(worker=4 * GB), Memory(budget=4 * GB), Grade.CALM),
        (sample(worker=4 * GB + 1), Memory(budget=4 * GB), Grade.HARD),
        (sample(worker=None), Memory(budget=1), Grade.CALM),
        (sample("warn"), Memory(unload_on="warn"), Grade.HARD),
    ],
)
def test_what_a_sample_means(look: Sample, memory: Memory, expected: Grade):
    assert grade(look, memory) is expected


@pytest.mark.parametrize(
    ("look", "expected"),
    [
        (sample(percent=95, worker=GB), Grade.CALM),
        (sample(percent=95.1, worker=GB), Grade.HARD),
        (sample(percent=95.1, worker=None), Grade.HARD),
        (sample("critical", percent=10), Grade.HARD),
    ],
)
def test_without_our_own_share_a_sample_may_mean_less(look: Sample, expected: Grade):
    """1 GB is 10 % of this machine, and 85 % are allowed."""
    assert grade(look, Memory(budget=1), ours=False) is expected


@pytest.mark.parametrize("look", [CRITICAL, sample(percent=90), sample(percent=50, worker=9 * GB)])
def test_the_second_hard_sample_stops_and_unloads(look: Sample):
    watch = PressureWatch(Memory(budget=8 * GB))

    assert fed(watch, [CALM, look, look, look]) == [Action.NOTHING] * 2 + [Action.STOP_AND_UNLOAD] * 2


def test_a_hard_sample_between_calm_ones_does_nothing():
    assert set(fed(PressureWatch(Memory()), [CALM, CRITICAL] * 10)) == {Action.NOTHING}


def test_critical_and_warn_in_turn_are_worth_the_milder():
    assert fed(PressureWatch(Memory()), [CRITICAL, WARN, CRITICAL]) == [Action.NOTHING, Action.TRIM, Action.NOTHING]


def test_two_looks_at_the_same_moment_are_one_sample():
    watch = PressureWatch(Memory())
    watch.feed(CRITICAL, 0.0)

    assert watch.feed(CRITICAL, 0.9) is Action.NOTHING
    assert watch.feed(CRITICAL, 2.0) is Action.STOP_AND_UNLOAD


def test_two_samples_far_apart_are_no_pair():
    watch = PressureWatch(Memory())
    watch.feed(CRITICAL, 0.0)

    assert watch.feed(CRITICAL, 10.1) is Action.NOTHING


def test_a_warning_trims_at_once_and_again_every_half_minute():
    answers = fed(PressureWatch(Memory()), [WARN] * 33)

    assert [n for n, answer in enumerate(answers) if answer is Action.TRIM] == [1, 16, 31]
    assert set(answers) == {Action.TRIM, Action.NOTHING}


def test_a_new_warning_trims_anew():
    answers = fed(PressureWatch(Memory()), [WARN, WARN, CALM, WARN, WARN])

    assert answers == [Action.NOTHING, Action.TRIM, Action.NOTHING, Action.NOTHING, Action.TRIM]


@pytest.mark.parametrize(("idle", "expected"), [(None, Action.TRIM), (9.9, Action.TRIM), (10.0, Action.UNLOAD_IF_IDLE)])
def test_a_warning_unloads_a_model_that_has_been_idle(idle: float | None, expected: Action):
    assert fed(PressureWatch(Memory()), [WARN, WARN], idle=idle)[-1] is expected


def test_unload_on_warn_treats_a_warning_like_critical():
    watch = PressureWatch(Memory(unload_on="warn"))

    assert fed(watch, [WARN, WARN])[-1] is Action.STOP_AND_UNLOAD
    assert watch.may_load(2.0)[:2] == (False, "the system warns of memory pressure (memory.unload_on is warn)")


@pytest.mark.parametrize("look", [WARN, CRITICAL, sample(percent=99)])
def test_unload_on_never_only_trims(look: Sample):
    answers = fed(PressureWatch(Memory(unload_on="never")), [look] * 40, idle=1000.0)

    assert set(answers) == {Action.NOTHING, Action.TRIM}


def test_warning_all_day_still_allows_loading_and_reading():
    watch = PressureWatch(Memory())
    fed(watch, [sample("warn", worker=None)] * 100)

    assert watch.may_load(200.0) == (True, "", 200.0)
    assert watch.may_read(1)
    assert Action.STOP_AND_UNLOAD not in fed(watch, [WARN] * 1000, start=202.0)


def test_without_any_sample_loading_and_reading_are_allowed():
    watch = PressureWatch(Memory())

    assert watch.may_load(5.0) == (True, "", 5.0)
    assert watch.may_read(99)


@pytest.mark.parametrize(
    ("look", "reason"),
    [
        (sample("critical", worker=None), "the system reports critical memory pressure"),
        (sample(percent=86, worker=None), "other programs use more than 85 % of the memory (memory.max_percent)"),
    ],
)
def test_one_hard_sample_defers_a_load_to_the_next_sample(look: Sample, reason: str):
    watch = PressureWatch(Memory())
    watch.feed(look, 100.0)

    assert watch.may_load(100.0) == (False, reason, 102.0)
    watch.feed(EMPTY, 102.0)
    assert watch.may_load(102.0)[0]


def test_an_old_sample_forbids_nothing():
    watch = PressureWatch(Memory())
    watch.feed(CRITICAL, 0.0)

    assert watch.may_load(10.1)[0]


def test_our_own_model_is_not_held_against_loading_it_again():
    """A reload for changed settings: 90 % used, of which 30 are ours."""
    watch = PressureWatch(Memory())
    watch.feed(sample(percent=90, worker=3 * GB), 0.0)

    assert watch.may_load(0.5)[0]


@pytest.mark.parametrize(
    ("samples", "allowed"),
    [
        ([WARN, WARN], False),
        ([CRITICAL, CRITICAL], False),
        ([WARN, CALM], False),
        ([WARN, CALM, CALM], True),
        ([sample("unknown")] * 2, True),
        ([sample("unknown", percent=99, worker=None)] * 2, False),
    ],
)
def test_a_job_stopped_twice_waits_for_normal_and_one_stopped_once_does_not(samples: list[Sample], allowed: bool):
    watch = PressureWatch(Memory())
    fed(watch, samples)

    assert watch.may_read(2) is allowed
    assert watch.may_read(1)


LOOKS = st.builds(
    sample,
    st.sampled_from(["normal", "warn", "critical", "unknown"]),
    st.sampled_from([20.0, 84.0, 90.0, 100.0]),
    st.sampled_from([None, GB, 6 * GB]),
)
MEMORIES = st.builds(
    Memory,
    unload_on=st.sampled_from(["warn", "critical", "never"]),
    max_percent=st.sampled_from([85, 100]),
    budget=st.sampled_from([None, 5 * GB]),
)
STEPS = st.lists(st.tuples(st.floats(0.0, 40.0), LOOKS, st.sampled_from([None, 0.0, 60.0]), st.booleans()), max_size=60)


@settings(max_examples=150)
@given(MEMORIES, STEPS)
def test_nothing_is_ever_ended_on_one_sample_and_loading_is_always_allowed_again(
    memory: Memory, steps: list[tuple[float, Sample, float | None, bool]]
):
    watch, now, before = PressureWatch(memory), 0.0, Grade.CALM
    for wait, look, idle, page in steps:
        now += wait
        action = watch.feed(look, now, idle)
        if action is Action.STOP_AND_UNLOAD:
            assert grade(look, memory) is Grade.HARD and memory.unload_on != "never"
        if action is Action.UNLOAD_IF_IDLE:
            assert idle == 60.0 and grade(look, memory) >= Grade.WARN
        if wait > 10 or before is Grade.CALM:
            assert action is Action.NOTHING or wait < 1
        if page:
            watch.page_read(now)
        may, why, retry_at = watch.may_load(now)
        assert may or (why and now < retry_at <= now + 600)
        before = grade(look, memory)

    calm = sample(percent=20.0, worker=None)
    watch.feed(calm, now + 2)
    may, _, retry_at = watch.may_load(now + 2)

    assert may or watch.may_load(retry_at)[0]  # also where the moment is not exact in floating point
    watch.feed(calm, now + 4)
    assert watch.may_read(1000)
