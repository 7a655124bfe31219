"""Readings on Linux: PSS of a process's tree, memory available, pressure stall information, swap. No policy.

Other Unix systems than macOS come here too: what `/proc` does not tell them, psutil does, or it stays unknown.
"""

import os
import re
from dataclasses import dataclass

from dropscribe.memory import cgroup
from dropscribe.memory.values import CRITICAL, NORMAL, UNKNOWN, WARN, Availability, Figures, worst

# Shares of the last ten seconds, in percent. `some`: at least one task stood still for memory; at a tenth of the time
# people notice. `full`: nothing at all could run, which is thrashing. At 40 it is time to go well before systemd-oomd
# kills (60 for 30 s). Each is a mean over 10 s already; the policy wants it twice in a row on top. Judgement, not
# measurement: the kernel names no levels.
WARN_SOME, CRITICAL_SOME, CRITICAL_FULL = 10.0, 40.0, 5.0


@dataclass(frozen=True)
class Stall:
    """The `avg10` figures of a pressure file, in percent."""

    some: float
    full: float


def footprint(pid: int) -> int | None:
    """Return the bytes of process *pid* and all its descendants (PSS, swapped-out share included); None when gone."""
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        own = _share(pid)
        return None if own is None else own + sum(_share(c.pid) or 0 for c in process.children(recursive=True))
    except psutil.Error:
        return None


def _share(pid: int) -> int | None:
    """Return PSS and swapped PSS of one process in bytes, or its RSS where the kernel does not tell these."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            share = parse_rollup(file.read())
    except ProcessLookupError:
        return None
    except OSError:
        share = None
    return _resident(pid) if share is None else share


def _resident(pid: int) -> int | None:
    import psutil

    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return None


def parse_rollup(text: str) -> int | None:
    """Return the bytes that `/proc/PID/smaps_rollup` gives as Pss and SwapPss; None without a Pss."""
    sizes = parse_sizes(text)
    return sizes["Pss"] + sizes.get("SwapPss", 0) if "Pss" in sizes else None


def parse_sizes(text: str) -> dict[str, int]:
    """Return the `Name: 123 kB` lines of a file of `/proc`, in bytes."""
    return {name: int(kib) * 1024 for name, kib in re.findall(r"^(\S+):\s+(\d+) kB$", text, re.MULTILINE)}


def available(root: str = "/") -> Availability:
    """Return psutil's figures, tightened by the limits of the control groups around this process."""
    import psutil

    machine = psutil.virtual_memory()
    whole = Availability(machine.available, machine.percent, machine.total)
    return tighten(whole, cgroup.limited(machine.total, root))


def tighten(whole: Availability, groups: list[cgroup.Group]) -> Availability:
    """Return the smallest room of all, and the highest share in use with the total that it is a share of."""
    scopes = [whole] + [
        Availability(g.room_bytes, round(100 * min(1.0, g.used_bytes / max(g.limit_bytes, 1)), 1), g.limit_bytes)
        for g in groups
    ]
    fullest = max(scopes, key=lambda scope: scope.percent)
    return Availability(min(scope.bytes for scope in scopes), fullest.percent, fullest.total_bytes)


def pressure(root: str = "/") -> str:
    """Return the worst that the machine's and the limited groups' stalls and the groups' room say."""
    groups = cgroup.limited(_meminfo(root).get("MemTotal", 2**63), root)
    files = [os.path.join(root, "proc/pressure/memory"), *(os.path.join(g.folder, "memory.pressure") for g in groups)]
    stalls = [grade_stall(parse_stall(_text(path))) for path in files]
    return worst(stalls + [cgroup.grade_room(group) for group in groups])


def parse_stall(text: str) -> Stall | None:
    """Return the figures of a pressure file; None when there are none (an old kernel, or PSI switched off)."""
    found = {name: float(share) for name, share in re.findall(r"^(some|full) avg10=([\d.]+)", text, re.MULTILINE)}
    return Stall(found["some"], found.get("full", 0.0)) if "some" in found else None


def grade_stall(stall: Stall | None) -> str:
    """Return the level of pressure that stalls mean; `unknown` without figures."""
    if stall is None:
        return UNKNOWN
    if stall.full >= CRITICAL_FULL or stall.some >= CRITICAL_SOME:
        return CRITICAL
    return WARN if stall.some >= WARN_SOME else NORMAL


def swap_used() -> int | None:
    """Return the bytes of swap in use; None where the system does not tell."""
    return _swap(_meminfo("/"))[1]


def figures(root: str = "/") -> Figures:
    """Return what `doctor memory` shows, in bytes. Wired is what the kernel calls unevictable."""
    sizes = _meminfo(root)
    total, used = _swap(sizes)
    packed = sizes.get("Zswap", 0) + _zram(root) if sizes else None
    return Figures(sizes.get("MemTotal", 0), sizes.get("Unevictable"), packed, total, used)


def _swap(sizes: dict[str, int]) -> tuple[int | None, int | None]:
    if "SwapTotal" not in sizes:
        return None, None
    return sizes["SwapTotal"], sizes["SwapTotal"] - sizes.get("SwapFree", 0)


def _zram(root: str) -> int:
    """Return the bytes of memory that all zram disks use (third number of `mm_stat`)."""
    blocks = os.path.join(root, "sys/block")
    names = os.listdir(blocks) if os.path.isdir(blocks) else []
    stats = [_text(os.path.join(blocks, name, "mm_stat")).split() for name in names if name.startswith("zram")]
    return sum(int(stat[2]) for stat in stats if len(stat) > 2)


def _meminfo(root: str) -> dict[str, int]:
    return parse_sizes(_text(os.path.join(root, "proc/meminfo")))


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:  # no such file on this kernel, or EOPNOTSUPP with PSI switched off
        return ""
