"""The journal on disk: its tables, how it is opened, and how a damaged one is set aside."""

import os
import sqlite3
import sys
import time
from urllib.parse import quote

from dropscribe.core.errors import DropscribeError

FIRST = """
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice: a late report must not meet another job
    path BLOB NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    inode INTEGER NOT NULL, device INTEGER NOT NULL, since REAL NOT NULL,
    state TEXT NOT NULL DEFAULT 'queued', rank INTEGER NOT NULL DEFAULT 0,
    claim INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0, deaths INTEGER NOT NULL DEFAULT 0,
    interruptions INTEGER NOT NULL DEFAULT 0, pressure_stops INTEGER NOT NULL DEFAULT 0,
    stem BLOB, outputs TEXT, destination BLOB, reason TEXT, detail TEXT, seconds REAL, finished REAL
) STRICT;
CREATE UNIQUE INDEX live ON jobs (path) WHERE state IN ('queued', 'running', 'written', 'rejected');
CREATE INDEX turn ON jobs (state, rank, id);
CREATE INDEX ended ON jobs (finished, id) WHERE finished IS NOT NULL;
CREATE TABLE outputs (path BLOB PRIMARY KEY, job INTEGER NOT NULL, mtime_ns INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX output_of ON outputs (job);
CREATE TABLE kept (path BLOB PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE made (folder BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE peaks (id INTEGER PRIMARY KEY, model TEXT NOT NULL, bytes INTEGER NOT NULL) STRICT;
CREATE TABLE facts (name TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;
"""
# `retry --all` asks for each file where it came from.
DESTINATIONS = "CREATE INDEX bound ON jobs (destination) WHERE destination IS NOT NULL;"
# suspect: in hand beside others when the worker died or hung, and read alone from then on. review: a page is doubtful.
SUSPECTS = """
ALTER TABLE jobs ADD COLUMN suspect INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN review INTEGER NOT NULL DEFAULT 0;
"""
# Originals that were moved, and are looked at for a while in case that somebody still writes to them.
PUT_AWAY = """
CREATE TABLE put_away (
    job INTEGER PRIMARY KEY, path BLOB NOT NULL, place BLOB NOT NULL,
    size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, inode INTEGER NOT NULL, device INTEGER NOT NULL,
    until REAL NOT NULL, deleted INTEGER NOT NULL
) STRICT;
"""
# Several inboxes: the base's has no name here, others are known by their folder; so are outboxes. A recipe's settings
# are kept for as long as files need them. And the hooks that have still to run.
RECIPES = """
CREATE TABLE recipes (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, settings TEXT NOT NULL, UNIQUE (name, settings)
) STRICT;
ALTER TABLE jobs ADD COLUMN recipe INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN inbox BLOB NOT NULL DEFAULT x'';
ALTER TABLE jobs ADD COLUMN priority INTEGER NOT NULL DEFAULT 1;
DROP INDEX live;
CREATE UNIQUE INDEX live ON jobs (inbox, path) WHERE state IN ('queued', 'running', 'written', 'rejected');
DROP INDEX turn;
CREATE INDEX turn ON jobs (state, priority, rank, id);
ALTER TABLE outputs RENAME TO outputs_of_base;
CREATE TABLE outputs (
    outbox BLOB NOT NULL, path BLOB NOT NULL, job INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    PRIMARY KEY (outbox, path)
) STRICT, WITHOUT ROWID;
INSERT INTO outputs SELECT x'', path, job, mtime_ns FROM outputs_of_base;
DROP TABLE outputs_of_base;
CREATE INDEX output_of ON outputs (job);
ALTER TABLE kept RENAME TO kept_of_base;
CREATE TABLE kept (
    inbox BLOB NOT NULL, path BLOB NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, PRIMARY KEY (inbox, path)
) STRICT, WITHOUT ROWID;
INSERT INTO kept SELECT x'', path, size, mtime_ns FROM kept_of_base;
DROP TABLE kept_of_base;
CREATE TABLE hooks (
    id INTEGER PRIMARY KEY AUTOINCREMENT, command TEXT NOT NULL, timeout REAL NOT NULL, told TEXT NOT NULL
) STRICT;
"""
STEPS = (FIRST, DESTINATIONS, SUSPECTS, PUT_AWAY, RECIPES)  # each takes a journal from one version to the next
VERSION = len(STEPS)


class TooNew(DropscribeError):
    """The journal was written by a newer Dropscribe; nothing was changed."""

    def __init__(self, path: str, version: int) -> None:
        what = f"{path} was written by a newer Dropscribe (version {version} of the journal, this one knows {VERSION})"
        super().__init__("journal", what, "install the newer Dropscribe again, or choose another folders.state")


def open_or_rebuild(path: str) -> tuple[sqlite3.Connection, str | None]:
    """Open the journal at *path*; create it where there is none.

    A damaged one is set aside under a dated name, which is returned; the folders are the truth it is rebuilt from.
    """
    try:
        return _open(path), None
    except sqlite3.DatabaseError as error:
        if not _is_damage(error):
            raise
        aside = f"{path}.damaged-{time.strftime('%Y%m%d-%H%M%S')}"
        os.replace(path, aside)
        for leftover in (f"{path}-wal", f"{path}-shm"):
            if os.path.exists(leftover):
                os.replace(leftover, aside + leftover.removeprefix(path))
        return _open(path), aside


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    """Tell a damaged database from one that cannot be opened now: a full disk, a lock, a missing right."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is None or code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)


def open_to_look(path: str) -> sqlite3.Connection:
    """Open the journal at *path* for reading only, beside a daemon or without one; raise `TooNew`."""
    db = sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True, isolation_level=None)
    try:
        _require_known(db, path)
    except BaseException:
        db.close()
        raise
    return db


def require_known(path: str) -> None:
    """Raise `TooNew` where the journal at *path* is a newer program's; one that cannot be read is others' to tell."""
    try:
        open_to_look(path).close()
    except sqlite3.Error:
        pass


def _require_known(db: sqlite3.Connection, path: str) -> int:
    """Return the version of a journal, which this program must know."""
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if version > VERSION:
        raise TooNew(path, version)
    return version


def _open(path: str) -> sqlite3.Connection:
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    db = sqlite3.connect(path, isolation_level=None)
    try:
        db.execute("PRAGMA busy_timeout=500")  # milliseconds: the loop must keep answering
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("PRAGMA cache_size=-2000")
        db.execute("PRAGMA journal_size_limit=4000000")
        if sys.platform == "darwin":
            db.execute("PRAGMA fullfsync=ON")  # plain fsync on macOS stops at the drive's cache
        version = _require_known(db, path)
        if version and db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("damaged")
        for step in range(version, VERSION):
            db.executescript(f"BEGIN; {STEPS[step]} PRAGMA user_version={step + 1}; COMMIT;")
        db.execute("SELECT count(*) FROM jobs WHERE state='queued'").fetchone()
    except BaseException:
        db.close()
        raise
    return db
