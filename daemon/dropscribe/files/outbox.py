"""The folder of results: publishes files whole, and never over somebody else's.

Each file is made new in the folder in which it is to lie, under a hidden name that nobody can foresee, so that it has
the rights which that folder and the user's umask give; publishing is a rename there. Before the first rename a manifest
is durable in the private state folder (`staging`): after a crash, a file whose hidden name is gone has been published,
and the rest follows. Which names may be had is the business of `stems`.
"""

import errno
import os
import stat
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress

from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.core.job import Job, Signature, Unmounted, printable
from dropscribe.files import durable, places, regular, rights, staging
from dropscribe.files.ledger import Ledger
from dropscribe.files.places import Entry, Place, Unholdable
from dropscribe.files.staging import Manifest, Output
from dropscribe.files.stems import Stems

Published = tuple[tuple[bytes, ...], tuple[int, ...]]  # names below the outbox and their mtime_ns

LEAST_ROOM = 2**16  # bytes that must be free before a file is read at all
_ENVIRONMENT = {
    errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.ESTALE, errno.ENODEV,
    errno.ELOOP, errno.EINVAL, errno.ENAMETOOLONG, errno.EILSEQ, errno.EXDEV, errno.ENXIO, errno.ETIMEDOUT,
    errno.ENOTCONN, errno.EHOSTDOWN,
}  # fmt: skip


class Taken(Exception):
    """A reserved name was taken by a stranger meanwhile; nothing of this job is published."""


class Changed(Exception):
    """The original is not what was claimed any more; nothing of this job is published."""


class Outbox:
    """The outbox at *root*; its methods run on the disk thread, one at a time."""

    def __init__(self, root: str, ledger: Ledger, unmounted: Unmounted = lambda: False) -> None:
        self.root = os.fsencode(root)
        self._ledger, self._unmounted = ledger, unmounted
        self._stems = Stems(self.root)

    def check(self, *, room: int = LEAST_ROOM) -> None:
        """Raise an environment fault when the outbox is not there, not writable, or has fewer than *room* bytes."""
        where = printable(self.root)
        try:
            disk = os.statvfs(self.root)
            if not os.path.isdir(self.root) or not os.access(self.root, os.W_OK | os.X_OK):
                raise NotADirectoryError
            if self._unmounted():
                detail = (
                    f"the outbox {where} was on a volume of its own and is an empty folder now; "
                    "mount it, or put a file there if the folder itself is meant"
                )
                raise ReasonedError(Reason.OUTBOX_MISSING, detail)
        except OSError:
            detail = f"the outbox {where} is not there, or may not be written"
            raise ReasonedError(Reason.OUTBOX_MISSING, detail) from None
        if disk.f_bavail * disk.f_frsize < room:
            raise ReasonedError(Reason.DISK_FULL, f"no space left for {where}")

    def marks(self, names: Iterable[bytes]) -> tuple[int, ...]:
        """Return the mtime_ns of each file: inodes come again, and what others write has another time."""
        return tuple(mark for mark in map(self._mark, names) if mark is not None)

    def _mark(self, name: bytes) -> int | None:
        found = Place(self.root, name).found()
        return found.st_mtime_ns if found is not None and stat.S_ISREG(found.st_mode) else None

    def still_ours(self, wrote: Mapping[bytes, int]) -> set[bytes]:
        """Return those files that we *wrote* (with their mtime_ns) and that nobody has changed or replaced."""
        return {name for name, mtime_ns in wrote.items() if self._mark(name) == mtime_ns}

    def reserve(
        self, path: bytes, suffixes: Sequence[str], reserved: Iterable[bytes], replaceable: Collection[bytes]
    ) -> bytes:
        """Return the output stem for the file at *path*; see `stems`. Raises `ReasonedError`."""
        self.check()
        try:
            return self._stems.reserve(path, suffixes, reserved, replaceable)
        except OSError as error:
            raise environment_fault(error, self.root) or error from error

    # -- publishing

    def put(
        self, folder: str, job: Job, suffixes: Sequence[str], seconds: float, *, review: bool, source: Place,
        note: str, wrote: Mapping[bytes, int],
    ) -> Published:  # fmt: skip
        """Publish what was rendered into *folder*; see `prepare`, `publish`, and `still_ours` for what we *wrote*.

        Whatever is raised, the job is to be read again, and nothing of it is left in the outbox: files without a name
        may hold the very room that is missing.
        """
        manifest = self.prepare(folder, job, suffixes, seconds, review=review, source=source, note=note)
        try:
            names = self.publish(manifest, source, self.still_ours(wrote))
            return names, self.marks(names)
        except Exception:
            self.take_back(manifest)
            raise

    def prepare(
        self, folder: str, job: Job, suffixes: Sequence[str], seconds: float, *, review: bool, source: Place,
        note: str = "",
    ) -> Manifest:  # fmt: skip
        """Copy what was rendered into *folder* beside where it is to lie, then make the manifest durable.

        From then on a crash leads to publishing, not reading. Rights are those of the picture at *source* at most
        (see `rights`). Raises `Changed`, `Unholdable` or an environment fault; nothing is left in the outbox then.
        """
        self.check()
        assert job.stem is not None
        below, outputs = os.path.dirname(job.stem), list[Output]()
        found = source.found()
        if found is None:
            raise Changed(source)
        try:
            places.make(self.root, below, places.modes(source.root, source.below))
            with places.opened(self.root, below) as there:
                mode = rights.for_new(there, found)
                for suffix in suffixes:
                    outputs.append(self._hidden_copy(staging.rendered(folder, suffix), suffix, below, there, mode))
            manifest = Manifest(
                job.id, self.root, job.path, job.signature, job.stem, tuple(outputs), seconds, review, note, job.inbox
            )
            staging.write(folder, manifest)
        except OSError as error:
            self._remove_hidden(below, outputs)
            raise self._fault(error, Place(self.root, job.stem + (suffixes or [""])[0].encode()), job.path) from error
        return manifest

    def _hidden_copy(self, rendered: bytes, suffix: str, below: bytes, there: int, mode: int) -> Output:
        name = self._ledger.record(self.root, below)
        try:
            with regular.opened(rendered) as text:
                return Output(suffix, name, durable.copy(text, name, there, mode).st_ino)
        except OSError:
            Entry(there, name).unlink()
            self._ledger.forget(name)
            raise

    def publish(self, manifest: Manifest, source: Place, replaceable: Collection[bytes]) -> tuple[bytes, ...]:
        """Give every file of *manifest* its final name, durably; return the names below the outbox.

        May be repeated after a crash. Raises `Changed` when *source* is not what was claimed (before or after), `Taken`
        when a stranger has one of the names, `Unholdable`; nothing of this job is left in the outbox then. Names need
        no room to speak of: a disk that is nearly full by what was just prepared does not keep it from being finished.
        """
        self.check(room=0)
        below = os.path.dirname(manifest.stem)
        try:
            with places.opened(self.root, below) as there:
                fresh = self._stems.names.fresh(below, there)
                require_unchanged(source, manifest.signature)
                for output, name in zip(manifest.outputs, manifest.names, strict=True):
                    self._publish_one(there, output, name, replaceable)
                durable.sync_folder(there)
                require_unchanged(source, manifest.signature)
                if fresh:
                    self._stems.names.add(below, there, map(os.path.basename, manifest.names))
        except (Changed, Taken) as error:
            self.take_back(manifest)
            self._stems.names.forget(below)
            if isinstance(error, Taken):
                self._stems.refuse(manifest.stem)
            raise
        except OSError as error:
            fault = self._fault(error, Place(self.root, (manifest.names or (manifest.stem,))[0]), manifest.path)
            if isinstance(fault, Unholdable):
                self.take_back(manifest)
            raise fault from error
        self._stems.fits(manifest.path)
        self._forget(manifest.outputs)
        return manifest.names

    def _publish_one(self, there: int, output: Output, path: bytes, replaceable: Collection[bytes]) -> None:
        hidden, final = Entry(there, output.hidden), Entry(there, os.path.basename(path))
        if _inode(hidden) != output.inode:
            if _inode(final) != output.inode:
                raise Taken(path)  # published before a crash, and since removed or replaced by somebody: read it again
            return
        try:
            durable.rename(hidden.name, final.name, src_dir_fd=there, dst_dir_fd=there)
        except FileExistsError:
            if _inode(final) == output.inode:
                hidden.unlink()  # a link of the same file: the crash came between link and unlink
            elif path in replaceable:
                os.replace(hidden.name, final.name, src_dir_fd=there, dst_dir_fd=there)
            else:
                raise Taken(path) from None

    def published(self, manifest: Manifest) -> bool:
        """Say whether every file of *manifest* has its final name already."""
        with suppress(OSError), places.opened(self.root, os.path.dirname(manifest.stem)) as there:
            return all(
                Entry(there, output.hidden).found() is None
                and _inode(Entry(there, os.path.basename(name))) == output.inode
                for output, name in zip(manifest.outputs, manifest.names, strict=True)
            )
        return False

    def take_back(self, manifest: Manifest) -> None:
        """Remove what there is of a job that cannot be finished like this, published or not."""
        below = os.path.dirname(manifest.stem)
        with suppress(OSError), places.opened(self.root, below) as there:
            for output, name in zip(manifest.outputs, manifest.names, strict=True):
                final = Entry(there, os.path.basename(name))
                if _inode(final) == output.inode:
                    final.unlink()
        self._remove_hidden(below, manifest.outputs)

    def _remove_hidden(self, below: bytes, outputs: Sequence[Output]) -> None:
        """Remove files that have no final name; where that fails now, they stay on record for the next start."""
        with suppress(OSError):
            with places.opened(self.root, below) as there:
                for output in outputs:
                    Entry(there, output.hidden).unlink()
            self._forget(outputs)

    def _forget(self, outputs: Iterable[Output]) -> None:
        for output in outputs:
            self._ledger.forget(output.hidden)

    # -- faults

    def _fault(self, error: OSError, place: Place, path: bytes) -> Exception:
        """Return what an error means: the name cannot be held (class *place*), or the queue has to wait."""
        if error.errno in places.NAME_ERRORS and places.refuses(place):
            why = durable.described(durable.named(error, place.absolute))
            self._stems.unfit(path, why)
            return Unholdable(why)
        return environment_fault(error, self.root) or error


def _inode(entry: Entry) -> int | None:
    found = entry.found()
    return found.st_ino if found is not None and stat.S_ISREG(found.st_mode) else None


def environment_fault(error: OSError, where: bytes) -> ReasonedError | None:
    """Return what an OS error means for the queue as a whole, or None when it is a bug or a matter of one file."""
    named = os.fsencode(error.filename) if isinstance(error.filename, str | bytes) else b""
    place = printable(named if os.path.isabs(named) else where)
    if error.errno in durable.NO_SPACE:
        return ReasonedError(Reason.DISK_FULL, f"no space left for {place}")
    if error.errno in _ENVIRONMENT:
        return ReasonedError(Reason.OUTBOX_MISSING, f"{place} cannot be written ({error.strerror})")
    return None


def require_unchanged(source: Place, signature: Signature) -> None:
    """Raise `Changed` unless the file at *source* is what was claimed."""
    found = source.found()
    if found is None or not Signature.of(found).same_file(signature):
        raise Changed(source)
