"""Flows wait in the order in which they are written; no write to the journal is lost, repeated or done out of turn."""

from collections.abc import Callable, Iterator

import pytest

from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.files.disk_thread import DiskThread
from dropscribe.service.backoff import FIRST_WAIT, Backoff
from dropscribe.service.flow import Event, Flow, Flows, Until, on_disk, record
from support.harness import wait_for


class Clock:
    """A clock that the test sets, in seconds."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Journal:
    """A journal whose disk is full until it is not, and what was written on it."""

    def __init__(self) -> None:
        self.full = False
        self.written: list[int] = []

    def write(self, number: int) -> Callable[[], int]:
        """Return the call that writes *number*, and gives ten times it."""

        def write() -> int:
            if self.full:
                raise ReasonedError(Reason.DISK_FULL, "no space left")
            self.written.append(number)
            return number * 10

        return write


class Loop:
    """The flows with a disk thread, turned by hand."""

    def __init__(self) -> None:
        self.clock, self.disk, self.journal = Clock(), DiskThread(lambda: None), Journal()
        self.backoff = Backoff(self.clock)
        self.flows = Flows(self.disk, self.backoff)

    def collect(self) -> None:
        """Wait for the disk thread until nothing is asked of it any more."""

        def answered() -> bool:
            self.disk.collect()
            return self.disk.pending == 0

        wait_for(answered, "the disk thread answers")

    def tick(self, now: float) -> None:
        """Turn the loop once, at *now*."""
        self.clock.now = now
        self.flows.tick(now)

    def close(self) -> None:
        self.flows.close()
        self.disk.close()


@pytest.fixture
def loop() -> Iterator[Loop]:
    made = Loop()
    yield made
    made.close()


def writing(loop: Loop, *numbers: int) -> Flow[None]:
    """Write *numbers*, each in its turn."""
    for number in numbers:
        assert (yield from record(loop.journal.write(number))) == number * 10


def no_outbox() -> int:
    raise ReasonedError(Reason.OUTBOX_MISSING, "it is not there")


# -- the disk thread


def test_lines_come_one_after_the_other_with_the_results_of_what_they_waited_for(loop: Loop) -> None:
    seen: list[object] = []

    def flow() -> Flow[None]:
        seen.append((yield from on_disk(lambda: "read")))
        seen.append((yield from record(loop.journal.write(4))))
        seen.append((yield from on_disk(lambda: "moved")))

    loop.flows.start(flow())
    assert (seen, len(loop.flows)) == ([], 1), "it waits for the disk thread"
    loop.collect()

    assert (seen, loop.journal.written, len(loop.flows)) == (["read", 40, "moved"], [4], 0)


@pytest.mark.parametrize("error", [OSError(5, "input/output error"), ReasonedError(Reason.DISK_FULL, "full")])
def test_an_error_of_the_disk_is_raised_where_it_was_waited_for(loop: Loop, error: Exception) -> None:
    caught: list[Exception] = []

    def fail() -> None:
        raise error

    def flow() -> Flow[None]:
        try:
            yield from on_disk(fail)
        except (OSError, ReasonedError) as raised:
            caught.append(raised)
        yield from record(loop.journal.write(1))

    loop.flows.start(flow())
    loop.collect()

    assert caught == [error] and loop.journal.written == [1], "and the flow goes on from there"
    assert loop.backoff.current is None, "what follows from it is the flow's to judge"


def test_flows_go_on_side_by_side(loop: Loop) -> None:
    order: list[str] = []

    def flow(name: str) -> Flow[None]:
        order.append(f"{name} begins")
        yield from on_disk(lambda: None)
        order.append(f"{name} ends")

    loop.flows.start(flow("a"))
    loop.flows.start(flow("b"))
    assert len(loop.flows) == 2
    loop.collect()

    assert order == ["a begins", "b begins", "a ends", "b ends"] and len(loop.flows) == 0


# -- the journal


def test_a_write_that_works_is_done_at_once(loop: Loop) -> None:
    loop.flows.record(loop.journal.write(1))

    assert (loop.journal.written, loop.flows.unrecorded, loop.backoff.current) == ([1], False, None)
    assert len(loop.flows) == 0


def test_writes_that_could_not_be_done_are_done_later_once_and_in_order(loop: Loop) -> None:
    loop.journal.full = True
    for number in range(3):
        loop.flows.record(loop.journal.write(number))
    assert (loop.journal.written, loop.flows.unrecorded) == ([], True)
    assert loop.backoff.current is not None and loop.backoff.current.reason is Reason.DISK_FULL

    loop.journal.full = False
    loop.flows.record(loop.journal.write(3))
    assert loop.journal.written == [], "not before those that came first"

    loop.tick(FIRST_WAIT - 0.1)
    assert loop.journal.written == []
    loop.tick(FIRST_WAIT)
    loop.tick(FIRST_WAIT)
    assert loop.journal.written == [0, 1, 2, 3]
    assert not loop.flows.unrecorded and loop.backoff.current is None and len(loop.flows) == 0


def test_flows_wait_at_their_records_in_order(loop: Loop) -> None:
    loop.journal.full = True
    loop.flows.start(writing(loop, 1, 4))
    loop.flows.start(writing(loop, 2, 5))
    loop.flows.record(loop.journal.write(3))

    loop.journal.full = False
    loop.tick(FIRST_WAIT)

    assert loop.journal.written == [1, 2, 3, 4, 5] and len(loop.flows) == 0


def test_a_flow_with_an_answer_of_the_disk_waits_behind_what_waits_already(loop: Loop) -> None:
    def late() -> Flow[None]:
        yield from on_disk(lambda: None)
        yield from record(loop.journal.write(2))

    loop.flows.start(late())
    loop.journal.full = True
    loop.flows.record(loop.journal.write(1))
    loop.journal.full = False
    loop.collect()
    assert (loop.journal.written, loop.flows.unrecorded) == ([], True)

    loop.tick(FIRST_WAIT)
    assert loop.journal.written == [1, 2]


def test_a_disk_that_is_still_full_lengthens_the_wait_and_loses_nothing(loop: Loop) -> None:
    loop.journal.full = True
    loop.flows.record(loop.journal.write(0))
    loop.flows.record(loop.journal.write(1))

    loop.tick(FIRST_WAIT)

    assert loop.backoff.deadline(0.0) == FIRST_WAIT + 2 * FIRST_WAIT
    loop.journal.full = False
    loop.tick(FIRST_WAIT * 3)
    assert loop.journal.written == [0, 1]


def test_a_disk_that_fills_up_again_half_way_repeats_no_write(loop: Loop) -> None:
    def fills_up() -> None:
        loop.journal.write(1)()
        loop.journal.full = True

    loop.journal.full = True
    loop.flows.record(loop.journal.write(0))
    loop.flows.record(fills_up)
    loop.flows.record(loop.journal.write(2))
    loop.journal.full = False
    loop.tick(FIRST_WAIT)
    assert loop.journal.written == [0, 1] and loop.flows.unrecorded

    loop.journal.full = False
    deadline = loop.backoff.deadline(0.0)
    assert deadline is not None
    loop.tick(deadline)
    assert loop.journal.written == [0, 1, 2]


def test_a_flow_that_meets_the_full_disk_anew_has_been_tried_once_a_turn(loop: Loop) -> None:
    def fills_up() -> None:
        loop.journal.write(0)()
        loop.journal.full = True

    def flow() -> Flow[None]:
        yield from record(fills_up)
        yield from record(loop.journal.write(1))

    loop.journal.full = True
    loop.flows.record(loop.journal.write(-1))
    loop.flows.start(flow())
    loop.journal.full = False
    loop.tick(FIRST_WAIT)
    assert loop.journal.written == [-1, 0] and loop.flows.unrecorded

    assert loop.backoff.deadline(FIRST_WAIT) == FIRST_WAIT + 2 * FIRST_WAIT, "longer once, not once a try"
    loop.journal.full = False
    loop.tick(3 * FIRST_WAIT)
    assert loop.journal.written == [-1, 0, 1]


def test_a_write_may_lead_to_further_writes(loop: Loop) -> None:
    def leads_on() -> None:
        loop.journal.write(0)()
        loop.flows.record(loop.journal.write(2))

    loop.journal.full = True
    loop.flows.record(leads_on)
    loop.flows.record(loop.journal.write(1))
    loop.journal.full = False
    loop.tick(FIRST_WAIT)

    assert loop.journal.written == [0, 1, 2]


def test_a_flow_may_write_as_often_as_it_likes(loop: Loop) -> None:
    loop.flows.start(writing(loop, *range(5000)))

    assert loop.journal.written == list(range(5000)) and len(loop.flows) == 0


# -- events and conditions


def test_an_event_reaches_every_flow_that_waits_for_it_and_no_other(loop: Loop) -> None:
    got: list[tuple[str, object]] = []

    def flow(name: str, key: object) -> Flow[None]:
        got.append((name, (yield Event(key))))

    for name, key in (("a", ("job", 1)), ("b", ("job", 2)), ("c", ("job", 1))):
        loop.flows.start(flow(name, key))
    loop.flows.resume(("job", 1), "read")
    assert got == [("a", "read"), ("c", "read")] and len(loop.flows) == 1

    loop.flows.resume(("job", 1), "again")
    loop.flows.resume(("job", 3), "nobody's")
    loop.flows.resume(("job", 2))
    assert got == [("a", "read"), ("c", "read"), ("b", None)] and len(loop.flows) == 0


def test_one_event_ends_one_wait(loop: Loop) -> None:
    got: list[object] = []

    def flow() -> Flow[None]:
        while True:
            got.append((yield Event("turn")))

    loop.flows.start(flow())
    loop.flows.resume("turn", 1)
    assert got == [1], "it waits again for the next"
    loop.flows.resume("turn", 2)

    assert got == [1, 2] and len(loop.flows) == 1


def test_a_condition_is_asked_at_each_turn_with_the_time_until_it_holds(loop: Loop) -> None:
    asked: list[float] = []
    got: list[object] = []

    def late(now: float) -> str | None:
        asked.append(now)
        return "late" if now >= 3 else None

    def flow() -> Flow[None]:
        got.append((yield Until(late)))

    loop.flows.start(flow())
    for now in (1.0, 2.0, 3.0, 4.0):
        loop.tick(now)

    assert (asked, got, len(loop.flows)) == ([1.0, 2.0, 3.0], ["late"], 0)


def test_conditions_are_asked_while_the_disk_is_full(loop: Loop) -> None:
    def flow() -> Flow[None]:
        yield Until(lambda now: now >= 1)
        yield from record(loop.journal.write(2))

    loop.journal.full = True
    loop.flows.record(loop.journal.write(1))
    loop.flows.start(flow())
    loop.tick(1.0)
    loop.journal.full = False
    loop.tick(FIRST_WAIT)

    assert loop.journal.written == [1, 2]


def test_a_condition_may_be_waited_for_anew_and_end_another_wait(loop: Loop) -> None:
    order: list[str] = []

    def first() -> Flow[None]:
        for turn in range(2):
            yield Until(lambda now: True)
            order.append(f"first {turn}")
            loop.flows.resume("first", turn)

    def second() -> Flow[None]:
        turn = yield Event("first")
        order.append(f"second {turn}")

    loop.flows.start(first())
    loop.flows.start(second())
    loop.tick(0.0)
    loop.tick(0.0)

    assert order == ["first 0", "second 0", "first 1"] and len(loop.flows) == 0


# -- flows of flows


def test_a_flow_may_start_flows_and_need_not_wait_for_them(loop: Loop) -> None:
    order: list[str] = []

    def inner(number: int) -> Flow[None]:
        order.append(f"inner {number} begins")
        yield Event("go")
        order.append(f"inner {number} ends")

    def outer() -> Flow[None]:
        for number in range(2):
            loop.flows.start(inner(number))
        order.append("outer ends")
        yield from record(loop.journal.write(1))

    loop.flows.start(outer())
    assert order == ["inner 0 begins", "inner 1 begins", "outer ends"] and len(loop.flows) == 2
    loop.flows.resume("go")

    assert order[3:] == ["inner 0 ends", "inner 1 ends"] and len(loop.flows) == 0


def test_a_flow_that_was_started_by_one_keeps_its_place_among_the_writes(loop: Loop) -> None:
    def outer() -> Flow[None]:
        yield from record(loop.journal.write(1))
        loop.flows.start(writing(loop, 3))
        yield from record(loop.journal.write(4))

    loop.journal.full = True
    loop.flows.start(outer())
    loop.flows.record(loop.journal.write(2))
    loop.journal.full = False
    loop.tick(FIRST_WAIT)

    assert loop.journal.written == [1, 2, 3, 4]


def test_a_part_of_a_flow_returns_what_it_found_or_raises(loop: Loop) -> None:
    got: list[object] = []

    def part() -> Flow[int]:
        return (yield from on_disk(lambda: 20)) + 1

    def flow() -> Flow[None]:
        got.append((yield from part()))
        try:
            yield from on_disk(no_outbox)
        except ReasonedError as error:
            got.append(error.reason)

    loop.flows.start(flow())
    loop.collect()

    assert got == [21, Reason.OUTBOX_MISSING]


# -- the end


def flow_at(loop: Loop, where: str) -> Flow[None]:
    """Wait in one of the ways there are, and write then."""
    match where:
        case "event":
            yield Event("go")
        case "condition":
            yield Until(lambda now: now >= 1)
        case "disk":
            yield from on_disk(lambda: 5)
        case "failing disk":
            yield from on_disk(no_outbox)
        case "journal":
            yield from record(loop.journal.write(1))
    yield from record(loop.journal.write(2))


@pytest.mark.parametrize("where", ["event", "condition", "disk", "failing disk", "journal"])
def test_a_flow_that_was_closed_by_a_stop_records_nothing_more(loop: Loop, where: str) -> None:
    loop.journal.full = True
    loop.flows.start(flow_at(loop, where))
    assert (len(loop.flows), loop.flows.unrecorded) == (1, where == "journal")

    loop.flows.close()
    loop.flows.close()
    loop.journal.full = False
    loop.flows.resume("go")
    loop.collect()
    loop.tick(FIRST_WAIT)

    assert (loop.journal.written, len(loop.flows), loop.flows.unrecorded) == ([], 0, False)


def test_a_stop_closes_each_flow_where_it_waits(loop: Loop) -> None:
    order: list[str] = []

    def flow(name: str) -> Flow[None]:
        try:
            yield Event("never")
        except Exception:
            order.append("taken for an error")
        finally:
            order.append(f"{name} lets go")

    for name in ("a", "b"):
        loop.flows.start(flow(name))
    loop.flows.close()

    assert sorted(order) == ["a lets go", "b lets go"] and len(loop.flows) == 0


def test_what_was_recorded_before_a_stop_stays(loop: Loop) -> None:
    def flow() -> Flow[None]:
        yield from record(loop.journal.write(1))
        yield Event("never")
        yield from record(loop.journal.write(2))

    loop.flows.start(flow())
    loop.flows.close()

    assert loop.journal.written == [1]


# -- bugs


def broken() -> None:
    raise ZeroDivisionError


def test_a_bug_in_a_write_is_not_taken_for_a_full_disk(loop: Loop) -> None:
    with pytest.raises(ZeroDivisionError):
        loop.flows.record(broken)

    assert (loop.flows.unrecorded, loop.backoff.current) == (False, None)


def test_a_bug_in_a_repeated_write_is_not_swallowed(loop: Loop) -> None:
    loop.journal.full = True
    loop.flows.record(loop.journal.write(1))
    loop.flows.record(broken)
    loop.journal.full = False

    with pytest.raises(ZeroDivisionError):
        loop.tick(FIRST_WAIT)

    assert loop.journal.written == [1]


@pytest.mark.parametrize("where", ["start", "journal", "event", "condition", "disk"])
def test_a_bug_is_not_swallowed_wherever_a_flow_goes_on(loop: Loop, where: str) -> None:
    def flow() -> Flow[None]:
        match where:
            case "journal":
                yield from record(loop.journal.write(1))
            case "event":
                yield Event("go")
            case "condition":
                yield Until(lambda now: True)
            case "disk":
                yield from on_disk(lambda: None)
        broken()

    with pytest.raises(ZeroDivisionError):
        loop.flows.start(flow())
        loop.flows.resume("go")
        loop.tick(0.0)
        loop.collect()

    assert (len(loop.flows), loop.flows.unrecorded, loop.backoff.current) == (0, False, None)


def test_an_error_of_the_disk_that_nobody_expected_is_not_swallowed(loop: Loop) -> None:
    loop.flows.start(on_disk(no_outbox))

    with pytest.raises(ReasonedError):
        loop.collect()
