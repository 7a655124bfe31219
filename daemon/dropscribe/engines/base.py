"""The seam between Dropscribe and whatever reads pages: one Protocol, one file (or folder) per engine.

Only the engine files themselves import mlx or onnxruntime, and only when an engine is created.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Protocol

from dropscribe.config import Settings
from dropscribe.core.errors import Stopped
from dropscribe.core.pages import Block, Check, EngineInfo, Page, PageFailure, PageKey, PageText
from dropscribe.core.status import MlxMemory, RemoteStatus

# What a second reader says of a text and its blocks as those of a page; None where it has nothing to say (yet).
Judge = Callable[[Page, str, Sequence[Block]], Check | None]


def unjudged(page: Page, text: str, blocks: Sequence[Block]) -> Check | None:
    """Have no second reader: a `Judge` that says nothing."""
    return None


@dataclass(frozen=True)
class LoadProgress:
    """How far a load is: what is being done, and bytes where there are any to count."""

    step: str  # download | weights | warm-up | ...
    done_bytes: int | None = None
    total_bytes: int | None = None


@dataclass
class Signals:
    """What passes between an engine and its worker while it reads.

    The engine looks at `stop` between tokens (or lines) and raises `Stopped`; it calls `attempt` at the start of
    each try at a page, and `tokens` now and then, so that the daemon can tell slow from stuck. `servers` tells how the
    servers are that pages are sent to, `warning` what a careful user would want to know; from any thread.
    """

    stop: Event = field(default_factory=Event)
    attempt: Callable[[PageKey, str], None] = lambda page, mode: None
    tokens: Callable[[PageKey, int], None] = lambda page, count: None
    servers: Callable[[list[RemoteStatus]], None] = lambda servers: None
    warning: Callable[[str], None] = lambda text: None

    def raise_if_stopped(self) -> None:
        """Raise `Stopped` when the reading is to end."""
        if self.stop.is_set():
            raise Stopped


def settings_of(page: Page, otherwise: Settings) -> Settings:
    """Return the settings by which *page* is to be read: its file's, or else the engine's own."""
    found: Settings = otherwise if page.settings is None else page.settings
    return found


class PageSource(Protocol):
    """Where an engine gets its pages from: several documents, in the order that suits those who wait."""

    def take(self, *, wait: bool) -> Page | None:
        """Return the next page; None means nothing now (without *wait*), or the end (with it)."""


class Engine(Protocol):
    """Turns pages into text. Created cold; used from one thread, always the same."""

    @property
    def info(self) -> EngineInfo:
        """Who reads."""

    @property
    def width(self) -> int:
        """Return how many pages it likes to have in hand at once."""

    @property
    def finds_lines(self) -> bool:
        """Whether it looks for lines by itself: it turns pages, and checks a page's own text against its lines."""

    def estimate(self) -> int:
        """Return the bytes wanted before any record of a real peak exists."""

    def load(self, report: Callable[[LoadProgress], None]) -> None:
        """Bring the model into memory; raise `ReasonedError` with an environment reason when that cannot be."""

    def apply(self, settings: Settings) -> None:
        """Take over those changed settings that need no new load."""

    def read(self, pages: PageSource) -> Iterator[PageText | PageFailure]:
        """Take pages as there is room, and yield each as it is finished, in any order; raise `Stopped`."""

    def trim(self) -> None:
        """Give caches back and keep the weights."""

    def unload(self) -> None:
        """Release everything in the order that really frees it; may be called twice, and after a failed load."""

    def mlx_memory(self) -> MlxMemory | None:
        """Return the allocator's figures, or None for an engine that does not use MLX."""
