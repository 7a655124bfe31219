"""A kqueue in small, made of poll: enough for `selectors.KqueueSelector`, which is what a Mac's event loop runs on."""

import select
from typing import NamedTuple

READ, WRITE = -1, -2
ADD, DELETE = 1, 2


class KernelEvent(NamedTuple):
    """`struct kevent`, as far as it is used."""

    ident: int
    filter: int = READ
    flags: int = ADD


class KernelQueue:
    """One queue; like the real one it refuses to forget what it does not know."""

    def __init__(self) -> None:
        self._wanted: dict[int, set[int]] = {}

    def fileno(self) -> int:
        """Return a number that belongs to nothing."""
        return -1

    def control(self, changes: list[KernelEvent] | None, most: int, timeout: float | None = None) -> list[KernelEvent]:
        """Apply *changes*, then wait for at most *most* events."""
        for change in changes or ():
            wanted = self._wanted.setdefault(int(change.ident), set())
            if change.flags & DELETE and change.filter not in wanted:
                raise FileNotFoundError(2, "No such file or directory")
            (wanted.discard if change.flags & DELETE else wanted.add)(change.filter)
        return self._wait(timeout)[:most] if most else []

    def _wait(self, timeout: float | None) -> list[KernelEvent]:
        poll = select.poll()
        for ident, wanted in self._wanted.items():
            bits = (select.POLLIN if READ in wanted else 0) | (select.POLLOUT if WRITE in wanted else 0)
            if bits:
                poll.register(ident, bits)
        found = poll.poll(None if timeout is None else timeout * 1000)
        return [
            KernelEvent(ident, which)
            for ident, bits in found
            for which in self._wanted[ident]
            if bits & ((select.POLLIN if which == READ else select.POLLOUT) | select.POLLHUP | select.POLLERR)
        ]

    def close(self) -> None:
        """Forget everything."""
        self._wanted.clear()


def install() -> None:
    """Put it where `selectors` looks. No vnode filter: watchdog's own kqueue way is not imitated."""
    vars(select).update(
        kqueue=KernelQueue, kevent=KernelEvent, KQ_FILTER_READ=READ, KQ_FILTER_WRITE=WRITE, KQ_EV_ADD=ADD,
        KQ_EV_DELETE=DELETE,
    )  # fmt: skip
