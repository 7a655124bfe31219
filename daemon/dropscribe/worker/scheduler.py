"""Which page is next, among all documents in the worker's hands.

Shared by three threads (decoder, engine, renderer), under one lock. It decodes, reads and renders nothing itself.

Pages of files that somebody waits for at a terminal come first, then documents of at most 20 pages before longer ones,
then in order of arrival: a short job never waits for a long one. A document waits for another of the same content that
comes before it, and takes its pages from the cache.
"""

import threading
from collections.abc import Callable

from dropscribe.config import Settings
from dropscribe.core import protocol
from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.core.job import Order, Outcome
from dropscribe.core.pages import Page, PageFailure, PageText
from dropscribe.core.protocol import ToDaemon
from dropscribe.core.status import MlxMemory
from dropscribe.worker.ahead import Ahead
from dropscribe.worker.decoder import UnreadError
from dropscribe.worker.document import Document


class Scheduler:
    """The documents in hand.

    `changed` is the lock and what everybody waits on; `report` tells the daemon, `figures` gives MLX's memory (asked on
    the engine's thread only).
    """

    def __init__(
        self, report: Callable[[ToDaemon], None], figures: Callable[[], MlxMemory | None] = lambda: None
    ) -> None:
        self.changed = threading.Condition(threading.RLock())
        self._report, self._figures = report, figures
        self._documents: dict[int, Document] = {}
        self.ahead = Ahead()
        self._to_render: list[Document] = []
        self._decoding: Document | None = None
        self._arrivals = 0
        self._draining = self._closed = False

    # -- orders

    def add(self, order: Order, settings: Settings) -> None:
        """Take a document in hand; while pages are handed back, it goes back too."""
        with self.changed:
            document = Document(order, self._arrivals, settings)
            self._arrivals += 1
            if self._draining:
                self._report(protocol.Ended(document.handed_back("drained")))
                return
            self._documents[order.job] = document
            self.changed.notify_all()

    def drop(self, job: int, claim: int) -> None:
        """Hand a document back at once: no further page of it."""
        with self.changed:
            document = self._documents.get(job)
            if document is not None and document.order.claim == claim and document not in self._to_render:
                self._end(document, document.handed_back("drained"))

    def drain(self) -> None:
        """Give no page to the engine any more; see `hand_back`."""
        with self.changed:
            self._draining = True
            self.changed.notify_all()

    def hand_back(self, end: str, *, only: frozenset[int] | None = None) -> None:
        """Hand back every document (of these jobs *only*) that lacks a page; those that are complete are rendered."""
        with self.changed:
            for document in list(self._documents.values()):
                if not document.complete and (only is None or document.order.job in only):
                    self._end(document, document.handed_back(end))
            self._draining = False

    def close(self) -> None:
        """End the threads that wait here."""
        with self.changed:
            self._closed = True
            self.changed.notify_all()

    @property
    def in_engine(self) -> frozenset[int]:
        """The jobs of which the engine has pages."""
        with self.changed:
            return frozenset(job for job, document in self._documents.items() if document.in_engine)

    @property
    def draining(self) -> bool:
        """Say whether no page is given out."""
        return self._draining

    # -- the decoder's thread

    def next_to_decode(self) -> Document | None:
        """Wait for a document that is to be opened or decoded further, and return it; None at the end."""
        with self.changed:
            if self._decoding is not None and self._decoding.over:
                self._decoding.close()  # it was handed back while it was in this thread's hands
            self._decoding = None
            self.changed.notify_all()
            while not self._closed:
                if self._has_room() and (found := self._best_to_decode()) is not None:
                    self._decoding = found
                    return found
                self.changed.wait()
            return None

    def _has_room(self) -> bool:
        return not self._draining and self.ahead.has_room

    def _best_to_decode(self) -> Document | None:
        wanting = [document for document in self._documents.values() if document.to_decode and not document.twin]
        return min(wanting, key=_rank, default=None)

    def opened(self, document: Document) -> None:
        """A document is open, and it is known which of its pages are kept already."""
        with self.changed:
            if document.over:
                return
            self._report(protocol.Opened(document.order.job, document.order.claim, document.count or 0))
            self._find_twin(document)

    def _find_twin(self, document: Document) -> None:
        """Let *document* wait while another of its content comes before it; without one, begin it."""
        others = (other for other in self._documents.values() if other.same_content(document))
        document.twin = min((other for other in others if other.rank < document.rank), key=_rank, default=None)
        if document.twin is None:
            self._render_if_complete(document)

    def decoded(self, document: Document, page: Page | PageText) -> None:
        """A page has come from the decoder: to the engine, or, with its text, to the others."""
        with self.changed:
            document.to_decode -= 1
            if document.over:
                return
            if isinstance(page, PageText):
                self._keep(document, page, read=False)
            else:
                self.ahead.add(document, page)
                self.changed.notify_all()

    def fail(self, jobs: frozenset[int], reason: Reason, detail: str) -> None:
        """The engine failed on these jobs, and on no other; without any, all in hand fail that lack a page."""
        with self.changed:
            for document in list(self._documents.values()):
                if document.order.job in jobs or (not jobs and not document.complete):
                    self.given_up(document, document.failed(reason, detail))

    def given_up(self, document: Document, outcome: Outcome) -> None:
        """A document cannot be read."""
        with self.changed:
            if not document.over:
                self._end(document, outcome)

    # -- the engine's thread

    def take(self, *, wait: bool, interrupted: Callable[[], bool]) -> Page | None:
        """Return the next page; without *wait* None when there is none now, with it None when no more are coming.

        *interrupted* says that something else is to be done first: then None, too.
        """
        with self.changed:
            while True:
                if interrupted() or self._draining or self._closed:
                    return None
                if self.ahead:
                    document, page = self.ahead.take()
                    document.in_engine.add(page.number)
                    self.changed.notify_all()
                    return page
                if not wait or not self.wants_reading:
                    return None
                self.changed.wait()

    @property
    def has_work(self) -> bool:
        """Say whether the engine's thread is wanted: pages to read, or documents to hand back."""
        return self._draining or self.wants_reading

    @property
    def wants_reading(self) -> bool:
        """Say whether pages are there for the engine, or may still come."""
        with self.changed:
            coming = any(document.to_decode and not document.over for document in self._documents.values())
            return bool(self.ahead) or coming or self._decoding is not None

    def read(self, result: PageText | PageFailure) -> None:
        """A page has come back from the engine."""
        with self.changed:
            document = self._documents.get(result.key.document)
            if document is None or document.over:
                return  # it was handed back meanwhile
            document.in_engine.discard(result.key.number)
            if isinstance(result, PageFailure):
                self._end(document, document.failed(result.reason, result.detail))
            else:
                self._keep(document, result, read=True)

    def _keep(self, document: Document, text: PageText, *, read: bool) -> None:
        try:
            document.keep(text)
        except UnreadError:
            self._end(document, document.handed_back("drained"))
            return
        except ReasonedError as error:
            self._end(document, document.failed(error.reason, error.detail))
            return
        self._report(protocol.PageDone(document.order.job, text.number, read, self._figures() if read else None))
        self._render_if_complete(document)

    # -- the renderer's thread

    def next_to_render(self) -> Document | None:
        """Wait for a document whose pages all have their text, and return it; None at the end."""
        with self.changed:
            while not self._closed:
                if self._to_render:
                    return self._to_render[0]
                self.changed.wait()
            return None

    def rendered(self, document: Document, outcome: Outcome) -> None:
        """The outputs of a document are written, or cannot be."""
        with self.changed:
            self._to_render.remove(document)
            self._end(document, outcome)

    def _render_if_complete(self, document: Document) -> None:
        if document.complete:
            document.to_decode = 0
            self._to_render.append(document)
            self.changed.notify_all()

    # -- the end of a document

    def _end(self, document: Document, outcome: Outcome) -> None:
        document.over = True
        self._documents.pop(document.order.job, None)
        self.ahead.forget(document)
        if document is not self._decoding:
            document.close()  # else the decoder's thread does, which has it in its hands
        self._report(protocol.Ended(outcome))
        for waiting in [other for other in self._documents.values() if other.twin is document]:
            waiting.look_again()
            self._find_twin(waiting)
        self.changed.notify_all()


def _rank(document: Document) -> tuple[bool, int, bool, int]:
    return document.rank
