"""Looking at the inbox: one path or all of it, in slices. Runs on the disk thread; decides nothing."""

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum

from dropscribe.core import file_types
from dropscribe.core.errors import SHORTAGE
from dropscribe.core.job import Signature
from dropscribe.files import regular
from dropscribe.intake import ignore, left_alone, opening, writers
from dropscribe.intake.opening import Folder
from dropscribe.intake.trust import Trust

SLICE = 500  # entries looked at in one go
DATALESS = 0x40000000  # SF_DATALESS of <sys/stat.h>: the file is in the cloud, reading would fetch it (macOS)
_BUSY = {errno.EBUSY, errno.ETXTBSY, errno.EAGAIN, errno.EDEADLK, errno.ETIMEDOUT}


class Obstacle(StrEnum):
    """Why a file that lies there cannot be taken as it is."""

    EMPTY = "empty"
    UNWANTED = "unwanted"  # neither its name nor its content is a picture's
    PERMISSION = "permission"
    UNTRUSTED = "untrusted"  # somebody who may write to the folder may have linked another's file there
    WRITER = "writer"  # somebody still writes to it
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
    strange: str | None = None  # what lies there instead of a file or a folder, for people (see `left_alone`)


@dataclass(frozen=True)
class Rules:
    """By what a file that is opened is judged.

    Whose it may be, on which device its writers can be asked for, and whether its folder is listed for downloads.
    """

    trust: Trust = field(default_factory=Trust)
    device: int | None = None
    downloads: bool = True


def at(root: bytes, paths: Sequence[bytes], *, probe: bool, rules: Rules | None = None) -> list[FileInfo]:
    """Look at *paths* below *root*, in their order; with *probe* also open each, as a reader would.

    Raises `OSError` where the machine lacks what it takes to look: that says nothing of the files.
    """
    found: dict[bytes, FileInfo] = {}
    for below in dict.fromkeys(os.path.dirname(path) for path in paths):
        here = [path for path in paths if os.path.dirname(path) == below]
        try:
            with opening.folder(root, below) as folder:
                look = _Look(folder, rules or Rules()) if probe else None
                found.update((path, _at(folder, path, look)) for path in here)
        except OSError as error:
            if error.errno in SHORTAGE:
                raise
            continue  # vanished, a link, or no folder any more
    return [found.get(path) or FileInfo(path, None) for path in paths]


def _at(folder: Folder, path: bytes, look: "_Look | None") -> FileInfo:
    name = os.path.basename(path)
    try:
        found = folder.look(name)
    except OSError:
        return FileInfo(path, None)
    if stat.S_ISDIR(found.st_mode):
        return FileInfo(path, None, folder=True)
    if not stat.S_ISREG(found.st_mode):
        told = ignore.wanted_folder(name)  # links that a system made for itself are not
        return FileInfo(path, None, strange=left_alone.kind(found.st_mode) if told else None)
    signature = Signature.of(found)
    if getattr(found, "st_flags", 0) & DATALESS:
        return FileInfo(path, signature, Obstacle.CLOUD)
    return FileInfo(path, signature, look.probed(name, signature) if look else None, probed=look is not None)


class _Look:
    """Opens files of one folder as a reader would, to see whether they are whole, wanted, and may be taken."""

    def __init__(self, folder: Folder, rules: Rules) -> None:
        self._folder, self._rules = folder, rules
        self._downloads: list[bytes] | None = None

    def probed(self, name: bytes, signature: Signature) -> Obstacle | None:
        """Return what keeps the file *name* from being taken, or None."""
        try:
            with regular.opened(name, self._folder.descriptor) as handle:
                return self._judged(handle, name, signature)
        except OSError as error:
            if error.errno in SHORTAGE:
                raise
            if error.errno == errno.EDEADLK:
                return Obstacle.CLOUD
            return Obstacle.LOCK if error.errno in _BUSY else Obstacle.PERMISSION

    def _judged(self, handle: int, name: bytes, signature: Signature) -> Obstacle | None:
        found = os.fstat(handle)
        if not Signature.of(found).same_file(signature):
            return Obstacle.LOCK  # replaced this very moment; the next look tells
        if not self._rules.trust.accepts(found, self._folder.inbox_owner) and self._folder.shared:
            return Obstacle.UNTRUSTED
        if self._has_writer(handle, name, found):
            return Obstacle.WRITER
        try:
            return _content(handle, name) if found.st_size else Obstacle.EMPTY
        except OSError as error:
            return Obstacle.CLOUD if error.errno == errno.EDEADLK else Obstacle.LOCK

    def _has_writer(self, handle: int, name: bytes, found: os.stat_result) -> bool:
        if found.st_dev == self._rules.device and writers.writing(handle):
            return True
        if not self._rules.downloads:
            return False
        if self._downloads is None:
            self._downloads = []
            with suppress(OSError):  # a folder that may be entered but not listed
                names = map(os.fsencode, os.listdir(self._folder.descriptor))
                self._downloads = [other for other in names if ignore.awaited(other)]
        return writers.partner(name, self._downloads, empty=found.st_size == 0) is not None


def _content(handle: int, name: bytes) -> Obstacle | None:
    head = os.read(handle, file_types.HEAD)
    wanted = file_types.wanted_name(name) or file_types.media_type(head) is not None
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
        self.strange: dict[bytes, str] = {}  # what is left alone, by path (see `left_alone`)
        self.more_strange = 0  # beyond as many as are named
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
                with opening.folder(self._root, current) as place, os.scandir(place.descriptor) as entries:
                    yield from self._entries(current, place, entries, pending)
            except OSError:
                if current == self.folder:
                    raise
                self._faults += 1

    def _entries(
        self, current: bytes, place: Folder, entries: Iterator[os.DirEntry[str]], pending: list[bytes]
    ) -> Iterator[FileInfo]:
        for entry in entries:
            name = os.fsencode(entry.name)
            path = os.path.join(current, name)
            try:
                if entry.is_dir(follow_symlinks=False):
                    if ignore.wanted_folder(name):
                        pending.append(path)
                elif ignore.ignored(path, self._patterns):
                    continue
                elif entry.is_file(follow_symlinks=False):
                    yield _at(place, path, None)
                else:
                    self._leave(place, path)
            except OSError:
                self._faults += 1

    def _leave(self, place: Folder, path: bytes) -> None:
        """Take note of what is no file; not looked at any closer where there are too many to be named."""
        if len(self.strange) >= left_alone.MOST:
            self.more_strange += 1
        elif (what := _at(place, path, None).strange) is not None:
            self.strange[path] = what


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
