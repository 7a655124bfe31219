"""A seccomp filter (Linux): which system calls a process may still make, written as the kernel's BPF.

Every other call fails with EPERM; one that the kernel learnt after 2018 with ENOSYS, so that the C library falls back
to an older one; those that only an attack makes end the process. Layouts: <linux/filter.h>, <linux/seccomp.h>.
"""

import ctypes
import errno
import os
import platform
import resource
import struct
from collections.abc import Iterable

from dropscribe.sandbox import landlock, syscalls
from dropscribe.sandbox.syscalls import Table

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, ...
KILL, ALLOW, ERROR = 0x80000000, 0x7FFF0000, 0x00050000
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # offsets in `struct seccomp_data`
_X32 = 0x40000000  # numbers from here on are another ABI's on x86_64
_NEW = 424  # the first number that all architectures share
_SET_MODE_FILTER, _ALL_THREADS = 1, 1
# <asm-generic/fcntl.h>, alike on both: any kind of writing, creating and truncating, O_TMPFILE included.
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | 0x400000
_EXECUTABLE = 4  # PROT_EXEC
_THREAD = 0x10000  # CLONE_THREAD
_DUPLICATING = (0, 1, 2, 3, 4, 1030)  # F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC
_OWN_FLAGS = (0x5421, 0x5450, 0x5451)  # FIONBIO, FIONCLEX, FIOCLEX


class _Program(ctypes.Structure):
    """`struct sock_fprog`."""

    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def restrict() -> None:
    """Filter the system calls of this process and its threads for good; raise `OSError` where that cannot be."""
    table = syscalls.table()
    if table is None:
        raise OSError(errno.ENOSYS, f"seccomp: the system calls of {platform.machine()} are not known here")
    code = program(table, os.getpid())
    held = ctypes.create_string_buffer(code, len(code))
    asked = _Program(len(code) // 8, ctypes.addressof(held))
    landlock.forbid_new_privileges()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(
        ctypes.c_long(table.seccomp), ctypes.c_uint(_SET_MODE_FILTER), ctypes.c_uint(_ALL_THREADS), ctypes.byref(asked)
    ):
        raise OSError(ctypes.get_errno(), f"seccomp: {os.strerror(ctypes.get_errno())}")


def program(table: Table, pid: int) -> bytes:
    """Return the filter for the process *pid* on an architecture."""
    steps = [
        _step(_LOAD, _ARCHITECTURE), *_unless_equal(table.architecture, KILL), _step(_LOAD, _NUMBER),
        _step(_AT_LEAST, _X32, 0, 1), _return(KILL),
    ]  # fmt: skip
    for name, number in table.judged.items():
        steps += _for(number, _judge(name, pid))
    for number in table.allowed:
        steps += _for(number, [_return(ALLOW)])
    for number in table.deadly:
        steps += _for(number, [_return(KILL)])
    steps += [_step(_AT_LEAST, _NEW, 0, 1), _return(ERROR | errno.ENOSYS), _return(ERROR | errno.EPERM)]
    return b"".join(steps)


def _judge(name: str, pid: int) -> list[bytes]:
    """Return the steps that look at the arguments of the call *name*, and end in a verdict."""
    match name:
        case "open":
            return _unless_bits(1, _WRITES)  # which files may be read is Landlock's to say
        case "openat" | "mmap" | "mprotect":
            return _unless_bits(2, _WRITES if name == "openat" else _EXECUTABLE)
        case "clone":  # for threads only
            return [_step(_LOAD, _argument(0)), _step(_ANY_BIT, _THREAD, 0, 1), _return(ALLOW), _denied()]
        case "clone3":  # its flags cannot be looked at: the C library then takes the older call
            return [_return(ERROR | errno.ENOSYS)]
        case "tgkill":  # as abort() does
            return _if_among(0, [pid])
        case "fcntl":  # not F_SETOWN, which sends signals
            return _if_among(1, _DUPLICATING)
        case "ioctl":
            return _if_among(1, _OWN_FLAGS)
        case "prlimit64":
            return _own_limits()
    raise ValueError(name)


def _own_limits() -> list[bytes]:
    """Look at every limit, and set one alone: the address space, within its hard bound."""
    low, high = _argument(2), _argument(2) + 4  # the pointer to the new limit
    return [
        _step(_LOAD, _argument(0)), _step(_EQUAL, 0, 1, 0), _denied(),
        _step(_LOAD, _argument(1)), _step(_EQUAL, resource.RLIMIT_AS, 4, 0),
        _step(_LOAD, low), _step(_EQUAL, 0, 0, 3), _step(_LOAD, high), _step(_EQUAL, 0, 0, 1), _return(ALLOW),
        _denied(),
    ]  # fmt: skip


def _unless_bits(argument: int, bits: int) -> list[bytes]:
    return [_step(_LOAD, _argument(argument)), _step(_ANY_BIT, bits, 0, 1), _denied(), _return(ALLOW)]


def _if_among(argument: int, values: Iterable[int]) -> list[bytes]:
    tests = [step for value in values for step in (_step(_EQUAL, value, 0, 1), _return(ALLOW))]
    return [_step(_LOAD, _argument(argument)), *tests, _denied()]


def _unless_equal(value: int, verdict: int) -> list[bytes]:
    return [_step(_EQUAL, value, 1, 0), _return(verdict)]


def _for(number: int, steps: list[bytes]) -> list[bytes]:
    """Return *steps* for one call alone; they must end in a verdict."""
    return [_step(_EQUAL, number, 0, len(steps)), *steps]


def _argument(index: int) -> int:
    """Return where the lower half of an argument stands; all machines in the tables are little-endian."""
    return _ARGUMENTS + 8 * index


def _denied() -> bytes:
    return _return(ERROR | errno.EPERM)


def _return(verdict: int) -> bytes:
    return _step(_RETURN, verdict)


def _step(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("<HBBI", code, then, otherwise, value)
