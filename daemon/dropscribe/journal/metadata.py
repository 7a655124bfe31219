"""What the journal remembers beside the jobs: kept originals, folders we made, memory peaks, small facts by name."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager

from dropscribe.core.job import PutAway
from dropscribe.journal import rows

PEAKS = 20  # recorded memory peaks kept for each model


class Metadata:
    """Reads through the journal's connection *db* and writes in its transactions (*writing*)."""

    def __init__(
        self, db: sqlite3.Connection, writing: Callable[[], AbstractContextManager[sqlite3.Connection]]
    ) -> None:
        self._db, self._writing = db, writing

    def get(self, name: str) -> str | None:
        """Return the value stored under *name*."""
        row = self._db.execute("SELECT value FROM facts WHERE name=?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def note(self, name: str, value: str | None) -> None:
        """Store *value* under *name*; None forgets it."""
        with self._writing() as db:
            if value is None:
                db.execute("DELETE FROM facts WHERE name=?", (name,))
            else:
                db.execute("INSERT OR REPLACE INTO facts VALUES (?,?)", (name, value))

    def forget_kept(self, paths: Iterable[bytes], inbox: bytes = b"") -> None:
        """Forget files that were left in the inbox and are not there any more."""
        with self._writing() as db:
            db.executemany("DELETE FROM kept WHERE inbox=? AND path=?", [(inbox, path) for path in paths])

    def all_kept(self, inbox: bytes = b"") -> Iterator[bytes]:
        """Yield every path that was read and left in the inbox."""
        yield from (row[0] for row in self._db.execute("SELECT path FROM kept WHERE inbox=?", (inbox,)).fetchall())

    def put_away(self) -> list[PutAway]:
        """Return the originals that are to be looked at again."""
        return [rows.put_away(row) for row in self._db.execute("SELECT * FROM put_away ORDER BY job").fetchall()]

    def forget_put_away(self, jobs: Iterable[int]) -> None:
        """Forget the originals of these jobs: they are looked at no more."""
        with self._writing() as db:
            db.executemany("DELETE FROM put_away WHERE job=?", [(job,) for job in jobs])

    def made(self, folders: Iterable[bytes]) -> None:
        """Remember folders that the daemon made itself: they are tidied up when they are empty."""
        with self._writing() as db:
            db.executemany("INSERT OR IGNORE INTO made VALUES (?)", [(folder,) for folder in folders])

    def folders_made(self) -> set[bytes]:
        """Return the folders that the daemon made itself."""
        return {row[0] for row in self._db.execute("SELECT folder FROM made")}

    def record_peak(self, model: str, peak: int) -> None:
        """Remember the highest footprint of a worker's life, in bytes."""
        with self._writing() as db:
            db.execute("INSERT INTO peaks (model, bytes) VALUES (?,?)", (model, peak))
            db.execute(
                "DELETE FROM peaks WHERE model=? AND id NOT IN"
                " (SELECT id FROM peaks WHERE model=? ORDER BY id DESC LIMIT ?)",
                (model, model, PEAKS),
            )

    def peaks(self, model: str) -> list[int]:
        """Return the last recorded peaks of *model* in bytes, oldest first."""
        return [row[0] for row in self._db.execute("SELECT bytes FROM peaks WHERE model=? ORDER BY id", (model,))]

    def kept(self, paths: Sequence[bytes], inbox: bytes = b"") -> dict[bytes, tuple[int, int]]:
        """Return (size, mtime_ns) of those of *paths* that were read and left in the inbox."""
        marks = ",".join("?" * len(paths))
        query = f"SELECT path, size, mtime_ns FROM kept WHERE inbox=? AND path IN ({marks})"
        found = self._db.execute(query, (inbox, *paths))
        return {path: (size, mtime_ns) for path, size, mtime_ns in found}
