"""When a file's time has come: settle, patience and back-off, with a clock that tests turn by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropscribe.core.errors import Reason
from dropscribe.core.job import Found, Signature
from dropscribe.intake.scan import Obstacle
from dropscribe.intake.settling import LONGEST_WAIT, ROOM, Rejected, Settled, SettlingTable, Waiting
from support.settling_steps import EMPTY, ONE, OTHER, WALL, judge, waiting

WAITS = [
    (Obstacle.EMPTY, Waiting.INCOMPLETE, Reason.EMPTY),
    (Obstacle.UNWANTED, Waiting.INCOMPLETE, Reason.UNSUPPORTED),
    (Obstacle.PERMISSION, Waiting.PERMISSION, Reason.UNREADABLE),
    (Obstacle.LOCK, Waiting.LOCK, Reason.UNREADABLE),
]


@pytest.fixture
def table() -> SettlingTable:
    return SettlingTable(stable_for=2.0, incomplete_timeout=60.0)


# -- settling


def test_a_file_settles_exactly_when_it_has_been_unchanged_for_long_enough(table: SettlingTable) -> None:
    assert judge(table, 100.0) is None
    assert judge(table, 101.999) is None
    assert judge(table, 102.0) == Settled(Found(b"a", ONE, WALL + 100.0))
    assert (len(table), b"a" in table) == (0, False)


def test_the_first_look_never_settles(table: SettlingTable) -> None:
    table.stable_for = 0.0

    assert judge(table, 100.0) is None
    assert judge(table, 100.0) is not None


@pytest.mark.parametrize("change", ["size", "mtime_ns", "inode", "device"])
def test_any_change_begins_the_wait_anew(table: SettlingTable, change: str) -> None:
    changed = Signature(**{**{s: getattr(ONE, s) for s in ("size", "mtime_ns", "inode", "device")}, change: 99})
    judge(table, 0.0)
    assert judge(table, 1.9, changed) is None
    assert judge(table, 3.8, changed) is None
    assert judge(table, 3.9, changed) == Settled(Found(b"a", changed, WALL + 1.9))


@given(st.lists(st.tuples(st.floats(0.01, 5.0), st.booleans()), max_size=30))
def test_a_growing_file_never_settles_while_it_grows(steps: list[tuple[float, bool]]) -> None:
    table, now, size, since = SettlingTable(2.0, 60.0), 0.0, 1, 0.0
    judge(table, now, Signature(size, 1, 1, 1))
    for pause, grows in steps:
        now += pause
        if grows:
            size, since = size + 1, now
        verdict = judge(table, now, Signature(size, 1, 1, 1))

        assert (verdict is not None) == (now - since >= 2.0)
        if verdict is not None:
            since = now
            judge(table, now, Signature(size, 1, 1, 1))


@pytest.mark.parametrize(
    "obstacle, shown", [(Obstacle.WRITER, Waiting.WRITER), (Obstacle.UNTRUSTED, Waiting.PERMISSION)]
)
def test_what_has_a_writer_or_may_be_anybodys_waits_without_end(
    table: SettlingTable, obstacle: Obstacle, shown: Waiting
) -> None:
    for now in (0.0, *range(2, 10_000, 100)):
        assert judge(table, now, ONE, obstacle) is None
    assert waiting(table) == {b"a": shown} and table.next_due() == now + LONGEST_WAIT


@pytest.mark.parametrize("left, signature, stays", [(None, ONE, 2.0), (Obstacle.EMPTY, EMPTY, 60.0)])
def test_a_file_settles_from_the_moment_that_its_writer_was_seen_gone(
    table: SettlingTable, left: Obstacle | None, signature: Signature, stays: float
) -> None:
    for now in (0.0, 2.0, 40.0):
        judge(table, now, signature, Obstacle.WRITER)
    table.recheck_now(b"a", 70.0)  # it was closed

    assert judge(table, 70.0, signature, left) is None
    assert judge(table, 70.0 + stays - 0.001, signature, left) is None
    verdict = judge(table, 70.0 + stays, signature, left)
    assert verdict is not None and verdict.found.since == WALL + 70.0


@pytest.mark.parametrize("now", [0.5, 2.0, 60.0, 10_000.0])
def test_a_look_that_opened_nothing_never_settles_a_file_and_only_makes_it_due(
    table: SettlingTable, now: float
) -> None:
    judge(table, 0.0, probed=False)

    for _ in range(2):
        assert judge(table, now, probed=False) is None
    assert (waiting(table), table.next_due()) == ({b"a": Waiting.STABLE}, 2.0)

    assert judge(table, max(now, 2.0)) == Settled(Found(b"a", ONE, WALL))


@pytest.mark.parametrize("obstacle, shown, reason", WAITS[1:])
def test_a_look_that_opened_nothing_wants_a_waiting_file_opened_at_once(
    table: SettlingTable, obstacle: Obstacle, shown: Waiting, reason: Reason
) -> None:
    judge(table, 0.0, ONE, obstacle)
    judge(table, 2.0, ONE, obstacle)

    assert judge(table, 4.0, probed=False) is None
    assert (waiting(table), table.next_due()) == ({b"a": shown}, 4.0)
    assert judge(table, 4.0, ONE, obstacle) is None
    assert table.due(4.0, 1) == []


def test_a_change_seen_without_opening_begins_the_wait_anew(table: SettlingTable) -> None:
    judge(table, 0.0)
    assert judge(table, 1.0, OTHER, probed=False) is None
    assert judge(table, 2.0, OTHER) is None
    assert judge(table, 3.0, OTHER) == Settled(Found(b"a", OTHER, WALL + 1.0))


def test_a_file_that_vanishes_is_forgotten(table: SettlingTable) -> None:
    judge(table, 0.0)
    assert judge(table, 5.0, None) is None
    assert len(table) == 0
    assert judge(table, 6.0) is None


# -- obstacles and patience


@pytest.mark.parametrize("obstacle, shown, reason", WAITS)
def test_an_obstacle_is_waited_out_to_the_end_of_patience_and_then_hopeless(
    table: SettlingTable, obstacle: Obstacle, shown: Waiting, reason: Reason
) -> None:
    judge(table, 0.0, ONE, obstacle)
    for now in (2.0, 30.0, 59.999):
        assert judge(table, now, ONE, obstacle) is None
        assert waiting(table) == {b"a": shown}

    verdict = judge(table, 60.0, ONE, obstacle)

    assert isinstance(verdict, Rejected)
    assert (verdict.found, verdict.reason) == (Found(b"a", ONE, WALL), reason)
    assert verdict.detail.endswith(".")
    assert len(table) == 0


def test_a_file_in_the_cloud_waits_for_ever(table: SettlingTable) -> None:
    judge(table, 0.0, ONE, Obstacle.CLOUD)
    for now in (2.0, 60.0, 10_000.0):
        assert judge(table, now, ONE, Obstacle.CLOUD) is None

    assert waiting(table) == {b"a": Waiting.CLOUD}
    assert judge(table, 10_001.0) == Settled(Found(b"a", ONE, WALL))


@pytest.mark.parametrize("obstacle, shown, reason", WAITS)
def test_an_obstacle_that_goes_lets_the_file_settle_at_once(
    table: SettlingTable, obstacle: Obstacle, shown: Waiting, reason: Reason
) -> None:
    judge(table, 0.0, ONE, obstacle)
    judge(table, 2.0, ONE, obstacle)

    assert judge(table, 5.0) == Settled(Found(b"a", ONE, WALL))


def test_a_change_gives_a_hopeless_file_new_patience(table: SettlingTable) -> None:
    judge(table, 0.0, EMPTY, Obstacle.EMPTY)
    judge(table, 59.0, EMPTY, Obstacle.EMPTY)
    assert judge(table, 59.5, ONE) is None
    assert judge(table, 61.4, ONE) is None
    assert isinstance(judge(table, 61.5, ONE), Settled)


@pytest.mark.parametrize("incomplete_timeout", [0.0, 1.0, 2.0])
def test_patience_is_never_shorter_than_settling(incomplete_timeout: float) -> None:
    table = SettlingTable(stable_for=2.0, incomplete_timeout=incomplete_timeout)
    judge(table, 0.0, ONE, Obstacle.LOCK)

    assert judge(table, 1.9, ONE, Obstacle.LOCK) is None
    assert isinstance(judge(table, 2.0, ONE, Obstacle.LOCK), Rejected)


# -- when to look again


def test_the_next_look_comes_when_the_file_may_have_settled(table: SettlingTable) -> None:
    assert table.next_due() is None
    judge(table, 100.0)
    assert (table.next_due(), table.due(101.9, 9), table.due(102.0, 9)) == (102.0, [], [b"a"])

    judge(table, 101.0)  # an early look changes nothing
    assert table.next_due() == 102.0


@pytest.mark.parametrize("obstacle", list(Obstacle))
@pytest.mark.parametrize(
    "stable_for, incomplete_timeout", [(0.1, 60.0), (2.0, 60.0), (2.0, 3600.0), (10.0, 5.0), (120.0, 3600.0)]
)
def test_looks_grow_rarer_but_none_is_missed_at_the_end_of_patience(
    obstacle: Obstacle, stable_for: float, incomplete_timeout: float
) -> None:
    table, now, infos = SettlingTable(stable_for, incomplete_timeout), 0.0, list[float]()
    verdict = judge(table, now, ONE, obstacle)
    while verdict is None and len(infos) < 200:
        due = table.next_due()
        assert due is not None and due > now, "a look that leads nowhere must not be due at once"
        assert due - now <= max(LONGEST_WAIT, stable_for) + 1e-6
        now = due
        infos.append(now)
        assert table.due(now, 1) == [b"a"]
        verdict = judge(table, now, ONE, obstacle)

    if obstacle in (Obstacle.CLOUD, Obstacle.WRITER, Obstacle.UNTRUSTED):
        assert verdict is None and infos[-1] - infos[-2] == pytest.approx(LONGEST_WAIT)
    else:
        assert isinstance(verdict, Rejected)
        assert now == max(stable_for, incomplete_timeout)
        assert len(infos) < 75


def test_an_event_hurries_a_waiting_file_but_not_a_settling_one(table: SettlingTable) -> None:
    judge(table, 0.0)
    table.recheck_now(b"a", 1.0)
    assert table.next_due() == 2.0

    judge(table, 2.0, ONE, Obstacle.LOCK)
    table.recheck_now(b"a", 2.5)
    assert table.next_due() == 2.5


def test_only_so_many_are_due_at_a_time_and_none_is_left_out(table: SettlingTable) -> None:
    for number in range(10):
        judge(table, float(number), path=b"%d" % number)

    first = table.due(11.0, 4)
    assert len(first) == 4
    for path in first:
        judge(table, 11.0, path=path)
    assert len(table.due(11.0, 100)) == 6


def test_a_table_has_room_for_a_bounded_number(table: SettlingTable) -> None:
    for number in range(ROOM):
        assert table.has_room
        judge(table, 0.0, path=b"%d" % number)

    assert not table.has_room
    table.drop(b"0")
    table.drop(b"not there")
    assert table.has_room
