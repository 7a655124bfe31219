"""What memory there is, how pressed the system is, and what our processes use: readings only; `policy` decides.

What counts as memory: on macOS `phys_footprint`, never RSS; on Linux PSS of the process's tree. Nothing here loads
numpy, MLX or Pillow, starts a process, or needs more rights than our own user has.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from dropscribe.memory.malloc import keep_freed, malloc_relief, one_heap
from dropscribe.memory.values import Availability, Figures, Sample

if sys.platform == "darwin":
    from dropscribe.memory import macos as machine
else:
    from dropscribe.memory import linux as machine

__all__ = [
    "Availability", "Figures", "Sample", "Unreadable", "address_space", "available", "figures", "footprint",
    "keep_freed", "malloc_relief", "one_heap", "pressure", "room", "sample", "set_dataless_policy",
]  # fmt: skip


class Unreadable(Exception):
    """The system does not tell now: no file handle is free, `/proc` is missing. The same question may work later."""


@contextmanager
def _asking() -> Iterator[None]:
    """Turn whatever goes wrong while the system is asked into `Unreadable`."""
    try:
        yield
    except Exception as error:  # psutil's own errors, the system's, and those of parsing half an answer
        raise Unreadable(f"the system's memory cannot be read ({error})") from error


def footprint(pid: int) -> int | None:
    """Return the bytes that process *pid* uses (Linux: with its descendants); None when it is gone or unknown."""
    try:
        return machine.footprint(pid)
    except OSError:
        return None


def address_space() -> int | None:
    """Return the bytes of address space that this process has; None where the system enforces no bound of them."""
    if sys.platform != "linux":
        return None
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def available() -> Availability:
    """Return the bytes that a new program could have, and the share in use in percent; raise `Unreadable`."""
    with _asking():
        return machine.available()


def room() -> Availability:
    """Return the bytes that a model may be loaded into; on macOS a `projection`, else what is available.

    Raises `Unreadable`.
    """
    if sys.platform == "darwin":
        with _asking():
            return machine.room()
    return available()


def pressure() -> str:
    """Return `normal`, `warn`, `critical`, or `unknown` where the system does not tell."""
    return machine.pressure()


def figures() -> Figures:
    """Return the bytes that only `doctor memory` shows."""
    return machine.figures()


def sample(worker_pid: int | None) -> Sample:
    """Look once at everything that `policy.PressureWatch` judges; raise `Unreadable`."""
    there = available()
    with _asking():
        return Sample(
            pressure=pressure(),
            available_bytes=there.bytes,
            percent=there.percent,
            worker_footprint=None if worker_pid is None else footprint(worker_pid),
            swap_used_bytes=machine.swap_used(),
            total_bytes=there.total_bytes,
        )


def set_dataless_policy() -> bool:
    """On macOS, let this process and its children read files that a cloud has evicted; return whether that is set."""
    if sys.platform == "darwin":
        return machine.set_dataless_policy(machine.system())
    return False
