"""What becomes of the original once its text is safe, or once it has failed: moved, never lost, never overwritten.

The destination is chosen here and recorded by the caller before anything moves; `move` may then be repeated after
a crash at any point. Everything happens on open folders (`places`), on the disk thread.
"""

import errno
import os
import re
import stat
from collections.abc import Collection
from contextlib import ExitStack, suppress
from enum import StrEnum

from dropscribe.core.job import Job, Signature, printable
from dropscribe.files import durable, native, places, regular
from dropscribe.files.ledger import Ledger
from dropscribe.files.naming import hidden_name, numbered, shortened, spellings
from dropscribe.files.notes import NOTE
from dropscribe.files.places import Entry, Place

LONGEST_ENDING = 20  # bytes
_PLAIN_ENDING = re.compile(rb"\.[A-Za-z0-9]+")


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


def destination(root: bytes, path: bytes, *, with_note: bool, plainness: int = 0) -> Place:
    """Return a free place for the file *path* (below the inbox) below *root*; with_note: its note's name is free too.

    With *plainness* that many spellings of the name have been refused there (see `most_plain`).
    """
    wishes = _wishes(path)
    wish = wishes[min(plainness, len(wishes) - 1)]
    base = places.usable(root, os.path.dirname(wish))
    stem, ending = split(os.path.basename(wish))
    room = len(ending) + (len(NOTE) if with_note else 0) + 10
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(places.opened(root, base))
        except FileNotFoundError:
            folder = stack.enter_context(places.opened(root))  # it will be made, and be like the root
            return Place(root, os.path.join(base, shortened(stem, room, places.longest_name(folder)) + ending))
        for name in numbered(shortened(stem, room, places.longest_name(folder))):
            free = Entry(folder, name + ending).found() is None
            if free and not (with_note and Entry(folder, name + ending + NOTE).found() is not None):
                return Place(root, os.path.join(base, name + ending))
    raise AssertionError("numbers do not end")


def _wishes(path: bytes) -> list[bytes]:
    stem, ending = split(path)
    plain = ending if _PLAIN_ENDING.fullmatch(ending) else b""
    first, *others = spellings(stem)
    return [first + ending, *(other + plain for other in others)]


def most_plain(path: bytes) -> int:
    """Return how many plainer spellings `destination` knows for *path* beside the first."""
    return len(_wishes(path)) - 1


def split(name: bytes) -> tuple[bytes, bytes]:
    """Return stem and ending of a name; what is too long for an ending belongs to the stem."""
    stem, ending = os.path.splitext(name)
    return (stem, ending) if len(ending) <= LONGEST_ENDING else (name, b"")


def hidden_beside(root: bytes, job: Job) -> Place:
    """Return a place, beside the original, in which it waits for being deleted: nobody can foresee its name."""
    return Place(root, os.path.join(os.path.dirname(job.path), hidden_name()))


def left_beside(root: bytes, job: Job) -> Place:
    """Return the place, beside the original, in which it is left for a while after it was copied to another volume.

    The same after a crash; where a stranger has taken it, nothing is left.
    """
    return Place(root, os.path.join(os.path.dirname(job.path), b".dropscribe-left-%d" % job.id))


def was_left(place: Place, signature: Signature) -> bool:
    """Say whether an original lies at *place*, as `left_beside` gave it, and not a stranger's file."""
    found = place.found()
    same = found is not None and (found.st_size, found.st_mtime_ns) == (signature.size, signature.mtime_ns)
    return found is not None and stat.S_ISREG(found.st_mode) and (same or found.st_ino == signature.inode)


def move(
    source: Place, signature: Signature, target: Place, ledger: Ledger, *, any_owner: bool = False,
    left: Place | None = None,
) -> MoveResult:  # fmt: skip
    """Move the original from *source* to *target*, whatever of that has happened before; folders must exist.

    Renames on the same volume, else copies, syncs and only then unlinks; or, with *left*, gives the source that name
    beside itself. With *any_owner* it goes into an inbox, whoever its sub-folders belong to. Raises `OSError` when it
    cannot be done now, `LockedError` when it cannot be done at all as the file is.
    """
    with target.opened(any_owner=any_owner or source.root == target.root) as new:
        return move_to(new, source, signature, target, ledger, left)


def move_to(
    new: Entry, source: Place, signature: Signature, target: Place, ledger: Ledger, left: Place | None = None
) -> MoveResult:
    """Move the original to *target*, whose folder is open already (*new*); see `move`."""
    with ExitStack() as stack:
        try:
            old = stack.enter_context(source.opened(any_owner=True))
        except (FileNotFoundError, places.UnusableLevel):
            return MoveResult.MOVED if new.found() is not None else MoveResult.MISSING
        hidden = None if left is None else left.name
        return _move(old, signature, new, source, target, ledger, hidden)


def _move(
    old: Entry, signature: Signature, new: Entry, source: Place, target: Place, ledger: Ledger, hidden: bytes | None
) -> MoveResult:  # fmt: skip
    here, there = old.found(), new.found()
    if here is None:
        return MoveResult.MOVED if there is not None else MoveResult.MISSING
    if not _is(here, signature):
        return MoveResult.MOVED if _is(there, signature) else MoveResult.CHANGED
    if native.is_locked(here):
        raise LockedError(source.absolute)
    if there is not None:
        return _settle_both(old, here, new, there, hidden)
    try:
        durable.rename(old.name, new.name, src_dir_fd=old.folder, dst_dir_fd=new.folder)
    except FileExistsError:
        return MoveResult.TAKEN
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise OSError(error.errno, error.strerror, printable(target.absolute)) from None
        return _across(old, signature, new, target, ledger, hidden)
    return _verified(old, signature, new)


def _is(found: os.stat_result | None, signature: Signature) -> bool:
    return found is not None and stat.S_ISREG(found.st_mode) and Signature.of(found).same_file(signature)


def _settle_both(
    old: Entry, here: os.stat_result, new: Entry, there: os.stat_result, hidden: bytes | None
) -> MoveResult:
    """Both places are taken: a copy whose source was not unlinked yet, or a stranger."""
    if not stat.S_ISREG(there.st_mode) or here.st_size != there.st_size:
        return MoveResult.TAKEN
    linked = (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)
    if not linked and not _same_bytes(old, new):
        return MoveResult.TAKEN
    _let_go(old, None if linked else hidden)
    return MoveResult.MOVED


def _let_go(old: Entry, hidden: bytes | None) -> None:
    """Take the name from an original that lies elsewhere now too; with *hidden* give it that one, if it is free."""
    try:
        if hidden is not None:
            durable.rename(old.name, hidden, src_dir_fd=old.folder, dst_dir_fd=old.folder)
    except FileExistsError:
        hidden = None
    if hidden is None:
        old.unlink()
    durable.sync_folder(old.folder)


def _same_bytes(old: Entry, new: Entry) -> bool:
    with regular.opened(old.name, old.folder) as one:
        try:
            with regular.opened(new.name, new.folder) as other:
                return durable.same_bytes(one, other)
        except OSError:
            return False  # exchanged meanwhile, or closed to us: a stranger's


def _verified(old: Entry, signature: Signature, new: Entry) -> MoveResult:
    """Look at what was really moved: a writer may have been quicker than the look before."""
    if _is(new.found(), signature):
        durable.sync_folder(new.folder)
        durable.sync_folder(old.folder)
        return MoveResult.MOVED
    durable.rename(new.name, old.name, src_dir_fd=new.folder, dst_dir_fd=old.folder)
    return MoveResult.CHANGED


def _across(
    old: Entry, signature: Signature, new: Entry, target: Place, ledger: Ledger, hidden: bytes | None
) -> MoveResult:
    """Copy what is behind one descriptor to another volume, with all that belongs to it, and only then unlink it."""
    with ExitStack() as stack:
        data = stack.enter_context(regular.opened(old.name, old.folder))
        staged = stack.enter_context(ledger.temporary(target.root, target.below, new.folder))
        durable.copy(data, staged.name, staged.folder)
        if not _is(os.fstat(data), signature) or not _is(old.found(), signature):
            return MoveResult.CHANGED
        try:
            durable.rename(staged.name, new.name, src_dir_fd=staged.folder, dst_dir_fd=new.folder)
        except FileExistsError:
            return MoveResult.TAKEN
        durable.sync_folder(new.folder)
        if not _is(os.fstat(data), signature) or not _is(old.found(), signature):
            new.unlink()
            return MoveResult.CHANGED
    _let_go(old, hidden)
    return MoveResult.MOVED


def delete(hidden: Place) -> None:
    """Remove an original that has been moved out of sight; a missing one is as good."""
    with suppress(FileNotFoundError), hidden.opened(any_owner=True) as entry:
        entry.unlink()


def tidy(root: bytes, below: bytes, made: Collection[bytes]) -> None:
    """Remove the folder *below* *root* and its parents as long as they are empty and the daemon made them (*made*)."""
    while below and os.path.join(root, below) in made:
        try:
            with Place(root, below).opened() as level:
                os.rmdir(level.name, dir_fd=level.folder)
        except OSError:
            return
        below = os.path.dirname(below)
