"""The daemon's handle on the worker, and the owner of a model's state (see `states`).

Callers ask for what they want (`ensure_ready`, `unload`) and never look at the state to decide. Every method runs on
the main thread and none waits, except `close`.
"""

import time
from collections.abc import Callable, Sequence

from dropscribe.config import Settings
from dropscribe.core.errors import Reason
from dropscribe.core.framing import Message
from dropscribe.core.job import Order, Outcome
from dropscribe.engines import registry
from dropscribe.host import conversation, timeouts
from dropscribe.host.admission import Admission
from dropscribe.host.connection import Connection
from dropscribe.host.monitor import MemoryMonitor
from dropscribe.host.process import COMMAND
from dropscribe.host.shutdown import ReclaimWatch, WorkerShutdown
from dropscribe.host.states import ALLOWED, ModelState
from dropscribe.host.values import ActiveJob, Died, Event, Finished, Gone, Unable, Unload, WorkerStats
from dropscribe.log import LOG
from dropscribe.memory import policy, readings
from dropscribe.memory.policy import IdleAction
from dropscribe.memory.pressure import Action

DYING = 1.0  # seconds for a worker that has closed its end to be really gone
RELEASE_AT_STOP = 10.0  # seconds
LOAD_STALL = 300.0  # seconds of a load without a sign of life


class Host:
    """One model and its worker."""

    def __init__(
        self, settings: Settings, engine: str, peaks: Callable[[], Sequence[int]], command: Sequence[str] = COMMAND
    ) -> None:
        self.settings, self.engine = settings, engine
        self.state = ModelState.COLD
        self.last_unload: Unload | None = None
        self._watch = policy.PressureWatch(settings.memory)
        self.monitor = MemoryMonitor(settings, self._watch)
        self.admission = Admission(self._watch, peaks)
        self._command = command
        self.worker: Connection | None = None
        self._shutdown: WorkerShutdown | None = None
        self._reclaim: ReclaimWatch | None = None
        self._unload_wanted: str | None = None
        self._events: list[Event] = []

    def _enter(self, state: ModelState) -> None:
        """The one place where the state changes."""
        if state is not self.state:
            assert state in ALLOWED[self.state], f"{self.state} -> {state}"
            LOG.debug("model: %s -> %s", self.state, state)
            self.state = state

    # -- what others ask for

    def ensure_ready(self, now: float) -> bool:
        """Ask for a loaded model; return whether a job may be given now. May be called as often as one likes."""
        if self.state in (ModelState.COLD, ModelState.BLOCKED) and now >= self.admission.retry_at:
            self._load_if_allowed(now)
        return self.state is ModelState.WARM and self._unload_wanted is None

    def not_needed(self) -> None:
        """Say that no work is waiting: a refusal to load is then no news."""
        self.admission.not_wanted()
        self.monitor.waiting_for_normal = False
        if self.state is ModelState.BLOCKED:
            self._enter(ModelState.COLD)

    def read(self, order: Order, now: float) -> None:
        """Give a job to a ready worker (see `ensure_ready`)."""
        assert self.worker is not None
        self._enter(ModelState.BUSY)
        self.worker.read(order, now)

    def unload(self, reason: str, now: float) -> None:
        """Ask for the model to go, after the page in hand; repeating it changes nothing."""
        if self.state in (ModelState.WARM, ModelState.LOADING):
            self._end(reason, now, ask=self.state is ModelState.WARM)
        elif self.state is ModelState.BUSY:
            self._unload_wanted = self._unload_wanted or reason
            self.make_way(at_any_page=True)

    def stop_reading(self, now: float) -> None:
        """Ask the reading in hand to end between two tokens; it comes back as an outcome `stopped`."""
        if self.worker is not None:
            self.worker.stop_reading(now)

    def make_way(self, *, at_any_page: bool = False) -> None:
        """Ask a long document (or one of any length) to stop at the next page; it comes back as `yielded`."""
        if self.worker is not None:
            self.worker.make_way(at_any_page=at_any_page)

    def may_read(self, pressure_stops: int, now: float) -> bool:
        """Say whether a job that pressure stopped so often may be given now; while it waits, memory is watched."""
        self.monitor.waiting_for_normal = not self._watch.may_read(pressure_stops)
        return not self.monitor.waiting_for_normal

    def apply(self, settings: Settings, engine: str, now: float) -> None:
        """Take over changed settings; what the model was loaded with makes it go and come back."""
        reload = engine != self.engine or _loaded_with(settings) != _loaded_with(self.settings)
        self.settings, self.engine = settings, engine
        self.monitor.settings = settings
        self._watch.apply(settings.memory)
        self.admission.apply(now)
        if self.state is ModelState.BLOCKED:
            self._enter(ModelState.COLD)
        if reload:
            self.unload("settings", now)
        elif self.worker is not None:
            self.worker.configure(settings)

    def slept(self, seconds: float) -> None:
        """The machine slept: idleness is judged by the wall clock, which saw that time pass."""
        if self.stats is not None and self.stats.idle_since is not None:
            self.stats.idle_since -= max(0.0, seconds)

    def leave(self, now: float) -> bool:
        """Ask the worker to go for good; return whether it is gone. May be called as often as one likes."""
        if self.worker is not None and self._shutdown is None:
            self._end("stop", now, ask=self.state is ModelState.WARM)
        return self.worker is None

    def close(self) -> None:
        """End the worker and wait for that; at the end of the daemon's life, or twice."""
        while not self.leave(time.monotonic()):
            self.hear(time.monotonic())
            self.tick(time.monotonic(), queue_empty=True)
            time.sleep(0.005)

    # -- what others may know

    @property
    def stats(self) -> WorkerStats | None:
        """What is known of the worker, where there is one."""
        return self.worker.stats if self.worker is not None else None

    @property
    def active(self) -> ActiveJob | None:
        """The job in the worker's hands."""
        return self.worker.active if self.worker is not None else None

    @property
    def busy(self) -> bool:
        """Say whether a job is in the worker's hands."""
        return self.active is not None

    @property
    def pressed(self) -> bool:
        """Say whether the machine's memory is why the worker is made to go."""
        return self.monitor.pressed_since is not None

    # -- loading

    def _load_if_allowed(self, now: float) -> None:
        if now >= self.monitor.next_sample:
            self.monitor.look(None, now)
        if self.admission.refused(now):
            self._enter(ModelState.BLOCKED)
            return
        model = registry.peak_key(self.engine, self.settings)
        try:
            self.worker = Connection(self.settings.folders.state, self._command, model, now)
        except OSError as error:
            self.admission.failed(f"the worker cannot be started ({error})", now)
            self._enter(ModelState.BLOCKED)
            return
        self.monitor.pressed_since = None
        self._enter(ModelState.LOADING)
        LOG.info("loading %s (worker %d)", self.engine, self.worker.stats.pid)
        self.worker.load(self.engine, self.settings)

    # -- what the worker says

    def hear(self, now: float) -> None:
        """Take in what the worker has said, and notice when it has closed its end."""
        worker = self.worker
        if worker is None or worker.closed:
            return
        for message in worker.hear(now):
            if self._shutdown is not None:
                self._shutdown.heard(message)
            else:
                self._take(worker, message, now)
        if worker.closed and self._shutdown is None:
            self._fell_silent(worker, now)

    def _take(self, worker: Connection, message: Message, now: float) -> None:
        if message.get("mlx") is not None:
            worker.stats.mlx = message["mlx"]
        match message["kind"]:
            case "loading":
                conversation.load_progress(worker.stats, message)
            case "estimate" if self.admission.refuses(message["bytes"], now):
                self._end("pressure", now, ask=False)
            case "ready":
                self._ready(worker.stats, message, now)
            case "unable":
                self._events.append(Unable(Reason(message["reason"]), message["detail"]))
                self.admission.failed(message["detail"], now)
                self._end("crash", now, ask=True)
            case "progress" | "attempt" | "tokens" if worker.active is not None:
                if conversation.progress(worker.active, message, now):
                    worker.stats.pages_read += 1
                    self._watch.page_read(now)
            case "outcome" if worker.active is not None:
                self._events.append(Finished(worker.active.order, conversation.outcome(message)))
                worker.active, worker.stats.idle_since = None, now
                self._reading_over(worker.stats, now)

    def _ready(self, stats: WorkerStats, message: Message, now: float) -> None:
        conversation.ready(stats, message, now, time.time())
        self.admission.loaded()
        self._enter(ModelState.WARM)
        stats.footprint = stats.footprint_after_load = stats.peak = readings.footprint(stats.pid)
        LOG.info("%s is ready (%s)", self.engine, policy.size(stats.footprint))

    def _reading_over(self, stats: WorkerStats, now: float) -> None:
        """After a job, see whether the model may stay."""
        self._enter(ModelState.WARM)
        if self._unload_wanted is not None:
            self._end(self._unload_wanted, now, ask=True)
        elif why := self.monitor.worn_out(stats, now):
            LOG.info("replacing the worker: %s", why)
            self._end("recycle", now, ask=True)

    def _fell_silent(self, worker: Connection, now: float) -> None:
        """The worker has closed its end, unasked: it is dead or about to be."""
        words = worker.process.last_words()
        said = f" It said: {words}" if words else ""
        LOG.error("the worker (pid %d) died.%s", worker.stats.pid, said)
        if self.state is ModelState.LOADING:
            self.admission.failed(f"the worker died while loading.{said}", now)
        self._end("crash", now, ask=False, died=f"The engine's process died while reading this file.{said}")

    # -- the end of a worker

    def _end(self, reason: str, now: float, *, ask: bool, died: str = "", fault: Reason = Reason.ENGINE_CRASH) -> None:
        """Begin the end of the worker; a job in its hands comes back as died or, when it was to stop, as stopped."""
        worker = self.worker
        assert worker is not None
        LOG.info("unloading %s: %s", self.engine, reason)
        if worker.active is not None:
            order, stopping = worker.active.order, worker.active.stopping_since is not None
            stopped = Finished(order, Outcome(order.job, order.claim, "stopped"))
            self._events.append(stopped if stopping else Died(order, fault, died))
            worker.active = None
        self.last_unload = Unload(time.time(), reason if reason == "crash" else self._unload_wanted or reason)
        self._unload_wanted = None
        self._enter(ModelState.UNLOADING)
        ask = ask and not worker.closed
        grace = self.settings.model.shutdown_grace if ask else DYING if worker.closed else 0.0
        if reason == "stop":
            grace = min(grace, RELEASE_AT_STOP)  # the page in hand has had its grace already
        self._shutdown = WorkerShutdown(
            worker.process, self.last_unload, now, worker.stats.footprint, ask=ask, grace=grace
        )

    def _over(self, worker: Connection, ending: WorkerShutdown, now: float) -> None:
        self._reclaim = ending.close(now)
        self._events.append(Gone(ending.unload, worker.stats.model, worker.stats.peak))
        self.worker = self._shutdown = None
        self._enter(ModelState.COLD)
        if self.admission.blocked_reason is not None:
            self._enter(ModelState.BLOCKED)

    # -- time

    def tick(self, now: float, *, queue_empty: bool) -> list[Event]:
        """Do what the time demands; return what has happened since the last call, in order."""
        if self.worker is not None:
            self._mind_end(self.worker, now)
        if self._reclaim is not None:
            self._reclaim.tick(now)
        self._mind_memory(now)
        self._mind_idleness(now, queue_empty=queue_empty)
        events, self._events = self._events, []
        return events

    def _mind_end(self, worker: Connection, now: float) -> None:
        """Help on an end that has begun; begin one for a worker that is stuck."""
        if self._shutdown is not None:
            self._shutdown.tick(now)
            if self._shutdown.over:
                self._over(worker, self._shutdown, now)
        elif worker.active is not None and (why := timeouts.stuck(worker.active, self.settings, now)):
            LOG.warning("%s: %s", worker.active.order.name, why[1])
            self._end("crash", now, ask=False, died=why[1], fault=why[0])
        elif self.state is ModelState.LOADING and now - worker.heard_at > LOAD_STALL:
            self.admission.failed(f"no sign of life for {LOAD_STALL:.0f} s", now)
            self._end("crash", now, ask=False)

    def _mind_memory(self, now: float) -> None:
        """Look at memory when it is time to, and let pressure have its way."""
        if self.monitor.must_stop(now):
            self.stop_reading(now)
        if not self.monitor.sampling(self.state) or now < self.monitor.next_sample:
            return
        action = self.monitor.look(self.stats, now)
        if self.worker is None or action is Action.NOTHING:
            return
        if action is Action.TRIM:
            self.worker.trim()
        elif action is Action.STOP_AND_UNLOAD or self.state is ModelState.WARM:
            self.monitor.pressed_since = self.monitor.pressed_since or now
            self.unload("pressure", now)

    def _mind_idleness(self, now: float, *, queue_empty: bool) -> None:
        if self.state is not ModelState.WARM or self.worker is None:
            return
        match self.monitor.idle(self.worker.stats, now, queue_empty=queue_empty):
            case IdleAction.UNLOAD:
                self._end("idle", now, ask=True)
            case IdleAction.TRIM:
                self.worker.trim()

    def unload_due(self, *, queue_empty: bool) -> float | None:
        """Return the monotonic moment at which the model will leave if nothing happens, or None."""
        if self.state is not ModelState.WARM or self.stats is None or self.stats.idle_since is None:
            return None
        return policy.unload_at(self.stats.idle_since, self.settings.model, queue_empty)

    def deadline(self, now: float, *, queue_empty: bool) -> float | None:
        """Return when `tick` wants to be called again at the latest."""
        times = [part.deadline() for part in (self._shutdown, self._reclaim) if part is not None]
        times += self.monitor.deadlines(self.state, self.worker, queue_empty=queue_empty)
        cold = self.state in (ModelState.BLOCKED, ModelState.COLD)
        if cold and self.admission.waiting and self.admission.retry_at > now:
            times.append(self.admission.retry_at)
        return min((t for t in times if t is not None), default=None)


def _loaded_with(settings: Settings) -> tuple[str | None, ...]:
    """Return the settings that a model was loaded with; all others are taken over by a loaded one."""
    return settings.engine.model, settings.engine.revision, settings.engine.vision_precision
