"""The queue waits for its environment with patience, goes on by itself, and forgets no step meanwhile."""

from collections.abc import Callable

import pytest

from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.service.backoff import FIRST_WAIT, LONGEST_WAIT, Backoff


@pytest.fixture
def backoff() -> Backoff:
    return Backoff()


class DiskThread:
    """A disk that is full until it is not, and what was written on it."""

    def __init__(self) -> None:
        self.full = True
        self.written: list[int] = []

    def step(self, number: int) -> Callable[[], None]:
        def write() -> None:
            if self.full:
                raise ReasonedError(Reason.DISK_FULL, "no space left")
            self.written.append(number)

        return write


def test_an_untroubled_queue_is_open(backoff: Backoff) -> None:
    assert (backoff.open(0.0), backoff.current, backoff.deadline(0.0), backoff.unfinished) == (True, None, None, False)
    backoff.lift()
    backoff.tick(0.0)


def test_a_fault_closes_the_queue_until_exactly_the_next_try(backoff: Backoff) -> None:
    backoff.put(Reason.OUTBOX_MISSING, "it is not there", 100.0)

    assert backoff.deadline(0.0) == 100.0 + FIRST_WAIT
    assert not backoff.open(100.0 + FIRST_WAIT - 0.001)
    assert backoff.open(100.0 + FIRST_WAIT)
    assert backoff.current is not None
    assert (backoff.current.reason, backoff.current.detail) == (Reason.OUTBOX_MISSING, "it is not there")


def test_each_wait_in_a_row_is_longer_up_to_a_bound(backoff: Backoff) -> None:
    now, waits = 0.0, []
    for _ in range(8):
        backoff.put(Reason.DISK_FULL, "full", now)
        deadline = backoff.deadline(0.0)
        assert deadline is not None
        waits.append(deadline - now)
        now = deadline

    assert waits == [2.0, 4.0, 8.0, 16.0, 32.0, LONGEST_WAIT, LONGEST_WAIT, LONGEST_WAIT]


def test_success_ends_the_wait_and_its_growth(backoff: Backoff) -> None:
    for _ in range(4):
        backoff.put(Reason.DISK_FULL, "full", 0.0)
    backoff.lift()
    assert (backoff.open(0.0), backoff.deadline(0.0)) == (True, None)

    backoff.put(Reason.DISK_FULL, "full", 10.0)

    assert backoff.deadline(0.0) == 10.0 + FIRST_WAIT


def test_a_hold_is_told_once_and_its_end_too(backoff: Backoff, caplog: pytest.LogCaptureFixture) -> None:
    from dropscribe.log import LOG

    LOG.addHandler(caplog.handler)
    caplog.set_level("INFO", "dropscribe")
    try:
        for _ in range(3):
            backoff.put(Reason.DISK_FULL, "full", 0.0)
        backoff.put(Reason.OUTBOX_MISSING, "gone", 0.0)
        backoff.lift()
        backoff.lift()
    finally:
        LOG.removeHandler(caplog.handler)

    told = [record.getMessage() for record in caplog.records]
    assert list(dict.fromkeys(told)) == [
        "the queue waits (disk-full): full",
        "the queue waits (outbox-missing): gone",
        "the queue goes on (outbox-missing is over)",
    ]


def test_a_step_that_works_is_done_at_once(backoff: Backoff) -> None:
    disk = DiskThread()
    disk.full = False

    backoff.record(disk.step(1), 0.0)

    assert (disk.written, backoff.unfinished, backoff.current) == ([1], False, None)


def test_steps_that_could_not_be_recorded_are_done_later_once_and_in_order(backoff: Backoff) -> None:
    disk = DiskThread()
    for number in range(3):
        backoff.record(disk.step(number), 0.0)
    assert (disk.written, backoff.unfinished) == ([], True)
    assert backoff.current is not None and backoff.current.reason is Reason.DISK_FULL

    disk.full = False
    backoff.record(disk.step(3), 0.0)
    assert disk.written == []  # not before those that came first

    backoff.tick(FIRST_WAIT - 0.1)
    assert disk.written == []
    backoff.tick(FIRST_WAIT)
    backoff.tick(FIRST_WAIT)
    assert disk.written == [0, 1, 2, 3]
    assert not backoff.unfinished
    assert backoff.current is None


def test_a_disk_that_is_still_full_lengthens_the_wait_and_loses_nothing(backoff: Backoff) -> None:
    disk = DiskThread()
    backoff.record(disk.step(0), 0.0)
    backoff.record(disk.step(1), 0.0)

    backoff.tick(FIRST_WAIT)

    assert backoff.deadline(0.0) == FIRST_WAIT + 2 * FIRST_WAIT
    disk.full = False
    backoff.tick(FIRST_WAIT * 3)
    assert disk.written == [0, 1]


def test_a_disk_that_fills_up_again_half_way_repeats_no_step(backoff: Backoff) -> None:
    disk = DiskThread()

    def fills_up() -> None:
        disk.step(1)()
        disk.full = True

    backoff.record(disk.step(0), 0.0)
    backoff.record(fills_up, 0.0)
    backoff.record(disk.step(2), 0.0)
    disk.full = False
    backoff.tick(FIRST_WAIT)
    assert disk.written == [0, 1]

    disk.full = False
    deadline = backoff.deadline(0.0)
    assert deadline is not None
    backoff.tick(deadline)
    assert disk.written == [0, 1, 2]


def test_a_step_may_lead_to_further_steps(backoff: Backoff) -> None:
    disk = DiskThread()

    def leads_on() -> None:
        disk.step(0)()
        backoff.record(disk.step(2), 0.0)

    backoff.record(leads_on, 0.0)
    backoff.record(disk.step(1), 0.0)
    disk.full = False
    backoff.tick(FIRST_WAIT)

    assert disk.written == [0, 1, 2]


def test_a_bug_is_not_taken_for_a_full_disk(backoff: Backoff) -> None:
    def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        backoff.record(broken, 0.0)
    assert (backoff.unfinished, backoff.current) == (False, None)
