"""One worker from its start to its end: the process, what it has told, and the reading in its hands.

It says things to the worker and hears it; what follows from that is the host's business.
"""

from collections.abc import Sequence

from dropscribe.config import Settings, plain
from dropscribe.core.framing import Message
from dropscribe.core.job import Order
from dropscribe.host.process import WorkerProcess
from dropscribe.host.values import Life, Reading


class Connection:
    """All that there is only while a worker is there."""

    def __init__(self, state: str, command: Sequence[str], model: str, now: float) -> None:
        """Start a worker; raise `OSError` when that cannot be. *model* is as in `registry.peak_key`."""
        self.process = WorkerProcess(state, command)
        self.life = Life(self.process.pid, model, step="starting")
        self.reading: Reading | None = None
        self.deaf = False  # the worker has closed its end
        self.heard_at = now
        self._state = state

    def fileno(self) -> int | None:
        """Return what to select on for reading; None when there is nothing (more) to hear."""
        return None if self.deaf else self.process.fileno()

    def load(self, engine: str, settings: Settings) -> None:
        """Let the worker load."""
        self.process.send("load", engine=engine, settings=plain(settings), state=self._state)

    def configure(self, settings: Settings) -> None:
        """Let the worker take over changed settings."""
        self.process.send("configure", settings=plain(settings))

    def read(self, order: Order, now: float) -> None:
        """Give the worker a job."""
        self.life.idle_since, self.life.trimmed = None, False
        self.reading = Reading(order, now, quiet_since=now)
        self.process.send("read", order=vars(order))

    def stop_reading(self, now: float) -> None:
        """Ask the reading in hand to end between two tokens."""
        if self.reading is not None and self.reading.stopping_since is None:
            self.reading.stopping_since = now
            self.process.send("stop", job=self.reading.order.job, claim=self.reading.order.claim)

    def make_way(self, *, at_any_page: bool) -> None:
        """Ask a long document (or one of any length) to stop at the next page."""
        reading = self.reading
        if reading is not None and reading.making_way < 1 + at_any_page:
            reading.making_way = 1 + at_any_page
            order = reading.order
            self.process.send("yield", job=order.job, claim=order.claim, at_any_page=at_any_page)

    def trim(self) -> None:
        """Let caches go."""
        self.life.trimmed = True
        self.process.send("trim")

    def hear(self, now: float) -> list[Message]:
        """Return what the worker has said; note when it has closed its end."""
        self.process.flush()
        messages = self.process.hear()
        self.deaf = messages is None
        if messages:
            self.heard_at = now
        return messages or []
