"""Values that a look at the machine's memory gives, and the order of the levels of pressure. No I/O and no policy."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass

# What `percent` counts. A Mac's figure leaves out what could be compressed or dropped at once, whoever holds it.
COUNTED = "wired or compressed" if sys.platform == "darwin" else "in use"
NORMAL, WARN, CRITICAL, UNKNOWN = "normal", "warn", "critical", "unknown"
_ORDER = (UNKNOWN, NORMAL, WARN, CRITICAL)


@dataclass(frozen=True)
class Availability:
    """How much memory a new program could have."""

    bytes: int
    percent: float  # 0 to 100, of `total_bytes`; see `COUNTED`
    total_bytes: int  # of the machine, or of the control group where that is the tighter one
    how: str = ""  # what `bytes` is made of, in words; empty where it is a plain figure of the system


@dataclass(frozen=True)
class Sample:
    """One look at the machine and at our worker."""

    pressure: str  # normal | warn | critical | unknown
    available_bytes: int
    percent: float  # 0 to 100, of `total_bytes`; see `COUNTED`; our worker's share is part of it
    worker_footprint: int | None  # bytes; None without a worker, or where it cannot be read
    swap_used_bytes: int | None
    total_bytes: int


@dataclass(frozen=True)
class Figures:
    """Bytes that only a person asks for (`doctor memory`); None where the system does not tell."""

    total_bytes: int
    wired_bytes: int | None  # can be neither compressed nor swapped
    compressed_bytes: int | None  # memory that holds compressed pages
    swap_total_bytes: int | None
    swap_used_bytes: int | None


def worst(levels: Iterable[str]) -> str:
    """Return the highest of some levels of pressure; `unknown` counts least, for it says nothing."""
    return max(levels, key=_ORDER.index, default=UNKNOWN)


def size(count: int | None) -> str:
    """Return bytes for people."""
    if count is None:
        return "unknown"
    return f"{count / 1e9:.1f} GB" if count >= 10**9 else f"{count / 1e6:.0f} MB"
