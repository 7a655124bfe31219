"""Work that waits, written in the order in which it happens: a generator yields what it waits for, and gets the result.

Knows the disk thread and how writes to the journal are repeated; nothing of what is done there. All on the main thread.

What may come between two lines of a flow:

- The disk fails a call (a vanished outbox, a full disk): its error is raised where the call was yielded.
- The journal's disk is full: the flow waits at its `Record`, and so does every later one, in order; each write is
  repeated with back-off until it succeeds. Nothing is lost, and nothing is written out of order.
- The daemon is told to stop: flows go on until they end; those that have not ended in time are closed where they wait
  (`GeneratorExit`), and what they had recorded is taken up at the next start.
- The process is killed: as above, at any line. So every line must be repeatable from what the journal holds.
"""

from collections import deque
from collections.abc import Callable, Generator, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

from dropscribe.core.errors import ReasonedError
from dropscribe.files.disk_thread import DiskThread
from dropscribe.service.backoff import Backoff

T = TypeVar("T")


@dataclass(frozen=True)
class OnDisk:
    """Wait for *call* on the disk thread; its error is raised where this was yielded."""

    call: Callable[[], Any]


@dataclass(frozen=True)
class Record:
    """Wait until *call* has written to the journal, however long its disk is full."""

    call: Callable[[], Any]


@dataclass(frozen=True)
class Event:
    """Wait until somebody resumes the flows under this *key* (`Flows.resume`)."""

    key: Hashable


@dataclass(frozen=True)
class Until:
    """Wait until *condition*, asked with the time (monotonic) at each turn of the loop, gives something true."""

    condition: Callable[[float], Any]


Wait = OnDisk | Record | Event | Until
Flow = Generator[Wait, Any, T]


def on_disk(call: Callable[[], T]) -> Flow[T]:
    """Return what *call* gives on the disk thread."""
    result: T = yield OnDisk(call)
    return result


def record(call: Callable[[], T]) -> Flow[T]:
    """Return what *call* gives once it has written to the journal."""
    result: T = yield Record(call)
    return result


class Flows:
    """The flows under way."""

    def __init__(self, disk: DiskThread, backoff: Backoff) -> None:
        self._disk, self._backoff = disk, backoff
        self._running: set[Flow[None]] = set()
        self._events: dict[Hashable, list[Flow[None]]] = {}
        self._conditions: list[tuple[Flow[None], Callable[[float], Any]]] = []
        self._records: deque[tuple[Flow[None], Callable[[], Any]]] = deque()

    def __len__(self) -> int:
        return len(self._running)

    @property
    def unrecorded(self) -> bool:
        """Say whether something waits to be written to the journal."""
        return bool(self._records)

    def start(self, flow: Flow[None]) -> None:
        """Run *flow* to its first wait."""
        self._running.add(flow)
        self._go(flow, None)

    def record(self, call: Callable[[], Any]) -> None:
        """Write to the journal: now, or when its disk has room, behind what waits already."""
        self.start(record(call))

    def resume(self, key: Hashable, value: Any = None) -> None:
        """Send *value* to every flow that waits for the event *key*."""
        for flow in self._events.pop(key, []):
            self._go(flow, value)

    def tick(self, now: float) -> None:
        """Repeat writes that failed, and ask every condition that a flow waits for."""
        if self._records and self._backoff.open(now):
            self._repeat_records(now)
        for flow, condition in self._conditions.copy():
            if value := condition(now):
                self._conditions.remove((flow, condition))
                self._go(flow, value)

    def close(self) -> None:
        """End every flow where it waits; may be called twice."""
        for flow in self._running.copy():
            flow.close()
        for waiting in (self._running, self._events, self._conditions, self._records):
            waiting.clear()

    def _repeat_records(self, now: float) -> None:
        while self._records and self._backoff.open(now):
            flow, call = self._records[0]
            written, value = self._write(call)
            if written:
                self._records.popleft()
                self._go(flow, value)
        if not self._records:
            self._backoff.lift()

    def _write(self, call: Callable[[], Any]) -> tuple[bool, Any]:
        """Try to write; return whether it worked and what it gave, and let everything wait for the disk if not."""
        try:
            return True, call()
        except ReasonedError as error:
            self._backoff.put(error.reason, error.detail)
            return False, None

    def _go(self, flow: Flow[None], value: Any, error: Exception | None = None) -> None:
        """Let *flow* go on to its next wait, past every write that succeeds; one that has been closed stays closed."""
        if flow not in self._running:
            return
        written = True
        while written:
            wait = self._next(flow, value, error)
            written, value, error = False, None, None
            if isinstance(wait, Record) and not self._records:
                written, value = self._write(wait.call)
            if wait is not None and not written:
                self._wait(flow, wait)

    def _next(self, flow: Flow[None], value: Any, error: Exception | None) -> Wait | None:
        """Return what *flow* waits for next; None at its end."""
        try:
            return flow.send(value) if error is None else flow.throw(error)
        except BaseException as end:
            self._running.discard(flow)
            if isinstance(end, StopIteration):
                return None
            raise

    def _wait(self, flow: Flow[None], wait: Wait) -> None:
        match wait:
            case OnDisk(call):
                self._disk.ask(call, lambda result: self._go(flow, result), lambda error: self._go(flow, None, error))
            case Record(call):
                self._records.append((flow, call))
            case Event(key):
                self._events.setdefault(key, []).append(flow)
            case Until(condition):
                self._conditions.append((flow, condition))
