"""Decisions about a model's stay in memory: fits it, is it idle, is it worn out, did the machine sleep. All pure.

Monotonic seconds come in as arguments. Nothing is measured, ended or logged here. Pressure has a module of its own
(`pressure`), whose names are exported here too.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from dropscribe.config import Model
from dropscribe.memory.pressure import PAGE_GRACE, SAMPLE_EVERY, Action, PressureWatch
from dropscribe.memory.values import Availability, size

__all__ = [
    "LONGEST_WAIT", "PAGE_GRACE", "SAMPLE_EVERY", "Action", "IdleAction", "PressureWatch", "SleepWatch", "Verdict",
    "idle_action", "is_lean", "need", "next_idle_deadline", "preflight", "recycle_reason", "size", "unload_at",
]  # fmt: skip

# A machine below this reads with the big model in a lean form: memory is sold in steps, 8 GB and then 16.
LEAN_BELOW = 12 << 30  # bytes
LEAN_CACHE = 256_000_000  # bytes that the model's allocator may keep there
LONGEST_WAIT = 600.0  # seconds of waiting for memory after which a load is tried once all the same: estimates err
JUMP = 30.0  # seconds by which the wall clock may leave the monotonic one before it counts as sleep


@dataclass(frozen=True)
class Verdict:
    """Whether the model fits; `reason` is a sentence wherever it does not, also when it is tried all the same."""

    allowed: bool
    reason: str


def need(peaks: Sequence[int], estimate: int) -> int:
    """Return the bytes to want: the 90th percentile (nearest rank) of recorded *peaks*, without any the *estimate*."""
    return sorted(peaks)[math.ceil(0.9 * len(peaks)) - 1] if peaks else estimate


def preflight(need_bytes: int, availability: Availability, waiting_since: float, now: float) -> Verdict:
    """Return whether *need_bytes* are there, or have been waited for long enough.

    `waiting_since` starts again (at the caller's) with each load that is begun, so that the exception is made once.
    """
    if need_bytes <= availability.bytes:
        return Verdict(True, "")
    lack = f"the model needs about {size(need_bytes)} of memory and {size(availability.bytes)} are available"
    lack += f" ({availability.how})" if availability.how else ""
    if now - waiting_since >= LONGEST_WAIT:
        return Verdict(True, f"{lack}; trying all the same after {LONGEST_WAIT / 60:.0f} minutes")
    return Verdict(False, lack)


def is_lean(platform: str, total_bytes: int) -> bool:
    """Say whether the big model reads in its lean form: small cache, one page at a time, no second reader beside it.

    Only where GPU and programs share the memory, on a Mac; *platform* as in `sys.platform`.
    """
    return platform == "darwin" and total_bytes < LEAN_BELOW


class IdleAction(StrEnum):
    """What idleness asks for."""

    TRIM = "trim"
    UNLOAD = "unload"


def idle_action(idle_seconds: float, model: Model, trimmed: bool, queue_empty: bool) -> IdleAction | None:
    """Return what to do with a loaded model that has been idle so long; work that waits keeps it."""
    if queue_empty and model.idle_timeout is not None and idle_seconds >= model.idle_timeout:
        return IdleAction.UNLOAD
    if not trimmed and model.clear_cache_after is not None and idle_seconds >= model.clear_cache_after:
        return IdleAction.TRIM
    return None


def unload_at(idle_since: float, model: Model, queue_empty: bool) -> float | None:
    """Return the monotonic time at which an idle model is unloaded if nothing happens, or None."""
    return idle_since + model.idle_timeout if queue_empty and model.idle_timeout is not None else None


def next_idle_deadline(idle_since: float, model: Model, trimmed: bool, queue_empty: bool) -> float | None:
    """Return the monotonic moment at which `idle_action` will next ask for something, or None."""
    trim = None if trimmed or model.clear_cache_after is None else idle_since + model.clear_cache_after
    return min((t for t in (unload_at(idle_since, model, queue_empty), trim) if t is not None), default=None)


def recycle_reason(
    pages: int, age_seconds: float, footprint: int | None, settled_footprint: int | None, model: Model
) -> str | None:
    """Return why the worker should be restarted before the next file, or None; footprints in bytes, None if unknown."""
    if model.recycle_pages is not None and pages >= model.recycle_pages:
        return f"it has read {pages} pages (model.recycle_pages: {model.recycle_pages})"
    if model.recycle_after is not None and age_seconds >= model.recycle_after:
        return f"it is {age_seconds / 3600:.1f} hours old (model.recycle_after: {model.recycle_after / 3600:g} h)"
    if model.recycle_growth is None or footprint is None or settled_footprint is None:
        return None
    growth = footprint - settled_footprint
    if growth > model.recycle_growth:
        return (
            f"it has grown by {size(growth)} since its first pages (model.recycle_growth: {size(model.recycle_growth)})"
        )
    return None


class SleepWatch:
    """Compares the wall clock with the monotonic one, which stands still while the machine sleeps."""

    def __init__(self, now_monotonic: float, now_wall: float) -> None:
        self._monotonic, self._wall = now_monotonic, now_wall

    def jumped(self, now_monotonic: float, now_wall: float) -> float:
        """Return the seconds that the wall clock has gained (or lost: negative) since the last call; 0 up to 30 s.

        A gain means that the machine slept or that the clock was set; these cannot be distinguished.
        """
        gain = (now_wall - self._wall) - (now_monotonic - self._monotonic)
        self._monotonic, self._wall = now_monotonic, now_wall
        return gain if abs(gain) > JUMP else 0.0
