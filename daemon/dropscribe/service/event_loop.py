"""The one wait of the daemon: for the wake pipe, a signal, the worker, or somebody at the control socket.

It knows who may end the wait and none of what follows from it.
"""

import selectors
import signal
import socket
from types import FrameType

from dropscribe.control.server import Client
from dropscribe.host.host import Host


class EventLoop:
    """What the loop sleeps in."""

    def __init__(self) -> None:
        self.selector = selectors.DefaultSelector()
        self.signalled: str | None = None  # the name of the signal that asks for the end
        self._hung_up = False
        self._out, self._in = socket.socketpair()
        for end in (self._out, self._in):
            end.setblocking(False)
        self.selector.register(self._out, selectors.EVENT_READ, None)
        self._worker: int | None = None  # file descriptor

    def wake(self) -> None:
        """End the wait; from any thread."""
        try:
            self._in.send(b"\0")
        except OSError:
            pass  # it is awake already, or over

    def close(self) -> None:
        """Hand the signals back and let go of the pipe; may be called twice."""
        if self._in.fileno() >= 0:
            signal.set_wakeup_fd(-1)
        self.selector.close()
        self._in.close()
        self._out.close()

    def take_signals(self) -> None:
        """Let signals end the wait: a handler that only sets a flag would not."""
        signal.set_wakeup_fd(self._in.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGHUP, self._on_hang_up)
        for number in (signal.SIGUSR1, signal.SIGUSR2):
            signal.signal(number, signal.SIG_IGN)  # they would end the process; others use them to ask for a new log

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.signalled = signal.Signals(number).name

    def _on_hang_up(self, number: int, frame: FrameType | None) -> None:
        self._hung_up = True

    def hung_up(self) -> bool:
        """Say whether SIGHUP has come since the last call: a log rotator's, or that of a closing terminal."""
        told, self._hung_up = self._hung_up, False
        return told

    def until(self, host: Host, seconds: float) -> list[Client | object]:
        """Sleep for at most *seconds*; return which clients (or the listener, as registered) want attention."""
        self._mind(host)
        ready = [key.data for key, _ in self.selector.select(seconds)]
        try:
            while self._out.recv(4096):
                pass
        except BlockingIOError:
            pass
        return [data for data in ready if data is not None and data is not host]

    def _mind(self, host: Host) -> None:
        """Listen to the worker that *host* has now."""
        if self._worker is not None:
            self.selector.unregister(self._worker)
        self._worker = host.worker.fileno() if host.worker is not None else None
        if host.worker is not None and self._worker is not None:
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if host.worker.process.has_unsent else 0)
            self.selector.register(self._worker, events, host)
