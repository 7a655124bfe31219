"""One worker from its start to its end: the process, what it has told, and the jobs in its hands.

It says things to the worker, hears it and keeps the clocks; what follows from that is the host's business.
"""

from collections.abc import Sequence

from dropscribe.config import Settings, plain
from dropscribe.core import protocol
from dropscribe.core.job import Order
from dropscribe.core.protocol import ToDaemon
from dropscribe.host.process import WorkerProcess
from dropscribe.host.servers import changes
from dropscribe.host.values import ActiveJob, PageClock, WorkerStats
from dropscribe.log import LOG

Key = tuple[int, int]  # job and claim


class Connection:
    """All that there is only while a worker is there."""

    def __init__(self, state: str, command: Sequence[str], model: str, now: float) -> None:
        """Start a worker; raise `OSError` when that cannot be. *model* is as in `registry.peak_key`."""
        self.process = WorkerProcess(state, command)
        self.stats = WorkerStats(self.process.pid, model, protocol.Loading("starting"))
        self.jobs: dict[Key, ActiveJob] = {}  # in the order in which they were given
        self.greeted = False  # it has said which version it is
        self.closed = False  # the worker has closed its end
        self.heard_at = now
        self.stopping_since: float | None = None  # asked to hand everything back between two tokens
        self.draining = False  # asked to hand back what the engine has not begun
        self._state = state

    def fileno(self) -> int | None:
        """Return what to select on for reading; None when there is nothing (more) to hear."""
        return None if self.closed else self.process.fileno()

    def load(self, engine: str, settings: Settings) -> None:
        """Let the worker load."""
        self.process.send(protocol.Load(engine, plain(settings), self._state.encode(errors="surrogateescape")))

    def configure(self, settings: Settings) -> None:
        """Let the worker take over changed settings."""
        self.process.send(protocol.Configure(plain(settings)))

    def give(self, order: Order, now: float, *, suspect: bool) -> None:
        """Give the worker a job."""
        self.stats.idle_since, self.stats.trimmed = None, False
        if not self.jobs:
            self.heard_at = now
        self.jobs[order.job, order.claim] = ActiveJob(order, now, suspect)
        self.process.send(protocol.Read(order))

    def drop(self, order: Order) -> None:
        """Tell the worker that nobody wants this job any more; it comes back as `drained`."""
        if (order.job, order.claim) in self.jobs:
            self.process.send(protocol.Drop(order.job, order.claim))

    def drain(self) -> None:
        """Let the engine finish the pages it has; everything else comes back."""
        if self.jobs and not self.draining:
            self.draining = True
            self.process.send(protocol.Drain())

    def stop(self, now: float) -> None:
        """Let everything come back between two tokens."""
        if self.jobs and self.stopping_since is None:
            self.stopping_since = now
            self.process.send(protocol.Stop())

    def trim(self) -> None:
        """Let caches go."""
        self.stats.trimmed = True
        self.process.send(protocol.Trim())

    def hear(self, now: float) -> list[ToDaemon]:
        """Return what the worker has said; note when it has closed its end."""
        self.process.flush()
        messages = self.process.hear()
        self.closed = messages is None
        if messages:
            self.heard_at = now
        return messages or []

    def note(self, message: ToDaemon, now: float) -> None:
        """Keep figures and clocks up with *message*."""
        stats = self.stats
        match message:
            case protocol.Hello():
                self.greeted = True
            case protocol.Loading():
                stats.loading = message
            case protocol.Servers(servers):
                for level, line in changes(stats.servers, servers):
                    LOG.log(level, "%s", line)
                stats.servers = servers
            case protocol.Warned(text):
                LOG.warning("%s", text)
            case protocol.Opened(job, claim, pages) if (active := self.jobs.get((job, claim))) is not None:
                active.begun, active.pages = True, pages
            case protocol.Attempt(job, page) if (active := self._job(job)) is not None:
                begun = active.clocks[page].page_since if page in active.clocks else now
                active.clocks[page], active.page = PageClock(begun, now), page
            case protocol.Tokens(job, page, count) if (active := self._job(job)) is not None:
                if page in active.clocks:
                    active.clocks[page].tokens = count
            case protocol.PageDone(job, page, read) if (active := self._job(job)) is not None:
                active.clocks.pop(page, None)
                active.done += 1
                stats.pages_read += read
        stats.mlx = getattr(message, "mlx", None) or stats.mlx

    def _job(self, number: int) -> ActiveJob | None:
        return next((active for (job, _), active in self.jobs.items() if job == number), None)
