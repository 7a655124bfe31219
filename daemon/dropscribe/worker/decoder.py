"""The worker's handle on its decoders: a process a document, locked and with limits. It decodes nothing itself.

When such a process dies, hangs or grows out of bounds, the file in its hands is at fault, exactly; the model stays.
What it says is not believed beyond that file: it may be in the hands of whoever made it.
"""

import contextlib
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from dropscribe.config import Settings, plain
from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.core.framing import BrokenStream, Inbound, pack, receive
from dropscribe.core.pages import Page
from dropscribe.memory import readings
from dropscribe.worker import pixels
from dropscribe.worker.decoder_protocol import (
    Collect,
    Collected,
    Done,
    Fault,
    FigureReady,
    NextFigure,
    NextPage,
    Open,
    Opened,
    PageReady,
    Render,
    Request,
    Response,
    Started,
)
from dropscribe.worker.faults import ProgramFault
from dropscribe.worker.helper import Helper, Spare

FORKS = sys.platform == "linux"
START = 60.0  # seconds in which a decoder must be there: the helper imports everything first
LOOK = 0.5  # seconds between looks at a decoder that takes its time
# Where the system does not bound address space (`documents.limits` says how much), a decoder may hold so many bytes
# beside the pages themselves, and so many for each pixel of the largest page allowed.
FLOOR_BYTES, PIXEL_BYTES = 1 << 30, 24
# Signals that native libraries end their process with where memory is refused, and the one by which a system does
# that is out of it. OpenCV, PDFium and C++ itself abort; so does the C library when memory was corrupted.
OUT_OF_MEMORY = frozenset({signal.SIGABRT, signal.SIGKILL, signal.SIGTRAP, signal.SIGILL})

R = TypeVar("R", Started, Opened, PageReady, Collected, Done)


class UnreadError(ReasonedError):
    """A document goes back unread, and its file is not at fault."""


class DocumentProcess:
    """One document in a process of its own; *ended* tells how a process did (see `Helper.death`)."""

    def __init__(
        self, connection: socket.socket, shared: int, what: str, settings: Settings, ended: Callable[[int], int | None]
    ) -> None:
        self._connection, self._shared, self._what, self._settings = connection, shared, what, settings
        self._ended = ended
        self._inbound: Inbound[Response] = Inbound(Response)
        self.pid: int | None = None
        self._begun_pages = False
        self.media_type, self.count = "", 0

    def open(self, name: bytes) -> None:
        """Open the document; raise `ReasonedError` when that cannot be."""
        first = self._hear(START, "Starting a decoder")
        if isinstance(first, Fault):  # it has not looked at the file yet, so it can be believed
            raise ReasonedError(Reason.ENGINE_UNAVAILABLE, first.detail)
        self.pid = self._expected(Started, first).pid
        limit = 2 * self._settings.intake.decode_timeout
        opened = self._expected(Opened, self._ask(Open(name, plain(self._settings)), limit, "Opening the file"))
        self.media_type, self.count = opened.media_type, opened.count

    def next_page(self, skip: frozenset[int], document: int) -> Page:
        """Return the next page that is not in *skip*, as a page of *document*; raise `ReasonedError`."""
        request = NextPage(frozenset() if self._begun_pages else skip)
        self._begun_pages = True
        limit = self._settings.intake.decode_timeout
        ready = self._expected(PageReady, self._ask(request, limit, "Decoding a page", "intake.decode_timeout"))
        if not 1 <= ready.number <= self.count:
            raise self._untrue()
        try:
            image = pixels.read_image(self._shared, ready.width, ready.height)
        except ValueError:
            raise self._untrue() from None
        return Page(
            ready.number, image, ready.rotation, ready.dpi, ready.from_pdf, ready.text, ready.blocks, ready.blank,
            ready.flags, document, ready.samples,
        )  # fmt: skip

    def collect(self, request: Collect, kept: int, scratch: int) -> tuple[str, ...]:
        """Tell what was read, with its *kept* pages and a nameless file, both the caller's; return remarks on it."""
        limit = self._settings.intake.decode_timeout
        response = self._ask(request, limit, "Collecting the texts", files=[kept, scratch])
        return self._expected(Collected, response).remarks

    def next_figure(self) -> tuple[int, int, bytes] | None:
        """Return page, index and JPEG file of the next figure; None after the last."""
        response = self._ask(NextFigure(), self._settings.intake.decode_timeout, "Cutting out a figure")
        if not isinstance(response, FigureReady):
            self._expected(Done, response)
            return None
        try:
            return response.page, response.index, bytes(pixels.read(self._shared, response.size))
        except ValueError:
            raise self._untrue() from None

    def render(self, request: Render, output: int) -> None:
        """Write one format into the open file *output*, which stays the caller's; raise `ReasonedError`."""
        limit = self._settings.intake.decode_timeout * (self.count + 1)
        self._expected(Done, self._ask(request, limit, f"Writing the {request.format}", files=[output]))

    def close(self) -> None:
        """Let the process go, which ends when it has noticed; may be called twice."""
        if self._shared >= 0:
            os.close(self._shared)
            self._shared = -1
        self._connection.close()

    def _kill(self) -> None:
        """End a process that does not come back by itself."""
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        self.close()

    def _ask(
        self, request: Request, seconds: float, doing: str, setting: str = "", files: Sequence[int] = ()
    ) -> Response:
        message = pack(request)
        try:
            sent = socket.send_fds(self._connection, [message], list(files)) if files else 0
            self._connection.sendall(message[sent:])
        except OSError:
            raise self._crashed() from None
        response = self._hear(seconds, doing, setting)
        if isinstance(response, Fault):
            if response.trace:
                raise ProgramFault(response.detail, response.trace)
            raise ReasonedError(response.reason, response.detail)
        return response

    def _expected(self, kind: type[R], response: Response) -> R:
        if not isinstance(response, kind):
            raise self._untrue()
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
                        raise self._untrue() from None
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
        if self.pid is None:
            return
        used = readings.footprint(self.pid)
        bound = FLOOR_BYTES + PIXEL_BYTES * self._settings.intake.max_pixels
        if used is not None and used > bound:
            self._kill()
            raise ReasonedError(Reason.DECODE_MEMORY, f"{self._what} takes too much memory to decode.")

    def _crashed(self) -> ReasonedError:
        """Return what the end of the process means."""
        self.close()
        if self.pid is None:
            what = "The process that opens files died before it saw one; worker.log in the state folder says why."
            return ReasonedError(Reason.ENGINE_UNAVAILABLE, what)
        code = self._ended(self.pid)
        if code is None:
            return UnreadError(Reason.ENGINE_CRASH, "The process that starts decoders died.")
        if -code in OUT_OF_MEMORY:
            what = f"The decoder gave up on {self._what}, as it does when it is allowed no more memory."
            return ReasonedError(Reason.DECODE_MEMORY, what)
        if -code == signal.SIGSYS:
            what = f"{self._what} made its decoder ask for what no decoder needs, and it was ended: it is made to harm."
            return ReasonedError(Reason.DAMAGED, what)
        return ReasonedError(Reason.DAMAGED, f"The decoder crashed on {self._what}: it is damaged, or made to harm.")

    def _untrue(self) -> ReasonedError:
        """Return the error for a process that answers what no decoder would."""
        self._kill()
        return ReasonedError(Reason.DAMAGED, f"The decoder of {self._what} is no longer itself: it is made to harm.")


class Decoders:
    """Starts a process for each document."""

    def __init__(self) -> None:
        self._helper: Helper | Spare | None = new_helper()

    def start(self, document: int, what: str, settings: Settings) -> DocumentProcess:
        """Return a process for the file behind the descriptor *document*; *what* names it for people.

        *settings* are those of the file.
        """
        ours, theirs = socket.socketpair()
        shared = pixels.shared_memory(settings.intake.max_pixels)
        try:
            ended = self._hand_over([theirs.fileno(), document, shared])
        except BaseException:
            ours.close()
            os.close(shared)
            raise
        finally:
            theirs.close()
        return DocumentProcess(ours, shared, what, settings, ended)

    def close(self) -> None:
        """End the helper; processes of documents are closed by their owners. May be called twice."""
        if self._helper is not None:
            self._helper.close()
            self._helper = None

    def _hand_over(self, descriptors: list[int]) -> Callable[[int], int | None]:
        """Start a process with these descriptors; return what tells how it ended."""
        try:
            self._helper = self._helper or new_helper()
            self._helper.begin(descriptors)
        except OSError:  # it has died
            self.close()
            self._helper = new_helper()
            self._helper.begin(descriptors)
        ended = self._helper.death
        if isinstance(self._helper, Spare):
            self._helper = Spare()  # the next document finds it warm
        return ended


def new_helper() -> Helper | Spare:
    """Start what this system's documents are given to."""
    return Helper() if FORKS else Spare()
