"""The guard around a turn of the loop: a shortage is outlived, any other error is not hidden."""

import errno
import sqlite3
import time

import pytest

from dropscribe.memory.readings import Unreadable
from dropscribe.service.shortage import Shortage


def missing_folder() -> sqlite3.OperationalError:
    """Return what SQLite says of a file that it cannot open."""
    try:
        sqlite3.connect("/nowhere/journal.db").execute("SELECT 1")
    except sqlite3.OperationalError as error:
        return error
    raise AssertionError("it can be opened")


@pytest.mark.parametrize(
    "error", [OSError(errno.EMFILE, "x"), OSError(errno.ENOMEM, "x"), missing_folder(), Unreadable()]
)
def test_a_shortage_makes_the_loop_rest(error: Exception) -> None:
    shortage = Shortage()
    with shortage.outlived():
        raise error

    assert shortage.rest_until > time.monotonic()


@pytest.mark.parametrize("error", [OSError(errno.ENOENT, "x"), ValueError("x")])
def test_anything_else_is_raised(error: Exception) -> None:
    shortage = Shortage()
    with pytest.raises(type(error)), shortage.outlived():
        raise error

    assert shortage.rest_until == 0.0
