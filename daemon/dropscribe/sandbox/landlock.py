"""Landlock (Linux 5.13 and newer): which files a process may still open; since 6.7 no network, since 6.12 no signals.

Numbers and layouts: <linux/landlock.h>. The system calls have the same numbers on every architecture.
"""

import contextlib
import ctypes
import os
import struct
from collections.abc import Iterable

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
VERSION = 1  # flag of the first: ask for the version of the interface
PATH_BENEATH = 1
READ_FILE, READ_DIR = 1 << 2, 1 << 3
RANDOM = ("/dev/urandom", "/dev/random")  # which qpdf opens for encrypted files
# By version of the interface: how many rights over files there are, bytes of its structure, rights over the network,
# and scopes (abstract sockets, signals). What is handled here is denied, unless a rule allows it.
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
_NEWEST_FILE_RIGHTS = 16
_BIND_AND_CONNECT, _SOCKETS_AND_SIGNALS = 3, 3
_O_PATH, _EBADFD = 0x200000, 77  # <asm-generic/fcntl.h>, <asm-generic/errno.h>: a Mac's Python has no such names
_NO_NEW_PRIVS = 38  # <linux/prctl.h>


def version() -> int:
    """Return the version of the interface; raise `OSError` where the kernel has none, or it is switched off."""
    return _call(CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint(VERSION))


def restrict(folders: Iterable[str], files: Iterable[int]) -> None:
    """Leave this process only the reading of what lies in *folders*, of *files* (open descriptors) and of random bytes.

    Raises `OSError` where that cannot be; then nothing has changed.
    """
    number = version()
    rights = (1 << _FILE_RIGHTS.get(number, _NEWEST_FILE_RIGHTS)) - 1
    fields = [rights] + [_BIND_AND_CONNECT] * (number >= 4) + [_SOCKETS_AND_SIGNALS] * (number >= 6)
    attributes = struct.pack(f"<{len(fields)}Q", *fields)
    ruleset = _call(CREATE_RULESET, ctypes.c_char_p(attributes), ctypes.c_size_t(len(attributes)), ctypes.c_uint(0))
    try:
        for folder in folders:
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                _allow_path(ruleset, folder, READ_FILE | READ_DIR)
        for device in RANDOM:
            with contextlib.suppress(FileNotFoundError):
                _allow_path(ruleset, device, READ_FILE)
        for file in files:
            _allow(ruleset, file, READ_FILE)
        forbid_new_privileges()
        _call(RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint(0))
    finally:
        os.close(ruleset)


def forbid_new_privileges() -> None:
    """Let no program that this process might start have more rights than it; needed before it is locked."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_NO_NEW_PRIVS, *(ctypes.c_ulong(value) for value in (1, 0, 0, 0))):
        raise OSError(ctypes.get_errno(), "no_new_privs")


def _allow_path(ruleset: int, path: str, rights: int) -> None:
    descriptor = os.open(path, _O_PATH | os.O_CLOEXEC)
    try:
        _allow(ruleset, descriptor, rights)
    finally:
        os.close(descriptor)


def _allow(ruleset: int, descriptor: int, rights: int) -> None:
    rule = struct.pack("<Qi", rights, descriptor)
    try:
        _call(ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(PATH_BENEATH), ctypes.c_char_p(rule), ctypes.c_uint(0))
    except OSError as error:
        if error.errno != _EBADFD:  # a file without a name, as memory is: those are not restricted
            raise


def _call(number: int, *arguments: object) -> int:
    """Make a system call; raise `OSError` when it fails."""
    result: int = ctypes.CDLL(None, use_errno=True).syscall(ctypes.c_long(number), *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), f"Landlock: {os.strerror(ctypes.get_errno())}")
    return result
