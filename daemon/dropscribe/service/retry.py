"""Giving failed files another chance: back from failed/ into the inbox, where they are new work.

`candidates` and `give_back` only touch folders; `retry` joins them with the journal where no daemon runs, `Retries`
does the same beside a running one, file by file on the disk thread.
"""

import itertools
import os
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from dropscribe.control.server import Request
from dropscribe.core.errors import DropscribeError, UsageError
from dropscribe.core.job import Signature, Unmounted, printable
from dropscribe.files import durable, originals
from dropscribe.files.naming import numbered, shortened
from dropscribe.journal.journal import Journal
from dropscribe.log import LOG

if TYPE_CHECKING:
    from dropscribe.service.app import Service


@dataclass(frozen=True)
class Returned:
    """Where a file came back to, below the inbox (None: only its note was left), and the folders made for it."""

    place: bytes | None
    folders: list[bytes]


def candidates(failed: str, inbox: str, names: Collection[bytes], away: Unmounted) -> list[bytes]:
    """Return the paths, below *failed*, of the named files (of all, without names); raise `UsageError`."""
    _require(inbox, away)
    return [path for path in _failed(os.fsencode(failed)) if not names or {path, os.path.basename(path)} & {*names}]


def _require(inbox: str, away: Unmounted) -> None:
    if away() or not os.path.isdir(inbox):
        raise UsageError("retry", f"the inbox {inbox} is not there", "bring it back (is a share unmounted?)")


def give_back(
    failed: str, inbox: str, path: bytes, wanted: bytes, made: Collection[bytes], away: Unmounted = lambda: False
) -> Returned:
    """Move *path*, below *failed*, back into *inbox* as *wanted* or under a free name; tidy up what we *made*.

    The move comes first and the note goes last: a crash in between leaves the file in one of the two places. Raises
    `UsageError` when the inbox has gone, `OSError` for a file that cannot be moved.
    """
    _require(inbox, away)
    root, target = os.fsencode(failed), os.fsencode(inbox)
    source, place, folders = os.path.join(root, path), None, []
    if os.path.lexists(source):
        folders = durable.make_folder(os.path.dirname(os.path.join(target, wanted)))
        place = _move_to_free(source, target, wanted)
        LOG.info("%s: back in the inbox for another try", printable(place))
    try:
        os.unlink(source + originals.NOTE)
    except FileNotFoundError:
        pass
    originals.tidy(os.path.dirname(source), root, made)
    return Returned(place, folders)


def unmatched(names: Collection[bytes], paths: Collection[bytes]) -> list[bytes]:
    """Return those *names* that mean none of *paths*."""
    known = {*paths, *map(os.path.basename, paths)}
    return [name for name in names if name not in known]


def retry(failed: str, inbox: str, paths: Collection[bytes], journal: Journal) -> tuple[list[bytes], list[str]]:
    """Move *paths* (see `candidates`) from *failed* to *inbox*; return where they are there, and what went wrong."""
    moved: list[bytes] = []
    faults: list[str] = []
    made = journal.metadata.folders_made()
    for path in paths:
        wanted = journal.path_of(os.path.join(os.fsencode(failed), path)) or path
        try:
            back = give_back(failed, inbox, path, wanted, made)
        except OSError as error:
            faults.append(_fault(path, error))
            continue
        journal.metadata.made(back.folders)
        moved += [back.place] if back.place is not None else []
    return moved, faults


def _fault(path: bytes, error: Exception) -> str:
    return f"{printable(path)} stays in the failed folder ({error})"


@dataclass
class _Retry:
    """One `retry` under way."""

    request: Request
    names: Sequence[bytes]
    missing: list[bytes] = field(default_factory=list)
    left: list[bytes] = field(default_factory=list)
    made: set[bytes] = field(default_factory=set)
    moved: list[bytes] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)  # of single files


class Retries:
    """Gives failed files back beside the running daemon, and answers whoever asked when all are."""

    def __init__(self, service: "Service") -> None:
        self._service = service
        self._open: list[_Retry] = []

    @property
    def under_way(self) -> bool:
        """Say whether a file is being moved."""
        return bool(self._open)

    def begin(self, request: Request, names: Sequence[bytes]) -> None:
        """Look which files are meant, then move one after the other."""
        folders, one = self._service.settings.folders, _Retry(request, names)
        self._open.append(one)
        look = partial(candidates, folders.failed, folders.inbox, names, self._away)
        self._service.disk.ask(look, partial(self._found, one), partial(self._broke, one))

    def _found(self, one: _Retry, paths: list[bytes]) -> None:
        one.missing, one.left = unmatched(one.names, paths), paths[::-1]
        one.made = self._service.journal.metadata.folders_made()
        self._next(one)

    def _away(self) -> bool:
        """(disk thread) Say whether the inbox is away."""
        return self._service.inbox.identity() is None

    def _next(self, one: _Retry) -> None:
        if one.left and self._service.stopping:
            self._end(one, error=f"the daemon is stopping; {len(one.left)} files are still in the failed folder")
            return
        if not one.left:
            self._end(one)
            return
        path, folders = one.left.pop(), self._service.settings.folders
        wanted = self._service.journal.path_of(os.path.join(os.fsencode(folders.failed), path)) or path
        move = partial(give_back, folders.failed, folders.inbox, path, wanted, one.made, self._away)
        self._service.disk.ask(move, partial(self._moved, one), partial(self._stays, one, path))

    def _moved(self, one: _Retry, back: Returned) -> None:
        if back.folders:
            note = partial(self._service.journal.metadata.made, back.folders)
            self._service.backoff.record(note, time.monotonic())
        if back.place is not None:
            one.moved.append(back.place)
            self._service.inbox.offer(back.place)
        self._next(one)

    def _stays(self, one: _Retry, path: bytes, error: Exception) -> None:
        if isinstance(error, DropscribeError):
            self._broke(one, error)
            return
        one.faults.append(_fault(path, error))
        self._next(one)

    def _broke(self, one: _Retry, error: Exception) -> None:
        remedy = error.remedy if isinstance(error, DropscribeError) else "look at: dropscribe doctor"
        self._end(one, error=error.what if isinstance(error, DropscribeError) else str(error), remedy=remedy)

    def _end(self, one: _Retry, **fault: str) -> None:
        self._open.remove(one)
        moved, missing = ([os.fsdecode(path) for path in paths] for paths in (one.moved, one.missing))
        one.request.reply(ok=not fault, moved=moved, missing=missing, faults=one.faults, **fault)


def _failed(root: bytes) -> Iterator[bytes]:
    """Yield the paths of files in failed/ that have a note beside them, or a note of ours that has lost its file."""
    for folder, _, files in os.walk(root):
        for name in sorted(files):
            place = os.path.join(folder, name)
            of = place.removesuffix(originals.NOTE)
            if os.path.lexists(place + originals.NOTE):
                yield os.path.relpath(place, root)
            elif of != place and not os.path.lexists(of) and originals.is_note(place):
                yield os.path.relpath(of, root)


def _move_to_free(source: bytes, inbox: bytes, wanted: bytes) -> bytes:
    folder, base = os.path.split(wanted)
    stem, ending = originals.split(base)
    # The name as it was needs no room for a number.
    for number in itertools.chain([stem], itertools.islice(numbered(shortened(stem, len(ending) + 10)), 1, None)):
        name = os.path.join(folder, number)
        try:
            _move(source, os.path.join(inbox, name + ending))
            return name + ending
        except FileExistsError:
            continue
    raise AssertionError("numbers do not end")


def _move(source: bytes, target: bytes) -> None:
    if os.path.lexists(target):
        raise FileExistsError(target)
    ended = originals.move(source, Signature.of(os.lstat(source)), target)
    if ended is originals.MoveResult.TAKEN:
        raise FileExistsError(target)
