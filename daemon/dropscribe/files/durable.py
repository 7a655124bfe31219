"""Moves and writes that survive a power cut and never overwrite: the only way files are put anywhere.

Nothing here chooses a name; a name that is taken raises `FileExistsError`. What lies in folders that others use is
named by an open folder and a name in it; `write` and `make_folder` are for our own, and for configured folders.
"""

import contextlib
import ctypes
import errno
import os
import zlib

from dropscribe.core.job import printable
from dropscribe.files import native, regular

Path = str | bytes
_UNSUPPORTED = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EPERM, errno.EMLINK}
_PIECE = 2**20  # bytes
NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})  # errors that mean that there is no room


def sync_folder(folder: Path | int) -> None:
    """Make the names in *folder* (a path or a descriptor) durable; file systems that cannot are left alone."""
    path, above = (b".", folder) if isinstance(folder, int) else (folder, None)
    try:
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=above)
    except PermissionError:
        return  # a folder that may be written but not listed
    try:
        native.flush(handle)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
    finally:
        os.close(handle)


def sync_file(path: Path) -> None:
    """Make the bytes of the file at *path* durable."""
    with regular.opened(os.fsencode(path)) as handle:
        native.flush(handle)


def make_folder(folder: bytes) -> list[bytes]:
    """Make *folder* and its parents durably; return those that were not there before, outermost first."""
    if os.path.isdir(folder):
        return []
    made = make_folder(os.path.dirname(folder))
    try:
        os.mkdir(folder)
    except FileExistsError:
        if not os.path.isdir(folder):
            raise
        return made
    sync_folder(os.path.dirname(folder))
    return [*made, folder]


def write(path: Path, data: bytes) -> None:
    """Write *data* to *path*, in a folder of our own, whole: staged beside it, synced, renamed over."""
    staged = _staged(os.fsencode(path))
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(staged)  # left by a crash
        with regular.created(staged, None, 0o666) as handle:
            regular.write(handle, data)
            native.flush(handle)
        os.replace(staged, path)
    except OSError:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(staged)
        raise
    sync_folder(os.path.dirname(os.fsencode(path)))


def _staged(path: bytes) -> bytes:
    """Return the hidden name beside *path* under which its content is prepared: short, and the same after a crash."""
    folder, name = os.path.split(path)
    return os.path.join(folder, b".dropscribe-%08x-%d" % (zlib.crc32(name), len(name)))


_rename = native.exclusive_rename()


def rename(old: Path, new: Path, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None) -> None:
    """Move *old* to *new* on the same volume; raise `FileExistsError` rather than replace anything.

    Falls back to link and unlink, then to a reserved empty file, on file systems that lack the call (SMB, exFAT).
    """
    source, target = os.fsencode(old), os.fsencode(new)
    if _rename is not None:
        if _rename(src_dir_fd, source, dst_dir_fd, target) == 0:
            return
        number = ctypes.get_errno()
        if number not in _UNSUPPORTED:
            raise OSError(number, os.strerror(number), printable(source), None, printable(target))
    try:
        os.link(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
    else:
        os.unlink(source, dir_fd=src_dir_fd)
        return
    with regular.created(target, dst_dir_fd, 0o600):
        pass
    try:
        os.replace(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)
    except OSError:
        os.unlink(target, dir_fd=dst_dir_fd)
        raise


def copy(source: int, name: bytes, folder: int, mode: int | None = None) -> os.stat_result:
    """Copy the open file *source* to the new file *name* in *folder*, synced; return what is there now.

    With a *mode* only its bytes, into a file with these rights; without, with times, rights and attributes too.
    """
    private = 0o600 if mode is None else mode
    with regular.created(name, folder, private) as target:
        (native.copy if mode is None else native.copy_bytes)(source, target)
        native.flush(target)
        return os.fstat(target)


def same_bytes(one: int, other: int) -> bool:
    """Say whether two open files hold the same bytes."""
    place = 0
    while True:
        here, there = (os.pread(handle, _PIECE, place) for handle in (one, other))
        if here != there:
            return False
        if not here:
            return True
        place += len(here)


def named(error: OSError, path: bytes) -> OSError:
    """Return *error* with the whole *path*, where it only names what is in an open folder."""
    if isinstance(error.filename, str | bytes) and os.path.isabs(os.fsencode(error.filename)):
        return error
    return OSError(error.errno, error.strerror, printable(path))


def described(error: OSError) -> str:
    """Return what an error says, with the place as people write it."""
    where = error.filename
    told = printable(where) if isinstance(where, bytes) else where
    return f"{error.strerror or error}: {told}" if told else str(error.strerror or error)
