"""Values of the queue: a file found, the order to read it, its outcome. No I/O.

Paths are bytes below the inbox, exactly as the system lists them; they are never normalised.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from dropscribe.core.errors import Reason


class State(StrEnum):
    """Where a job stands; `shared` between journal, status and tests."""

    QUEUED = "queued"  # settled and wanted
    RUNNING = "running"  # claimed under a fencing number
    WRITTEN = "written"  # outputs complete under their final names; the original is being moved
    REJECTED = "rejected"  # will not be read; the original is on its way to failed/
    DONE = "done"
    FAILED = "failed"
    GONE = "gone"  # vanished before its text was written; or its file came back as new work, and this is not told


Unmounted = Callable[[], bool]  # asks whether a folder's disk is unavailable
LIVE = (State.QUEUED, State.RUNNING, State.WRITTEN, State.REJECTED)


_SIGNED_64 = 2**63 - 1  # what the journal can hold; times after 2262 and some inodes are larger


@dataclass(frozen=True, slots=True)
class Signature:
    """What distinguishes one content of a path from another; no ctime, which attribute changes touch."""

    size: int
    mtime_ns: int
    inode: int
    device: int

    @classmethod
    def of(cls, stat: os.stat_result) -> "Signature":
        """Build from the result of a stat call."""
        values = (stat.st_size, stat.st_mtime_ns, stat.st_ino, stat.st_dev)
        return cls(*(value & _SIGNED_64 if value > 0 else max(value, -_SIGNED_64) for value in values))

    def same_file(self, other: "Signature") -> bool:
        """Say whether *other* is this very file with this very content, device numbers aside.

        Device numbers of network and removable volumes change from mount to mount.
        """
        return (self.size, self.mtime_ns, self.inode) == (other.size, other.mtime_ns, other.inode)


@dataclass(frozen=True, slots=True)
class Found:
    """A file that has settled in the inbox; `since` is the second from which it was unchanged.

    By the wall clock at the start of the daemon and the monotonic one from then on.
    """

    path: bytes
    signature: Signature
    since: float


@dataclass(frozen=True, slots=True)
class Origin:
    """Where files come from: the recipe in the journal, the inbox and the outbox it has there, and its priority.

    The base is recipe 0, and its folders are empty: they may be moved, with everything in them.
    """

    recipe: int = 0
    inbox: bytes = b""
    outbox: bytes = b""
    priority: int = 1  # lower comes first


BASE = Origin()


@dataclass(frozen=True)
class Job:
    """One reading of one file, as the journal holds it."""

    id: int
    path: bytes
    signature: Signature
    since: float
    state: State
    claim: int  # fencing number: what a worker reports under an older one does not count
    attempts: int  # failures that the file or the engine caused
    deaths: int  # of these, worker deaths
    interruptions: int  # stops that are not failures
    pressure_stops: int
    rank: int  # jobs of a lower rank come first
    stem: bytes | None  # output path without ending, below the outbox
    outputs: tuple[bytes, ...]  # published files, below the outbox
    destination: bytes | None  # where the original goes: absolute
    reason: Reason | None
    detail: str | None
    seconds: float | None
    suspect: bool = False  # the worker died while it and others were being read: it is read alone
    review: bool = False  # a page of it has low confidence
    finished: float | None = None  # wall clock
    recipe: int = 0  # as in `Origin`
    inbox: bytes = b""
    priority: int = 1

    @property
    def name(self) -> str:
        """The path for display: one line, undecodable bytes and control characters escaped."""
        return printable(self.path)


def printable(path: bytes) -> str:
    """Return *path* as text that cannot break a line, a log or a terminal."""
    return on_one_line(path.decode("utf-8", "backslashreplace"))


def on_one_line(text: str) -> str:
    """Return *text* with what could break a line, a log or a terminal escaped."""
    return "".join(c if c.isprintable() or c in "\u200d\u200c" else c.encode("unicode_escape").decode() for c in text)


@dataclass(frozen=True)
class PutAway:
    """An original that has been moved and is looked at for a while: whoever wrote it may not have been done."""

    job: int
    path: bytes  # where it lay, below the inbox
    place: bytes  # where it lies: absolute
    signature: Signature  # what it was there
    until: float  # wall clock
    delete: bool  # it is removed at the end


@dataclass(frozen=True)
class Order:
    """What the worker is asked to read."""

    job: int  # negative: read by command, with nothing in the journal
    claim: int
    name: str  # for display
    path: bytes  # below `root`; absolute where there is none
    stem: bytes  # the output's base name
    staging: bytes  # folder for rendered files; made by the worker
    formats: tuple[str, ...]
    root: bytes = b""  # the inbox: no link below it is followed
    signature: Signature | None = None  # what was settled there, and nothing else is to be read
    prompt: str | None = None  # in place of engine.prompt
    recipe: str = ""
    priority: int = 1  # as in `Origin`
    settings: dict[str, Any] | None = None  # plain values, of its recipe; None: those that the worker has

    @property
    def urgent(self) -> bool:
        """Say whether somebody waits for it at a terminal."""
        return self.job < 0


@dataclass(frozen=True)
class Outcome:
    """How the reading of one file ended; `staged` are suffixes of complete files in the staging folder.

    `end` is `read`, the kind of the reason (`file`, `engine`, `environment`), `drained` or `stopped` (it was handed
    back when asked), or `suspect` (the engine failed with several files in hand).
    """

    job: int
    claim: int
    end: str
    reason: Reason | None = None
    detail: str = ""
    staged: tuple[str, ...] = ()
    pages: int = 0
    seconds: float = 0.0
    review: bool = False
    reused: bool = False
    remarks: tuple[str, ...] = ()  # for the log and the status, such as "no text found"
