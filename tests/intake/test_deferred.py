"""A file that was read and found cut off is tried once more when patience ends; which files promise work."""

import pytest

from dropscribe.core.job import Found
from dropscribe.intake.scan import Obstacle
from dropscribe.intake.settling import Rejected, Settled, SettlingTable, Waiting
from support.settling_steps import EMPTY, ONE, OTHER, WALL, judge, waiting


@pytest.fixture
def table() -> SettlingTable:
    return SettlingTable(stable_for=2.0, incomplete_timeout=60.0)


# -- held: read, and found cut off


def test_a_held_file_is_tried_again_exactly_when_patience_ends(table: SettlingTable) -> None:
    table.defer(Found(b"a", ONE, WALL), now=10.0, wall=WALL + 10.0)
    assert waiting(table) == {b"a": Waiting.INCOMPLETE}
    assert table.next_due() == 60.0

    assert judge(table, 20.0) is None
    assert judge(table, 59.9) is None
    assert judge(table, 60.0) == Settled(Found(b"a", ONE, WALL))


def test_a_look_that_opened_nothing_does_not_free_a_held_file(table: SettlingTable) -> None:
    table.defer(Found(b"a", ONE, WALL), now=10.0, wall=WALL + 10.0)

    assert judge(table, 20.0, probed=False) is None
    assert judge(table, 20.0) is None
    assert judge(table, 61.0, probed=False) is None
    assert waiting(table) == {b"a": Waiting.INCOMPLETE}
    assert judge(table, 61.0) == Settled(Found(b"a", ONE, WALL))


def test_a_held_file_that_grows_settles_like_a_new_one(table: SettlingTable) -> None:
    table.defer(Found(b"a", ONE, WALL), now=10.0, wall=WALL + 10.0)

    assert judge(table, 20.0, OTHER) is None
    assert judge(table, 22.0, OTHER) == Settled(Found(b"a", OTHER, WALL + 20.0))


def test_a_file_held_after_its_patience_is_due_at_once(table: SettlingTable) -> None:
    table.defer(Found(b"a", ONE, WALL), now=100.0, wall=WALL + 90.0)

    assert table.due(100.0, 1) == [b"a"]
    assert isinstance(judge(table, 100.0), Settled)


def test_a_wall_clock_that_was_set_back_does_not_hold_a_file_for_ever(table: SettlingTable) -> None:
    table.defer(Found(b"a", ONE, WALL), now=10.0, wall=WALL - 10_000.0)

    assert table.next_due() == 70.0
    verdict = judge(table, 70.0)
    assert verdict == Settled(Found(b"a", ONE, WALL - 10_000.0))  # and it is not deferred once more for being young


def test_a_held_file_that_is_locked_says_so_and_becomes_hopeless(table: SettlingTable) -> None:
    table.defer(Found(b"a", ONE, WALL), now=10.0, wall=WALL + 10.0)

    assert judge(table, 20.0, ONE, Obstacle.LOCK) is None
    assert waiting(table) == {b"a": Waiting.LOCK}
    assert judge(table, 30.0) is None
    assert waiting(table) == {b"a": Waiting.INCOMPLETE}
    assert isinstance(judge(table, 60.0, ONE, Obstacle.LOCK), Rejected)


# -- prewarming


def test_only_a_settling_file_with_content_promises_work(table: SettlingTable) -> None:
    assert not table.promising()
    judge(table, 0.0, EMPTY, Obstacle.EMPTY)
    assert not table.promising()
    judge(table, 0.0, ONE, path=b"notes.docx")
    assert not table.promising(), "its name is no picture's"
    judge(table, 0.0, ONE, path=b"b.png")
    assert table.promising()
    judge(table, 2.0, ONE, Obstacle.UNWANTED, path=b"b.png")
    assert not table.promising()
    table.defer(Found(b"c.png", ONE, WALL), 2.0, WALL + 2.0)
    assert not table.promising()
