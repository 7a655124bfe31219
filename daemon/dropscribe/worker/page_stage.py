"""What every page goes through before any engine: blank pages, pages with their own text, turning. Once, here only."""

from dataclasses import replace
from typing import TYPE_CHECKING

from dropscribe.core.pages import Page, PageFailure, PageKey, PageText

if TYPE_CHECKING:
    from dropscribe.engines.ppocr.sessions import Sessions


class PageStage:
    """Keeps what looks at lines where the engine does not do so itself, and the own lines of pages under way."""

    def __init__(self, *, finds_lines: bool) -> None:
        """Leave to an engine that *finds_lines* what needs them: turning, and checking a page's own text."""
        self._finds_lines = finds_lines
        self._sessions: Sessions | None = None
        self._beside: dict[PageKey, Page] = {}  # pages whose own lines are left out of what the engine sees

    def process(self, page: Page) -> Page | PageText:
        """Return the text of a page that needs no engine, else the page as it is to be read; raise `ReasonedError`."""
        if page.blank:
            flags = tuple(dict.fromkeys((*page.flags, "blank")))
            return PageText(
                page.number, page.width, page.height, "", "",
                rotation=page.rotation, text_source="blank", flags=flags, document=page.document,
            )  # fmt: skip
        if page.text is None and not page.blocks:
            turns = page.settings.intake.orientation == "auto" and not self._finds_lines
            return self._upright(page) if turns else page
        from dropscribe.engines import own_text

        if page.samples:
            if self._finds_lines:
                return page  # it compares them with the lines that it finds
            page = own_text.believed(page, self._line_sessions().recognise)
        if page.text is not None:
            return own_text.as_it_stands(page)
        if page.blocks and not self._finds_lines:
            self._beside[page.key] = page
            return own_text.beside(page)
        return page

    def finish(self, result: PageText | PageFailure) -> PageText | PageFailure:
        """Return what an engine gave, with the page's own lines in their places."""
        page = self._beside.pop(result.key, None)
        if page is None or isinstance(result, PageFailure):
            return result
        from dropscribe.engines import own_text

        return replace(own_text.together(page, result), document=page.document)

    def close(self) -> None:
        """Let go of the sessions; may be called twice."""
        self._beside.clear()
        if self._sessions is not None:
            self._sessions.close()

    def _upright(self, page: Page) -> Page:
        from dropscribe.engines.ppocr.orientation import upright

        return upright(page, self._line_sessions())

    def _line_sessions(self) -> "Sessions":
        from dropscribe.engines.ppocr.sessions import Sessions

        self._sessions = self._sessions or Sessions()
        return self._sessions
