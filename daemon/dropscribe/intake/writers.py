"""Whether somebody still writes to a file: has it open for writing, or keeps a partner beside it.

Linux tells by a read lease, which it refuses while anybody, on this machine, has the file open for writing; it grants
one to the owner of the file and to an administrator (fcntl(2), F_SETLEASE). A network file system answers for itself,
not for its server's clients, and is not asked. On a Mac libproc tells who has the file open (`macos`). Where nobody can
be asked, `intake.stable_for` alone decides, and `dropscribe doctor` says so.
"""

import errno
import fcntl
import os
import signal
import sys
from collections.abc import Iterable

from dropscribe.intake import ignore, macos

F_SETSIG = 10  # <asm-generic/fcntl.h>


def writing(handle: int) -> bool | None:
    """Say whether anybody has the file behind *handle* (open for reading) open for writing; None: not to be known."""
    if sys.platform == "linux":
        return _refuses_lease(handle)
    return macos.writing(handle) if sys.platform == "darwin" else None


def _refuses_lease(handle: int) -> bool | None:
    try:
        # Somebody who opens the file for writing in the moment of the lease waits for its end, and a signal is sent to
        # us: not SIGIO, which ends a process, but one that is ignored unless somebody wants it.
        fcntl.fcntl(handle, F_SETSIG, signal.SIGURG)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        return True if error.errno == errno.EAGAIN else None
    fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False


def partner(name: bytes, others: Iterable[bytes], *, empty: bool) -> bytes | None:
    """Return which of the *others* in its folder says that the file *name* is still being downloaded, or None.

    `scan.pdf.aria2` or `scan.pdf.part` beside `scan.pdf`, and `scan.pdf.Xy12z.part`. Firefox writes
    `scan.Xy12z.pdf.part` beside an *empty* `scan.pdf`.
    """
    stem, ending = os.path.splitext(name)
    for other in others:
        awaited = ignore.awaited(other)
        if awaited is None:
            continue
        placeholder = empty and ending and awaited.startswith(stem + b".") and awaited.endswith(ending)
        if awaited == name or awaited.startswith(name + b".") or placeholder:
            return other
    return None
