"""Names of files in folders that others use too: numbered, cut to length, folded for comparison, taken or free.

Names are bytes, as listed. Nothing here makes or moves a file.
"""

import os
import unicodedata
import zlib
from collections.abc import Iterable, Iterator

LONGEST_NAME = 255  # bytes; NAME_MAX of every file system in use
ROOM_FOR_SUFFIX = 40  # bytes kept free for " (12345)", ".alto.xml" and ".p1234-56.jpg"


def fold(name: bytes) -> str:
    """Return what two names must differ in to be told apart on any disk: case-folded and composed."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", os.fsdecode(name)).casefold())


def shortened(stem: bytes, room: int = ROOM_FOR_SUFFIX) -> bytes:
    """Return *stem* cut, at a whole character, to leave *room* bytes, with a short hash of the whole."""
    limit = LONGEST_NAME - room
    if len(stem) <= limit:
        return stem
    tail = b"~%08x" % zlib.crc32(stem)
    cut = stem[: limit - len(tail)]
    while cut and (stem[len(cut)] & 0xC0) == 0x80:  # inside a UTF-8 character
        cut = cut[:-1]
    return cut + tail


def numbered(stem: bytes) -> Iterator[bytes]:
    """Yield *stem*, then `stem (2)`, `stem (3)` and so on."""
    yield stem
    number = 2
    while True:
        yield stem + f" ({number})".encode()
        number += 1


def free_folder(root: bytes, folder: bytes) -> bytes:
    """Return *folder* (below *root*) with a number after each part whose name a file has taken."""
    found = b""
    for part in filter(None, folder.split(b"/")):
        for name in numbered(part):
            place = os.path.join(root, found, name)
            if os.path.isdir(place) or not os.path.lexists(place):
                found = os.path.join(found, name)
                break
    return found


class Names:
    """Which names of an outbox folder are taken, kept as long as nobody else changes the folder."""

    def __init__(self) -> None:
        self._folders: dict[bytes, tuple[int, set[int]]] = {}

    def taken(self, folder: bytes) -> set[int]:
        """Return hashes of the folded names in *folder* (hashes: a large outbox must not fill the daemon)."""
        try:
            changed = os.stat(folder).st_mtime_ns
        except FileNotFoundError:
            return set()
        known = self._folders.get(folder)
        if known is None or known[0] != changed:
            known = changed, {hash(fold(name)) for name in os.listdir(folder)}
            if len(self._folders) >= 8:
                self._folders.clear()
            self._folders[folder] = known
        return known[1]

    def fresh(self, folder: bytes) -> bool:
        """Say whether what is known of *folder* is still true; otherwise forget it."""
        known = self._folders.get(folder)
        if known is not None and os.stat(folder).st_mtime_ns == known[0]:
            return True
        self.forget(folder)
        return False

    def forget(self, folder: bytes) -> None:
        """List *folder* again the next time."""
        self._folders.pop(folder, None)

    def add(self, folder: bytes, names: Iterable[bytes]) -> None:
        """Note names that we put into *folder*, `fresh` just before: no need to list it again."""
        known = self._folders[folder][1]
        known.update(hash(fold(name)) for name in names)
        self._folders[folder] = os.stat(folder).st_mtime_ns, known
