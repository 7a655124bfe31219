"""Looking at the inbox: one path or all of it, in slices. Runs on the disk thread; decides nothing."""

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from dropscribe.core import file_types
from dropscribe.core.errors import SHORTAGE
from dropscribe.core.job import Signature
from dropscribe.intake import ignore

SLICE = 500  # entries looked at in one go
DATALESS = 0x40000000  # SF_DATALESS of <sys/stat.h>: the file is in the cloud, reading would fetch it (macOS)
_BUSY = {errno.EBUSY, errno.ETXTBSY, errno.EAGAIN, errno.EDEADLK, errno.ETIMEDOUT}


class Obstacle(StrEnum):
    """Why a file that lies there cannot be taken as it is."""

    EMPTY = "empty"
    UNWANTED = "unwanted"  # neither its name nor its content is a picture's
    PERMISSION = "permission"
    LOCK = "lock"
    CLOUD = "cloud"


@dataclass(frozen=True, slots=True)
class FileInfo:
    """What one look at a path found; no signature means that there is no regular file."""

    path: bytes
    signature: Signature | None
    obstacle: Obstacle | None = None
    folder: bool = False
    probed: bool = False  # it was opened too: only then may it become a job


def at(root: bytes, paths: Sequence[bytes], *, probe: bool) -> list[FileInfo]:
    """Look at *paths* below *root*; with *probe* also open each to see whether and what it can be read as."""
    return [_at(root, path, probe=probe) for path in paths]


def _at(root: bytes, path: bytes, *, probe: bool) -> FileInfo:
    full = os.path.join(root, path)
    try:
        found = os.lstat(full)
    except PermissionError:
        return FileInfo(path, None)
    except OSError:
        return FileInfo(path, None)  # vanished, or a parent is no folder any more
    if not stat.S_ISREG(found.st_mode):
        return FileInfo(path, None, folder=stat.S_ISDIR(found.st_mode))
    signature = Signature.of(found)
    if getattr(found, "st_flags", 0) & DATALESS:
        return FileInfo(path, signature, Obstacle.CLOUD)
    if found.st_size == 0:
        return FileInfo(path, signature, Obstacle.EMPTY)
    return FileInfo(path, signature, _probe(full, path, signature) if probe else None, probed=probe)


def _probe(full: bytes, path: bytes, signature: Signature) -> Obstacle | None:
    """Open the file as a reader would: never a link, never something that blocks."""
    try:
        handle = os.open(full, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in SHORTAGE:
            raise
        return Obstacle.LOCK if error.errno in _BUSY else Obstacle.PERMISSION
    try:
        if not Signature.of(os.fstat(handle)).same_file(signature):
            return Obstacle.LOCK  # replaced this very moment; the next look tells
        head = os.read(handle, file_types.HEAD)
    except OSError as error:
        return Obstacle.CLOUD if error.errno == errno.EDEADLK else Obstacle.LOCK
    finally:
        os.close(handle)
    wanted = file_types.wanted_name(os.path.basename(path)) or file_types.media_type(head) is not None
    return None if wanted else Obstacle.UNWANTED


@dataclass(frozen=True)
class Slice:
    """A part of a scan: the files in it, and whether the scan is over."""

    infos: list[FileInfo]
    last: bool
    faults: int = 0  # folders that could not be listed


class Scan:
    """Walks a folder below *root* without following links, a slice at a time."""

    def __init__(self, root: bytes, folder: bytes, patterns: Sequence[str]) -> None:
        self._root, self._patterns = root, patterns
        self.folder = folder
        self._faults = 0
        self._walk = self._files(folder)

    def step(self) -> Slice:
        """Return the next slice; raise `OSError` when the folder itself cannot be listed."""
        infos = []
        for look in self._walk:
            infos.append(look)
            if len(infos) >= SLICE:
                return Slice(infos, last=False, faults=self._faults)
        return Slice(infos, last=True, faults=self._faults)

    def _files(self, folder: bytes) -> Iterator[FileInfo]:
        pending = [folder]
        while pending:
            current = pending.pop()
            try:
                entries = os.scandir(os.path.join(self._root, current))
            except OSError:
                if current == self.folder:
                    raise
                self._faults += 1
                continue
            with entries:
                yield from self._entries(current, entries, pending)

    def _entries(
        self, current: bytes, entries: Iterator[os.DirEntry[bytes]], pending: list[bytes]
    ) -> Iterator[FileInfo]:
        for entry in entries:
            path = os.path.join(current, entry.name)
            try:
                if entry.is_dir(follow_symlinks=False):
                    if ignore.wanted_folder(entry.name):
                        pending.append(path)
                elif entry.is_file(follow_symlinks=False) and not ignore.ignored(path, self._patterns):
                    yield _at(self._root, path, probe=False)
            except OSError:
                self._faults += 1


def root_identity(root: bytes) -> tuple[int, int] | None:
    """Return (device, inode) of the inbox itself, or None while it cannot be seen or listed.

    Raises `OSError` where the machine lacks what it takes to look: that says nothing of the inbox.
    """
    try:
        found = os.stat(root)
        os.close(os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
    except OSError as error:
        if error.errno in SHORTAGE:
            raise
        return None
    return found.st_dev, found.st_ino & (2**63 - 1)
