"""Archived originals are compared again for some minutes: whoever wrote them may not have been done.

Not every writer can be seen (`intake/writers`), and one that had the file open goes on writing wherever it lies now.
What has changed goes back into the inbox, as new work; what is to be deleted is deleted at the end, and not before. All
of it is in the journal, so that a stop or a crash only prolongs it.
"""

import os
import stat
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial

from dropscribe.core.errors import UsageError
from dropscribe.core.job import Job, PutAway, Signature, printable
from dropscribe.files import originals, regular
from dropscribe.files.ledger import Ledger
from dropscribe.files.places import Place
from dropscribe.intake import writers
from dropscribe.journal.journal import Journal
from dropscribe.log import LOG
from dropscribe.service.flow import Flow, Flows, on_disk, record
from dropscribe.service.lanes import Lane, Lanes
from dropscribe.service.retry import Returned, give_back

SHARES = (0.1, 0.4, 1.0)  # of the time: when a file is looked at
LONGEST_WAIT = 60.0  # seconds between looks at one that has a writer, or cannot be seen
AT_ONCE = 500  # originals looked at in one call


class Seen(Enum):
    """What a look found."""

    SAME = auto()
    CHANGED = auto()
    LATER = auto()  # it has a writer, or cannot be looked at now
    GONE = auto()  # it is not there any more, or is another file


@dataclass
class _Watch:
    original: PutAway
    lane: Lane
    looks: list[float]  # the moments left, monotonic
    wait: float = 1.0


def put_away(job: Job, place: Place, seconds: float, *, delete: bool) -> PutAway | None:
    """(disk thread) Return what to remember of the original of *job*, now at *place*; None where there is none."""
    found = place.found()
    if found is None:
        return None
    there = Signature.of(found)
    # Of the same file what was read counts: its writer may have been quicker than this look. A copy has its own times.
    signature = job.signature if there.inode == job.signature.inode else there
    return PutAway(job.id, job.path, place.absolute, signature, time.time() + seconds, delete)


def look(original: PutAway, place: Place, asked_device: int | None) -> Seen:
    """(disk thread) Compare an original with what it was; its writer is asked for on *asked_device* only."""
    found = place.found()
    if found is None or not stat.S_ISREG(found.st_mode):
        return Seen.GONE
    try:
        with place.opened(any_owner=True) as entry, regular.opened(entry.name, entry.folder) as handle:
            return _judged(original, handle, asked_device)
    except OSError:
        return Seen.LATER


def _judged(original: PutAway, handle: int, asked_device: int | None) -> Seen:
    found = Signature.of(os.fstat(handle))
    was = original.signature
    if found.inode != was.inode and not original.delete:  # the hidden name of what is deleted later is ours
        return Seen.GONE
    if (found.size, found.mtime_ns) != (was.size, was.mtime_ns):
        return Seen.CHANGED
    return Seen.LATER if found.device == asked_device and writers.writing(handle) else Seen.SAME


class Rechecks:
    """The originals that are looked at again."""

    def __init__(
        self, journal: Journal, flows: Flows, lanes: Lanes, ledger: Ledger, now: float
    ) -> None:  # fmt: skip
        self._ledger, self._journal, self._flows, self._lanes = ledger, journal, flows, lanes
        self._watched: dict[int, _Watch] = {}
        self._under_way = False
        for original in journal.metadata.put_away():
            lane = lanes.of_number(journal.recipe_of(original.job))
            left = min(max(0.0, original.until - time.time()), lane.settings.intake.recheck_for)
            self._watched[original.job] = _Watch(original, lane, [now, now + left])

    @property
    def busy(self) -> bool:
        """Say whether originals are being looked at right now."""
        return self._under_way

    def add(self, original: PutAway, lane: Lane, now: float) -> None:
        """Look at *original*, of that *lane*, from now on; it is in the journal already."""
        seconds = lane.settings.intake.recheck_for
        self._watched[original.job] = _Watch(original, lane, [now + share * seconds for share in SHARES])

    def tick(self, now: float) -> None:
        """Look at what is due."""
        due = [watch for watch in self._watched.values() if watch.looks[0] <= now][:AT_ONCE]
        if due and not self._under_way:
            self._flows.start(self._process(due))

    def deadline(self) -> float | None:
        """Return when the next look is due."""
        return None if self._under_way else min((watch.looks[0] for watch in self._watched.values()), default=None)

    # -- one round

    def _process(self, due: Sequence[_Watch]) -> Flow[None]:
        self._under_way = True
        try:
            found = yield from on_disk(lambda: [_look(watch) for watch in due])
            now = time.monotonic()
            over: list[_Watch] = []
            for watch, seen in zip(due, found, strict=True):
                if seen is Seen.CHANGED:
                    yield from self._try_to_give_back(watch)
                elif seen is Seen.GONE or (seen is Seen.SAME and len(watch.looks) == 1):
                    over.append(watch)
                elif seen is Seen.SAME:
                    watch.looks.pop(0)
                else:
                    self._look_later(watch, now)
            yield from self._end(over)
        except (OSError, UsageError) as error:  # a volume that goes away just now, most likely
            LOG.warning("looking at originals again: %s", error)
            for watch in due:
                self._look_later(watch, time.monotonic())
        finally:
            self._under_way = False

    def _look_later(self, watch: _Watch, now: float) -> None:
        watch.looks[0] = now + watch.wait
        watch.looks[1:] = [at for at in watch.looks[1:] if at > watch.looks[0]]
        watch.wait = min(2 * watch.wait, LONGEST_WAIT)

    def _end(self, over: Collection[_Watch]) -> Flow[None]:
        """Delete what is to be deleted, and look at none of these again."""
        gone: list[int] = []
        for watch in over:
            if not watch.original.delete or (yield from on_disk(partial(_delete, watch))):
                gone.append(watch.original.job)
        yield from self._forget(gone)

    def _try_to_give_back(self, watch: _Watch) -> Flow[None]:
        """Give one back; where its inbox is unavailable, later, and no other waits for it."""
        try:
            yield from self._give_back(watch)
        except (OSError, UsageError) as error:
            LOG.warning("%s: changed after it was read: %s", printable(watch.original.path), error)
            self._look_later(watch, time.monotonic())

    def _give_back(self, watch: _Watch) -> Flow[None]:
        """Move an original that has changed back into the inbox, where it is new work."""
        original, lane = watch.original, watch.lane
        place, made = _place_of(original, lane)[1], self._journal.metadata.folders_made()
        inbox = lane.settings.folders.inbox

        def move() -> Returned:
            return give_back(os.fsdecode(place.root), inbox, place.path, original.path, made, self._ledger)

        back = yield from on_disk(move)
        LOG.warning("%s: changed after it was read; it is read again", printable(original.path))
        if back.folders:
            yield from record(lambda: self._journal.metadata.made(back.folders))
        yield from self._forget([original.job])
        if back.place is not None:
            self._lanes.look_at(lane.origin.inbox, back.place)

    def _forget(self, jobs: Sequence[int]) -> Flow[None]:
        if jobs:
            yield from record(lambda: self._journal.metadata.forget_put_away(jobs))
        for job in jobs:
            self._watched.pop(job, None)


def _look(watch: _Watch) -> Seen:
    """(disk thread) Look at one; what lies on an unavailable volume is looked at later."""
    name, place = _place_of(watch.original, watch.lane)
    seen = look(watch.original, place, watch.lane.inbox.asked_device)
    return Seen.LATER if seen is Seen.GONE and watch.lane.unmounted[name]() else seen


def _delete(watch: _Watch) -> bool:
    """(disk thread) Delete an original, unless somebody has just written to it; return whether it is gone."""
    if _look(watch) not in (Seen.SAME, Seen.GONE):
        return False
    originals.delete(_place_of(watch.original, watch.lane)[1])
    return True


def _place_of(original: PutAway, lane: Lane) -> tuple[str, Place]:
    """Return in which of the lane's folders an original lies (after a change of them, in none), and where."""
    roots = {name: os.fsencode(getattr(lane.settings.folders, name)) for name in ("inbox", "archive", "failed")}
    place = Place.of(original.place, list(roots.values()))
    return next((name for name, root in roots.items() if root == place.root), "inbox"), place
