"""The engine `deepseek-ocr`: DeepSeek-OCR and its kin on MLX, through mlx-vlm.

Owns the life of the model and hands pages to the ladder. MLX is imported when a model is loaded, never before, and is
used from the thread that loaded it.
"""

import os
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING
from weakref import WeakSet

from dropscribe.config import Settings
from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.core.pages import EngineInfo, Page, PageText
from dropscribe.engines import hub
from dropscribe.engines.base import LoadProgress, MlxMemory, Signals
from dropscribe.engines.deepseek import checkpoint, lean, loading, release, warm_up
from dropscribe.engines.deepseek.batch import Batch
from dropscribe.engines.deepseek.fallback import Fallback, PageFlow
from dropscribe.engines.deepseek.generate import Sequential
from dropscribe.engines.deepseek.loading import Loaded
from dropscribe.engines.deepseek.picture_folder import PictureFolder
from dropscribe.engines.deepseek.prefetch import ahead
from dropscribe.engines.session import forget_frames
from dropscribe.memory import policy, readings

if TYPE_CHECKING:
    from dropscribe.engines.ppocr.sessions import Sessions

WEIGHTS_BYTES = 2_400_000_000  # DeepSeek-OCR-4bit, where the weights are not there to be measured
WORK_BYTES = 1_000_000_000  # vision towers at work, caches of one long page, the Python packages
ROW_BYTES = 600_000_000  # cache of one page at its longest: 9,000 positions of 61 KB in 16 bit
ROWS_ON_CUDA = 8  # measured on an H200: 5.3 times the tokens a second of one page at a time
ROWS_ON_METAL = 4  # not measured; the memory is shared with everything else there


class DeepSeekOcr:
    """Reads pages with a model on MLX; see `Engine` for what each method promises."""

    def __init__(
        self, settings: Settings, signals: Signals, rows: int | None = None,
        look_ahead: bool = sys.platform == "darwin", warm: bool | None = None,
    ) -> None:  # fmt: skip
        """Read up to *rows* pages at once (None: chosen by device and memory); *look_ahead* decodes in a thread.

        *warm*: read an empty page at each load (None: on a GPU).
        """
        self.info = EngineInfo(
            "deepseek-ocr", settings.engine.model, settings.engine.revision, checkpoint.engine_version()
        )
        self._lean = policy.is_lean(sys.platform, readings.available().total_bytes)
        self._settings, self._signals = lean.slimmed(settings, lean=self._lean), signals
        self._rows_wanted, self._look_ahead, self._warm = 1 if self._lean else rows, look_ahead, warm
        self._loaded: Loaded | None = None
        self._rows = 1
        self._pictures = PictureFolder(os.path.join(settings.folders.state, "pictures"))
        self._readers: WeakSet[Generator[PageText]] = WeakSet()
        self._loaded_stack = ExitStack()
        self._detector: Sessions | None = None

    def estimate(self) -> int:
        """Return the bytes wanted before any record of a real peak exists: weights, cache, work."""
        return self._weights_size() + self._settings.model.cache_limit + WORK_BYTES

    def _weights_size(self) -> int:
        try:
            folder = hub.find(self._settings.engine.model, self._settings.engine.revision)
            return checkpoint.weights_size(folder) if folder else WEIGHTS_BYTES
        except (ReasonedError, OSError, ImportError):
            return WEIGHTS_BYTES  # `load` will say what is wrong

    def load(self, report: Callable[[LoadProgress], None]) -> None:
        """Bring the model into memory; raise `ReasonedError` (environment kind), with nothing left behind."""
        self.unload()
        try:
            self._loaded = loading.load(self._settings, report)
            if warm_up.on_gpu() if self._warm is None else self._warm:
                warm_up.read_empty_page(self._loaded, self._settings, self._pictures, report)
        except BaseException as error:
            forget_frames(error)  # their variables are the weights
            self.unload()
            raise
        self._loaded_stack.enter_context(loading.offline())
        self._rows = self._rows_wanted or rows_at_once(self._loaded, self._settings)
        self.info = replace(self.info, revision=hub.commit(self._loaded.folder) or self.info.revision)
        report(LoadProgress("ready"))

    def apply(self, settings: Settings) -> None:
        """Take over prompts, modes, limits and the bound of the cache; another model wants a new load."""
        self._settings = lean.slimmed(settings, lean=self._lean)
        if self._loaded is not None:
            loading.bound_memory(self._settings)

    def read(self, pages: Iterable[Page]) -> Generator[PageText]:
        """Yield each page's text as it is finished; raise `Stopped` or `ReasonedError` (engine kind)."""
        reader = self._read(pages)
        self._readers.add(reader)
        return reader

    def trim(self) -> None:
        """Give caches back and keep the weights."""
        release.trim()

    def unload(self) -> None:
        """Release everything in the order that really frees it; may be called twice, and after a failed load."""
        for reader in list(self._readers):
            reader.close()
        self._readers.clear()
        self._pictures.close()
        self._loaded = None
        if self._detector is not None:
            self._detector.close()
        self._loaded_stack.close()
        release.release()

    def mlx_memory(self) -> MlxMemory | None:
        """Return the allocator's figures, or None before MLX was imported."""
        return release.memory()

    # -- pages

    def _read(self, pages: Iterable[Page]) -> Generator[PageText]:
        if self._loaded is None:
            raise ReasonedError(Reason.ENGINE_ERROR, "The model is not loaded.")
        with ExitStack() as stack:
            source = self._upright(pages)
            if self._look_ahead:
                source = fetched = ahead(source)
                stack.callback(fetched.close)
            stack.callback(self._pictures.close)
            yield from self._read_from(source)

    def _upright(self, pages: Iterable[Page]) -> Iterator[Page]:
        """Set pages upright that lie on their side or head: the model reads those as nearly nothing."""
        if self._settings.intake.orientation == "off":
            yield from pages
            return
        from dropscribe.engines.ppocr.orientation import upright

        for page in pages:
            yield upright(page, self._sessions())

    def _sessions(self) -> "Sessions":
        """Return the embedded engine's detector, built for the first page that wants it."""
        from dropscribe.engines.ppocr.sessions import Sessions

        self._detector = self._detector or Sessions()
        return self._detector

    def _read_from(self, pages: Iterator[Page]) -> Iterator[PageText]:
        """Read one page at a time, or several when there are several and the model allows it."""
        assert self._loaded is not None
        if self._rows > 1:
            opening = [page for _, page in zip(range(2), pages, strict=False)]
            pages = chain(opening, pages)
            if len(opening) > 1:
                yield from self._batched(self._loaded, pages)
                return
        single = Sequential(self._loaded, self._signals, self._pictures)
        for page in pages:
            release.reset_peak()
            yield done if (done := unread(page)) is not None else drive(self._climb(page), single)

    def _climb(self, page: Page) -> PageFlow:
        assert self._loaded is not None
        return Fallback(page, self._settings, self._loaded.adapter).flow()

    def _batched(self, loaded: Loaded, pages: Iterator[Page]) -> Iterator[PageText]:
        """Read several pages at once; those with no need of the model are handed out as they pass."""
        passed: list[PageText] = []

        def flows() -> Iterator[PageFlow]:
            for page in pages:
                release.reset_peak()
                if (done := unread(page)) is not None:
                    passed.append(done)
                else:
                    yield self._climb(page)

        for text in Batch(loaded, self._signals, self._pictures, self._rows).read(flows()):
            yield from passed
            passed.clear()
            yield text
        yield from passed


def unread(page: Page) -> PageText | None:
    """Return the text of a page that never reaches the model: a blank one, or one that brings its own text."""
    if page.blank:
        flags = tuple(dict.fromkeys((*page.flags, "blank")))
        return PageText(page.number, page.width, page.height, "", "", (), page.rotation, "blank", flags)
    if page.text is None:
        return None
    return PageText(
        page.number, page.width, page.height, page.text, page.text, page.blocks, page.rotation, "pdf", page.flags
    )


def drive(flow: PageFlow, single: Sequential) -> PageText:
    """Make the attempts that *climb* asks for until it has the page's text."""
    attempt = next(flow)
    while True:
        try:
            attempt = flow.send(single.run(attempt))
        except StopIteration as end:
            text: PageText = end.value
            return text


def rows_at_once(loaded: Loaded, settings: Settings) -> int:
    """Return how many pages to read at once: on a GPU what memory allows, one where several gain nothing."""
    import mlx.core as mx

    if not loaded.adapter.batches or mx.default_device().type != mx.DeviceType.gpu:
        return 1
    info = mx.device_info()
    sizes = (info.get(key) for key in ("max_recommended_working_set_size", "total_memory", "memory_size"))
    room = settings.memory.budget or int(next((size for size in sizes if size), 0))
    spare = room - checkpoint.weights_size(loaded.folder) - settings.model.cache_limit - WORK_BYTES
    # Half of what is spare: other programs want some of it too.
    return max(1, min(ROWS_ON_METAL if mx.metal.is_available() else ROWS_ON_CUDA, spare // (2 * ROW_BYTES)))
