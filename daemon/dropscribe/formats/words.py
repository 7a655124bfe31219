"""Where the words are: rows and words inside the boxes that an engine gave for lines or whole regions.

Engines give one box for a line or a paragraph; positions inside it are estimated from the widths of characters. Runs
of Chinese or Japanese without blanks stay one word, so that searching for a phrase finds it. No format is known here.
"""

import html
import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from dropscribe.core.pages import Block, Box, PageText
from dropscribe.formats import direction, plain

LINE_PITCH = 1.3  # height of a line of a paragraph over the size of its letters; 1.2 to 1.5 in most typesetting
LETTER_WIDTH = 0.5  # mean width of a Latin letter over the size; a full-width character is twice as wide
# A half width may take so much of the height of its row: spaced capitals do, wide characters are square. Letters that
# are stretched further than that make readers take neighbouring rows for one.
MOST_LETTER, MOST_WIDE = 1.5, 0.8
LONGEST_WORD = 30  # half widths; a longer one is a run of a script that does without blanks
ON_ITS_SIDE = 4  # a row of fewer half widths than this is no paragraph: the line runs downwards


@dataclass(frozen=True)
class Word:
    """A run of characters without blanks, and its box in pixels of the upright page."""

    text: str
    box: Box


@dataclass(frozen=True)
class Row:
    """One line of print; its words are in the order of reading. It runs downwards, from the right, or as usual."""

    words: tuple[Word, ...]
    box: Box
    downward: bool = False
    from_right: bool = False


@dataclass(frozen=True)
class Area:
    """A block with its box made to fit the page and its rows; a figure may have none."""

    block: Block
    box: Box
    rows: tuple[Row, ...]


def areas(page: PageText) -> Iterator[Area]:
    """Yield the blocks of *page* with their rows and words.

    A block without a box, or a text without blocks, is laid over the whole page: it can be searched, if not pointed at.
    """
    whole = fitted((0, 0, page.width, page.height), page.width, page.height)
    blocks = page.blocks if any(b.text.strip() for b in page.blocks) else (*page.blocks, Block("text", page.text, None))
    for block in blocks:
        box = fitted(block.box, page.width, page.height)
        found = tuple(rows(_without_tags(block.text), box or whole or (0, 0, 1, 1)))
        if found or box:
            yield Area(block, box or whole or (0, 0, 1, 1), found)


def fitted(box: Box | None, width: int, height: int) -> Box | None:
    """Return *box* cut to a page of *width* by *height* pixels, at least a pixel each way; None when it is no box."""
    if box is None or not all(math.isfinite(value) for value in box):
        return None
    x0, x1 = _span(box[0], box[2], max(width, 1))
    y0, y1 = _span(box[1], box[3], max(height, 1))
    return x0, y0, x1, y1


def units(text: str) -> int:
    """Return the width of *text* in half-width characters: wide ones count two, marks on other letters none."""
    return sum(map(_unit, text))


def rows(text: str, box: Box) -> Iterator[Row]:
    """Yield the rows of *text* inside *box*, from top to bottom; none for text without ink."""
    lines = [words for line in plain.for_xml(text).split("\n") if (words := line.split())]
    width, height = box[2] - box[0], box[3] - box[1]
    total = sum(units(" ".join(words)) for words in lines)
    if not lines:
        return
    count = 1 if total < ON_ITS_SIDE else max(1, round(math.sqrt(total * LETTER_WIDTH * height / (LINE_PITCH * width))))
    downward = len(lines) == 1 and count > 1 and height > width and total / count < ON_ITS_SIDE
    if count > len(lines) and not downward:
        room = max(1, math.ceil(total / count))
        lines = [row for words in lines for row in _wrapped(words, room)]
    widest = max(1, *(units(" ".join(words)) for words in lines))
    for index, words in enumerate(lines):
        top, bottom = (box[1] + height * part / len(lines) for part in (index, index + 1))
        yield _row(words, (box[0], top, box[2], bottom), widest, downward=downward)


def _row(words: list[str], box: Box, widest: int, *, downward: bool) -> Row:
    """Return *words* placed inside *box*, whose length holds *widest* half widths."""
    start, end = (box[1], box[3]) if downward else (box[0], box[2])
    thick = box[2] - box[0] if downward else box[3] - box[1]
    most = MOST_WIDE if any(_unit(char) == 2 for word in words for char in word) else MOST_LETTER
    step = min((end - start) / widest, most * thick)
    placed: dict[int, Word] = {}
    at = start
    order, from_right = direction.visual_order(words)
    from_right = from_right and not downward
    if from_right:
        at = end - step * units(" ".join(words))
    for index in order:
        until = at + step * max(units(words[index]), 1)
        spot = (box[0], at, box[2], min(until, end)) if downward else (at, box[1], min(until, end), box[3])
        placed[index] = Word(words[index], spot)
        at = min(until + step, end)
    return Row(tuple(placed[index] for index in range(len(words))), box, downward, from_right)


def _wrapped(words: list[str], room: int) -> Iterator[list[str]]:
    """Yield *words* in rows of about *room* half widths; only a word that is wider than a row is broken."""
    row: list[str] = []
    used = 0
    for word in words:
        for piece in _pieces(word, room - used - bool(row), room):
            wide = units(piece)
            # Half a word over is nearer to how print looks than half a word short.
            if row and used + wide / 2 + 1 > room:
                yield row
                row, used = [], 0
            used += wide + bool(row)
            row.append(piece)
    if row:
        yield row


def _pieces(word: str, left: int, room: int) -> Iterator[str]:
    """Yield *word* whole when it fits a row, else in pieces: the first fills what is *left* of a row, others *room*."""
    wide = any(_unit(char) == 2 for char in word)
    # A broken word cannot be found any more; only scripts that are printed so are broken.
    if units(word) <= (room if wide else max(room, LONGEST_WORD)):
        yield word
        return
    piece, used, limit = "", 0, left if left > 1 else room
    for char in word:
        if piece and used + _unit(char) > limit:
            yield piece
            piece, used, limit = "", 0, room
        piece, used = piece + char, used + _unit(char)
    yield piece


def _unit(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _span(one: float, other: float, limit: int) -> tuple[float, float]:
    low, high = (min(max(value, 0), limit) for value in sorted((one, other)))
    if high - low < 1:
        low = min(low, limit - 1)
        high = low + 1
    return low, high


def _without_tags(text: str) -> str:
    """Return the words of an HTML table, a row of it to a line; other text as it is."""
    if "<table" not in text:
        return text
    text = re.sub(r"(?i)</tr\s*>|<br\s*/?>|</?table[^<>]*>", "\n", text)
    return html.unescape(re.sub(r"(?i)</?(?:t[dhr]|thead|tbody|tfoot|caption|colgroup|col)\b[^<>]*>", " ", text))
