"""What is remembered of an original that was put away, and what a later look makes of it."""

import os
from pathlib import Path

import pytest

from dropscribe.core.job import Found, Job, Signature
from dropscribe.files.places import Place
from dropscribe.journal.journal import Journal
from dropscribe.service.rechecks import Seen, look, put_away


@pytest.fixture
def there(tmp_path: Path) -> Place:
    (tmp_path / "scan.png").write_bytes(b"the picture")
    return Place(os.fsencode(tmp_path), b"scan.png")


def job_of(there: Place, tmp_path: Path) -> Job:
    """Return the job that was settled with the file as it is now."""
    journal = Journal(str(tmp_path / "journal.db"))
    journal.add([Found(b"scan.png", Signature.of(os.lstat(there.absolute)), 0.0)])
    job = journal.live_at(b"scan.png")
    journal.close()
    assert job is not None
    return job


def write(there: Place) -> None:
    with open(there.absolute, "ab") as writer:
        writer.write(b", and more")


def test_what_nobody_touched_is_the_same(there: Place, tmp_path: Path) -> None:
    original = put_away(job_of(there, tmp_path), there, 5.0, delete=False)
    assert original is not None and look(original, there, None) is Seen.SAME


@pytest.mark.parametrize("delete", [False, True])
def test_a_writer_that_is_quicker_than_the_first_look_is_seen(there: Place, tmp_path: Path, delete: bool) -> None:
    job = job_of(there, tmp_path)
    write(there)
    original = put_away(job, there, 5.0, delete=delete)

    assert original is not None and look(original, there, None) is Seen.CHANGED


@pytest.mark.parametrize("delete, seen", [(False, Seen.GONE), (True, Seen.CHANGED)])
def test_another_file_under_its_name_is_another_file_unless_the_name_is_ours(
    there: Place, tmp_path: Path, delete: bool, seen: Seen
) -> None:
    original = put_away(job_of(there, tmp_path), there, 5.0, delete=delete)
    (tmp_path / "other").write_bytes(b"another")
    (tmp_path / "other").rename(tmp_path / "scan.png")

    assert original is not None and look(original, there, None) is seen


@pytest.mark.timeout(20)
@pytest.mark.parametrize("put", [os.mkfifo, lambda path: os.symlink(b"/etc/passwd", path)])
def test_what_is_no_file_is_neither_opened_nor_followed(there: Place, tmp_path: Path, put: object) -> None:
    original = put_away(job_of(there, tmp_path), there, 5.0, delete=False)
    os.unlink(there.absolute)
    assert original is not None and look(original, there, None) is Seen.GONE
    put(there.absolute)  # type: ignore[operator]

    assert look(original, there, None) is Seen.GONE


def test_a_name_that_has_vanished_with_its_file_leaves_nothing_to_remember(there: Place, tmp_path: Path) -> None:
    job = job_of(there, tmp_path)
    os.unlink(there.absolute)

    assert put_away(job, there, 5.0, delete=False) is None


@pytest.mark.skipif(not hasattr(os, "getxattr"), reason="leases are Linux's")
def test_a_writer_is_waited_for(there: Place, tmp_path: Path) -> None:
    original = put_away(job_of(there, tmp_path), there, 5.0, delete=False)
    assert original is not None
    with open(there.absolute, "ab"):
        assert look(original, there, original.signature.device) is Seen.LATER
        assert look(original, there, None) is Seen.SAME  # nobody can be asked
