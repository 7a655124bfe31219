"""What Python's own library does not do, or does too little of, on one system: rename without replacing, flush, copy,
who is at the other end of a socket.

Thin: each function is one call of the system. When and in which order they are made is `durable`'s.
"""

import contextlib
import ctypes
import errno
import fcntl
import os
import socket
import stat
import struct
import sys
from collections.abc import Callable, Iterator

# Linux: renameat2(2), <linux/fs.h>. macOS: renameatx_np(2), <sys/stdio.h>; fcopyfile(3), <copyfile.h>; chflags(2).
AT_FDCWD, RENAME_NOREPLACE = (-2 if sys.platform == "darwin" else -100), 1  # <fcntl.h>
RENAME_EXCL = 4
COPYFILE_ALL = 0xF  # data, times and rights, ACLs, extended attributes
_PIECE = 2**20  # bytes
# What another volume answers to an attribute or owner that it cannot hold, or that we may not set there.
_LEFT_BEHIND = {errno.ENOTSUP, errno.EOPNOTSUPP, errno.EPERM, errno.EACCES, errno.EINVAL, errno.ENODATA, errno.E2BIG,
                errno.ERANGE, errno.ENOSPC}  # fmt: skip
LOCKED = 0x2 | 0x20000  # UF_IMMUTABLE (the Finder's "Locked") and SF_IMMUTABLE of <sys/stat.h>


def exclusive_rename() -> Callable[[int | None, bytes, int | None, bytes], int] | None:
    """Return the system's rename between two open folders that refuses to replace, where there is one."""
    libc = ctypes.CDLL(None, use_errno=True)

    def at(folder: int | None) -> int:
        return AT_FDCWD if folder is None else folder

    if sys.platform == "darwin":
        return lambda a, old, b, new: int(libc.renameatx_np(at(a), old, at(b), new, ctypes.c_uint(RENAME_EXCL)))
    if sys.platform == "linux" and hasattr(libc, "renameat2"):
        return lambda a, old, b, new: int(libc.renameat2(at(a), old, at(b), new, ctypes.c_uint(RENAME_NOREPLACE)))
    return None


def flush(handle: int) -> None:
    """Make what was written to *handle* (a file or a folder) survive a power cut.

    On a Mac fsync(2) stops at the drive's own cache; only F_FULLFSYNC goes through it, where the volume knows it.
    """
    if sys.platform == "darwin":
        try:
            fcntl.fcntl(handle, fcntl.F_FULLFSYNC)
            return
        except OSError as error:
            if error.errno == errno.EIO:
                raise
    os.fsync(handle)


def copy(source: int, target: int) -> None:
    """Copy an open file with all that belongs to it into another: times, rights, owner, attributes and ACLs.

    What the other volume cannot hold (a share), or lets nobody set, is left behind; content and times always come.
    """
    if sys.platform == "darwin":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.fcopyfile.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32]
        if libc.fcopyfile(source, target, None, COPYFILE_ALL) == 0:
            return
        number = ctypes.get_errno()
        if number not in (errno.ENOTSUP, errno.EPERM):
            raise OSError(number, os.strerror(number))
        os.ftruncate(target, 0)
        os.lseek(target, 0, os.SEEK_SET)
    copy_bytes(source, target)
    _copy_metadata(source, target)


def copy_bytes(source: int, target: int) -> None:
    """Copy the bytes of an open file, from its beginning, to where the other one stands."""
    place = 0
    while piece := os.pread(source, _PIECE, place):
        place += len(piece)
        while piece:
            piece = piece[os.write(target, piece) :]


def _copy_metadata(source: int, target: int) -> None:
    """Give an open file the owner, attributes, ACL, rights and times of another, in this order: each may undo the next.

    On Linux an ACL is the attribute `system.posix_acl_access`; its mask is the group's part of the rights.
    """
    found = os.fstat(source)
    for owner, group in ((-1, found.st_gid), (found.st_uid, -1)):
        with _if_it_can():
            os.fchown(target, owner, group)
    if sys.platform == "linux":
        with _if_it_can():
            for name in os.listxattr(source):
                with _if_it_can():
                    os.setxattr(target, name, os.getxattr(source, name))
    with _if_it_can():
        os.fchmod(target, stat.S_IMODE(found.st_mode))
    os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))


@contextlib.contextmanager
def _if_it_can() -> Iterator[None]:
    """Leave behind what the volume cannot hold."""
    try:
        yield
    except OSError as error:
        if error.errno not in _LEFT_BEHIND:
            raise


def is_locked(found: os.stat_result) -> bool:
    """Say whether a file is locked, so that a Mac lets nobody move or remove it until it is unlocked."""
    return bool(getattr(found, "st_flags", 0) & LOCKED)


def peer_owner(connection: socket.socket) -> int:
    """Return the user at the other end of a connected Unix socket, as the kernel knows it; raise `OSError`.

    Linux: SO_PEERCRED of unix(7), pid, uid and gid. macOS: getpeereid(3), which asks for LOCAL_PEERCRED.
    """
    if sys.platform == "darwin":
        libc = ctypes.CDLL(None, use_errno=True)
        user, group = ctypes.c_uint32(), ctypes.c_uint32()
        if libc.getpeereid(connection.fileno(), ctypes.byref(user), ctypes.byref(group)):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return user.value
    values = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", values)[1])
