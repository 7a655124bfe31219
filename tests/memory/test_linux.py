"""Promises of the readings on Linux: recorded texts, real processes, recorded trees of /proc and /sys."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from dropscribe.memory import linux, readings
from dropscribe.memory.cgroup import Group
from dropscribe.memory.values import Availability, worst

ROLLUP = """5642e0251000-7ffe5bc6a000 ---p 00000000 00:00 0                          [rollup]
Rss:                1612 kB
Pss:                 273 kB
Pss_Dirty:           112 kB
Pss_Anon:            112 kB
Swap:                 64 kB
SwapPss:              32 kB
Locked:                0 kB
"""
MEMINFO = """MemTotal:       24684084 kB
MemFree:        22742184 kB
MemAvailable:   23116532 kB
Unevictable:       17760 kB
SwapTotal:       8388604 kB
SwapFree:        6291452 kB
Zswap:              2048 kB
HugePages_Total:       0
"""
CALM = "some avg10=0.00 avg60=0.00 avg300=0.12 total=3\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=1\n"


def stall_text(some: float, full: float) -> str:
    return CALM.replace("some avg10=0.00", f"some avg10={some:.2f}").replace(
        "full avg10=0.00", f"full avg10={full:.2f}"
    )


def machine(tmp_path: Path, **files: str) -> str:
    """Write a recorded tree; names have `__` for `/`."""
    for name, text in files.items():
        path = tmp_path / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(tmp_path)


def test_footprint_counts_the_proportional_share_and_what_of_it_was_swapped_out():
    assert linux.parse_rollup(ROLLUP) == (273 + 32) * 1024


def test_a_rollup_without_figures_is_no_footprint():
    assert linux.parse_rollup("") is None


@pytest.fixture
def family() -> Iterator[subprocess.Popen[str]]:
    """A child with a child that holds 50 MB."""
    hoard = "x = bytearray(50_000_000); x[::4096] = b'1' * len(x[::4096]); print('here', flush=True); input()"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hoard!r}])"
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None and child.stdin is not None
    assert child.stdout.readline() == "here\n"
    yield child
    child.stdin.close()
    child.wait()
    child.stdout.close()


@pytest.mark.skipif(sys.platform != "linux", reason="PSS is Linux's")
def test_footprint_counts_grandchildren(family: subprocess.Popen[str]):
    alone = linux._share(family.pid)
    whole = readings.footprint(family.pid)

    assert alone is not None and whole is not None
    assert 50_000_000 < whole - alone < 100_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="zombies as Linux shows them")
def test_a_process_that_has_ended_has_no_footprint_reaped_or_not():
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    as_zombie = readings.footprint(child.pid)
    child.wait()

    assert (as_zombie, readings.footprint(child.pid)) == (None, None)


def test_without_a_rollup_the_resident_size_stands_in():
    assert linux._resident(os.getpid()) == pytest.approx(psutil.Process().memory_info().rss, rel=0.2)


@pytest.mark.parametrize(
    ("some", "full", "level"),
    [
        (0, 0, "normal"),
        (9.99, 0, "normal"),
        (10, 0, "warn"),
        (39.99, 4.99, "warn"),
        (0, 4.99, "normal"),
        (0, 5, "critical"),
        (40, 0, "critical"),
        (99, 99, "critical"),
    ],
)
def test_stalls_become_levels_at_their_bounds(some: float, full: float, level: str):
    assert linux.grade_stall(linux.parse_stall(stall_text(some, full))) == level


@pytest.mark.parametrize("text", ["", "garbage\n", "full avg10=50.00 avg60=0.00 avg300=0.00 total=1\n"])
def test_without_figures_the_pressure_is_unknown(text: str):
    assert linux.grade_stall(linux.parse_stall(text)) == "unknown"


def test_pressure_of_a_machine_without_pressure_files_is_unknown(tmp_path: Path):
    assert linux.pressure(machine(tmp_path, proc__meminfo=MEMINFO)) == "unknown"


def test_pressure_of_a_machine_at_ease_is_normal(tmp_path: Path):
    assert linux.pressure(machine(tmp_path, proc__meminfo=MEMINFO, proc__pressure__memory=CALM)) == "normal"


def group_of(tmp_path: Path, current: int, stall: str) -> str:
    """A calm machine whose group of 1 GB uses *current* bytes."""
    point = "sys__fs__cgroup__"
    return machine(
        tmp_path,
        proc__meminfo=MEMINFO,
        proc__pressure__memory=CALM,
        proc__self__cgroup="0::/box\n",
        proc__self__mountinfo="41 31 0:38 / /sys/fs/cgroup rw,relatime shared:9 - cgroup2 cgroup2 rw\n",
        **{f"{point}box__memory.max": "1000000000\n", f"{point}box__memory.high": "max\n"},
        **{f"{point}box__memory.current": f"{current}\n", f"{point}box__memory.pressure": stall},
    )


@pytest.mark.parametrize(
    ("current", "stall", "level"),
    [
        (100_000_000, CALM, "normal"),
        (900_000_000, CALM, "normal"),
        (900_000_001, CALM, "warn"),
        (950_000_001, CALM, "critical"),
        (100_000_000, stall_text(12, 0), "warn"),
        (100_000_000, stall_text(12, 6), "critical"),
        (950_000_001, stall_text(12, 0), "critical"),
    ],
)
def test_the_worst_of_machine_and_group_counts(tmp_path: Path, current: int, stall: str, level: str):
    assert linux.pressure(group_of(tmp_path, current, stall)) == level


def test_a_tighter_group_bounds_what_is_available(tmp_path: Path):
    there = linux.available(group_of(tmp_path, 999_000_000, CALM))

    assert (there.bytes, there.percent, there.total_bytes) == (1_000_000, 99.9, 1_000_000_000)


def test_each_figure_comes_from_where_it_is_tightest():
    """A full machine around an empty group: little room in the group, but the machine's percent."""
    whole = Availability(6_000, 90.0, 60_000)

    assert linux.tighten(whole, [Group("g", 5_000, 500)]) == Availability(4_500, 90.0, 60_000)
    assert linux.tighten(whole, [Group("g", 5_000, 4_900)]) == Availability(100, 98.0, 5_000)
    assert linux.tighten(whole, []) == whole


@pytest.mark.skipif(sys.platform != "linux", reason="psutil counts otherwise elsewhere")
def test_available_agrees_with_psutil_where_no_group_is_in_the_way(tmp_path: Path):
    there, theirs = linux.available(str(tmp_path)), psutil.virtual_memory()

    assert there.total_bytes == theirs.total
    assert there.bytes == pytest.approx(theirs.available, rel=0.1)


def test_figures_for_a_person_come_from_meminfo_and_zram(tmp_path: Path):
    root = machine(
        tmp_path,
        proc__meminfo=MEMINFO,
        sys__block__zram0__mm_stat="10485760 1048576 3145728 0 3145728 12 0 0 0\n",
        sys__block__sda__size="1\n",
    )

    figures = linux.figures(root)

    assert figures.total_bytes == 24684084 * 1024
    assert figures.wired_bytes == 17760 * 1024
    assert figures.compressed_bytes == 2048 * 1024 + 3145728
    assert (figures.swap_total_bytes, figures.swap_used_bytes) == (8388604 * 1024, 2097152 * 1024)


def test_figures_are_unknown_where_nothing_tells_them(tmp_path: Path):
    figures = linux.figures(str(tmp_path))

    assert (figures.wired_bytes, figures.compressed_bytes, figures.swap_used_bytes) == (None, None, None)


@pytest.mark.parametrize(
    ("levels", "expected"),
    [([], "unknown"), (["unknown", "normal"], "normal"), (["warn", "critical", "normal"], "critical")],
)
def test_worst_of_levels(levels: list[str], expected: str):
    assert worst(levels) == expected
