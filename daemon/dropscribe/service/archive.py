"""What becomes of originals: those of written jobs go to the archive (or as configured), rejected ones to failed/.

One flow a job. Each step is recorded before the next, so all of it may be repeated after a crash; what cannot be moved
now is tried again with back-off, while the queue goes on.
"""

import errno
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from dropscribe.core.job import Job, PutAway, State, printable
from dropscribe.files import durable, notes, originals, places
from dropscribe.files.ledger import Ledger
from dropscribe.files.originals import LockedError, MoveResult
from dropscribe.files.places import Place, Unholdable
from dropscribe.journal.journal import Journal
from dropscribe.log import LOG
from dropscribe.service import hooks
from dropscribe.service.flow import Flow, Flows, on_disk, record
from dropscribe.service.lanes import Lane, Lanes
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
        self, journal: Journal, flows: Flows, ledger: Ledger, lanes: Lanes, rechecks: Rechecks,
        over: Callable[[Job, bool], None],
    ) -> None:  # fmt: skip
        self._ledger, self._lanes, self._rechecks = ledger, lanes, rechecks
        self._journal, self._flows, self._over = journal, flows, over
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
        lane = self._lanes.of(job)
        try:
            mode = lane.settings.output.originals
            if job.state is State.WRITTEN and mode == "keep" and job.destination is None:
                yield from self._finish(job, lane, kept=True)
                return
            try:
                ended, put_away = yield from self._moved(job, lane, mode)
                if ended is MoveResult.MISSING:
                    yield from self._require_inbox(job, lane)
            except OSError as error:
                self._try_later(job, error)
                return
            if ended is MoveResult.CHANGED:
                LOG.info("%s: has new content, which is new work", job.name)
            missing = ended is MoveResult.MISSING and job.state is State.REJECTED
            replaced = ended is MoveResult.CHANGED
            yield from self._finish(job, lane, replaced=replaced, missing=missing, put_away=put_away)
        finally:
            self._under_way.discard(job.id)

    def _require_inbox(self, job: Job, lane: Lane) -> Flow[None]:
        """Raise `OSError` for an original that is missing only because its inbox is."""
        seen = yield from on_disk(lane.inbox.identity)
        if not lane.inbox.is_known_inbox(job, seen):
            raise OSError(errno.ENODEV, "its inbox is not there", lane.settings.folders.inbox)

    def _moved(self, job: Job, lane: Lane, mode: str) -> Flow[tuple[MoveResult, PutAway | None]]:
        """Choose a place, record it, move the original there; choose again where a stranger was quicker.

        Also where the folder cannot hold the name, or not in this sub-folder: a plainer one, as long as there are any.
        Returns how it ended, and what is to be looked at again.
        """
        place = _recorded(job, lane)
        while True:
            try:
                if place is None:
                    place, made = yield from on_disk(lambda: self._free_place(job, lane, mode))
                    yield from record(self._recording(job, place, made))
                ended, put_away = yield from on_disk(self._moving(job, lane, place))
            except Unholdable as error:
                LOG.info("%s: %s; trying a plainer name", job.name, error)
                place = None
                continue
            if ended is not MoveResult.TAKEN:
                return ended, put_away
            place = None

    def _free_place(self, job: Job, lane: Lane, mode: str) -> tuple[Place, list[bytes]]:
        """(disk thread) Return a free destination and the folders that had to be made for it."""
        if job.state is State.WRITTEN and mode == "delete":
            return originals.hidden_beside(lane.inbox.intake.root, job), []
        _require_mounted(job, lane)
        root = os.fsencode(_folder(job, lane))
        durable.make_folder(root)
        if not os.access(root, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, "it may not be written", _folder(job, lane))
        place = Place(root, job.path)
        try:
            plainness = self._plainness.get(job.id, 0)
            place = originals.destination(root, job.path, with_note=job.state is State.REJECTED, plainness=plainness)
            return place, places.make(
                root, place.below, places.modes(lane.inbox.intake.root, os.path.dirname(job.path))
            )
        except OSError as error:
            raise self._blamed(job, lane, error, place) from error

    def _recording(self, job: Job, place: Place, made: list[bytes]) -> Callable[[], None]:
        def write() -> None:
            if made:
                self._journal.metadata.made(made)
            self._journal.set_destination(job, place.absolute)

        return write

    def _moving(self, job: Job, lane: Lane, place: Place) -> Callable[[], tuple[MoveResult, PutAway | None]]:
        """Return the disk thread's part: the note of a failed file, the move, the end of a deleted one."""
        seconds, root = lane.settings.intake.recheck_for, lane.inbox.intake.root
        deleted = place.root == root  # it stays beside where it was until then
        left = originals.left_beside(root, job) if seconds and not deleted else None

        def move() -> MoveResult:
            if not deleted:
                _require_mounted(job, lane)
                durable.make_folder(place.root)
                places.make(place.root, place.below)
            source = Place(root, job.path)
            if job.state is State.REJECTED:
                return self._move_failed(job, source, place, left)
            ended = originals.move(source, job.signature, place, self._ledger, left=left)
            if ended is MoveResult.MOVED and deleted and not seconds:
                originals.delete(place)
            return ended

        def judged() -> tuple[MoveResult, PutAway | None]:
            if lane.inbox.has_writer(job.path):
                raise OSError(errno.EBUSY, "a program writes to it again", job.name)
            try:
                ended = move()
            except OSError as error:
                raise self._blamed(job, lane, error, place) from error
            if ended is not MoveResult.MOVED or not seconds:
                return ended, None
            # What was copied is not what a writer still has open: that is watched, and deleted in the end.
            copied = left is not None and originals.was_left(left, job.signature)
            return ended, put_away(job, left if left and copied else place, seconds, delete=deleted or copied)

        return judged

    def _move_failed(self, job: Job, source: Place, place: Place, left: Place | None) -> MoveResult:
        """(disk thread) Write the note, then move the original beside it; without the original, the note goes again."""
        assert job.reason is not None
        found, detail = source.found(), job.detail or ""
        with place.opened() as there:
            ended = MoveResult.TAKEN
            if not notes.write(there, job, job.reason, detail, found):
                return ended
            try:
                ended = originals.move_to(there, source, job.signature, place, self._ledger, left)
            finally:
                if ended is not MoveResult.MOVED:
                    notes.remove(there, job, job.reason, detail)
            return ended

    def _blamed(self, job: Job, lane: Lane, error: OSError, place: Place) -> Exception:
        """(disk thread) Return what an error means: `Unholdable` for a name that the folder refuses, else the error."""
        refused, root = self._plainness.get(job.id, 0), lane.inbox.intake.root
        name_is_at_fault = (
            error.errno in places.NAME_ERRORS
            and not isinstance(error, LockedError)
            and place.root != root
            and refused < originals.most_plain(job.path)
            and Place(root, job.path).found() is not None
            and places.refuses(place)
        )
        if not name_is_at_fault:
            return durable.named(error, place.absolute)
        self._plainness[job.id] = refused + 1
        return Unholdable(f"{printable(place.root)} cannot hold it ({durable.described(error)})")

    def _finish(
        self, job: Job, lane: Lane, *, kept: bool = False, replaced: bool = False, missing: bool = False,
        put_away: PutAway | None = None,
    ) -> Flow[None]:  # fmt: skip
        def finish() -> None:
            over = self._journal.get(job.id)  # with the place where its original lies now
            unread = missing or (replaced and job.state is State.REJECTED)  # its new content is new work
            hook = None if unread else hooks.wanted(over, lane.settings, lane.recipe.name)
            self._journal.finish(
                job, time.time(), kept=kept, replaced=replaced, missing=missing, put_away=put_away, hook=hook
            )

        yield from record(finish)
        if put_away is not None:
            self._rechecks.add(put_away, lane, time.monotonic())
        self._retries.pop(job.id, None)
        self._plainness.pop(job.id, None)
        self._over(job, replaced or missing)

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


def _recorded(job: Job, lane: Lane) -> Place | None:
    if job.destination is None:
        return None
    folders = lane.settings.folders
    roots = [lane.inbox.intake.root, *map(os.fsencode, (folders.archive, folders.failed))]
    return Place.of(job.destination, roots)


def _folder(job: Job, lane: Lane) -> str:
    folders = lane.settings.folders
    return folders.failed if job.state is State.REJECTED else folders.archive


def _require_mounted(job: Job, lane: Lane) -> None:
    """(disk thread) Raise `OSError` while the volume on which the original is to lie is not mounted."""
    if lane.unmounted["failed" if job.state is State.REJECTED else "archive"]():
        raise OSError(errno.ENODEV, "its volume is not mounted", _folder(job, lane))
