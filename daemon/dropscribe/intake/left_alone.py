"""What lies in the inbox and is never taken, whatever becomes of it: links, pipes, sockets, devices.

Its owner is told once. Hidden names and those of systems are not told: nobody has put them there to be read.
"""

import stat
from collections.abc import Iterator, Mapping

MOST = 100  # that are known by name; the others are counted


def kind(mode: int) -> str:
    """Say what a file is that is neither a regular one nor a folder, for people."""
    if stat.S_ISLNK(mode):
        return "a link"
    if stat.S_ISFIFO(mode):
        return "a pipe"
    return "a socket" if stat.S_ISSOCK(mode) else "a device"


class LeftAlone:
    """The first of them by path, with what each is, and how many more there are."""

    def __init__(self) -> None:
        self._named: dict[bytes, str] = {}
        self._late: set[bytes] = set()  # found since the last scan: the one under way may have passed them by
        self.more = 0

    def __len__(self) -> int:
        return len(self._named) + self.more

    def __iter__(self) -> Iterator[tuple[bytes, str]]:
        return iter(self._named.items())

    def seen(self, path: bytes, what: str | None) -> bool:
        """Take in one look: *what* lies at *path*, None for nothing of the kind; return whether that is news."""
        if what is None:
            self._named.pop(path, None)
            self._late.discard(path)
            return False
        if self._named.get(path) == what or (path not in self._named and len(self._named) >= MOST):
            return False  # of those that have no room here the next scan counts how many there are
        self._named[path] = what
        self._late.add(path)
        return True

    def scanned(self, named: Mapping[bytes, str], more: int) -> dict[bytes, str]:
        """Take in what a scan of the whole inbox has found; return what is news."""
        news = {path: what for path, what in named.items() if self._named.get(path) != what}
        late = {path: what for path, what in self._named.items() if path in self._late and len(named) < MOST}
        self._named, self._late, self.more = {**late, **named}, set(), more
        return news
