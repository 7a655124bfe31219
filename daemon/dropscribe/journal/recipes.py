"""Recipes as files were taken by them: their settings are kept for as long as a file is under way.

A recipe that is changed or removed concerns files that are taken after it; what is queued ends as it was taken.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from dropscribe.core.job import LIVE

_LIVE = "('" + "','".join(LIVE) + "')"


class RecipeRows:
    """Reads through the journal's connection *db* and writes in its transactions (*writing*)."""

    def __init__(
        self, db: sqlite3.Connection, writing: Callable[[], AbstractContextManager[sqlite3.Connection]]
    ) -> None:
        self._db, self._writing = db, writing

    def number(self, name: str, settings: str) -> int:
        """Return the number of a recipe with these settings, from 1; a new one is recorded."""
        row = self._db.execute("SELECT id FROM recipes WHERE name=? AND settings=?", (name, settings)).fetchone()
        if row is None:
            with self._writing() as db:
                return int(
                    db.execute("INSERT INTO recipes (name, settings) VALUES (?,?)", (name, settings)).lastrowid or 0
                )
        return int(row[0])

    def needed(self) -> Iterator[tuple[int, str, str]]:
        """Yield number, name and settings of every recipe that has files under way, or that are looked at again."""
        watched = "SELECT recipe FROM jobs JOIN put_away ON put_away.job = jobs.id"
        under_way = f"SELECT recipe FROM jobs WHERE state IN {_LIVE} UNION {watched}"
        query = f"SELECT id, name, settings FROM recipes WHERE id IN ({under_way})"
        yield from self._db.execute(query).fetchall()

    def names(self) -> dict[int, str]:
        """Return the names by number, of all that are remembered: for what is shown of files that are over."""
        return dict(self._db.execute("SELECT id, name FROM recipes").fetchall())
