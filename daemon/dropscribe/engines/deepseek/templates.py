"""A bound on the time of a checkpoint's chat template: it runs in Jinja's sandbox, which knows no end of loops."""

import contextlib
import signal
import threading
from collections.abc import Iterator

SECONDS = 5.0  # a template of the field takes a millisecond


class Endless(Exception):
    """The template had not ended in time."""


@contextlib.contextmanager
def bounded(seconds: float = SECONDS) -> Iterator[None]:
    """Raise `Endless` in what is done inside after *seconds*; only in the main thread, where engines live."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ended(*_: object) -> None:
        raise Endless(f"it had not ended after {seconds:g} s")

    before = signal.signal(signal.SIGALRM, ended)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
