"""Figures of a page: cut out to files beside the text, and linked from its Markdown.

A figure is a block labelled `image` or `figure`; its index counts these blocks of a page in order, from 1. Engines
leave `![](FIGURE:PAGE-INDEX)` where one belongs. Which name the files get in the end is the outbox's business.
"""

import os
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from typing import TYPE_CHECKING
from urllib.parse import quote

from dropscribe.core.pages import Block, Box, DocumentResult, PageText
from dropscribe.formats.page_images import paired, turned
from dropscribe.formats.words import fitted

if TYPE_CHECKING:
    from PIL.Image import Image

LABELS = frozenset({"image", "figure"})
QUALITY = 90  # of JPEG, 0 to 95
# No bracket inside: a page of nothing but opening ones would take the square of its length.
_PLACE = re.compile(r"!\[[^\[\]\n]*\]\(FIGURE:(\d+)-(\d+)\)")
_PLACE_LINE = re.compile(r"(?m)^[ \t]*" + _PLACE.pattern + r"[ \t]*(?:\n{1,2}|\Z)")


def suffix(page: int, index: int) -> str:
    """Return what follows the stem in the name of a figure's file; *page* and *index* count from 1."""
    return f".p{page}-{index}.jpg"


def places(texts: Iterable[PageText]) -> Iterator[tuple[int, int]]:
    """Yield page and index of every figure that has a box, in the order in which they are cut out."""
    for text in texts:
        for index, block in enumerate(_figures(text), start=1):
            if fitted(block.box, text.width, text.height):
                yield text.number, index


def cut_out(reading: DocumentResult) -> Iterator[tuple[int, int, bytes]]:
    """Yield page and index of every figure that has a box, and the figure as a JPEG file."""
    for page, text in paired(reading, lambda text: any(places([text]))):
        image = turned(page, text)
        for index, block in enumerate(_figures(text), start=1):
            if box := fitted(block.box, text.width, text.height):
                out = BytesIO()
                _cut(image, box, text).save(out, "JPEG", quality=QUALITY)
                yield text.number, index, out.getvalue()


def linked(reading: DocumentResult, stem: str, suffixes: Collection[str]) -> DocumentResult:
    """Return *reading* with the places of the figures in *suffixes* linked to files whose names start with *stem*.

    *stem* is the final one in the outbox; its folder does not matter. Places of other figures stay.
    """
    return replace(reading, texts=_Linked(reading.texts, os.path.basename(stem), frozenset(suffixes)))


def with_figures(markdown: str, stem: str, suffixes: Collection[str]) -> str:
    """Return *markdown* with the places of figures whose suffix is among *suffixes* replaced by links to the files."""

    def link(found: re.Match[str]) -> str:
        name = suffix(int(found[1]), int(found[2]))
        # Quoted, because blanks and brackets end a link; a surrogate escape stands for a byte of the real name.
        return f"![]({quote(os.fsencode(stem + name))})" if name in suffixes else found[0]

    return _PLACE.sub(link, markdown)


def without_places(markdown: str) -> str:
    """Return *markdown* without places of figures; a line that held nothing else goes with the blank line after it."""
    return _PLACE.sub("", _PLACE_LINE.sub("", markdown))


@dataclass(frozen=True)
class _Linked:
    """Texts that are linked as they are walked, so that a long document is never held whole."""

    texts: Iterable[PageText]
    stem: str
    suffixes: frozenset[str]

    def __iter__(self) -> Iterator[PageText]:
        for text in self.texts:
            yield replace(text, markdown=with_figures(text.markdown, self.stem, self.suffixes))


def _figures(text: PageText) -> list[Block]:
    return [block for block in text.blocks if block.label in LABELS]


def _cut(image: "Image", box: Box, text: PageText) -> "Image":
    """Return the part of *image* inside *box*, which is in pixels of *text*; the picture may be of another size."""
    across, down = image.width / max(text.width, 1), image.height / max(text.height, 1)
    x0, y0 = int(box[0] * across), int(box[1] * down)
    x1, y1 = round(box[2] * across), round(box[3] * down)
    return image.crop((x0, y0, max(x1, x0 + 1), max(y1, y0 + 1))).convert("RGB")
