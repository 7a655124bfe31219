"""Readings on macOS through ctypes: phys_footprint, pages, pressure, swap. No policy, and never a subprocess.

Not run on a Mac by its author: every system call sits in a thin function that takes the loaded library, and the tests
feed those with recorded bytes on Linux. Layouts and names: xnu's `sys/resource.h`, `mach/vm_statistics.h` (revision 1),
`sys/sysctl.h`.
"""

import ctypes
import os
from ctypes import POINTER, byref, c_bool, c_char_p, c_int, c_size_t, c_uint8, c_uint32, c_uint64, c_void_p
from dataclasses import replace
from functools import cache
from typing import Any

from dropscribe.memory.projection import Pages, project
from dropscribe.memory.values import CRITICAL, NORMAL, UNKNOWN, WARN, Availability, Figures

LEVELS = {1: NORMAL, 2: WARN, 4: CRITICAL}  # kVMPressure* of xnu's vm_pageout.c, as dispatch(3) tells them too
LIBPROC = "/usr/lib/libproc.dylib"
RUSAGE_INFO_V0 = 0  # <sys/resource.h>
HOST_VM_INFO64 = 4  # <mach/host_info.h>
# IOPOL_TYPE_VFS_MATERIALIZE_DATALESS_FILES, IOPOL_SCOPE_PROCESS, IOPOL_MATERIALIZE_DATALESS_FILES_ON; setiopolicy_np(3)
MATERIALIZE_DATALESS, SCOPE_PROCESS, ON = 3, 0, 2


class RusageInfo(ctypes.Structure):
    """`struct rusage_info_v0`."""

    _fields_ = [("uuid", c_uint8 * 16)] + [
        (name, c_uint64)
        for name in (
            "user_time", "system_time", "pkg_idle_wkups", "interrupt_wkups", "pageins", "wired_size", "resident_size",
            "phys_footprint", "proc_start_abstime", "proc_exit_abstime",
        )
    ]  # fmt: skip


class VmStatistics(ctypes.Structure):
    """`struct vm_statistics64`, revision 1: 38 words. Newer systems append fields and still fill these."""

    _fields_ = [
        *((name, c_uint32) for name in ("free", "active", "inactive", "wired")),
        *((name, c_uint64) for name in (
            "zero_filled", "reactivations", "pageins", "pageouts", "faults", "cow_faults", "lookups", "hits", "purges",
        )),
        *((name, c_uint32) for name in ("purgeable", "speculative")),
        *((name, c_uint64) for name in ("decompressions", "compressions", "swapins", "swapouts")),
        *((name, c_uint32) for name in ("compressor", "throttled", "external", "internal")),
        ("uncompressed_in_compressor", c_uint64),
    ]  # fmt: skip


class SwapUsage(ctypes.Structure):
    """`struct xsw_usage`."""

    _fields_ = [
        *((name, c_uint64) for name in ("total", "available", "used")),
        ("page_size", c_uint32),
        ("encrypted", c_bool),
    ]


# -- system calls: thin, each with the loaded library as an argument


@cache
def system() -> Any:
    """Return the C library of this process."""
    return ctypes.CDLL(None, use_errno=True)


@cache
def _processes() -> Any:
    return ctypes.CDLL(LIBPROC, use_errno=True)


@cache
def host_port() -> int:
    """Return the port of this machine: asked for once, since every call takes another reference to it."""
    system().mach_host_self.restype = c_uint32
    return int(system().mach_host_self())


def sysctl(library: Any, name: str, size: int) -> bytes | None:
    """Return the *size* bytes of a system value; None when it does not exist or has another size."""
    call = library.sysctlbyname
    call.argtypes = [c_char_p, c_void_p, POINTER(c_size_t), c_void_p, c_size_t]
    buffer, length = ctypes.create_string_buffer(size), c_size_t(size)
    done = call(name.encode(), buffer, byref(length), None, 0) == 0 and length.value == size
    return buffer.raw if done else None


def text(library: Any, name: str, room: int) -> str | None:
    """Return a system value that is a text of less than *room* bytes, or None."""
    call = library.sysctlbyname
    call.argtypes = [c_char_p, c_void_p, POINTER(c_size_t), c_void_p, c_size_t]
    buffer, length = ctypes.create_string_buffer(room), c_size_t(room)
    done = call(name.encode(), buffer, byref(length), None, 0) == 0
    return buffer.value.decode("utf-8", "replace") if done else None


def rusage(library: Any, pid: int) -> bytes | None:
    """Return the bytes of a process's `rusage_info_v0`; None when it is gone or somebody else's."""
    call = library.proc_pid_rusage
    call.argtypes = [c_int, c_int, c_void_p]
    buffer = ctypes.create_string_buffer(ctypes.sizeof(RusageInfo))
    return buffer.raw if call(pid, RUSAGE_INFO_V0, buffer) == 0 else None


def vm_statistics(library: Any, host: int) -> bytes | None:
    """Return the bytes of the machine's `vm_statistics64`, or None."""
    call = library.host_statistics64
    call.argtypes = [c_uint32, c_int, c_void_p, POINTER(c_uint32)]
    buffer = ctypes.create_string_buffer(ctypes.sizeof(VmStatistics))
    words = c_uint32(len(buffer) // 4)
    return buffer.raw if call(host, HOST_VM_INFO64, buffer, byref(words)) == 0 else None


def set_dataless_policy(library: Any) -> bool:
    """Let this process and its children fetch files that a cloud has evicted; launchd's default makes reading fail."""
    call = library.setiopolicy_np
    call.argtypes = [c_int, c_int, c_int]
    return bool(call(MATERIALIZE_DATALESS, SCOPE_PROCESS, ON) == 0)


# -- what their bytes mean


def parse_footprint(raw: bytes) -> int:
    """Return the phys_footprint in bytes of a recorded `rusage_info_v0`."""
    return int(RusageInfo.from_buffer_copy(raw).phys_footprint)


def parse_level(raw: bytes | None) -> str:
    """Return the pressure that `kern.memorystatus_vm_pressure_level` tells; `unknown` for anything unheard of."""
    return UNKNOWN if raw is None else LEVELS.get(int.from_bytes(raw, "little"), UNKNOWN)


def parse_available(raw: bytes, page_bytes: int) -> int:
    """Return free + inactive + purgeable + speculative in bytes; the kernel's `free` holds the speculative already."""
    pages = VmStatistics.from_buffer_copy(raw)
    return int(pages.free + pages.inactive + pages.purgeable) * page_bytes


def parse_pages(raw: bytes, page_bytes: int) -> Pages:
    """Return the figures of a recorded `vm_statistics64` that a projection wants, in bytes."""
    pages = VmStatistics.from_buffer_copy(raw)
    figures = pages.free, pages.active, pages.inactive, pages.external, pages.compressor
    return Pages(*(count * page_bytes for count in figures))


def parse_percent(raw: bytes | None, available_bytes: int, total_bytes: int) -> float:
    """Return 100 minus `kern.memorystatus_level`, or without it the share that is not available.

    The level is all uncompressed pageable memory in percent of the whole (vm_pageout.c): what is missing to 100 is what
    is wired or holds compressed pages, and not what is "in use".
    """
    level = None if raw is None else int.from_bytes(raw, "little")
    if level is None or level > 100:
        return round(100 * (1 - min(1.0, available_bytes / total_bytes)), 1)
    return 100.0 - level


def parse_figures(pages: bytes | None, swap: bytes | None, page_bytes: int, total_bytes: int) -> Figures:
    """Return what `doctor memory` shows, in bytes, from recorded `vm_statistics64` and `vm.swapusage`."""
    vm = None if pages is None else VmStatistics.from_buffer_copy(pages)
    usage = None if swap is None else SwapUsage.from_buffer_copy(swap)
    return Figures(
        total_bytes,
        None if vm is None else vm.wired * page_bytes,
        None if vm is None else vm.compressor * page_bytes,
        None if usage is None else usage.total,
        None if usage is None else usage.used,
    )


# -- the readings


def footprint(pid: int) -> int | None:
    """Return the phys_footprint of process *pid* in bytes (what Activity Monitor shows); None when it is gone."""
    raw = rusage(_processes(), pid)
    return None if raw is None else parse_footprint(raw)


def available() -> Availability:
    """Return what is free, inactive or purgeable, and the share in use; psutil's figure where the kernel is silent."""
    import psutil

    total = _total()
    pages = vm_statistics(system(), host_port())
    free = psutil.virtual_memory().available if pages is None else parse_available(pages, _page_bytes())
    return Availability(free, parse_percent(sysctl(system(), "kern.memorystatus_level", 4), free, total), total)


def room() -> Availability:
    """Return what may be loaded now: a projection at normal pressure, else no more than is available."""
    there = available()
    pages = vm_statistics(system(), host_port()) if pressure() == NORMAL else None
    if pages is None:
        return there
    most = project(parse_pages(pages, _page_bytes()))
    return replace(there, bytes=most.total, how=str(most))


def pressure() -> str:
    """Return the kernel's own level."""
    return parse_level(sysctl(system(), "kern.memorystatus_vm_pressure_level", 4))


def swap_used() -> int | None:
    """Return the bytes of swap in use, or None."""
    return figures().swap_used_bytes


def figures() -> Figures:
    """Return what `doctor memory` shows, in bytes."""
    pages = vm_statistics(system(), host_port())
    return parse_figures(pages, sysctl(system(), "vm.swapusage", ctypes.sizeof(SwapUsage)), _page_bytes(), _total())


def _page_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE")


def _total() -> int:
    """Return the bytes of memory of this machine."""
    raw = sysctl(system(), "hw.memsize", 8)
    return os.sysconf("SC_PHYS_PAGES") * _page_bytes() if raw is None else int.from_bytes(raw, "little")
