"""The engine `deepseek-ocr`: DeepSeek-OCR and its kin on MLX, through mlx-vlm.

Owns the life of the model and hands pages to the fallback steps. MLX is imported when a model is loaded, never before,
and is used from the thread that loaded it.
"""

import sys
from collections.abc import Callable, Generator
from contextlib import ExitStack
from dataclasses import replace
from weakref import WeakSet

from dropscribe.config import Settings
from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.core.pages import EngineInfo, Page, PageFailure, PageText
from dropscribe.core.status import MlxMemory
from dropscribe.engines import hub
from dropscribe.engines.base import Judge, LoadProgress, PageSource, Signals, settings_of, unjudged
from dropscribe.engines.deepseek import checkpoint, lean, loading, release, warm_up
from dropscribe.engines.deepseek.batch import Batch
from dropscribe.engines.deepseek.generate import Sequential
from dropscribe.engines.deepseek.loading import Loaded
from dropscribe.engines.session import forget_frames
from dropscribe.engines.vlm.fallback import Fallback, PageFlow
from dropscribe.memory import policy, readings

WEIGHTS_BYTES = 2_400_000_000  # DeepSeek-OCR-4bit, where the weights are not there to be measured
WORK_BYTES = 1_000_000_000  # vision towers at work, caches of one long page, the Python packages
ROW_BYTES = 600_000_000  # cache of one page at its longest: 9,000 positions of 61 KB in 16 bit
ROWS_ON_CUDA = 8  # measured on an H200: 5.3 times the tokens a second of one page at a time
ROWS_ON_METAL = 4  # not measured; the memory is shared with everything else there


class DeepSeekOcr:
    """Reads pages with a model on MLX; see `Engine` for what each method promises."""

    finds_lines = False

    def __init__(
        self, settings: Settings, signals: Signals, rows: int | None = None, warm: bool | None = None,
        judge: Judge = unjudged,
    ) -> None:  # fmt: skip
        """Read up to *rows* pages at once (None: as `engine.pages_at_once` says); *judge* is asked of each text.

        *warm*: read an empty page at each load (None: on a GPU).
        """
        self.info = EngineInfo(
            "deepseek-ocr", settings.engine.model, settings.engine.revision, checkpoint.engine_version()
        )
        self.width = 1  # known once the model is loaded
        self._lean = policy.is_lean(sys.platform, readings.available().total_bytes)
        self._settings, self._signals = lean.slimmed(settings, lean=self._lean), signals
        self._rows, self._warm, self._judge = rows, warm, judge
        self._loaded: Loaded | None = None
        self._readers: WeakSet[Generator[PageText | PageFailure]] = WeakSet()
        self._loaded_stack = ExitStack()

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
                warm_up.read_empty_page(self._loaded, self._settings, report)
        except BaseException as error:
            forget_frames(error)  # their variables are the weights
            self.unload()
            raise
        self._loaded_stack.enter_context(loading.offline())
        self.width = self._rows or rows_at_once(self._loaded, self._settings)
        self.info = replace(self.info, revision=hub.commit(self._loaded.folder) or self.info.revision)
        report(LoadProgress("ready"))

    def apply(self, settings: Settings) -> None:
        """Take over prompts, modes, limits and the bound of the cache; another model wants a new load."""
        self._settings = lean.slimmed(settings, lean=self._lean)
        if self._loaded is not None:
            loading.bound_memory(self._settings)

    def read(self, pages: PageSource) -> Generator[PageText | PageFailure]:
        """Take pages as there is room and yield each as it is finished; raise `Stopped`."""
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
        self._loaded = None
        self._loaded_stack.close()
        release.release()

    def mlx_memory(self) -> MlxMemory | None:
        """Return the allocator's figures, or None before MLX was imported."""
        return release.memory()

    # -- pages

    def _read(self, pages: PageSource) -> Generator[PageText | PageFailure]:
        loaded = self._loaded
        if loaded is None:
            raise ReasonedError(Reason.ENGINE_ERROR, "The model is not loaded.")
        if self.width > 1:
            yield from Batch(loaded, self._signals, self.width, self._flow).read(pages)
            return
        single = Sequential(loaded, self._signals)
        while (page := pages.take(wait=True)) is not None:
            release.reset_peak()
            try:
                yield drive(self._flow(page), single)
            except ReasonedError as error:
                yield PageFailure(page.key, error.reason, error.detail)

    def _flow(self, page: Page) -> PageFlow:
        assert self._loaded is not None
        return Fallback(page, settings_of(page, self._settings), self._loaded.adapter, self._judge).flow()


def drive(flow: PageFlow, single: Sequential) -> PageText:
    """Make the attempts that *flow* asks for until it has the page's text."""
    attempt = next(flow)
    while True:
        try:
            attempt = flow.send(single.run(attempt))
        except StopIteration as end:
            text: PageText = end.value
            return text


def rows_at_once(loaded: Loaded, settings: Settings) -> int:
    """Return how many pages to read at once: as set, or on a GPU what memory allows, one where several gain nothing."""
    import mlx.core as mx

    if not loaded.adapter.batches:
        return 1
    if settings.engine.pages_at_once != "auto":
        return settings.engine.pages_at_once
    if mx.default_device().type != mx.DeviceType.gpu:
        return 1
    info = mx.device_info()
    sizes = (info.get(key) for key in ("max_recommended_working_set_size", "total_memory", "memory_size"))
    room = settings.memory.budget or int(next((size for size in sizes if size), 0))
    spare = room - checkpoint.weights_size(loaded.folder) - settings.model.cache_limit - WORK_BYTES
    # Half of what is spare: other programs want some of it too.
    return max(1, min(ROWS_ON_METAL if mx.metal.is_available() else ROWS_ON_CUDA, spare // (2 * ROW_BYTES)))
