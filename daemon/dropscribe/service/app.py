"""The composition root and the one loop: waits for whatever comes first, then lets every part do its share.

The only module that joins the stages. Parts never call each other sideways; they hand values to this one.
"""

import os
import time
from collections.abc import Sequence
from functools import partial
from typing import Protocol, TypeVar

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
from dropscribe.files.outbox import Outbox
from dropscribe.host.host import Host
from dropscribe.host.process import COMMAND, end_leftover
from dropscribe.host.values import Died, Event, Finished, Gone, Unable
from dropscribe.intake.events import EventBuffer
from dropscribe.journal.journal import Journal
from dropscribe.log import LOG
from dropscribe.memory import policy, readings
from dropscribe.service import mounts
from dropscribe.service.archive import Archiver
from dropscribe.service.backoff import Backoff
from dropscribe.service.drain import Drain
from dropscribe.service.event_loop import EventLoop
from dropscribe.service.inbox import Inbox
from dropscribe.service.jobs import Jobs
from dropscribe.service.recovery import Recovery
from dropscribe.service.reload import ConfigReload
from dropscribe.service.requests import Requests

JOURNAL = "journal.db"
LONGEST_SLEEP = 3600.0
DISK_GRACE = 5.0  # seconds that a stop waits for a disk beyond the grace of the page in hand


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
        settings = self.settings
        self.started = time.time()
        self._own(StateLock(settings.folders.state))
        self._own(Registration(path, settings.folders.state))
        self.engine, self.engine_reason = registry.choose(settings.engine.name)
        self.stopping = False
        self.wait = self._own(EventLoop())
        leftover = end_leftover(settings.folders.state)
        if leftover:
            LOG.warning("ended worker %d, left behind by a killed daemon", leftover)
        self.journal = self._own(Journal(os.path.join(settings.folders.state, JOURNAL)))
        if self.journal.damaged:
            LOG.error(
                "the journal was damaged; it is set aside as %s and made anew from the folders", self.journal.damaged
            )
        away = mounts.prepare(settings, self.journal.metadata)
        now = time.monotonic()
        self.disk = self._own(DiskThread(self.wait.wake))
        self.backoff = Backoff()
        self.host = self._own(Host(settings, self.engine, self._peaks, command))
        hints, outbox = EventBuffer(self.wait.wake), Outbox(settings.folders.outbox, away["outbox"])
        self.inbox = self._own(Inbox(settings, self.journal, self.disk, self.backoff, hints, away["inbox"], now))
        self.jobs = Jobs(
            settings, self.journal, self.disk, self.host, self.inbox, outbox, self.backoff,
            may_begin=lambda: not (self.paused or self.stopping),
        )  # fmt: skip
        self.recovery = Recovery(settings, self.journal, self.disk, outbox, self.backoff)
        self.archiver = Archiver(settings, self.journal, self.disk, self.backoff, away, self._job_over)
        self.power = self._own(Power())
        self.notifier = self._own(Notifier(settings.notify))
        self.reload = ConfigReload(path, settings, now)
        self.paused = self.journal.metadata.get("paused") is not None
        self._sleep = policy.SleepWatch(now, time.time())
        self.control = self._own(Control(settings.folders.state, self.wait.selector))
        self.commands = Requests(self)
        self._stop_by = 0.0

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

    def _peaks(self) -> list[int]:
        return self.journal.metadata.peaks(registry.peak_key(self.engine, self.settings))

    # -- the loop

    def run(self, *, once: bool = False) -> int:
        """Serve until told to stop (or, with *once*, until the inbox is drained); return the exit code."""
        self.wait.take_signals()
        LOG.info("dropscribe is running (pid %d), engine %s (%s)", os.getpid(), self.engine, self.engine_reason)
        drain = Drain(self) if once else None
        while True:
            now = time.monotonic()
            if self.wait.signalled is not None:
                self.stop(self.wait.signalled)
            self.tick(now)
            if self.stopping and not self.unfinished and self.host.leave(now):
                break
            if drain is not None and not self.stopping and drain(now):
                self.stop("drained")
            self._wait(now, drain.deadline(now) if drain else None)
        LOG.info("dropscribe has stopped")
        return int(drain is not None and drain.failed)

    def stop(self, why: str) -> None:
        """Begin to end: the page in hand may be finished within the grace, everything else is put back."""
        if not self.stopping:
            LOG.info("stopping (%s)", why)
            self.stopping = True
            self._stop_by = time.monotonic() + self.settings.model.shutdown_grace
            self.host.make_way(at_any_page=True)

    @property
    def unfinished(self) -> bool:
        """Say whether something is between two records of the journal, or on the disk thread."""
        late = time.monotonic() - self._stop_by if self.stopping else 0.0
        if (late >= 0 and self.stopping and self.backoff.unfinished) or late >= DISK_GRACE:
            return False  # the disk is full, or does not answer: the next start finishes it
        at_work = self.jobs.busy or self.archiver.busy or self.commands.in_hand
        return at_work or (self.stopping and self.disk.pending > 0)

    def tick(self, now: float) -> None:
        """Let every part do what is due."""
        slept = self._sleep.jumped(now, time.time())
        if slept:
            LOG.info("the clock jumped by %.0f s: looking at everything anew", slept)
            self.inbox.intake.rescan()
            self.host.slept(slept)
        self.disk.collect()
        self.host.hear(now)
        self._take_events(self.host.tick(now, queue_empty=self.idle), now)
        self.power.reading(self.host.busy)
        self.notifier.tick(now)
        self.backoff.tick(now)
        if (reload := self.reload.tick(now)) is not None:
            self.apply(reload, now)
        if self.stopping:
            self._wind_down(now)
        else:
            self._recorded_tick(now)
        self.jobs.publish()
        self.control.sweep()

    def _recorded_tick(self, now: float) -> None:
        """Do what may find the disk full."""
        try:
            self.recovery.tick(now)
            if self.recovery.done or not self.journal.damaged:  # what is published already must not be queued again
                self.inbox.tick(now)
            self.archiver.tick(now)
            self.commands.advance(now)
            if self.recovery.done and not self.paused and not self.commands.reading:
                self.jobs.advance(now)
            self._mind_need(now)
        except ReasonedError as error:
            self.backoff.put(error.reason, error.detail, now)

    def _mind_need(self, now: float) -> None:
        """Load ahead of a file that is settling; without any work a refusal to load is no news."""
        idle = self.journal.next_queued() is None and not self.jobs.busy and not self.backoff.unfinished
        at_rest = idle and self.recovery.done
        if at_rest and self.backoff.open(now):
            self.backoff.lift()  # nobody is left who could find out that the fault is over
        if self.paused or self.backoff.current is not None:
            return
        if self.settings.model.prewarm and self.inbox.intake.work_ahead(now):
            self.host.ensure_ready(now)
        elif self.journal.next_queued() is None and not self.commands.reading:
            self.host.not_needed()

    def _wind_down(self, now: float) -> None:
        """At the end: after the grace, stop between two tokens."""
        if now < self._stop_by:
            self.archiver.tick(now)
        self.commands.turn_away()
        if self.host.busy and now >= self._stop_by:
            self.host.stop_reading(now)

    def _take_events(self, events: Sequence[Event], now: float) -> None:
        for event in events:
            match event:
                case Finished() | Died() if self.commands.owns(event):
                    self.commands.read_ended(event)
                case Finished():
                    self.jobs.finished(event)
                case Died():
                    self.jobs.died(event)
                case Unable():
                    self.backoff.put(event.reason, event.detail, now)
                case Gone():
                    if event.peak_bytes:
                        record = partial(self.journal.metadata.record_peak, event.model, event.peak_bytes)
                        self.backoff.record(record, now)
                    readings.malloc_relief()  # what a burst of files took of ours goes too

    @property
    def idle(self) -> bool:
        """Say whether nothing is waiting to be read now."""
        now = time.monotonic()
        ahead = self.settings.model.prewarm and self.inbox.intake.work_ahead(now)
        if self.commands.reading or ahead:
            return False
        waits = self.paused or not self.backoff.open(now)
        return waits or (self.journal.next_queued() is None and not self.jobs.busy)

    def _job_over(self, job: Job, replaced: bool) -> None:
        self.jobs.sweep(job)
        if job.state is State.WRITTEN or not replaced:
            state = State.DONE if job.state is State.WRITTEN else State.FAILED
            self.notifier.job_ended(job.name, state, job.reason, time.monotonic())
        if replaced:
            self.inbox.offer(job.path)

    def apply(self, settings: Settings, now: float) -> None:
        """Take over changed settings, as far as they need no restart."""
        self.settings = settings
        self.engine, self.engine_reason = registry.choose(settings.engine.name)
        LOG.setLevel(settings.log.level.upper())
        self.jobs.settings = self.archiver.settings = settings
        self.inbox.apply(settings)
        self.notifier.apply(settings.notify)
        self.host.apply(settings, self.engine, now)
        if self.backoff.current is not None and self.backoff.current.reason.startswith(("model-", "engine-")):
            self.backoff.lift()

    def _wait(self, now: float, extra: float | None) -> None:
        """Sleep until something happens or the next deadline that any part has asked for."""
        times = [
            None if self.stopping else self.inbox.deadline(now),
            self.host.deadline(now, queue_empty=self.idle), None if self.stopping else self.archiver.deadline(),
            self.backoff.deadline(now), self.reload.deadline(), self.notifier.deadline(), extra,
        ]  # fmt: skip
        if self.stopping:
            times += [moment for moment in (self._stop_by, self._stop_by + DISK_GRACE) if moment > now]
        soonest = min((t for t in times if t is not None), default=now + LONGEST_SLEEP)
        for data in self.wait.until(self.host, max(0.0, min(soonest - now, LONGEST_SLEEP))):
            if data is self.control:
                self.control.accept()
            elif isinstance(data, Client):
                for request in self.control.serve(data):
                    self.commands.answer(request, time.monotonic())
