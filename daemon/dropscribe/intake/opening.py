"""Opening what lies in an inbox as the thing that was looked at: on folder descriptors, through no link, never waiting.

The inbox itself is the user's word, and links on the way to it are followed; below it a name may be exchanged between
two looks by whoever can write there. A pipe blocks whoever opens it, and opening a device may do anything: neither is.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from dropscribe.intake.trust import others_write

FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


@dataclass(frozen=True)
class Folder:
    """An open folder of the inbox, and whether it, or one that it lies in up to the inbox, can be written by others."""

    descriptor: int
    shared: bool

    def look(self, name: bytes) -> os.stat_result:
        """Return what lies under *name*, a link itself and not what it points to; raise `OSError`."""
        return os.lstat(name, dir_fd=self.descriptor)

    def open(self, name: bytes) -> int:
        """Return a descriptor of the regular file *name*; raise `OSError` for anything else."""
        return regular(os.open(name, FILE, dir_fd=self.descriptor))


@contextmanager
def folder(root: bytes, below: bytes) -> Iterator[Folder]:
    """Give the folder *below* the inbox at *root*, open; raise `OSError`, also for a link in the place of a folder."""
    descriptor = os.open(root, _FOLDER)
    try:
        shared = others_write(descriptor)
        for part in filter(None, below.split(b"/")):
            inner = os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
            shared = shared or others_write(descriptor)
        yield Folder(descriptor, shared)
    finally:
        os.close(descriptor)


def file(root: bytes, path: bytes) -> int:
    """Return a descriptor of the regular file at *path* below *root*; raise `OSError` for anything else."""
    below, name = os.path.split(path)
    with folder(root, below) as place:
        return place.open(name)


def regular(descriptor: int) -> int:
    """Return *descriptor* if it is a regular file's; close it and raise `OSError` otherwise."""
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file")
    return descriptor
