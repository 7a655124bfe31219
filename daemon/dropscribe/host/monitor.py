"""Looking after a loaded model: its memory, the machine's, its idleness. Says what should happen; does none of it."""

from collections.abc import Iterator

from dropscribe.config import Settings
from dropscribe.host import timeouts
from dropscribe.host.connection import Connection
from dropscribe.host.states import ModelState
from dropscribe.host.values import WorkerStats
from dropscribe.log import LOG
from dropscribe.memory import policy, readings
from dropscribe.memory.policy import IdleAction
from dropscribe.memory.pressure import Action

SETTLED_AFTER = 4  # pages after which a worker has all that it keeps for reading


class MemoryMonitor:
    """Samples while there is something to look after, and judges."""

    def __init__(self, settings: Settings, watch: policy.PressureWatch) -> None:
        self.settings, self._watch = settings, watch
        self.sample: readings.Sample | None = None
        self._fault = ""
        self.next_sample = 0.0
        self.waiting_for_normal = False  # a job that pressure has stopped too often
        self.pressed_since: float | None = None  # the current pages have a grace from here on

    def look(self, stats: WorkerStats | None, now: float) -> Action:
        """Take a sample and return what pressure asks for; one that the system does not give asks for nothing."""
        self.next_sample = now + policy.SAMPLE_EVERY
        try:
            self.sample = readings.sample(stats.pid if stats else None)
        except readings.Unreadable as error:
            if str(error) != self._fault:
                self._fault = str(error)
                LOG.warning("%s; asked again every %.0f s", error, policy.SAMPLE_EVERY)
            return Action.NOTHING
        self._fault = ""
        if stats is not None and self.sample.worker_footprint is not None:
            stats.footprint = self.sample.worker_footprint
            stats.peak = max(stats.peak or 0, stats.footprint)
        idle = None if stats is None or stats.idle_since is None else now - stats.idle_since
        return self._watch.feed(self.sample, now, idle)

    def must_stop(self, now: float) -> bool:
        """Say whether the current pages have used up their grace under pressure."""
        return self.pressed_since is not None and now - self.pressed_since >= policy.PAGE_GRACE

    def idle(self, stats: WorkerStats, now: float, *, queue_empty: bool) -> IdleAction | None:
        """Return what idleness asks for."""
        if stats.idle_since is None:
            return None
        return policy.idle_action(now - stats.idle_since, self.settings.model, stats.trimmed, queue_empty)

    def sampling(self, state: ModelState) -> bool:
        """Say whether memory is looked at every 2 s: while a model is there, or something waits for room."""
        return state not in (ModelState.COLD, ModelState.UNLOADING) or self.waiting_for_normal

    def deadlines(self, state: ModelState, worker: Connection | None, *, queue_empty: bool) -> Iterator[float | None]:
        """Yield when memory, idleness or the reading in hand will next ask for something."""
        if self.sampling(state):
            yield self.next_sample
        if worker is None:
            return
        stuck = timeouts.limits(worker.jobs.values(), self.settings, worker.heard_at, worker.stopping_since)
        yield min((limit.moment for limit in stuck), default=None)
        if worker.jobs and self.pressed_since is not None and worker.stopping_since is None:
            yield self.pressed_since + policy.PAGE_GRACE
        stats = worker.stats
        if state is ModelState.WARM and stats.idle_since is not None:
            yield policy.next_idle_deadline(stats.idle_since, self.settings.model, stats.trimmed, queue_empty)

    def job_ended(self, stats: WorkerStats) -> None:
        """After a job: once the first pages are read, remember the level that growth is judged against.

        Kernels, caches and vision towers come with the first pages and are no growth (on an H100 the footprint after
        load tripled with the first page, and every file replaced the worker).
        """
        if stats.settled_footprint is None and stats.pages_read >= max(SETTLED_AFTER, 2 * stats.width):
            stats.settled_footprint = stats.footprint = readings.footprint(stats.pid)

    def worn_out(self, stats: WorkerStats, now: float) -> str | None:
        """Return why the worker should be replaced before further files are given to it, or None.

        The last sample may be of the middle of a page, so another one decides.
        """
        if self._worn_out(stats, now) is None:
            return None
        stats.footprint = readings.footprint(stats.pid)
        return self._worn_out(stats, now)

    def _worn_out(self, stats: WorkerStats, now: float) -> str | None:
        age = now - (stats.ready_at or now)
        return policy.recycle_reason(
            stats.pages_read, age, stats.footprint, stats.settled_footprint, self.settings.model
        )
