"""Limits of memory that Linux control groups (v2 and v1) put on this process: found, read, graded. Knows no PSI.

Every function takes the root of the file system, so that recorded trees can be read. Layouts: the kernel's
`admin-guide/cgroup-v2`, `admin-guide/cgroup-v1/memory` and proc_pid_mountinfo(5).
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass

from dropscribe.memory.values import CRITICAL, UNKNOWN, WARN

WARN_ROOM, CRITICAL_ROOM = 0.10, 0.05  # of the limit: below it the group's own out-of-memory killer is near


@dataclass(frozen=True)
class Group:
    """A control group with a limit of its own that this process lives in."""

    folder: str
    limit_bytes: int
    used_bytes: int  # without file cache that the kernel would drop at once

    @property
    def room_bytes(self) -> int:
        """Bytes that the group may still take."""
        return max(0, self.limit_bytes - self.used_bytes)


def limited(total_bytes: int, root: str = "/") -> list[Group]:
    """Return every group around this process that is limited to less than the machine's *total_bytes*."""
    memberships = parse_memberships(_text(root, "proc/self/cgroup"))
    mounts = parse_mounts(_text(root, "proc/self/mountinfo"))
    found = []
    for kind, top, point in mounts:
        if kind in memberships:
            read = _read_v2 if kind == "v2" else _read_v1
            found += [read(folder) for folder in _upwards(root, point, _below(memberships[kind], top))]
    return [group for group in found if group is not None and group.limit_bytes < total_bytes]


def grade_room(group: Group) -> str:
    """Return `critical` below 5 % of the limit, `warn` below 10 %, else `unknown`: ample room proves nothing."""
    share = group.room_bytes / group.limit_bytes if group.limit_bytes else 0.0
    if share < CRITICAL_ROOM:
        return CRITICAL
    return WARN if share < WARN_ROOM else UNKNOWN


def parse_memberships(text: str) -> dict[str, str]:
    """Return the paths in `/proc/self/cgroup` that concern memory, by `v1` and `v2`."""
    paths = {}
    for line in filter(None, text.splitlines()):
        number, controllers, path = line.split(":", 2)
        if number == "0" and not controllers:
            paths["v2"] = path
        elif "memory" in controllers.split(","):
            paths["v1"] = path
    return paths


def parse_mounts(text: str) -> list[tuple[str, str, str]]:
    """Return (`v1` or `v2`, root inside the hierarchy, mount point) of the cgroup mounts that concern memory."""
    mounts = []
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.partition(" ")  # the source before the options may be empty
        if kind == "cgroup2" or (kind == "cgroup" and "memory" in options.split()[-1].split(",")):
            top, point = (field.replace("\\040", " ") for field in before.split()[3:5])
            mounts.append(("v2" if kind == "cgroup2" else "v1", top, point))
    return mounts


def _below(path: str, top: str) -> str:
    """Return *path* as seen under a mount of *top*: a container's mount often begins at its own group."""
    if top != "/" and (path == top or path.startswith(top + "/")):
        return path[len(top) :]
    return "" if ".." in path.split("/") else path


def _upwards(root: str, point: str, path: str) -> Iterator[str]:
    """Yield the folder of the group *path* and of every group around it."""
    base = os.path.join(root, point.strip("/"))
    parts = [part for part in path.split("/") if part]
    for depth in range(len(parts), -1, -1):
        yield os.path.join(base, *parts[:depth])


def _read_v2(folder: str) -> Group | None:
    limits = [int(t) for t in (_text(folder, "memory.max"), _text(folder, "memory.high")) if t.strip().isdigit()]
    current = _text(folder, "memory.current").strip()
    if not limits or not current.isdigit():
        return None
    return Group(folder, min(limits), max(0, int(current) - _stat(folder, "inactive_file")))


def _read_v1(folder: str) -> Group | None:
    limit, usage = (_text(folder, f"memory.{name}_in_bytes").strip() for name in ("limit", "usage"))
    if not limit.isdigit() or not usage.isdigit():
        return None
    return Group(folder, int(limit), max(0, int(usage) - _stat(folder, "total_inactive_file")))


def _stat(folder: str, name: str) -> int:
    for line in _text(folder, "memory.stat").splitlines():
        key, _, value = line.partition(" ")
        if key == name:
            return int(value)
    return 0


def _text(folder: str, name: str) -> str:
    try:
        with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
