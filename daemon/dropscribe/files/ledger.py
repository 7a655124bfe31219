"""Temporary files in folders that others use: new, under random names, each recorded privately before it is made.

What a killed daemon leaves behind is known by its record, so that a sweep removes nothing that is not ours. The records
survive a kill, not always a power cut: then a hidden file may stay behind.
"""

import contextlib
import os
from collections.abc import Collection, Iterator

from dropscribe.files import places, regular
from dropscribe.files.naming import hidden_name
from dropscribe.files.places import Entry


class Ledger:
    """The temporary files that are there, or may be; their records lie in *state*, which is private."""

    def __init__(self, state: str) -> None:
        self._folder = os.path.join(os.fsencode(state), b"temporary")

    def record(self, root: bytes, below: bytes) -> bytes:
        """Return a new name for the folder *below* *root*, on record from now on."""
        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        name = hidden_name()
        with regular.created(self._record(name), None, 0o600) as handle:
            regular.write(handle, root + b"\0" + below)
        return name

    def forget(self, name: bytes) -> None:
        """Drop a record: nothing of ours lies under *name* any more."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._record(name))

    @contextlib.contextmanager
    def temporary(self, root: bytes, below: bytes, folder: int) -> Iterator[Entry]:
        """Yield a new name in *folder*, which is the one *below* *root*; what lies there at the end is removed."""
        name = self.record(root, below)
        entry = Entry(folder, name)
        try:
            yield entry
        finally:
            entry.unlink()
            self.forget(name)

    def sweep(self, keep: Collection[bytes] = ()) -> None:
        """Remove every temporary file on record but those named in *keep*: somebody is to publish them yet.

        One whose folder cannot be reached now is kept for the next time.
        """
        with contextlib.suppress(FileNotFoundError):
            for name in os.listdir(self._folder):
                if name not in keep:
                    self._sweep(name)

    def _sweep(self, name: bytes) -> None:
        try:
            with regular.opened(self._record(name)) as handle:
                root, whole, below = os.read(handle, 100_000).partition(b"\0")
        except OSError:
            return  # forgotten meanwhile, or nothing that we made
        if whole and not os.path.isdir(root):
            return
        if whole:  # else the record was torn, and nothing made yet
            with contextlib.suppress(OSError), places.opened(root, below) as folder:
                Entry(folder, name).unlink()
        self.forget(name)

    def _record(self, name: bytes) -> bytes:
        return os.path.join(self._folder, name)
