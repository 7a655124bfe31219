"""What Python's own library does not do, or does too little of, on one system: rename without replacing, flush, copy,
who is at the other end of a socket.

Thin: each function is one call of the system. When and in which order they are made is `durable`'s.
"""

import ctypes
import errno
import fcntl
import os
import shutil
import socket
import struct
import sys
from collections.abc import Callable

# Linux: renameat2(2), <linux/fs.h>. macOS: renamex_np(2), <sys/stdio.h>; copyfile(3), <copyfile.h>; chflags(2).
AT_FDCWD, RENAME_NOREPLACE = -100, 1
RENAME_EXCL = 4
COPYFILE_ALL, COPYFILE_NOFOLLOW_SRC = 0xF, 1 << 18  # data, times and rights, ACLs, extended attributes
LOCKED = 0x2 | 0x20000  # UF_IMMUTABLE (the Finder's "Locked") and SF_IMMUTABLE of <sys/stat.h>


def exclusive_rename() -> Callable[[bytes, bytes], int] | None:
    """Return the system's rename that refuses to replace, where there is one (Linux, macOS)."""
    libc = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "darwin":
        return lambda old, new: int(libc.renamex_np(old, new, ctypes.c_uint(RENAME_EXCL)))
    if sys.platform == "linux" and hasattr(libc, "renameat2"):
        return lambda old, new: int(libc.renameat2(AT_FDCWD, old, AT_FDCWD, new, ctypes.c_uint(RENAME_NOREPLACE)))
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


def copy(source: bytes, target: bytes) -> None:
    """Copy a file with all that belongs to it; a link is copied as a link.

    On a Mac `shutil.copy2` loses Finder tags, extended attributes and ACLs: copyfile(3) keeps them. Where the other
    volume cannot hold them (a share), content and times are what is left to copy.
    """
    if sys.platform == "darwin":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.copyfile.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_uint32]
        if libc.copyfile(source, target, None, COPYFILE_ALL | COPYFILE_NOFOLLOW_SRC) == 0:
            return
        number = ctypes.get_errno()
        if number not in (errno.ENOTSUP, errno.EPERM):
            raise OSError(number, os.strerror(number), os.fsdecode(source), None, os.fsdecode(target))
    shutil.copy2(source, target, follow_symlinks=False)


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
