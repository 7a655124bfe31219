"""Hooks that still have to run: noted in the transaction that ends a job, forgotten when the command has ended.

A crash in between runs a command again: at least once for each file, in the order in which files were over.
"""

import json
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Hook:
    """A command, what it is told, and how long it may take (seconds). The settings are those of the file."""

    command: tuple[str, ...]
    timeout: float
    told: dict[str, Any]


def note(db: sqlite3.Connection, hook: Hook) -> None:
    """Note that *hook* is to run, in a transaction under way."""
    values = (json.dumps(hook.command), hook.timeout, json.dumps(hook.told))
    db.execute("INSERT INTO hooks (command, timeout, told) VALUES (?,?,?)", values)


class PendingHooks:
    """Reads through the journal's connection *db* and writes in its transactions (*writing*)."""

    def __init__(
        self, db: sqlite3.Connection, writing: Callable[[], AbstractContextManager[sqlite3.Connection]]
    ) -> None:
        self._db, self._writing = db, writing

    def next(self) -> tuple[int, Hook] | None:
        """Return the hook whose turn it is, and its number."""
        row = self._db.execute("SELECT id, command, timeout, told FROM hooks ORDER BY id LIMIT 1").fetchone()
        if row is None:
            return None
        return row[0], Hook(tuple(json.loads(row[1])), row[2], json.loads(row[3]))

    def ended(self, number: int) -> None:
        """Forget a hook that has run."""
        with self._writing() as db:
            db.execute("DELETE FROM hooks WHERE id=?", (number,))

    def count(self) -> int:
        """Return how many have still to run."""
        found: int = self._db.execute("SELECT count(*) FROM hooks").fetchone()[0]
        return found
