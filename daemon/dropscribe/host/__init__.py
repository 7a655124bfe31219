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
from typing import Any

from dropscribe import memory
from dropscribe.config import Settings
from dropscribe.errors import Reason
from dropscribe.host import stuck
from dropscribe.host.ending import Aftermath, Ending
from dropscribe.host.process import COMMAND, WorkerProcess
from dropscribe.host.values import Died, Event, Finished, Gone, Life, ModelState, Progress, Reading, Unable, Unload
from dropscribe.job import Order, Outcome
from dropscribe.log import LOG
from dropscribe.memory import policy
from dropscribe.wire import Message

ALLOWED = {
    ModelState.COLD: {ModelState.LOADING, ModelState.BLOCKED},
    ModelState.BLOCKED: {ModelState.LOADING, ModelState.COLD},
    ModelState.LOADING: {ModelState.WARM, ModelState.UNLOADING, ModelState.COLD},
    ModelState.WARM: {ModelState.BUSY, ModelState.UNLOADING, ModelState.COLD},
    ModelState.BUSY: {ModelState.WARM, ModelState.UNLOADING, ModelState.COLD},
    ModelState.UNLOADING: {ModelState.COLD},
}
DYING = 1.0  # seconds for a worker that has closed its end to be really gone
LOAD_STALL = 300.0  # seconds of a load without a sign of life
SAMPLE = 2.0  # seconds between looks at memory while a model is loaded, loading or blocked
FIRST_RETRY, LAST_RETRY = 5.0, 600.0  # seconds of back-off after a failed load


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
        self.blocked_reason: str | None = None
        self.sample: memory.Sample | None = None
        self._peaks, self._command = peaks, command
        self._process: WorkerProcess | None = None
        self._ending: Ending | None = None
        self._aftermath: Aftermath | None = None
        self._unload_wanted: str | None = None
        self._events: list[Event] = []
        self._retry_at = 0.0
        self._failed_loads = 0
        self._wanted_since: float | None = None
        self._next_sample = 0.0
        self._heard_at = 0.0
        self._deaf = self._pressed = False
        self._watch = policy.PressureWatch(settings.memory)

    def _enter(self, state: ModelState) -> None:
        """The one place where the state changes."""
        if state is not self.state:
            assert state in ALLOWED[self.state], f"{self.state} -> {state}"
            LOG.debug("model: %s -> %s", self.state, state)
            self.state = state

    # -- what others ask for

    def ensure_ready(self, now: float) -> bool:
        """Ask for a loaded model; return whether a job may be given now. May be called as often as one likes."""
        self._wanted_since = self._wanted_since or now
        if self.state in (ModelState.COLD, ModelState.BLOCKED) and now >= self._retry_at:
            self._load_if_allowed(now)
        return self.state is ModelState.WARM and self._unload_wanted is None

    def not_needed(self) -> None:
        """Say that no work is waiting: a refusal to load is then no news."""
        self._wanted_since = None
        if self.state is ModelState.BLOCKED:
            self._enter(ModelState.COLD)
            self.blocked_reason = None

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
            self._unload_now(reason, now, ask=True)
        elif self.state is ModelState.BUSY:
            self._unload_wanted = self._unload_wanted or reason

    def stop_reading(self, now: float) -> None:
        """Ask the reading in hand to end between two tokens; it comes back as an outcome `stopped`."""
        if self._process is not None and self.reading is not None and self.reading.stopping_since is None:
            self.reading.stopping_since = now
            self._process.send("stop", job=self.reading.order.job, claim=self.reading.order.claim)

    def make_way(self) -> None:
        """Ask a long document to stop at the next page boundary; it comes back as an outcome `yielded`."""
        reading = self.reading
        if self._process is not None and reading is not None and not reading.making_way:
            reading.making_way = True
            self._process.send("yield", job=reading.order.job, claim=reading.order.claim)

    def apply(self, settings: Settings, engine: str, now: float) -> None:
        """Take over changed settings; what the model was loaded with makes it go and come back."""
        reload = settings.engine != self.settings.engine or engine != self.engine
        self.settings, self.engine = settings, engine
        self._watch.apply(settings.memory)
        self._retry_at, self._failed_loads = now, 0
        if reload:
            self.unload("settings", now)
        elif self._process is not None:
            self._process.send("configure", settings=settings.model_dump(mode="json"))

    def close(self, grace: float) -> None:
        """End the worker and wait for that; at the end of the daemon's life. May be called twice."""
        now = time.monotonic()
        if self._process is not None and self._ending is None:
            self._unload_now("stop", now, ask=self.state is ModelState.WARM, grace=grace)
        while self._ending is not None:
            self.hear(time.monotonic())
            self.tick(time.monotonic(), queue_empty=True)
            time.sleep(0.005)

    @property
    def busy(self) -> bool:
        """Say whether a job is in the worker's hands."""
        return self.reading is not None

    # -- loading

    def _load_if_allowed(self, now: float) -> None:
        self._look_at_memory(now)
        allowed, why, retry_at = self._watch.may_load(now)
        peaks = self._peaks()
        if allowed and peaks:
            allowed, why, retry_at = self._fits(policy.need(peaks, 0), now)
        if not allowed:
            self._block(why, retry_at)
            return
        self._process = WorkerProcess(self.settings.folders.state, self._command)
        self._enter(ModelState.LOADING)
        self._deaf = False
        self.blocked_reason, self._heard_at = None, now
        self.life = Life(self._process.pid, step="starting")
        LOG.info("loading %s (worker %d)", self.engine, self._process.pid)
        self._process.send(
            "load",
            engine=self.engine,
            settings=self.settings.model_dump(mode="json"),
            state=self.settings.folders.state,
        )

    def _fits(self, need: int, now: float) -> tuple[bool, str, float]:
        verdict = policy.preflight(need, memory.available(), self._wanted_since or now, now)
        return verdict.allowed, verdict.reason, now + SAMPLE

    def _block(self, why: str, retry_at: float) -> None:
        if self.blocked_reason != why:
            LOG.warning("the model is not loaded: %s", why)
        self._enter(ModelState.BLOCKED)
        self.blocked_reason, self._retry_at = why, retry_at

    def _load_failed(self, why: str, now: float) -> None:
        """Wait longer after each failure in a row: a worker that can never start must not be started in a circle."""
        pause = min(FIRST_RETRY * 2**self._failed_loads, LAST_RETRY)
        self._failed_loads += 1
        self._retry_at = now + pause
        LOG.error("the model could not be loaded: %s; next try in %.0f s", why, pause)

    # -- what the worker says

    def fileno(self) -> int | None:
        """Return what to select on for reading, if there is a worker."""
        return self._process.fileno() if self._process is not None else None

    @property
    def has_unsent(self) -> bool:
        """Say whether to select for writing too."""
        return self._process is not None and self._process.has_unsent

    def hear(self, now: float) -> None:
        """Take in what the worker has said; its silence for ever too."""
        if self._process is None:
            return
        self._process.flush()
        messages = None if self._deaf else self._process.hear()
        if messages is None:
            self._silent(now)
            return
        for message in messages:
            self._heard_at = now
            if self._ending is not None:
                self._ending.heard(message)
            else:
                self._take(message, now)

    def _take(self, message: Message, now: float) -> None:
        if self.life is not None and message.get("mlx") is not None:
            self.life.mlx = message["mlx"]
        match message["kind"]:
            case "loading":
                self._progress_of_load(message)
            case "estimate":
                self._consider(message["bytes"], now)
            case "ready":
                self._ready(message, now)
            case "unable":
                self._events.append(Unable(Reason(message["reason"]), message["detail"]))
                self._load_failed(message["detail"], now)
                self._unload_now("crash", now, ask=True)
            case "progress" | "attempt" | "tokens":
                self._progress(message, now)
            case "outcome":
                self._ended(message, now)

    def _consider(self, estimate: int, now: float) -> None:
        """Before the first record of a peak, the engine's own estimate decides whether the load goes on."""
        if self._peaks():
            return
        allowed, why, retry_at = self._fits(estimate, now)
        if not allowed:
            self.blocked_reason, self._retry_at = why, retry_at
            LOG.warning("the model is not loaded: %s", why)
            self._unload_now("pressure", now, ask=False)

    def _progress_of_load(self, message: Message) -> None:
        assert self.life is not None
        self.life.step, self.life.done_bytes, self.life.total_bytes = (
            message["step"],
            message["done_bytes"],
            message["total_bytes"],
        )

    def _ready(self, message: Message, now: float) -> None:
        assert self.life is not None
        life = self.life
        life.loaded_at, life.ready_at, life.idle_since, life.step = time.time(), now, now, None
        life.info = message["info"]
        self._failed_loads = 0
        self._enter(ModelState.WARM)
        self._measure()
        life.footprint_after_load = life.footprint
        LOG.info("%s is ready (%s)", self.engine, _megabytes(life.footprint))

    def _progress(self, message: Message, now: float) -> None:
        reading = self.reading
        if reading is None:
            return
        reading.quiet_since = now
        match message.get("stage", message["kind"]):
            case "decode":
                reading.decoding_since, reading.pages = now, message["pages"]
                reading.page = reading.page or message["page"]
            case "read":
                reading.decoding_since, reading.pages = None, message["pages"]
            case "attempt":
                reading.attempt_since, reading.page, reading.tokens = now, message["page"], 0
                reading.page_since = reading.page_since or now
            case "tokens":
                reading.tokens = message["count"]
            case "done":
                reading.attempt_since = reading.page_since = None
                self._page_done(message, now)
            case "render":
                reading.decoding_since = reading.attempt_since = reading.page_since = None

    def _page_done(self, message: Message, now: float) -> None:
        assert self.life is not None and self.reading is not None
        self.life.pages_read += 1
        self._watch.page_read(now)
        self._events.append(Progress(self.reading.order, message["page"], message["pages"]))

    def _ended(self, message: Message, now: float) -> None:
        """Take the outcome of the job in hand, then see whether the model may stay."""
        assert self.life is not None and self.reading is not None
        values = {key: message[key] for key in Outcome.__dataclass_fields__}
        values["reason"] = Reason(values["reason"]) if values["reason"] else None
        values["staged"] = tuple(values["staged"])
        self._events.append(Finished(self.reading.order, Outcome(**values)))
        self.reading, self.life.idle_since = None, now
        self._enter(ModelState.WARM)
        if self._unload_wanted is not None:
            self._unload_now(self._unload_wanted, now, ask=True)
        elif why := self._recycle_reason(now):
            LOG.info("replacing the worker: %s", why)
            self._unload_now("recycle", now, ask=True)

    # -- ends

    def _silent(self, now: float) -> None:
        """The worker has closed its end: it is dead or about to be."""
        assert self._process is not None
        self._deaf = True
        if self._ending is not None:
            return  # expected; `tick` sees the exit
        words = self._process.last_words()
        LOG.error("the worker (pid %d) died%s", self._process.pid, f": {words}" if words else "")
        if self.state is ModelState.LOADING:
            self._load_failed("the worker died while loading" + (f" ({words})" if words else ""), now)
        detail = "The engine's process died while reading this file." + (f" It said: {words}" if words else "")
        self._unload_now("crash", now, ask=False, died=detail)

    def _unload_now(
        self,
        reason: str,
        now: float,
        *,
        ask: bool,
        grace: float | None = None,
        died: str | None = None,
        fault: Reason = Reason.ENGINE_CRASH,
    ) -> None:
        """Begin the end of the worker; a job in its hands comes back as died or, when it was to stop, as stopped."""
        assert self._process is not None
        LOG.info("unloading %s: %s", self.engine, reason)
        if self.reading is not None:
            order, stopping = self.reading.order, self.reading.stopping_since is not None
            stopped = Finished(order, Outcome(order.job, order.claim, "stopped"))
            self._events.append(stopped if stopping else Died(order, fault, died or "The engine's process was ended."))
            self.reading = None
        self._measure()
        self.last_unload = Unload(time.time(), reason)
        self._enter(ModelState.UNLOADING)
        self._unload_wanted = None
        ask = ask and not self._deaf
        grace = (self.settings.model.stop_grace if grace is None else grace) if ask else DYING if self._deaf else 0.0
        self._ending = Ending(self._process, self.last_unload, now, ask=ask, grace=grace)

    def _over(self, now: float) -> None:
        assert self._ending is not None and self._process is not None and self.life is not None
        self._aftermath = self._ending.close(now)
        unload = self._ending.unload
        LOG.info(
            "unloaded (%s, %s, %.1f s): %s before, %s given back by the release, %s by the exit", unload.reason, unload.how,
            unload.seconds or 0, _megabytes(unload.footprint_bytes), _megabytes(unload.released_bytes), _megabytes(unload.residue_bytes),
        )  # fmt: skip
        peak = self.life.peak if self.life.ready_at is not None else None
        self._events.append(Gone(unload, peak))
        self._process = self._ending = self.life = None
        self._enter(ModelState.COLD)
        if self.blocked_reason is not None:
            self._enter(ModelState.BLOCKED)

    # -- time

    def tick(self, now: float, *, queue_empty: bool) -> list[Event]:
        """Do what the time demands; return what has happened since the last call, in order."""
        if self._process is not None and self._ending is None and self._process.exit_code() is not None:
            self.hear(now)
            if self._ending is None:
                self._silent(now)
        if self._ending is not None:
            self._ending.tick(now)
            if self._ending.over:
                self._over(now)
        if self._aftermath is not None:
            self._aftermath.tick(now)
        if self.reading is not None and (why := stuck.stuck(self.reading, self.settings, now)):
            self._unload_now("crash", now, ask=False, died=why[1], fault=why[0])
        if self.state is ModelState.LOADING and now - self._heard_at > LOAD_STALL:
            self._load_failed(f"no sign of life for {LOAD_STALL:.0f} s", now)
            self._unload_now("crash", now, ask=False)
        if (
            self.state in (ModelState.LOADING, ModelState.WARM, ModelState.BUSY, ModelState.BLOCKED)
            and now >= self._next_sample
        ):
            self._mind_memory(now)
        if self.state is ModelState.WARM:
            self._mind_idleness(now, queue_empty=queue_empty)
        events, self._events = self._events, []
        return events

    def deadline(self, now: float, *, queue_empty: bool) -> float | None:
        """Return when `tick` wants to be called again at the latest."""
        times: list[float | None] = [
            self._ending.deadline() if self._ending else None,
            self._aftermath.deadline() if self._aftermath else None,
        ]
        if self.reading is not None:
            times.append(stuck.deadline(self.reading, self.settings))
        if self.state not in (ModelState.COLD, ModelState.UNLOADING):
            times.append(self._next_sample)
        if self.state in (ModelState.BLOCKED, ModelState.COLD) and self._wanted_since is not None:
            times.append(self._retry_at)
        if self.state is ModelState.WARM:
            times.append(self._idle_deadline(now, queue_empty=queue_empty))
        return min((t for t in times if t is not None), default=None)

    # -- memory and idleness

    @property
    def listening(self) -> bool:
        """Say whether there is still something to hear (a worker that hung up is waited for, not heard)."""
        return self._process is not None and not self._deaf

    @property
    def pressed(self) -> bool:
        """Say whether the last reading was stopped for the sake of the machine's memory."""
        return self._pressed

    def may_read(self, pressure_stops: int) -> bool:
        """Say whether a job that was stopped so often by pressure may be given now."""
        return self._watch.may_read(pressure_stops)

    def slept(self, seconds: float) -> None:
        """The machine slept: that time counts as idle, which the monotonic clock did not see."""
        if self.life is not None and self.life.idle_since is not None:
            self.life.idle_since -= max(0.0, seconds)

    def _measure(self) -> None:
        if self.life is None:
            return
        self.life.footprint = memory.footprint(self.life.pid)
        if self.life.footprint is not None:
            self.life.peak = max(self.life.peak or 0, self.life.footprint)

    def _look_at_memory(self, now: float) -> None:
        self.sample = memory.sample(self.life.pid if self.life else None)

    def _mind_memory(self, now: float) -> None:
        self._next_sample = now + SAMPLE
        self._look_at_memory(now)
        self._measure()

    def _recycle_reason(self, now: float) -> str | None:
        return None

    def unload_due(self, now: float, *, queue_empty: bool) -> float | None:
        """Return the monotonic moment at which the model will leave if nothing happens, or None."""
        timeout = self.settings.model.idle_timeout
        if self.state is not ModelState.WARM or self.life is None or self.life.idle_since is None or timeout is None:
            return None
        return self.life.idle_since + timeout if timeout or queue_empty else None

    def _idle_deadline(self, now: float, *, queue_empty: bool) -> float | None:
        times = [self.unload_due(now, queue_empty=queue_empty)]
        trim = self.settings.model.trim_after
        if trim is not None and self.life is not None and self.life.idle_since is not None and not self.life.trimmed:
            times.append(self.life.idle_since + trim)
        return min((t for t in times if t is not None), default=None)

    def _mind_idleness(self, now: float, *, queue_empty: bool) -> None:
        due = self.unload_due(now, queue_empty=queue_empty)
        if due is not None and now >= due and queue_empty:
            self._unload_now("idle", now, ask=True)
            return
        deadline = self._idle_deadline(now, queue_empty=queue_empty)
        if deadline is not None and now >= deadline and self.life is not None and not self.life.trimmed:
            self.life.trimmed = True
            assert self._process is not None
            self._process.send("trim")


def _megabytes(count: int | None) -> str:
    return "unknown" if count is None else f"{count / 1e6:.0f} MB"
