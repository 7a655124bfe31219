"""One file from bytes to staged outputs, in the worker: open, read the pages that are not kept yet, render.

Joins documents, engine and formats; owns no process and no protocol.
"""

import contextlib
import errno
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Protocol

from dropscribe.config import Settings
from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.core.job import Order, Outcome
from dropscribe.core.pages import DOUBTFUL, DocumentResult, Page, Source
from dropscribe.documents.opening import Document, open_document
from dropscribe.engines.base import Engine
from dropscribe.formats import figures
from dropscribe.formats.registry import SUFFIXES, renderer
from dropscribe.worker.page_cache import PageCache, folder_of, key

NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
LONG = 20  # pages; a longer document makes way for others at page boundaries


class ProgressSink(Protocol):
    """Whoever wants to know how it goes."""

    def progress(self, stage: str, page: int, pages: int) -> None:
        """Take note of a step."""

    def wants_yield(self, *, long: bool) -> bool:
        """Say whether the document in hand, if it is *long*, shall make way."""

    def wants_stop(self) -> bool:
        """Say whether the reading shall end."""


def read(order: Order, engine: Engine, settings: Settings, state: str, teller: ProgressSink) -> Outcome:
    """Read the file of *order* and stage its outputs; raise `ReasonedError` or `Stopped` when that cannot be."""
    begun = time.monotonic()
    teller.progress("open", 0, 0)
    with closing(open_document(order.path, settings)) as document:
        sha256, size = _digest(order.path), os.stat(order.path).st_size
        name = key(sha256, engine.info, settings, None if settings.output.cache else order.job)
        store = PageCache(folder_of(state), name)
        kept = store.finished
        if not _read_pages(document, engine, store, teller):
            return Outcome(order.job, order.claim, "yielded", pages=document.count)
        teller.progress("render", document.count, document.count)
        source = Source(order.name, sha256, size, document.media_type, document.count)
        texts = sum(1 for _ in store)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        seconds = round(time.monotonic() - begun, 3)
        reused, review = settings.output.cache and len(kept) == texts > 0, _doubtful(store)
        reading = DocumentResult(source, engine.info, store, document.pages, order.path, now, seconds, reused, review)
        staged = _render(order, reading, settings)
    store.prune()
    return Outcome(
        order.job, order.claim, "read", staged=staged, pages=document.count, seconds=time.monotonic() - begun,
        review=reading.review, reused=reading.reused,
    )  # fmt: skip


def _doubtful(texts: PageCache) -> bool:
    return any(DOUBTFUL.intersection(text.flags) for text in texts)


def _digest(path: str) -> str:
    """Return the SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_pages(document: Document, engine: Engine, store: PageCache, teller: ProgressSink) -> bool:
    """Read what is not kept yet; return False when the document made way before its end."""
    with closing(engine.read(_announced(document, store.finished, teller))) as texts:  # type: ignore[type-var]  # engines yield from generators
        for text in texts:
            store.add(text)
            teller.progress("done", text.number, document.count)
            left = document.count - len(store.finished)
            if left and teller.wants_yield(long=document.count > LONG):
                return False
    return True


def _announced(document: Document, finished: frozenset[int], teller: ProgressSink) -> Iterator[Page]:
    """Pass pages on, telling before each that it is being decoded, and after, that it is there."""
    pages = document.pages(finished)
    number = 0
    while True:
        number = next(n for n in range(number + 1, document.count + 2) if n not in finished)
        if number <= document.count:
            teller.progress("decode", number, document.count)
        page = next(pages, None)
        if page is None:
            return
        number = page.number
        teller.progress("read", page.number, document.count)
        yield page


def _render(order: Order, reading: DocumentResult, settings: Settings) -> tuple[str, ...]:
    """Write every format (and the figures, if wanted) into the staging folder; return the suffixes of the files."""
    _make_staging(order.staging)
    staged: list[str] = []
    if settings.output.figures:
        staged += figures.crop_figures(reading, order.staging, "out")
        reading = figures.linked(reading, order.stem, staged)
    for name in order.formats:
        suffix = SUFFIXES[name]
        renderer(name)(reading, os.path.join(order.staging, "out" + suffix))
        staged.append(suffix)
    return tuple(staged)


def _make_staging(staging: str) -> None:
    """Make the staging folder and the one around it, but never the outbox: one that is away is waited for."""
    around = os.path.dirname(staging)
    try:
        try:
            _make(around, staging)
        except FileNotFoundError:  # the daemon may have removed the empty folder just now
            _make(around, staging)
    except OSError as error:
        reason = Reason.DISK_FULL if error.errno in NO_SPACE else Reason.OUTBOX_MISSING
        raise ReasonedError(reason, f"{os.path.dirname(around)} cannot be written ({error.strerror}).") from None


def _make(*folders: str) -> None:
    for folder in folders:
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder, 0o700)


def out_of_memory(order: Order, error: MemoryError) -> Outcome:
    """Return the outcome of a file that needs more memory than there is."""
    return Outcome(
        order.job,
        order.claim,
        "file",
        Reason.DECODE_MEMORY,
        f"The file needs more memory than is allowed ({error or 'out of memory'}).",
    )


def broken(order: Order, error: Exception) -> Outcome:
    """Return the outcome of an unforeseen error: an environment fault when the disk is at fault, else the engine's."""
    if isinstance(error, FileNotFoundError) and error.filename == order.path:
        return Outcome(order.job, order.claim, "stopped", detail="it vanished")
    if isinstance(error, OSError) and error.errno in NO_SPACE:
        return Outcome(order.job, order.claim, "environment", Reason.DISK_FULL, f"No space left: {error}.")
    return Outcome(order.job, order.claim, "engine", Reason.ENGINE_ERROR, f"{type(error).__name__}: {error}")
