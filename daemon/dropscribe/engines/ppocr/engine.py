"""The embedded engine: PP-OCR on onnxruntime, with its weights inside the rapidocr package.

It owns the life of the sessions and the order of tries at a page; how a page is seen, turned and put in order is
decided in `reader`. It opens no file and no connection.
"""

import gc
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from importlib.metadata import version

import cv2

from dropscribe.config import Settings
from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.core.pages import EngineInfo, Page, PageFailure, PageText
from dropscribe.core.status import MlxMemory
from dropscribe.engines import own_text
from dropscribe.engines.base import LoadProgress, PageSource, Signals, settings_of
from dropscribe.engines.ppocr import sessions
from dropscribe.engines.ppocr.doubt import flags
from dropscribe.engines.ppocr.orientation import turned_page
from dropscribe.engines.ppocr.reader import PageLines, Reader
from dropscribe.engines.ppocr.runtime import processors
from dropscribe.engines.ppocr.sessions import Sessions
from dropscribe.layout.page import Style, assemble
from dropscribe.memory import readings

LOOK = 0.02  # seconds between two looks for another page, while there is room for one
# Measured with rapidocr 3.10: 430 MB resident after three short lines, 700 to 1,000 after dense pages, 1,480 with six
# scans of 300 dpi; the layout model takes 100 MB more where it is installed. Freed memory counts until the trim.
ESTIMATE_BYTES = 800 * 10**6


class RapidOcr:
    """Reads pages with PP-OCR; see `Engine` for what each method promises."""

    finds_lines = True

    def __init__(self, settings: Settings, signals: Signals) -> None:
        self.width = width_of(settings)
        self.info = EngineInfo("rapidocr", sessions.MODEL, None, version("rapidocr"))
        self.sessions = Sessions()
        self._settings, self._signals = settings, signals
        self._reader = _reader(self.sessions, signals, settings)

    def estimate(self) -> int:
        """Return the bytes wanted before any record of a real peak exists."""
        return ESTIMATE_BYTES

    def load(self, report: Callable[[LoadProgress], None]) -> None:
        """Build the sessions and run each once; raise `ReasonedError` (engine-unavailable, model-missing)."""
        report(LoadProgress("weights"))
        cv2.setNumThreads(processors())
        readings.keep_freed()  # a quarter of a page's processor time went into fetching memory (measured)
        self.sessions.load()
        report(LoadProgress("ready"))

    def apply(self, settings: Settings) -> None:
        """Take over how pages are read and written; nothing of it concerns what is loaded."""
        self._settings = settings
        self._reader = _reader(self.sessions, self._signals, settings)

    def read(self, pages: PageSource) -> Iterator[PageText | PageFailure]:
        """Take pages as there is room, and yield each as it is finished, in any order; raise `Stopped`."""
        with ThreadPoolExecutor(self.width, "page") as threads:
            under_way: set[Future[PageText | PageFailure]] = set()
            while True:
                room = len(under_way) < self.width
                if room and (page := pages.take(wait=not under_way)) is not None:
                    under_way.add(threads.submit(self._page, page))
                elif under_way:
                    done, under_way = wait(under_way, LOOK if room else None, FIRST_COMPLETED)
                    yield from (read.result() for read in done)
                else:
                    return

    def trim(self) -> None:
        """Give freed memory back; the sessions keep no arena (rapidocr's default), so there is nothing else."""
        gc.collect()
        readings.malloc_relief()

    def unload(self) -> None:
        """Let go of the sessions and give freed memory back; only the end of the process returns the rest."""
        self.sessions.close()
        self.trim()

    def mlx_memory(self) -> MlxMemory | None:
        """Return None: this engine does not use MLX."""
        return None

    def _page(self, page: Page) -> PageText | PageFailure:
        started, settings = time.monotonic(), settings_of(page, self._settings)
        turn = settings.intake.orientation == "auto" and not page.blocks
        try:
            page = own_text.believed(page, self.sessions.recognise)
            if page.text is not None:
                return own_text.as_it_stands(page)
            found = self._reader.read(own_text.beside(page), turn=turn)
        except cv2.error as error:
            return PageFailure(page.key, Reason.ENGINE_ERROR, f"The text engine failed: {error.err}.")
        except ReasonedError as error:
            return PageFailure(page.key, error.reason, error.detail)
        text = page_text(page, found, settings, time.monotonic() - started)
        return own_text.together(page, text, _style(settings))


def width_of(settings: Settings) -> int:
    """Return how many pages are read at once: two, so that one is looked at while lines of the other are recognised.

    More gain nothing: the recogniser has a thread on each processor.
    """
    chosen = settings.engine.pages_at_once
    return min(2, processors()) if chosen == "auto" else chosen


def _reader(sessions: Sessions, signals: Signals, settings: Settings) -> Reader:
    languages = settings.engine.languages
    wanted = () if languages == "auto" else tuple(languages)
    return Reader(sessions, signals, languages=wanted)


def page_text(page: Page, reading: PageLines, settings: Settings, seconds: float) -> PageText:
    """Return the text of *page*, turned as its lines want it, put together from what was found."""
    upright = turned_page(page, reading.clockwise)
    done = assemble(reading.lines, upright.width, upright.height, reading.marks, _style(settings))
    return PageText(
        page.number,
        upright.width,
        upright.height,
        done.text,
        done.markdown,
        done.blocks,
        upright.rotation,
        "ocr",
        (*upright.flags, *flags(reading.lines, reading.unread)),
        reading.attempts,
        seconds,
        page.document,
    )


def _style(settings: Settings) -> Style:
    return Style(settings.output.tables == "html", settings.output.line_breaks == "join")
