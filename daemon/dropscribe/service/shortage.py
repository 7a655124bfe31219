"""What the machine lacks for the moment (file handles, memory for the kernel): the loop rests and asks again.

The one guard around a turn of the loop. A shortage met by a part that knows what it means is that part's own.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager

from dropscribe.core.errors import SHORTAGE
from dropscribe.log import LOG
from dropscribe.memory import readings

REST = 1.0  # seconds


class Shortage:
    """Remembers that a turn of the loop met one, so that it is told once and the loop does not turn without end."""

    def __init__(self) -> None:
        self.rest_until = 0.0  # monotonic
        self._told = False

    @contextmanager
    def outlived(self) -> Iterator[None]:
        """Run a turn; a shortage ends it early and is no fault of the program, anything else is raised."""
        try:
            yield
        except (OSError, sqlite3.OperationalError, readings.Unreadable) as error:
            if not _is_shortage(error):
                raise
            self.rest_until = time.monotonic() + REST
            if not self._told:
                self._told = True
                LOG.warning("the system lacks something for the moment (%s); asked again", error)
            return
        self._told = False


def _is_shortage(error: Exception) -> bool:
    """Say whether an error is the machine's; SQLite tells none of them apart when it opens a file of its own."""
    if isinstance(error, OSError):
        return error.errno in SHORTAGE
    if not isinstance(error, sqlite3.OperationalError):
        return isinstance(error, readings.Unreadable)
    return (error.sqlite_errorcode & 0xFF) in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM)
