"""Files that a browser drops: into the inbox as a whole file, under a name of their own, never over another.

A file grows under a hidden name, which intake ignores, and is renamed when it is complete and on the disk.
"""

import asyncio
import os
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack

from dropscribe.config import Settings
from dropscribe.files import durable, naming, native, originals, places, regular
from dropscribe.files.places import Place

PREFIX = b".dropscribe-upload-"
FORGOTTEN = 24 * 3600  # seconds after which what a killed server left is removed
UNNAMED = b"pasted.png"
_NOT_IN_NAMES = bytes([*range(32), 127]) + b"/\\:"


class Refused(Exception):
    """A file is not taken; with the HTTP status and a sentence for the user."""

    def __init__(self, status: int, what: str) -> None:
        super().__init__(what)
        self.status, self.what = status, what


def sweep(settings: Settings) -> None:
    """Remove unfinished files that a killed server left in the inbox a day ago."""
    inbox = os.fsencode(settings.folders.inbox)
    for name in os.listdir(inbox) if os.path.isdir(inbox) else ():
        place = Place(inbox, name)
        found = place.found() if name.startswith(PREFIX) else None
        if found is not None and time.time() - found.st_mtime > FORGOTTEN:
            with place.opened(any_owner=True) as entry:
                entry.unlink()


def safe_name(given: str) -> bytes:
    """Return the name under which a file called *given* in a browser is dropped: its last part, visible and plain."""
    last = given.replace("\\", "/").rsplit("/", 1)[-1]
    name = last.encode("utf-8", "ignore").translate(None, _NOT_IN_NAMES).strip(b" .")
    return name or UNNAMED


def too_large(settings: Settings) -> Refused:
    """Return the refusal of a file over `intake.max_file`."""
    return Refused(413, f"The file is larger than intake.max_file allows ({settings.intake.max_file:,} bytes).")


async def take(settings: Settings, given: str, body: AsyncIterator[bytes]) -> bytes:
    """Put what *body* brings into the inbox; return its path below it. Raise `Refused`; nothing is left then."""
    with _Arrival(settings, os.fsencode(settings.folders.inbox)) as arrival:
        async for chunk in body:
            await asyncio.to_thread(arrival.write, chunk)
        return await asyncio.to_thread(arrival.place, b"", safe_name(given))


def again(settings: Settings, original: int, inbox: bytes, path: bytes) -> bytes:
    """Put a copy of what is behind the descriptor *original* into *inbox*, where *path* was; return its path there.

    Raises `Refused`.
    """
    with open(original, "rb") as file, _Arrival(settings, inbox) as arrival:
        for chunk in iter(lambda: file.read(1 << 20), b""):
            arrival.write(chunk)
        return arrival.place(os.path.dirname(path), os.path.basename(path))


class _Arrival:
    """A file on its way into the inbox. A context manager: what is not placed is removed."""

    def __init__(self, settings: Settings, inbox: bytes) -> None:
        self._settings, self._inbox, self._size = settings, inbox, 0
        self._hidden = PREFIX + secrets.token_hex(8).encode()

    def __enter__(self) -> "_Arrival":
        with ExitStack() as stack:
            try:
                self._folder = stack.enter_context(places.opened(self._inbox))
                self._file = stack.enter_context(regular.created(self._hidden, self._folder, 0o666))
            except OSError as error:
                raise Refused(503, f"The inbox cannot be written: {error.strerror}.") from None
            stack.callback(places.Entry(self._folder, self._hidden).unlink)  # unless it has its name by then
            self._stack = stack.pop_all()
        return self

    def write(self, chunk: bytes) -> None:
        """Add to the file; raise `Refused`."""
        self._size += len(chunk)
        if self._size > self._settings.intake.max_file:
            raise too_large(self._settings)
        try:
            regular.write(self._file, chunk)
        except OSError as error:
            raise Refused(507, f"The file cannot be stored: {error.strerror}.") from None

    def place(self, below: bytes, name: bytes) -> bytes:
        """Give the complete file its name, or the next free one; return its path below the inbox. Raise `Refused`."""
        if not self._size:
            raise Refused(400, "The file is empty.")
        try:
            native.flush(self._file)
            places.make(self._inbox, below, any_owner=True)
            with places.opened(self._inbox, below, any_owner=True) as folder:
                return os.path.join(below, self._renamed(folder, name))
        except OSError as error:
            raise Refused(507, f"The file cannot be stored: {error.strerror}.") from None

    def _renamed(self, folder: int, name: bytes) -> bytes:
        for free in _names(name):
            try:
                durable.rename(self._hidden, free, src_dir_fd=self._folder, dst_dir_fd=folder)
            except FileExistsError:
                continue
            durable.sync_folder(folder)
            return free
        raise AssertionError("numbers do not end")

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def _names(name: bytes) -> Iterator[bytes]:
    """Yield the names to try in turn."""
    stem, ending = originals.split(name)
    for one in naming.numbered(naming.shortened(stem, len(ending) + 10)):
        yield one + ending
