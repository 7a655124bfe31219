"""An original finds a free place with room for its note, and what is left behind is tidied up."""

import os
from pathlib import Path

import pytest

from dropscribe.core.errors import REMEDIES, Reason
from dropscribe.core.job import Job, Signature, State
from dropscribe.files import durable, originals
from support.byte_files import put, read


def a_job(path: bytes = b"scan.png", **values: object) -> Job:
    given: dict[str, object] = dict.fromkeys(("stem", "destination", "reason", "detail", "seconds"))
    given |= {"id": 7, "path": path, "signature": Signature(1, 2, 3, 4), "since": 0.0, "state": State.REJECTED}
    given |= {"claim": 1, "rank": 0, "outputs": (), "attempts": 0, "deaths": 0, "interruptions": 0, "pressure_stops": 0}
    return Job(**{**given, **values})  # type: ignore[arg-type]


# -- choosing a place


def test_a_free_destination_keeps_the_path_below_the_folder(tmp_path: Path) -> None:
    place = originals.destination(str(tmp_path), b"sub/d\xfft/scan\n1.png", with_note=False)

    assert place == os.fsencode(tmp_path) + b"/sub/d\xfft/scan\n1.png"


def test_a_taken_destination_is_numbered_before_its_ending(tmp_path: Path) -> None:
    for name in ("scan.png", "scan (2).png"):
        (tmp_path / name).touch()
    (tmp_path / "scan (3).png").symlink_to("nowhere")

    assert originals.destination(str(tmp_path), b"scan.png", with_note=False).endswith(b"/scan (4).png")


def test_a_failed_file_is_never_put_beside_the_note_of_another(tmp_path: Path) -> None:
    (tmp_path / "scan.png.error.txt").touch()

    assert originals.destination(str(tmp_path), b"scan.png", with_note=True).endswith(b"/scan (2).png")
    assert originals.destination(str(tmp_path), b"scan.png", with_note=False).endswith(b"/scan.png")


@pytest.mark.parametrize("note", [False, True])
@pytest.mark.parametrize("stem", [b"x" * 251, "ä".encode() * 125, b"\x80" * 251])
def test_the_longest_names_leave_room_for_number_and_note(tmp_path: Path, stem: bytes, note: bool) -> None:
    for _ in range(3):
        place = originals.destination(str(tmp_path), stem + b".png", with_note=note)
        put(place, b"")
        if note:
            originals.write_note(place, a_job(), Reason.EMPTY, "The file is empty.")

    assert len(os.listdir(tmp_path)) == (6 if note else 3)
    assert all(len(name) <= 255 for name in os.listdir(os.fsencode(tmp_path)))


@pytest.mark.parametrize("name", [b"1. " + b"w" * 250, b"Invoice nr. " + b"w" * 240])
def test_a_long_name_with_a_dot_near_its_beginning_finds_a_place(tmp_path: Path, name: bytes) -> None:
    place = originals.destination(str(tmp_path), name, with_note=True)

    assert len(os.path.basename(place) + originals.NOTE) <= 255


# -- deleting, notes, tidying


def test_deleting_twice_is_no_fault_and_hidden_names_differ_by_job(tmp_path: Path) -> None:
    root = os.fsencode(tmp_path)
    hidden = originals.hidden_beside(root, a_job(b"scan.png"))
    put(hidden, b"x")

    originals.delete(hidden)
    originals.delete(hidden)

    assert os.listdir(root) == []
    assert os.path.basename(hidden).startswith(b".")
    assert hidden != originals.hidden_beside(root, a_job(b"scan.png", id=8))
    assert os.path.dirname(originals.hidden_beside(root, a_job(b"a/b.png"))) == root + b"/a"


def test_a_note_says_what_why_and_what_to_try(tmp_path: Path) -> None:
    place = os.fsencode(tmp_path / "scan.png")

    originals.write_note(place, a_job(b"in\xffbox\n.png"), Reason.EMPTY, "The file is empty.")

    lines = read(place + originals.NOTE).decode("utf-8").splitlines()  # type: ignore[union-attr]
    assert lines == [
        "The file is empty.",
        "reason: empty",
        f"try: {REMEDIES[Reason.EMPTY]}",
        "file: in\\xffbox\\n.png",
    ]


def test_a_note_can_hold_any_detail(tmp_path: Path) -> None:
    place = os.fsencode(tmp_path / "scan.png")

    originals.write_note(place, a_job(), Reason.DAMAGED, "odd \udcff name")

    assert read(place + originals.NOTE).startswith(b"odd \\udcff name\n")  # type: ignore[union-attr]


def test_only_empty_folders_of_our_own_making_are_tidied(tmp_path: Path) -> None:
    root = os.fsencode(tmp_path)
    made = set(durable.make_folder(root + b"/theirs/a/b"))
    made.discard(root + b"/theirs")

    originals.tidy(root + b"/theirs/a/b", root, made)

    assert os.listdir(root) == [b"theirs"]
    assert os.listdir(root + b"/theirs") == []


def test_a_folder_in_use_and_the_root_stay(tmp_path: Path) -> None:
    root = os.fsencode(tmp_path)
    made = durable.make_folder(root + b"/a/b")
    put(root + b"/a/keep.png", b"x")

    originals.tidy(root + b"/a/b", root, made)
    originals.tidy(root, root, [root])

    assert os.listdir(root + b"/a") == [b"keep.png"]
