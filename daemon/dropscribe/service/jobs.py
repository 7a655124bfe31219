"""A job's way from the queue to its text: prepare, claim, read, publish, record. Runs on the main thread.

Every fault ends in one of three ways: the file is rejected, an attempt is counted, or the queue waits.
"""

import os
import time
from collections.abc import Callable
from functools import partial

from dropscribe.config import Settings
from dropscribe.core.errors import Kind, Reason, ReasonedError
from dropscribe.core.job import Job, Order, Outcome, Signature, State
from dropscribe.files.disk_thread import DiskThread
from dropscribe.files.naming import shortened
from dropscribe.files.outbox import Changed, Outbox, Taken, staging_folder
from dropscribe.formats.registry import SUFFIXES
from dropscribe.host.host import Host
from dropscribe.host.values import Died, Finished
from dropscribe.intake import scan
from dropscribe.journal.journal import Journal
from dropscribe.log import LOG
from dropscribe.service.backoff import Backoff
from dropscribe.service.inbox import Inbox
from dropscribe.worker import page_cache

Published = tuple[tuple[bytes, ...], tuple[int, ...]]  # names below the outbox and their mtime_ns


class Jobs:
    """Gives jobs to the host, one at a time, and takes their outcomes to the outbox and the journal."""

    def __init__(
        self, settings: Settings, journal: Journal, disk: DiskThread, host: Host, inbox: Inbox, outbox: Outbox,
        backoff: Backoff, may_begin: Callable[[], bool],
    ) -> None:  # fmt: skip
        self.settings, self._may_begin = settings, may_begin
        self._journal, self._disk, self._host, self._backoff = journal, disk, host, backoff
        self._inbox, self._outbox = inbox, outbox
        self._preparing = False
        self._read: list[tuple[Job, str, Outcome]] = []
        self._publishing = 0  # read, and not recorded yet
        self.job: Job | None = None  # in the worker's hands

    @property
    def busy(self) -> bool:
        """Say whether a job is between the queue and its record."""
        return self._preparing or self._publishing > 0 or self.job is not None

    @property
    def reading(self) -> bool:
        """Say whether a job is in the worker's hands or about to be."""
        return self._preparing or self.job is not None

    # -- towards the worker

    def advance(self, now: float) -> None:
        """Prepare the next job when the worker is ready for it; ask a long document to make way for it."""
        if self._preparing or not self._backoff.open(now):
            return
        job = self._journal.next_queued()
        if job is None or not self._host.may_read(job.pressure_stops, now):
            return
        if self.job is not None:
            if job.rank <= self.job.rank:
                self._host.make_way()
        elif self._host.ensure_ready(now):
            self._preparing = True
            self._disk.ask(self._preparation(job), partial(self._prepared, job), partial(self._unprepared, job))

    def _preparation(self, job: Job) -> Callable[[], tuple[Signature | None, tuple[int, int] | None, bytes]]:
        """Return the disk thread's part: what lies there now, what the inbox is, and a free output stem."""
        suffixes = [SUFFIXES[name] for name in self.settings.output.formats]
        reserved = self._journal.reserved_stems()
        mine = replaceable(self.settings, self._journal, job)
        root = self._inbox.intake.root

        def request() -> tuple[Signature | None, tuple[int, int] | None, bytes]:
            self._outbox.check()
            (seen,) = scan.at(root, [job.path], probe=False)
            identity = self._inbox.identity() if seen.signature is None else None
            stem = self._outbox.reserve(job.path, suffixes, reserved, self._outbox.still_ours(mine))
            return seen.signature, identity, stem

        return request

    def _prepared(self, job: Job, result: tuple[Signature | None, tuple[int, int] | None, bytes]) -> None:
        self._preparing = False
        signature, identity, stem = result
        now = time.monotonic()
        if signature is None and not self._inbox.same_as(job, identity, now):
            self._backoff.put(Reason.INBOX_OFFLINE, f"the inbox {self.settings.folders.inbox} is not there", now)
        elif signature is None or not signature.same_file(job.signature):
            LOG.info("%s: %s before it was read", job.name, "vanished" if signature is None else "changed")
            self._backoff.record(partial(self._drop, job), now)
        else:
            self._backoff.record(partial(self._claim, job, stem), now)

    def _unprepared(self, job: Job, error: Exception) -> None:
        self._preparing = False
        self._environment(error, time.monotonic())

    def _environment(self, error: Exception, now: float) -> None:
        if isinstance(error, ReasonedError):
            self._backoff.put(error.reason, error.detail, now)
        else:
            LOG.error("the outbox cannot be used", exc_info=error)
            self._backoff.put(Reason.OUTBOX_MISSING, f"{self.settings.folders.outbox}: {error}", now)

    def _drop(self, job: Job) -> None:
        self._journal.finish(job, time.time())
        self._inbox.offer(job.path)

    def _claim(self, job: Job, stem: bytes) -> None:
        if not self._may_begin():
            return  # paused, or told to stop, while the journal could not be written
        claimed = self._journal.claim(job, stem)
        if claimed.state is not State.RUNNING:
            return  # replaced meanwhile
        if self._backoff.current and self._backoff.current.reason in (Reason.INBOX_OFFLINE, Reason.OUTBOX_MISSING):
            self._backoff.lift()
        now = time.monotonic()
        if not self._host.ensure_ready(now):  # it was told to leave meanwhile
            self._journal.release(claimed, interrupted=False)
            return
        self.job = claimed
        staging = staging_folder(self.settings.folders.outbox, claimed.id, claimed.claim)
        path = os.fsdecode(os.path.join(self._inbox.intake.root, claimed.path))
        stem_name = os.fsdecode(os.path.basename(stem))
        self._host.read(
            Order(claimed.id, claimed.claim, claimed.name, path, stem_name, staging, self.settings.output.formats), now
        )

    # -- back from the worker

    def finished(self, event: Finished) -> None:
        """Take an outcome on: to the outbox, to the journal, or back to the queue."""
        job, self.job = self.job, None
        assert job is not None and (job.id, job.claim) == (event.outcome.job, event.outcome.claim)
        outcome, now = event.outcome, time.monotonic()
        if outcome.end == "read":
            self._publishing += 1
            self._read.append((job, event.order.staging, outcome))
            return
        self._sweep(event.order.staging)
        match outcome.end:
            case Kind.FILE:
                self._refused(job, outcome, now)
            case Kind.ENGINE:
                assert outcome.reason is not None
                self._record_failure(job, outcome.reason, outcome.detail, death=False)
            case Kind.ENVIRONMENT:
                assert outcome.reason is not None
                self._backoff.record(partial(self._journal.release, job, interrupted=False), now)
                self._backoff.put(outcome.reason, outcome.detail, now)
            case "yielded":
                self._backoff.record(partial(self._journal.release, job, interrupted=False, behind=True), now)
            case _:
                pressed = self._host.pressed  # then others go first: this one may have to wait for normal
                self._backoff.record(partial(self._journal.release, job, pressure=pressed, behind=pressed), now)

    def died(self, event: Died) -> None:
        """Count the worker's death, or its being stuck, against the job it had in hand."""
        job, self.job = self.job, None
        assert job is not None
        self._sweep(event.order.staging)
        if event.reason.kind is Kind.FILE:
            self._backoff.record(partial(self._journal.reject, job, event.reason, event.detail), time.monotonic())
        else:
            self._record_failure(job, event.reason, event.detail, death=event.reason is Reason.ENGINE_CRASH)

    def _refused(self, job: Job, outcome: Outcome, now: float) -> None:
        assert outcome.reason is not None
        if outcome.reason.may_be_delay and not self._inbox.intake.waited_enough(job.since, time.time()):
            LOG.info("%s: seems not whole yet (%s)", job.name, outcome.reason)
            self._backoff.record(partial(self._withdraw, job), now)
            return
        LOG.warning("%s: %s", job.name, outcome.detail)
        self._backoff.record(partial(self._journal.reject, job, outcome.reason, outcome.detail), now)

    def _withdraw(self, job: Job) -> None:
        self._journal.withdraw(job)
        self._inbox.defer(job)

    def _record_failure(self, job: Job, reason: Reason, detail: str, *, death: bool) -> None:
        def record() -> None:
            state = self._journal.record_failure(
                job, reason, detail, death=death, attempts=self.settings.engine.attempts
            )
            given_up = "" if state is State.QUEUED else "; given up"
            LOG.warning("%s: attempt %d failed (%s)%s: %s", job.name, job.attempts + 1, reason, given_up, detail)

        self._backoff.record(record, time.monotonic())

    # -- into the outbox

    def publish(self) -> None:
        """Send what was read to the outbox: behind the preparation of the next job, which the worker waits for."""
        while self._read:
            self._publish(*self._read.pop(0))

    def _publish(self, job: Job, staging: str, outcome: Outcome) -> None:
        source = os.path.join(self._inbox.intake.root, job.path)
        mine = replaceable(self.settings, self._journal, job)

        def request() -> Published:
            manifest = self._outbox.prepare(staging, job, outcome.staged, outcome.seconds, review=outcome.review)
            outputs = self._outbox.publish(staging, manifest, source, self._outbox.still_ours(mine))
            return outputs, self._outbox.marks(outputs)

        self._disk.ask(request, partial(self._published, job, outcome), partial(self._unpublished, job, staging))

    def _published(self, job: Job, outcome: Outcome, result: Published) -> None:
        def record() -> None:
            self._journal.written(job, result[0], outcome.seconds, result[1])
            self._publishing -= 1
            pages = f"{outcome.pages} page{'s' * (outcome.pages != 1)}"
            remarks = ", from the cache" * outcome.reused + ", please check the text" * outcome.review
            LOG.info("%s: %s in %.1f s%s", job.name, pages, outcome.seconds, remarks)

        self._backoff.lift()
        self._backoff.record(record, time.monotonic())

    def _unpublished(self, job: Job, staging: str, error: Exception) -> None:
        """Nothing of this job is in the outbox: its file changed, a name was taken, or the environment is at fault."""

        def record() -> None:
            self._publishing -= 1
            self._sweep(staging)
            if isinstance(error, Changed):
                self._disk.ask(
                    partial(self._look_twice, job),
                    partial(self._changed, job),
                    lambda fault: self._changed(job, (None, None)),
                )
            else:
                self._journal.release(job, interrupted=False)

        now = time.monotonic()
        if not isinstance(error, Changed | Taken):
            self._environment(error, now)
        self._backoff.record(record, now)

    def _look_twice(self, job: Job) -> tuple[Signature | None, tuple[int, int] | None]:
        (seen,) = scan.at(self._inbox.intake.root, [job.path], probe=False)
        return seen.signature, self._inbox.identity()

    def _changed(self, job: Job, result: tuple[Signature | None, tuple[int, int] | None]) -> None:
        """Its file vanished or changed while it was read: gone, unless it is the whole inbox that went."""
        signature, identity = result
        now = time.monotonic()
        if signature is None and not self._inbox.same_as(job, identity, now):
            self._backoff.put(Reason.INBOX_OFFLINE, f"the inbox {self.settings.folders.inbox} is not there", now)
            self._backoff.record(partial(self._journal.release, job, interrupted=False), now)
        else:
            LOG.info("%s: changed while it was read", job.name)
            self._backoff.record(partial(self._drop, job), now)

    def sweep(self, job: Job) -> None:
        """Remove what was staged, and the pages that were kept, for a job that is over."""
        self._sweep(staging_folder(self.settings.folders.outbox, job.id, job.claim))
        forget = partial(page_cache.forget_job, self.settings.folders.state, job.id)
        self._disk.ask(forget, lambda done: None, lambda error: LOG.warning("%s: %s", job.name, error))

    def _sweep(self, staging: str) -> None:
        self._disk.ask(partial(self._outbox.sweep, staging), lambda done: None, lambda error: None)


def replaceable(settings: Settings, journal: Journal, job: Job) -> dict[bytes, int]:
    """Return the files in the outbox that *job* may write over: our own of its name, if the settings say so."""
    if settings.output.conflict != "overwrite":
        return {}
    folder, name = os.path.split(job.path)
    return journal.wrote(job.path, os.path.join(folder, shortened(os.path.splitext(name)[0])))
