"""Lines of text: what was read where, put together into the text of a page.

It owns joining and the Markdown escape; order comes from `order`, words from the recogniser.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from dropscribe.core.pages import Block, Box
from dropscribe.layout import order
from dropscribe.layout.geometry import Quad, TextBox, deskew

CJK = re.compile(r"[\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]")
SENTENCE_GAP = 1.0  # line heights between two boxes from which they are cells, not pieces of one sentence
PARAGRAPH_GAP = 1.1  # line heights between two rows from which a new paragraph begins


@dataclass(frozen=True)
class Line:
    """One line as it was found: its corners in page pixels, what it says, how sure the recogniser is (0 to 1)."""

    quad: Quad
    text: str
    confidence: float


@dataclass(frozen=True)
class Assembled:
    """A page's lines in reading order, and its text."""

    text: str
    blocks: tuple[Block, ...]


def assemble(lines: Sequence[Line], width: int, height: int) -> Assembled:
    """Put *lines* in reading order; boxes are clipped to the page of *width* x *height* pixels."""
    boxes = deskew([line.quad for line in lines])
    parts: list[str] = []
    blocks: list[Block] = []
    above: order.Row = []
    for row in order.rows([line.quad for line in lines]):
        if parts:
            parts.append("\n\n" if _apart([boxes[i] for i in above], [boxes[i] for i in row]) else "\n")
        parts.append(_joined([lines[i] for i in row], [boxes[i] for i in row]))
        blocks += [Block("text", lines[i].text, _box(lines[i].quad, width, height), lines[i].confidence) for i in row]
        above = row
    return Assembled("".join(parts), tuple(blocks))


def plain_markdown(text: str) -> str:
    """Return *text* so that Markdown shows it as it stands: what would begin a heading, list or rule is escaped."""
    text = re.sub(r"([\\`*_<>\[\]])", r"\\\1", text)
    text = re.sub(r"(?m)^(\s*)([#+-]|={3,}|~{3,})", r"\1\\\2", text)
    return re.sub(r"(?m)^(\s*\d+)([.)]\s)", r"\1\\\2", text)


def _joined(row: Sequence[Line], boxes: Sequence[TextBox]) -> str:
    """Return one row's text: a blank between pieces, except between CJK characters that nearly touch."""
    text = row[0].text
    for line, before, box in zip(row[1:], boxes, boxes[1:], strict=False):
        near = box.x0 - before.x1 < SENTENCE_GAP * min(box.height, before.height)
        seamless = near and CJK.match(text[-1:]) and CJK.match(line.text[:1])
        text += line.text if seamless else " " + line.text
    return text


def _apart(above: Sequence[TextBox], row: Sequence[TextBox]) -> bool:
    """Say whether *row* begins a new paragraph: well below the row before it, or elsewhere on the page."""
    gap = min(s.y0 for s in row) - max(s.y1 for s in above)
    line = min(s.height for s in row)
    return gap > PARAGRAPH_GAP * line or gap < -2 * line


def _box(quad: Quad, width: int, height: int) -> Box:
    (x0, y0), (x1, y1) = quad.min(axis=0), quad.max(axis=0)
    return (
        min(max(float(x0), 0.0), float(width)),
        min(max(float(y0), 0.0), float(height)),
        min(max(float(x1), 0.0), float(width)),
        min(max(float(y1), 0.0), float(height)),
    )


def letters(lines: Sequence[Line]) -> int:
    """Return how many characters *lines* have."""
    return sum(len(line.text) for line in lines)


def weight(lines: Sequence[Line]) -> float:
    """Return how much was read: characters, each counted by the confidence of its line."""
    return sum(len(line.text) * line.confidence for line in lines)
