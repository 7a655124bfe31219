"""A page's own text beside what is read from its pixels: compared before it is believed, painted out, joined again.

For the page stage: any engine can be given what is left of a page. It knows no engine, opens no file and reads nothing;
the embedded recogniser is handed in.
"""

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from difflib import SequenceMatcher

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dropscribe.core.pages import Block, Box, Page, PageText
from dropscribe.engines.ppocr.pixels import Pixels, pixels
from dropscribe.engines.ppocr.sessions import Read
from dropscribe.layout.lines import Line
from dropscribe.layout.page import PLAIN, Style, assemble

Recognise = Callable[[Sequence[Pixels]], Iterable[Read]]

SURE = 0.8  # confidence from which a word of the picture speaks against the file's own
ALIKE = 0.5  # share of letters in common (Ratcliff and Obershelp); codes that are shifted have hardly any
FEWEST_LETTERS = 8  # of all words of a font; fewer prove nothing
ROOM = 0.15  # of a word's height around its crop
MARGIN = 2  # pixels around a line that is painted out


def believed(page: Page, recognise: Recognise) -> Page:
    """Return *page*, without any text of its own where the words of one of its fonts look quite otherwise."""
    words = [word for font in page.samples for word in font if word.box]
    if not words:
        return page
    said = recognise([_crop(page, word.box) for word in words if word.box])
    reads = dict(zip(map(id, words), ((read.text, read.confidence) for read in said), strict=True))
    if not any(_lies(font, [reads[id(word)] for word in font]) for font in page.samples if font):
        return page
    return replace(page, text=None, blocks=(), samples=())


def as_it_stands(page: Page) -> PageText:
    """Return the text of a page that brings all of it."""
    text = page.text or ""
    return PageText(
        page.number, page.width, page.height, text, text, page.blocks,
        rotation=page.rotation, text_source="pdf", flags=page.flags, document=page.document,
    )  # fmt: skip


def beside(page: Page) -> Page:
    """Return *page* with the lines painted out that it brings itself; the same page where it brings none."""
    if page.text is not None or not page.blocks:
        return page
    picture = np.array(page.image.convert("RGB"))
    for block in page.blocks:
        if block.box:
            _paint_out(picture, block.box)
    return replace(page, image=Image.fromarray(picture), blocks=())


def together(page: Page, text: PageText, style: Style = PLAIN) -> PageText:
    """Return *text*, which was read `beside` the lines of *page*, with those lines in their places."""
    if page.text is not None or not page.blocks:
        return text
    read = [block for block in text.blocks if block.box and block.text.strip()]
    known = {(block.text, block.box) for block in page.blocks}
    placed = [Line(_quad(b.box), b.text, b.confidence or 1.0) for b in (*page.blocks, *read) if b.box]
    done = assemble(placed, text.width, text.height, style=style)
    blocks = tuple(replace(b, confidence=None) if (b.text, b.box) in known else b for b in done.blocks)
    flags = tuple(flag for flag in text.flags if flag not in ("empty", "blank", "unread"))
    return replace(
        text, text=done.text, markdown=done.markdown, blocks=blocks, flags=flags,
        text_source=text.text_source if read else "pdf",
    )  # fmt: skip


def _crop(page: Page, box: Box) -> Pixels:
    x0, y0, x1, y1 = box
    room = ROOM * (y1 - y0)
    left, top = max(0, round(x0 - room)), max(0, round(y0 - room))
    right, bottom = max(left + 1, round(x1 + room)), max(top + 1, round(y1 + room))
    return pixels(page.image.crop((left, top, min(right, page.width), min(bottom, page.height))))


def _lies(words: Sequence[Block], reads: Sequence[tuple[str, float]]) -> bool:
    """Say whether every one of a font's *words* is clearly another in its picture."""
    if sum(len(word.text) for word in words) < FEWEST_LETTERS:
        return False
    pairs = zip(words, reads, strict=True)
    return all(confidence >= SURE and _likeness(word.text, said) < ALIKE for word, (said, confidence) in pairs)


def _likeness(one: str, other: str) -> float:
    plain, read = (unicodedata.normalize("NFKC", text).casefold().replace(" ", "") for text in (one, other))
    return SequenceMatcher(None, plain, read, autojunk=False).ratio()


def _paint_out(picture: NDArray[np.uint8], box: Box) -> None:
    """Fill *box* of *picture* with what surrounds it."""
    height, width = picture.shape[:2]
    x0, y0 = max(0, int(box[0]) - MARGIN), max(0, int(box[1]) - MARGIN)
    x1, y1 = min(width, int(box[2]) + 1 + MARGIN), min(height, int(box[3]) + 1 + MARGIN)
    if x0 < x1 and y0 < y1:
        patch = picture[y0:y1, x0:x1]
        rim = np.concatenate([patch[0], patch[-1], patch[:, 0], patch[:, -1]])
        patch[:] = np.median(rim, axis=0).astype(np.uint8)


def _quad(box: Box | None) -> NDArray[np.float32]:
    x0, y0, x1, y1 = box or (0, 0, 0, 0)
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], np.float32)
