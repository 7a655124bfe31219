"""Our processes, found by their command line: workers that should not exist, and the figures of `doctor memory`.

It finds, ends one worker when told to, and reports plain values; it does not decide which worker is superfluous.
Nothing needs more permissions than those of the user.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import psutil

from dropscribe.memory import readings
from dropscribe.memory.policy import size

WORKER, PROGRAM = "dropscribe.worker.main", "dropscribe"
SAME_START = 1.0  # seconds: psutil derives start times from the clock, which may have been set meanwhile
TERM_GRACE, KILL_GRACE = 10.0, 5.0  # seconds


@dataclass(frozen=True)
class Leftover:
    """One of our processes."""

    pid: int
    parent_pid: int
    footprint_bytes: int | None
    started: float  # wall clock


@dataclass(frozen=True)
class MemoryReport:
    """What `doctor memory` shows: bytes; None where the system does not tell."""

    total_bytes: int
    available_bytes: int
    percent: float
    wired_bytes: int | None
    compressed_bytes: int | None
    swap_total_bytes: int | None
    swap_used_bytes: int | None
    pressure: str
    workers: tuple[Leftover, ...]
    others: tuple[Leftover, ...]  # the daemon and running commands, but not this process
    advice: tuple[str, ...]


def worker_processes(marker: str = WORKER) -> list[Leftover]:
    """Return this user's processes that Python runs as `-m MARKER`, oldest first."""
    return sorted(_found(lambda line: _runs_module(line, marker)), key=lambda found: found.started)


def end(pid: int, started: float, grace: float = TERM_GRACE) -> bool:
    """End process *pid* if it began at *started*: SIGTERM, *grace* seconds, SIGKILL; then what it had started.

    Returns whether it is gone. A process that has got the number since is never touched.
    """
    process = _same(pid, started)
    if process is None:
        return True
    family = _descendants(process)
    _signal(process, signal.SIGTERM)
    if not _wait_gone([process], grace) and _same(pid, started) is not None:
        _signal(process, signal.SIGKILL)
    for child in family:  # psutil looks at the start time again before it signals
        _signal(child, signal.SIGKILL)
    return _wait_gone([process, *family], KILL_GRACE)


def memory_report(marker: str = WORKER) -> MemoryReport:
    """Look at the machine and at our processes."""
    figures, there, pressure = readings.figures(), readings.available(), readings.pressure()
    workers = tuple(worker_processes(marker))
    others = tuple(_found(_runs_program))
    return MemoryReport(
        total_bytes=figures.total_bytes or there.total_bytes,
        available_bytes=there.bytes,
        percent=there.percent,
        wired_bytes=figures.wired_bytes,
        compressed_bytes=figures.compressed_bytes,
        swap_total_bytes=figures.swap_total_bytes,
        swap_used_bytes=figures.swap_used_bytes,
        pressure=pressure,
        workers=workers,
        others=others,
        advice=tuple(advice(figures, pressure, workers, sys.platform)),
    )


def advice(figures: readings.Figures, pressure: str, workers: Sequence[Leftover], platform: str) -> Iterator[str]:
    """Yield sentences on what would help, then on what would not; *platform* as in `sys.platform`."""
    if pressure in ("warn", "critical"):
        yield f"Memory is short (pressure: {pressure}). Closing a large program helps at once."
    for worker in workers:
        held = "an unknown amount" if worker.footprint_bytes is None else size(worker.footprint_bytes)
        if worker.parent_pid == 1:
            yield f"Worker {worker.pid} uses {held} and its daemon is gone. End it with: kill {worker.pid}"
        else:
            yield (
                f"Worker {worker.pid} uses {held}. dropscribe unload (with the --config of its daemon, "
                f"pid {worker.parent_pid}) ends the process and so frees it."
            )
    if figures.wired_bytes is not None and figures.wired_bytes > figures.total_bytes / 2:
        yield (
            f"{size(figures.wired_bytes)} are wired: they can be neither compressed nor swapped. "
            "If they stay after the programs that use them have exited, only a restart of the machine frees them."
        )
    if pressure == "unknown":
        yield "This system does not tell its memory pressure; only memory.max_percent and memory.budget are minded."
    if figures.swap_used_bytes:
        yield (
            f"{size(figures.swap_used_bytes)} of swap are in use. That alone is no fault: swap is not emptied at once "
            "when memory becomes free. Look whether it grows."
        )
    purge = "sudo purge" if platform == "darwin" else "Writing to /proc/sys/vm/drop_caches"
    yield f"{purge} does not help: it only drops file caches, and frees no memory of any process."
    yield "Dropscribe does nothing with sudo."


# -- finding


def _found(wanted: Callable[[Sequence[str]], bool]) -> Iterator[Leftover]:
    for process in psutil.process_iter():
        try:
            if process.pid == os.getpid() or process.uids().real != os.getuid() or not wanted(process.cmdline()):
                continue
            values = process.pid, process.ppid(), readings.footprint(process.pid), process.create_time()
        except psutil.Error:  # ended meanwhile, or not ours to look at
            continue
        yield Leftover(*values)


def _runs_module(line: Sequence[str], marker: str) -> bool:
    """Say whether a command line is Python's, with `-m MARKER` in it."""
    is_python = bool(line) and "python" in os.path.basename(line[0]).lower()
    return is_python and any(pair == ("-m", marker) for pair in pairwise(line))


def _runs_program(line: Sequence[str]) -> bool:
    """Say whether a command line is that of our command, as a module or as a script of Python's."""
    names = [os.path.basename(word) for word in line[:2]]
    as_script = len(names) == 2 and "python" in names[0].lower() and names[1] == PROGRAM
    return _runs_module(line, PROGRAM) or as_script


# -- ending


def _same(pid: int, started: float) -> psutil.Process | None:
    """Return the process if it runs and is still the one that began at *started*."""
    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - started) <= SAME_START
        return process if same and not _is_gone(process) else None
    except psutil.Error:
        return None


def _descendants(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.Error:  # gone already, or not ours: `end` reports what is left
        pass


def _is_gone(process: psutil.Process) -> bool:
    """Say whether a process has ended, reaped or not."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return True


def _wait_gone(processes: Sequence[psutil.Process], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not all(_is_gone(process) for process in processes):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.02)
    return True
