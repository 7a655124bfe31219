"""Pages that a test hands to an engine itself, in the place of the worker's scheduler."""

from collections.abc import Iterable

from dropscribe.core.pages import Page


class Pages:
    """A source of these pages, in this order; they are all there from the start."""

    def __init__(self, pages: Iterable[Page]) -> None:
        self._pages = iter(pages)

    def take(self, *, wait: bool) -> Page | None:
        """Return the next page, or None at the end."""
        return next(self._pages, None)
