"""After a crash: publications that it interrupted are finished, and every other claimed job is queued again.

Nothing is claimed before: an outbox that is unavailable may hold what is published already. Manifests of written jobs
stay until the original is moved, so that even a lost journal leads to no second reading.
"""

import os
import time

from dropscribe.config import Settings
from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.core.job import Job, Signature, State
from dropscribe.files.outbox import Changed, Manifest, Outbox, Published, Taken
from dropscribe.journal.journal import Journal
from dropscribe.log import LOG
from dropscribe.service.backoff import Backoff
from dropscribe.service.flow import Flow, Until, on_disk, record
from dropscribe.service.jobs import replaceable


class Recovery:
    """Runs once, at the start; waits for an outbox that cannot be seen."""

    def __init__(self, settings: Settings, journal: Journal, outbox: Outbox, backoff: Backoff) -> None:
        self._settings, self._journal, self._outbox, self._backoff = settings, journal, outbox, backoff
        self._root = os.fsencode(settings.folders.inbox)
        self.done = False

    def run(self) -> Flow[None]:
        """Finish what was interrupted; after a fault of the environment begin again."""
        while not self.done:
            yield Until(self._backoff.open)
            try:
                manifests = yield from on_disk(self._outbox.manifests)
                for staging, manifest in manifests.items():
                    yield from self._finish(staging, manifest)
                yield from record(self._requeue)
            except Exception as error:  # whatever it is, nothing may be claimed before it is over
                self._fault(error)

    def _finish(self, staging: str, manifest: Manifest) -> Flow[None]:
        """Publish the rest of one interrupted publication, if its job still wants that."""
        job = yield from record(lambda: self._job_of(manifest))
        if job is None:
            yield from on_disk(lambda: self._outbox.sweep(staging))
            return
        if job.state is not State.RUNNING:
            return
        mine = replaceable(self._settings, self._journal, job)
        published = yield from on_disk(lambda: self._publish(job, staging, manifest, mine))
        if published is not None:
            outputs, marks = published
            yield from record(
                lambda: self._journal.written(
                    job, outputs, manifest.seconds, marks, review=manifest.review, note=manifest.note or None
                )
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

    def _job_of(self, manifest: Manifest) -> Job | None:
        """Return the live job of an interrupted publication; a lost journal gets it back from the manifest."""
        path, signature = os.fsencode(manifest.path), Signature(**manifest.signature)
        job = self._journal.live_at(path)
        if job is None and self._journal.damaged:
            return self._journal.adopt(path, signature, os.fsencode(manifest.stem), time.time())
        return job if job is not None and job.signature.same_file(signature) else None

    def _publish(self, job: Job, staging: str, manifest: Manifest, mine: dict[bytes, int]) -> Published | None:
        """(disk thread) Publish the rest; None when that is not to be.

        With a lost journal, what is published whole counts even when its original is no longer there.
        """
        if self._journal.damaged and self._outbox.published(staging, manifest):
            outputs = tuple(os.fsencode(manifest.stem + suffix) for suffix in manifest.files)
            return outputs, self._outbox.marks(outputs)
        source = os.path.join(self._root, job.path)
        try:
            outputs = self._outbox.publish(staging, manifest, source, self._outbox.still_ours(mine))
        except (Changed, Taken, OSError) as error:
            LOG.info("%s: what was staged is dropped (%r), it is read again", job.name, error)
            self._outbox.sweep(staging)
            return None
        return outputs, self._outbox.marks(outputs)
