"""A scheduler in the hands of one test: it plays the decoder's thread, the engine and the renderer, step by step."""

import threading
from collections.abc import Callable
from pathlib import Path

from dropscribe.config import Settings, checked
from dropscribe.core import protocol
from dropscribe.core.job import Order, Outcome
from dropscribe.core.pages import EngineInfo, Page, PageText
from dropscribe.core.protocol import ToDaemon
from dropscribe.worker.decoder import Decoders
from dropscribe.worker.document import Document
from dropscribe.worker.scheduler import Scheduler
from support import fakes

ENGINE = EngineInfo("rapidocr", "test", None, "1")


class Desk:
    """A scheduler, real documents with real decoders, and all that the daemon would hear."""

    def __init__(self, root: Path, decoders: Decoders) -> None:
        self.root, self._decoders = root, decoders
        self.heard: list[ToDaemon] = []
        self._opened: list[Document] = []
        self.scheduler = Scheduler(self.heard.append)
        self.settings: Settings = checked({}, "test")

    def add(self, job: int, path: Path, claim: int = 1) -> None:
        """Take a file in hand."""
        staging = bytes(self.root / "staging" / str(job))
        (self.root / "staging").mkdir(exist_ok=True)
        self.scheduler.add(Order(job, claim, path.name, bytes(path), b"out", staging, ("txt",)), self.settings)

    def pictures(self, *jobs: int) -> None:
        """Take single pictures in hand, each different."""
        for job in jobs:
            fakes.picture(self.root / f"{job}.png", 100 + job)
            self.add(job, self.root / f"{job}.png")

    def of_pages(self, job: int, pages: int) -> None:
        """Take a document of so many pages in hand."""
        fakes.document(self.root / f"{job}.tif", pages, job)
        self.add(job, self.root / f"{job}.tif")

    def open(self) -> Document:
        """Open the document that is to be opened next."""
        document = self.scheduler.next_to_decode()
        assert document is not None and document.count is None
        self._open(document)
        return document

    def _open(self, document: Document) -> None:
        document.open(self._decoders, ENGINE, str(self.root / "state"))
        self._opened.append(document)
        self.scheduler.opened(document)

    def close(self) -> None:
        """Let every decoder go."""
        for document in self._opened:
            document.close()

    def end_decoding(self) -> None:
        """Let the decoder's thread end."""
        self.scheduler.close()
        assert self.scheduler.next_to_decode() is None

    def decode(self) -> tuple[int, int]:
        """Decode the page that is to be decoded next, opening what comes before; return its job and number."""
        while (document := self.scheduler.next_to_decode()) is not None and document.count is None:
            self._open(document)
        assert document is not None
        page = document.next_page()
        self.scheduler.decoded(document, page)
        return page.key

    def taken(self) -> Page:
        """Return the page that the engine is given now, which must be there."""
        page = self.take()
        assert page is not None
        return page

    def take(self) -> Page | None:
        """Return the page that the engine is given now."""
        return self.scheduler.take(wait=False, interrupted=lambda: False)

    def read(self, page: Page, text: str = "read") -> None:
        """Give the text of a page back."""
        self.scheduler.read(PageText(page.number, page.width, page.height, text, text, document=page.document))

    def render(self) -> int:
        """Write the document whose turn it is; return its job."""
        document = self.scheduler.next_to_render()
        assert document is not None
        self.scheduler.rendered(document, document.render(ENGINE))
        return document.order.job

    def outcomes(self) -> list[Outcome]:
        """Return how documents ended, in order."""
        return [message.outcome for message in self.heard if isinstance(message, protocol.Ended)]

    def ends(self) -> dict[int, str]:
        """Return how documents ended, by job."""
        return {outcome.job: outcome.end for outcome in self.outcomes()}


def waits(call: Callable[[], object]) -> threading.Thread:
    """Return the thread in which *call* goes on waiting."""
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(0.1)
    assert thread.is_alive(), "it should have had to wait"
    return thread
