"""After a crash: publications that it interrupted are finished, and every other claimed job is queued again.

Nothing is claimed before: an outbox that is unavailable may hold what is published already. Manifests of written jobs
stay until the original is moved, so that even a lost journal leads to no second reading. What is left of temporary
files is swept by their records.
"""

import os
import time

from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.core.job import Job, State
from dropscribe.files import durable, staging
from dropscribe.files.ledger import Ledger
from dropscribe.files.outbox import Changed, Outbox, Published, Taken
from dropscribe.files.places import Place, Unholdable
from dropscribe.files.staging import Manifest
from dropscribe.journal.journal import Journal
from dropscribe.log import LOG
from dropscribe.service.flow import Flow, Until, on_disk, record
from dropscribe.service.jobs import replaceable
from dropscribe.service.lanes import Lane, Lanes


class Recovery:
    """Runs once, at the start; waits for an outbox that cannot be seen."""

    def __init__(
        self, state: str, journal: Journal, ledger: Ledger, lanes: Lanes
    ) -> None:  # fmt: skip
        self._state, self._journal, self._ledger, self._lanes = state, journal, ledger, lanes

    @property
    def done(self) -> bool:
        """Say whether nothing more is to be finished anywhere."""
        return all(lane.recovered for lane in self._lanes)

    def run(self, lane: Lane) -> Flow[None]:
        """Finish what was interrupted in one lane; after a fault of the environment begin again."""
        if lane is self._lanes.base:
            yield from self._swept()
        while not lane.recovered:
            yield Until(lane.backoff.open)
            try:
                manifests = yield from on_disk(lambda: self._manifests(lane))
                for staged, manifest in manifests.items():
                    if self._lane_of(manifest) is lane:
                        yield from self._finish(lane, staged, manifest)
                yield from self._swept()  # what belonged to publications that were dropped
                yield from record(lambda: self._requeue(lane))
            except Exception as error:  # whatever it is, nothing may be claimed before it is over
                _fault(lane, error)

    def _swept(self) -> Flow[None]:
        """Remove what a killed daemon left of temporary files, before anything is asked of disks that they fill."""
        try:
            yield from on_disk(self._sweep)
        except OSError as error:
            LOG.warning("temporary files cannot be swept yet: %s", durable.described(error))

    def _sweep(self) -> None:
        """(disk thread) Sweep all but what some lane is to publish yet; no call of this thread leaves one behind."""
        manifests = staging.manifests(self._state).values()
        self._ledger.sweep({output.hidden for manifest in manifests for output in manifest.outputs})

    def _manifests(self, lane: Lane) -> dict[str, Manifest]:
        """(disk thread) Return what was being published; raise an environment fault while the outbox is unavailable."""
        lane.outbox.check(room=0)
        return staging.manifests(self._state)

    def _lane_of(self, manifest: Manifest) -> Lane:
        """Return whose publication it was: its job's, or, with a lost journal, that of the inbox."""
        job = self._journal.live_at(manifest.path, manifest.inbox)
        lane = self._lanes.of(job) if job is not None else self._lanes.taking(manifest.inbox)
        return lane or self._lanes.base

    def _finish(self, lane: Lane, staged: str, manifest: Manifest) -> Flow[None]:
        """Publish the rest of one interrupted publication, if its job still wants that, into the same outbox."""
        job = yield from record(lambda: self._job_of(lane, manifest))
        if job is None or manifest.outbox != lane.outbox.root:
            yield from on_disk(lambda: self._drop(staged, manifest, job))
            return
        if job.state is not State.RUNNING:
            return
        mine = replaceable(lane, self._journal, job)
        published = yield from on_disk(lambda: self._publish(lane, job, staged, manifest, mine))
        if published is not None:
            outputs, marks = published
            there = lane.origin.outbox
            yield from record(
                lambda: self._journal.written(
                    job,
                    outputs,
                    manifest.seconds,
                    marks,
                    review=manifest.review,
                    note=manifest.note or None,
                    outbox=there,
                )
            )
            LOG.info("%s: published after an interruption", job.name)

    def _requeue(self, lane: Lane) -> None:
        for job in self._journal.in_state(State.RUNNING):
            if self._lanes.of(job) is lane:
                self._journal.release(job)
        lane.recovered = True
        lane.backoff.lift()

    def _drop(self, staged: str, manifest: Manifest, job: Job | None) -> None:
        """(disk thread) Forget a publication; what a job that is to be read again had in another outbox is taken back.

        What was published for a job that is over stays.
        """
        if job is not None and job.state is State.RUNNING:
            Outbox(os.fsdecode(manifest.outbox), self._ledger).take_back(manifest)
        if job is None or job.state is State.RUNNING:
            staging.sweep(staged)

    def _job_of(self, lane: Lane, manifest: Manifest) -> Job | None:
        """Return the live job of an interrupted publication; a lost journal gets it back from the manifest."""
        job = self._journal.live_at(manifest.path, manifest.inbox)
        if job is None and self._journal.damaged:
            return self._journal.adopt(manifest.path, manifest.signature, manifest.stem, time.time(), lane.origin)
        return job if job is not None and job.signature.same_file(manifest.signature) else None

    def _publish(
        self, lane: Lane, job: Job, staged: str, manifest: Manifest, mine: dict[bytes, int]
    ) -> Published | None:
        """(disk thread) Publish the rest; None when that is not to be.

        With a lost journal, what is published whole counts even when its original is no longer there.
        """
        outbox, source = lane.outbox, Place(lane.inbox.intake.root, job.path)
        if self._journal.damaged and outbox.published(manifest):
            return manifest.names, outbox.marks(manifest.names)
        try:
            outputs = outbox.publish(manifest, source, outbox.still_ours(mine))
        except (Changed, Taken, Unholdable, OSError) as error:
            LOG.info("%s: what was staged is dropped (%r), it is read again", job.name, error)
            outbox.take_back(manifest)
            staging.sweep(staged)
            return None
        return outputs, outbox.marks(outputs)


def _fault(lane: Lane, error: Exception) -> None:
    if isinstance(error, ReasonedError):
        lane.backoff.put(error.reason, error.detail)
    else:
        LOG.error("interrupted work cannot be finished yet", exc_info=error)
        lane.backoff.put(Reason.OUTBOX_MISSING, f"{lane.settings.folders.outbox}: {error}")
