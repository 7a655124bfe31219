"""After a crash: publications that it interrupted are finished, and every other claimed job is queued again.

Nothing is claimed before: an outbox that is unavailable may hold what is published already. Manifests of written jobs
stay until the original is moved, so that even a lost journal leads to no second reading. What is left of temporary
files is swept by their records.
"""

import os
import time

from dropscribe.config import Settings
from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.core.job import Job, State
from dropscribe.files import staging
from dropscribe.files.ledger import Ledger
from dropscribe.files.outbox import Changed, Outbox, Published, Taken
from dropscribe.files.places import Place, Unholdable
from dropscribe.files.staging import Manifest
from dropscribe.journal.journal import Journal
from dropscribe.log import LOG
from dropscribe.service.backoff import Backoff
from dropscribe.service.flow import Flow, Until, on_disk, record
from dropscribe.service.jobs import replaceable


class Recovery:
    """Runs once, at the start; waits for an outbox that cannot be seen."""

    def __init__(
        self, settings: Settings, journal: Journal, outbox: Outbox, ledger: Ledger, backoff: Backoff
    ) -> None:  # fmt: skip
        self._settings, self._journal, self._backoff = settings, journal, backoff
        self._outbox, self._ledger = outbox, ledger
        self._root = os.fsencode(settings.folders.inbox)
        self.done = False

    def run(self) -> Flow[None]:
        """Finish what was interrupted; after a fault of the environment begin again."""
        while not self.done:
            yield Until(self._backoff.open)
            try:
                manifests = yield from on_disk(self._manifests)
                for staged, manifest in manifests.items():
                    yield from self._finish(staged, manifest)
                yield from on_disk(self._ledger.sweep)
                yield from record(self._requeue)
            except Exception as error:  # whatever it is, nothing may be claimed before it is over
                self._fault(error)

    def _manifests(self) -> dict[str, Manifest]:
        """(disk thread) Return what was being published; raise an environment fault while the outbox is unavailable."""
        self._outbox.check()
        return staging.manifests(self._settings.folders.state)

    def _finish(self, staged: str, manifest: Manifest) -> Flow[None]:
        """Publish the rest of one interrupted publication, if its job still wants that, into the same outbox."""
        job = yield from record(lambda: self._job_of(manifest))
        if job is None or manifest.outbox != self._outbox.root:
            yield from on_disk(lambda: self._drop(staged, manifest, job))
            return
        if job.state is not State.RUNNING:
            return
        mine = replaceable(self._settings, self._journal, job)
        published = yield from on_disk(lambda: self._publish(job, staged, manifest, mine))
        if published is not None:
            outputs, marks = published
            yield from record(
                lambda: self._journal.written(job, outputs, manifest.seconds, marks, review=manifest.review)
            )
            LOG.info("%s: published after an interruption", job.name)

    def _requeue(self) -> None:
        for job in self._journal.in_state(State.RUNNING):
            self._journal.release(job)
        self.done = True
        self._backoff.lift()

    def _fault(self, error: Exception) -> None:
        if isinstance(error, ReasonedError):
            self._backoff.put(error.reason, error.detail)
        else:
            LOG.error("interrupted work cannot be finished yet", exc_info=error)
            self._backoff.put(Reason.OUTBOX_MISSING, f"{self._settings.folders.outbox}: {error}")

    def _drop(self, staged: str, manifest: Manifest, job: Job | None) -> None:
        """(disk thread) Forget a publication; what a job that is to be read again had in another outbox is taken back.

        What was published for a job that is over stays.
        """
        if job is not None and job.state is State.RUNNING:
            Outbox(os.fsdecode(manifest.outbox), self._ledger).take_back(manifest)
        if job is None or job.state is State.RUNNING:
            staging.sweep(staged)

    def _job_of(self, manifest: Manifest) -> Job | None:
        """Return the live job of an interrupted publication; a lost journal gets it back from the manifest."""
        job = self._journal.live_at(manifest.path)
        if job is None and self._journal.damaged:
            return self._journal.adopt(manifest.path, manifest.signature, manifest.stem, time.time())
        return job if job is not None and job.signature.same_file(manifest.signature) else None

    def _publish(self, job: Job, staged: str, manifest: Manifest, mine: dict[bytes, int]) -> Published | None:
        """(disk thread) Publish the rest; None when that is not to be.

        With a lost journal, what is published whole counts even when its original is no longer there.
        """
        if self._journal.damaged and self._outbox.published(manifest):
            return manifest.names, self._outbox.marks(manifest.names)
        try:
            outputs = self._outbox.publish(manifest, Place(self._root, job.path), self._outbox.still_ours(mine))
        except (Changed, Taken, Unholdable, OSError) as error:
            LOG.info("%s: what was staged is dropped (%r), it is read again", job.name, error)
            staging.sweep(staged)
            return None
        return outputs, self._outbox.marks(outputs)
