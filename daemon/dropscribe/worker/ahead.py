"""The pages that are decoded and wait for the engine, and how far decoding may run ahead. Under another's lock."""

from dropscribe.core.pages import Page
from dropscribe.worker.document import Document

PAGES = 2  # for an engine that reads one at a time
BYTES = 256 << 20  # of their pixels; one page may always wait


class Ahead:
    """Decoded pages of all documents in hand."""

    def __init__(self) -> None:
        self.most_pages, self.most_bytes = PAGES, BYTES
        self._waiting: list[tuple[Document, Page]] = []

    def __bool__(self) -> bool:
        """Say whether a page waits."""
        return bool(self._waiting)

    @property
    def pages(self) -> list[Page]:
        """The pages that wait."""
        return [page for _, page in self._waiting]

    @property
    def has_room(self) -> bool:
        """Say whether another page may be decoded."""
        held = sum(page.width * page.height * 3 for page in self.pages)
        return not self._waiting or (len(self._waiting) < self.most_pages and held < self.most_bytes)

    def add(self, document: Document, page: Page) -> None:
        """Let a page wait."""
        self._waiting.append((document, page))

    def take(self) -> tuple[Document, Page]:
        """Return the page that comes first, and its document; there must be one."""
        best = min(self._waiting, key=lambda item: (item[0].rank, item[1].number))
        self._waiting.remove(best)
        return best

    def forget(self, document: Document) -> None:
        """Let the pages of a document go."""
        self._waiting = [item for item in self._waiting if item[0] is not document]
