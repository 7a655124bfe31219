"""A job's way from the queue to its text, top to bottom: prepare, claim, read, publish, record. On the main thread.

One flow a job; as many are under way as the worker has room for, and they start in the order of the queue. Every fault
ends in one of three ways: the file is rejected, an attempt is counted, or the queue is paused.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from dropscribe.core.errors import Kind, Reason, ReasonedError
from dropscribe.core.job import Job, Order, Outcome, Signature, State
from dropscribe.core.remarks import PLEASE_CHECK
from dropscribe.files import durable, staging
from dropscribe.files.naming import honest, shortened, spellings
from dropscribe.files.outbox import Changed, Published, Taken
from dropscribe.files.places import Place, Unholdable
from dropscribe.formats.registry import SUFFIXES
from dropscribe.host.host import Host
from dropscribe.host.values import Died, Finished
from dropscribe.intake.scan import Obstacle
from dropscribe.journal.journal import Journal
from dropscribe.log import LOG
from dropscribe.service.backoff import Backoff
from dropscribe.service.flow import Event, Flow, Flows, on_disk, record
from dropscribe.service.lanes import Lane, Lanes
from dropscribe.worker import page_cache


@dataclass(frozen=True)
class Seen:
    """What lies at a job's path now; without a signature nothing does, and *inbox* says whether the inbox is there."""

    signature: Signature | None
    inbox: tuple[int, int] | None
    has_writer: bool = False


class Jobs:
    """Takes jobs from the queue through the worker to the outbox and the journal."""

    def __init__(
        self, state: str, journal: Journal, flows: Flows, host: Host, lanes: Lanes, backoff: Backoff,
        may_begin: Callable[[], bool],
    ) -> None:  # fmt: skip
        self._state, self._may_begin, self._lanes = state, may_begin, lanes
        self._journal, self._flows, self._host, self._backoff = journal, flows, host, backoff
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
        job = self._journal.next_queued(without=self._lanes.closed(now))
        if job is not None and self._host.ensure_room(job, now):
            self._flows.start(self._process(job))

    # -- the way of one job

    def _process(self, job: Job) -> Flow[None]:
        """Take *job* from the queue to its text."""
        self._under_way += 1
        lane = self._lanes.of(job)
        try:
            claimed, signature = yield from self._claimed(job, lane)
            if claimed is None:
                return
            order = self._order(claimed, lane, signature)
            self._host.give(order, suspect=job.suspect, now=time.monotonic())
            event = yield Event(("job", order.job, order.claim))
            if isinstance(event, Finished) and event.outcome.end == "read":
                yield from self._publish(claimed, lane, order.staging, event.outcome)
                return
            self._sweep(order.staging)
            if isinstance(event, Died):
                yield from self._died(claimed, lane, event)
            else:
                yield from self._not_read(claimed, lane, event.outcome)
        finally:
            self._under_way -= 1

    def _claimed(self, job: Job, lane: Lane) -> Flow[tuple[Job | None, Signature | None]]:
        """Return *job* claimed under a new number with its output stem reserved; None when it cannot be read now.

        With it what lies there now: the settled file, on the device that its volume has today.
        """
        self._preparing = True
        try:
            try:
                seen, stem = yield from on_disk(self._preparation(job, lane))
            except Exception as error:  # whatever the disk says of the outbox: the queue is paused, no file fails
                yield from self._unplaced(job, lane, error)
                return None, None
            if seen.signature is None or not seen.signature.same_file(job.signature):
                yield from self._gone(job, lane, seen, "before it was read")
                return None, None
            if seen.has_writer:
                LOG.info("%s: somebody writes to it again", job.name)
                yield from record(lambda: self._journal.withdraw(job))
                self._lanes.offer(job)
                return None, None
            return (yield from record(lambda: self._claim(job, lane, stem))), seen.signature
        finally:
            self._preparing = False

    def _unplaced(self, job: Job, lane: Lane, error: Exception) -> Flow[None]:
        """No output name can be had: the file fails if that is the name's fault, and the queue waits otherwise."""
        if not (isinstance(error, ReasonedError) and error.reason.kind is Kind.FILE):
            _environment(lane, error)
            return
        claimed = yield from record(lambda: self._journal.claim(job, job.path))
        LOG.warning("%s: %s", job.name, error.detail)
        yield from record(lambda: self._journal.reject(claimed, error.reason, error.detail))

    def _preparation(self, job: Job, lane: Lane) -> Callable[[], tuple[Seen, bytes]]:
        """Return the disk thread's part: what lies there now, and a free output stem."""
        suffixes = [SUFFIXES[name] for name in lane.settings.output.formats]
        reserved, outbox = self._journal.reserved_stems(self._lanes.sharing(lane)), lane.outbox
        mine = replaceable(lane, self._journal, job)

        def prepare() -> tuple[Seen, bytes]:
            outbox.check()
            return _look(job, lane), outbox.reserve(job.path, suffixes, reserved, outbox.still_ours(mine))

        return prepare

    def _claim(self, job: Job, lane: Lane, stem: bytes) -> Job | None:
        """Claim the job in the journal; None when it is not to be read now after all."""
        if not self._may_begin() or not self._host.ensure_room(job, time.monotonic()):
            return None  # paused, told to stop, unloaded, or filled by others while the file was looked at
        claimed = self._journal.claim(job, stem)
        if claimed.state is not State.RUNNING:
            return None  # replaced meanwhile
        lane.backoff.lift_if(Reason.INBOX_OFFLINE)  # of the outbox only a publication proves that it is there
        return claimed

    def _order(self, job: Job, lane: Lane, signature: Signature | None) -> Order:
        assert job.stem is not None
        return Order(
            job.id, job.claim, job.name, path=job.path, root=lane.inbox.intake.root, signature=signature,
            stem=os.path.basename(job.stem),
            staging=os.fsencode(staging.new_folder(self._state, job.id, job.claim)),
            formats=lane.settings.output.formats, recipe=lane.recipe.name, priority=lane.recipe.priority,
            settings=lane.travelling,
        )  # fmt: skip

    # -- it was read

    def _publish(self, job: Job, lane: Lane, staged: bytes, outcome: Outcome) -> Flow[None]:
        source, outbox = Place(lane.inbox.intake.root, job.path), lane.outbox
        mine = replaceable(lane, self._journal, job)
        note, there = ", ".join(outcome.remarks), lane.origin.outbox

        def publish() -> Published:
            return outbox.put(
                os.fsdecode(staged), job, outcome.staged, outcome.seconds, review=outcome.review, source=source,
                note=note, wrote=mine,
            )  # fmt: skip

        try:
            outputs, marks = yield from on_disk(publish)
        except Exception as error:  # `_unpublished` tells them apart
            yield from self._unpublished(job, lane, staged, error)
            return
        self._backoff.lift()
        lane.backoff.lift()
        yield from record(
            lambda: self._journal.written(
                job, outputs, outcome.seconds, marks, review=outcome.review, note=note or None, outbox=there
            )
        )
        pages = f"{outcome.pages} page{'s' * (outcome.pages != 1)}"
        unsaid = outcome.review and not any(remark.startswith(PLEASE_CHECK) for remark in outcome.remarks)
        remarks = ", from the cache" * outcome.reused + f", {PLEASE_CHECK} the text" * unsaid
        remarks += "".join(f", {remark}" for remark in outcome.remarks)
        LOG.info("%s: %s in %.1f s%s", job.name, pages, outcome.seconds, remarks)

    def _unpublished(self, job: Job, lane: Lane, staged: bytes, error: Exception) -> Flow[None]:
        """It is not in the outbox: its file changed, a name was taken or refused, or the environment is at fault."""
        self._sweep(staged)
        if isinstance(error, Changed):
            seen = yield from _looked_again(job, lane)
            yield from self._gone(job, lane, seen, "while it was read")
            return
        if isinstance(error, Unholdable):
            LOG.info("%s: the outbox cannot hold this name (%s); trying a plainer one", job.name, error)
        elif not isinstance(error, Taken):
            _environment(lane, error)
        yield from record(lambda: self._journal.release(job, interrupted=False))

    # -- it was not read

    def _not_read(self, job: Job, lane: Lane, outcome: Outcome) -> Flow[None]:
        match outcome.end:
            case Kind.FILE:
                yield from self._refused(job, lane, outcome)
            case Kind.ENGINE:
                assert outcome.reason is not None
                yield from self._record_failure(job, lane, outcome.reason, outcome.detail, death=False)
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

    def _refused(self, job: Job, lane: Lane, outcome: Outcome) -> Flow[None]:
        reason = outcome.reason
        assert reason is not None
        if reason.may_be_delay and not lane.inbox.intake.waited_enough(job.since, time.monotonic()):
            LOG.info("%s: seems not whole yet (%s)", job.name, reason)
            yield from record(lambda: self._journal.withdraw(job))
            lane.inbox.defer(job)
            return
        LOG.warning("%s: %s", job.name, outcome.detail)
        yield from record(lambda: self._journal.reject(job, reason, outcome.detail))

    def _died(self, job: Job, lane: Lane, event: Died) -> Flow[None]:
        """Count the worker's death, or its being stuck, against the job; among several it proves nothing."""
        if event.suspect:
            yield from record(lambda: self._journal.suspect(job))
        else:
            death = event.reason is Reason.ENGINE_CRASH
            yield from self._record_failure(job, lane, event.reason, event.detail, death=death)

    def _record_failure(self, job: Job, lane: Lane, reason: Reason, detail: str, *, death: bool) -> Flow[None]:
        attempts = lane.settings.engine.attempts
        state = yield from record(
            lambda: self._journal.record_failure(job, reason, detail, death=death, attempts=attempts)
        )
        given_up = "" if state is State.QUEUED else "; given up"
        LOG.warning("%s: attempt %d failed (%s)%s: %s", job.name, job.attempts + 1, reason, given_up, detail)

    def _gone(self, job: Job, lane: Lane, seen: Seen, when: str) -> Flow[None]:
        """Its file vanished or changed: the job is over, unless it is the whole inbox that went."""
        if seen.signature is None and not lane.inbox.is_known_inbox(job, seen.inbox):
            lane.backoff.put(Reason.INBOX_OFFLINE, f"the inbox {lane.settings.folders.inbox} is not there")
            if job.state is State.RUNNING:
                yield from record(lambda: self._journal.release(job, interrupted=False))
            return
        changed = seen.signature is not None
        LOG.info("%s: %s %s", job.name, "changed" if changed else "vanished", when)
        yield from record(lambda: self._journal.finish(job, time.time(), replaced=changed))
        self._lanes.offer(job)

    # -- what is left behind

    def sweep(self, job: Job) -> None:
        """Remove what was staged, and the pages that were kept, for a job that is over."""
        state = self._state

        def swept() -> None:
            staging.sweep_job(state, job.id)
            page_cache.forget_job(state, job.id)

        self._flows.start(_tried(swept))

    def _sweep(self, staged: bytes) -> None:
        self._flows.start(_tried(lambda: staging.sweep(os.fsdecode(staged))))


def _tried(sweep: Callable[[], None]) -> Flow[None]:
    """Sweep on the disk thread; what stays is swept at the next start."""
    try:
        yield from on_disk(sweep)
    except OSError as error:
        LOG.warning("cannot be swept yet: %s", durable.described(error))


def _look(job: Job, lane: Lane) -> Seen:
    """(disk thread) Look at the job's file, and at the inbox where there is none."""
    info = lane.inbox.look(job.path)
    inbox = lane.inbox.identity() if info.signature is None else None
    return Seen(info.signature, inbox, info.obstacle is Obstacle.WRITER)


def _looked_again(job: Job, lane: Lane) -> Flow[Seen]:
    try:
        return (yield from on_disk(lambda: _look(job, lane)))
    except OSError:
        return Seen(None, None)


def _environment(lane: Lane, error: Exception) -> None:
    """Let this lane wait: its outbox cannot be used."""
    if isinstance(error, ReasonedError):
        lane.backoff.put(error.reason, error.detail)
    else:
        LOG.error("the outbox cannot be used", exc_info=error)
        what = durable.described(error) if isinstance(error, OSError) else str(error)
        lane.backoff.put(Reason.OUTBOX_MISSING, f"{lane.settings.folders.outbox}: {what}")


def replaceable(lane: Lane, journal: Journal, job: Job) -> dict[bytes, int]:
    """Return the files in the outbox that *job* may write over: our own of its name, if the settings say so."""
    if lane.settings.output.conflict != "overwrite":
        return {}
    found: dict[bytes, int] = {}
    for stem in spellings(honest(os.path.splitext(job.path)[0])):
        folder, name = os.path.split(stem)
        found |= journal.wrote(job.path, os.path.join(folder, shortened(name)), lane.origin)
    return found
