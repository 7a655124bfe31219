"""Events of the system are heard from every corner of the inbox, and silence is noticed."""

import os
import select
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from watchdog.events import (
    DirCreatedEvent,
    FileClosedNoWriteEvent,
    FileCreatedEvent,
    FileMovedEvent,
    FileOpenedEvent,
    FileSystemEvent,
)

from dropscribe.intake.events import MOST, REMOTE, EventBuffer, Watch, file_system

DEADLINE = 20.0


class Ears:
    """Hints that can be waited for."""

    def __init__(self) -> None:
        self.woken = threading.Event()
        self.buffer = EventBuffer(self.woken.set)
        self.heard: set[bytes] = set()

    def wait_for(self, *paths: bytes) -> None:
        end = time.monotonic() + DEADLINE
        while not self.heard.issuperset(paths):
            assert self.woken.wait(end - time.monotonic()), f"heard only {self.heard}"
            self.woken.clear()
            self.heard.update(self.buffer.take()[0])


def until(true: Callable[[], bool]) -> None:
    """Wait for a condition that nothing announces."""
    end = time.monotonic() + DEADLINE
    while not true():
        assert time.monotonic() < end
        select.select([], [], [], 0.02)


@pytest.fixture
def root(tmp_path: Path) -> bytes:
    (tmp_path / "inbox").mkdir()
    return os.fsencode(tmp_path / "inbox")


@pytest.fixture
def ears() -> Ears:
    return Ears()


@pytest.fixture
def watch(root: bytes, ears: Ears) -> Iterator[Watch]:
    made = Watch(os.fsdecode(root), "native", ears.buffer)
    assert made.kind == "native"
    yield made
    made.close()


def put(path: bytes) -> bytes:
    with open(path, "wb") as file:
        file.write(b"x")
    return path


# -- the system's events


@pytest.mark.parametrize("name", [b"a.png", b"\xff\xfe.png", b"new\nline.png", "日 ä.png".encode()])
def test_a_new_file_is_heard_under_its_very_name(watch: Watch, root: bytes, ears: Ears, name: bytes) -> None:
    ears.wait_for(put(os.path.join(root, name)))


def test_a_file_moved_in_from_elsewhere_is_heard(watch: Watch, root: bytes, ears: Ears, tmp_path: Path) -> None:
    outside = put(os.fsencode(tmp_path / "outside.png"))

    os.rename(outside, root + b"/in.png")

    ears.wait_for(root + b"/in.png")


def test_both_names_of_a_renamed_file_are_heard(watch: Watch, root: bytes, ears: Ears) -> None:
    put(root + b"/a.png.part")
    os.rename(root + b"/a.png.part", root + b"/a.png")

    ears.wait_for(root + b"/a.png.part", root + b"/a.png")


def test_more_content_and_deletion_are_heard(watch: Watch, root: bytes, ears: Ears) -> None:
    ears.wait_for(put(root + b"/a.png"))
    ears.heard.clear()
    with open(root + b"/a.png", "ab") as file:
        file.write(b"more")
    ears.wait_for(root + b"/a.png")
    ears.heard.clear()
    os.unlink(root + b"/a.png")
    ears.wait_for(root + b"/a.png")


def test_folders_made_later_are_watched_too(watch: Watch, root: bytes, ears: Ears) -> None:
    os.mkdir(root + b"/sub")
    ears.wait_for(root + b"/sub")
    os.makedirs(root + b"/sub/deep/deeper")
    ears.wait_for(root + b"/sub/deep")
    put(root + b"/sub/deep/deeper/a.png")

    ears.wait_for(root + b"/sub/deep/deeper/a.png")


def test_a_folder_moved_in_is_heard_and_watched(watch: Watch, root: bytes, ears: Ears, tmp_path: Path) -> None:
    (tmp_path / "batch" / "inner").mkdir(parents=True)
    put(os.fsencode(tmp_path / "batch" / "inner" / "a.png"))

    os.rename(os.fsencode(tmp_path / "batch"), root + b"/batch")
    ears.wait_for(root + b"/batch")

    put(root + b"/batch/inner/b.png")
    ears.wait_for(root + b"/batch/inner/b.png")


def test_reading_a_file_is_not_heard(watch: Watch, root: bytes, ears: Ears) -> None:
    ears.wait_for(put(root + b"/a.png"))
    put(root + b"/mark1")
    ears.wait_for(root + b"/mark1")
    ears.heard.clear()
    with open(root + b"/a.png", "rb") as file:
        file.read()

    put(root + b"/mark2")
    ears.wait_for(root + b"/mark2")
    assert root + b"/a.png" not in ears.heard


def test_a_removed_inbox_ends_the_watch_and_that_is_noticed(watch: Watch, root: bytes) -> None:
    assert watch.alive

    shutil.rmtree(root)

    until(lambda: not watch.alive)


def test_a_closed_watch_hears_nothing_more_and_may_be_closed_again(watch: Watch, root: bytes, ears: Ears) -> None:
    watch.close()
    watch.close()
    ears.buffer.take()
    put(root + b"/a.png")

    assert ears.buffer.take() == ([], False)
    assert watch.alive


# -- polling


def test_an_inbox_that_cannot_be_watched_is_polled_with_the_reason(tmp_path: Path, ears: Ears) -> None:
    watch = Watch(str(tmp_path / "none"), "native", ears.buffer)

    assert watch.kind == "poll" and str(tmp_path / "none") in watch.why
    assert watch.alive
    watch.close()


def test_polling_can_be_chosen(root: bytes, ears: Ears) -> None:
    watch = Watch(os.fsdecode(root), "poll", ears.buffer)

    assert (watch.kind, watch.why, watch.alive) == ("poll", "chosen in config.yaml", True)
    watch.close()


def test_a_local_disk_is_watched_by_itself(root: bytes, ears: Ears) -> None:
    if file_system(os.fsdecode(root)) in REMOTE:
        pytest.skip("the temporary folder is on a network drive")
    watch = Watch(os.fsdecode(root), "auto", ears.buffer)

    assert watch.kind == "native"
    watch.close()


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="no /proc")
def test_the_nearest_mount_tells_the_file_system() -> None:
    assert file_system("/proc/self") == file_system("/proc/") == "proc"
    assert file_system("/procession") == file_system("/") != "proc"


# -- the handler


def test_each_path_is_told_once_in_order_until_taken() -> None:
    woken: list[int] = []
    buffer = EventBuffer(lambda: woken.append(1))
    for name in ("/b", "/a", "/b"):
        buffer.on_any_event(FileCreatedEvent(name))

    assert buffer.take() == ([b"/b", b"/a"], False)
    assert buffer.take() == ([], False)
    assert len(woken) == 1

    buffer.on_any_event(FileMovedEvent("/c", "/d"))
    assert (buffer.take(), len(woken)) == (([b"/c", b"/d"], False), 2)


@pytest.mark.parametrize(
    "event",
    [
        FileCreatedEvent(b"/bytes\xff"), FileCreatedEvent("/text\udcff"), FileCreatedEvent(""),
        FileMovedEvent("/a", ""),
        FileMovedEvent("", "/b"), DirCreatedEvent("/d"), FileCreatedEvent(b""),
    ],
)  # fmt: skip
def test_the_handler_never_raises(event: FileSystemEvent) -> None:
    buffer = EventBuffer(lambda: None)

    buffer.dispatch(event)

    assert all(isinstance(path, bytes) and path for path in buffer.take()[0])


def test_our_own_reading_is_no_hint() -> None:
    buffer = EventBuffer(lambda: None)
    buffer.on_any_event(FileOpenedEvent("/a"))
    buffer.on_any_event(FileClosedNoWriteEvent("/a"))

    assert buffer.take() == ([], False)


def test_too_many_paths_become_one_order_to_look_at_everything() -> None:
    buffer = EventBuffer(lambda: None)
    for number in range(MOST):
        buffer.on_any_event(FileCreatedEvent(f"/{number}"))
    paths, overflow = buffer.take()
    assert (len(paths), overflow) == (MOST, False)

    for number in range(3 * MOST):
        buffer.on_any_event(FileCreatedEvent(f"/{number}"))
    paths, overflow = buffer.take()
    assert overflow and len(paths) <= MOST
    assert buffer.take() == ([], False)


def test_events_from_a_thread_are_neither_lost_nor_doubled_while_hints_are_taken() -> None:
    buffer, got = EventBuffer(lambda: None), list[bytes]()

    def speak() -> None:
        for number in range(5000):
            buffer.on_any_event(FileCreatedEvent(f"/{number}"))

    source = threading.Thread(target=speak)
    source.start()
    while source.is_alive():
        got += buffer.take()[0]
    source.join()
    got += buffer.take()[0]

    assert sorted(got) == sorted(b"/%d" % n for n in range(5000))
