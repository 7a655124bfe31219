"""A job's way from the queue to its text, top to bottom: prepare, claim, read, publish, record. On the main thread.

One flow a job; as many are under way as the worker has room for, and they start in the order of the queue. Every fault
ends in one of three ways: the file is rejected, an attempt is counted, or the queue is paused.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from dropscribe.config import Settings
from dropscribe.core.errors import Kind, Reason, ReasonedError
from dropscribe.core.job import Job, Order, Outcome, Signature, State
from dropscribe.core.remarks import PLEASE_CHECK
from dropscribe.files.naming import shortened
from dropscribe.files.outbox import Changed, Outbox, Published, Taken, staging_folder
from dropscribe.formats.registry import SUFFIXES
from dropscribe.host.host import Host
from dropscribe.host.values import Died, Finished
from dropscribe.intake import scan
from dropscribe.journal.journal import Journal
from dropscribe.log import LOG
from dropscribe.service.backoff import Backoff
from dropscribe.service.flow import Event, Flow, Flows, on_disk, record
from dropscribe.service.inbox import Inbox
from dropscribe.worker import page_cache


@dataclass(frozen=True)
class Seen:
    """What lies at a job's path now; without a signature nothing does, and *inbox* says whether the inbox is there."""

    signature: Signature | None
    inbox: tuple[int, int] | None


class Jobs:
    """Takes jobs from the queue through the worker to the outbox and the journal."""

    def __init__(
        self, settings: Settings, journal: Journal, flows: Flows, host: Host, inbox: Inbox, outbox: Outbox,
        backoff: Backoff, may_begin: Callable[[], bool],
    ) -> None:  # fmt: skip
        self.settings, self._may_begin = settings, may_begin
        self._journal, self._flows, self._host, self._backoff = journal, flows, host, backoff
        self._inbox, self._outbox = inbox, outbox
        self._preparing = False
        self._under_way = 0

    @property
    def busy(self) -> bool:
        """Say whether a job is between the queue and its record."""
        return self._under_way > 0

    def advance(self, now: float) -> None:
        """Start the next job when the worker has room for it; one at a time is prepared, so that the order is kept."""
        if self._preparing or not self._may_begin() or not self._backoff.open(now):
            return
        job = self._journal.next_queued()
        if job is not None and self._host.ensure_room(job, now):
            self._flows.start(self._process(job))

    # -- the way of one job

    def _process(self, job: Job) -> Flow[None]:
        """Take *job* from the queue to its text."""
        self._under_way += 1
        try:
            claimed = yield from self._claimed(job)
            if claimed is None:
                return
            order = self._order(claimed)
            self._host.give(order, suspect=job.suspect, now=time.monotonic())
            event = yield Event(("job", order.job, order.claim))
            if isinstance(event, Finished) and event.outcome.end == "read":
                yield from self._publish(claimed, order.staging, event.outcome)
                return
            self._sweep(order.staging)
            if isinstance(event, Died):
                yield from self._died(claimed, event)
            else:
                yield from self._not_read(claimed, event.outcome)
        finally:
            self._under_way -= 1

    def _claimed(self, job: Job) -> Flow[Job | None]:
        """Return *job* claimed under a new number with its output stem reserved; None when it cannot be read now."""
        self._preparing = True
        try:
            try:
                seen, stem = yield from on_disk(self._preparation(job))
            except Exception as error:  # whatever the disk says of the outbox: the queue is paused, no file fails
                self._environment(error)
                return None
            if seen.signature is None or not seen.signature.same_file(job.signature):
                yield from self._gone(job, seen, "before it was read")
                return None
            return (yield from record(lambda: self._claim(job, stem)))
        finally:
            self._preparing = False

    def _preparation(self, job: Job) -> Callable[[], tuple[Seen, bytes]]:
        """Return the disk thread's part: what lies there now, and a free output stem."""
        suffixes = [SUFFIXES[name] for name in self.settings.output.formats]
        reserved = self._journal.reserved_stems()
        mine = replaceable(self.settings, self._journal, job)

        def prepare() -> tuple[Seen, bytes]:
            self._outbox.check()
            return self._look(job), self._outbox.reserve(job.path, suffixes, reserved, self._outbox.still_ours(mine))

        return prepare

    def _look(self, job: Job) -> Seen:
        """(disk thread) Look at the job's file, and at the inbox where there is none."""
        (info,) = scan.at(self._inbox.intake.root, [job.path], probe=False)
        return Seen(info.signature, self._inbox.identity() if info.signature is None else None)

    def _claim(self, job: Job, stem: bytes) -> Job | None:
        """Claim the job in the journal; None when it is not to be read now after all."""
        if not self._may_begin() or not self._host.ensure_room(job, time.monotonic()):
            return None  # paused, told to stop, unloaded, or filled by others while the file was looked at
        claimed = self._journal.claim(job, stem)
        if claimed.state is not State.RUNNING:
            return None  # replaced meanwhile
        self._backoff.lift_if(Reason.INBOX_OFFLINE, Reason.OUTBOX_MISSING)
        return claimed

    def _order(self, job: Job) -> Order:
        assert job.stem is not None
        return Order(
            job.id, job.claim, job.name,
            path=os.path.join(self._inbox.intake.root, job.path),
            stem=os.path.basename(job.stem),
            staging=os.fsencode(staging_folder(self.settings.folders.outbox, job.id, job.claim)),
            formats=self.settings.output.formats,
        )  # fmt: skip

    # -- it was read

    def _publish(self, job: Job, staging: bytes, outcome: Outcome) -> Flow[None]:
        source = os.path.join(self._inbox.intake.root, job.path)
        mine = replaceable(self.settings, self._journal, job)
        note = ", ".join(outcome.remarks)

        def publish() -> Published:
            folder = os.fsdecode(staging)
            manifest = self._outbox.prepare(
                folder, job, outcome.staged, outcome.seconds, review=outcome.review, note=note
            )
            outputs = self._outbox.publish(folder, manifest, source, self._outbox.still_ours(mine))
            return outputs, self._outbox.marks(outputs)

        try:
            outputs, marks = yield from on_disk(publish)
        except Exception as error:  # `_unpublished` tells them apart
            yield from self._unpublished(job, staging, error)
            return
        self._backoff.lift()
        yield from record(
            lambda: self._journal.written(
                job, outputs, outcome.seconds, marks, review=outcome.review, note=note or None
            )
        )
        pages = f"{outcome.pages} page{'s' * (outcome.pages != 1)}"
        unsaid = outcome.review and not any(remark.startswith(PLEASE_CHECK) for remark in outcome.remarks)
        remarks = ", from the cache" * outcome.reused + f", {PLEASE_CHECK} the text" * unsaid
        remarks += "".join(f", {remark}" for remark in outcome.remarks)
        LOG.info("%s: %s in %.1f s%s", job.name, pages, outcome.seconds, remarks)

    def _unpublished(self, job: Job, staging: bytes, error: Exception) -> Flow[None]:
        """Nothing of this job is in the outbox: its file changed, a name was taken, or the environment is at fault."""
        self._sweep(staging)
        if isinstance(error, Changed):
            seen = yield from self._looked_again(job)
            yield from self._gone(job, seen, "while it was read")
            return
        if not isinstance(error, Taken):
            self._environment(error)
        yield from record(lambda: self._journal.release(job, interrupted=False))

    def _looked_again(self, job: Job) -> Flow[Seen]:
        try:
            return (yield from on_disk(lambda: self._look(job)))
        except OSError:
            return Seen(None, None)

    # -- it was not read

    def _not_read(self, job: Job, outcome: Outcome) -> Flow[None]:
        match outcome.end:
            case Kind.FILE:
                yield from self._refused(job, outcome)
            case Kind.ENGINE:
                assert outcome.reason is not None
                yield from self._record_failure(job, outcome.reason, outcome.detail, death=False)
            case Kind.ENVIRONMENT:
                assert outcome.reason is not None
                self._backoff.put(outcome.reason, outcome.detail)
                yield from record(lambda: self._journal.release(job, interrupted=False))
            case "drained":
                yield from record(lambda: self._journal.release(job, interrupted=False))
            case "suspect":
                yield from record(lambda: self._journal.suspect(job))
            case _:
                pressed = self._host.pressed  # then others go first: this one may have to wait for normal
                yield from record(lambda: self._journal.release(job, pressure=pressed, behind=pressed))

    def _refused(self, job: Job, outcome: Outcome) -> Flow[None]:
        reason = outcome.reason
        assert reason is not None
        if reason.may_be_delay and not self._inbox.intake.waited_enough(job.since, time.monotonic()):
            LOG.info("%s: seems not whole yet (%s)", job.name, reason)
            yield from record(lambda: self._journal.withdraw(job))
            self._inbox.defer(job)
            return
        LOG.warning("%s: %s", job.name, outcome.detail)
        yield from record(lambda: self._journal.reject(job, reason, outcome.detail))

    def _died(self, job: Job, event: Died) -> Flow[None]:
        """Count the worker's death, or its being stuck, against the job; among several it proves nothing."""
        if event.suspect:
            yield from record(lambda: self._journal.suspect(job))
        else:
            death = event.reason is Reason.ENGINE_CRASH
            yield from self._record_failure(job, event.reason, event.detail, death=death)

    def _record_failure(self, job: Job, reason: Reason, detail: str, *, death: bool) -> Flow[None]:
        attempts = self.settings.engine.attempts
        state = yield from record(
            lambda: self._journal.record_failure(job, reason, detail, death=death, attempts=attempts)
        )
        given_up = "" if state is State.QUEUED else "; given up"
        LOG.warning("%s: attempt %d failed (%s)%s: %s", job.name, job.attempts + 1, reason, given_up, detail)

    def _gone(self, job: Job, seen: Seen, when: str) -> Flow[None]:
        """Its file vanished or changed: gone, unless it is the whole inbox that went."""
        if seen.signature is None and not self._inbox.is_known_inbox(job, seen.inbox):
            self._backoff.put(Reason.INBOX_OFFLINE, f"the inbox {self.settings.folders.inbox} is not there")
            if job.state is State.RUNNING:
                yield from record(lambda: self._journal.release(job, interrupted=False))
            return
        LOG.info("%s: %s %s", job.name, "vanished" if seen.signature is None else "changed", when)
        yield from record(lambda: self._journal.finish(job, time.time()))
        self._inbox.offer(job.path)

    def _environment(self, error: Exception) -> None:
        if isinstance(error, ReasonedError):
            self._backoff.put(error.reason, error.detail)
        else:
            LOG.error("the outbox cannot be used", exc_info=error)
            self._backoff.put(Reason.OUTBOX_MISSING, f"{self.settings.folders.outbox}: {error}")

    # -- what is left behind

    def sweep(self, job: Job) -> None:
        """Remove what was staged, and the pages that were kept, for a job that is over."""
        self._sweep(os.fsencode(staging_folder(self.settings.folders.outbox, job.id, job.claim)))
        self._flows.start(self._forget_pages(job))

    def _forget_pages(self, job: Job) -> Flow[None]:
        try:
            yield from on_disk(lambda: page_cache.forget_job(self.settings.folders.state, job.id))
        except OSError as error:
            LOG.warning("%s: %s", job.name, error)

    def _sweep(self, staging: bytes) -> None:
        self._flows.start(self._swept(staging))

    def _swept(self, staging: bytes) -> Flow[None]:
        try:
            yield from on_disk(lambda: self._outbox.sweep(os.fsdecode(staging)))
        except OSError:
            pass  # swept at the next start


def replaceable(settings: Settings, journal: Journal, job: Job) -> dict[bytes, int]:
    """Return the files in the outbox that *job* may write over: our own of its name, if the settings say so."""
    if settings.output.conflict != "overwrite":
        return {}
    folder, name = os.path.split(job.path)
    return journal.wrote(job.path, os.path.join(folder, shortened(os.path.splitext(name)[0])))
