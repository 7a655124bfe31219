"""File events: a hint where to look, from the system where it can give them. It only collects paths.

A handler that raises kills watchdog's thread, and a dead emitter reports nothing: the handler does next to nothing,
and `alive` looks at the emitters themselves. FSEvents reports the disk's own spelling of a path (links followed, true
case); hints are given out under the inbox as the settings spell it.
"""

import importlib
import os
import sys
import threading
from collections.abc import Callable, Sequence

import psutil
from watchdog.events import (
    EVENT_TYPE_CLOSED_NO_WRITE,
    EVENT_TYPE_DELETED,
    EVENT_TYPE_MOVED,
    EVENT_TYPE_OPENED,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

from dropscribe.config.spelling import on_disk
from dropscribe.intake import ignore

# File systems whose events do not reach this machine, or only for what it does itself.
REMOTE = frozenset(
    ("9p", "afpfs", "cifs", "davfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "macfuse", "ncpfs", "nfs", "nfs4",
     "prl_fs", "smb3", "smbfs", "vboxsf", "virtiofs", "webdav")
)  # fmt: skip
MOST = 10_000  # paths between two looks; more means: scan everything


def _tell_folders_only() -> None:
    """Keep watchdog from listing every file of a folder that is moved in: we look through it ourselves."""
    # Only this system's own module: watchdog's for inotify raises an error of its own where libc lacks it (a Mac).
    library = sys.modules[Observer.__module__]
    for name in ("generate_sub_created_events", "generate_sub_moved_events"):
        if hasattr(library, name):
            setattr(library, name, lambda *paths: iter(()))


def _pair_no_moves() -> None:
    """Take the half second out of watchdog's pairing of moves on Linux.

    It holds back every event behind a file that is moved out, and moving originals out is what we do all day.
    """
    for module, name in (
        ("inotify_move_event_grouper", "InotifyMoveEventGrouper"),
        ("inotify_buffer", "InotifyBuffer"),
    ):
        try:
            getattr(importlib.import_module(f"watchdog.observers.{module}"), name).delay = 0.0
        except (ImportError, AttributeError):
            continue  # another version of watchdog, or another system


def named(event: FileSystemEvent) -> list[bytes]:
    """Return the paths that one event names; none for our own reading."""
    if event.event_type in (EVENT_TYPE_OPENED, EVENT_TYPE_CLOSED_NO_WRITE):
        return []
    paths = [os.fsencode(path) for path in (event.src_path, event.dest_path) if path]
    # A download that is over: the file beside it may be whole now.
    over = ignore.awaited(paths[0]) if paths and event.event_type in (EVENT_TYPE_DELETED, EVENT_TYPE_MOVED) else None
    return [*paths, over] if over is not None else paths


class EventBuffer(FileSystemEventHandler):
    """Collects the paths that events name; overflow is remembered as such."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._lock = threading.Lock()
        self._paths: dict[bytes, None] = {}
        self._overflow = False
        self._wake = wake

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Note the paths of one event (on watchdog's thread)."""
        self.add(named(event))

    def add(self, paths: Sequence[bytes]) -> None:
        """Note *paths* (on watchdog's thread)."""
        if not paths:
            return
        with self._lock:
            first = not self._paths
            self._paths.update(dict.fromkeys(paths))
            if len(self._paths) > MOST:
                self._paths.clear()
                self._overflow = True
        if first:
            self._wake()

    def take(self) -> tuple[list[bytes], bool]:
        """Return the paths since the last call, and whether there were too many to remember."""
        with self._lock:
            paths, overflow = list(self._paths), self._overflow
            self._paths.clear()
            self._overflow = False
        return paths, overflow


class _Respelled(FileSystemEventHandler):
    """Hands on the events of *root* under the name that the settings give it."""

    def __init__(self, root: str, buffer: EventBuffer) -> None:
        self._given, self._true = os.fsencode(root), os.fsencode(on_disk(root))
        self._buffer = buffer

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Note the paths of one event (on watchdog's thread)."""
        self._buffer.add([self._spell(path) for path in named(event)])

    def _spell(self, path: bytes) -> bytes:
        inside = path == self._true or path.startswith(self._true + b"/")
        return self._given + path[len(self._true) :] if inside else path


class Watch:
    """Native events for *root*, or none when polling is the better way."""

    def __init__(self, root: str, mode: str, paths: EventBuffer) -> None:
        self._observer: BaseObserver | None = None
        remote = file_system(os.path.realpath(root)) if mode == "auto" else None
        if mode == "poll":
            self.kind, self.why = "poll", "chosen in config.yaml"
        elif remote in REMOTE:
            self.kind, self.why = "poll", f"{root} is on {remote}, whose events do not reach this machine"
        else:
            self.kind, self.why = self._start(root, paths)

    def _start(self, root: str, paths: EventBuffer) -> tuple[str, str]:
        _tell_folders_only()
        if sys.platform == "linux":
            _pair_no_moves()
        observer = Observer()
        try:
            observer.schedule(_Respelled(root, paths), root, recursive=True)
            observer.start()
        except (OSError, SystemError) as error:  # inotify limits, a root that cannot be watched; FSEvents: SystemError
            observer.unschedule_all()
            why = getattr(error, "strerror", None) or error
            return "poll", f"the system gives no events for {root} ({why})"
        # A thread that reports more than ours can take waits, and piles up nothing.
        observer.event_queue.maxsize = MOST
        self._observer = observer
        return "native", "events of the system"

    @property
    def alive(self) -> bool:
        """Say whether events would still arrive."""
        observer = self._observer
        return observer is None or (observer.is_alive() and all(e.is_alive() for e in observer.emitters))

    def close(self) -> None:
        """Stop watching; may be called twice."""
        if self._observer is not None:
            queue = self._observer.event_queue
            with queue.mutex:
                queue.maxsize = sys.maxsize  # or a thread that waits for room would never hear of the end
                queue.not_full.notify_all()
            self._observer.stop()
            self._observer.join(5)
            self._observer = None


def file_system(path: str) -> str:
    """Return the type of the file system that holds *path*, as the system's mount table names it."""
    best, kind = "", ""
    for part in psutil.disk_partitions(all=True):
        mount = part.mountpoint.rstrip("/") + "/"
        if (path.rstrip("/") + "/").startswith(mount) and len(mount) > len(best):
            best, kind = mount, part.fstype.lower()
    return kind
