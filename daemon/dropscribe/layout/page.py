"""A page put together: lines in reading order, its text, its blocks. It owns joining; order and cuts come from others."""

from collections.abc import Sequence
from dataclasses import dataclass

from dropscribe.core.pages import Block, Box
from dropscribe.layout import order
from dropscribe.layout.geometry import Quad, TextBox, deskew
from dropscribe.layout.lines import CJK, Line
from dropscribe.layout.marks import Marks
from dropscribe.layout.splitting import split_joined

CELL_GAP = 1.0  # line heights between two boxes from which they are cells, not pieces of one sentence
PARAGRAPH_GAP = 1.1  # line heights between two rows from which a new paragraph begins
NO_MARKS = Marks()


@dataclass(frozen=True)
class Assembled:
    """A page's lines in reading order, and its text."""

    text: str
    blocks: tuple[Block, ...]


def assemble(found: Sequence[Line], width: int, height: int, marks: Marks = NO_MARKS) -> Assembled:
    """Put *found* in reading order; boxes are clipped to the page of *width* x *height* pixels."""
    lines = split_joined(found)
    boxes = deskew([line.quad for line in lines])
    parts: list[str] = []
    blocks: list[Block] = []
    above: order.Row = []
    for row in order.rows([line.quad for line in lines], [line.text for line in lines], marks):
        if parts:
            parts.append("\n\n" if _apart([boxes[i] for i in above], [boxes[i] for i in row]) else "\n")
        parts.append(_joined([lines[i] for i in row], [boxes[i] for i in row]))
        blocks += [Block("text", lines[i].text, _box(lines[i].quad, width, height), lines[i].confidence) for i in row]
        above = row
    return Assembled("".join(parts), tuple(blocks))


def _joined(row: Sequence[Line], boxes: Sequence[TextBox]) -> str:
    """Return one row's text: a blank between pieces, except between CJK characters that nearly touch."""
    text = row[0].text
    for line, before, box in zip(row[1:], boxes, boxes[1:], strict=False):
        near = box.x0 - before.x1 < CELL_GAP * min(box.height, before.height)
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
