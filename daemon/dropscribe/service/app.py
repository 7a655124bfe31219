"""The composition root and the one loop: waits for whatever comes first, then lets every part do its share.

The only module that joins the stages; no part is handed the whole.
"""

import os
import time
from collections.abc import Sequence
from typing import Protocol, TypeVar

from dropscribe import log
from dropscribe.config import Settings
from dropscribe.control.lock import StateLock
from dropscribe.control.registry import Registration
from dropscribe.control.server import Client, Control
from dropscribe.core.errors import ReasonedError
from dropscribe.core.job import Job, State
from dropscribe.desktop.notify import Notifier
from dropscribe.desktop.power import Power
from dropscribe.engines import registry
from dropscribe.files.disk_thread import DiskThread
from dropscribe.files.ledger import Ledger
from dropscribe.host.host import Host
from dropscribe.host.process import COMMAND, end_leftover
from dropscribe.host.values import Died, Event, Finished, Gone, Unable
from dropscribe.journal.journal import Journal
from dropscribe.log import LOG
from dropscribe.memory import policy
from dropscribe.memory.malloc import malloc_relief
from dropscribe.service import status
from dropscribe.service.archive import Archiver
from dropscribe.service.backoff import Backoff
from dropscribe.service.drain import Drain
from dropscribe.service.event_loop import EventLoop
from dropscribe.service.flow import Flows
from dropscribe.service.hooks import Hooks
from dropscribe.service.jobs import Jobs
from dropscribe.service.lanes import Lanes
from dropscribe.service.rechecks import Rechecks
from dropscribe.service.recorder import Recorder
from dropscribe.service.recovery import Recovery
from dropscribe.service.reload import ConfigReload
from dropscribe.service.reporter import Reporter
from dropscribe.service.requests import Requests
from dropscribe.service.retry import Retries
from dropscribe.service.shortage import Shortage
from dropscribe.service.status import JOURNAL

LONGEST_SLEEP = 3600.0
DISK_GRACE = 5.0  # seconds that a stop waits for a disk beyond the grace of the current page


class Closes(Protocol):
    """What lives and ends."""

    def close(self) -> None:
        """End; may be called twice."""


Part = TypeVar("Part", bound=Closes)


class Service:
    """The daemon, from its lock to its last breath. A context manager."""

    def __init__(
        self, settings: Settings, path: str | None, *, agent: bool = False, command: Sequence[str] = COMMAND
    ) -> None:
        self.settings, self.agent = settings, agent
        self._owned: list[Closes] = []
        try:
            self._begin(path, command)
        except BaseException:
            self.close()
            raise

    def _begin(self, path: str | None, command: Sequence[str]) -> None:
        """Build everything, in the order in which one part needs another."""
        settings, now = self.settings, time.monotonic()
        self.stopping, self._stop_by = False, 0.0
        self._saved: Settings | None = None  # settings that are to be taken over
        self._own(StateLock(settings.folders.state))
        self._own(Registration(path, settings.folders.state))
        self.engine, self.engine_reason = registry.choose(settings.engine.name)
        self.loop = self._own(EventLoop())
        self._end_leftover()
        self.journal = self._own(self._opened_journal())
        self.paused = self.journal.metadata.get("paused") is not None
        self.disk = self._own(DiskThread(self.loop.wake))
        self.backoff, self.shortage = Backoff(), Shortage()
        self.flows = self._own(Flows(self.disk, self.backoff))
        self.host = self._own(Host(settings, self.engine, self._peaks, command))
        ledger = Ledger(settings.folders.state)
        self.lanes = self._own(Lanes(settings, self.journal, self.flows, ledger, self.loop.wake, now))
        self.jobs = Jobs(
            settings.folders.state, self.journal, self.flows, self.host, self.lanes, self.backoff,
            may_begin=lambda: not (self.paused or self.stopping or self.requests.waiting_alone),
        )  # fmt: skip
        self.recovery = Recovery(settings.folders.state, self.journal, ledger, self.lanes)
        self.rechecks = Rechecks(self.journal, self.flows, self.lanes, ledger, now)
        self.archiver = Archiver(self.journal, self.flows, ledger, self.lanes, self.rechecks, self._job_over)
        self.retries = Retries(lambda: self.settings, self.journal, self.flows, self.lanes, ledger)
        self.reload = ConfigReload(path, settings, now)
        self.hooks = self._own(
            Hooks(self.journal, self.flows, self.reload.folder, self.loop.wake, lambda: self.settings)
        )
        self.reporter = Reporter(
            self.journal, self.lanes, self.host, self.backoff, self.archiver, self.hooks, self.reload, agent=self.agent,
            engine=lambda: (self.engine, self._engine_reason()), paused=lambda: self.paused, idle=self.idle,
        )  # fmt: skip
        self.recorder = Recorder(self.host, self.journal)
        self.requests = Requests(
            settings.folders.state, self.journal, self.flows, self.host, self.lanes, self.retries, self,
            self.reporter.status, lambda: status.folder_access(settings.folders), self.recorder.history,
        )  # fmt: skip
        self.power = self._own(Power())
        self.notifier = self._own(Notifier(settings.notify))
        self._sleep = policy.SleepWatch(now, time.time())
        self.control = self._own(Control(settings.folders.state, self.loop.selector))

    def _end_leftover(self) -> None:
        if leftover := end_leftover(self.settings.folders.state):
            LOG.warning("ended worker %d, left behind by a killed daemon", leftover)

    def _opened_journal(self) -> Journal:
        journal = Journal(os.path.join(self.settings.folders.state, JOURNAL))
        if journal.damaged:
            LOG.error("the journal was damaged; it is set aside as %s and rebuilt from the folders", journal.damaged)
        return journal

    def __enter__(self) -> "Service":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End in reverse order; each part once, whatever the others do. May be called twice."""
        while self._owned:
            part = self._owned.pop()
            try:
                part.close()
            except Exception:
                LOG.exception("while ending")

    def _own(self, part: Part) -> Part:
        """Close *part* at the end."""
        self._owned.append(part)
        return part

    def _engine_reason(self) -> str:
        """Return why this engine reads, who reads other scripts, and what there is no memory for."""
        left_out = self.host.admission.left_out
        more = registry.other_scripts(self.engine), f"no cross-check: {left_out}" if left_out else ""
        return "; ".join([self.engine_reason, *filter(None, more)])

    def _peaks(self) -> list[int]:
        return self.journal.metadata.peaks(registry.peak_key(self.engine, self.settings))

    # -- the loop

    def run(self, *, once: bool = False) -> int:
        """Serve until told to stop (or, with *once*, until the inbox is drained); return the exit code."""
        self.loop.take_signals()
        LOG.info("dropscribe is running (pid %d), engine %s (%s)", os.getpid(), self.engine, self.engine_reason)
        for lane in self.lanes:
            self.flows.start(self.recovery.run(lane))
        drain = self._drain() if once else None
        while True:
            now = time.monotonic()
            if self.loop.signalled is not None:
                self.stop(self.loop.signalled)
            if self.loop.hung_up():
                log.reopen()
            with self.shortage.outlived():
                self.tick(now)
            if self.stopping and not self.unfinished and self.host.leave(now):
                break
            if drain is not None and not self.stopping and drain.over(now):
                self.stop("drained")
            self._wait(now, drain.deadline(now) if drain else None)
        LOG.info("dropscribe has stopped")
        return int(drain is not None and drain.failed)

    def _drain(self) -> Drain:
        return Drain(
            self.settings, self.journal, self.lanes, self.host, self.backoff, self.archiver,
            at_work=lambda: (
                self.unfinished or self.rechecks.busy or self.hooks.busy or self.disk.pending > 0
                or self.flows.unrecorded
            ),
            reading=lambda: self.host.busy or self.jobs.busy,
            paused=lambda: self.paused,
        )  # fmt: skip

    def stop(self, why: str) -> None:
        """Begin to end: the current pages may be finished within the grace, everything else is queued again."""
        if not self.stopping:
            LOG.info("stopping (%s)", why)
            self.stopping = self.requests.stopping = self.retries.stopping = self.hooks.stopping = True
            self._stop_by = time.monotonic() + self.settings.model.shutdown_grace
            self.host.drain()

    @property
    def unfinished(self) -> bool:
        """Say whether something is between two records of the journal, or on the disk thread."""
        late = time.monotonic() - self._stop_by if self.stopping else 0.0
        if (late >= 0 and self.stopping and self.flows.unrecorded) or late >= DISK_GRACE:
            return False  # the disk is full, or does not answer: the next start finishes it
        at_work = self.jobs.busy or self.archiver.busy or self.requests.busy or (late < 0 and self.hooks.busy)
        return at_work or (self.stopping and self.disk.pending > 0)

    def tick(self, now: float) -> None:
        """Let every part do what is due."""
        self._check_clock(now)
        self.disk.collect()
        self.host.hear(now)
        self._take_events(self.host.tick(now, queue_empty=self.idle(now)))
        self.power.reading(self.host.busy)
        self.notifier.tick(now)
        self.flows.tick(now)
        self.hooks.tick(now)
        self._saved = self.reload.tick(now) or self._saved
        if self.stopping:
            self._wind_down(now)
        else:
            self._recorded_tick(now)
        self.recorder.tick()
        self.control.sweep()

    def _check_clock(self, now: float) -> None:
        if slept := self._sleep.jumped(now, time.time()):
            LOG.info("the clock jumped by %.0f s: looking at everything again", slept)
            for lane in self.lanes.watched:
                lane.inbox.intake.rescan()
            self.host.slept(slept)

    def _recorded_tick(self, now: float) -> None:
        """Do what may find the disk full."""
        try:
            if self._saved is not None:
                self.apply(self._saved, now)
                self._saved = None
            self.lanes.tick(now)
            self.archiver.tick(now)
            self.rechecks.tick(now)
            if not self.paused:
                self.jobs.advance(now)
            self._load_ahead(now)
        except ReasonedError as error:
            self.backoff.put(error.reason, error.detail)

    def _load_ahead(self, now: float) -> None:
        """Load ahead of a file that is settling; without any work a refusal to load is no news."""
        queued = self._claimable(now) is not None
        self._forgive(now)
        if self.paused or self.backoff.current is not None:
            return
        if self.settings.model.prewarm and self._work_ahead(now):
            self.host.ensure_ready(now)
        elif not queued and not self.requests.reading:
            self.host.not_needed()

    def _forgive(self, now: float) -> None:
        """Lift faults where no file is left that could find out that they are over."""
        if self.jobs.busy or self.flows.unrecorded:
            return
        waiting = self.journal.queued_by_recipe()
        for lane in self.lanes:
            at_rest = lane.recovered and lane.origin.recipe not in waiting
            if at_rest and lane.backoff.open(now):
                lane.backoff.lift()
        if not waiting and self.recovery.done and self.backoff.open(now):
            self.backoff.lift()

    def _claimable(self, now: float) -> Job | None:
        """Return the job whose turn it is, among those whose folders can be used."""
        return self.journal.next_queued(without=self.lanes.closed(now))

    def _work_ahead(self, now: float) -> bool:
        """Say whether a file is about to settle in any inbox."""
        return any(lane.inbox.intake.work_ahead(now) for lane in self.lanes.watched)

    def _wind_down(self, now: float) -> None:
        """At the end: after the grace, stop between two tokens."""
        if now < self._stop_by:
            self.archiver.tick(now)
        elif self.host.busy:
            self.host.stop_reading(now)

    def _take_events(self, events: Sequence[Event]) -> None:
        for event in events:
            match event:
                case Finished() | Died():
                    self.flows.resume(("job", event.order.job, event.order.claim), event)
                case Unable():
                    self.backoff.put(event.reason, event.detail)
                case Gone():
                    self._record_peak(event)
                    malloc_relief()  # what a burst of files took of ours goes too

    def _record_peak(self, gone: Gone) -> None:
        if (peak := gone.peak_bytes) is not None:
            self.flows.record(lambda: self.journal.metadata.record_peak(gone.model, peak))

    def idle(self, now: float) -> bool:
        """Say whether nothing is waiting to be read now."""
        if self.requests.reading or (self.settings.model.prewarm and self._work_ahead(now)):
            return False
        waits = self.paused or not self.backoff.open(now)
        return waits or (self._claimable(now) is None and not self.jobs.busy)

    def _job_over(self, job: Job, replaced: bool) -> None:
        self.jobs.sweep(job)
        if job.state is State.WRITTEN or not replaced:
            state = State.DONE if job.state is State.WRITTEN else State.FAILED
            why = job.detail if state is State.DONE and job.review else job.reason
            self.notifier.job_ended(job.name, state, why, time.monotonic())
        if replaced:
            self.lanes.offer(job)

    def apply(self, settings: Settings, now: float) -> None:
        """Take over changed settings, as far as they need no restart."""
        self.settings = settings
        self.engine, self.engine_reason = registry.choose(settings.engine.name)
        LOG.setLevel(settings.log.level.upper())
        for lane in self.lanes.apply(settings, now):
            self.flows.start(self.recovery.run(lane))
        self.notifier.apply(settings.notify)
        self.host.apply(settings, self.engine, now)
        if self.backoff.current is not None and self.backoff.current.reason.startswith(("model-", "engine-")):
            self.backoff.lift()

    def _wait(self, now: float, extra: float | None) -> None:
        """Sleep until something happens or the next deadline that any part has asked for."""
        times = [
            *([] if self.stopping else [self.lanes.deadline(now), self.rechecks.deadline()]),
            self.host.deadline(now, queue_empty=self.idle(now)), None if self.stopping else self.archiver.deadline(),
            self.backoff.deadline(now), self.hooks.deadline(now), self.reload.deadline(), self.notifier.deadline(),
            extra,
        ]  # fmt: skip
        if self.stopping:
            times += [moment for moment in (self._stop_by, self._stop_by + DISK_GRACE) if moment > now]
        soonest = min((t for t in times if t is not None), default=now + LONGEST_SLEEP)
        soonest = max(soonest, self.shortage.rest_until)
        for data in self.loop.until(self.host, max(0.0, min(soonest - now, LONGEST_SLEEP))):
            if data is self.control:
                self.control.accept()
            elif isinstance(data, Client):
                for request in self.control.serve(data):
                    self.requests.answer(request)
