"""Pages for the engine `remote`, and the engine itself with settings of a test's own."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from PIL import Image

from dropscribe.config import Settings, checked
from dropscribe.core.pages import Page, PageFailure, PageText
from dropscribe.engines.base import Signals
from dropscribe.engines.remote.engine import Remote


class Pages:
    """So many pages, each of a document of its own unless *documents* says how many there are."""

    def __init__(self, count: int, documents: int | None = None, size: tuple[int, int] = (300, 400)) -> None:
        self._left = [
            Page(number, Image.new("RGB", size, "white"), document=number % (documents or count))
            for number in range(1, count + 1)
        ]

    def take(self, *, wait: bool) -> Page | None:
        """Return the next page."""
        return self._left.pop(0) if self._left else None


def settings(*urls: str, engine_values: dict[str, Any] | None = None, **remote: Any) -> Settings:
    """Return settings of the engine for these servers."""
    values = {"name": "remote", "remote": {"url": list(urls), **remote}} | (engine_values or {})
    return checked({"engine": values}, "test")


@contextmanager
def loaded(*urls: str, signals: Signals | None = None, **options: Any) -> Iterator[Remote]:
    """Give the engine, loaded, and unload it at the end; no thread of it is left."""
    engine = Remote(settings(*urls, **options), signals or Signals())
    engine.load(lambda progress: None)
    try:
        yield engine
    finally:
        engine.unload()


def read(engine: Remote, count: int = 1, **options: Any) -> list[PageText | PageFailure]:
    """Return what comes of so many pages."""
    return list(engine.read(Pages(count, **options)))


def texts(results: list[PageText | PageFailure]) -> list[str]:
    """Return the texts of pages, none of which may have failed."""
    assert all(isinstance(result, PageText) for result in results), results
    return [result.text for result in results if isinstance(result, PageText)]
