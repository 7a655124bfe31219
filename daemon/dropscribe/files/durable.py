"""Moves and writes that survive a power cut and never overwrite: the only way files are put anywhere.

Nothing here chooses a name; a name that is taken raises `FileExistsError`.
"""

import contextlib
import ctypes
import errno
import filecmp
import os
import zlib

from dropscribe.files import native

Path = str | bytes
_UNSUPPORTED = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EPERM, errno.EMLINK}
NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})  # errors that mean that there is no room


def sync_folder(folder: Path) -> None:
    """Make the names in *folder* durable; file systems that cannot are left alone."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
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
    handle = os.open(path, os.O_RDONLY)
    try:
        native.flush(handle)
    finally:
        os.close(handle)


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
    """Write *data* to *path* whole: staged beside it, synced, renamed over."""
    staged = _staged(os.fsencode(path))
    try:
        with open(staged, "wb") as file:
            file.write(data)
            file.flush()
            native.flush(file.fileno())
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


def rename(old: Path, new: Path) -> None:
    """Move *old* to *new* on the same volume; raise `FileExistsError` rather than replace anything.

    Falls back to link and unlink, then to a reserved empty file, on file systems that lack the call (SMB, exFAT).
    """
    source, target = os.fsencode(old), os.fsencode(new)
    if _rename is not None:
        if _rename(source, target) == 0:
            return
        number = ctypes.get_errno()
        if number not in _UNSUPPORTED:
            raise OSError(number, os.strerror(number), os.fsdecode(source), None, os.fsdecode(target))
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
    else:
        os.unlink(source)
        return
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    try:
        os.replace(source, target)
    except OSError:
        os.unlink(target)
        raise


def copy(source: bytes, target: bytes) -> None:
    """Copy *source* to *target* on another volume: staged there, synced, renamed; times and attributes kept.

    Raises `FileExistsError` when *target* is taken. The source stays.
    """
    staged = _staged(target)
    try:
        native.copy(source, staged)
        sync_file(staged)
        rename(staged, target)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(staged)
    sync_folder(os.path.dirname(target))


def same_bytes(one: bytes, other: bytes) -> bool:
    """Say whether two files hold the same bytes."""
    filecmp.clear_cache()
    return filecmp.cmp(one, other, shallow=False)
