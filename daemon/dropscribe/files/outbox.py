"""The folder of results: reserves names, publishes staged files whole, and never over somebody else's.

Staged files lie in a hidden folder of the outbox, so that publishing is a rename. Before the first rename a manifest
is made durable there: after a crash, a file that is missing from the staging folder has been published, and the rest
follows. Which names are reserved by jobs is the journal's knowledge and comes in as an argument.
"""

import errno
import json
import os
import shutil
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.core.job import Job, Signature, Unmounted
from dropscribe.files import durable
from dropscribe.files.naming import Names, fold, free_folder, numbered, shortened

Published = tuple[tuple[bytes, ...], tuple[int, ...]]  # names below the outbox and their mtime_ns

STAGING = ".dropscribe"
LEAST_ROOM = 2**16  # bytes that must be free before a file is read at all


class Taken(Exception):
    """A reserved name was taken by a stranger meanwhile; nothing of this job is published."""


class Changed(Exception):
    """The original is not what was claimed any more; nothing of this job is published."""


@dataclass(frozen=True)
class Manifest:
    """What is to be published for one job: suffixes of staged files with their inodes, and what they were read from."""

    job: int
    path: str  # below the inbox, surrogate-escaped
    signature: dict[str, int]
    stem: str
    files: dict[str, int]
    seconds: float
    review: bool = False
    note: str = ""


def staging_folder(outbox: str, job: int, claim: int) -> str:
    """Return where the worker stages the files of one claim."""
    return os.path.join(outbox, STAGING, f"{job}-{claim}")


class Outbox:
    """The outbox at *root*; its methods run on the disk thread, one at a time."""

    def __init__(self, root: str, unmounted: Unmounted = lambda: False) -> None:
        self.root = os.fsencode(root)
        self._unmounted = unmounted
        self._names = Names()
        self._refused: set[str] = set()  # stems that a stranger's file kept us from: not reserved again

    def check(self) -> None:
        """Raise an environment fault when the outbox is not there or not writable."""
        try:
            room = os.statvfs(self.root)
            if not os.path.isdir(self.root) or not os.access(self.root, os.W_OK | os.X_OK):
                raise NotADirectoryError
            if self._unmounted():
                detail = (
                    f"the outbox {os.fsdecode(self.root)} was on a volume of its own and is an empty folder now; "
                    "mount it, or put a file there if the folder itself is meant"
                )
                raise ReasonedError(Reason.OUTBOX_MISSING, detail)
        except OSError:
            detail = f"the outbox {os.fsdecode(self.root)} is not there, or may not be written"
            raise ReasonedError(Reason.OUTBOX_MISSING, detail) from None
        if room.f_bavail * room.f_frsize < LEAST_ROOM:
            raise ReasonedError(Reason.DISK_FULL, f"no space left for {os.fsdecode(self.root)}")

    def marks(self, names: Iterable[bytes]) -> tuple[int, ...]:
        """Return the mtime_ns of each file: inodes come again, and what others write has another time."""
        return tuple(os.lstat(os.path.join(self.root, name)).st_mtime_ns for name in names)

    def still_ours(self, wrote: Mapping[bytes, int]) -> set[bytes]:
        """Return those files that we *wrote* (with their mtime_ns) and that nobody has changed or replaced."""
        found = set()
        for name, mtime_ns in wrote.items():
            try:
                if self.marks([name]) == (mtime_ns,):
                    found.add(name)
            except OSError:
                continue
        return found

    def reserve(
        self, path: bytes, suffixes: Sequence[str], reserved: Iterable[bytes], replaceable: Collection[bytes]
    ) -> bytes:
        """Return the output stem for the file at *path*: free for all *suffixes*, in the folder and among *reserved*.

        *replaceable* are existing files that may be written over.
        """
        self.check()
        folder, name = os.path.split(path)
        folder = free_folder(self.root, folder)
        wanted = os.path.join(folder, shortened(os.path.splitext(name)[0]))
        taken = self._names.taken(os.path.join(self.root, folder))
        others = {fold(stem) for stem in reserved} | self._refused
        for stem in numbered(wanted):
            files = [stem + suffix.encode() for suffix in suffixes]
            present = [file for file in files if hash(fold(os.path.basename(file))) in taken]
            if fold(stem) not in others and all(file in replaceable for file in present):
                return stem
        raise AssertionError("numbers do not end")

    def publish(
        self, staging: str, manifest: Manifest, source: bytes, replaceable: Collection[bytes]
    ) -> tuple[bytes, ...]:
        """Give every staged file its final name, durably; return the names below the outbox.

        May be repeated after a crash. Raises `Changed` when *source* is not what was claimed (before or after), `Taken`
        when a stranger has one of the names; in both cases nothing of this job is left in the outbox.
        """
        self.check()
        signature = Signature(**manifest.signature)
        folder = os.path.dirname(os.path.join(self.root, os.fsencode(manifest.stem)))
        names = [os.fsencode(manifest.stem + suffix) for suffix in manifest.files]
        try:
            durable.make_folder(folder)
            fresh = self._names.fresh(folder)
            require_unchanged(source, signature)
            for suffix, name in zip(manifest.files, names, strict=True):
                self._publish_one(
                    os.path.join(staging, "out" + suffix).encode(errors="surrogateescape"),
                    name,
                    manifest.files[suffix],
                    replaceable,
                )
            durable.sync_folder(folder)
            require_unchanged(source, signature)
        except (Changed, Taken) as error:
            self._take_back(manifest)
            self._names.forget(folder)
            if isinstance(error, Taken):
                self._refused.add(fold(os.fsencode(manifest.stem)))
            raise
        except OSError as error:
            raise environment_fault(error, self.root) or error from error
        if fresh:
            self._names.add(folder, [os.path.basename(name) for name in names])
        return tuple(names)

    def _publish_one(self, staged: bytes, name: bytes, inode: int, replaceable: Collection[bytes]) -> None:
        final = os.path.join(self.root, name)
        if not os.path.lexists(staged):
            if not os.path.lexists(final) or os.lstat(final).st_ino != inode:
                raise Taken(name)  # published before a crash, and since removed or replaced by somebody: read it again
            return
        try:
            durable.rename(staged, final)
        except FileExistsError:
            if os.lstat(final).st_ino == inode:
                os.unlink(staged)  # a link of the same file: the crash came between link and unlink
            elif name in replaceable:
                os.replace(staged, final)
            else:
                raise Taken(name) from None

    def _take_back(self, manifest: Manifest) -> None:
        """Remove what has been published of a job that cannot be finished like this."""
        for suffix, inode in manifest.files.items():
            final = os.path.join(self.root, os.fsencode(manifest.stem + suffix))
            try:
                if os.lstat(final).st_ino == inode:
                    os.unlink(final)
            except FileNotFoundError:
                pass

    def prepare(
        self, staging: str, job: Job, suffixes: Sequence[str], seconds: float, *, review: bool, note: str = ""
    ) -> Manifest:
        """Make the staged files and the manifest durable: from here on a crash leads to publishing, not reading."""
        self.check()
        assert job.stem is not None
        try:
            files = {}
            for suffix in suffixes:
                staged = os.path.join(staging, "out" + suffix)
                durable.sync_file(staged)
                files[suffix] = os.lstat(staged).st_ino
            manifest = Manifest(
                job=job.id,
                path=os.fsdecode(job.path),
                signature=asdict(job.signature),
                stem=os.fsdecode(job.stem),
                files=files,
                seconds=seconds,
                review=review,
                note=note,
            )
            durable.write(os.path.join(staging, "manifest.json"), json.dumps(asdict(manifest)).encode())
        except OSError as error:
            raise environment_fault(error, self.root) or error from error
        return manifest

    def published(self, staging: str, manifest: Manifest) -> bool:
        """Say whether every file of *manifest* has its final name already."""
        for suffix, inode in manifest.files.items():
            final = os.path.join(self.root, os.fsencode(manifest.stem + suffix))
            if os.path.lexists(os.path.join(staging, "out" + suffix)) or not os.path.lexists(final):
                return False
            if os.lstat(final).st_ino != inode:
                return False
        return True

    def manifests(self) -> dict[str, Manifest]:
        """Return the manifests of interrupted publications by staging folder; sweep everything else that was staged.

        Raises an environment fault while the outbox is unavailable.
        """
        self.check()
        found: dict[str, Manifest] = {}
        root = os.path.join(os.fsdecode(self.root), STAGING)
        for name in os.listdir(root) if os.path.isdir(root) else []:
            folder = os.path.join(root, name)
            try:
                found[folder] = _manifest(os.path.join(folder, "manifest.json"))
            except (OSError, ValueError, TypeError, AttributeError):
                self.sweep(folder)
        _remove_if_empty(root)  # a crash may have come between its last folder and itself
        return found

    def sweep(self, staging: str) -> None:
        """Remove a staging folder and, when it was the last, the folder of them; never fails."""
        shutil.rmtree(staging, ignore_errors=True)
        _remove_if_empty(os.path.dirname(staging))


def _remove_if_empty(folder: str) -> None:
    try:
        os.rmdir(folder)
    except OSError:
        pass  # others are in use, or it is gone


def _manifest(path: str) -> Manifest:
    """Return the manifest at *path*; raise `ValueError` or its like for one that we cannot have written."""
    with open(path, "rb") as file:
        found = Manifest(**json.load(file))
    Signature(**{name: int(value) for name, value in found.signature.items()})
    os.fsencode(found.path + found.stem)
    if not all(isinstance(inode, int) for inode in found.files.values()) or found.stem.startswith("/"):
        raise ValueError(path)
    return found


def environment_fault(error: OSError, where: bytes) -> ReasonedError | None:
    """Return what an OS error means for the queue as a whole, or None when it is a bug or a matter of one file."""
    place = os.fsdecode(where)
    if error.errno in durable.NO_SPACE:
        return ReasonedError(Reason.DISK_FULL, f"no space left for {place}")
    if error.errno in (
        errno.ENOENT,
        errno.ENOTDIR,
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.EIO,
        errno.ESTALE,
        errno.ENODEV,
    ):
        return ReasonedError(Reason.OUTBOX_MISSING, f"{place} cannot be written ({error.strerror})")
    return None


def require_unchanged(source: bytes, signature: Signature) -> None:
    """Raise `Changed` unless the file at *source* is what was claimed."""
    try:
        found = os.lstat(source)
    except OSError:
        raise Changed(source) from None
    if not Signature.of(found).same_file(signature):
        raise Changed(source)
