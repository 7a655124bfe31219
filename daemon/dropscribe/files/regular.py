"""Regular files, opened so that nothing in their place can hang or mislead: no link, no pipe, no device.

A pipe without a writer blocks whoever opens it, and a device may do anything; both may be put in place of a file by
whoever can write to the folder.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from dropscribe.core.job import printable

_OLD = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def opened(name: bytes, folder: int | None = None) -> Iterator[int]:
    """Yield a descriptor of the regular file *name* (in *folder*) for reading; raise `OSError` for anything else."""
    handle = os.open(name, _OLD, dir_fd=folder)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "this is no regular file", printable(name))
        yield handle
    finally:
        os.close(handle)


@contextmanager
def created(name: bytes, folder: int | None, mode: int) -> Iterator[int]:
    """Yield a descriptor of the new file *name* (in *folder*) for writing; raise `FileExistsError` if there is one."""
    handle = os.open(name, _NEW, mode, dir_fd=folder)
    try:
        yield handle
    finally:
        os.close(handle)


def write(handle: int, data: bytes) -> None:
    """Write all of *data*."""
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]
