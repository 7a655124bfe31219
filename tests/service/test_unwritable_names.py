"""One name or sub-folder that a folder cannot hold: another spelling, or this one file fails; the queue goes on."""

import errno
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from dropscribe.core.job import State
from dropscribe.journal import schema
from dropscribe.journal.journal import Journal
from support.fakes import picture
from support.harness import Daemon, left, wait_for

NARROW = Path(__file__).parents[1] / "support" / "disks" / "libnarrow.c"
LONG = "x" * 180


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> str:
    if shutil.which("cc") is None:
        pytest.skip("no C compiler here")
    place = tmp_path_factory.mktemp("narrow") / "libnarrow.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", place, NARROW, "-ldl"], check=True)
    return str(place)


@pytest.fixture
def mounted() -> Iterator[Callable[..., Path]]:
    """Return how to mount something; it is gone after the test. Skips where that is not allowed."""
    places: list[Path] = []

    def mount(place: Path, *command: str | Path) -> Path:
        place.mkdir(parents=True, exist_ok=True)
        if os.geteuid() or subprocess.run([*command, place], check=False, capture_output=True).returncode:
            pytest.skip("mounting is not permitted here")
        places.append(place)
        return place

    yield mount
    for place in reversed(places):
        subprocess.run(["umount", "-l", place], check=True)


@pytest.fixture
def daemon(tmp_path: Path) -> Daemon:
    return Daemon(tmp_path, intake={"stable_for": "100ms", "incomplete_timeout": "200ms"})


def refuse(daemon: Daemon, library: str, folder: Path, names: int, error: int) -> None:
    """Let *folder* refuse names of more bytes than *names* with *error*."""
    daemon.environment |= {"LD_PRELOAD": library, "NARROW_FOLDER": str(folder), "NARROW_NAMES": str(names),
                           "NARROW_ERROR": str(error)}  # fmt: skip


def no_pause(daemon: Daemon) -> bool:
    return "the queue is paused" not in daemon.log() and "b'" not in daemon.log()


def test_signs_that_a_disk_refuses_are_spelled_otherwise(
    daemon: Daemon, tmp_path: Path, mounted: Callable[..., Path]
) -> None:
    if shutil.which("mkntfs") is None or shutil.which("ntfs-3g") is None:
        pytest.skip("needs ntfs-3g")
    (tmp_path / "image").write_bytes(b"")
    os.truncate(tmp_path / "image", 8 * 10**6)
    subprocess.run(["mkntfs", "-F", "-q", tmp_path / "image"], check=True, capture_output=True)
    stick = mounted(tmp_path / "stick", "ntfs-3g", "-o", "windows_names", tmp_path / "image")
    daemon.outbox, daemon.archive, daemon.failed = (stick / name for name in ("outbox", "archive", "failed"))
    daemon.settings["folders"] |= {name: str(stick / name) for name in ("outbox", "archive", "failed")}
    daemon.save()
    (daemon.inbox / "a: b").mkdir()
    texts = sorted(picture(daemon.inbox / name, n) for n, name in enumerate(["10:30 <x>.png", "a: b/c?.png", "d.png"]))
    (daemon.inbox / "a: b" / "bad|.png").write_bytes(b"no picture at all")

    assert daemon.once() == 1
    assert left(daemon.inbox) == [] and no_pause(daemon)
    assert sorted((daemon.outbox / name).read_text().strip() for name in left(daemon.outbox)) == texts
    assert len(left(daemon.archive)) == 3 and "d.png" in left(daemon.archive)
    place, note = left(daemon.failed)
    assert note == place + ".error.txt" and "file: a: b/bad|.png" in (daemon.failed / note).read_text()

    assert daemon.run("retry", "--all").returncode == 0
    assert left(daemon.inbox) == ["a: b/bad|.png"] and left(daemon.failed) == []


@pytest.mark.parametrize("which", ["outbox", "archive", "failed"])
def test_a_folder_that_holds_only_shorter_names_than_it_says_gets_shorter_ones(
    daemon: Daemon, library: str, which: str
) -> None:
    refuse(daemon, library, getattr(daemon, which), 143, errno.ENAMETOOLONG)
    (daemon.inbox / LONG).mkdir()
    texts = [picture(daemon.inbox / LONG / f"{LONG}{n}.png", n) for n in range(2)]
    (daemon.inbox / LONG / f"{LONG}.png").write_bytes(b"no picture at all")

    assert daemon.once() == 1
    assert left(daemon.inbox) == [] and no_pause(daemon)
    assert sorted((daemon.outbox / name).read_text().strip() for name in left(daemon.outbox)) == sorted(texts)
    assert len(left(daemon.archive)) == 2 and len(left(daemon.failed)) == 2
    assert all(len(part) <= 143 for name in left(getattr(daemon, which)) for part in Path(name).parts)


def test_a_name_in_no_spelling_fails_its_file_and_no_other(daemon: Daemon, library: str) -> None:
    refuse(daemon, library, daemon.outbox, 10, errno.EINVAL)
    picture(daemon.inbox / "a longer name.png", 1)
    text = picture(daemon.inbox / "short.png", 2)

    assert daemon.once() == 1
    assert left(daemon.inbox) == [] and no_pause(daemon)
    assert (daemon.outbox / "short.txt").read_text().strip() == text
    note = (daemon.failed / "a longer name.png.error.txt").read_text()
    assert "reason: unwritable-name" in note and str(daemon.outbox) in note and "Invalid argument" in note


def test_a_failed_folder_that_holds_no_name_at_all_leaves_the_file_and_lets_the_model_go(
    daemon: Daemon, library: str
) -> None:
    refuse(daemon, library, daemon.failed, 0, errno.EINVAL)
    daemon.change(model={"idle_timeout": "200ms"})
    (daemon.inbox / "bad.png").write_bytes(b"no picture at all")
    text = picture(daemon.inbox / "good.png")

    assert daemon.once() == 1
    assert left(daemon.inbox) == ["bad.png"] and no_pause(daemon)
    assert (daemon.outbox / "good.txt").read_text().strip() == text
    with daemon.start():
        status = daemon.wait_status(lambda s: s["queue"]["archive_error"], "it says what it waits for")
        assert f"{daemon.failed}/" in status["queue"]["archive_error"] and not status["queue"]["paused"]
        assert daemon.status()["model"]["state"] == "cold"


def test_an_outbox_that_lets_itself_be_looked_at_and_not_written_is_waited_for_longer_each_time(
    daemon: Daemon, library: str
) -> None:
    refuse(daemon, library, daemon.outbox, 0, errno.EIO)
    journal = str(daemon.state / "journal.db")
    with daemon.start():
        picture(daemon.inbox / "scan.png")
        wait_for(lambda: claims(journal) >= 2, "it is tried again")
        status = daemon.wait_status(lambda s: s["queue"]["queued"] == 1, "it is put back")
    assert status["queue"]["paused_reason"].startswith(f"outbox-missing: {daemon.outbox}")
    assert (daemon.log().count("the queue is paused"), daemon.log().count("the queue is resumed")) == (1, 0)


def claims(path: str) -> int:
    """Return how often the first job has been claimed."""
    with closing(Journal.read_only(schema.open_to_look(path), path)) as journal:
        return max((job.claim for state in ("queued", "running") for job in journal.in_state(State(state))), default=0)


@pytest.mark.parametrize("options", ["rw", "ro"])
def test_a_sub_folder_on_another_disk_is_used_unless_it_cannot_be_written(
    daemon: Daemon, mounted: Callable[..., Path], options: str
) -> None:
    for root in (daemon.outbox, daemon.archive):
        mounted(root / "sub", "mount", "-t", "tmpfs", "-o", f"size=2m,{options}", "tmpfs")
    text = picture(daemon.inbox / "sub" / "scan.png") if (daemon.inbox / "sub").mkdir() is None else ""

    assert daemon.once() == 0
    folder = "sub" if options == "rw" else "sub (2)"
    assert left(daemon.outbox) == [f"{folder}/scan.txt"] and left(daemon.archive) == [f"{folder}/scan.png"]
    assert (daemon.outbox / folder / "scan.txt").read_text().strip() == text
    assert left(daemon.inbox) == [] and no_pause(daemon)
