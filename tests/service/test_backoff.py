"""The queue waits for its environment with patience, goes on by itself, and says so once."""

from logging.handlers import BufferingHandler

import pytest

from dropscribe.core.errors import Reason
from dropscribe.log import LOG
from dropscribe.service.backoff import FIRST_WAIT, LONGEST_WAIT, Backoff


class Clock:
    """A clock that the test sets, in seconds."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def backoff(clock: Clock) -> Backoff:
    return Backoff(clock)


def test_an_untroubled_queue_is_open(backoff: Backoff) -> None:
    assert (backoff.open(0.0), backoff.current, backoff.deadline(0.0)) == (True, None, None)
    backoff.lift()
    backoff.lift_if(Reason.DISK_FULL)
    assert (backoff.open(0.0), backoff.current, backoff.deadline(0.0)) == (True, None, None)


def test_a_fault_closes_the_queue_until_exactly_the_next_try(backoff: Backoff, clock: Clock) -> None:
    clock.now = 100.0
    backoff.put(Reason.OUTBOX_MISSING, "it is not there")

    assert backoff.deadline(0.0) == 100.0 + FIRST_WAIT
    assert not backoff.open(100.0 + FIRST_WAIT - 0.001)
    assert backoff.open(100.0 + FIRST_WAIT)
    assert backoff.current is not None
    assert (backoff.current.reason, backoff.current.detail) == (Reason.OUTBOX_MISSING, "it is not there")


def test_a_deadline_that_has_passed_is_none(backoff: Backoff) -> None:
    backoff.put(Reason.DISK_FULL, "full")

    assert backoff.deadline(FIRST_WAIT - 0.001) == FIRST_WAIT
    assert backoff.deadline(FIRST_WAIT) is None
    assert backoff.current is not None, "open for a try is not over"


def test_each_wait_in_a_row_is_longer_up_to_a_bound(backoff: Backoff, clock: Clock) -> None:
    waits = []
    for _ in range(8):
        backoff.put(Reason.DISK_FULL, "full")
        deadline = backoff.deadline(0.0)
        assert deadline is not None
        waits.append(deadline - clock.now)
        clock.now = deadline

    assert waits == [2.0, 4.0, 8.0, 16.0, 32.0, LONGEST_WAIT, LONGEST_WAIT, LONGEST_WAIT]


def test_several_files_that_meet_one_fault_make_one_wait(backoff: Backoff, clock: Clock) -> None:
    for name in ("a", "b", "c"):
        backoff.put(Reason.ENGINE_UNAVAILABLE, name)

    assert backoff.deadline(0.0) == clock.now + FIRST_WAIT
    assert backoff.current is not None and backoff.current.detail == "c"


def test_success_ends_the_wait_and_its_growth(backoff: Backoff, clock: Clock) -> None:
    for _ in range(4):
        backoff.put(Reason.DISK_FULL, "full")
        clock.now += LONGEST_WAIT
    backoff.lift()
    assert (backoff.open(0.0), backoff.deadline(0.0)) == (True, None)

    clock.now = 10.0
    backoff.put(Reason.DISK_FULL, "full")

    assert backoff.deadline(0.0) == 10.0 + FIRST_WAIT


def test_only_success_with_what_was_missing_ends_the_wait(backoff: Backoff) -> None:
    backoff.put(Reason.DISK_FULL, "full")

    backoff.lift_if(Reason.OUTBOX_MISSING, Reason.INBOX_OFFLINE)
    assert backoff.current is not None and not backoff.open(0.0)

    backoff.lift_if(Reason.OUTBOX_MISSING, Reason.DISK_FULL)
    assert backoff.current is None and backoff.open(0.0)


def test_a_pause_is_told_once_and_its_end_too(backoff: Backoff) -> None:
    heard, level = BufferingHandler(100), LOG.level
    LOG.addHandler(heard)
    LOG.setLevel("INFO")
    try:
        for _ in range(3):
            backoff.put(Reason.DISK_FULL, "full")
        backoff.put(Reason.OUTBOX_MISSING, "gone")
        backoff.lift()
        backoff.lift()
    finally:
        LOG.removeHandler(heard)
        LOG.setLevel(level)

    assert [record.getMessage() for record in heard.buffer] == [
        "the queue is paused (disk-full): full",
        "the queue is paused (outbox-missing): gone",
        "the queue is resumed (outbox-missing is over)",
    ]
