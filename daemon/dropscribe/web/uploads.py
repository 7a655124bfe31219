"""Files that a browser drops: into the inbox as a whole file, under a name of their own, never over another.

A file grows under a hidden name, which intake ignores, and is renamed when it is complete and on the disk.
"""

import asyncio
import os
import secrets
import time
from collections.abc import AsyncIterator, Iterator

from dropscribe.config import Settings
from dropscribe.files import durable, naming, originals

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
        path = os.path.join(inbox, name)
        if name.startswith(PREFIX) and time.time() - os.lstat(path).st_mtime > FORGOTTEN:
            os.unlink(path)


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
    with _Arrival(settings) as arrival:
        async for chunk in body:
            await asyncio.to_thread(arrival.write, chunk)
        return await asyncio.to_thread(arrival.place, b"", safe_name(given))


def again(settings: Settings, original: int, path: bytes) -> bytes:
    """Put a copy of what is behind the descriptor *original* into the inbox, where *path* was; return its path there.

    Raises `Refused`.
    """
    with open(original, "rb") as file, _Arrival(settings) as arrival:
        for chunk in iter(lambda: file.read(1 << 20), b""):
            arrival.write(chunk)
        return arrival.place(os.path.dirname(path), os.path.basename(path))


class _Arrival:
    """A file on its way into the inbox. A context manager: what is not placed is removed."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._size = settings, 0
        self._inbox = os.fsencode(settings.folders.inbox)
        self._hidden = os.path.join(self._inbox, PREFIX + secrets.token_hex(8).encode())
        try:
            flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
            self._file = os.open(self._hidden, flags, 0o666)
        except OSError as error:
            raise Refused(503, f"The inbox cannot be written: {error.strerror}.") from None

    def __enter__(self) -> "_Arrival":
        return self

    def write(self, chunk: bytes) -> None:
        """Add to the file; raise `Refused`."""
        self._size += len(chunk)
        if self._size > self._settings.intake.max_file:
            raise too_large(self._settings)
        view = memoryview(chunk)
        try:
            while view:
                view = view[os.write(self._file, view) :]
        except OSError as error:
            raise Refused(507, f"The file cannot be stored: {error.strerror}.") from None

    def place(self, folder: bytes, name: bytes) -> bytes:
        """Give the complete file its name, or the next free one; return its path below the inbox."""
        if not self._size:
            raise Refused(400, "The file is empty.")
        durable.sync_file(self._hidden)
        durable.make_folder(os.path.join(self._inbox, folder))
        for path in _free(folder, name):
            try:
                durable.rename(self._hidden, os.path.join(self._inbox, path))
            except FileExistsError:
                continue
            durable.sync_folder(os.path.join(self._inbox, folder))
            return path
        raise AssertionError("numbers do not end")

    def __exit__(self, *_: object) -> None:
        os.close(self._file)
        try:
            os.unlink(self._hidden)
        except FileNotFoundError:
            pass  # it has its name


def _free(folder: bytes, name: bytes) -> Iterator[bytes]:
    """Yield the names to try in turn."""
    stem, ending = originals.split(name)
    for one in naming.numbered(naming.shortened(stem, len(ending) + 10)):
        yield os.path.join(folder, one + ending)
