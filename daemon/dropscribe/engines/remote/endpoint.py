"""One server as the driver sees it: whether it may be used, how much at once, how long its answers are waited for.

The window shrinks and grows as TCP's does (multiplicative decrease, additive increase): a self-hosted server queues
without bound and never says no, so its load shows in how long an answer takes to begin. It starts at `in_flight`, which
the user has set, and not with a slow start: too many requests at once only wait there. A server that fails is left
alone for a while, doubling with full jitter, and then asked by one probe.
"""

import random
from dataclasses import dataclass, field

from dropscribe.core.status import RemoteStatus
from dropscribe.engines.remote.probe import Server
from dropscribe.engines.remote.transport import Transport
from dropscribe.engines.remote.trust import host_of

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0  # seconds
IN_TIME, TOO_LATE = 0.25, 0.5  # of `first_byte_timeout`: grow below, shrink above
SMOOTHING = 0.2  # of the waiting time that is shown


@dataclass
class Endpoint:
    """What is known of one server; used by the driver's thread only."""

    url: str
    transport: Transport
    server: Server | None = None
    error: str | None = "not asked yet"  # why it is out; None while it may be used
    busy: str | None = None  # what it said when it last had too much to do
    until: float = 0.0  # monotonic: not to be used, or not to be asked again, before
    in_flight: int = 0
    window: float = 16.0  # requests at once
    waiting: float | None = None  # seconds, smoothed, until an answer begins
    last_success: float = -1.0  # monotonic
    answers_as: set[str] = field(default_factory=set)  # the models that its answers name
    stranger: str | None = None  # one that an answer named, and no probe has looked since
    gives_ids: bool = True  # it gave token ids the last time, as far as is known
    alone: object | None = None  # the page that has it for itself
    probing: bool = False
    barred: bool = False  # it will not serve us: waiting alone does not help
    errors_in_row: int = 0  # answers 500, and answers that did not come in time
    _failures: int = 0
    _random: random.Random = field(default_factory=random.Random)

    @property
    def host(self) -> str:
        """Return its host and port."""
        return host_of(self.url)

    def usable(self, now: float) -> bool:
        """Say whether a request may be sent to it now, as far as its health goes."""
        return self.error is None and self.server is not None and now >= self.until

    def has_room(self, now: float) -> bool:
        """Say whether another request may be sent to it now."""
        return self.usable(now) and self.in_flight < int(self.window) and self.alone is None

    def up(self, server: Server, now: float) -> None:
        """Hear that it answers again."""
        self.server, self.error, self.until, self.barred, self.errors_in_row = server, None, now, False, 0
        if self.stranger is not None:
            self.answers_as.add(self.stranger)
            self.stranger = None
        self.window = max(1.0, self.window / 2) if self._failures else self.window

    def success(self, waited: float, first_byte: float, most: int, now: float) -> None:
        """Hear that it has answered; *waited* is how long that took to begin."""
        self.last_success, self._failures, self.errors_in_row = now, 0, 0
        self.waiting = waited if self.waiting is None else self.waiting + SMOOTHING * (waited - self.waiting)
        if waited > TOO_LATE * first_byte:
            self.shrink()
        elif waited < IN_TIME * first_byte:
            self.window = min(most, self.window + 1.0 / self.window)  # by one a round

    def shrink(self) -> None:
        """Let it have half as much at once."""
        self.window = max(1.0, self.window / 2)

    def rest(self, why: str, now: float, wait: float | None) -> None:
        """Leave it alone for as long as it asks, or for longer each time."""
        self.busy = why
        self.until = max(self.until, now + (wait if wait is not None else self._pause()))

    def out(self, why: str, now: float, *, barred: bool = False) -> None:
        """Use it no more until a probe has found it well."""
        if self.error is None or now >= self.until:
            self.until = now + self._pause()
        self.error, self.barred = why, barred

    def _pause(self) -> float:
        """Return a pause of full jitter below a bound that doubles with each failure in a row."""
        bound = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0**self._failures)
        self._failures += 1
        return self._random.uniform(0.1 * bound, bound)

    def status(self) -> RemoteStatus:
        """Return what `status` shows of it."""
        server = self.server
        return RemoteStatus(
            url=self.url, host=self.host, kind=server.kind if server else None, model=server.model if server else None,
            in_flight=self.in_flight, waiting_seconds=None if self.waiting is None else round(self.waiting, 2),
            state="up" if self.error is None else "out", error=self.error,
        )  # fmt: skip
