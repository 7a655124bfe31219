"""A document in the worker's hands: its file behind one descriptor, its decoder, the pages it has and those it lacks.

It knows one document; which one is next is the scheduler's business.
"""

import contextlib
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from dropscribe.config import Settings
from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.core.job import Order, Outcome
from dropscribe.core.pages import DOUBTFUL, EngineInfo, Page, PageText, Source
from dropscribe.core.remarks import please_check
from dropscribe.files.durable import NO_SPACE
from dropscribe.worker import outputs
from dropscribe.worker.decoder import Decoders, DocumentProcess
from dropscribe.worker.decoder_protocol import Collect
from dropscribe.worker.original_file import OriginalFile
from dropscribe.worker.page_cache import PageCache, folder_of, key

NO_TEXT = "no text found"
LONG = 20  # pages; a longer document lets shorter ones pass


class Document:
    """What is known of one order; only `scheduler.Scheduler` changes what several threads look at."""

    def __init__(self, order: Order, arrival: int, settings: Settings) -> None:
        self.order, self.arrival, self.settings = order, arrival, settings
        self.begun = time.monotonic()
        self.count: int | None = None  # pages; None until it is open
        self.to_decode = 1  # pages that still have to come from the decoder; until it is open, the opening counts
        self.in_engine: set[int] = set()
        self.over = False  # failed, or handed back: nothing more is to come of it
        self.twin: Document | None = None  # of the same content, which is read first
        self._file: OriginalFile | None = None
        self._process: DocumentProcess | None = None
        self._cache: PageCache | None = None
        self._cache_folder = self._cache_name = ""
        self._sha256, self._size = "", 0
        self._kept = frozenset[int]()  # pages that were in the cache from the start

    @property
    def rank(self) -> tuple[bool, int, bool, int]:
        """What to compare documents by: lower comes first."""
        return (not self.order.urgent, self.order.priority, (self.count or 0) > LONG, self.arrival)

    @property
    def complete(self) -> bool:
        """Say whether every page has its text."""
        return self._cache is not None and self.count is not None and len(self._cache.finished) >= self.count

    def same_content(self, other: "Document") -> bool:
        """Say whether both are open, and their pages are kept under one name."""
        both = self.count is not None and other.count is not None
        return both and self is not other and self._cache_name == other._cache_name

    # -- the decoder's thread

    def open(self, decoders: Decoders, engine: EngineInfo, state: str) -> None:
        """Open the file and find out which of its pages are kept already; raise `ReasonedError`."""
        self._file = OriginalFile(self.order)
        self._process = decoders.start(self._file.descriptor, "the file", self.settings)
        self._process.open(self.order.path)
        self._size, self._sha256 = self._file.size, self._file.digest()
        own = None if self.settings.output.cache else self.order.job
        self._cache_folder, self._cache_name = folder_of(state), key(self._sha256, engine, self.settings, own)
        self.look_again()
        self.count = self._process.count
        self.to_decode = self.count - len(self._kept)

    def next_page(self) -> Page:
        """Return the next page that is not kept; raise `ReasonedError`."""
        assert self._process is not None
        return self._process.next_page(self._kept, self.order.job)

    # -- its texts

    def look_again(self) -> None:
        """Find out which pages are kept; raise `ReasonedError`."""
        with _disk("the page cache"):
            self._cache = PageCache(self._cache_folder, self._cache_name)
        self._kept = self._cache.finished
        if self.count is not None:
            self.to_decode = self.count - len(self._kept)

    def keep(self, text: PageText) -> None:
        """Keep a page's text; raise `ReasonedError`."""
        assert self._cache is not None and self._file is not None
        self._file.require_unchanged()  # or another content's text would be kept under this one's hash
        with _disk("the page cache"):
            self._cache.add(text)

    # -- the renderer's thread

    def render(self, engine: EngineInfo) -> Outcome:
        """Write every output into the staging folder; raise `ReasonedError`."""
        assert self._process is not None and self._cache is not None and self._file is not None
        seconds = round(time.monotonic() - self.begun, 3)
        review = any(DOUBTFUL.intersection(text.flags) for text in self._cache)
        no_text = "" if any(text.text.strip() for text in self._cache) else NO_TEXT
        remarks = tuple(filter(None, (no_text, please_check(self._cache))))
        reused = self.settings.output.cache and len(self._kept) == self.count
        staging = os.fsdecode(self.order.staging)
        make_staging(staging)
        source = Source(self.order.name, self._sha256, self._size, self._process.media_type, self._process.count)
        created = datetime.now(UTC).isoformat(timespec="seconds")
        formats = self.order.formats
        told = Collect(source, engine, created, seconds, reused, review, "pdf" in formats)
        with _disk("the results"):
            staged, written = outputs.write(
                self._process, told, self._cache, staging, self.order.stem, formats,
                with_figures=self.settings.output.figures,
            )  # fmt: skip
        self._file.require_unchanged()
        self._cache.prune()
        return Outcome(
            self.order.job, self.order.claim, "read", staged=staged, pages=self._process.count,
            seconds=time.monotonic() - self.begun, review=review, reused=reused, remarks=remarks + written,
        )  # fmt: skip

    def failed(self, reason: Reason, detail: str) -> Outcome:
        """Return the outcome of a document that cannot be read."""
        return Outcome(self.order.job, self.order.claim, reason.kind, reason, detail)

    def handed_back(self, end: str) -> Outcome:
        """Return the outcome of a document that goes back unread; see `Outcome.end`."""
        return Outcome(self.order.job, self.order.claim, end)

    def close(self) -> None:
        """Let the decoder and the file go; may be called twice."""
        if self._process is not None:
            self._process.close()
        if self._file is not None:
            self._file.close()


@contextlib.contextmanager
def _disk(what: str) -> Iterator[None]:
    """Turn a full disk into the reason that pauses the queue."""
    try:
        yield
    except OSError as error:
        if error.errno not in NO_SPACE:
            raise
        raise ReasonedError(Reason.DISK_FULL, f"No space left for {what} ({error.strerror}).") from None


def make_staging(staging: str) -> None:
    """Make the staging folder, which must not be there yet, and the one around it; both are private."""
    around = os.path.dirname(staging)
    try:
        with contextlib.suppress(FileExistsError):
            os.mkdir(around, 0o700)
        os.mkdir(staging, 0o700)
    except OSError as error:
        raise ReasonedError(Reason.DISK_FULL, f"{around} cannot be written ({error.strerror}).") from None
