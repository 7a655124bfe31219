"""Who has a file open for writing, on macOS, through libproc and ctypes. No policy.

Not run on a Mac by its author: layouts and names are those of xnu's `bsd/sys/proc_info.h` and of libproc.h. Another
user's processes, and the system's, do not tell what they have open; whoever reads (Spotlight does) is no writer.
"""

import ctypes
import fcntl
import os
from collections.abc import Iterator
from ctypes import c_char_p, c_int, c_int32, c_int64, c_uint16, c_uint32, c_uint64, c_void_p
from functools import cache
from typing import Any

LIBPROC = "/usr/lib/libproc.dylib"
ALL_PIDS, EXCLUDE_WATCHERS = 1, 2  # PROC_ALL_PIDS, PROC_LISTPIDSPATH_EXCLUDE_EVTONLY
LIST_FILES, A_FILE, ABOUT_FILE = 1, 1, 1  # PROC_PIDLISTFDS, PROX_FDTYPE_VNODE, PROC_PIDFDVNODEINFO
FWRITE = 2  # of <sys/fcntl.h>, in `fi_openflags`
MOST = 4096  # processes, and files of one process, that are looked at
_LONGEST = 1024  # MAXPATHLEN, the buffer that F_GETPATH wants


class Open(ctypes.Structure):
    """`struct proc_fdinfo`: one open descriptor."""

    _fields_ = [("descriptor", c_int32), ("kind", c_uint32)]


class About(ctypes.Structure):
    """`struct vnode_fdinfo`: how a file is open, and which it is."""

    _fields_ = [
        ("flags", c_uint32), ("status", c_uint32), ("offset", c_int64), ("type", c_int32), ("guard", c_uint32),
        ("device", c_uint32), ("mode", c_uint16), ("links", c_uint16), ("inode", c_uint64),
        ("owner", c_uint32), ("group", c_uint32), ("times", c_int64 * 8), ("size", c_int64), ("blocks", c_int64),
        ("block_size", c_int32), ("file_flags", c_uint32), ("generation", c_uint32), ("raw_device", c_uint32),
        ("spare", c_int64 * 2), ("vnode_type", c_int), ("pad", c_int), ("volume", c_int32 * 2),
    ]  # fmt: skip


@cache
def _library() -> Any:
    return ctypes.CDLL(LIBPROC, use_errno=True)


def writing(handle: int, library: Any = None) -> bool | None:
    """Say whether a process that we may ask has the file behind *handle* open for writing; None: not to be known."""
    library = library or _library()
    path = fcntl.fcntl(handle, fcntl.F_GETPATH, bytes(_LONGEST)).rstrip(b"\0")  # type: ignore[attr-defined, unused-ignore]
    pids = processes(library, path)
    if pids is None:
        return None
    found = os.fstat(handle)
    return any(
        about.flags & FWRITE and (about.device, about.inode) == (found.st_dev & 0xFFFFFFFF, found.st_ino)
        for pid in pids
        for about in files(library, pid)
    )


def processes(library: Any, path: bytes) -> list[int] | None:
    """Return the processes that have *path* open, other than only to hear of its events; None when it is not told."""
    call = library.proc_listpidspath
    call.argtypes = [c_uint32, c_uint32, c_char_p, c_uint32, c_void_p, c_int]
    buffer = (c_int * MOST)()
    size = call(ALL_PIDS, 0, path, EXCLUDE_WATCHERS, buffer, ctypes.sizeof(buffer))
    return list(buffer[: size // ctypes.sizeof(c_int)]) if size >= 0 else None


def files(library: Any, pid: int) -> Iterator[About]:
    """Yield what is open in the process *pid*; nothing of one that does not tell."""
    call = library.proc_pidinfo
    call.argtypes = [c_int, c_int, c_uint64, c_void_p, c_int]
    listed = (Open * MOST)()
    size = call(pid, LIST_FILES, 0, listed, ctypes.sizeof(listed))
    for number in range(max(0, size) // ctypes.sizeof(Open)):
        about = About()
        if listed[number].kind == A_FILE and _describe(library, pid, listed[number].descriptor, about):
            yield about


def _describe(library: Any, pid: int, descriptor: int, about: About) -> bool:
    call = library.proc_pidfdinfo
    call.argtypes = [c_int, c_int, c_int, c_void_p, c_int]
    size = ctypes.sizeof(about)
    return bool(call(pid, descriptor, ABOUT_FILE, ctypes.byref(about), size) == size)
