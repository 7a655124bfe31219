"""What every page goes through before any engine: blank pages, pages with their own text, turning. Once, here only."""

from typing import TYPE_CHECKING

from dropscribe.config import Settings
from dropscribe.core.pages import Page, PageText

if TYPE_CHECKING:
    from dropscribe.engines.ppocr.sessions import Sessions


class PageStage:
    """Keeps the sessions that find out which way up a page is, where the engine does not do so itself."""

    def __init__(self, settings: Settings, *, turns_pages: bool) -> None:
        """Turn pages unless the engine *turns_pages* itself (or `intake.orientation` is off)."""
        self._turns = settings.intake.orientation == "auto" and not turns_pages
        self._sessions: Sessions | None = None

    def process(self, page: Page) -> Page | PageText:
        """Return the text of a page that needs no engine, else the page, set upright; raise `ReasonedError`."""
        if page.blank:
            flags = tuple(dict.fromkeys((*page.flags, "blank")))
            return _text(page, "blank", "", flags)
        if page.text is not None:
            return _text(page, "pdf", page.text, page.flags)
        return self._upright(page) if self._turns else page

    def close(self) -> None:
        """Let go of the sessions; may be called twice."""
        if self._sessions is not None:
            self._sessions.close()

    def _upright(self, page: Page) -> Page:
        from dropscribe.engines.ppocr.orientation import upright
        from dropscribe.engines.ppocr.sessions import Sessions

        self._sessions = self._sessions or Sessions()
        return upright(page, self._sessions)


def _text(page: Page, source: str, text: str, flags: tuple[str, ...]) -> PageText:
    return PageText(
        page.number, page.width, page.height, text, text, page.blocks if source == "pdf" else (),
        rotation=page.rotation, text_source=source, flags=flags, document=page.document,
    )  # fmt: skip
