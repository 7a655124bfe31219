"""The child's whole life: load an engine, read what it is ordered to, render, release, exit.

Everything that decodes bytes of strangers or holds a model happens here and dies with the process. The main thread
runs the engine (MLX is bound to its thread); a second one watches the pipe and ends the process when the daemon is
gone. It never touches the inbox, the archive or the journal: it reads one file and writes into one staging folder.
"""

import ctypes
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from queue import SimpleQueue
from typing import Any

from dropscribe.config import Settings, checked
from dropscribe.core.errors import ReasonedError, Stopped
from dropscribe.core.framing import BrokenStream, Inbound, Message, pack, receive
from dropscribe.core.job import Order, Outcome
from dropscribe.engines import registry
from dropscribe.engines.base import Engine, LoadProgress, Signals
from dropscribe.worker import document

Create = Callable[[str, Settings, Signals], Engine]
ORPHAN_GRACE = 5.0  # seconds for an orderly end when the daemon is gone


class Worker:
    """One engine and one connection to the daemon."""

    def __init__(self, connection: socket.socket, create: Create) -> None:
        self._create = create
        self._connection = connection
        self._inbox: SimpleQueue[Message | None] = SimpleQueue()
        self._sending = threading.Lock()
        self._current: tuple[int, int] | None = None  # job and claim in hand
        self._stop_for: tuple[int, int] | None = None
        self._yield_for: tuple[int, int] | None = None
        self._at_any_page = False
        self._signals = Signals()
        self._engine: Engine | None = None
        self._orphan = False
        self._settings = Settings()
        self._state = ""

    def run(self) -> None:
        """Serve orders until told to unload or until the daemon is gone."""
        threading.Thread(target=self._watch_pipe, name="pipe", daemon=True).start()
        while (message := self._inbox.get()) is not None:
            if message["kind"] == "unload":
                self._unload()
                return
            self._handle(message)
        self._release()

    # -- the pipe

    def _watch_pipe(self) -> None:
        """Sort messages as they come; end everything when the daemon is gone, in the middle of a page too."""
        inbound = Inbound()
        try:
            while (messages := receive(self._connection, inbound)) is not None:
                for message in messages:
                    self._sort(message)
        except BrokenStream:
            pass  # as good as gone
        self._orphan = True
        self._signals.stop.set()
        self._inbox.put(None)
        threading.Event().wait(ORPHAN_GRACE)
        os.killpg(0, signal.SIGKILL)

    def _sort(self, message: Message) -> None:
        if message["kind"] == "stop":
            self._stop_for = (message["job"], message["claim"])
            if self._stop_for == self._current:
                self._signals.stop.set()
        elif message["kind"] == "yield":
            self._yield_for, self._at_any_page = (message["job"], message["claim"]), message["at_any_page"]
        else:
            self._inbox.put(message)

    def send(self, kind: str, **values: Any) -> None:
        """Tell the daemon; a daemon that is gone is noticed by the other thread."""
        try:
            with self._sending:
                self._connection.sendall(pack({"kind": kind, **values}))
        except OSError:
            pass

    # -- orders

    def _handle(self, message: Message) -> None:
        match message["kind"]:
            case "load":
                self._load(message)
            case "configure":
                self._settings = checked(message["settings"], "the daemon")
                if self._engine is not None:
                    self._engine.apply(self._settings)
            case "trim":
                if self._engine is not None:
                    self._engine.trim()
                self.send("trimmed", mlx=self._mlx())
            case "read":
                self._read(Order(**message["order"]))

    def _load(self, message: Message) -> None:
        self._settings = checked(message["settings"], "the daemon")
        self._state = message["state"]
        self._engine = self._create(message["engine"], self._settings, self._signals)
        self._signals.attempt = lambda page, mode: self.send("attempt", page=page, mode=mode)
        self._signals.tokens = lambda count: self.send("tokens", count=count)
        self.send("estimate", bytes=self._engine.estimate())
        try:
            self._engine.load(self._report)
        except ReasonedError as error:
            self.send("unable", reason=error.reason, detail=error.detail)
        else:
            self.send("ready", mlx=self._mlx(), info=asdict(self._engine.info))

    def _report(self, progress: LoadProgress) -> None:
        self.send("loading", step=progress.step, done_bytes=progress.done_bytes, total_bytes=progress.total_bytes)

    def _mlx(self) -> dict[str, int] | None:
        memory = self._engine.mlx_memory() if self._engine else None
        return asdict(memory) if memory else None

    def _read(self, order: Order) -> None:
        """Read one file; whatever happens becomes an outcome. The one broad handler: the edge of a job."""
        assert self._engine is not None
        self._current = order.job, order.claim
        if self._stop_for == self._current:
            self._signals.stop.set()
        try:
            outcome = document.read(order, self._engine, self._settings, self._state, self)
        except Stopped:
            outcome = Outcome(order.job, order.claim, "stopped")
        except ReasonedError as error:
            outcome = Outcome(order.job, order.claim, error.reason.kind, error.reason, error.detail)
        except MemoryError as error:
            outcome = document.out_of_memory(order, error)
        except Exception as error:
            outcome = document.broken(order, error)
        finally:
            self._current = None
            if not self._orphan:
                self._signals.stop.clear()
        self.send("outcome", mlx=self._mlx(), **asdict(outcome))

    # -- what `reading` asks and tells while it works

    def wants_yield(self, *, long: bool) -> bool:
        """Say whether the document in hand, if it is *long*, shall make way at the next page boundary."""
        asked = self._yield_for is not None and self._yield_for == self._current
        return asked and (long or self._at_any_page)

    def wants_stop(self) -> bool:
        """Say whether the reading in hand shall end."""
        return self._signals.stop.is_set()

    def progress(self, stage: str, page: int, pages: int) -> None:
        """Tell how far the job in hand is: decode, read, done, render."""
        self.send("progress", stage=stage, page=page, pages=pages, mlx=self._mlx() if stage == "done" else None)

    # -- the end

    def _release(self) -> None:
        if self._engine is not None:
            self._engine.unload()

    def _unload(self) -> None:
        """Give everything back in the engine's order, report, and leave."""
        before = self._mlx()
        self._release()
        self.send("released", mlx_before=before, mlx=self._mlx())
        # The daemon measures what is left of this process, then closes its end; the exit gives the rest back.
        while self._inbox.get() is not None:
            pass


def die_with_parent() -> None:
    """Ask Linux to kill this process when the daemon dies, even while native code holds the interpreter."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def main(create: Create = registry.create) -> None:
    """Run on the socket whose number is the last argument; *create* makes the engine."""
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the daemon's to answer
    connection = socket.socket(fileno=int(sys.argv[-1]))
    Worker(connection, create).run()
    registry.finish_thread()


if __name__ == "__main__":
    main()
