"""One thread for slow disk work, so that the loop can always answer. It owns nothing.

Requests are plain calls; their results come back to the main thread through `collect`, which the wake pipe announces.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")


class Disk:
    """Runs requests one after the other on its own thread; continuations run where `collect` is called."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._thread = ThreadPoolExecutor(1, "disk")
        self._ready: SimpleQueue[tuple[Future[Any], Callable[[Any], None], Callable[[Exception], None]]] = SimpleQueue()
        self._wake = wake
        self.pending = 0

    def ask(self, request: Callable[[], T], then: Callable[[T], None], otherwise: Callable[[Exception], None]) -> None:
        """Run *request* on the disk thread; later, on this one, *then* gets its result or *otherwise* its error."""
        self.pending += 1

        def done(future: Future[T]) -> None:
            self._ready.put((future, then, otherwise))
            self._wake()

        self._thread.submit(request).add_done_callback(done)

    def collect(self) -> None:
        """Run the continuations of everything that has been answered."""
        while not self._ready.empty():
            future, then, otherwise = self._ready.get()
            self.pending -= 1
            error = future.exception()
            if error is None:
                then(future.result())
            elif isinstance(error, Exception):
                otherwise(error)
            else:
                raise error

    def close(self) -> None:
        """Drop what has not begun; what has begun is finished by the thread, at the latest with the process."""
        self._thread.shutdown(wait=False, cancel_futures=True)
