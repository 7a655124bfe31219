"""One thread for slow disk work, so that the loop can always answer. It owns nothing.

Requests are plain calls; their results come back to the main thread through `collect`, which the wake pipe announces.
"""

import threading
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")
Ask = tuple[Callable[[], Any], Callable[[Any], None], Callable[[Exception], None]]


class DiskThread:
    """Runs requests one after the other on its own thread; continuations run where `collect` is called."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._asked: SimpleQueue[Ask | None] = SimpleQueue()
        self._ready: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._wake = wake
        self._closed = False
        self.pending = 0
        # A daemon thread: the end of the process must not wait for a disk that does not answer.
        threading.Thread(target=self._work, name="disk", daemon=True).start()

    def _work(self) -> None:
        while (ask := self._asked.get()) is not None and not self._closed:
            request, then, otherwise = ask
            try:
                self._ready.put(partial(then, request()))
            except Exception as error:  # it is the asker's to judge
                self._ready.put(partial(otherwise, error))
            self._wake()

    def ask(self, request: Callable[[], T], then: Callable[[T], None], otherwise: Callable[[Exception], None]) -> None:
        """Run *request* on the disk thread; later, on this one, *then* gets its result or *otherwise* its error."""
        self.pending += 1
        self._asked.put((request, then, otherwise))

    def collect(self) -> None:
        """Run the continuations of everything that has been answered."""
        while not self._ready.empty():
            self.pending -= 1
            self._ready.get()()

    def close(self) -> None:
        """Drop what has not begun; what has begun ends at the latest with the process. May be called twice."""
        self._closed = True
        self._asked.put(None)
