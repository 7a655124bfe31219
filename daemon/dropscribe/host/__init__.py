"""The daemon's handle on the worker: the states of a model, and every way from one to another.

| from      | event                                             | to        |
|-----------|---------------------------------------------------|-----------|
| cold      | wanted and allowed                                | loading   |
| cold      | wanted, not allowed now                           | blocked   |
| blocked   | wanted, its time has come, allowed                | loading   |
| blocked   | not wanted any more, or the settings changed      | cold      |
| loading   | ready                                             | warm      |
| loading   | cannot load, no sign of life, command, stop       | unloading |
| warm      | a job                                             | busy      |
| warm      | idle, pressure, recycle, command, settings, stop  | unloading |
| busy      | the job ended                                     | warm      |
| busy      | stuck                                             | unloading |
| unloading | the process has ended                             | cold      |
| loading, warm, busy, unloading | the process died by itself   | cold      |

All of them are taken here, by `_enter`; callers ask for what they want (`ensure_ready`, `unload`) and never look at
the state to decide. Every method runs on the main thread and none waits, except `close`.
"""

import time
from collections.abc import Callable, Sequence

from dropscribe import engines, memory
from dropscribe.config import Settings, plain
from dropscribe.errors import Reason
from dropscribe.host import conversation, stuck
from dropscribe.host.admission import Admission
from dropscribe.host.ending import Aftermath, Ending
from dropscribe.host.keeping import Keeper
from dropscribe.host.process import COMMAND, WorkerProcess
from dropscribe.host.values import Died, Event, Finished, Gone, Life, ModelState, Progress, Reading, Unable, Unload
from dropscribe.job import Order, Outcome
from dropscribe.log import LOG
from dropscribe.memory import policy
from dropscribe.memory.policy import Action, IdleAction
from dropscribe.wire import Message

ALLOWED = {
    ModelState.COLD: {ModelState.LOADING, ModelState.BLOCKED},
    ModelState.BLOCKED: {ModelState.LOADING, ModelState.COLD},
    ModelState.LOADING: {ModelState.WARM, ModelState.UNLOADING},
    ModelState.WARM: {ModelState.BUSY, ModelState.UNLOADING},
    ModelState.BUSY: {ModelState.WARM, ModelState.UNLOADING},
    ModelState.UNLOADING: {ModelState.COLD},
}
DYING = 1.0  # seconds for a worker that has closed its end to be really gone
LOAD_STALL = 300.0  # seconds of a load without a sign of life


class Host:
    """One model and its worker."""

    def __init__(
        self, settings: Settings, engine: str, peaks: Callable[[], Sequence[int]], command: Sequence[str] = COMMAND
    ) -> None:
        self.settings, self.engine = settings, engine
        self.state = ModelState.COLD
        self.life: Life | None = None
        self.reading: Reading | None = None
        self.last_unload: Unload | None = None
        self._watch = policy.PressureWatch(settings.memory)
        self.keeper = Keeper(settings, self._watch)
        self.admission = Admission(self._watch, peaks)
        self._command = command
        self._process: WorkerProcess | None = None
        self._deaf = False  # the worker has closed its end
        self._ending: Ending | None = None
        self._aftermath: Aftermath | None = None
        self._unload_wanted: str | None = None
        self._events: list[Event] = []
        self._heard_at = 0.0
        self._waiting_for_normal = False

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
        self._waiting_for_normal = False
        if self.state is ModelState.BLOCKED:
            self._enter(ModelState.COLD)

    def read(self, order: Order, now: float) -> None:
        """Give a job to a ready worker (see `ensure_ready`)."""
        assert self._process is not None and self.life is not None
        self._enter(ModelState.BUSY)
        self.life.idle_since, self.life.trimmed = None, False
        self.reading = Reading(order, now, quiet_since=now)
        self._process.send("read", order=vars(order))

    def unload(self, reason: str, now: float) -> None:
        """Ask for the model to go, after the page in hand; repeating it changes nothing."""
        if self.state in (ModelState.WARM, ModelState.LOADING):
            self._end(reason, now, ask=self.state is ModelState.WARM)
        elif self.state is ModelState.BUSY:
            self._unload_wanted = self._unload_wanted or reason
            self.make_way(at_any_page=True)

    def stop_reading(self, now: float) -> None:
        """Ask the reading in hand to end between two tokens; it comes back as an outcome `stopped`."""
        if self._process is not None and self.reading is not None and self.reading.stopping_since is None:
            self.reading.stopping_since = now
            self._process.send("stop", job=self.reading.order.job, claim=self.reading.order.claim)

    def make_way(self, *, at_any_page: bool = False) -> None:
        """Ask a long document (or one of any length) to stop at the next page; it comes back as `yielded`."""
        reading = self.reading
        if self._process is None or reading is None or reading.making_way >= 1 + at_any_page:
            return
        reading.making_way = 1 + at_any_page
        self._process.send("yield", job=reading.order.job, claim=reading.order.claim, at_any_page=at_any_page)

    def may_read(self, pressure_stops: int, now: float) -> bool:
        """Say whether a job that pressure stopped so often may be given now; while it waits, memory is watched."""
        allowed = self._watch.may_read(pressure_stops)
        self._waiting_for_normal = not allowed
        return allowed

    def apply(self, settings: Settings, engine: str, now: float) -> None:
        """Take over changed settings; what the model was loaded with makes it go and come back."""
        reload = engine != self.engine or _loaded_with(settings) != _loaded_with(self.settings)
        self.settings, self.engine = settings, engine
        self.keeper.settings = settings
        self._watch.apply(settings.memory)
        self.admission.apply(now)
        if self.state is ModelState.BLOCKED:
            self._enter(ModelState.COLD)
        if reload:
            self.unload("settings", now)
        elif self._process is not None:
            self._process.send("configure", settings=plain(settings))

    def slept(self, seconds: float) -> None:
        """The machine slept: idleness is judged by the wall clock, which saw that time pass."""
        if self.life is not None and self.life.idle_since is not None:
            self.life.idle_since -= max(0.0, seconds)

    def close(self, grace: float) -> list[Event]:
        """End the worker, wait for that, and return what happened; at the end of the daemon's life, or twice."""
        now = time.monotonic()
        if self._process is not None and self._ending is None:
            self._end("stop", now, ask=self.state is ModelState.WARM, grace=grace)
        events: list[Event] = []
        while self._ending is not None:
            self.hear(time.monotonic())
            events += self.tick(time.monotonic(), queue_empty=True)
            time.sleep(0.005)
        return events

    @property
    def busy(self) -> bool:
        """Say whether a job is in the worker's hands."""
        return self.reading is not None

    @property
    def pressed(self) -> bool:
        """Say whether the machine's memory is why the worker is made to go."""
        return self.keeper.pressed_since is not None

    # -- loading

    def _load_if_allowed(self, now: float) -> None:
        if now >= self.keeper.next_sample:
            self.keeper.look(None, now)
        if self.admission.refused(now):
            self._enter(ModelState.BLOCKED)
            return
        try:
            self._process = WorkerProcess(self.settings.folders.state, self._command)
        except OSError as error:
            self.admission.failed(f"the worker cannot be started ({error})", now)
            self._enter(ModelState.BLOCKED)
            return
        self._deaf, self._heard_at = False, now
        self.keeper.pressed_since = None
        self.life = Life(self._process.pid, engines.peak_key(self.engine, self.settings), step="starting")
        self._enter(ModelState.LOADING)
        LOG.info("loading %s (worker %d)", self.engine, self._process.pid)
        values = plain(self.settings)
        self._process.send("load", engine=self.engine, settings=values, state=self.settings.folders.state)

    # -- what the worker says

    def fileno(self) -> int | None:
        """Return what to select on for reading; None when there is nothing (more) to hear."""
        return self._process.fileno() if self._process is not None and not self._deaf else None

    @property
    def has_unsent(self) -> bool:
        """Say whether to select for writing too."""
        return self._process is not None and self._process.has_unsent

    def hear(self, now: float) -> None:
        """Take in what the worker has said, and notice when it has closed its end."""
        if self._process is None or self._deaf:
            return
        self._process.flush()
        messages = self._process.hear()
        if messages is None:
            self._fell_silent(now)
        for message in messages or ():
            self._heard_at = now
            if self._ending is not None:
                self._ending.heard(message)
            else:
                self._take(message, now)

    def _take(self, message: Message, now: float) -> None:
        assert self.life is not None
        if message.get("mlx") is not None:
            self.life.mlx = message["mlx"]
        match message["kind"]:
            case "loading":
                conversation.load_progress(self.life, message)
            case "estimate" if self.admission.refuses(message["bytes"], now):
                self._end("pressure", now, ask=False)
            case "ready":
                self._ready(message, now)
            case "unable":
                self._events.append(Unable(Reason(message["reason"]), message["detail"]))
                self.admission.failed(message["detail"], now)
                self._end("crash", now, ask=True)
            case "progress" | "attempt" | "tokens" if self.reading is not None:
                if conversation.progress(self.reading, message, now):
                    self.life.pages_read += 1
                    self._watch.page_read(now)
                    self._events.append(Progress(self.reading.order, message["page"], message["pages"]))
            case "outcome" if self.reading is not None:
                self._outcome(message, now)

    def _ready(self, message: Message, now: float) -> None:
        assert self.life is not None
        conversation.ready(self.life, message, now, time.time())
        self.admission.loaded()
        self._enter(ModelState.WARM)
        self.life.footprint = self.life.footprint_after_load = self.life.peak = memory.footprint(self.life.pid)
        LOG.info("%s is ready (%s)", self.engine, _size(self.life.footprint))

    def _outcome(self, message: Message, now: float) -> None:
        """Take the outcome of the job in hand, then see whether the model may stay."""
        assert self.life is not None and self.reading is not None
        self._events.append(Finished(self.reading.order, conversation.outcome(message)))
        self.reading, self.life.idle_since = None, now
        self._enter(ModelState.WARM)
        if self._unload_wanted is not None:
            self._end(self._unload_wanted, now, ask=True)
        elif why := self._worn_out(self.life, now):
            LOG.info("replacing the worker: %s", why)
            self._end("recycle", now, ask=True)

    def _worn_out(self, life: Life, now: float) -> str | None:
        """Return why the worker should be replaced; the last sample may be of the middle of a page, so look again."""
        if self.keeper.worn_out(life, now) is None:
            return None
        life.footprint = memory.footprint(life.pid)
        return self.keeper.worn_out(life, now)

    def _fell_silent(self, now: float) -> None:
        """The worker has closed its end: it is dead or about to be."""
        assert self._process is not None
        self._deaf = True
        if self._ending is not None:
            return  # expected; `tick` sees the exit
        words = self._process.last_words()
        said = f" It said: {words}" if words else ""
        LOG.error("the worker (pid %d) died.%s", self._process.pid, said)
        if self.state is ModelState.LOADING:
            self.admission.failed(f"the worker died while loading.{said}", now)
        self._end("crash", now, ask=False, died=f"The engine's process died while reading this file.{said}")

    # -- the end of a worker

    def _end(
        self,
        reason: str,
        now: float,
        *,
        ask: bool,
        grace: float | None = None,
        died: str = "",
        fault: Reason = Reason.ENGINE_CRASH,
    ) -> None:
        """Begin the end of the worker; a job in its hands comes back as died or, when it was to stop, as stopped."""
        assert self._process is not None
        LOG.info("unloading %s: %s", self.engine, reason)
        if self.reading is not None:
            order, stopping = self.reading.order, self.reading.stopping_since is not None
            stopped = Finished(order, Outcome(order.job, order.claim, "stopped"))
            self._events.append(stopped if stopping else Died(order, fault, died))
            self.reading = None
        self.last_unload = Unload(time.time(), reason if reason == "crash" else self._unload_wanted or reason)
        self._unload_wanted = None
        self._enter(ModelState.UNLOADING)
        ask = ask and not self._deaf
        grace = (self.settings.model.stop_grace if grace is None else grace) if ask else DYING if self._deaf else 0.0
        last_seen = self.life.footprint if self.life is not None else None
        self._ending = Ending(self._process, self.last_unload, now, last_seen, ask=ask, grace=grace)

    def _over(self, now: float) -> None:
        assert self._ending is not None and self.life is not None
        self._aftermath = self._ending.close(now)
        unload = self._ending.unload
        before, released, residue = map(_size, (unload.footprint_bytes, unload.released_bytes, unload.residue_bytes))
        LOG.info(
            "unloaded (%s, %s, %.1f s): %s before, %s given back by the release, %s by the exit",
            *(unload.reason, unload.how, unload.seconds, before, released, residue),
        )
        self._events.append(Gone(unload, self.life.model, self.life.peak))
        self._process = self._ending = self.life = None
        self._enter(ModelState.COLD)
        if self.admission.blocked_reason is not None:
            self._enter(ModelState.BLOCKED)

    # -- time

    def tick(self, now: float, *, queue_empty: bool) -> list[Event]:
        """Do what the time demands; return what has happened since the last call, in order."""
        if self._ending is not None:
            self._ending.tick(now)
            if self._ending.over:
                self._over(now)
        if self._aftermath is not None:
            self._aftermath.tick(now)
        if self.reading is not None and (why := stuck.stuck(self.reading, self.settings, now)):
            LOG.warning("%s: %s", self.reading.order.name, why[1])
            self._end("crash", now, ask=False, died=why[1], fault=why[0])
        if self.state is ModelState.LOADING and now - self._heard_at > LOAD_STALL:
            self.admission.failed(f"no sign of life for {LOAD_STALL:.0f} s", now)
            self._end("crash", now, ask=False)
        self._mind_memory(now)
        self._mind_idleness(now, queue_empty=queue_empty)
        events, self._events = self._events, []
        return events

    @property
    def _sampling(self) -> bool:
        return self.state not in (ModelState.COLD, ModelState.UNLOADING) or self._waiting_for_normal

    def _mind_memory(self, now: float) -> None:
        """Look at memory when it is time to, and let pressure have its way."""
        if self.keeper.must_stop(now):
            self.stop_reading(now)
        if not self._sampling or now < self.keeper.next_sample:
            return
        action = self.keeper.look(self.life, now)
        if self.life is None or action is Action.NOTHING:
            return
        if action is Action.TRIM:
            self._trim()
        elif action is Action.STOP_AND_UNLOAD or self.state is ModelState.WARM:
            self.keeper.pressed_since = self.keeper.pressed_since or now
            self.unload("pressure", now)

    def _mind_idleness(self, now: float, *, queue_empty: bool) -> None:
        if self.state is not ModelState.WARM or self.life is None:
            return
        match self.keeper.idle(self.life, now, queue_empty=queue_empty):
            case IdleAction.UNLOAD:
                self._end("idle", now, ask=True)
            case IdleAction.TRIM:
                self._trim()

    def _trim(self) -> None:
        assert self.life is not None and self._process is not None
        self.life.trimmed = True
        self._process.send("trim")

    def unload_due(self, *, queue_empty: bool) -> float | None:
        """Return the monotonic moment at which the model will leave if nothing happens, or None."""
        if self.state is not ModelState.WARM or self.life is None or self.life.idle_since is None:
            return None
        return policy.unload_at(self.life.idle_since, self.settings.model, queue_empty)

    def deadline(self, now: float, *, queue_empty: bool) -> float | None:
        """Return when `tick` wants to be called again at the latest."""
        times: list[float | None] = []
        times += [part.deadline() for part in (self._ending, self._aftermath) if part is not None]
        if self.reading is not None:
            times.append(stuck.deadline(self.reading, self.settings))
            if self.keeper.pressed_since is not None and self.reading.stopping_since is None:
                times.append(self.keeper.pressed_since + policy.PAGE_GRACE)
        if self._sampling:
            times.append(self.keeper.next_sample)
        cold = self.state in (ModelState.BLOCKED, ModelState.COLD)
        if cold and self.admission.waiting and self.admission.retry_at > now:
            times.append(self.admission.retry_at)
        if self.state is ModelState.WARM and self.life is not None:
            times.append(self.keeper.idle_deadline(self.life, queue_empty=queue_empty))
        return min((t for t in times if t is not None), default=None)


def _loaded_with(settings: Settings) -> tuple[str | None, ...]:
    """Return the settings that a model was loaded with; all others are taken over by a loaded one."""
    return settings.engine.model, settings.engine.revision, settings.engine.vision


def _size(count: int | None) -> str:
    return "unknown" if count is None else policy.size(count)
