"""Places below a configured folder: opened level by level, on descriptors, never through a link.

A path is a name, not a thing: in a folder that others can write to, what lies under it may be exchanged between two
looks. The configured folder itself is the user's word: links on the way to it are resolved, every time. A level
below it must be a real folder, of ours, of the system's or of the owner of the configured folder; a stranger's is used
only where the level above lets everybody who may write there do as he likes anyway (no sticky bit).
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dropscribe.core.job import printable
from dropscribe.files import durable
from dropscribe.files.naming import LONGEST_NAME, hidden_name, numbered

_FOLDER = os.O_DIRECTORY | os.O_CLOEXEC
_UNLISTED = getattr(os, "O_PATH", 0) or getattr(os, "O_SEARCH", 0)  # for a folder that may be written but not listed
_OTHERS = stat.S_IWGRP | stat.S_IWOTH
# What a folder answers to a name or a level that it cannot hold; an unavailable disk says so for every name.
NAME_ERRORS = frozenset(
    {errno.EINVAL, errno.ENAMETOOLONG, errno.EILSEQ, errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.EXDEV,
     errno.EPERM, errno.EACCES, errno.EROFS, errno.ENOENT}
)  # fmt: skip


class Unholdable(Exception):
    """A folder cannot hold this name, or not in this sub-folder; a plainer one is tried."""


class UnusableLevel(OSError):
    """A level below a configured folder that is a link, no folder, or a stranger's."""


@dataclass(frozen=True)
class Entry:
    """A name in an open folder."""

    folder: int
    name: bytes

    def found(self) -> os.stat_result | None:
        """Return what lies there, a link itself and not what it points to; None where nothing does."""
        try:
            return os.stat(self.name, dir_fd=self.folder, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def unlink(self) -> None:
        """Remove the name; a missing one is as good."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.name, dir_fd=self.folder)


@dataclass(frozen=True)
class Place:
    """The path of a file below a configured folder, its *root*."""

    root: bytes
    path: bytes

    @classmethod
    def of(cls, absolute: bytes, roots: Sequence[bytes]) -> "Place":
        """Return the place of an *absolute* path below one of *roots*; below none, its own folder is the root."""
        for root in roots:
            if absolute.startswith(root + b"/"):
                return cls(root, absolute[len(root) + 1 :])
        return cls(*os.path.split(absolute))

    @property
    def absolute(self) -> bytes:
        """The path to record and to show."""
        return os.path.join(self.root, self.path)

    @property
    def below(self) -> bytes:
        """The folder, below the root."""
        return os.path.dirname(self.path)

    @property
    def name(self) -> bytes:
        """The name in the folder."""
        return os.path.basename(self.path)

    @contextlib.contextmanager
    def opened(self, *, any_owner: bool = False) -> Iterator[Entry]:
        """Yield the name in its open folder; see `opened`."""
        with opened(self.root, self.below, any_owner=any_owner) as folder:
            yield Entry(folder, self.name)

    def found(self) -> os.stat_result | None:
        """Return what lies there; None where nothing does, or no folder can be reached."""
        try:
            with self.opened(any_owner=True) as entry:
                return entry.found()
        except OSError:
            return None


@contextlib.contextmanager
def opened(root: bytes, below: bytes = b"", *, any_owner: bool = False) -> Iterator[int]:
    """Yield a descriptor of the folder *below* *root*; with *any_owner* strangers' levels are entered too (an inbox).

    Raises `UnusableLevel`, or `OSError` with the whole path.
    """
    handle = _open(root, 0, None, root)
    try:
        path = root
        for part in filter(None, below.split(b"/")):
            path = os.path.join(path, part)
            handle = _descend(handle, part, path, any_owner)
        yield handle
    finally:
        os.close(handle)


def _open(name: bytes, flags: int, above: int | None, path: bytes) -> int:
    try:
        try:
            return os.open(name, os.O_RDONLY | _FOLDER | flags, dir_fd=above)
        except PermissionError:
            return os.open(name, _UNLISTED | _FOLDER | flags, dir_fd=above)
    except OSError as error:
        raise OSError(error.errno, error.strerror, printable(path)) from None


def _descend(above: int, part: bytes, path: bytes, any_owner: bool) -> int:
    """Return a descriptor of the level *part* and close the one *above*; where that fails, it stays open."""
    if part in (b"..", b"."):
        raise UnusableLevel(errno.ELOOP, "this is no name of a folder", printable(path))
    try:
        handle = _open(part, os.O_NOFOLLOW, above, path)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENOTDIR, errno.EMLINK):
            raise
        raise UnusableLevel(errno.ELOOP, "it is a link or no folder, and not followed", printable(path)) from None
    if not any_owner and not _trusted(os.fstat(handle), os.fstat(above)):
        os.close(handle)
        raise UnusableLevel(errno.EPERM, "it belongs to another user", printable(path))
    os.close(above)
    return handle


def _trusted(level: os.stat_result, above: os.stat_result) -> bool:
    """Say whether a level may be used; its owner and the rights on the level *above* decide."""
    anybodys = above.st_mode & _OTHERS and not above.st_mode & stat.S_ISVTX
    return bool(level.st_uid in (os.geteuid(), 0, above.st_uid) or anybodys)


def make(root: bytes, below: bytes, modes: Sequence[int] = (), *, any_owner: bool = False) -> list[bytes]:
    """Make the folder *below* *root* durably, with the *modes* of its levels (under the umask, or as the folder says).

    Returns those that were not there before, outermost first; for the rest see `opened`.
    """
    made: list[bytes] = []
    path, handle = root, _open(root, 0, None, root)
    try:
        for number, part in enumerate(filter(None, below.split(b"/"))):
            path = os.path.join(path, part)
            mode = modes[number] | 0o700 if number < len(modes) else 0o777
            if _made(handle, part, path, mode):
                made.append(path)
            handle = _descend(handle, part, path, any_owner)
    finally:
        os.close(handle)
    return made


def _made(above: int, part: bytes, path: bytes, mode: int) -> bool:
    try:
        os.mkdir(part, mode, dir_fd=above)
    except FileExistsError:
        return False
    except OSError as error:
        raise OSError(error.errno, error.strerror, printable(path)) from None
    durable.sync_folder(above)
    return True


def modes(root: bytes, below: bytes) -> list[int]:
    """Return the rights of each level *below* *root*, as far as there are any: what is made after them has these."""
    found: list[int] = []
    parts = [part for part in below.split(b"/") if part]
    for number in range(1, len(parts) + 1):
        try:
            with opened(root, b"/".join(parts[:number]), any_owner=True) as level:
                found.append(stat.S_IMODE(os.fstat(level).st_mode) & 0o777)
        except OSError:
            break
    return found


def usable(root: bytes, below: bytes) -> bytes:
    """Return *below* with a number after each level whose name is taken by anything but a folder that can be used."""
    found = b""
    parts = [part for part in below.split(b"/") if part]
    for number, part in enumerate(parts, 1):
        for name in numbered(part):
            level = os.path.join(found, name)
            if _can_be_used(root, level, last=number == len(parts)):
                found = level
                break
    return found


def _can_be_used(root: bytes, below: bytes, *, last: bool) -> bool:
    """Say whether a level is a folder of ours, writable if it is the *last*, or is not there yet."""
    try:
        with opened(root, below) as level:
            return not last or os.access(b".", os.W_OK | os.X_OK, dir_fd=level)
    except (UnusableLevel, PermissionError):
        return False
    except OSError:
        return True  # it is not there; whether it can be made is found out when it is


def longest_name(folder: int) -> int:
    """Return how many bytes a name in *folder* may have, as its file system says."""
    try:
        told = os.fpathconf(folder, "PC_NAME_MAX")
    except (OSError, ValueError):
        return LONGEST_NAME
    return min(told, LONGEST_NAME) if told > 0 else LONGEST_NAME


def holds(place: Place) -> bool:
    """Say whether a file of this name can be made at *place*: tried, for a moment. A name that is taken is held."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with place.opened() as entry:
            os.close(os.open(entry.name, flags, 0o600, dir_fd=entry.folder))
            entry.unlink()
    except FileExistsError:
        return True
    except OSError:
        return False
    return True


def refuses(place: Place) -> bool:
    """Say whether it is this name, or its sub-folder, that cannot be written to, while the configured folder can."""
    return holds(Place(place.root, hidden_name())) and not holds(place)
