"""An original finds a free place with room for its note, and what is left behind is tidied up."""

import os
from pathlib import Path

import pytest

from dropscribe.core.errors import REMEDIES, Reason
from dropscribe.core.job import Job, Signature, State
from dropscribe.files import durable, notes, originals
from dropscribe.files.places import Entry, Place
from support.byte_files import put, read


def a_job(path: bytes = b"scan.png", **values: object) -> Job:
    given: dict[str, object] = dict.fromkeys(("stem", "destination", "reason", "detail", "seconds"))
    given |= {"id": 7, "path": path, "signature": Signature(1, 2, 3, 4), "since": 0.0, "state": State.REJECTED}
    given |= {"claim": 1, "rank": 0, "outputs": (), "attempts": 0, "deaths": 0, "interruptions": 0, "pressure_stops": 0}
    return Job(**{**given, **values})  # type: ignore[arg-type]


def destination(root: Path, path: bytes, *, with_note: bool) -> bytes:
    return originals.destination(os.fsencode(root), path, with_note=with_note).absolute


def write_note(place: bytes, job: Job, reason: Reason, detail: str) -> bool:
    with Place(*os.path.split(place)).opened() as entry:
        return notes.write(entry, job, reason, detail, None)


def remove_note(place: bytes, job: Job, reason: Reason, detail: str) -> None:
    with Place(*os.path.split(place)).opened() as entry:
        notes.remove(entry, job, reason, detail)


# -- choosing a place


def test_a_free_destination_keeps_the_path_below_the_folder(tmp_path: Path) -> None:
    place = destination(tmp_path, b"sub/d\xfft/scan\n1.png", with_note=False)

    assert place == os.fsencode(tmp_path) + b"/sub/d\xfft/scan\n1.png"


def test_a_taken_destination_is_numbered_before_its_ending(tmp_path: Path) -> None:
    for name in ("scan.png", "scan (2).png"):
        (tmp_path / name).touch()
    (tmp_path / "scan (3).png").symlink_to("nowhere")

    assert destination(tmp_path, b"scan.png", with_note=False).endswith(b"/scan (4).png")


def test_a_failed_file_is_never_put_beside_the_note_of_another(tmp_path: Path) -> None:
    (tmp_path / "scan.png.error.txt").touch()

    assert destination(tmp_path, b"scan.png", with_note=True).endswith(b"/scan (2).png")
    assert destination(tmp_path, b"scan.png", with_note=False).endswith(b"/scan.png")


@pytest.mark.parametrize("note", [False, True])
@pytest.mark.parametrize("stem", [b"x" * 251, "ä".encode() * 125, b"\x80" * 251])
def test_the_longest_names_leave_room_for_number_and_note(tmp_path: Path, stem: bytes, note: bool) -> None:
    for _ in range(3):
        place = destination(tmp_path, stem + b".png", with_note=note)
        put(place, b"")
        if note:
            write_note(place, a_job(), Reason.EMPTY, "The file is empty.")

    assert len(os.listdir(tmp_path)) == (6 if note else 3)
    assert all(len(name) <= 255 for name in os.listdir(os.fsencode(tmp_path)))


@pytest.mark.parametrize("name", [b"1. " + b"w" * 250, b"Invoice nr. " + b"w" * 240])
def test_a_long_name_with_a_dot_near_its_beginning_finds_a_place(tmp_path: Path, name: bytes) -> None:
    place = destination(tmp_path, name, with_note=True)

    assert len(os.path.basename(place) + notes.NOTE) <= 255


# -- deleting, notes, tidying


def test_deleting_twice_is_no_fault_and_nobody_can_foresee_the_hidden_name(tmp_path: Path) -> None:
    root = os.fsencode(tmp_path)
    hidden = originals.hidden_beside(root, a_job(b"scan.png"))
    put(hidden.absolute, b"x")

    originals.delete(hidden)
    originals.delete(hidden)

    assert os.listdir(root) == []
    assert hidden.name.startswith(b".")
    assert hidden != originals.hidden_beside(root, a_job(b"scan.png"))
    assert originals.hidden_beside(root, a_job(b"a/b.png")).below == b"a"


def test_a_note_says_what_why_and_what_to_try(tmp_path: Path) -> None:
    place = os.fsencode(tmp_path / "scan.png")

    write_note(place, a_job(b"in\xffbox\n.png"), Reason.EMPTY, "The file is empty.")

    lines = read(place + notes.NOTE).decode("utf-8").splitlines()  # type: ignore[union-attr]
    assert lines == [
        "The file is empty.",
        "reason: empty",
        f"try: {REMEDIES[Reason.EMPTY]}",
        "file: in\\xffbox\\n.png",
    ]


def test_a_note_can_hold_any_detail(tmp_path: Path) -> None:
    place = os.fsencode(tmp_path / "scan.png")

    write_note(place, a_job(), Reason.DAMAGED, "odd \udcff name")

    assert read(place + notes.NOTE).startswith(b"odd \\udcff name\n")  # type: ignore[union-attr]


def test_a_note_is_written_once_however_often_a_crash_repeats_it(tmp_path: Path) -> None:
    place, note = os.fsencode(tmp_path / "scan.png"), tmp_path / "scan.png.error.txt"
    for left in (None, b"", b"The file is", b"The file is empty.\nreason: empty\n"):
        if left is not None:
            note.write_bytes(left)
        assert write_note(place, a_job(), Reason.EMPTY, "The file is empty.")
        assert note.read_bytes().endswith(b"file: scan.png\n")
    remove_note(place, a_job(), Reason.EMPTY, "The file is empty.")

    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("what", ["pipe", "link", "link to nothing", "folder", "file"])
def test_what_has_the_name_of_a_note_already_is_not_written_to(tmp_path: Path, what: str) -> None:
    private, note = tmp_path / "profile", tmp_path / "scan.png.error.txt"
    private.write_text("theirs")
    make = {"pipe": lambda: os.mkfifo(note), "link": lambda: note.symlink_to(private),
            "link to nothing": lambda: note.symlink_to(tmp_path / "new"), "folder": note.mkdir,
            "file": lambda: note.write_text("theirs")}  # fmt: skip
    make[what]()
    inode = os.lstat(note).st_ino

    assert not write_note(os.fsencode(tmp_path / "scan.png"), a_job(), Reason.EMPTY, "The file is empty.")
    remove_note(os.fsencode(tmp_path / "scan.png"), a_job(), Reason.EMPTY, "The file is empty.")

    assert (sorted(os.listdir(tmp_path)), private.read_text()) == (["profile", "scan.png.error.txt"], "theirs")
    assert os.lstat(note).st_ino == inode


def test_a_pipe_is_no_note(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.error.txt")
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        assert not notes.is_note(Entry(folder, b"a.error.txt"))
    finally:
        os.close(folder)


def test_only_empty_folders_of_our_own_making_are_tidied(tmp_path: Path) -> None:
    root = os.fsencode(tmp_path)
    made = set(durable.make_folder(root + b"/theirs/a/b"))
    made.discard(root + b"/theirs")

    originals.tidy(root, b"theirs/a/b", made)

    assert os.listdir(root) == [b"theirs"]
    assert os.listdir(root + b"/theirs") == []


def test_a_folder_in_use_and_the_root_stay(tmp_path: Path) -> None:
    root = os.fsencode(tmp_path)
    made = durable.make_folder(root + b"/a/b")
    put(root + b"/a/keep.png", b"x")

    originals.tidy(root, b"a/b", made)
    originals.tidy(root, b"", [root])

    assert os.listdir(root + b"/a") == [b"keep.png"]
