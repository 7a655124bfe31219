"""What has been seen in the inbox and is not a job yet: who waits for what, and until when.

Pure: looks and both clocks come in as arguments, verdicts go out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from dropscribe.core import file_types
from dropscribe.core.errors import Reason
from dropscribe.core.job import Found, Signature
from dropscribe.intake.scan import FileInfo, Obstacle

ROOM = 10_000  # candidates at a time; a scan waits for room, so a burst of any size needs no more memory
LONGEST_WAIT = 60.0  # seconds between looks at a file that does not move on


class Waiting(StrEnum):
    """What a candidate waits for, as `status` shows it."""

    STABLE = "stable"
    INCOMPLETE = "incomplete"
    WRITER = "writer"
    CLOUD = "cloud"
    PERMISSION = "permission"
    LOCK = "lock"


_OBSTACLES = {
    Obstacle.EMPTY: (Waiting.INCOMPLETE, Reason.EMPTY, "The file is empty."),
    Obstacle.UNWANTED: (
        Waiting.INCOMPLETE,
        Reason.UNSUPPORTED,
        "This is not a picture or a PDF, by its name or by its content.",
    ),
    Obstacle.PERMISSION: (Waiting.PERMISSION, Reason.UNREADABLE, "Dropscribe may not read this file."),
    Obstacle.LOCK: (Waiting.LOCK, Reason.UNREADABLE, "The file could not be opened; another program seems to hold it."),
}
# What no time ends: the file stays where it is until somebody has done something about it.
_LASTING: dict[Obstacle | None, Waiting] = {
    Obstacle.CLOUD: Waiting.CLOUD, Obstacle.WRITER: Waiting.WRITER, Obstacle.UNTRUSTED: Waiting.PERMISSION,
}  # fmt: skip


@dataclass(slots=True)
class Candidate:
    """A file that may become a job."""

    signature: Signature
    since: float  # wall clock: unchanged from then on
    stable_from: float  # the same moment on the monotonic clock
    due: float  # time of the next check
    step: float  # the current wait between checks
    waiting: Waiting = Waiting.STABLE
    deferred: bool = False  # its content looked truncated when it was read: `incomplete_timeout` decides


@dataclass(frozen=True)
class Settled:
    """A complete, readable file: it becomes a job."""

    found: Found


@dataclass(frozen=True)
class Rejected:
    """A file that stayed unchanged for `incomplete_timeout` and cannot be read as it is."""

    found: Found
    reason: Reason
    detail: str


class SettlingTable:
    """The candidates, by path."""

    def __init__(self, stable_for: float, incomplete_timeout: float) -> None:
        self.stable_for, self.incomplete_timeout = stable_for, incomplete_timeout
        self._candidates: dict[bytes, Candidate] = {}

    def __len__(self) -> int:
        return len(self._candidates)

    def __contains__(self, path: bytes) -> bool:
        return path in self._candidates

    @property
    def has_room(self) -> bool:
        """Say whether a scan may continue."""
        return len(self._candidates) < ROOM

    def judge(self, look: FileInfo, now: float, wall: float) -> Settled | Rejected | None:
        """Take in one look; return a verdict when the file's time has come."""
        if look.signature is None:
            self._candidates.pop(look.path, None)
            return None
        candidate = self._candidates.get(look.path)
        if candidate is None or candidate.signature != look.signature:
            self._candidates[look.path] = Candidate(look.signature, wall, now, now + self.stable_for, self.stable_for)
            return None
        if look.probed and Waiting.WRITER in (_LASTING.get(look.obstacle), candidate.waiting):
            candidate.since, candidate.stable_from = wall, now  # as long as it has a writer, it is as good as changing
        return self._unchanged(look, candidate, now)

    def _unchanged(self, look: FileInfo, candidate: Candidate, now: float) -> Settled | Rejected | None:
        path, obstacle, probed = look.path, look.obstacle, look.probed
        elapsed = now - candidate.stable_from
        found = Found(path, candidate.signature, candidate.since)
        if obstacle is None and not probed:
            candidate.due = min(candidate.due, max(now, candidate.stable_from + self.stable_for))
            return None
        if obstacle is None and elapsed >= (
            max(self.stable_for, self.incomplete_timeout) if candidate.deferred else self.stable_for
        ):
            del self._candidates[path]
            return Settled(found)
        refusal = _OBSTACLES.get(obstacle) if obstacle is not None else None
        if refusal is not None and elapsed >= max(self.stable_for, self.incomplete_timeout):
            del self._candidates[path]
            return Rejected(found, *refusal[1:])
        self._wait(candidate, obstacle, now)
        return None

    def _wait(self, candidate: Candidate, obstacle: Obstacle | None, now: float) -> None:
        """Set the time of the next check: sooner at first, never later than the timeout."""
        if obstacle is None:
            candidate.waiting = Waiting.INCOMPLETE if candidate.deferred else Waiting.STABLE
        else:
            candidate.waiting = _LASTING[obstacle] if obstacle in _LASTING else _OBSTACLES[obstacle][0]
        end = candidate.stable_from + (
            self.incomplete_timeout if candidate.waiting is not Waiting.STABLE else self.stable_for
        )
        candidate.step = min(candidate.step * 1.5, LONGEST_WAIT)
        lasts = end <= now or obstacle in _LASTING
        candidate.due = now + candidate.step if lasts else min(now + candidate.step, end)

    def defer(self, found: Found, now: float, wall: float) -> None:
        """Take back a file that was read and seems truncated: it is judged again after `incomplete_timeout`.

        One that was found before the clock was set back, and the daemon started again, counts as found now.
        """
        since = min(found.since, wall)
        stable_from = now - (wall - since)
        self._candidates[found.path] = Candidate(
            signature=found.signature,
            since=since,
            stable_from=stable_from,
            due=stable_from + self.incomplete_timeout,
            step=self.stable_for,
            waiting=Waiting.INCOMPLETE,
            deferred=True,
        )

    def drop(self, path: bytes) -> None:
        """Forget a path."""
        self._candidates.pop(path, None)

    def recheck_now(self, path: bytes, now: float) -> None:
        """Look at a waiting file again at once: something happened to it."""
        candidate = self._candidates[path]
        if candidate.waiting is not Waiting.STABLE:
            candidate.due = now

    def due(self, now: float, limit: int) -> list[bytes]:
        """Return up to *limit* paths whose check is due."""
        ready: list[bytes] = []
        for path, candidate in self._candidates.items():
            if candidate.due <= now:
                ready.append(path)
                if len(ready) == limit:
                    break
        return ready

    def next_due(self) -> float | None:
        """Return when the next check is due."""
        return min((c.due for c in self._candidates.values()), default=None)

    def waiting(self) -> Iterator[tuple[bytes, Waiting]]:
        """Yield every candidate with what it waits for."""
        return ((path, c.waiting) for path, c in self._candidates.items())

    def waits_for(self, path: bytes) -> Waiting | None:
        """Return what the file at *path* waits for; None when it is no candidate."""
        candidate = self._candidates.get(path)
        return candidate.waiting if candidate is not None else None

    def promising(self) -> bool:
        """Say whether a readable, non-empty file is about to settle."""
        return any(
            c.waiting is Waiting.STABLE and c.signature.size > 0 and file_types.wanted_name(path)
            for path, c in self._candidates.items()
        )
