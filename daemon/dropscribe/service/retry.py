"""Giving failed files another chance: back from failed/ into the inbox, where they are new work.

`candidates` and `give_back` only touch folders; `retry` joins them with the journal where no daemon runs, `Retries`
does the same beside a running one, file by file on the disk thread.
"""

import contextlib
import itertools
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from dropscribe.config import Settings, recipes
from dropscribe.core.errors import DropscribeError, UsageError
from dropscribe.core.job import Signature, Unmounted, printable
from dropscribe.core.protocol import RetryAnswer
from dropscribe.files import durable, notes, originals, places
from dropscribe.files.ledger import Ledger
from dropscribe.files.naming import numbered, shortened
from dropscribe.files.places import Entry, Place
from dropscribe.journal.journal import Journal
from dropscribe.log import LOG
from dropscribe.service.flow import Flow, Flows, on_disk, record
from dropscribe.service.lanes import Lanes


@dataclass(frozen=True)
class Returned:
    """Where a file came back to, below the inbox (None: only its note was left), and the folders made for it."""

    place: bytes | None
    folders: list[bytes]


def candidates(failed: str, names: Collection[bytes]) -> list[bytes]:
    """Return the paths, below *failed*, of the named files (of all, without names)."""
    return [path for path in _failed(os.fsencode(failed)) if not names or {path, os.path.basename(path)} & {*names}]


def _require(inbox: str, away: Unmounted) -> None:
    if away() or not os.path.isdir(inbox):
        raise UsageError("retry", f"the inbox {inbox} is not there", "bring it back (is a share unmounted?)")


def give_back(
    failed: str, inbox: str, path: bytes, wanted: bytes, made: Collection[bytes], ledger: Ledger,
    away: Unmounted = lambda: False,
) -> Returned:  # fmt: skip
    """Move *path*, below *failed*, back into *inbox* as *wanted* or under a free name; tidy up what we *made*.

    The move comes first and the note goes last: a crash in between leaves the file in one of the two places. Raises
    `UsageError` when the inbox has gone, `OSError` for a file that cannot be moved.
    """
    _require(inbox, away)
    source = Place(os.fsencode(failed), path)
    place, folders, found = None, [], source.found()
    if found is not None:
        target = os.fsencode(inbox)
        folders = places.make(target, os.path.dirname(wanted), any_owner=True)
        place = _move_to_free(source, Signature.of(found), target, wanted, ledger)
        LOG.info("%s: back in the inbox for another try", printable(place))
    _remove_note(source)
    originals.tidy(source.root, source.below, made)
    return Returned(place, folders)


def _remove_note(source: Place) -> None:
    """Remove the note of a file that has left, or whatever has its name by now; only a folder stays."""
    with contextlib.suppress(FileNotFoundError, IsADirectoryError, PermissionError), source.opened() as entry:
        Entry(entry.folder, entry.name + notes.NOTE).unlink()


def unmatched(names: Collection[bytes], paths: Collection[bytes]) -> list[bytes]:
    """Return those *names* that mean none of *paths*."""
    known = {*paths, *map(os.path.basename, paths)}
    return [name for name in names if name not in known]


@dataclass(frozen=True)
class Failed:
    """A failed file: the folder it lies in, its path there, and the inbox and path that it came from."""

    folder: str
    path: bytes
    inbox: str
    wanted: bytes

    @property
    def place(self) -> bytes:
        """Where it lies."""
        return os.path.join(os.fsencode(self.folder), self.path)


def found(
    settings: Settings, journal: Journal, listed: Mapping[str, Collection[bytes]], away: Callable[[str], bool]
) -> list[Failed]:
    """Return where the files that are *listed* by their failed folder came from; raise `UsageError`.

    Each goes back there; one of which nothing is remembered, to the inbox of the first recipe that has this folder.
    *away* says of an inbox whether its volume is not mounted.
    """
    own = {b"": settings.folders.inbox}
    firsts: dict[str, str] = {}
    for recipe in (recipes.base(settings), *recipes.named(settings).values()):
        own[recipe.inbox] = recipe.settings.folders.inbox
        firsts.setdefault(recipe.settings.folders.failed, recipe.settings.folders.inbox)
    told = []
    for folder, first in firsts.items():
        for path in listed.get(folder, ()):
            job = journal.came_from(os.path.join(os.fsencode(folder), path))
            inbox = own.get(job.inbox, first) if job is not None else first
            told.append(Failed(folder, path, inbox, job.path if job is not None else path))
    if told and all(away(each.inbox) or not os.path.isdir(each.inbox) for each in told):
        _require(told[0].inbox, partial(away, told[0].inbox))  # before the first start there is no failed file either
    return told


def failed_folders(settings: Settings) -> list[str]:
    """Return the failed folders of all recipes."""
    all_recipes = (recipes.base(settings), *recipes.named(settings).values())
    return list(dict.fromkeys(recipe.settings.folders.failed for recipe in all_recipes))


def retry(files: Collection[Failed], journal: Journal, ledger: Ledger) -> tuple[list[bytes], list[str]]:
    """Move *files* back; return where they are in their inboxes, and what went wrong."""
    moved: list[bytes] = []
    faults: list[str] = []
    made = journal.metadata.folders_made()
    for file in files:
        path = file.path
        try:
            back = give_back(file.folder, file.inbox, path, file.wanted, made, ledger)
        except (OSError, UsageError) as error:
            faults.append(_fault(path, error))
            continue
        _note(journal, file.place, back)
        moved += [back.place] if back.place is not None else []
    return moved, faults


def _note(journal: Journal, place: bytes, back: Returned) -> None:
    """Remember that the file at *place* is not failed any more, and the folders made for it."""
    journal.retried(place)
    if back.folders:
        journal.metadata.made(back.folders)


def _fault(path: bytes, error: Exception) -> str:
    what = durable.described(error) if isinstance(error, OSError) else getattr(error, "what", error)
    return f"{printable(path)} stays in the failed folder ({what})"


class Retries:
    """Gives failed files back beside the running daemon, one after the other, and answers when all are."""

    def __init__(
        self, settings: Callable[[], Settings], journal: Journal, flows: Flows, lanes: Lanes, ledger: Ledger
    ) -> None:
        self._settings, self._journal, self._flows, self._lanes = settings, journal, flows, lanes
        self._ledger = ledger
        self._under_way = 0
        self.stopping = False

    @property
    def under_way(self) -> bool:
        """Say whether a file is being moved."""
        return self._under_way > 0

    def begin(self, names: Sequence[bytes], answer: Callable[[RetryAnswer], None]) -> None:
        """Move the named files (all, without names), then give the *answer*."""
        self._flows.start(self._process(names, answer))

    def _process(self, names: Sequence[bytes], answer: Callable[[RetryAnswer], None]) -> Flow[None]:
        settings, told = self._settings(), RetryAnswer()
        self._under_way += 1
        try:
            folders = failed_folders(settings)
            listed = yield from on_disk(lambda: {folder: candidates(folder, names) for folder in folders})
            gone = yield from on_disk(self._inboxes_away)
            files = found(settings, self._journal, listed, gone.__contains__)
            told.missing = [os.fsdecode(name) for name in unmatched(names, [file.path for file in files])]
            made = self._journal.metadata.folders_made()
            for number, file in enumerate(files):
                if self.stopping:
                    left = len(files) - number
                    told.fail(f"the daemon is stopping; {left} files are still in the failed folder")
                    break
                yield from self._give_back(file, made, told)
        except DropscribeError as error:
            told.fail(error.what, error.remedy)
        except OSError as error:
            told.fail(durable.described(error), "look at: dropscribe doctor")
        finally:
            self._under_way -= 1
        answer(told)

    def _give_back(self, file: Failed, made: Collection[bytes], told: RetryAnswer) -> Flow[None]:
        """Move one file; a fault of that file is told and keeps no other from moving."""
        away = partial(self._unmounted, file.inbox)
        try:
            back = yield from on_disk(
                lambda: give_back(file.folder, file.inbox, file.path, file.wanted, made, self._ledger, away)
            )
        except (OSError, UsageError) as error:
            told.faults.append(_fault(file.path, error))
            return
        yield from record(lambda: _note(self._journal, file.place, back))
        if back.place is not None:
            told.moved.append(os.fsdecode(back.place))
            for lane in self._lanes.watched:
                if lane.settings.folders.inbox == file.inbox:
                    lane.inbox.offer(back.place)

    def _inboxes_away(self) -> set[str]:
        """(disk thread) Return the inboxes that cannot be seen."""
        return {lane.settings.folders.inbox for lane in self._lanes.watched if lane.inbox.identity() is None}

    def _unmounted(self, inbox: str) -> bool:
        """(disk thread) Say whether an inbox cannot be seen."""
        return inbox in self._inboxes_away()


def _failed(root: bytes) -> Iterator[bytes]:
    """Yield the paths of files in failed/ that have a note beside them, or a note of ours that has lost its file."""
    if not os.path.isdir(root):
        return  # before the first start
    for folder, _, files, handle in os.fwalk(root):  # on descriptors; links are not followed
        below = os.path.relpath(folder, root)
        for name in sorted(files):
            of = name.removesuffix(notes.NOTE)
            if Entry(handle, name + notes.NOTE).found() is not None:
                yield os.path.normpath(os.path.join(below, name))
            elif of != name and Entry(handle, of).found() is None and notes.is_note(Entry(handle, name)):
                yield os.path.normpath(os.path.join(below, of))


def _move_to_free(source: Place, signature: Signature, inbox: bytes, wanted: bytes, ledger: Ledger) -> bytes:
    folder, base = os.path.split(wanted)
    stem, ending = originals.split(base)
    # The name as it was needs no room for a number.
    for number in itertools.chain([stem], itertools.islice(numbered(shortened(stem, len(ending) + 10)), 1, None)):
        place = Place(inbox, os.path.join(folder, number + ending))
        if place.found() is not None:
            continue
        ended = originals.move(source, signature, place, ledger, any_owner=True)
        if ended is not originals.MoveResult.TAKEN:
            return place.path
    raise AssertionError("numbers do not end")
