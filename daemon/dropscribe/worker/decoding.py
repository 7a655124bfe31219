"""The decoder's own process: opens one document, checks and rasterises its pages, renders its outputs, and exits.

Bytes of strangers are touched here and nowhere else, and only after the process has locked itself (`sandbox`). On Linux
a warm helper, which has imported the decoders, forks one such process a document; elsewhere (a fork there may meet
threads of system frameworks) each is started by itself, one ahead.
"""

import contextlib
import errno
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import IO

from dropscribe.config import Settings, restored
from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.core.file_types import PDF
from dropscribe.core.framing import Inbound, pack, receive_with_descriptors
from dropscribe.core.pages import Block, DocumentResult, Hidden, Page
from dropscribe.files.durable import NO_SPACE
from dropscribe.memory.malloc import malloc_relief
from dropscribe.sandbox.bounds import Bounds
from dropscribe.sandbox.lock import lock
from dropscribe.worker import decoder_helper, faults, pixels, warmth
from dropscribe.worker.decoder_protocol import (
    MOST_DESCRIPTORS,
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
from dropscribe.worker.page_cache import KeptPages

LARGEST_OUTPUT = 16  # times as long as the largest original an output may be


class _Decoder:
    """One document and the requests about it."""

    def __init__(self, connection: socket.socket, document: int, shared: int) -> None:
        self._connection, self._file, self._shared = connection, document, shared
        # Through the descriptor, so that it is this file and no other that may have come under its name since.
        self._path = f"/proc/self/fd/{document}" if sys.platform == "linux" else f"/dev/fd/{document}"
        self._settings = Settings()
        self._pages: Iterator[Page] | None = None
        self._figures: Iterator[tuple[int, int, bytes]] = iter(())

    def serve(self) -> None:
        """Answer until the worker closes its end."""
        from dropscribe.documents.opening import Document

        inbound: Inbound[Request] = Inbound(Request)
        self._document: Document | None = None
        self._result: DocumentResult | None = None
        self._send(Started(os.getpid()))
        while (heard := receive_with_descriptors(self._connection, inbound, MOST_DESCRIPTORS)) is not None:
            for request in heard[0]:
                self._send(self._answer(request, heard[1]))

    def _send(self, response: Response) -> None:
        self._connection.sendall(pack(response))

    def _answer(self, request: Request, descriptors: list[int]) -> Response:
        """Do what is asked; whatever goes wrong is an answer. The one broad handler: the edge of a document."""
        try:
            match request:
                case Open():
                    return self._open(request)
                case NextPage(skip):
                    return self._next_page(skip)
                case Collect():
                    return self._collect(request, *descriptors)
                case NextFigure():
                    return self._next_figure()
                case Render():
                    return self._render(request, *descriptors)
        except ReasonedError as error:
            return Fault(error.reason, _text(error.detail))
        except MemoryError:
            what = f"The {request.format}" if isinstance(request, Render) else "The file"
            return Fault(Reason.DECODE_MEMORY, f"{what} needs more memory than is allowed.")
        except OSError as error:
            return _system_fault(request, error)
        except Exception as error:
            return _program_fault(request, error)

    def _open(self, request: Open) -> Opened:
        from dropscribe.documents import limits
        from dropscribe.documents.opening import open_document

        self._settings = restored(request.settings)
        intake, size = self._settings.intake, os.fstat(self._file).st_size
        limits.check_size(self._path, self._settings)
        output = max(LARGEST_OUTPUT * intake.max_file, pixels.room(intake.max_pixels))
        bounds = Bounds(limits.memory_beyond(size, intake.max_pixels), output)
        limits.bound_for_good(size)
        lock(bounds, self._file, walls=intake.sandbox == "auto")
        self._document = open_document(self._path, self._settings, request.name)
        return Opened(self._document.media_type, self._document.count)

    def _next_page(self, skip: frozenset[int]) -> PageReady:
        assert self._document is not None
        if self._pages is None:
            self._pages = self._document.pages(skip)
        page = next(self._pages)
        pixels.write(self._shared, page.image.tobytes())
        ready = PageReady(
            page.number, page.width, page.height, page.rotation, page.dpi, page.from_pdf,
            None if page.text is None else _text(page.text), _blocks(page.blocks), page.blank, page.flags,
            tuple(map(_blocks, page.samples)),
        )  # fmt: skip
        if page.number == self._document.count:
            # They hold the last picture, and this process, one of many, waits for its turn to render.
            del page
            self._pages = iter(())
            malloc_relief()
        return ready

    def _collect(self, request: Collect, kept: int, scratch: int) -> Collected:
        from dropscribe.formats import figures
        from dropscribe.formats.pdf import actions

        assert self._document is not None
        self._result = DocumentResult(
            request.source, request.engine, KeptPages(kept), self._document.pages, self._path, request.created,
            request.seconds, request.reused, request.review, self._hidden, scratch=_once(scratch),
        )  # fmt: skip
        remarks: tuple[str, ...] = ()
        is_pdf = request.as_pdf and request.source.media_type == PDF
        if is_pdf and self._settings.output.pdf_actions == "strip":
            removed = actions.found(self._path)
            self._result = replace(actions.flagged(self._result, removed.pages), strip_actions=True)
            remarks = (f"taken out of the PDF: {', '.join(sorted(removed.kinds))}",) if removed.kinds else ()
        self._figures = figures.cut_out(self._result)
        return Collected(remarks)

    def _hidden(self, number: int) -> Hidden:
        """Return what is to be left out of the PDF; nothing where that would be the only copy."""
        assert self._document is not None
        return Hidden() if self._settings.output.originals == "delete" else self._document.hidden(number)

    def _next_figure(self) -> FigureReady | Done:
        found = next(self._figures, None)
        if found is None:
            return Done()
        page, index, content = found
        pixels.write(self._shared, content)
        return FigureReady(page, index, len(content))

    def _render(self, request: Render, output: int) -> Done:
        from dropscribe.formats import figures
        from dropscribe.formats.registry import renderer

        assert self._result is not None
        linked = figures.linked(self._result, os.fsdecode(request.stem), request.figures)
        renderer(request.format)(linked if request.figures else self._result, output)
        return Done()


def _once(descriptor: int) -> Callable[[], IO[bytes]]:
    """Return what opens the nameless file, which the one format that needs it closes."""
    return lambda: open(descriptor, "w+b")


def _system_fault(request: Request, error: OSError) -> Fault:
    """Return the answer for an *error* of the system while outputs are written; decoding judges its own."""
    if error.errno in NO_SPACE:
        return Fault(Reason.DISK_FULL, _text(f"No space left: {error}."))
    if error.errno == errno.EFBIG:
        what = f"The {request.format}" if isinstance(request, Render) else "An output"
        return Fault(Reason.TOO_BIG, f"{what} would be more than {LARGEST_OUTPUT} times as long as intake.max_file.")
    return _program_fault(request, error)


def _program_fault(request: Request, error: Exception) -> Fault:
    fault = faults.met(_undone(request), error)
    return Fault(fault.reason, fault.detail, _text(fault.trace))


def _undone(request: Request) -> str:
    """Say for people what could not be done."""
    match request:
        case Open():
            return "The file could not be opened"
        case NextPage():
            return "A page could not be decoded"
        case Collect():
            return "The texts could not be collected"
        case NextFigure():
            return "A figure could not be cut out"
        case Render(name):
            return f"The {name} could not be written"


def _text(text: str) -> str:
    """Return *text* as a message can carry it: undecodable names escaped."""
    return text.encode("utf-8", "backslashreplace").decode()


def _blocks(blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    return tuple(replace(block, text=_text(block.text)) for block in blocks)


def serve(connection: socket.socket, document: int, shared: int) -> None:
    """Decode the document behind a descriptor for as long as the worker wants."""
    with closing(connection), contextlib.suppress(ConnectionError, BrokenPipeError):
        _Decoder(connection, document, shared).serve()


def refuse(detail: str, connection: socket.socket, document: int, shared: int) -> None:
    """Say of a document that none can be opened here, and why."""
    with closing(connection), contextlib.suppress(ConnectionError, BrokenPipeError):
        connection.sendall(pack(Fault(Reason.ENGINE_UNAVAILABLE, detail)))


def main() -> None:
    """Run as the helper, or as what waits for one document; the argument is the descriptor of its connection."""
    decoder_helper.die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the daemon's to answer
    connection = socket.socket(fileno=int(sys.argv[1]))
    try:
        warmth.warm()
    except Exception as error:  # an installation that lacks something: a crash would say less
        traceback.print_exception(error)
        said = _text(f"No file can be opened ({type(error).__name__}: {error}).")
        decoder_helper.wait_for_one(connection, partial(refuse, said))  # and the next document finds what is mended
        return
    if sys.platform == "linux":
        decoder_helper.run(connection, serve)
    else:
        decoder_helper.wait_for_one(connection, serve)


if __name__ == "__main__":
    main()
