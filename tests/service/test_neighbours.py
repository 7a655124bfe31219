"""Folders that others can write to: each attack is carried out, and nothing of anybody's is touched."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest

from support.fakes import picture
from support.harness import Daemon, left

NOBODY = 65534


@pytest.fixture
def private(tmp_path: Path) -> Path:
    """Return a folder that is none of the daemon's business, with a file and a folder in it."""
    folder = tmp_path / "private"
    (folder / "deep").mkdir(parents=True)
    (folder / "profile").write_text("theirs")
    return folder


def untouched(folder: Path) -> bool:
    return left(folder) == ["profile"] and (folder / "profile").read_text() == "theirs" and (folder / "deep").is_dir()


@pytest.fixture
def daemon(tmp_path: Path) -> Daemon:
    made = Daemon(tmp_path, intake={"stable_for": "100ms", "incomplete_timeout": "200ms"})
    for folder in (made.outbox, made.archive, made.failed):
        folder.mkdir()
    return made


def drop(daemon: Daemon) -> str:
    """Drop a good and a bad file, each in a sub-folder; return the good one's text."""
    (daemon.inbox / "sub").mkdir()
    (daemon.inbox / "sub" / "bad.png").write_bytes(b"no picture at all")
    return picture(daemon.inbox / "sub" / "good.png")


def check_all_is_there(daemon: Daemon, text: str) -> None:
    """Each file has one text or one note, and lies in one place, whatever it is called there."""
    texts = [name for name in left(daemon.outbox) if name.endswith(".txt") and (daemon.outbox / name).is_file()]
    assert text in [(daemon.outbox / name).read_text().strip() for name in texts]
    assert [n for n in left(daemon.archive) if "good" in n and (daemon.archive / n).is_file()] != []
    notes = [n for n in left(daemon.failed) if n.endswith(".error.txt") and (daemon.failed / n).is_file()]
    assert any("reason: not-an-image" in (daemon.failed / n).read_text() for n in notes)
    assert left(daemon.inbox) == []
    assert list((daemon.state / "temporary").iterdir()) == [] and list((daemon.state / "staged").iterdir()) == []


def test_staging_made_beforehand_is_not_used(daemon: Daemon, private: Path) -> None:
    for number in range(1, 4):
        for root in (daemon.outbox / ".dropscribe", daemon.outbox / ".dropscribe-staged"):
            (root / f"{number}-1").mkdir(parents=True)
            (root / f"{number}-1" / "out.txt").symlink_to(private / "profile")
    text = drop(daemon)
    before = sorted(daemon.outbox.rglob("*"))

    assert daemon.once() == 1
    check_all_is_there(daemon, text)
    assert untouched(private)
    assert set(before) <= set(daemon.outbox.rglob("*")), "what is a stranger's stays"


@pytest.mark.parametrize("stem", ["../../home/x", "x"])
def test_a_manifest_that_others_can_write_is_none(daemon: Daemon, tmp_path: Path, private: Path, stem: str) -> None:
    staged = daemon.outbox / ".dropscribe" / "9-9"
    staged.mkdir(parents=True)
    (tmp_path / "home").mkdir()
    (staged / "out.plist").write_text("a stranger's program")
    inode = os.stat(staged / "out.plist").st_ino
    values = {"job": 9, "path": "a.png", "stem": stem, "files": {".plist": inode}, "seconds": 1.0, "review": False,
              "signature": {"size": 1, "mtime_ns": 1, "inode": 1, "device": 1}}  # fmt: skip
    (staged / "manifest.json").write_text(json.dumps(values))
    text = drop(daemon)

    assert daemon.once() == 1
    check_all_is_there(daemon, text)
    assert list((tmp_path / "home").iterdir()) == [] and not (daemon.outbox / "x.plist").exists()
    assert (staged / "out.plist").read_text() == "a stranger's program"


def test_nothing_behind_a_link_is_swept(daemon: Daemon, private: Path) -> None:
    (daemon.outbox / ".dropscribe").symlink_to(private)
    (daemon.outbox / ".dropscribe-1").symlink_to(private)
    (daemon.failed / ".dropscribe").symlink_to(private)
    text = drop(daemon)

    assert daemon.once() == 1
    check_all_is_there(daemon, text)
    assert untouched(private) and (daemon.outbox / ".dropscribe").is_symlink()


@pytest.mark.parametrize("which", ["outbox", "archive", "failed"])
def test_a_linked_sub_folder_is_not_followed(daemon: Daemon, private: Path, which: str) -> None:
    (getattr(daemon, which) / "sub").symlink_to(private)
    text = drop(daemon)

    assert daemon.once() == 1
    check_all_is_there(daemon, text)
    assert untouched(private)
    assert any(name.startswith("sub (2)/") for name in left(getattr(daemon, which)))


@pytest.mark.skipif(os.geteuid() != 0, reason="a second user takes root")
def test_another_users_sub_folder_in_a_folder_like_tmp_is_passed_by(daemon: Daemon) -> None:
    for root in (daemon.outbox, daemon.archive, daemon.failed):
        (root / "sub").mkdir()
        os.chown(root / "sub", NOBODY, NOBODY)
        root.chmod(0o1777)
    text = drop(daemon)

    assert daemon.once() == 1
    check_all_is_there(daemon, text)
    assert all(list((root / "sub").iterdir()) == [] for root in (daemon.outbox, daemon.archive, daemon.failed))


@pytest.mark.parametrize("private_bits", [0o077, 0o007])
def test_an_agents_text_is_as_readable_as_its_picture_and_no_more(daemon: Daemon, private_bits: int) -> None:
    (daemon.inbox / "closed").mkdir()
    (daemon.inbox / "closed").chmod(0o777 & ~private_bits)
    for name in ("open.png", "own.png", "closed/in.png"):
        picture(daemon.inbox / name)
    (daemon.inbox / "open.png").chmod(0o644)
    (daemon.inbox / "own.png").chmod(0o644 & ~private_bits)
    old = os.umask(0o022)
    try:
        daemon.start("--agent")
    finally:
        os.umask(old)
    with daemon:
        daemon.wait_quiet()

    found = {n: (daemon.outbox / n).stat().st_mode & 0o777 for n in ("open.txt", "own.txt", "closed")}
    assert found == {"open.txt": 0o644, "own.txt": 0o644 & ~private_bits, "closed": 0o755 & ~private_bits}
    assert (daemon.archive / "closed").stat().st_mode & private_bits == 0
    assert daemon.state.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("kind", ["pipe", "link", "folder"])
def test_whatever_has_the_name_of_a_note_a_text_or_an_original_hangs_nothing(
    daemon: Daemon, private: Path, kind: str
) -> None:
    make: dict[str, Callable[[Path], None]] = {
        "pipe": os.mkfifo, "folder": Path.mkdir, "link": lambda p: p.symlink_to(private / "profile"),
    }  # fmt: skip
    for root, names in (
        (daemon.outbox, ["good.txt", "good (2).txt"]), (daemon.archive, ["good.png"]),
        (daemon.failed, ["bad.png.error.txt", "bad (2).png"]),
    ):  # fmt: skip
        (root / "sub").mkdir()
        for name in names:
            make[kind](root / "sub" / name)
    make[kind](daemon.failed / "other.png.error.txt")
    text = drop(daemon)

    assert daemon.once() == 1
    check_all_is_there(daemon, text)
    assert untouched(private)

    assert daemon.run("retry", "--all").returncode in (0, 1)
    assert "bad.png" in " ".join(left(daemon.inbox))


def test_the_private_folder_with_pipes_for_manifests_and_records_starts_all_the_same(daemon: Daemon) -> None:
    for folder in ("staged/1-1-x", "temporary"):
        (daemon.state / folder).mkdir(parents=True)
    os.mkfifo(daemon.state / "staged" / "1-1-x" / "manifest.json")
    os.mkfifo(daemon.state / "temporary" / ".dropscribe-1")
    text = picture(daemon.inbox / "good.png")

    assert daemon.once() == 0
    assert (daemon.outbox / "good.txt").read_text().strip() == text


@contextmanager
def swapping(folders: list[Path], private: Path) -> Iterator[None]:
    """Exchange each of *folders* for a link and back, over and over."""
    over = threading.Event()

    def swap() -> None:
        while not over.is_set():
            for folder in folders:
                away = folder.with_name(folder.name + ".away")
                for step in (
                    partial(os.rename, folder, away), partial(os.symlink, private, folder),
                    partial(os.unlink, folder), partial(os.rename, away, folder),
                ):  # fmt: skip
                    with suppress(OSError):  # the daemon may have made the folder anew meanwhile
                        step()

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_folders_that_are_exchanged_for_links_in_a_loop_lead_nowhere_else(daemon: Daemon, private: Path) -> None:
    shared = [root / "sub" for root in (daemon.outbox, daemon.archive, daemon.failed)]
    for folder in shared:
        folder.mkdir()
    (daemon.inbox / "sub").mkdir()
    texts = sorted(picture(daemon.inbox / "sub" / f"{n}.png", n) for n in range(12))
    for n in range(6):
        (daemon.inbox / "sub" / f"bad{n}.png").write_bytes(b"no picture at all")
    with swapping(shared, private):
        daemon.once(60)
    assert untouched(private)

    daemon.once(60)
    found = [p for p in daemon.outbox.rglob("*.txt") if p.is_file()]
    assert sorted(p.read_text().strip() for p in found) == texts
    assert untouched(private) and left(daemon.inbox) == []
    assert sum(name.endswith(".error.txt") for name in left(daemon.failed)) == 6
