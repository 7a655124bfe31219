"""The durable queue: every file once, whatever is killed when.

One SQLite database, one writer (the daemon's main thread). Each method is one transaction and one step of a job's
life; a step that a job is not ready for is refused, so a late report of an abandoned claim changes nothing. It does
not look at folders, and it decides nothing but the order.
"""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest

from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.core.job import BASE, LIVE, Found, Job, Origin, PutAway, Signature, State
from dropscribe.journal import hooks, rows, schema
from dropscribe.journal.hooks import Hook, PendingHooks
from dropscribe.journal.metadata import Metadata
from dropscribe.journal.recipes import RecipeRows

HISTORY = 10_000  # finished jobs that are remembered
# What keeps a healthy journal from being written for a while.
UNWRITABLE = (
    sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CANTOPEN,
)  # fmt: skip
PATIENT = 5  # interruptions in a row after which a job goes behind the others
PRUNE_EVERY = 500  # finished jobs between two prunings
_LIVE = "('" + "','".join(LIVE) + "')"
# What becomes of a job that is gone although its file is not: kept as `detail`, and neither listed nor counted.
CHANGED, RETRIED = "changed", "retried"
_TOLD = f"NOT (state='{State.GONE}' AND coalesce(detail, '') IN ('{CHANGED}', '{RETRIED}'))"
_LAST_RANK = "(SELECT coalesce(max(rank), 0) FROM jobs WHERE state='queued')"


class Journal:
    """The queue and its history in the database at *path*; see `schema` for what a damaged one leads to."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._db, self.damaged = schema.open_or_rebuild(path)
        self._open_views()
        self._finished_since_prune = PRUNE_EVERY  # at the first chance: a daemon that restarts often must prune too

    @classmethod
    def read_only(cls, db: sqlite3.Connection, path: str) -> "Journal":
        """Return a journal over a connection that only reads, for `status` without a daemon."""
        journal = cls.__new__(cls)
        journal.path, journal._db, journal.damaged = path, db, None
        journal._open_views()
        return journal

    def _open_views(self) -> None:
        self.metadata = Metadata(self._db, self._writing)
        self.recipes = RecipeRows(self._db, self._writing)
        self.hooks = PendingHooks(self._db, self._writing)

    def close(self) -> None:
        """Close the database; may be called twice."""
        self._db.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Run one durable transaction; a full disk is an environment fault, not a crash."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield self._db
            self._db.execute("COMMIT")
        except sqlite3.OperationalError as error:
            self._rollback()
            if error.sqlite_errorcode & 0xFF in UNWRITABLE:
                raise ReasonedError(Reason.DISK_FULL, f"the journal {self.path} cannot be written: {error}") from error
            raise
        except BaseException:
            self._rollback()
            raise

    def _rollback(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    # -- from the inbox to the queue

    def add(self, found: Iterable[Found], origin: Origin = BASE) -> int:
        """Queue settled files of one inbox that have no live job yet; return how many were new."""
        own = (origin.recipe, origin.inbox, origin.priority)
        added = [(f.path, *rows.columns(f.signature), f.since, *own) for f in found]
        with self._writing() as db:
            before = db.total_changes
            db.executemany(
                "INSERT INTO jobs (path, size, mtime_ns, inode, device, since, recipe, inbox, priority)"
                " VALUES (?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING",
                added,
            )
            return db.total_changes - before

    def reject_unread(self, refused: Iterable[tuple[Found, Reason, str]], origin: Origin = BASE) -> None:
        """Record that settled files will not be read at all, each with the reason and a sentence.

        A path that has a live job is left to it.
        """
        own = (origin.recipe, origin.inbox, origin.priority)
        added = [
            (f.path, *rows.columns(f.signature), f.since, reason, rows.text(detail), *own)
            for f, reason, detail in refused
        ]
        with self._writing() as db:
            db.executemany(
                "INSERT INTO jobs (path, size, mtime_ns, inode, device, since, state, reason, detail, recipe, inbox,"
                " priority) VALUES (?,?,?,?,?,?,'rejected',?,?,?,?,?) ON CONFLICT DO NOTHING",
                added,
            )

    def known(self, paths: Sequence[bytes], inbox: bytes = b"") -> dict[bytes, Signature]:
        """Return those of *paths* below *inbox* that have a live job, with what the job was settled with."""
        query = f"SELECT path, size, mtime_ns, inode, device FROM jobs WHERE state IN {_LIVE} AND inbox=?"
        marks = ",".join("?" * len(paths))
        found = self._db.execute(f"{query} AND path IN ({marks})", (inbox, *paths))
        return {path: Signature(*values) for path, *values in found}

    # -- reading

    def next_queued(self, without: Collection[int] = ()) -> Job | None:
        """Return the job whose turn it is, without claiming it; none of the recipes in *without*."""
        marks = ",".join("?" * len(without))
        turn = f"state='queued' AND recipe NOT IN ({marks}) AND pressure_stops {{}} ORDER BY priority, rank, id LIMIT 1"
        # Those that may have to wait for normal memory come last: nobody is to wait behind them.
        return self._one(turn.format("< 2"), *without) or self._one(turn.format(">= 2"), *without)

    def queued_by_recipe(self) -> set[int]:
        """Return the recipes that have files in the queue."""
        return {row[0] for row in self._db.execute("SELECT DISTINCT recipe FROM jobs WHERE state='queued'")}

    def claim(self, job: Job, stem: bytes) -> Job:
        """Take a queued job for reading, with its output stem reserved; return it under its new fencing number."""
        with self._writing() as db:
            db.execute(
                "UPDATE jobs SET state='running', claim=claim+1, stem=? WHERE id=? AND state='queued'", (stem, job.id)
            )
        return self.get(job.id)

    def release(self, job: Job, *, interrupted: bool = True, pressure: bool = False, behind: bool = False) -> None:
        """Requeue a claimed job; this is no failure, so nothing counts towards its attempts."""
        with self._writing() as db:
            changed = db.execute(
                "UPDATE jobs SET state='queued', stem=NULL, interruptions=interruptions+?,"
                " pressure_stops=pressure_stops+? WHERE id=? AND claim=? AND state='running'",
                (int(interrupted), int(pressure), job.id, job.claim),
            ).rowcount
            if changed and (behind or (interrupted and (job.interruptions + 1) % PATIENT == 0)):
                db.execute(f"UPDATE jobs SET rank={_LAST_RANK}+1 WHERE id=? AND state='queued'", (job.id,))

    def suspect(self, job: Job) -> None:
        """Put a claimed job back that was in hand beside others when the worker died: it is read alone from now on."""
        with self._writing() as db:
            db.execute(
                "UPDATE jobs SET state='queued', stem=NULL, suspect=1 WHERE id=? AND claim=? AND state='running'",
                (job.id, job.claim),
            )

    def record_failure(self, job: Job, reason: Reason, detail: str, *, death: bool, attempts: int) -> State:
        """Count a failure against a claimed job: behind the others, or rejected when it was the last allowed.

        Two worker deaths are enough whatever *attempts* allows. Returns the state the job is in now.
        """
        tried, deaths = job.attempts + 1, job.deaths + int(death)
        last = tried >= attempts or deaths >= 2
        with self._writing() as db:
            db.execute(
                "UPDATE jobs SET state=?, attempts=?, deaths=?, reason=?, detail=?, interruptions=0,"
                f" rank={_LAST_RANK}+1 WHERE id=? AND claim=? AND state='running'",
                (State.REJECTED if last else State.QUEUED, tried, deaths, reason, rows.text(detail), job.id, job.claim),
            )
        return self.get(job.id).state

    def reject(self, job: Job, reason: Reason, detail: str) -> None:
        """Record that a claimed job's file cannot be read."""
        with self._writing() as db:
            db.execute(
                "UPDATE jobs SET state='rejected', reason=?, detail=? WHERE id=? AND claim=? AND state='running'",
                (reason, rows.text(detail), job.id, job.claim),
            )

    def adopt(self, path: bytes, signature: Signature, stem: bytes, now: float, origin: Origin = BASE) -> Job | None:
        """Make a job, claimed already, of a publication that a lost journal left behind; None if the path has a job."""
        with self._writing() as db:
            added = db.execute(
                "INSERT INTO jobs (path, size, mtime_ns, inode, device, since, state, stem, recipe, inbox, priority)"
                " VALUES (?,?,?,?,?,?,'running',?,?,?,?) ON CONFLICT DO NOTHING",
                (path, *rows.columns(signature), now, stem, origin.recipe, origin.inbox, origin.priority),
            ).rowcount
        return self.live_at(path, origin.inbox) if added else None

    def withdraw(self, job: Job) -> None:
        """Forget a claimed or queued job whose file turned out to be incomplete: it settles again."""
        with self._writing() as db:
            db.execute("DELETE FROM jobs WHERE id=? AND claim=? AND state IN ('running','queued')", (job.id, job.claim))

    # -- after reading

    def written(
        self, job: Job, outputs: Sequence[bytes], seconds: float, mtimes_ns: Sequence[int] = (), *,
        review: bool = False, note: str | None = None, outbox: bytes = b"",
    ) -> None:  # fmt: skip
        """Record that every output file is complete under its final name; *mtimes_ns* tell them from a stranger's.

        *outbox* is the one of the job's `Origin`.
        """
        with self._writing() as db:
            changed = db.execute(
                "UPDATE jobs SET state='written', outputs=?, seconds=?, review=?, reason=NULL, detail=?"
                " WHERE id=? AND claim=? AND state='running'",
                (rows.pack(outputs), seconds, int(review), note, job.id, job.claim),
            ).rowcount
            if changed:
                files = [(outbox, path, job.id, mtime) for path, mtime in zip_longest(outputs, mtimes_ns, fillvalue=0)]
                db.executemany("INSERT OR REPLACE INTO outputs VALUES (?,?,?,?)", files)

    def set_destination(self, job: Job, destination: bytes) -> None:
        """Record where the original is about to go, before it moves."""
        with self._writing() as db:
            db.execute(
                "UPDATE jobs SET destination=? WHERE id=? AND state IN ('written','rejected')", (destination, job.id)
            )

    def finish(
        self,
        job: Job,
        now: float,
        *,
        kept: bool = False,
        replaced: bool = False,
        missing: bool = False,
        put_away: PutAway | None = None,
        hook: Hook | None = None,
    ) -> None:
        """Close a job: written becomes done, rejected failed (unless *replaced* or *missing*), all else gone.

        What was *replaced* by new content is not told as gone: that content is new work, and ends in its own way.
        With *put_away* its original is remembered, to be looked at again; *hook* is to run from now on.
        """
        with self._writing() as db:
            db.execute(
                "UPDATE jobs SET finished=?, state=CASE state WHEN 'written' THEN 'done' WHEN 'rejected' THEN ?"
                " ELSE 'gone' END, detail=CASE WHEN ? AND state <> 'written' THEN ? ELSE detail END"
                f" WHERE id=? AND state IN {_LIVE}",
                (now, State.GONE if replaced or missing else State.FAILED, replaced, CHANGED, job.id),
            )
            if kept:
                values = (job.inbox, job.path, job.signature.size, job.signature.mtime_ns)
                db.execute("INSERT OR REPLACE INTO kept VALUES (?,?,?,?)", values)
            if put_away is not None:
                db.execute("INSERT OR REPLACE INTO put_away VALUES (?,?,?,?,?,?,?,?,?)", rows.put_away_row(put_away))
            if hook is not None:
                hooks.note(db, hook)
            self._finished_since_prune += 1
            if self._finished_since_prune >= PRUNE_EVERY:
                self._prune(db)

    def _prune(self, db: sqlite3.Connection) -> None:
        """Drop the oldest finished jobs, and count them so that totals stay correct."""
        self._finished_since_prune = 0
        old = "SELECT id FROM jobs WHERE finished IS NOT NULL ORDER BY finished DESC, id DESC LIMIT -1 OFFSET ?"
        for state, count in db.execute(
            f"SELECT state, count(*) FROM jobs WHERE id IN ({old}) AND {_TOLD} GROUP BY state", (HISTORY,)
        ).fetchall():
            db.execute(
                "INSERT INTO facts VALUES (?,?) ON CONFLICT(name) DO UPDATE SET value=value+excluded.value",
                (f"pruned {state}", count),
            )
        # Outputs beside originals that stay are known as ours for ever: they lie where new files are looked for.
        beside = "outbox IN (SELECT inbox FROM kept WHERE inbox <> x'')"
        db.execute(f"DELETE FROM outputs WHERE job IN ({old}) AND NOT {beside}", (HISTORY,))
        db.execute(f"DELETE FROM jobs WHERE id IN ({old})", (HISTORY,))

    # -- looking

    def get(self, job: int) -> Job:
        """Return the job numbered *job*."""
        found = self._one("id=?", job)
        assert found is not None, f"no job {job}"
        return found

    def in_state(self, state: State, limit: int = -1) -> list[Job]:
        """Return the jobs in *state*, oldest first."""
        return self._all(f"state='{state}' ORDER BY id LIMIT {limit}")

    def live_at(self, path: bytes, inbox: bytes = b"") -> Job | None:
        """Return the live job of the file at *path* below *inbox*, if any."""
        return self._one(f"inbox=? AND path=? AND state IN {_LIVE}", inbox, path)

    def recipe_of(self, job: int) -> int:
        """Return the number of the recipe of *job*; the base's for one that is not remembered."""
        row = self._db.execute("SELECT recipe FROM jobs WHERE id=?", (job,)).fetchone()
        return int(row[0]) if row else BASE.recipe

    def came_from(self, destination: bytes) -> Job | None:
        """Return the job whose original is now at *destination*, if that is remembered."""
        return self._one("destination=? ORDER BY id DESC LIMIT 1", destination)

    def reserved_stems(self, recipes: Collection[int] = (BASE.recipe,)) -> list[bytes]:
        """Return the output stems of jobs that are being read or whose original is being moved, by these *recipes*."""
        query = "SELECT stem FROM jobs WHERE state IN ('running','written') AND stem IS NOT NULL"
        marks = ",".join("?" * len(recipes))
        return [row[0] for row in self._db.execute(f"{query} AND recipe IN ({marks})", tuple(recipes))]

    def retried(self, place: bytes) -> None:
        """Count the failed file that lay at *place* no longer as failed: it has been given back."""
        with self._writing() as db:
            db.execute(
                "UPDATE jobs SET state='gone', detail=? WHERE destination=? AND state='failed'", (RETRIED, place)
            )

    def wrote(self, path: bytes, stem: bytes, origin: Origin = BASE) -> dict[bytes, int]:
        """Return the files in the outbox, with their mtime_ns, that were written as *stem* for the file at *path*."""
        query = (
            "SELECT outputs.path, outputs.mtime_ns FROM outputs JOIN jobs ON jobs.id = outputs.job"
            " WHERE outbox=? AND outputs.path>=? AND outputs.path<? AND jobs.path=? AND jobs.inbox=?"
        )
        return dict(self._db.execute(query, (origin.outbox, stem, stem + b"\xff", path, origin.inbox)))

    def outputs_among(self, paths: Sequence[bytes], outbox: bytes) -> set[bytes]:
        """Return those of *paths*, below *outbox*, that were written by this daemon."""
        marks = ",".join("?" * len(paths))
        found = self._db.execute(f"SELECT path FROM outputs WHERE outbox=? AND path IN ({marks})", (outbox, *paths))
        return {row[0] for row in found}

    def queued(self) -> int:
        """Return how many jobs wait for their turn."""
        return int(self._db.execute("SELECT count(*) FROM jobs WHERE state='queued'").fetchone()[0])

    def has_live(self) -> bool:
        """Say whether any job is not finished."""
        return self._db.execute(f"SELECT 1 FROM jobs WHERE state IN {_LIVE} LIMIT 1").fetchone() is not None

    def recent(self, limit: int) -> list[Job]:
        """Return the jobs that finished last, newest first; not those whose file came back as new work."""
        return self._all(f"finished IS NOT NULL AND {_TOLD} ORDER BY finished DESC, id DESC LIMIT {limit}")

    def counts(self) -> dict[str, int]:
        """Return how many jobs there are in each state; finished ones since the beginning, as `recent` tells them."""
        counts: dict[str, int] = dict.fromkeys(State, 0)
        counts.update(self._db.execute(f"SELECT state, count(*) FROM jobs WHERE {_TOLD} GROUP BY state").fetchall())
        for name, value in self._db.execute("SELECT name, value FROM facts WHERE name LIKE 'pruned %'"):
            counts[name.removeprefix("pruned ")] += int(value)
        return counts

    def _one(self, where: str, *values: object) -> Job | None:
        return next(iter(self._all(where, *values)), None)

    def _all(self, where: str, *values: object) -> list[Job]:
        return [rows.job(row) for row in self._db.execute(f"SELECT {rows.COLUMNS} FROM jobs WHERE {where}", values)]
