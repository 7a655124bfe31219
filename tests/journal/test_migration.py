"""A journal of an earlier version: brought to today's, with everything that it remembers."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from dropscribe.core.job import State
from dropscribe.journal import schema
from dropscribe.journal.journal import Journal

JOB = "INSERT INTO jobs (path, size, mtime_ns, inode, device, since, state, stem) VALUES (?, 1, 2, 3, 4, 5.0, ?, ?)"


@pytest.mark.parametrize("version", range(1, schema.VERSION))
def test_nothing_that_an_earlier_version_remembers_is_lost(tmp_path: Path, version: int) -> None:
    path = str(tmp_path / "journal.db")
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for step in schema.STEPS[:version]:
            db.executescript(step)
        db.execute(f"PRAGMA user_version={version}")
        db.executemany(JOB, [(b"a.png", "queued", None), (b"b.png", "written", b"b"), (b"c.png", "done", b"c")])
        db.execute("INSERT INTO outputs (path, job, mtime_ns) VALUES (x'632e747874', 3, 7)")  # c.txt
        db.execute("INSERT INTO kept (path, size, mtime_ns) VALUES (x'6b2e706e67', 8, 9)")  # k.png

    with closing(Journal(path)) as journal:
        assert journal.damaged is None
        queued, written = journal.next_queued(), journal.live_at(b"b.png")
        assert queued is not None and (queued.path, queued.recipe, queued.inbox) == (b"a.png", 0, b"")
        assert written is not None and written.state is State.WRITTEN
        assert journal.wrote(b"c.png", b"c") == {b"c.txt": 7}
        assert journal.metadata.kept([b"k.png"]) == {b"k.png": (8, 9)}
        assert journal.known([b"a.png", b"c.png"]).keys() == {b"a.png"}
    with closing(Journal(path)) as journal:
        assert journal.counts()["done"] == 1
