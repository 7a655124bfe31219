"""Limits that every POSIX system keeps for a process, and Linux capabilities: taken once, and never given back."""

import ctypes
import resource
import struct
import sys
from dataclasses import dataclass

from dropscribe.memory import readings

DESCRIPTORS = 256  # that may be open at once: a few of our own, and fonts
CAPABILITY_VERSION_3 = 0x20080522  # <linux/capability.h>
DAC_READ_SEARCH = 1 << 2  # to read a file of another user, as root may


@dataclass(frozen=True)
class Bounds:
    """Bytes: of address space beyond what the process has now, and of the longest file that it may write."""

    memory: int
    file: int


def apply(bounds: Bounds) -> None:
    """Bound this process for good: no core files, few descriptors, and *bounds*."""
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, bounds.file)
    _lower(resource.RLIMIT_NOFILE, DESCRIPTORS)
    if (held := readings.address_space()) is not None:  # macOS enforces no bound of it
        _lower(resource.RLIMIT_AS, held + bounds.memory)


def _lower(kind: int, to: int) -> None:
    soft, hard = (to if limit == resource.RLIM_INFINITY else min(to, limit) for limit in resource.getrlimit(kind))
    resource.setrlimit(kind, (min(soft, hard), hard))


def drop_capabilities() -> None:
    """Give up what root may beyond other users, but for reading the one file; raise `OSError` when that fails."""
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header = ctypes.create_string_buffer(struct.pack("<Ii", CAPABILITY_VERSION_3, 0))
    now = ctypes.create_string_buffer(24)
    if libc.capget(header, now):
        raise OSError(ctypes.get_errno(), "capget")
    permitted = struct.unpack("<6I", now.raw)[1] & DAC_READ_SEARCH
    wanted = ctypes.create_string_buffer(struct.pack("<6I", permitted, permitted, 0, 0, 0, 0), 24)
    if libc.capset(header, wanted):
        raise OSError(ctypes.get_errno(), "capset")
