"""The daemon's handle on the worker, and the owner of a model's state (see `states`).

Callers ask for what they want (`ensure_ready`, `give`, `unload`) and never look at the state to decide. Every method
runs on the main thread and none waits, except `close`.
"""

import time
from collections.abc import Callable, Sequence

from msgspec import structs

from dropscribe import __version__
from dropscribe.config import Settings
from dropscribe.core import protocol
from dropscribe.core.errors import Reason
from dropscribe.core.job import Job, Order, Outcome
from dropscribe.core.protocol import ToDaemon
from dropscribe.core.status import RemoteStatus
from dropscribe.engines import crosscheck, registry
from dropscribe.host import blame, servers, timeouts
from dropscribe.host.admission import Admission
from dropscribe.host.connection import Connection
from dropscribe.host.monitor import MemoryMonitor
from dropscribe.host.process import COMMAND
from dropscribe.host.shutdown import ReclaimWatch, WorkerShutdown
from dropscribe.host.states import ALLOWED, ModelState
from dropscribe.host.values import ActiveJob, Event, Finished, Gone, Unable, Unload, WorkerStats
from dropscribe.log import LOG
from dropscribe.memory import policy, readings
from dropscribe.memory.policy import IdleAction
from dropscribe.memory.pressure import Action, PressureWatch

DYING = 1.0  # seconds for a worker that has closed its end to be really gone
RELEASE_AT_STOP = 10.0  # seconds
RESTART = "restart it: dropscribe install, or stop it and run it again"
LOAD_STALL = 300.0  # seconds of a load without a sign of life
# Jobs in the worker's hands. Of those that still want pages, twice what fills the engine and one more: rows of a batch
# often end together, and the next ones are to be decoded by then. Jobs that are only being written count less.
PER_PAGE, BEYOND, WRITING = 2, 1, 8


class Host:
    """One model and its worker."""

    def __init__(
        self, settings: Settings, engine: str, peaks: Callable[[], Sequence[int]], command: Sequence[str] = COMMAND
    ) -> None:
        self.settings, self.engine = settings, engine
        self.state = ModelState.COLD
        self.last_unload: Unload | None = None
        self._watch = PressureWatch(settings.memory)
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
        """Ask for a loaded model; return whether jobs may be given now. May be called as often as one likes."""
        if self.state in (ModelState.COLD, ModelState.BLOCKED) and now >= self.admission.retry_at:
            self._load_if_allowed(now)
        return self.ready

    def ensure_room(self, job: Job, now: float) -> bool:
        """Ask for a loaded model; return whether *job* may be given now: suspects alone, others while there is room."""
        self.monitor.waiting_for_normal = not self._watch.may_read(job.pressure_stops)
        if self.monitor.waiting_for_normal or not self.ensure_ready(now):
            return False
        assert self.worker is not None
        return self._may_join(suspect=job.suspect) and _has_room(self.active, self.worker.stats.width, job.priority)

    def ensure_place(self, now: float, *, suspect: bool) -> bool:
        """Ask for a loaded model; return whether a file that somebody waits for may be given now, beside all others."""
        return self.ensure_ready(now) and self._may_join(suspect=suspect)

    def _may_join(self, *, suspect: bool) -> bool:
        """Say whether a job may be given beside those in hand: a suspect alone, nothing beside a suspect."""
        assert self.worker is not None
        if suspect or any(other.suspect for other in self.active):
            return not self.active
        return not self.worker.draining

    def not_needed(self) -> None:
        """Say that no work is waiting: a refusal to load is then no news."""
        self.admission.not_wanted()
        self.monitor.waiting_for_normal = False
        if self.state is ModelState.BLOCKED:
            self._enter(ModelState.COLD)

    def give(self, order: Order, now: float, *, suspect: bool = False) -> None:
        """Give a job to a ready worker (see `ensure_room`)."""
        assert self.worker is not None
        self._enter(ModelState.BUSY)
        self.worker.give(order, now, suspect=suspect)

    def drop(self, order: Order) -> None:
        """Say that nobody wants a job any more; it comes back as `drained`."""
        if self.worker is not None:
            self.worker.drop(order)

    def unload(self, reason: str, now: float) -> None:
        """Ask for the model to go, after the current pages; repeating it changes nothing."""
        if self.state in (ModelState.WARM, ModelState.LOADING):
            self._end(reason, now, ask=self.state is ModelState.WARM)
        elif self.state is ModelState.BUSY:
            self._unload_wanted = self._unload_wanted or reason
            self.drain()

    def drain(self) -> None:
        """Let the engine finish the pages it has; whatever else is in the worker's hands comes back."""
        if self.worker is not None:
            self.worker.drain()

    def stop_reading(self, now: float) -> None:
        """Let everything in the worker's hands come back between two tokens."""
        if self.worker is not None:
            self.worker.stop(now)

    def apply(self, settings: Settings, engine: str, now: float) -> None:
        """Take over changed settings; what the model was loaded with makes it go and come back."""
        before = self.engine, _loaded_with(self._affordable)
        self.settings, self.engine = settings, engine
        reload = before != (engine, _loaded_with(self._affordable))
        self.monitor.settings = settings
        self._watch.apply(settings.memory)
        self.admission.apply(now)
        if self.state is ModelState.BLOCKED:
            self._enter(ModelState.COLD)
        if reload:
            self.unload("settings", now)
        elif self.worker is not None:
            self.worker.configure(self._affordable)

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
    def ready(self) -> bool:
        """Say whether a model is loaded and meant to stay."""
        return self.state in (ModelState.WARM, ModelState.BUSY) and self._unload_wanted is None

    @property
    def stats(self) -> WorkerStats | None:
        """What is known of the worker, where there is one."""
        return self.worker.stats if self.worker is not None else None

    @property
    def active(self) -> list[ActiveJob]:
        """The jobs in the worker's hands, in the order in which they were given."""
        return list(self.worker.jobs.values()) if self.worker is not None else []

    @property
    def busy(self) -> bool:
        """Say whether a job is in the worker's hands."""
        return self.worker is not None and bool(self.worker.jobs)

    @property
    def pressed(self) -> bool:
        """Say whether the machine's memory is why the worker is made to go."""
        return self.monitor.pressed_since is not None

    @property
    def servers(self) -> list[RemoteStatus]:
        """The servers that pages are sent to; none where they stay on this machine."""
        told = self.stats.servers if self.stats is not None else []
        return told or servers.named(self.settings, self.engine)

    # -- loading

    def _load_if_allowed(self, now: float) -> None:
        if now >= self.monitor.next_sample:
            self.monitor.look(None, now)
        if self.admission.refused(now, self._spare):
            self._enter(ModelState.BLOCKED)
            return
        settings = self._affordable
        model = registry.peak_key(self.engine, settings)
        try:
            self.worker = Connection(self.settings.folders.state, self._command, model, now)
        except OSError as error:
            self.admission.failed(f"the worker cannot be started ({error})", now)
            self._enter(ModelState.BLOCKED)
            return
        self.monitor.pressed_since = None
        self._enter(ModelState.LOADING)
        LOG.info("loading %s (worker %d)", self.engine, self.worker.stats.pid)
        if self.admission.left_out:
            LOG.warning("no cross-check: %s", self.admission.left_out)
        self.worker.load(self.engine, settings)

    @property
    def _spare(self) -> int:
        """Return the bytes of the model's need that can be left out: those of a second reader."""
        return crosscheck.ESTIMATE_BYTES if registry.cross_checks(self.engine, self.settings) else 0

    @property
    def _affordable(self) -> Settings:
        """Return the settings as the worker gets them, without what memory has no room for."""
        if self.admission.left_out is None:
            return self.settings
        engine = structs.replace(self.settings.engine, cross_check="off")
        return structs.replace(self.settings, engine=engine, recipes={})  # which may want it, too

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

    def _take(self, worker: Connection, message: ToDaemon, now: float) -> None:
        worker.note(message, now)
        match message:
            case protocol.Hello(version) if version != __version__:
                detail = f"Dropscribe {__version__} runs, and {version} is installed since; {RESTART}."
                self._unable(Reason.ENGINE_UNAVAILABLE, detail, now, ask=False)  # it may understand nothing
            case protocol.Estimate(needed) if self.admission.refuses(needed, now, self._spare):
                self._end("pressure", now, ask=False)
            case protocol.Ready():
                self._ready(worker.stats, message, now)
            case protocol.Unable(reason, detail):
                self._unable(reason, detail, now)
            case protocol.PageDone():
                self._watch.page_read(now)
            case protocol.Ended(outcome):
                self._job_ended(worker, outcome, now)

    def _ready(self, stats: WorkerStats, message: protocol.Ready, now: float) -> None:
        stats.loaded_at, stats.ready_at, stats.idle_since, stats.loading = time.time(), now, now, None
        stats.engine_model, stats.width = message.info.model, message.width
        self.admission.loaded()
        self._enter(ModelState.WARM)
        stats.footprint = stats.peak = readings.footprint(stats.pid)
        LOG.info("%s is ready (%s)", self.engine, policy.size(stats.footprint))

    def _unable(self, reason: Reason, detail: str, now: float, *, ask: bool = True) -> None:
        self._events.append(Unable(reason, detail))
        self.admission.failed(detail, now)
        self._end("crash", now, ask=ask)

    def _job_ended(self, worker: Connection, outcome: Outcome, now: float) -> None:
        """Hand an outcome on; with the last one, see whether the model may stay."""
        active = worker.jobs.pop((outcome.job, outcome.claim), None)
        if active is None:
            return
        self._events.append(Finished(active.order, outcome))
        self.monitor.job_ended(worker.stats)
        if self._unload_wanted is None and (why := self.monitor.worn_out(worker.stats, now)):
            LOG.info("replacing the worker: %s", why)
            self._unload_wanted = "recycle"  # what is in its hands is finished first
        if worker.jobs:
            return
        worker.stats.idle_since, worker.draining, worker.stopping_since = now, False, None
        self._enter(ModelState.WARM)
        if self._unload_wanted is not None:
            self._end(self._unload_wanted, now, ask=True)

    def _fell_silent(self, worker: Connection, now: float) -> None:
        """The worker has closed its end, unasked: it is dead or about to be."""
        words = worker.process.last_words()
        said = f" It said: {words}" if words else ""
        LOG.error("the worker (pid %d) died.%s", worker.stats.pid, said)
        if self.state is ModelState.LOADING:
            asked = "" if worker.greeted else f" Was Dropscribe upgraded while it ran? If so, {RESTART}."
            self.admission.failed(f"the worker died while loading.{said}{asked}", now)
        self._end("crash", now, ask=False, died=f"The engine's process died while reading this file.{said}")

    # -- the end of a worker

    def _end(self, reason: str, now: float, *, ask: bool, died: str = "", fault: Reason = Reason.ENGINE_CRASH) -> None:
        """Begin the end of the worker; jobs in its hands come back as died or, when they were to stop, as stopped."""
        worker = self.worker
        assert worker is not None
        LOG.info("unloading %s: %s", self.engine, reason)
        self._events += blame.of(worker, fault, died)
        worker.jobs.clear()
        self.last_unload = Unload(time.time(), reason if reason == "crash" else self._unload_wanted or reason)
        self._unload_wanted = None
        self._enter(ModelState.UNLOADING)
        ask = ask and not worker.closed
        grace = self.settings.model.shutdown_grace if ask else DYING if worker.closed else 0.0
        if reason == "stop":
            grace = min(grace, RELEASE_AT_STOP)  # the current page has had its grace already
        last_seen = worker.stats.footprint
        self._shutdown = WorkerShutdown(worker.process, self.last_unload, now, last_seen, ask=ask, grace=grace)

    def _gone(self, worker: Connection, shutdown: WorkerShutdown, now: float) -> None:
        self._reclaim = shutdown.close(now)
        peak = worker.stats.peak if worker.stats.ready_at is not None else None
        self._events.append(Gone(shutdown.unload, worker.stats.model, peak))
        self.worker = self._shutdown = None
        self._enter(ModelState.COLD)
        if self.admission.blocked_reason is not None:
            self._enter(ModelState.BLOCKED)

    # -- time

    def tick(self, now: float, *, queue_empty: bool) -> list[Event]:
        """Do what the time demands; return what has happened since the last call, in order."""
        if self.worker is not None:
            self._check_worker(self.worker, now)
        if self._reclaim is not None:
            self._reclaim.tick(now)
        self._check_memory(now)
        self._check_idleness(now, queue_empty=queue_empty)
        events, self._events = self._events, []
        return events

    def _check_worker(self, worker: Connection, now: float) -> None:
        """Help on an end that has begun; begin one for a worker that is stuck."""
        if self._shutdown is not None:
            self._shutdown.tick(now)
            if self._shutdown.over:
                self._gone(worker, self._shutdown, now)
            return
        limits = timeouts.limits(worker.jobs.values(), self.settings, worker.heard_at, worker.stopping_since)
        if over := min((limit for limit in limits if now >= limit.moment), default=None):
            LOG.warning("the worker (pid %d) is stuck: %s", worker.stats.pid, over.detail)
            self._end("crash", now, ask=False, died=over.detail, fault=over.reason)
        elif self.state is ModelState.LOADING and now - worker.heard_at > LOAD_STALL:
            self.admission.failed(f"no sign of life for {LOAD_STALL:.0f} s", now)
            self._end("crash", now, ask=False)

    def _check_memory(self, now: float) -> None:
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

    def _check_idleness(self, now: float, *, queue_empty: bool) -> None:
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


def _has_room(active: Sequence[ActiveJob], width: int, priority: int) -> bool:
    """Say whether a worker with these jobs takes another of this *priority*.

    Jobs that are only being written count less, and those of a lower priority not: their pages give way.
    """
    most = PER_PAGE * width + BEYOND
    equal = [job for job in active if job.order.priority <= priority]
    return sum(not job.read for job in equal) < most and len(equal) < most + WRITING


def _loaded_with(settings: Settings) -> tuple[object, ...]:
    """Return the settings that a model was loaded with; all others are taken over by a loaded one."""
    engine = settings.engine
    precision, check, rows = engine.vision_precision, engine.cross_check, engine.pages_at_once
    return engine.model, engine.revision, precision, check, rows, engine.remote
