"""Why the queue is paused by itself: a fault of the environment, tried again with growing pauses. Reported once."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from dropscribe.core.errors import Reason
from dropscribe.log import LOG

FIRST_WAIT, LONGEST_WAIT = 2.0, 60.0  # seconds between tries at a fault of the environment


@dataclass
class EnvironmentFault:
    """A fault that the queue waits for."""

    reason: Reason
    detail: str
    retry_at: float
    wait: float


class Backoff:
    """At most one fault of the environment at a time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.current: EnvironmentFault | None = None

    def put(self, reason: Reason, detail: str) -> None:
        """Pause the queue for *reason*; each time in a row longer. Several files that meet one fault are one time."""
        current = self.current
        if current is not None and current.reason is reason and self._clock() < current.retry_at:
            current.detail = detail
            return
        wait = min(current.wait * 2, LONGEST_WAIT) if current else FIRST_WAIT
        if self.current is None or self.current.reason is not reason:
            LOG.warning("the queue is paused (%s): %s", reason, detail)
        self.current = EnvironmentFault(reason, detail, self._clock() + wait, wait)

    def lift(self) -> None:
        """Resume: something that needed the environment has worked."""
        if self.current is not None:
            LOG.info("the queue is resumed (%s is over)", self.current.reason)
            self.current = None

    def lift_if(self, *reasons: Reason) -> None:
        """Resume if the queue is paused for one of *reasons*."""
        if self.current is not None and self.current.reason in reasons:
            self.lift()

    def open(self, now: float) -> bool:
        """Say whether new work may be tried."""
        return self.current is None or now >= self.current.retry_at

    def deadline(self, now: float) -> float | None:
        """Return when the next try is due; once its time has come, whoever tries has a deadline of its own."""
        return self.current.retry_at if self.current and self.current.retry_at > now else None
