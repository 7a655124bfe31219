"""What the daemon tells, asked at most once a second however many look; and whether anybody looks at all."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager

from dropscribe.core.status import Status

EVERY = 1.0  # seconds between two questions
LEFT = 600.0  # seconds after which nobody is coming back
MOST = 24  # live views at once


class Looking:
    """The views that are open, and the status that all of them share."""

    def __init__(self, ask: Callable[[], Status], left: float = LEFT) -> None:
        self._ask, self._left = ask, left
        self._turn = asyncio.Lock()
        self._status, self._asked = Status(), float("-inf")
        self._views = 0
        self._seen = time.monotonic()

    async def status(self) -> Status:
        """Return the status, at most a second old."""
        async with self._turn:
            if time.monotonic() - self._asked >= EVERY:
                self._status = await asyncio.to_thread(self._ask)
                self._asked = time.monotonic()
            return self._status

    def stale(self) -> None:
        """Ask again the next time: something was changed."""
        self._asked = float("-inf")

    async def statuses(self) -> AsyncGenerator[Status]:
        """Yield the status again and again, for as long as somebody looks."""
        with self._view():
            while True:
                yield await self.status()
                await asyncio.sleep(EVERY)

    @contextmanager
    def _view(self) -> Iterator[None]:
        self._views += 1
        try:
            yield
        finally:
            self._views -= 1
            self.seen()

    @property
    def crowded(self) -> bool:
        """Say whether no further view may be opened."""
        return self._views >= MOST

    def seen(self) -> None:
        """Note that somebody is there."""
        self._seen = time.monotonic()

    def over(self, now: float) -> bool:
        """Say whether the last one left long ago."""
        return not self._views and now - self._seen >= self._left
