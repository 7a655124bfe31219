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
from dropscribe.core.job import Job, PutAway, State, Unmounted, printable
from dropscribe.files import durable, notes, originals, places
from dropscribe.files.ledger import Ledger
from dropscribe.files.originals import LockedError, MoveResult
from dropscribe.files.places import Place, Unholdable
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
        self, settings: Settings, journal: Journal, flows: Flows, ledger: Ledger, unmounted: Mapping[str, Unmounted],
        over: Callable[[Job, bool], None], rechecks: Rechecks, has_writer: Callable[[bytes], bool],
    ) -> None:  # fmt: skip
        self.settings, self._ledger, self._unmounted = settings, ledger, unmounted
        self._rechecks, self._has_writer = rechecks, has_writer
        self._journal, self._flows, self._over = journal, flows, over
        self._root = os.fsencode(settings.folders.inbox)
        self._under_way: set[int] = set()
        self._retries: dict[int, _Retry] = {}
        self._plainness: dict[int, int] = {}  # by job: how many spellings of its name the folder has refused
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

        Also where the folder cannot hold the name, or not in this sub-folder: a plainer one, as long as there are any.
        Returns how it ended, and what is to be looked at again.
        """
        place = self._recorded(job)
        while True:
            try:
                if place is None:
                    place, made = yield from on_disk(lambda: self._free_place(job, mode))
                    yield from record(self._recording(job, place, made))
                ended, put_away = yield from on_disk(self._moving(job, place))
            except Unholdable as error:
                LOG.info("%s: %s; trying a plainer name", job.name, error)
                place = None
                continue
            if ended is not MoveResult.TAKEN:
                return ended, put_away
            place = None

    def _recorded(self, job: Job) -> Place | None:
        if job.destination is None:
            return None
        folders = self.settings.folders
        return Place.of(job.destination, [self._root, *map(os.fsencode, (folders.archive, folders.failed))])

    def _free_place(self, job: Job, mode: str) -> tuple[Place, list[bytes]]:
        """(disk thread) Return a free destination and the folders that had to be made for it."""
        if job.state is State.WRITTEN and mode == "delete":
            return originals.hidden_beside(self._root, job), []
        self._require_mounted(job)
        root = os.fsencode(self._folder(job))
        durable.make_folder(root)
        if not os.access(root, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, "it may not be written", self._folder(job))
        place = Place(root, job.path)
        try:
            plainness = self._plainness.get(job.id, 0)
            place = originals.destination(root, job.path, with_note=job.state is State.REJECTED, plainness=plainness)
            return place, places.make(root, place.below, places.modes(self._root, os.path.dirname(job.path)))
        except OSError as error:
            raise self._blamed(job, error, place) from error

    def _folder(self, job: Job) -> str:
        folders = self.settings.folders
        return folders.failed if job.state is State.REJECTED else folders.archive

    def _recording(self, job: Job, place: Place, made: list[bytes]) -> Callable[[], None]:
        def write() -> None:
            if made:
                self._journal.metadata.made(made)
            self._journal.set_destination(job, place.absolute)

        return write

    def _moving(self, job: Job, place: Place) -> Callable[[], tuple[MoveResult, PutAway | None]]:
        """Return the disk thread's part: the note of a failed file, the move, the end of a deleted one."""
        seconds = self.settings.intake.recheck_for
        deleted = place.root == self._root  # it stays beside where it was until then

        def move() -> MoveResult:
            if not deleted:
                self._require_mounted(job)
                durable.make_folder(place.root)
                places.make(place.root, place.below)
            source = Place(self._root, job.path)
            if job.state is State.REJECTED:
                return self._move_failed(job, source, place)
            ended = originals.move(source, job.signature, place, self._ledger)
            if ended is MoveResult.MOVED and deleted and not seconds:
                originals.delete(place)
            return ended

        def judged() -> tuple[MoveResult, PutAway | None]:
            if self._has_writer(job.path):
                raise OSError(errno.EBUSY, "a program writes to it again", job.name)
            try:
                ended = move()
            except OSError as error:
                raise self._blamed(job, error, place) from error
            watched = ended is MoveResult.MOVED and seconds > 0
            return ended, put_away(job, place, seconds, delete=deleted) if watched else None

        return judged

    def _move_failed(self, job: Job, source: Place, place: Place) -> MoveResult:
        """(disk thread) Write the note, then move the original beside it; without the original, the note goes again."""
        assert job.reason is not None
        found, detail = source.found(), job.detail or ""
        with place.opened() as there:
            ended = MoveResult.TAKEN
            if not notes.write(there, job, job.reason, detail, found.st_mode if found is not None else 0):
                return ended
            try:
                ended = originals.move_to(there, source, job.signature, place, self._ledger)
            finally:
                if ended is not MoveResult.MOVED:
                    notes.remove(there, job, job.reason, detail)
            return ended

    def _blamed(self, job: Job, error: OSError, place: Place) -> Exception:
        """(disk thread) Return what an error means: `Unholdable` for a name that the folder refuses, else the error."""
        refused = self._plainness.get(job.id, 0)
        name_is_at_fault = (
            error.errno in places.NAME_ERRORS
            and not isinstance(error, LockedError)
            and place.root != self._root
            and refused < originals.most_plain(job.path)
            and Place(self._root, job.path).found() is not None
            and places.refuses(place)
        )
        if not name_is_at_fault:
            return durable.named(error, place.absolute)
        self._plainness[job.id] = refused + 1
        return Unholdable(f"{printable(place.root)} cannot hold it ({durable.described(error)})")

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
        self._plainness.pop(job.id, None)
        self._over(job, replaced)

    def _try_later(self, job: Job, error: OSError) -> None:
        """It cannot be moved now (folder missing, disk full, no permission): later, longer each time."""
        told = durable.described(error)
        if job.id not in self._retries:
            LOG.warning("%s: cannot be moved yet: %s", job.name, told)
        self._fault = f"{job.name} cannot be moved yet: {told}"
        wait = self._retries[job.id].wait if job.id in self._retries else 1.0
        if isinstance(error, LockedError):
            wait = LOCKED_WAIT
        self._retries[job.id] = _Retry(time.monotonic() + wait, min(wait * 2, LONGEST_WAIT))
