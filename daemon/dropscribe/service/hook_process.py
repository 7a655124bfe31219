"""One run of a hook: the user's own command, in a process group of its own, watched by a thread.

What it prints is logged, up to a bound, and read to the end, so that it never waits for us. It ends by itself, or its
whole group is ended: asked first, then killed. It cannot do anything to the file: that has been archived already.
"""

import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from dropscribe.core.errors import SHORTAGE
from dropscribe.core.job import on_one_line
from dropscribe.log import LOG

GRACE = 5.0  # seconds between asking a group to end and killing it
LEFT_BEHIND = 1.0  # seconds for which the output of what a hook has left running is still read
MOST_LINES, LONGEST_LINE = 100, 500  # of what is logged: lines of a run, characters of a line
_PIECE = 65536  # bytes


@dataclass(frozen=True)
class Result:
    """How a run ended: `exit` as the shell counts (128 and the signal's number), None where it could not begin."""

    exit: int | None
    message: str  # the last line that it wrote to standard error, or why it was ended
    seconds: float
    stopped: bool = False  # it is to run again: the daemon ended it by its own end, or the system lacks something now

    @property
    def ok(self) -> bool:
        """Say whether it did what it was meant to."""
        return self.exit == 0


class HookProcess:
    """A run under way; *over* is called, on a thread of its own, when `result` is there."""

    def __init__(
        self, command: Sequence[str], told: bytes, environment: Mapping[str, str], folder: str, timeout: float,
        over: Callable[[], None], grace: float = GRACE,
    ) -> None:  # fmt: skip
        self._command, self._told, self._environment, self._folder = command, told, environment, folder
        self._timeout, self._over, self._grace = timeout, over, grace
        self._stop = threading.Event()
        self._lines = 0
        self._last_error = ""
        self.result: Result | None = None
        self._thread = threading.Thread(target=self._run, name="hook", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the run without a further grace, and wait for that; the run counts as not begun."""
        self._stop.set()
        self._thread.join(self._grace)

    def _run(self) -> None:
        begun = time.monotonic()
        try:
            code, why = self._watched(begun)
            result = Result(code, why or self._last_error, time.monotonic() - begun, self._stop.is_set())
        except (OSError, ValueError) as error:
            what = getattr(error, "strerror", None) or str(error)
            shortage = isinstance(error, OSError) and error.errno in SHORTAGE
            result = Result(None, f"{self._command[0]} cannot be run ({what})", 0.0, stopped=shortage)
        self.result = result
        self._over()

    def _watched(self, begun: float) -> tuple[int, str]:
        """Run the command to its end; return its exit code, and why it was ended if it was."""
        with (
            subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                cwd=self._folder, env=self._environment, start_new_session=True,
            ) as process,
            selectors.DefaultSelector() as selector,
        ):  # fmt: skip
            streams = _Streams(process, selector, self._told, self._line)
            why, asked, ended = "", None, None
            while ended is None or (streams.open and time.monotonic() < ended + LEFT_BEHIND):
                streams.serve(0.1)
                now = time.monotonic()
                if ended is None and process.poll() is not None:
                    ended = now
                elif ended is None and asked is None and (why := self._reason_to_end(now - begun)):
                    asked = now
                    _signal(process, signal.SIGKILL if self._stop.is_set() else signal.SIGTERM)
                elif ended is None and asked is not None and now > asked + self._grace:
                    _signal(process, signal.SIGKILL)
            if asked is not None:
                _signal(process, signal.SIGKILL)  # what is left of the group
            streams.close()
            return process.returncode if process.returncode >= 0 else 128 - process.returncode, why

    def _reason_to_end(self, seconds: float) -> str:
        if self._stop.is_set():
            return "the daemon is stopping"
        return f"it took longer than hooks.timeout ({self._timeout:g} s)" if seconds > self._timeout else ""

    def _line(self, line: str, is_error: bool) -> None:
        shown = on_one_line(line[:LONGEST_LINE])
        if is_error and shown.strip():
            self._last_error = shown
        self._lines += 1
        if self._lines <= MOST_LINES:
            LOG.info("hook: %s", shown)
        elif self._lines == MOST_LINES + 1:
            LOG.info("hook: what else it prints is left out")


def _signal(process: "subprocess.Popen[bytes]", number: int) -> None:
    """Send a signal to the whole group."""
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        pass  # it has ended; on a Mac a group of zombies may not be signalled


class _Streams:
    """The three streams of a process, served without blocking: what it is told, and what it says, line by line."""

    def __init__(
        self, process: "subprocess.Popen[bytes]", selector: selectors.BaseSelector, told: bytes,
        line: Callable[[str, bool], None],
    ) -> None:  # fmt: skip
        assert process.stdin and process.stdout and process.stderr
        self._selector, self._told, self._line = selector, memoryview(told), line
        self._input, self._error = process.stdin.fileno(), process.stderr.fileno()
        self._begun: dict[int, bytearray] = {}  # a line that is not whole yet, by stream
        for file in (process.stdin, process.stdout, process.stderr):
            os.set_blocking(file.fileno(), False)
            selector.register(file, selectors.EVENT_WRITE if file is process.stdin else selectors.EVENT_READ)

    @property
    def open(self) -> bool:
        """Say whether anything may still be said."""
        return any(key.events & selectors.EVENT_READ for key in self._selector.get_map().values())

    def serve(self, seconds: float) -> None:
        """Wait for so long at most, and take or give what there is."""
        for key, _ in self._selector.select(seconds):
            (self._give if key.fd == self._input else self._take)(key)

    def close(self) -> None:
        """Say what is left of a line."""
        for stream, line in self._begun.items():
            if line:
                self._line(line.decode("utf-8", "replace"), stream == self._error)

    def _give(self, key: selectors.SelectorKey) -> None:
        try:
            self._told = self._told[os.write(key.fd, self._told[:_PIECE]) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._told = self._told[:0]  # it does not want to know
        if not self._told:
            self._end(key)

    def _take(self, key: selectors.SelectorKey) -> None:
        data = os.read(key.fd, _PIECE)
        if not data:
            self._end(key)
            return
        begun = self._begun.setdefault(key.fd, bytearray())
        *lines, rest = data.split(b"\n")
        for line in lines:
            self._line((begun + line).decode("utf-8", "replace"), key.fd == self._error)
            begun.clear()
        begun += rest[: max(0, LONGEST_LINE * 4 - len(begun))]

    def _end(self, key: selectors.SelectorKey) -> None:
        self._selector.unregister(key.fileobj)
        key.fileobj.close()  # type: ignore[union-attr]  # a stream of the process
