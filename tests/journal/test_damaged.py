"""A damaged journal is set aside whole and replaced; a healthy one never is."""

import os
import sqlite3
import sys
import time
from pathlib import Path

import pytest

from dropscribe.core.job import Found, Signature
from dropscribe.journal import schema
from dropscribe.journal.journal import Journal
from support.journal_steps import full_disk


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A journal with three hundred files, closed properly."""
    journal = Journal(str(tmp_path / "journal.db"))
    journal.add([Found(b"%d.png" % n, Signature(n, n, n, n), 0.0) for n in range(300)])
    journal.close()
    return journal.path


def reopened(path: str) -> tuple[str | None, int]:
    """Open the journal; return where the old one was put, and how many jobs there are; it must work."""
    journal = Journal(path)
    queued = journal.counts()["queued"]
    assert journal.add([Found(b"new", Signature(1, 1, 1, 1), 0.0)]) == 1
    journal.close()
    return journal.damaged, queued


def test_a_healthy_one_stays(path: str) -> None:
    assert reopened(path) == (None, 300)
    assert os.listdir(os.path.dirname(path)) == ["journal.db"]


def test_it_is_for_its_owner_only(path: str) -> None:
    assert os.stat(path).st_mode & 0o077 == 0


@pytest.mark.parametrize("damage", ["garbage", "first page", "inner page", "cut off", "tables gone"])
def test_a_damaged_one_is_set_aside_byte_for_byte_and_a_new_one_works(path: str, damage: str) -> None:
    if damage == "tables gone":
        db = sqlite3.connect(path)
        db.execute("DROP TABLE jobs")
        db.close()
    with open(path, "r+b") as file:
        if damage == "garbage":
            file.write(os.urandom(8192))
        elif damage == "first page":
            file.write(b"\0" * 100)
        elif damage == "inner page":
            file.seek(2 * 4096)
            file.write(b"\xff" * 4096)
        elif damage == "cut off":
            file.truncate(3 * 4096 + 7)
    with open(path, "rb") as file:
        before = file.read()

    aside, queued = reopened(path)

    assert aside is not None and queued == 0
    assert os.path.basename(aside).startswith("journal.db.damaged-" + time.strftime("%Y"))
    with open(aside, "rb") as file:
        assert file.read() == before
    assert reopened_again(path) == (None, 1)


def reopened_again(path: str) -> tuple[str | None, int]:
    journal = Journal(path)
    journal.close()
    again = Journal(path)
    counted = again.counts()["queued"]
    again.close()
    return journal.damaged or again.damaged, counted


def test_a_log_left_beside_a_damaged_one_is_not_replayed_into_the_new(path: str) -> None:
    live = Journal(path)
    live.add([Found(b"in the log", Signature(1, 1, 1, 1), 0.0)])
    with open(path + "-wal", "rb") as file:
        log = file.read()
    live.close()
    with open(path, "wb") as file:
        file.write(b"garbage " * 1000)
    with open(path + "-wal", "wb") as file:
        file.write(log[: len(log) // 2])  # torn: its last transaction does not count

    journal = Journal(path)
    known = journal.known([b"in the log", b"1.png"])
    journal.close()

    assert journal.damaged is not None
    assert known == {}
    assert reopened(path) == (None, 0)


def test_one_from_a_newer_program_is_refused_and_left_alone(path: str) -> None:
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA user_version={schema.VERSION + 1}")
    db.close()
    with open(path, "rb") as file:
        before = file.read()

    with pytest.raises(schema.TooNew, match=f"version {schema.VERSION + 1}"):
        Journal(path)

    with open(path, "rb") as file:
        assert file.read() == before
    assert [name for name in os.listdir(os.path.dirname(path)) if "damaged" in name] == []


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is checked on Linux")
def test_a_full_disk_is_no_damage(path: str) -> None:
    with full_disk(4096):
        try:
            Journal(path).close()
        except Exception:
            pass

    assert [name for name in os.listdir(os.path.dirname(path)) if "damaged" in name] == []
    assert reopened(path) == (None, 300)


@pytest.mark.slow
def test_a_journal_that_is_locked_is_no_damage(path: str) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA locking_mode=EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    try:
        Journal(path).close()
    except sqlite3.OperationalError:
        pass
    finally:
        other.close()

    assert [name for name in os.listdir(os.path.dirname(path)) if "damaged" in name] == []


def looked_at(folder: Path) -> int:
    folder.mkdir()
    journal = Journal(str(folder / "journal.db"))
    journal.add([Found(b"a", Signature(1, 1, 1, 1), 0.0)])
    journal.close()
    read_only = Journal.read_only(schema.open_to_look(journal.path), journal.path)
    count = read_only.counts()["queued"]
    read_only.close()
    return count


@pytest.mark.parametrize("name", ["plain", "what?", "a#b", "ä 日", "a&mode=rwc"])
def test_a_journal_can_be_looked_at_wherever_it_lies(tmp_path: Path, name: str) -> None:
    assert looked_at(tmp_path / name) == 1


def test_a_journal_below_a_percent_sign_can_be_looked_at(tmp_path: Path) -> None:
    assert looked_at(tmp_path / "100%25") == 1


def test_looking_makes_no_journal(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        schema.open_to_look(str(tmp_path / "journal.db"))

    assert list(tmp_path.iterdir()) == []
