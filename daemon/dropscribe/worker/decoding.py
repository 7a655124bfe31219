"""The decoder's own process: opens one document, checks and rasterises its pages, renders its outputs, and exits.

Bytes of strangers are touched here and nowhere else. On Linux a warm helper, which has imported the decoders, forks one
such process a document; elsewhere (a fork there may meet threads of system frameworks) each is started by itself.
"""

import array
import contextlib
import gc
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

from dropscribe.config import Settings, restored
from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.core.file_types import PDF
from dropscribe.core.framing import Inbound, pack, receive
from dropscribe.core.pages import Block, DocumentResult, Hidden, Page
from dropscribe.files.durable import NO_SPACE
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
from dropscribe.worker.page_cache import PageCache


class _Decoder:
    """One document and the requests about it."""

    def __init__(self, connection: socket.socket, document: int, shared: int) -> None:
        self._connection, self._shared = connection, shared
        # Through the descriptor, so that it is this file and no other that may have come under its name since.
        self._path = f"/proc/self/fd/{document}" if sys.platform == "linux" else f"/dev/fd/{document}"
        self._settings = Settings()
        self._pages: Iterator[Page] | None = None

    def serve(self) -> None:
        """Answer until the worker closes its end."""
        from dropscribe.documents.opening import Document

        inbound: Inbound[Request] = Inbound(Request)
        self._document: Document | None = None
        self._send(Started(os.getpid()))
        while (requests := receive(self._connection, inbound)) is not None:
            for request in requests:
                self._send(self._answer(request))

    def _send(self, response: Response) -> None:
        self._connection.sendall(pack(response))

    def _answer(self, request: Request) -> Response:
        """Do what is asked; whatever goes wrong is an answer. The one broad handler: the edge of a document."""
        try:
            match request:
                case Open():
                    return self._open(request)
                case NextPage(skip):
                    return self._next_page(skip)
                case Render():
                    return self._render(request)
        except ReasonedError as error:
            return Fault(error.reason, _text(error.detail))
        except MemoryError:
            return Fault(Reason.DECODE_MEMORY, "The file needs more memory than is allowed.")
        except OSError as error:
            if error.errno in NO_SPACE:
                return Fault(Reason.DISK_FULL, _text(f"No space left: {error}."))
            return Fault(Reason.ENGINE_ERROR, _text(f"{type(error).__name__}: {error}"))
        except Exception as error:
            return Fault(Reason.ENGINE_ERROR, _text(f"{type(error).__name__}: {error}"))

    def _open(self, request: Open) -> Opened:
        from dropscribe.documents.opening import open_document

        self._settings = restored(request.settings)
        self._document = open_document(self._path, self._settings, request.name)
        return Opened(self._document.media_type, self._document.count)

    def _next_page(self, skip: frozenset[int]) -> PageReady:
        assert self._document is not None
        if self._pages is None:
            self._pages = self._document.pages(skip)
        page = next(self._pages)
        pixels.write(self._shared, page.image)
        if page.number == self._document.count:
            self._pages = iter(())  # it holds the last picture, and this process waits for its turn to render
        return PageReady(
            page.number, page.width, page.height, page.rotation, page.dpi, page.from_pdf,
            None if page.text is None else _text(page.text), _blocks(page.blocks), page.blank, page.flags,
            tuple(map(_blocks, page.samples)),
        )  # fmt: skip

    def _render(self, request: Render) -> Rendered:
        from dropscribe.formats import figures
        from dropscribe.formats.pdf import actions
        from dropscribe.formats.registry import SUFFIXES, renderer

        assert self._document is not None
        texts = PageCache(request.cache_folder, request.cache_name)
        result = DocumentResult(
            request.source, request.engine, texts, self._document.pages, self._path,
            request.created, request.seconds, request.reused, request.review, self._hidden,
        )  # fmt: skip
        remarks: tuple[str, ...] = ()
        is_pdf = "pdf" in request.formats and request.source.media_type == PDF
        if is_pdf and self._settings.output.pdf_actions == "strip":
            removed = actions.found(self._path)
            result = replace(actions.flagged(result, removed.pages), strip_actions=True)
            remarks = (f"taken out of the PDF: {', '.join(sorted(removed.kinds))}",) if removed.kinds else ()
        staging, stem = os.fsdecode(request.staging), os.fsdecode(request.stem)
        staged: list[str] = []
        if self._settings.output.figures:
            staged += figures.crop_figures(result, staging, "out")
            result = figures.linked(result, stem, staged)
        for name in request.formats:
            renderer(name)(result, os.path.join(staging, "out" + SUFFIXES[name]))
            staged.append(SUFFIXES[name])
        return Rendered(tuple(staged), remarks)

    def _hidden(self, number: int) -> Hidden:
        """Return what is to be left out of the PDF; nothing where that would be the only copy."""
        assert self._document is not None
        return Hidden() if self._settings.output.originals == "delete" else self._document.hidden(number)


def _text(text: str) -> str:
    """Return *text* as a message can carry it: undecodable names escaped."""
    return text.encode("utf-8", "backslashreplace").decode()


def _blocks(blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    return tuple(replace(block, text=_text(block.text)) for block in blocks)


def serve(connection: socket.socket, document: int, shared: int) -> None:
    """Decode the document behind a descriptor for as long as the worker wants."""
    with closing(connection), contextlib.suppress(ConnectionError, BrokenPipeError):
        _Decoder(connection, document, shared).serve()


def warm() -> None:
    """Import what decoding needs, so that each process a document begins with it."""
    from dropscribe.documents import opening
    from dropscribe.documents.image import document
    from dropscribe.documents.pdf import document as pdf_document
    from dropscribe.formats import alto, figures, hocr, json, md, txt
    from dropscribe.formats.pdf import render

    assert all((opening, document, pdf_document, alto, figures, hocr, json, md, txt, render))
    gc.collect()
    gc.freeze()  # what is imported is shared with every child, as long as nobody touches it


def helper(connection: socket.socket) -> None:
    """Fork a process for each document that the worker sends (its connection, the document, shared memory)."""
    warm()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    while True:
        message, ancillary, _, _ = connection.recvmsg(1, socket.CMSG_SPACE(3 * array.array("i").itemsize))
        if not message:
            return
        theirs, document, shared = _descriptors(ancillary)
        if os.fork() == 0:
            connection.close()
            die_with_parent()
            serve(socket.socket(fileno=theirs), document, shared)
            os._exit(0)
        for descriptor in (theirs, document, shared):
            os.close(descriptor)


def _descriptors(ancillary: list[tuple[int, int, bytes]]) -> list[int]:
    found = array.array("i")
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            found.frombytes(data[: len(data) - len(data) % found.itemsize])
    return list(found)


def die_with_parent() -> None:
    """Ask Linux to kill this process when its parent ends, even while native code holds the interpreter."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def main() -> None:
    """Run as the helper (one descriptor given) or for one document (its connection, the document, shared memory)."""
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the daemon's to answer
    first, *others = map(int, sys.argv[1:])
    connection = socket.socket(fileno=first)
    if others:
        serve(connection, *others)
    else:
        helper(connection)


if __name__ == "__main__":
    main()
