"""The worker's whole life: load an engine, read what it is ordered to, release, exit.

The main thread runs the engine (MLX is bound to its thread); a second one listens to the daemon, takes orders in hand
at once, and ends the process when the daemon is gone. It never touches the inbox's names, the archive or the journal:
it reads files behind descriptors and writes into staging folders.
"""

import os
import signal
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable

from dropscribe.config import Settings, restored
from dropscribe.core import protocol
from dropscribe.core.errors import ReasonedError
from dropscribe.core.framing import BrokenStream, Inbound, pack, receive
from dropscribe.core.protocol import ToDaemon, ToWorker
from dropscribe.core.status import MlxMemory
from dropscribe.engines import registry
from dropscribe.engines.base import Engine, LoadProgress, Signals
from dropscribe.memory import readings
from dropscribe.worker.decoder_helper import die_with_parent
from dropscribe.worker.reading import Reading
from dropscribe.worker.scheduler import Scheduler

Create = Callable[[str, Settings, Signals], Engine]
ORPHAN_GRACE = 5.0  # seconds for an orderly end when the daemon is gone


class Worker:
    """One engine and one connection to the daemon."""

    def __init__(self, connection: socket.socket, create: Create) -> None:
        self._create, self._connection = create, connection
        self._scheduler = Scheduler(self.send, self._mlx)
        self._messages: deque[ToWorker | None] = deque()  # for the main thread; None: the daemon is gone
        self._sending = threading.Lock()
        self._signals = Signals(
            servers=lambda servers: self.send(protocol.Servers(servers)),
            warning=lambda text: self.send(protocol.Warned(text)),
        )
        self._engine: Engine | None = None
        self._reading: Reading | None = None

    def run(self) -> None:
        """Serve until told to unload or until the daemon is gone."""
        self.send(protocol.Hello())
        threading.Thread(target=self._listen, name="listener", daemon=True).start()
        while True:
            self._wait()
            if self._leaving():
                break
            if self._reading is not None and self._scheduler.has_work:
                self._reading.read(interrupted=self._leaving)
        if isinstance(self._messages[0], protocol.Unload):
            self._unload()
        else:
            self._release()

    def send(self, message: ToDaemon) -> None:
        """Tell the daemon; one that is gone is noticed by the listener."""
        try:
            with self._sending:
                self._connection.sendall(pack(message))
        except OSError:
            pass

    # -- the listener's thread

    def _listen(self) -> None:
        """Sort messages as they come; end everything when the daemon is gone, in the middle of a page too."""
        inbound: Inbound[ToWorker] = Inbound(ToWorker)
        try:
            while (messages := receive(self._connection, inbound)) is not None:
                for message in messages:
                    self._sort(message)
        except BrokenStream:
            pass  # as good as gone
        self._signals.stop.set()
        self._put(None)
        threading.Event().wait(ORPHAN_GRACE)
        os.killpg(0, signal.SIGKILL)

    def _sort(self, message: ToWorker) -> None:
        """Do at once what must not wait for the engine; the rest is the main thread's."""
        match message:
            case protocol.Read(order) if self._reading is not None:
                self._reading.add(order)
            case protocol.Drop(job, claim):
                self._scheduler.drop(job, claim)
            case protocol.Drain():
                self._scheduler.drain()
            case protocol.Stop():
                self._signals.stop.set()
                self._scheduler.drain()
            case _:
                self._put(message)

    def _put(self, message: ToWorker | None) -> None:
        with self._scheduler.changed:
            self._messages.append(message)
            self._scheduler.changed.notify_all()

    # -- the main thread

    def _wait(self) -> None:
        """Wait for a message, or for something to read."""
        with self._scheduler.changed:
            while not self._messages and not (self._reading is not None and self._scheduler.has_work):
                self._scheduler.changed.wait()

    def _leaving(self) -> bool:
        """Do what the daemon has asked for, between pages; return whether it wants this process to leave."""
        while self._messages:
            message = self._messages[0]
            if message is None or isinstance(message, protocol.Unload):
                return True
            self._messages.popleft()
            self._handle(message)
        return False

    def _handle(self, message: ToWorker) -> None:
        match message:
            case protocol.Load():
                self._load(message)
            case protocol.Configure(settings) if self._reading is not None:
                self._reading.apply(restored(settings))
            case protocol.Trim() if self._engine is not None:
                self._engine.trim()
                self.send(protocol.Trimmed(self._mlx()))

    def _load(self, message: protocol.Load) -> None:
        settings = restored(message.settings)
        self._engine = self._create(message.engine, settings, self._signals)
        self.send(protocol.Estimate(self._engine.estimate()))
        try:
            self._engine.load(self._report)
        except ReasonedError as error:
            self.send(protocol.Unable(error.reason, error.detail))
            return
        state = os.fsdecode(message.state)
        self._reading = Reading(self._engine, self._signals, settings, state, self._scheduler, self.send)
        self.send(protocol.Ready(self._engine.info, self._engine.width, self._mlx()))

    def _report(self, progress: LoadProgress) -> None:
        self.send(protocol.Loading(progress.step, progress.done_bytes, progress.total_bytes))

    def _mlx(self) -> MlxMemory | None:
        return self._engine.mlx_memory() if self._engine is not None else None

    # -- the end

    def _release(self) -> None:
        if self._reading is not None:
            self._reading.close()
        if self._engine is not None:
            self._engine.unload()

    def _unload(self) -> None:
        """Give everything back in the engine's order, report, and leave."""
        before = self._mlx()
        self._release()
        self.send(protocol.Released(before, self._mlx()))
        # The daemon measures what is left of this process, then closes its end; the exit gives the rest back.
        with self._scheduler.changed:
            while self._messages[-1] is not None:
                self._scheduler.changed.wait()


def main(create: Create = registry.create) -> None:
    """Run on the socket whose number is the last argument; *create* makes the engine."""
    readings.one_heap()
    die_with_parent()
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # Ctrl-C and a closed terminal are the daemon's to answer
    connection = socket.socket(fileno=int(sys.argv[-1]))
    Worker(connection, create).run()
    registry.finish_thread()


if __name__ == "__main__":
    main()
