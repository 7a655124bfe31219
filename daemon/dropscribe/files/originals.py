"""What becomes of the original once its text is safe, or once it has failed: moved, never lost, never overwritten.

The destination is chosen here and recorded by the caller before anything moves; `move` may then be repeated after
a crash at any point. Runs on the disk thread.
"""

import errno
import os
import stat
from collections.abc import Collection
from enum import StrEnum

from dropscribe.core.errors import REMEDIES, Reason
from dropscribe.core.job import Job, Signature, printable
from dropscribe.files import durable, native
from dropscribe.files.naming import free_folder, numbered, shortened

NOTE = b".error.txt"
LONGEST_ENDING = 20  # bytes


class MoveResult(StrEnum):
    """How moving an original ended."""

    MOVED = "moved"
    CHANGED = "changed"  # there is new content under the name, which stays
    MISSING = "missing"  # it is nowhere
    TAKEN = "taken"  # another file has the destination: choose another name


class LockedError(PermissionError):
    """The original is locked: no Mac moves or removes it until a person unlocks it, however often it is tried."""

    def __init__(self, path: bytes) -> None:
        super().__init__(
            errno.EPERM, "it is locked; untick Locked in the Finder's Get Info, or run: chflags nouchg", printable(path)
        )


def destination(folder: str, path: bytes, *, with_note: bool) -> bytes:
    """Return a free place for the file *path* (below the inbox) in *folder*; with_note: its note's name is free too."""
    root = os.fsencode(folder)
    base = os.path.join(root, free_folder(root, os.path.dirname(path)))
    stem, ending = split(os.path.basename(path))
    room = len(ending) + (len(NOTE) if with_note else 0) + 10
    for name in numbered(shortened(stem, room)):
        place = os.path.join(base, name + ending)
        if not os.path.lexists(place) and not (with_note and os.path.lexists(place + NOTE)):
            return place
    raise AssertionError("numbers do not end")


def split(name: bytes) -> tuple[bytes, bytes]:
    """Return stem and ending of a name; what is too long for an ending belongs to the stem."""
    stem, ending = os.path.splitext(name)
    return (stem, ending) if len(ending) <= LONGEST_ENDING else (name, b"")


def hidden_beside(root: bytes, job: Job) -> bytes:
    """Return the name under which an original waits, beside itself, for being deleted."""
    folder = os.path.join(root, os.path.dirname(job.path))
    names = (os.path.join(folder, name) for name in numbered(b".dropscribe-deleted-%d" % job.id))
    return next(name for name in names if not os.path.lexists(name))


def move(source: bytes, signature: Signature, target: bytes) -> MoveResult:
    """Move the original from *source* to *target*, whatever of that has happened before; folders must exist.

    Renames on the same volume, else copies, syncs and only then unlinks. Raises `OSError` when it cannot be done now,
    `LockedError` when it cannot be done at all as the file is.
    """
    here, there = _lstat(source), _lstat(target)
    if here is None:
        return MoveResult.MOVED if there is not None else MoveResult.MISSING
    if not Signature.of(here).same_file(signature):
        return (
            MoveResult.MOVED if there is not None and Signature.of(there).same_file(signature) else MoveResult.CHANGED
        )
    if native.is_locked(here):
        raise LockedError(source)
    if there is not None:
        return _settle_both(source, here, target, there)
    try:
        durable.rename(source, target)
    except FileExistsError:
        return MoveResult.TAKEN
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        return _across(source, signature, target)
    return _verified(source, signature, target)


def _settle_both(source: bytes, here: os.stat_result, target: bytes, there: os.stat_result) -> MoveResult:
    """Both places are taken: a copy whose source was not unlinked yet, or a stranger."""
    if not stat.S_ISREG(there.st_mode) or here.st_size != there.st_size:
        return MoveResult.TAKEN
    linked = (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)
    if not linked and not durable.same_bytes(source, target):
        return MoveResult.TAKEN
    os.unlink(source)
    durable.sync_folder(os.path.dirname(source))
    return MoveResult.MOVED


def _verified(source: bytes, signature: Signature, target: bytes) -> MoveResult:
    """Look at what was really moved: a writer may have been quicker than the look before."""
    if Signature.of(os.lstat(target)).same_file(signature):
        durable.sync_folder(os.path.dirname(target))
        durable.sync_folder(os.path.dirname(source))
        return MoveResult.MOVED
    durable.rename(target, source)
    return MoveResult.CHANGED


def _across(source: bytes, signature: Signature, target: bytes) -> MoveResult:
    try:
        durable.copy(source, target)
    except FileExistsError:
        return MoveResult.TAKEN
    after = _lstat(source)
    if after is None or not Signature.of(after).same_file(signature):
        os.unlink(target)
        return MoveResult.CHANGED
    os.unlink(source)
    durable.sync_folder(os.path.dirname(source))
    return MoveResult.MOVED


def delete(hidden: bytes) -> None:
    """Remove an original that has been moved out of sight; a missing one is as good."""
    try:
        os.unlink(hidden)
    except FileNotFoundError:
        pass


def write_note(place: bytes, job: Job, reason: Reason, detail: str) -> None:
    """Write NAME.error.txt beside a failed original: a sentence, the reason, what to try."""
    text = f"{detail}\nreason: {reason}\ntry: {REMEDIES[reason]}\nfile: {printable(job.path)}\n"
    durable.write(place + NOTE, text.encode("utf-8", "backslashreplace"))


def is_note(place: bytes) -> bool:
    """Say whether the file at *place* is a note that we wrote."""
    with open(place, "rb") as file:
        return b"\nreason: " in file.read(20_000)


def tidy(folder: bytes, root: bytes, made: Collection[bytes]) -> None:
    """Remove *folder* and its parents below *root* as long as they are empty and the daemon made them (*made*)."""
    while folder.startswith(root + b"/") and folder in made:
        try:
            os.rmdir(folder)
        except OSError:
            return
        folder = os.path.dirname(folder)


def _lstat(path: bytes) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
