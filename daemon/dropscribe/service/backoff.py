"""Why the queue waits: environment faults with back-off, and steps of the journal that have to be repeated."""

from collections.abc import Callable
from dataclasses import dataclass

from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.log import LOG

FIRST_WAIT, LONGEST_WAIT = 2.0, 60.0  # seconds between tries at a fault of the environment


@dataclass
class EnvironmentFault:
    """An environment fault that the queue waits for."""

    reason: Reason
    detail: str
    retry_at: float
    wait: float


class Backoff:
    """At most one hold; it is tried again by itself, and told once."""

    def __init__(self) -> None:
        self.current: EnvironmentFault | None = None
        self._later: list[Callable[[], None]] = []

    def put(self, reason: Reason, detail: str, now: float) -> None:
        """Let the queue wait for *reason*; each time in a row longer."""
        wait = min(self.current.wait * 2, LONGEST_WAIT) if self.current else FIRST_WAIT
        if self.current is None or self.current.reason is not reason:
            LOG.warning("the queue waits (%s): %s", reason, detail)
        self.current = EnvironmentFault(reason, detail, now + wait, wait)

    def lift(self) -> None:
        """Go on: something that needed the environment has worked."""
        if self.current is not None:
            LOG.info("the queue goes on (%s is over)", self.current.reason)
            self.current = None

    def open(self, now: float) -> bool:
        """Say whether new work may be tried."""
        return self.current is None or now >= self.current.retry_at

    def record(self, step: Callable[[], None], now: float) -> None:
        """Do a step that must reach the journal; when the disk is full it is done again later, in order."""
        if self._later:
            self._later.append(step)
            return
        try:
            step()
        except ReasonedError as error:
            self.put(error.reason, error.detail, now)
            self._later.append(step)

    def tick(self, now: float) -> None:
        """Repeat what could not be journalled."""
        if not self._later or not self.open(now):
            return
        try:
            while self._later:
                self._later[0]()
                del self._later[0]
        except ReasonedError as error:
            self.put(error.reason, error.detail, now)
        else:
            self.lift()

    @property
    def unfinished(self) -> bool:
        """Say whether steps wait to be journalled."""
        return bool(self._later)

    def deadline(self, now: float) -> float | None:
        """Return when the next try is due; once its time has come, whoever tries has a deadline of its own."""
        return self.current.retry_at if self.current and self.current.retry_at > now else None
