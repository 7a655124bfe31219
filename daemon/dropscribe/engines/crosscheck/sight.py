"""The embedded engine as a second reader: two looks at an upright page, as lines for the comparison.

It owns the sessions and their memory; when a page is read, and by which thread, is `beside`'s.
"""

from dropscribe.config import Settings
from dropscribe.core.pages import Page
from dropscribe.engines.base import Signals
from dropscribe.engines.crosscheck.values import Heard, Reading
from dropscribe.engines.ppocr.doubt import flags
from dropscribe.engines.ppocr.reader import PageLines, Reader
from dropscribe.engines.ppocr.sessions import MODEL, Sessions
from dropscribe.layout.page import assemble

NAME = f"rapidocr {MODEL}"


class Sight:
    """Sessions of its own, from `load` to `close`."""

    def __init__(self, settings: Settings, signals: Signals) -> None:
        self._sessions = Sessions()
        languages = settings.engine.languages
        wanted = () if languages == "auto" else tuple(languages)
        # What it does is no attempt at a page: only the stop is shared.
        self._reader = Reader(self._sessions, Signals(stop=signals.stop), languages=wanted)

    def load(self) -> None:
        """Build the sessions; raise `ReasonedError`."""
        self._sessions.load()

    def close(self) -> None:
        """Let go of the sessions; may be called twice."""
        self._sessions.close()

    def first(self, page: Page) -> Reading:
        """Return what stands on *page*; raise `Stopped` or `ReasonedError`."""
        return reading(self._reader.read(page, turn=False), page.width, page.height)

    def again(self, page: Page) -> Reading:
        """Return what stands on *page* seen larger; raise `Stopped` or `ReasonedError`."""
        return reading(self._reader.again(page), page.width, page.height)


def reading(found: PageLines, width: int, height: int) -> Reading:
    """Return the lines *found* on a page of *width* x *height* pixels in reading order, and what they are worth."""
    doubts = flags(found.lines, found.unread)
    placed = assemble(found.lines, width, height, found.marks).blocks
    lines = tuple(Heard(block.text, block.confidence or 0.0, block.box) for block in placed if block.box is not None)
    return Reading(
        lines, found.unread, able="unread" not in doubts and "empty" not in doubts, sure="low-confidence" not in doubts
    )
