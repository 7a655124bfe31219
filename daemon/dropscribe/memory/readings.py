"""What memory there is, how pressed the system is, and what our processes use: readings only; `policy` decides.

What counts as memory: on macOS `phys_footprint`, never RSS; on Linux PSS of the process's tree. Nothing here loads
numpy, MLX or Pillow, starts a process, or needs more rights than our own user has.
"""

import sys

from dropscribe.memory.malloc import keep_freed, malloc_relief
from dropscribe.memory.values import Availability, Figures, Sample

if sys.platform == "darwin":
    from dropscribe.memory import macos as machine
else:
    from dropscribe.memory import linux as machine

__all__ = [
    "Availability", "Figures", "Sample", "available", "figures", "footprint", "keep_freed", "malloc_relief", "pressure",
    "room", "sample", "set_dataless_policy",
]  # fmt: skip


def footprint(pid: int) -> int | None:
    """Return the bytes that process *pid* uses (Linux: with its descendants); None when it is gone."""
    return machine.footprint(pid)


def available() -> Availability:
    """Return the bytes that a new program could have, and how much of the memory is in use in percent."""
    return machine.available()


def room() -> Availability:
    """Return the bytes that a model may be loaded into; on macOS a `projection`, else what is available."""
    if sys.platform == "darwin":
        return machine.room()
    return available()


def pressure() -> str:
    """Return `normal`, `warn`, `critical`, or `unknown` where the system does not tell."""
    return machine.pressure()


def figures() -> Figures:
    """Return the bytes that only `doctor memory` shows."""
    return machine.figures()


def sample(worker_pid: int | None) -> Sample:
    """Look once at everything that `policy.PressureWatch` judges."""
    there = available()
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
