"""Looking after a loaded model: its memory, the machine's, its idleness. Says what should happen; does none of it."""

from collections.abc import Iterator

from dropscribe.config import Settings
from dropscribe.host import timeouts
from dropscribe.host.connection import Connection
from dropscribe.host.states import ModelState
from dropscribe.host.values import Life
from dropscribe.memory import policy, readings
from dropscribe.memory.policy import IdleAction
from dropscribe.memory.pressure import Action


class Keeper:
    """Samples while there is something to look after, and judges."""

    def __init__(self, settings: Settings, watch: policy.PressureWatch) -> None:
        self.settings, self._watch = settings, watch
        self.sample: readings.Sample | None = None
        self.next_sample = 0.0
        self.waiting_for_normal = False  # a job that pressure has stopped too often
        self.pressed_since: float | None = None  # the page in hand has a grace from here on

    def look(self, life: Life | None, now: float) -> Action:
        """Take a sample and return what pressure asks for."""
        self.next_sample = now + policy.SAMPLE_EVERY
        self.sample = readings.sample(life.pid if life else None)
        if life is not None and self.sample.worker_footprint is not None:
            life.footprint = self.sample.worker_footprint
            life.peak = max(life.peak or 0, life.footprint)
        idle = None if life is None or life.idle_since is None else now - life.idle_since
        return self._watch.feed(self.sample, now, idle)

    def must_stop(self, now: float) -> bool:
        """Say whether the page in hand has used up its grace under pressure."""
        return self.pressed_since is not None and now - self.pressed_since >= policy.PAGE_GRACE

    def idle(self, life: Life, now: float, *, queue_empty: bool) -> IdleAction | None:
        """Return what idleness asks for."""
        if life.idle_since is None:
            return None
        return policy.idle_action(now - life.idle_since, self.settings.model, life.trimmed, queue_empty)

    def sampling(self, state: ModelState) -> bool:
        """Say whether memory is looked at every 2 s: while a model is there, or something waits for room."""
        return state not in (ModelState.COLD, ModelState.UNLOADING) or self.waiting_for_normal

    def deadlines(self, state: ModelState, worker: Connection | None, *, queue_empty: bool) -> Iterator[float | None]:
        """Yield when memory, idleness or the reading in hand will next ask for something."""
        if self.sampling(state):
            yield self.next_sample
        if worker is None:
            return
        if worker.reading is not None:
            yield timeouts.deadline(worker.reading, self.settings)
            if self.pressed_since is not None and worker.reading.stopping_since is None:
                yield self.pressed_since + policy.PAGE_GRACE
        life = worker.life
        if state is ModelState.WARM and life.idle_since is not None:
            yield policy.next_idle_deadline(life.idle_since, self.settings.model, life.trimmed, queue_empty)

    def worn_out(self, life: Life, now: float) -> str | None:
        """Return why the worker should be replaced before the next file, or None.

        The last sample may be of the middle of a page, so another one decides.
        """
        if self._worn_out(life, now) is None:
            return None
        life.footprint = readings.footprint(life.pid)
        return self._worn_out(life, now)

    def _worn_out(self, life: Life, now: float) -> str | None:
        age = now - (life.ready_at or now)
        return policy.recycle_reason(
            life.pages_read, age, life.footprint, life.footprint_after_load, self.settings.model
        )
