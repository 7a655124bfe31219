"""One worker from its start to its end: the process, what it has told, and the reading in its hands.

It says things to the worker and hears it; what follows from that is the host's business.
"""

from collections.abc import Sequence

from dropscribe.config import Settings, plain
from dropscribe.core.framing import Message
from dropscribe.core.job import Order
from dropscribe.host.process import WorkerProcess
from dropscribe.host.values import ActiveJob, WorkerStats


class Connection:
    """All that there is only while a worker is there."""

    def __init__(self, state: str, command: Sequence[str], model: str, now: float) -> None:
        """Start a worker; raise `OSError` when that cannot be. *model* is as in `registry.peak_key`."""
        self.process = WorkerProcess(state, command)
        self.stats = WorkerStats(self.process.pid, model, step="starting")
        self.active: ActiveJob | None = None
        self.closed = False  # the worker has closed its end
        self.heard_at = now
        self._state = state

    def fileno(self) -> int | None:
        """Return what to select on for reading; None when there is nothing (more) to hear."""
        return None if self.closed else self.process.fileno()

    def load(self, engine: str, settings: Settings) -> None:
        """Let the worker load."""
        self.process.send("load", engine=engine, settings=plain(settings), state=self._state)

    def configure(self, settings: Settings) -> None:
        """Let the worker take over changed settings."""
        self.process.send("configure", settings=plain(settings))

    def read(self, order: Order, now: float) -> None:
        """Give the worker a job."""
        self.stats.idle_since, self.stats.trimmed = None, False
        self.active = ActiveJob(order, now, quiet_since=now)
        self.process.send("read", order=vars(order))

    def stop_reading(self, now: float) -> None:
        """Ask the reading in hand to end between two tokens."""
        if self.active is not None and self.active.stopping_since is None:
            self.active.stopping_since = now
            self.process.send("stop", job=self.active.order.job, claim=self.active.order.claim)

    def make_way(self, *, at_any_page: bool) -> None:
        """Ask a long document (or one of any length) to stop at the next page."""
        active = self.active
        if active is not None and active.making_way < 1 + at_any_page:
            active.making_way = 1 + at_any_page
            order = active.order
            self.process.send("yield", job=order.job, claim=order.claim, at_any_page=at_any_page)

    def trim(self) -> None:
        """Let caches go."""
        self.stats.trimmed = True
        self.process.send("trim")

    def hear(self, now: float) -> list[Message]:
        """Return what the worker has said; note when it has closed its end."""
        self.process.flush()
        messages = self.process.hear()
        self.closed = messages is None
        if messages:
            self.heard_at = now
        return messages or []
