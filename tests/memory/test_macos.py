"""Promises of the readings on macOS, kept on any system: recorded bytes through real ctypes calls of stand-ins.

The stand-ins are C function pointers, so that argument types, buffers and sizes pass the way they do on a Mac. That
the kernel really answers so is not shown here.
"""

import ctypes
import struct
from collections.abc import Callable
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_int, c_size_t, c_uint32, c_void_p
from types import SimpleNamespace

import pytest

from dropscribe.memory import macos
from dropscribe.memory.malloc import malloc_relief
from dropscribe.memory.values import Figures

PAGE = 16384
RUSAGE = bytes(range(16)) + struct.pack("<10Q", 1, 2, 3, 4, 5, 6, 40_000_000, 18_000_000_000, 7, 0)
PAGES = struct.pack(
    "<4I9Q2I4Q4IQ", 1000, 2000, 3000, 4000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 500, 200, 0, 0, 11, 12, 600, 0, 0, 0, 900
)
SWAP = struct.pack("<3QI?3x", 2 << 30, 1 << 30, (1 << 30) + 5, PAGE, True)


def test_the_layouts_are_those_of_the_system_headers():
    offsets = {name: getattr(macos.VmStatistics, name).offset for name, _ in macos.VmStatistics._fields_}

    assert ctypes.sizeof(macos.RusageInfo) == len(RUSAGE) == 96
    assert macos.RusageInfo.phys_footprint.offset == 72
    assert ctypes.sizeof(macos.VmStatistics) == len(PAGES) == 38 * 4
    assert (offsets["purgeable"], offsets["speculative"]) == (88, 92)
    assert (offsets["swapins"], offsets["compressor"], offsets["uncompressed_in_compressor"]) == (112, 128, 144)
    assert ctypes.sizeof(macos.SwapUsage) == len(SWAP) == 32


def processes(answers: dict[int, bytes]) -> SimpleNamespace:
    """Return a libproc that knows these processes."""

    def proc_pid_rusage(pid: int, flavor: int, buffer: int) -> int:
        if pid not in answers or flavor != 0:
            return -1
        ctypes.memmove(buffer, answers[pid], len(answers[pid]))
        return 0

    return SimpleNamespace(proc_pid_rusage=CFUNCTYPE(c_int, c_int, c_int, c_void_p)(proc_pid_rusage))


def test_footprint_is_phys_footprint_and_not_the_resident_size():
    raw = macos.rusage(processes({42: RUSAGE}), 42)

    assert raw is not None
    assert macos.parse_footprint(raw) == 18_000_000_000


def test_a_process_that_is_gone_has_no_footprint():
    assert macos.rusage(processes({}), 42) is None


def values(answers: dict[bytes, bytes]) -> SimpleNamespace:
    """Return a C library that knows these system values, and tells a larger value's size as the kernel does."""

    def sysctlbyname(name: bytes, buffer: int, length: "ctypes._Pointer[c_size_t]", new: int, new_length: int) -> int:
        raw = answers.get(name)
        if raw is None or length[0] < len(raw):
            return -1
        ctypes.memmove(buffer, raw, len(raw))
        length[0] = len(raw)
        return 0

    prototype = CFUNCTYPE(c_int, c_char_p, c_void_p, POINTER(c_size_t), c_void_p, c_size_t)
    return SimpleNamespace(sysctlbyname=prototype(sysctlbyname))


@pytest.mark.parametrize(
    ("number", "level"), [(1, "normal"), (2, "warn"), (4, "critical"), (0, "unknown"), (3, "unknown"), (-1, "unknown")]
)
def test_the_kernels_level_of_pressure_is_told_in_words(number: int, level: str):
    library = values({b"kern.memorystatus_vm_pressure_level": struct.pack("<i", number)})

    assert macos.parse_level(macos.sysctl(library, "kern.memorystatus_vm_pressure_level", 4)) == level


def test_a_system_without_the_level_is_unknown_and_not_normal():
    assert macos.parse_level(macos.sysctl(values({}), "kern.memorystatus_vm_pressure_level", 4)) == "unknown"


@pytest.mark.parametrize("raw", [b"\1\0\0\0\0\0\0\0", b"\1\0"])
def test_a_value_of_another_size_is_not_taken(raw: bytes):
    assert macos.sysctl(values({b"kern.x": raw}), "kern.x", 4) is None


def host(raw: bytes | None) -> SimpleNamespace:
    """Return a C library whose machine has these pages."""

    def host_statistics64(port: int, flavor: int, buffer: int, words: "ctypes._Pointer[c_uint32]") -> int:
        if raw is None or (port, flavor, words[0]) != (7, 4, 38):
            return 5
        ctypes.memmove(buffer, raw, len(raw))
        return 0

    prototype = CFUNCTYPE(c_int, c_uint32, c_int, c_void_p, POINTER(c_uint32))
    return SimpleNamespace(host_statistics64=prototype(host_statistics64))


def test_available_is_free_inactive_purgeable_and_the_speculative_once():
    raw = macos.vm_statistics(host(PAGES), 7)

    assert raw is not None
    assert macos.parse_available(raw, PAGE) == (1000 + 3000 + 500) * PAGE


def test_a_failed_call_gives_no_pages():
    assert macos.vm_statistics(host(None), 7) is None


@pytest.mark.parametrize(("level", "percent"), [(100, 0.0), (32, 68.0), (0, 100.0), (None, 75.0), (101, 75.0)])
def test_percent_is_what_the_kernel_leaves_or_else_what_is_not_available(level: int | None, percent: float):
    raw = None if level is None else struct.pack("<i", level)

    assert macos.parse_percent(raw, 2 * 10**9, 8 * 10**9) == percent


def test_figures_for_a_person():
    figures = macos.parse_figures(PAGES, SWAP, PAGE, 8 << 30)

    assert figures == Figures(8 << 30, 4000 * PAGE, 600 * PAGE, 2 << 30, (1 << 30) + 5)


def test_figures_that_cannot_be_had_are_unknown():
    assert macos.parse_figures(None, None, PAGE, 8 << 30) == Figures(8 << 30, None, None, None, None)


@pytest.mark.parametrize(("result", "is_set"), [(0, True), (-1, False)])
def test_the_policy_for_evicted_files_is_set_for_this_process(result: int, is_set: bool):
    asked: list[tuple[int, int, int]] = []
    policy = CFUNCTYPE(c_int, c_int, c_int, c_int)(lambda *values: (asked.append(values), result)[1])

    assert macos.set_dataless_policy(SimpleNamespace(setiopolicy_np=policy)) is is_set
    assert asked == [(3, 0, 2)]


def relieving(name: str, record: Callable[..., int], *types: type) -> SimpleNamespace:
    return SimpleNamespace(**{name: CFUNCTYPE(c_size_t, *types)(record)})


def test_macs_allocator_is_asked_for_everything_in_all_zones():
    asked: list[tuple[int | None, int]] = []
    library = relieving("malloc_zone_pressure_relief", lambda *v: (asked.append(v), 0)[1], c_void_p, c_size_t)
    malloc_relief(library)

    assert asked == [(None, 0)]


def test_an_allocator_that_knows_neither_call_is_left_alone():
    malloc_relief(SimpleNamespace())


def test_relief_does_no_harm_on_this_system():
    malloc_relief()
