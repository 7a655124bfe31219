"""An engine with a second reader beside it: each page is read by both, and the first one's text leaves with a verdict.

The second reader has one thread, on the processor, while the engine's decodes elsewhere; pages wait for it, the engine
does not: a text whose page has not been read yet is held back, and others go on. Works for whatever reads by prompt.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

from dropscribe.config import Settings
from dropscribe.core.errors import ReasonedError, Stopped
from dropscribe.core.pages import Block, Check, EngineInfo, Page, PageFailure, PageKey, PageText
from dropscribe.core.status import MlxMemory
from dropscribe.engines.base import Engine, Judge, LoadProgress, PageSource, Signals, settings_of
from dropscribe.engines.crosscheck import ESTIMATE_BYTES
from dropscribe.engines.crosscheck.compare import compare
from dropscribe.engines.crosscheck.prompts import asks_for_text
from dropscribe.engines.crosscheck.sight import NAME, Sight
from dropscribe.engines.crosscheck.values import Reading

log = logging.getLogger(__name__)


PATIENCE = 0.5  # of `engine.page_timeout`: so long a text waits for the second reader, then it leaves without a verdict


@dataclass
class Look:
    """A page in hand, and the second reader's looks at it, the second one made where it is asked for."""

    page: Page
    first: Future[Reading]
    again: Future[Reading] | None = None
    until: float = 0.0  # monotonic: when its text leaves at the latest


class Beside:
    """The engine that *create* makes, with a second reader; see `Engine` for what each method promises."""

    def __init__(self, settings: Settings, signals: Signals, create: Callable[[Judge], Engine]) -> None:
        self._settings, self._signals = settings, signals
        self._engine = create(self.judge)
        self._sight: Sight | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._looks: dict[PageKey, Look] = {}
        self._held: list[PageText] = []  # read, and not yet by the second reader

    @property
    def info(self) -> EngineInfo:
        """Who reads."""
        return self._engine.info

    @property
    def width(self) -> int:
        """Pages that the engine likes to have in hand at once."""
        return self._engine.width

    @property
    def finds_lines(self) -> bool:
        """Whether the engine itself looks for lines."""
        return self._engine.finds_lines

    def estimate(self) -> int:
        """Return the bytes wanted before any record exists, those of the second reader among them."""
        return self._engine.estimate() + ESTIMATE_BYTES

    def load(self, report: Callable[[LoadProgress], None]) -> None:
        """Load the engine, then the second reader; without the latter pages are read all the same."""
        self._engine.load(report)
        self._sight = Sight(self._settings, self._signals)
        try:
            self._sight.load()
        except ReasonedError as error:
            log.warning("no cross-check: %s", error.detail)
            self._sight = None
            return
        self._thread = ThreadPoolExecutor(1, "second reader")

    def apply(self, settings: Settings) -> None:
        """Take over those changed settings that need no new load."""
        self._settings = settings
        self._engine.apply(settings)

    def read(self, pages: PageSource) -> Iterator[PageText | PageFailure]:
        """Take pages as there is room, and yield each as both have read it, in any order; raise `Stopped`."""
        source = _Source(pages, self)
        try:
            while True:
                for result in self._engine.read(source):
                    yield from self._finished(result)
                if self._held:
                    yield self._judged(self._held.pop(0))
                elif source.ended:
                    return
        finally:
            self._forget()

    def trim(self) -> None:
        """Give caches back and keep the weights."""
        self._engine.trim()

    def unload(self) -> None:
        """Release both; may be called twice, and after a failed load."""
        self._forget()
        if self._thread is not None:
            self._thread.shutdown()
        if self._sight is not None:
            self._sight.close()
        self._thread = self._sight = None
        self._engine.unload()

    def mlx_memory(self) -> MlxMemory | None:
        """Return the allocator's figures, or None for an engine that does not use MLX."""
        return self._engine.mlx_memory()

    def judge(self, page: Page, text: str, blocks: Sequence[Block]) -> Check | None:
        """Return the verdict on *text* as that of *page*; None where there is none, or none in time.

        An engine with one page in hand waits for it; one with several must not let the others stand still.
        """
        look = self._looks.get(page.key)
        if look is None or not (self.width == 1 or look.first.done()):
            return None
        self._wait_from_now(look)
        return self._verdict(look, text, blocks)

    def look_at(self, page: Page) -> None:
        """Have *page* read by the second reader, where the prompt asks for its text."""
        engine = settings_of(page, self._settings).engine
        wanted = engine.cross_check == "auto" and asks_for_text(engine.prompt)
        if wanted and self._thread is not None and self._sight is not None:
            self._looks[page.key] = Look(page, self._thread.submit(self._sight.first, page))

    @property
    def holds_texts(self) -> bool:
        """Whether texts wait for the second reader."""
        return bool(self._held)

    @property
    def falls_behind(self) -> bool:
        """Whether so many wait that the engine must: their pictures are in memory."""
        return len(self._held) > self.width

    def _finished(self, result: PageText | PageFailure) -> Iterator[PageText | PageFailure]:
        """Yield what can leave, now that the engine has come to *result*."""
        look = self._looks.get(result.key)
        if isinstance(result, PageText) and result.check is None and look is not None:
            self._wait_from_now(look)
            self._held.append(result)
        else:
            self._looks.pop(result.key, None)
            yield _flagged(result) if isinstance(result, PageText) else result
        ready = [text for text in self._held if self._looks[text.key].first.done()]
        for text in ready:
            self._held.remove(text)
            yield self._judged(text)

    def _judged(self, text: PageText) -> PageText:
        """Return *text* with its verdict, waiting for it."""
        check = self._verdict(self._looks[text.key], text.text, text.blocks)
        del self._looks[text.key]
        return _flagged(replace(text, check=check))

    def _verdict(self, look: Look, text: str, blocks: Sequence[Block]) -> Check | None:
        """Compare; a second reader that fails has no say, and no page fails for it. Raises `Stopped`."""
        try:
            return compare(text, self._seen(look, look.first), lambda: self._again(look), NAME, blocks)
        except Stopped:
            raise
        except Exception as error:  # whatever onnxruntime and OpenCV raise
            log.warning("page %d has no cross-check: %s: %s", look.page.number, type(error).__name__, error)
            return None

    def _again(self, look: Look) -> Reading:
        assert self._thread is not None and self._sight is not None
        look.again = look.again or self._thread.submit(self._sight.again, look.page)
        return self._seen(look, look.again)

    def _wait_from_now(self, look: Look) -> None:
        """Give the second reader its time; for the daemon that is an attempt like any other."""
        self._signals.attempt(look.page.key, "cross-check")
        look.until = time.monotonic() + PATIENCE * settings_of(look.page, self._settings).engine.page_timeout

    @staticmethod
    def _seen(look: Look, reading: Future[Reading]) -> Reading:
        """Return what is seen, in the time that is left; raise `TimeoutError`."""
        return reading.result(max(0.0, look.until - time.monotonic()))

    def _forget(self) -> None:
        """Let go of pages that nobody asks for any more."""
        for look in self._looks.values():
            look.first.cancel()
            if look.again is not None:
                look.again.cancel()
        self._looks.clear()
        self._held.clear()


class _Source:
    """The pages that the engine takes, each shown to the second reader first."""

    def __init__(self, pages: PageSource, beside: Beside) -> None:
        self.ended = False
        self._pages, self._beside = pages, beside

    def take(self, *, wait: bool) -> Page | None:
        """Return the next page; an engine without any is sent back while texts are held that could leave."""
        if self._beside.falls_behind:
            return None
        page = self._pages.take(wait=wait and not self._beside.holds_texts)
        if page is not None:
            self._beside.look_at(page)
        elif wait and not self._beside.holds_texts:
            self.ended = True
        return page


def _flagged(text: PageText) -> PageText:
    if text.check is None or not text.check.disagrees:
        return text
    return replace(text, flags=tuple(dict.fromkeys((*text.flags, "disagree"))))
