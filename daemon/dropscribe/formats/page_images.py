"""The pictures of a document's pages beside their texts, turned the way they were read. Decodes nothing itself."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from dropscribe.core.pages import DocumentResult, Page, PageText

if TYPE_CHECKING:
    from PIL.Image import Image


def paired(
    reading: DocumentResult, wanted: Callable[[PageText], bool] = lambda text: True
) -> Iterator[tuple[Page, PageText]]:
    """Yield the picture and the text of each page whose text is *wanted*, in order, one pair at a time."""
    images = reading.images()
    page: Page | None = None
    for text in reading.texts:
        if not wanted(text):
            continue
        while page is None or page.number < text.number:
            page = next(images, None)
            if page is None:
                return
        if page.number == text.number:
            yield page, text


def turned(page: Page, text: PageText) -> "Image":
    """Return the picture of *page*, turned clockwise by what *text* was turned beyond it: boxes of *text* fit it."""
    turn = (text.rotation - page.rotation) % 360
    return page.image.rotate(-turn, expand=True) if turn else page.image
