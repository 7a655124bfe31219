"""After reading: how a job ends, what is remembered of it and for how long, and what a fault around it changes."""

import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.core.job import PutAway, Signature, State
from dropscribe.journal import schema
from dropscribe.journal.journal import HISTORY, PRUNE_EVERY, Journal
from dropscribe.journal.metadata import PEAKS
from support.journal_steps import SIGNATURE, claimed, found, full_disk


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(str(tmp_path / "journal.db"))
    yield made
    made.close()


# -- after reading


def test_a_written_job_keeps_its_outputs_and_loses_earlier_blame(journal: Journal) -> None:
    job = claimed(journal)
    journal.record_failure(job, Reason.ENGINE_ERROR, "x", death=False, attempts=3)
    job = journal.claim(journal.get(job.id), b"a")

    journal.written(job, [b"a.txt", b"a.md"], 2.5)

    now = journal.get(job.id)
    assert (now.state, now.outputs, now.seconds, now.reason, now.detail) == (
        State.WRITTEN, (b"a.txt", b"a.md"), 2.5, None, None,
    )  # fmt: skip
    assert journal.reserved_stems() == [b"a"]
    assert (set(journal.wrote(job.path, b"a")), journal.wrote(job.path, b"A")) == ({b"a.txt", b"a.md"}, {})


ENDS: list[tuple[State, bool, State]] = [
    (State.QUEUED, False, State.GONE),
    (State.QUEUED, True, State.GONE),
    (State.RUNNING, False, State.GONE),
    (State.RUNNING, True, State.GONE),
    (State.WRITTEN, False, State.DONE),
    (State.WRITTEN, True, State.DONE),
    (State.REJECTED, False, State.FAILED),
    (State.REJECTED, True, State.GONE),
]


@pytest.mark.parametrize("state, replaced, end", ENDS)
def test_how_a_job_ends_follows_from_where_it_stood(journal: Journal, state: State, replaced: bool, end: State) -> None:
    job = claimed(journal)
    if state is State.QUEUED:
        journal.release(job)
    elif state is State.WRITTEN:
        journal.written(job, [b"a.txt"], 1.0)
    elif state is State.REJECTED:
        journal.reject(job, Reason.EMPTY, "x")

    journal.finish(job, 9.0, replaced=replaced)
    journal.finish(job, 10.0)  # a repeat after a crash

    assert journal.get(job.id).state is end
    assert (journal.live_at(b"a.png"), journal.reserved_stems()) == (None, [])
    untold = replaced and end is State.GONE  # the new content is told, under a job of its own
    assert {s: n for s, n in journal.counts().items() if n} == ({} if untold else {end: 1})
    assert [each.state for each in journal.recent(5)] == ([] if untold else [end])
    assert journal.add([found()]) == 1


def test_a_failed_file_that_is_given_back_is_told_neither_as_failed_nor_as_gone(journal: Journal) -> None:
    job = claimed(journal)
    journal.reject(job, Reason.EMPTY, "x")
    journal.set_destination(job, b"/failed/a.png")
    journal.finish(job, 9.0)
    assert journal.counts()["failed"] == 1

    journal.retried(b"/failed/a.png")

    assert not any(journal.counts().values()) and journal.recent(5) == []
    assert journal.get(job.id).state is State.GONE


def test_what_is_missing_before_it_is_moved_to_the_failed_folder_is_gone(journal: Journal) -> None:
    job = claimed(journal)
    journal.reject(job, Reason.EMPTY, "x")

    journal.finish(job, 9.0, missing=True)

    assert journal.counts()["gone"] == 1 and [each.state for each in journal.recent(5)] == [State.GONE]


def test_the_newest_end_is_told_first(journal: Journal) -> None:
    for path, moment in ((b"a", 3.0), (b"b", 1.0), (b"c", 3.0)):
        journal.finish(claimed(journal, path), moment)

    assert [job.path for job in journal.recent(2)] == [b"c", b"a"]


def test_where_the_original_goes_is_recorded_only_for_what_is_leaving(journal: Journal) -> None:
    job = claimed(journal)
    journal.set_destination(job, b"/archive/a.png")
    assert journal.get(job.id).destination is None

    journal.written(job, [], 1.0)
    journal.set_destination(job, b"/archive/a.png")
    journal.set_destination(job, b"/archive/a (2).png")

    assert journal.get(job.id).destination == b"/archive/a (2).png"


def test_the_last_file_that_went_to_a_place_is_the_one_remembered(journal: Journal) -> None:
    for path in (b"old/a.png", b"new/a.png"):
        job = claimed(journal, path)
        journal.reject(job, Reason.EMPTY, "x")
        journal.set_destination(job, b"/failed/a.png")
        journal.finish(job, 1.0)

    assert journal.came_from(b"/failed/a.png").path == b"new/a.png"
    assert journal.came_from(b"/failed/b.png") is None


def test_what_was_read_and_kept_is_known_until_it_is_forgotten(journal: Journal) -> None:
    job = claimed(journal)
    journal.written(job, [], 1.0)
    journal.finish(job, 1.0, kept=True)

    assert journal.metadata.kept([b"a.png", b"none"]) == {b"a.png": (10, 20)}
    assert list(journal.metadata.all_kept()) == [b"a.png"]

    journal.metadata.forget_kept([b"a.png", b"none"])

    assert list(journal.metadata.all_kept()) == []
    assert journal.metadata.kept([]) == {}


def test_a_publication_without_its_journal_is_adopted_once(journal: Journal) -> None:
    job = journal.adopt(b"a.png", SIGNATURE, b"a", 1.0)
    assert job is not None
    assert (job.state, job.stem, journal.adopt(b"a.png", SIGNATURE, b"b", 2.0)) == (State.RUNNING, b"a", None)

    journal.written(job, [b"a.txt"], 1.0)

    assert journal.get(job.id).state is State.WRITTEN


# -- history


def crowd(journal: Journal, count: int, state: str = "done") -> None:
    """Give the history *count* finished jobs, in one stroke."""
    journal.add([found(b"%d.png" % n) for n in range(count)])
    with sqlite3.connect(journal.path) as db:
        db.execute("UPDATE jobs SET state=?, finished=id", (state,))
        db.execute("INSERT INTO outputs SELECT x'', CAST(id AS BLOB), id, 0 FROM jobs")
    db.close()


def test_pruning_keeps_the_totals_the_live_and_the_newest(journal: Journal) -> None:
    crowd(journal, HISTORY + 100)
    live = claimed(journal, b"live.png")
    journal.add([found(b"new %d" % n) for n in range(PRUNE_EVERY + 1)])  # the first prunes, and the last again
    for n, job in enumerate(journal.in_state(State.QUEUED)):
        journal.finish(job, HISTORY * 2 + n)

    counts = journal.counts()
    with sqlite3.connect(journal.path) as db:
        ((rows,),) = db.execute("SELECT count(*) FROM jobs WHERE finished IS NOT NULL").fetchall()
        ((outputs,),) = db.execute("SELECT count(*) FROM outputs").fetchall()
    db.close()
    assert (counts["done"], counts["gone"], counts["running"]) == (HISTORY + 100, PRUNE_EVERY + 1, 1)
    assert (rows, outputs) == (HISTORY, HISTORY - PRUNE_EVERY - 1)
    assert journal.get(live.id) == live
    assert journal.recent(1)[0].path == b"new %d" % PRUNE_EVERY


def test_the_history_is_bounded_for_daemons_that_restart_often(tmp_path: Path) -> None:
    path = str(tmp_path / "journal.db")
    journal = Journal(path)
    crowd(journal, HISTORY + 2000)
    journal.close()
    for n in range(3):
        journal = Journal(path)
        journal.finish(claimed(journal, b"new %d" % n), HISTORY * 2 + n)
        journal.close()

    with sqlite3.connect(path) as db:
        ((rows,),) = db.execute("SELECT count(*) FROM jobs WHERE finished IS NOT NULL").fetchall()
    db.close()
    assert rows <= HISTORY + PRUNE_EVERY


# -- small facts


def test_small_facts_outlive_the_daemon(journal: Journal) -> None:
    journal.metadata.note("paused", "by command")
    journal.metadata.note("worker", "1")
    journal.metadata.note("worker", "2")
    journal.metadata.note("paused", None)
    journal.metadata.made([b"/a", b"/a/\xff", b"/a"])
    journal.close()

    again = Journal(journal.path)

    assert (again.metadata.get("paused"), again.metadata.get("worker"), again.metadata.get("never")) == (
        None,
        "2",
        None,
    )
    assert again.metadata.folders_made() == {b"/a", b"/a/\xff"}
    again.close()


def test_a_bounded_number_of_peaks_is_kept_for_each_model(journal: Journal) -> None:
    for n in range(PEAKS + 5):
        journal.metadata.record_peak("m", n * 10**9)
    journal.metadata.record_peak("other", 1)

    assert journal.metadata.peaks("m") == [n * 10**9 for n in range(5, PEAKS + 5)]
    assert (journal.metadata.peaks("other"), journal.metadata.peaks("none")) == ([1], [])


# -- faults around it


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is checked on Linux")
def test_a_full_disk_is_the_environments_fault_and_the_step_can_be_repeated(journal: Journal) -> None:
    job = claimed(journal)
    with full_disk(os.path.getsize(journal.path + "-wal")), pytest.raises(ReasonedError) as caught:
        journal.written(job, [b"a.txt"], 1.0)
    assert caught.value.reason is Reason.DISK_FULL
    assert journal.get(job.id).state is State.RUNNING

    journal.written(job, [b"a.txt"], 1.0)

    assert journal.get(job.id).state is State.WRITTEN


def test_what_was_recorded_survives_a_kill_without_closing(journal: Journal, tmp_path: Path) -> None:
    job = claimed(journal)
    journal.written(job, [b"a.txt"], 1.0)
    for ending in ("", "-wal"):  # as they lie on disk now; the -shm is made anew
        shutil.copy(journal.path + ending, tmp_path / f"copy.db{ending}")

    after = Journal(str(tmp_path / "copy.db"))

    assert (after.damaged, after.get(job.id)) == (None, journal.get(job.id))
    after.close()


def test_looking_sees_what_is_there_and_can_change_nothing(journal: Journal) -> None:
    job = claimed(journal)
    read_only = Journal.read_only(schema.open_to_look(journal.path), journal.path)

    assert read_only.get(job.id) == job
    with pytest.raises(sqlite3.OperationalError):
        read_only.metadata.note("x", "y")
    read_only.close()


def test_closing_twice_is_no_fault(journal: Journal) -> None:
    journal.close()
    journal.close()


def test_a_file_dated_far_in_the_future_is_queued_like_any_other(journal: Journal, tmp_path: Path) -> None:
    (tmp_path / "f.png").touch()
    os.utime(tmp_path / "f.png", (10**10, 10**10))  # the year 2286
    if os.stat(tmp_path / "f.png").st_mtime_ns < 2**63:
        pytest.fail("this file system cannot hold such a time")

    assert journal.add([found(b"f.png", Signature.of(os.stat(tmp_path / "f.png")))]) == 1


@pytest.mark.parametrize("step", ["reject", "blame", "reject_unread"])
def test_a_detail_may_hold_an_undecodable_name(journal: Journal, step: str) -> None:
    detail = os.fsdecode(b"cannot open /inbox/\xff.png")
    if step == "reject_unread":
        journal.reject_unread([(found(), Reason.DAMAGED, detail)])
    elif step == "reject":
        journal.reject(claimed(journal), Reason.DAMAGED, detail)
    else:
        journal.record_failure(claimed(journal), Reason.ENGINE_ERROR, detail, death=False, attempts=1)

    assert len(journal.in_state(State.REJECTED)) == 1


# -- originals that are looked at again


@pytest.mark.parametrize("delete", [False, True])
def test_an_original_that_was_put_away_is_remembered_with_the_end_of_its_job(tmp_path: Path, delete: bool) -> None:
    journal = Journal(str(tmp_path / "journal.db"))
    job = claimed(journal)
    journal.written(job, [b"a.txt"], 1.0)
    away = PutAway(job.id, job.path, b"/archive/\xff\n.png", SIGNATURE, 1234.5, delete)

    journal.finish(job, 6.0, put_away=away)
    journal.close()

    journal = Journal(str(tmp_path / "journal.db"))
    assert (journal.get(job.id).state, journal.metadata.put_away()) == (State.DONE, [away])
    journal.metadata.forget_put_away([job.id])
    assert journal.metadata.put_away() == []
    journal.close()


def test_pruning_the_history_forgets_no_original_that_waits_for_being_deleted(journal: Journal) -> None:
    job = claimed(journal)
    journal.written(job, [b"a.txt"], 1.0)
    away = PutAway(job.id, job.path, b"/inbox/.hidden", SIGNATURE, 1234.5, True)
    journal.finish(job, 6.0, put_away=away)
    with journal._writing() as db:
        db.execute("DELETE FROM jobs WHERE id=?", (job.id,))  # as `_prune` does with the oldest

    assert journal.metadata.put_away() == [away]
