"""`retry` brings failed files back as new work, and loses none on the way."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dropscribe.config import checked
from dropscribe.core.errors import Reason, UsageError
from dropscribe.core.job import Found, Job, Signature, State
from dropscribe.files import notes, originals
from dropscribe.files.ledger import Ledger
from dropscribe.files.notes import NOTE
from dropscribe.files.places import Place as FilePlace
from dropscribe.journal.journal import Journal
from dropscribe.service.retry import candidates, found, retry


class Place:
    """An inbox, a failed folder and a journal."""

    def __init__(self, root: Path) -> None:
        self.inbox, self.failed = root / "inbox", root / "failed"
        self.inbox.mkdir()
        self.failed.mkdir()
        folders = {name: str(root / name) for name in ("inbox", "outbox", "archive", "failed", "state")}
        self.settings = checked({"folders": folders}, "test")
        self.journal, self.ledger = Journal(str(root / "journal.db")), Ledger(str(root))

    def fail(self, path: bytes, data: bytes = b"picture") -> bytes:
        """Let the file *path* fail as the daemon does; return where it lies now."""
        source = os.path.join(os.fsencode(self.inbox), path)
        os.makedirs(os.path.dirname(source), exist_ok=True)
        with open(source, "wb") as file:
            file.write(data)
        signature = Signature.of(os.stat(source))
        self.journal.reject_unread([(Found(path, signature, 0.0), Reason.DAMAGED, "It is damaged.")])
        job = self.journal.live_at(path)
        assert job is not None
        place = originals.destination(os.fsencode(self.failed), path, with_note=True)
        os.makedirs(os.path.dirname(place.absolute), exist_ok=True)
        self.journal.set_destination(job, place.absolute)
        with place.opened() as entry:
            assert notes.write(entry, job, Reason.DAMAGED, "It is damaged.", None)
        original = FilePlace(os.fsencode(self.inbox), path)
        assert originals.move(original, signature, place, self.ledger) is originals.MoveResult.MOVED
        self.journal.finish(job, 1.0)
        return place.absolute

    def retry(self, *names: bytes) -> list[bytes]:
        listed = {str(self.failed): candidates(str(self.failed), names)}
        moved, faults = retry(
            found(self.settings, self.journal, listed, lambda inbox: False), self.journal, self.ledger
        )
        assert faults == []
        return moved


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.journal.close()


def files(folder: Path) -> dict[bytes, bytes]:
    root = os.fsencode(folder)
    there = {}
    for parent, _, names in os.walk(root):
        for name in names:
            with open(os.path.join(parent, name), "rb") as file:
                there[os.path.relpath(os.path.join(parent, name), root)] = file.read()
    return there


def test_everything_comes_back_under_its_old_name_without_a_note(place: Place) -> None:
    for path in (b"a.png", b"sub/deep/b\n\xff.png", b"dot.ted/noending"):
        place.fail(path, path)

    moved = place.retry()

    assert sorted(moved) == [b"a.png", b"dot.ted/noending", b"sub/deep/b\n\xff.png"]
    assert files(place.inbox) == {path: path for path in moved}
    assert files(place.failed) == {}


def test_the_journal_remembers_the_name_that_failed_had_no_room_for(place: Place) -> None:
    place.fail(b"a.png", b"first")
    assert place.fail(b"a.png", b"second").endswith(b"/a (2).png")

    place.retry(b"a (2).png")

    assert files(place.inbox) == {b"a.png": b"second"}
    assert set(files(place.failed)) == {b"a.png", b"a.png" + NOTE}


def test_two_of_the_same_name_both_come_back(place: Place) -> None:
    place.fail(b"a.png", b"first")
    place.fail(b"a.png", b"second")

    place.retry()

    assert sorted(files(place.inbox).values()) == [b"first", b"second"]


def test_a_new_file_in_the_inbox_is_not_written_over(place: Place) -> None:
    place.fail(b"a.png", b"failed")
    (place.inbox / "a.png").write_bytes(b"new")

    assert place.retry() == [b"a (2).png"]
    assert files(place.inbox) == {b"a.png": b"new", b"a (2).png": b"failed"}


def test_even_equal_bytes_under_the_old_name_stay_two_files(place: Place) -> None:
    place.fail(b"a.png", b"same")
    (place.inbox / "a.png").write_bytes(b"same")

    place.retry()

    assert files(place.inbox) == {b"a.png": b"same", b"a (2).png": b"same"}


def test_only_the_named_are_taken_by_path_or_by_name(place: Place) -> None:
    for path in (b"x/a.png", b"y/a.png", b"b.png", b"c.png"):
        place.fail(path)

    assert place.retry(b"y/a.png", b"b.png", b"none.png") == [b"b.png", b"y/a.png"]
    assert place.retry(b"a.png") == [b"x/a.png"]
    assert {p for p in files(place.failed) if not p.endswith(NOTE)} == {b"c.png"}


def test_a_file_without_a_note_is_not_ours_to_move(place: Place) -> None:
    (place.failed / "mine.png").write_bytes(b"put here by the user")

    assert place.retry() == []
    assert files(place.failed) == {b"mine.png": b"put here by the user"}


def test_a_crash_after_the_move_leaves_a_note_that_is_swept(place: Place) -> None:
    at = place.fail(b"a.png")
    os.rename(at, os.path.join(os.fsencode(place.inbox), b"a.png"))

    assert place.retry() == []
    assert (files(place.failed), files(place.inbox)) == ({}, {b"a.png": b"picture"})


def test_folders_that_the_daemon_made_are_tidied_and_others_stay(place: Place) -> None:
    at = place.fail(b"ours/a.png")
    place.fail(b"theirs/a.png")
    place.journal.metadata.made([os.path.dirname(at)])

    place.retry()

    assert os.listdir(place.failed) == ["theirs"]


def test_what_came_back_is_new_work(place: Place) -> None:
    place.fail(b"a.png")
    (path,) = place.retry()

    job = place.journal.live_at(path)
    assert job is None
    assert place.journal.add([Found(path, Signature.of(os.stat(place.inbox / "a.png")), 2.0)]) == 1
    queued: Job | None = place.journal.next_queued()
    assert queued is not None
    assert (queued.state, queued.attempts) == (State.QUEUED, 0)


@pytest.mark.parametrize("name", [b"build.error.txt", b"sub/a.png.error.txt"])
def test_a_failed_file_that_is_called_like_a_note_is_not_lost(place: Place, name: bytes) -> None:
    place.fail(name, b"the user's own text")

    place.retry()

    assert b"the user's own text" in files(place.inbox).values()


def test_a_text_that_is_no_note_is_left_alone(place: Place) -> None:
    (place.failed / "server.error.txt").write_bytes(b"kept here by the user")

    place.retry()

    assert files(place.failed) == {b"server.error.txt": b"kept here by the user"}


def test_nothing_moves_while_the_inbox_is_not_there(place: Place) -> None:
    place.fail(b"a.png")
    os.rmdir(place.inbox)

    with pytest.raises(UsageError):
        place.retry()

    assert not place.inbox.exists()
    assert set(files(place.failed)) == {b"a.png", b"a.png" + NOTE}


def test_the_longest_name_finds_a_free_one(place: Place) -> None:
    name = b"x" * 251 + b".png"
    place.fail(name, b"failed")
    with open(os.path.join(os.fsencode(place.inbox), name), "wb") as file:
        file.write(b"new")

    place.retry()

    assert sorted(files(place.inbox).values()) == [b"failed", b"new"]
