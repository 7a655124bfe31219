"""After a crash: publications that it interrupted are finished, and every other claimed job is put back.

Nothing is claimed before: an outbox that is away may hold what is published already. Manifests of written jobs stay
until the original is away, so that even a lost journal leads to no second reading.
"""

import os
import time
from functools import partial

from dropscribe.config import Settings
from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.core.job import Job, Signature, State
from dropscribe.files.disk_thread import DiskThread
from dropscribe.files.outbox import Changed, Manifest, Outbox, Taken
from dropscribe.journal.journal import Journal
from dropscribe.log import LOG
from dropscribe.service.backoff import Backoff
from dropscribe.service.jobs import Published, replaceable


class Recovery:
    """Done once, at the start, as soon as the outbox can be seen; it looks and publishes on the disk thread."""

    def __init__(
        self, settings: Settings, journal: Journal, disk: DiskThread, outbox: Outbox, backoff: Backoff
    ) -> None:
        self._settings, self._journal, self._disk = settings, journal, disk
        self._outbox, self._backoff = outbox, backoff
        self._root = os.fsencode(settings.folders.inbox)
        self._left: list[tuple[str, Manifest]] = []
        self._asked = False
        self.done = False

    def tick(self, now: float) -> None:
        """Begin, or begin again after a fault of the environment."""
        if not self.done and not self._asked and self._backoff.open(now):
            self._asked = True
            self._disk.ask(self._outbox.manifests, self._found, self._broke)

    def _found(self, manifests: dict[str, Manifest]) -> None:
        self._left = list(manifests.items())
        self._next()

    def _next(self) -> None:
        try:
            self._take_up()
        except ReasonedError as error:  # the journal's disk is full
            self._broke(error)

    def _take_up(self) -> None:
        """Take up the next interrupted publication; after the last, put back what was claimed."""
        while self._left:
            staging, manifest = self._left.pop()
            job = self._job_of(manifest)
            if job is None:
                self._disk.ask(partial(self._outbox.sweep, staging), lambda swept: None, self._broke)
            elif job.state is State.RUNNING:
                publish = partial(
                    self._publish, job, staging, manifest, replaceable(self._settings, self._journal, job)
                )
                self._disk.ask(publish, partial(self._published, job, manifest), self._broke)
                return
        self._backoff.record(self._put_back, time.monotonic())

    def _put_back(self) -> None:
        for job in self._journal.in_state(State.RUNNING):
            self._journal.release(job)
        self.done = True
        self._backoff.lift()

    def _broke(self, error: Exception) -> None:
        self._asked = False
        now = time.monotonic()
        if isinstance(error, ReasonedError):
            self._backoff.put(error.reason, error.detail, now)
        else:
            LOG.error("interrupted work cannot be finished yet", exc_info=error)
            self._backoff.put(Reason.OUTBOX_MISSING, f"{self._settings.folders.outbox}: {error}", now)

    def _job_of(self, manifest: Manifest) -> Job | None:
        """Return the live job of an interrupted publication; a lost journal gets it back from the manifest."""
        path, signature = os.fsencode(manifest.path), Signature(**manifest.signature)
        job = self._journal.live_at(path)
        if job is None and self._journal.damaged:
            return self._journal.adopt(path, signature, os.fsencode(manifest.stem), time.time())
        return job if job is not None and job.signature.same_file(signature) else None

    def _publish(self, job: Job, staging: str, manifest: Manifest, mine: dict[bytes, int]) -> Published | None:
        """(disk thread) Publish the rest; None when that is not to be.

        With a lost journal, what is published whole counts even when its original is away.
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

    def _published(self, job: Job, manifest: Manifest, result: Published | None) -> None:
        if result is not None:
            record = partial(self._journal.written, job, result[0], manifest.seconds, result[1])
            self._backoff.record(record, time.monotonic())
            LOG.info("%s: published after an interruption", job.name)
        self._next()
