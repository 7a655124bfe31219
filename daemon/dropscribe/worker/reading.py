"""Documents in, outputs out: a decoder's thread, the engine on the calling one, and a renderer's thread.

While the engine reads one page, the next is decoded and finished documents are written. Used by the worker process, and
by `dropscribe read` where no daemon runs.
"""

import threading
from collections.abc import Callable
from dataclasses import replace

from msgspec import structs

from dropscribe.config import Settings, restored
from dropscribe.core import protocol
from dropscribe.core.errors import Kind, Reason, ReasonedError, Stopped
from dropscribe.core.job import Order, Outcome
from dropscribe.core.pages import Page, PageKey, PageText
from dropscribe.core.protocol import ToDaemon
from dropscribe.engines.base import Engine, Signals
from dropscribe.worker import ahead, faults
from dropscribe.worker.decoder import Decoders, UnreadError
from dropscribe.worker.document import Document
from dropscribe.worker.faults import ProgramFault
from dropscribe.worker.page_stage import PageStage
from dropscribe.worker.scheduler import Scheduler

APART = ("remote",)  # engines that give a page back when it is ready, and wait for no other: the next one is enough


class Reading:
    """Reads documents with one engine, until closed."""

    def __init__(
        self, engine: Engine, signals: Signals, settings: Settings, state: str, scheduler: Scheduler,
        report: Callable[[ToDaemon], None],
    ) -> None:  # fmt: skip
        self.settings = settings
        self._engine, self._signals, self._state, self._report = engine, signals, state, report
        self.scheduler = scheduler
        # Rows that end together must not wait for one page after the other.
        scheduler.ahead.most_pages = ahead.PAGES if engine.info.name in APART else max(ahead.PAGES, engine.width)
        self._stage = PageStage(finds_lines=engine.finds_lines)
        self._decoders = Decoders()
        self._interrupted: Callable[[], bool] = lambda: False
        signals.attempt, signals.tokens = self._attempt, self._tokens
        self._threads = [
            threading.Thread(target=target, name=name, daemon=True)
            for target, name in ((self._decode, "decoder"), (self._render, "renderer"))
        ]
        for thread in self._threads:
            thread.start()

    def add(self, order: Order) -> None:
        """Take a document in hand; from any thread. Its settings stay as they are now."""
        settings = self.settings if order.settings is None else restored(order.settings)
        if order.prompt is not None:  # kept pages are those of the same question
            settings = structs.replace(settings, engine=structs.replace(settings.engine, prompt=order.prompt))
        self.scheduler.add(order, settings)

    def apply(self, settings: Settings) -> None:
        """Take over changed settings, for documents taken in hand from now on."""
        self.settings = settings
        self._engine.apply(settings)

    def stop(self) -> None:
        """Stop between two tokens; from any thread."""
        self._signals.stop.set()
        self.scheduler.drain()

    def read(self, interrupted: Callable[[], bool] = lambda: False) -> None:
        """Read pages until none is left, all are to be handed back, or *interrupted* says that something comes first.

        Whatever the engine does becomes an outcome. The one broad handler: the edge of what is known of an engine.
        """
        self._interrupted = interrupted
        end = "drained"
        try:
            for result in self._engine.read(self):
                self.scheduler.read(self._stage.finish(result))
        except Stopped:
            end = "stopped"
        except MemoryError as error:
            self._engine_failed(f"The engine ran out of memory ({error or 'no details'}).")
        except ReasonedError as error:
            self._engine_failed(error.detail, error.reason)
        except Exception as error:
            self._report(protocol.Warned(_text(f"the engine failed: {faults.trace(error)}")))
            self._engine_failed(f"The engine failed ({type(error).__name__}: {error}).")
        if self.scheduler.draining:
            self.scheduler.hand_back(end)
            self._signals.stop.clear()

    def take(self, *, wait: bool) -> Page | None:
        """Return the engine's next page; see `PageSource`."""
        return self.scheduler.take(wait=wait, interrupted=self._interrupted)

    def close(self) -> None:
        """End the threads and the decoders; may be called twice."""
        self.scheduler.close()
        self._decoders.close()
        self._stage.close()

    def _engine_failed(self, detail: str, reason: Reason = Reason.ENGINE_ERROR) -> None:
        """With a single document's pages in its hands, it is at fault; several are suspects and go back.

        What fails before any page, or for a reason of the environment, is no file's fault.
        """
        at_work = self.scheduler.in_engine
        detail = _text(detail)
        if not at_work and reason.kind is not Kind.ENVIRONMENT:
            reason = Reason.ENGINE_UNAVAILABLE
        if len(at_work) > 1 and reason.kind is not Kind.ENVIRONMENT:
            self.scheduler.hand_back("suspect", only=at_work)
        else:
            self.scheduler.fail(at_work, reason, detail)

    def _attempt(self, page: PageKey, mode: str) -> None:
        self._report(protocol.Attempt(page.document, page.number, mode))

    def _tokens(self, page: PageKey, count: int) -> None:
        self._report(protocol.Tokens(page.document, page.number, count))

    # -- the other threads

    def _decode(self) -> None:
        while (document := self.scheduler.next_to_decode()) is not None:
            try:
                self._decode_next(document)
            except UnreadError:  # where the file has vanished, the daemon finds out what became of it
                self.scheduler.given_up(document, document.handed_back("drained"))
            except ReasonedError as error:
                self.scheduler.given_up(document, self._failed(document, error))
            except Exception as error:  # the edge of a document: it fails, the thread goes on
                fault = faults.met("The file could not be opened or decoded", error)
                self.scheduler.given_up(document, self._failed(document, fault))

    def _decode_next(self, document: Document) -> None:
        """Open *document*, or bring its next page as far as the engine."""
        if document.count is None:
            self._report(protocol.Opened(document.order.job, document.order.claim))
            document.open(self._decoders, self._engine.info, self._state)
            self.scheduler.opened(document)
        else:
            self.scheduler.decoded(document, self._prepared(replace(document.next_page(), settings=document.settings)))

    def _prepared(self, page: Page) -> Page | PageText:
        return self._stage.process(page)

    def _render(self) -> None:
        while (document := self.scheduler.next_to_render()) is not None:
            try:
                outcome = document.render(self._engine.info)
            except UnreadError:
                outcome = document.handed_back("drained")
            except ReasonedError as error:
                outcome = self._failed(document, error)
            except Exception as error:  # the edge of a document: it fails, the thread goes on
                outcome = self._failed(document, faults.met("The results could not be written", error))
            self.scheduler.rendered(document, outcome)

    def _failed(self, document: Document, error: ReasonedError) -> Outcome:
        """Return the outcome of a document that cannot be read; where a fault of ours comes from goes to the log."""
        if isinstance(error, ProgramFault):
            self._report(protocol.Warned(_text(f"{document.order.name}: {error.trace}")))
        return document.failed(error.reason, error.detail)


def _text(text: str) -> str:
    """Return *text* as a message can carry it: undecodable names escaped."""
    return text.encode("utf-8", "backslashreplace").decode()
