"""Putting originals away: written jobs to the archive (or as configured), rejected ones to failed/ with a note.

Each step is recorded before the next, so all of it may be repeated after a crash; what cannot be done now is tried
again with back-off, while the queue goes on.
"""

import errno
import os
import time
from collections.abc import Callable, Mapping
from functools import partial

from dropscribe.config import Settings
from dropscribe.core.job import Job, State, Unmounted
from dropscribe.files import durable, originals
from dropscribe.files.disk_thread import DiskThread
from dropscribe.files.originals import LockedError, MoveResult
from dropscribe.journal.journal import Journal
from dropscribe.log import LOG
from dropscribe.service.backoff import Backoff

LONGEST_WAIT = 60.0  # seconds between tries
LOCKED_WAIT = 600.0  # seconds between looks whether a locked original has been unlocked


class Archiver:
    """Takes jobs in the states written and rejected to done, failed or gone."""

    def __init__(
        self, settings: Settings, journal: Journal, disk: DiskThread, backoff: Backoff, away: Mapping[str, Unmounted],
        over: Callable[[Job, bool], None],
    ) -> None:  # fmt: skip
        self.settings, self._away = settings, away
        self._journal, self._disk, self._backoff, self._over = journal, disk, backoff, over
        self._root = os.fsencode(settings.folders.inbox)
        self._under_way: set[int] = set()
        self._fault = ""
        self._waits: dict[int, tuple[float, float]] = {}  # job -> (next try, wait)

    @property
    def waits_for(self) -> str | None:
        """Why something could not be put away and waits for another try, or None."""
        return self._fault if self._waits else None

    @property
    def busy(self) -> bool:
        """Say whether something is being put away right now."""
        return bool(self._under_way)

    def tick(self, now: float) -> None:
        """Take up jobs whose original is still where it was: a few at a time."""
        for state in (State.WRITTEN, State.REJECTED):
            for job in self._journal.in_state(state, limit=20 + len(self._waits)):
                if len(self._under_way) >= 20:
                    return
                if job.id not in self._under_way and self._waits.get(job.id, (0.0, 0.0))[0] <= now:
                    self._begin(job)

    def _begin(self, job: Job) -> None:
        self._under_way.add(job.id)
        mode = self.settings.output.originals
        if job.state is State.WRITTEN and mode == "keep" and job.destination is None:
            self._finish(job, kept=True)
        elif job.destination is not None:
            self._move(job, job.destination)
        else:
            self._disk.ask(partial(self._choose, job, mode), partial(self._chosen, job), partial(self._failed, job))

    def _require(self, job: Job) -> None:
        """(disk thread) Raise `OSError` while the disk on which the original is to lie is away."""
        name = "failed" if job.state is State.REJECTED else "archive"
        if self._away[name]():
            raise OSError(errno.ENODEV, "its volume is not mounted", getattr(self.settings.folders, name))

    def _choose(self, job: Job, mode: str) -> tuple[bytes, list[bytes]]:
        """(disk thread) Return a free destination and the folders that had to be made for it."""
        if job.state is State.WRITTEN and mode == "delete":
            return originals.hidden_beside(self._root, job), []
        self._require(job)
        folder = self.settings.folders.failed if job.state is State.REJECTED else self.settings.folders.archive
        place = originals.destination(folder, job.path, with_note=job.state is State.REJECTED)
        return place, durable.make_folder(os.path.dirname(place))

    def _chosen(self, job: Job, result: tuple[bytes, list[bytes]]) -> None:
        place, made = result

        def record() -> None:
            if made:
                self._journal.metadata.made(made)
            self._journal.set_destination(job, place)
            self._move(job, place)

        self._backoff.record(record, time.monotonic())

    def _move(self, job: Job, place: bytes) -> None:
        def request() -> MoveResult:
            if not place.startswith(self._root + b"/"):  # the one that is deleted stays beside itself
                self._require(job)
            durable.make_folder(os.path.dirname(place))
            source = os.path.join(self._root, job.path)
            ended = originals.move(source, job.signature, place)
            if ended is MoveResult.MOVED and job.state is State.WRITTEN and place.startswith(self._root + b"/"):
                originals.delete(place)
            if ended is MoveResult.MOVED and job.state is State.REJECTED:
                assert job.reason is not None
                originals.write_note(place, job, job.reason, job.detail or "")
            return ended

        self._disk.ask(request, partial(self._moved, job), partial(self._failed, job))

    def _moved(self, job: Job, ended: MoveResult) -> None:
        if ended is MoveResult.TAKEN:  # a stranger was quicker: choose again
            mode = self.settings.output.originals
            self._disk.ask(partial(self._choose, job, mode), partial(self._chosen, job), partial(self._failed, job))
            return
        if ended is MoveResult.CHANGED:
            LOG.info("%s: has new content, which is new work", job.name)
        self._finish(
            job, replaced=ended is MoveResult.CHANGED or (ended is MoveResult.MISSING and job.state is State.REJECTED)
        )

    def _finish(self, job: Job, *, kept: bool = False, replaced: bool = False) -> None:
        def record() -> None:
            self._journal.finish(job, time.time(), kept=kept, replaced=replaced)
            self._under_way.discard(job.id)
            self._waits.pop(job.id, None)
            self._over(job, replaced)

        self._backoff.record(record, time.monotonic())

    def _failed(self, job: Job, error: Exception) -> None:
        """It cannot be put away now (folder missing, disk full, no permission): later, longer each time."""
        wait = LOCKED_WAIT if isinstance(error, LockedError) else self._waits.get(job.id, (0.0, 1.0))[1]
        if job.id not in self._waits:
            LOG.warning("%s: cannot be put away yet: %s", job.name, error)
        self._under_way.discard(job.id)
        self._fault = f"{job.name} cannot be put away yet: {error}"
        self._waits[job.id] = time.monotonic() + wait, min(wait * 2, LONGEST_WAIT)

    def deadline(self) -> float | None:
        """Return when something is to be tried again."""
        return min((moment for job, (moment, _) in self._waits.items() if job not in self._under_way), default=None)
