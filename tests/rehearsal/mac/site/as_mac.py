"""The platform's own answers: names, ctypes, fcntl, file flags, locked files, another volume, the table of disks."""

import ctypes
import fcntl
import os
import platform
import socket
import stat
import sys
from collections import namedtuple
from collections.abc import Callable
from typing import Any

import linux_names
import psutil

FOLDER = os.environ["FAKE_MAC"]
VOLUME = os.environ.get("FAKE_MAC_VOLUME", "")
F_GETPATH, F_FULLFSYNC, MAXPATHLEN = 50, 51, 1024
UF_IMMUTABLE = 0x2
LIBRARIES = ("/usr/lib/libproc.dylib", "/usr/lib/libSystem.dylib", "libSystem.dylib")
_lstat, _fcntl, _readlink, _connect = os.lstat, fcntl.fcntl, os.readlink, socket.socket.connect
_killpg = os.killpg
Part = namedtuple("Part", "device mountpoint fstype opts")


def note(line: str) -> None:
    """Say that the system was called."""
    handle = os.open(os.path.join(FOLDER, "calls.log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(handle, f"{line}\n".encode())
    os.close(handle)


def flags_of(found: os.stat_result) -> int:
    """Return the flags (chflags) of a file: kept in a file named after its inode."""
    try:
        with open(os.path.join(FOLDER, "flags", str(found.st_ino)), encoding="ascii") as file:
            return int(file.read())
    except OSError:
        return 0


class Flagged:
    """A result of stat with `st_flags`, which Linux lacks."""

    def __init__(self, found: os.stat_result) -> None:
        self._found, self.st_flags = found, flags_of(found)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._found, name)


def with_flags(call: Callable[..., os.stat_result]) -> Callable[..., Any]:
    """Return *call* with flags in its result for regular files."""

    def flagged(*values: Any, **named: Any) -> Any:
        found = call(*values, **named)
        return Flagged(found) if stat.S_ISREG(found.st_mode) else found

    return flagged


def guarded(call: Callable[..., Any], which: int, *, moves: bool) -> Callable[..., Any]:
    """Return *call* refusing locked files among its first *which* paths and, if it *moves*, to leave the volume."""

    def checked(*values: Any, **named: Any) -> Any:
        folders = [named.get("src_dir_fd", named.get("dir_fd")), named.get("dst_dir_fd")]
        paths = [whole(path, folder) for path, folder in zip(values[:2], folders, strict=False)]
        for path in paths[:which]:
            if os.path.lexists(path) and flags_of(_lstat(path)) & UF_IMMUTABLE:
                raise PermissionError(1, "Operation not permitted", path)
        sides = {path.startswith(VOLUME) for path in paths} if moves and VOLUME else set()
        if len(sides) > 1:
            raise OSError(18, "Cross-device link", values[0])
        return call(*values, **named)

    return checked


def whole(path: Any, folder: int | None) -> str:
    """Return the whole path of a name in an open folder."""
    name = os.fsdecode(path)
    return name if folder is None else os.path.join(_readlink(f"/proc/self/fd/{folder}"), name)


def control(handle: Any, command: int, argument: Any = 0) -> Any:
    """Answer the two commands that only a Mac knows; hand on all others."""
    number = handle if isinstance(handle, int) else handle.fileno()
    if command == F_FULLFSYNC:
        note("fcntl F_FULLFSYNC")
        os.fsync(number)
        return 0
    if command == F_GETPATH:
        note("fcntl F_GETPATH")
        return os.fsencode(_readlink(f"/proc/self/fd/{number}")).ljust(MAXPATHLEN, b"\0")
    return _fcntl(handle, command, argument)


class CDLL(ctypes.CDLL):
    """The preloaded stub under the names of a Mac's libraries; without the functions that only Linux has."""

    def __init__(self, name: Any, *values: Any, **named: Any) -> None:
        if isinstance(name, str) and name.startswith("/usr/lib/") and name not in LIBRARIES:
            raise OSError(f"dlopen({name}): no such file")
        super().__init__(None if name in LIBRARIES else name, *values, **named)

    def __getattr__(self, name: str) -> Any:
        if name in linux_names.ABSENT_CALLS:
            raise AttributeError(f"dlsym(RTLD_DEFAULT, {name}): symbol not found")
        return super().__getattr__(name)


def disks(all: bool = False) -> list[Part]:  # psutil's own name for it
    """Return the table of disks of a stock Mac, and of the folder that plays another volume."""
    parts = [
        Part("/dev/disk3s1s1", "/", "apfs", "ro"), Part("devfs", "/dev", "devfs", "rw"),
        Part("/dev/disk3s5", "/System/Volumes/Data", "apfs", "rw"),
        Part("map auto_home", "/System/Volumes/Data/home", "autofs", "rw"),
    ]  # fmt: skip
    return [*parts, Part("/dev/disk5s1", VOLUME, "exfat", "rw")] if VOLUME else parts


def connect(end: socket.socket, address: Any) -> None:
    """Refuse, where the backlog is full, as macOS does."""
    try:
        _connect(end, address)
    except BlockingIOError:
        raise ConnectionRefusedError(61, "Connection refused") from None


def kill_group(group: int, number: int) -> None:
    """Refuse to signal a group of nothing but zombies, as macOS does."""
    members = [p for p in psutil.process_iter() if _group(p.pid) == group]
    if members and all(p.status() == psutil.STATUS_ZOMBIE for p in members):
        raise PermissionError(1, "Operation not permitted")
    _killpg(group, number)


def _group(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def become() -> None:
    """Change the platform, once."""
    names = os.uname_result(("Darwin", "rehearsal.local", "25.1.0", "Darwin Kernel Version 25.1.0", "arm64"))
    sys.platform = "darwin"
    vars(os).update(uname=lambda: names, O_SYMLINK=0x200000, O_EVTONLY=0x8000)
    vars(os).update(killpg=kill_group, confstr=lambda number: os.environ["FAKE_MAC"] + "/T/")
    vars(os).update(lstat=with_flags(os.lstat), fstat=with_flags(os.fstat), stat=with_flags(os.stat))
    vars(os).update(
        link=guarded(os.link, 1, moves=True), replace=guarded(os.replace, 2, moves=True),
        rename=guarded(os.rename, 2, moves=True), unlink=guarded(os.unlink, 1, moves=False),
    )  # fmt: skip
    vars(platform).update(
        system=lambda: "Darwin", machine=lambda: "arm64", mac_ver=lambda *a, **k: ("26.1", ("", "", ""), "arm64")
    )
    vars(fcntl).update(F_FULLFSYNC=F_FULLFSYNC, F_GETPATH=F_GETPATH, fcntl=control)
    vars(ctypes).update(CDLL=CDLL)
    socket.socket.connect = connect  # type: ignore[method-assign]
    vars(psutil).update(disk_partitions=disks)
