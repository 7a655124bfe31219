"""What becomes of originals: those of written jobs go to the archive (or as configured), rejected ones to failed/.

One flow a job. Each step is recorded before the next, so all of it may be repeated after a crash; what cannot be moved
now is tried again with back-off, while the queue goes on.
"""

import errno
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dropscribe.config import Settings
from dropscribe.core.job import Job, PutAway, State, Unmounted
from dropscribe.files import durable, originals
from dropscribe.files.originals import LockedError, MoveResult
from dropscribe.journal.journal import Journal
from dropscribe.log import LOG
from dropscribe.service.flow import Flow, Flows, on_disk, record
from dropscribe.service.rechecks import Rechecks, put_away

LONGEST_WAIT = 60.0  # seconds between tries
LOCKED_WAIT = 600.0  # seconds between looks whether a locked original has been unlocked
AT_ONCE = 20  # originals under way together


@dataclass
class _Retry:
    """An original that could not be moved: when it is tried again, and how long the wait after that is (seconds)."""

    at: float
    wait: float


class Archiver:
    """Takes jobs in the states written and rejected to done, failed or gone."""

    def __init__(
        self, settings: Settings, journal: Journal, flows: Flows, unmounted: Mapping[str, Unmounted],
        over: Callable[[Job, bool], None], rechecks: Rechecks, has_writer: Callable[[bytes], bool],
    ) -> None:  # fmt: skip
        self.settings, self._unmounted = settings, unmounted
        self._rechecks, self._has_writer = rechecks, has_writer
        self._journal, self._flows, self._over = journal, flows, over
        self._root = os.fsencode(settings.folders.inbox)
        self._under_way: set[int] = set()
        self._retries: dict[int, _Retry] = {}
        self._fault = ""

    @property
    def waits_for(self) -> str | None:
        """Why an original could not be moved and waits for another try, or None."""
        return self._fault if self._retries else None

    @property
    def busy(self) -> bool:
        """Say whether an original is being moved right now."""
        return bool(self._under_way)

    def tick(self, now: float) -> None:
        """Take up jobs whose original is still where it was: a few at a time."""
        for state in (State.WRITTEN, State.REJECTED):
            for job in self._journal.in_state(state, limit=AT_ONCE + len(self._retries)):
                if len(self._under_way) >= AT_ONCE:
                    return
                due = job.id not in self._retries or self._retries[job.id].at <= now
                if job.id not in self._under_way and due:
                    self._flows.start(self._process(job))

    def deadline(self) -> float | None:
        """Return when something is to be tried again."""
        return min((retry.at for job, retry in self._retries.items() if job not in self._under_way), default=None)

    # -- the way of one original

    def _process(self, job: Job) -> Flow[None]:
        """Move the original of *job*, and record that the job is over."""
        self._under_way.add(job.id)
        try:
            mode = self.settings.output.originals
            if job.state is State.WRITTEN and mode == "keep" and job.destination is None:
                yield from self._finish(job, kept=True)
                return
            try:
                ended, put_away = yield from self._moved(job, mode)
            except OSError as error:
                self._try_later(job, error)
                return
            if ended is MoveResult.CHANGED:
                LOG.info("%s: has new content, which is new work", job.name)
            missing = ended is MoveResult.MISSING and job.state is State.REJECTED
            yield from self._finish(job, replaced=missing or ended is MoveResult.CHANGED, put_away=put_away)
        finally:
            self._under_way.discard(job.id)

    def _moved(self, job: Job, mode: str) -> Flow[tuple[MoveResult, PutAway | None]]:
        """Choose a place, record it, move the original there; choose again where a stranger was quicker.

        Returns how it ended, and what is to be looked at again.
        """
        place = job.destination
        while True:
            if place is None:
                place, made = yield from on_disk(lambda: self._free_place(job, mode))
                yield from record(self._recording(job, place, made))
            ended, put_away = yield from on_disk(self._moving(job, place))
            if ended is not MoveResult.TAKEN:
                return ended, put_away
            place = None

    def _free_place(self, job: Job, mode: str) -> tuple[bytes, list[bytes]]:
        """(disk thread) Return a free destination and the folders that had to be made for it."""
        if job.state is State.WRITTEN and mode == "delete":
            return originals.hidden_beside(self._root, job), []
        self._require_mounted(job)
        folder = self.settings.folders.failed if job.state is State.REJECTED else self.settings.folders.archive
        place = originals.destination(folder, job.path, with_note=job.state is State.REJECTED)
        return place, durable.make_folder(os.path.dirname(place))

    def _recording(self, job: Job, place: bytes, made: list[bytes]) -> Callable[[], None]:
        def write() -> None:
            if made:
                self._journal.metadata.made(made)
            self._journal.set_destination(job, place)

        return write

    def _moving(self, job: Job, place: bytes) -> Callable[[], tuple[MoveResult, PutAway | None]]:
        """Return the disk thread's part: the move, then the note of a failed file, or the end of a deleted one."""
        seconds = self.settings.intake.recheck_for

        def move() -> tuple[MoveResult, PutAway | None]:
            if self._has_writer(job.path):
                raise OSError(errno.EBUSY, "a program writes to it again", job.name)
            stays_in_inbox = place.startswith(self._root + b"/")  # the one that is deleted stays beside itself
            if not stays_in_inbox:
                self._require_mounted(job)
            durable.make_folder(os.path.dirname(place))
            ended = originals.move(os.path.join(self._root, job.path), job.signature, place)
            deleted = job.state is State.WRITTEN and stays_in_inbox
            if ended is MoveResult.MOVED and deleted and not seconds:
                originals.delete(place)
            if ended is MoveResult.MOVED and job.state is State.REJECTED:
                assert job.reason is not None
                originals.write_note(place, job, job.reason, job.detail or "")
            watched = ended is MoveResult.MOVED and seconds > 0
            return ended, put_away(job, place, seconds, delete=deleted) if watched else None

        return move

    def _require_mounted(self, job: Job) -> None:
        """(disk thread) Raise `OSError` while the volume on which the original is to lie is not mounted."""
        name = "failed" if job.state is State.REJECTED else "archive"
        if self._unmounted[name]():
            raise OSError(errno.ENODEV, "its volume is not mounted", getattr(self.settings.folders, name))

    def _finish(
        self, job: Job, *, kept: bool = False, replaced: bool = False, put_away: PutAway | None = None
    ) -> Flow[None]:
        yield from record(
            lambda: self._journal.finish(job, time.time(), kept=kept, replaced=replaced, put_away=put_away)
        )
        if put_away is not None:
            self._rechecks.add(put_away, time.monotonic())
        self._retries.pop(job.id, None)
        self._over(job, replaced)

    def _try_later(self, job: Job, error: OSError) -> None:
        """It cannot be moved now (folder missing, disk full, no permission): later, longer each time."""
        if job.id not in self._retries:
            LOG.warning("%s: cannot be moved yet: %s", job.name, error)
        self._fault = f"{job.name} cannot be moved yet: {error}"
        wait = self._retries[job.id].wait if job.id in self._retries else 1.0
        if isinstance(error, LockedError):
            wait = LOCKED_WAIT
        self._retries[job.id] = _Retry(time.monotonic() + wait, min(wait * 2, LONGEST_WAIT))
