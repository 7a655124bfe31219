"""The worker's handle on its decoders: a process a document, with limits of time and memory. It decodes nothing itself.

When such a process dies, hangs or grows out of bounds, the file in its hands is at fault, exactly; the model stays.
"""

import contextlib
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable

from dropscribe.config import Settings, plain
from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.core.framing import BrokenStream, Inbound, pack, receive
from dropscribe.core.pages import Page
from dropscribe.memory import readings
from dropscribe.worker import pixels
from dropscribe.worker.decoder_protocol import (
    Fault,
    NextPage,
    Open,
    Opened,
    PageReady,
    Render,
    Rendered,
    Request,
    Response,
    Started,
)

COMMAND = (sys.executable, "-m", "dropscribe.worker.decoding")
FORKS = sys.platform == "linux"
START = 60.0  # seconds in which a decoder must be there: the helper imports everything first
ORPHANED = 0.2  # seconds in which a parent that takes its decoders along is seen to have ended
LOOK = 0.5  # seconds between looks at a decoder that takes its time
# A decoder may hold so many bytes beside the pages themselves, and so many for each pixel of the largest page allowed
# (see `documents.limits`, which bounds the address space where the system enforces that).
FLOOR_BYTES, PIXEL_BYTES = 2 << 30, 24


class UnreadError(ReasonedError):
    """A document goes back unread, and its file is not at fault."""


class DocumentProcess:
    """One document in a process of its own; *orphaned* says whether that died because its parent did."""

    def __init__(
        self, connection: socket.socket, shared: int, what: str, settings: Settings, orphaned: Callable[[], bool]
    ) -> None:
        self._connection, self._shared, self._what, self._settings = connection, shared, what, settings
        self._orphaned = orphaned
        self._inbound: Inbound[Response] = Inbound(Response)
        self._pid: int | None = None
        self._begun_pages = False
        self.media_type, self.count = "", 0

    def open(self, name: bytes) -> None:
        """Open the document; raise `ReasonedError` when that cannot be."""
        started = self._hear(START, "Starting a decoder")
        assert isinstance(started, Started)
        self._pid = started.pid
        limit = 2 * self._settings.intake.decode_timeout
        opened = self._ask(Open(name, plain(self._settings)), limit, "Opening the file")
        assert isinstance(opened, Opened)
        self.media_type, self.count = opened.media_type, opened.count

    def next_page(self, skip: frozenset[int], document: int) -> Page:
        """Return the next page that is not in *skip*, as a page of *document*; raise `ReasonedError`."""
        request = NextPage(frozenset() if self._begun_pages else skip)
        self._begun_pages = True
        ready = self._ask(request, self._settings.intake.decode_timeout, "Decoding a page", "intake.decode_timeout")
        assert isinstance(ready, PageReady)
        image = pixels.read(self._shared, ready.width, ready.height)
        return Page(
            ready.number, image, ready.rotation, ready.dpi, ready.from_pdf, ready.text, ready.blocks, ready.blank,
            ready.flags, document, ready.samples,
        )  # fmt: skip

    def render(self, request: Render) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Write the outputs; return the suffixes of the files, and remarks on them; raise `ReasonedError`."""
        limit = self._settings.intake.decode_timeout * (self.count + 1)
        rendered = self._ask(request, limit, "Writing the results")
        assert isinstance(rendered, Rendered)
        return rendered.staged, rendered.remarks

    def close(self) -> None:
        """Let the process go, which ends when it has noticed; may be called twice."""
        if self._shared >= 0:
            os.close(self._shared)
            self._shared = -1
        self._connection.close()

    def _kill(self) -> None:
        """End a process that does not come back by itself."""
        if self._pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
        self.close()

    def _ask(self, request: Request, seconds: float, doing: str, setting: str = "") -> Response:
        try:
            self._connection.sendall(pack(request))
        except OSError:
            raise self._crashed() from None
        response = self._hear(seconds, doing, setting)
        if isinstance(response, Fault):
            raise ReasonedError(response.reason, response.detail)
        return response

    def _hear(self, seconds: float, doing: str, setting: str = "") -> Response:
        """Return the next response; a decoder that overstays or bloats is ended."""
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._connection, selectors.EVENT_READ)
            while True:
                if selector.select(max(0.0, min(LOOK, deadline - time.monotonic()))):
                    try:
                        responses = receive(self._connection, self._inbound)
                    except BrokenStream:
                        responses = None
                    if responses is None:
                        raise self._crashed()
                    if responses:
                        return responses[0]
                    continue
                self._check_memory()
                if time.monotonic() >= deadline:
                    self._kill()
                    by = f"{setting} ({seconds:g} s)" if setting else f"{seconds:g} s"
                    raise ReasonedError(Reason.DECODE_TIMEOUT, f"{doing} took longer than {by}.")

    def _check_memory(self) -> None:
        if self._pid is None:
            return
        used = readings.footprint(self._pid)
        bound = FLOOR_BYTES + PIXEL_BYTES * self._settings.intake.max_pixels
        if used is not None and used > bound:
            self._kill()
            raise ReasonedError(Reason.DECODE_MEMORY, f"{self._what} takes too much memory to decode.")

    def _crashed(self) -> ReasonedError:
        self.close()
        if self._orphaned():
            return UnreadError(Reason.ENGINE_CRASH, "The process that starts decoders died.")
        return ReasonedError(Reason.DAMAGED, f"The decoder crashed on {self._what}: it is damaged, or made to harm.")


class Decoders:
    """Starts a process for each document."""

    def __init__(self, settings: Callable[[], Settings]) -> None:
        self._settings = settings
        self._helper: tuple[subprocess.Popen[bytes], socket.socket] | None = None
        if FORKS:
            self._start_helper()

    def start(self, document: int, what: str) -> DocumentProcess:
        """Return a process for the file behind the descriptor *document*; *what* names it for people."""
        ours, theirs = socket.socketpair()
        shared = pixels.shared_memory()
        try:
            self._hand_over(theirs, document, shared)
        except BaseException:
            ours.close()
            os.close(shared)
            raise
        finally:
            theirs.close()
        helper = self._helper
        return DocumentProcess(ours, shared, what, self._settings(), lambda: helper is not None and _ended(helper[0]))

    def close(self) -> None:
        """End the helper; processes of documents are closed by their owners. May be called twice."""
        if self._helper is not None:
            process, connection = self._helper
            self._helper = None
            connection.close()
            process.kill()
            process.wait()

    def _hand_over(self, theirs: socket.socket, document: int, shared: int) -> None:
        descriptors = [theirs.fileno(), document, shared]
        if not FORKS:
            subprocess.Popen(  # a child of ours that nobody waits for: it ends when we close the connection
                [*COMMAND, *map(str, descriptors)], pass_fds=descriptors, stdin=subprocess.DEVNULL
            )
            return
        try:
            if self._helper is None:
                self._start_helper()
            self._send(descriptors)
        except OSError:  # it has died
            self.close()
            self._start_helper()
            self._send(descriptors)

    def _send(self, descriptors: list[int]) -> None:
        assert self._helper is not None
        socket.send_fds(self._helper[1], [b"d"], descriptors)

    def _start_helper(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            # One thread: idle threads of a linear algebra library would not survive the forks.
            process = subprocess.Popen(
                [*COMMAND, str(theirs.fileno())], pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL,
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            )  # fmt: skip
        self._helper = process, ours


def _ended(process: subprocess.Popen[bytes]) -> bool:
    """Say whether a process has ended, or does so just now."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(ORPHANED)
    return process.returncode is not None
