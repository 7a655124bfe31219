"""Names of files in folders that others use too: numbered, cut to length, folded for comparison, taken or free.

Names are bytes, as listed. Nothing here makes or moves a file.
"""

import os
import re
import unicodedata
import zlib
from collections.abc import Iterable, Iterator

LONGEST_NAME = 255  # bytes; no file system in use allows more, some less (143 in eCryptfs, about 189 in encfs)
SHORTER_NAME = 143  # bytes; the least of those
HIDDEN = b".dropscribe-"  # how the names of our temporary files begin
ROOM_FOR_SUFFIX = 40  # bytes kept free for " (12345)", ".alto.xml" and ".p1234-56.jpg"


def fold(name: bytes) -> str:
    """Return what two names must differ in to be told apart on any disk: case-folded and composed."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", os.fsdecode(name)).casefold())


def shortened(stem: bytes, room: int = ROOM_FOR_SUFFIX, longest: int = LONGEST_NAME) -> bytes:
    """Return *stem* cut, at a whole character, to leave *room* bytes of *longest*, with a short hash of the whole."""
    limit = longest - room
    if len(stem) <= limit:
        return stem
    tail = b"~%08x" % zlib.crc32(stem)
    cut = stem[: limit - len(tail)]
    while cut and (stem[len(cut)] & 0xC0) == 0x80:  # inside a UTF-8 character
        cut = cut[:-1]
    return cut + tail


# What NTFS, FAT and SMB refuse in a name, and the names that they keep for devices.
_REFUSED = re.compile(r'[<>:"|?*\\\x00-\x1f\x7f\ufffd]')
_DEVICE = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")


def plain(name: bytes, room: int = ROOM_FOR_SUFFIX) -> bytes:
    """Return a spelling of *name* that every file system can hold; one that differs gets a short hash of the whole."""
    text = _REFUSED.sub("_", name.decode("utf-8", "replace")).rstrip(" .")
    if _DEVICE.fullmatch(text):
        text = "_" + text
    spelled = text.encode()
    if spelled != name:
        spelled += b"~%08x" % zlib.crc32(name)
    return shortened(spelled, room, SHORTER_NAME)


# Controls (C0, DEL, C1) steer a terminal; marks of direction (UAX 9) show a name as another, `gpj.exe` as `exe.jpg`.
_MISLEADING = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def honest(path: bytes) -> bytes:
    """Return *path* without signs that steer a terminal or turn the order of letters, for what we name ourselves."""
    return b"/".join(map(_honest, path.split(b"/")))


def _honest(name: bytes) -> bytes:
    shown = os.fsencode(_MISLEADING.sub("", os.fsdecode(name)))
    # What is left of a name must be one, and must not be hidden by what was taken off.
    begins_anew = shown in (b"", b".", b"..") or (shown.startswith(b".") and not name.startswith(b"."))
    return b"_" + shown if begins_anew and name != shown else shown


def spellings(path: bytes) -> list[bytes]:
    """Return ever plainer paths for the stem *path*, for a folder that cannot hold it: first as it is.

    Then with plain signs, then straight in the root, and last as a hash alone, which any folder can hold.
    """
    folder, stem = os.path.split(path)
    levels = b"/".join(plain(level) for level in folder.split(b"/"))
    found = [path, os.path.join(folder, plain(stem)), os.path.join(levels, plain(stem)), plain(stem)]
    return list(dict.fromkeys([*found, b"file-%08x" % zlib.crc32(path)]))


def hidden_name() -> bytes:
    """Return a hidden name that nobody can foresee."""
    return HIDDEN + os.urandom(16).hex().encode()


def numbered(stem: bytes) -> Iterator[bytes]:
    """Yield *stem*, then `stem (2)`, `stem (3)` and so on."""
    yield stem
    number = 2
    while True:
        yield stem + f" ({number})".encode()
        number += 1


class Names:
    """Which names of the open folders of an outbox are taken, kept as long as nobody else changes them."""

    def __init__(self) -> None:
        self._folders: dict[bytes, tuple[int, set[int]]] = {}

    def taken(self, key: bytes, folder: int) -> set[int]:
        """Return hashes of the folded names in *folder*, which is known as *key*.

        Hashes: a large outbox must not fill the daemon.
        """
        changed = os.fstat(folder).st_mtime_ns
        known = self._folders.get(key)
        if known is None or known[0] != changed:
            known = changed, {hash(fold(os.fsencode(name))) for name in os.listdir(folder)}
            if len(self._folders) >= 8:
                self._folders.clear()
            self._folders[key] = known
        return known[1]

    def fresh(self, key: bytes, folder: int) -> bool:
        """Say whether what is known of *folder* is still true; otherwise forget it."""
        known = self._folders.get(key)
        if known is not None and os.fstat(folder).st_mtime_ns == known[0]:
            return True
        self.forget(key)
        return False

    def forget(self, key: bytes) -> None:
        """List the folder again the next time."""
        self._folders.pop(key, None)

    def add(self, key: bytes, folder: int, names: Iterable[bytes]) -> None:
        """Note names that we put into *folder*, `fresh` just before: no need to list it again."""
        known = self._folders[key][1]
        known.update(hash(fold(name)) for name in names)
        self._folders[key] = os.fstat(folder).st_mtime_ns, known
