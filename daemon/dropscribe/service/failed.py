"""Giving failed files another chance: back from failed/ into the inbox, where they are new work."""

import itertools
import os
from collections.abc import Iterator, Sequence

from dropscribe import durable, originals
from dropscribe.errors import UsageError
from dropscribe.job import Signature
from dropscribe.journal import Journal
from dropscribe.log import LOG
from dropscribe.outbox import numbered, shortened


def retry(failed: str, inbox: str, names: Sequence[bytes], journal: Journal) -> list[bytes]:
    """Move the named files (all, without names) from *failed* to *inbox*; return their paths there.

    The move comes first and the note goes last: a crash in between leaves the file in one of the two places.
    """
    root, target = os.fsencode(failed), os.fsencode(inbox)
    if not os.path.isdir(target):
        raise UsageError("retry", f"the inbox {inbox} is not there", "bring it back (is a share unmounted?)")
    moved = []
    for path in list(_failed(root)):
        if names and path not in names and os.path.basename(path) not in names:
            continue
        place = _back(root, path, target, journal)
        if place is not None:
            moved.append(place)
        originals.tidy(os.path.dirname(os.path.join(root, path)), root, journal.facts.folders_made())
    return moved


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


def _back(root: bytes, path: bytes, inbox: bytes, journal: Journal) -> bytes | None:
    """Move one file back, under the name it had in the inbox or a free one, and remove its note."""
    source, note = os.path.join(root, path), os.path.join(root, path) + originals.NOTE
    place = None
    if os.path.lexists(source):
        wanted = journal.path_of(source) or path
        made = durable.make_folder(os.path.dirname(os.path.join(inbox, wanted)))
        if made:
            journal.facts.made(made)
        place = _move_to_free(source, inbox, wanted)
        LOG.info("%s: back in the inbox for another try", os.fsdecode(place))
    try:
        os.unlink(note)
    except FileNotFoundError:
        pass
    return place


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
    ended = originals.put_away(source, Signature.of(os.lstat(source)), target)
    if ended is originals.Away.TAKEN:
        raise FileExistsError(target)
