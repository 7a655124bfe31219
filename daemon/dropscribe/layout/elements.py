"""Elements of a page in reading order: headings, paragraphs, items of lists, tables, code.

It decides which rows make up an element and what that is, by size, place, pitch and text. No pixels; how an element is
written is decided by `page` and `markdown`.
"""

import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from dropscribe.layout.columns import running
from dropscribe.layout.geometry import TextBox
from dropscribe.layout.lines import CJK, Line
from dropscribe.layout.markdown import BULLET, NUMBER
from dropscribe.layout.marks import Marks
from dropscribe.layout.rows import is_solid
from dropscribe.layout.rows import lines as rows_of
from dropscribe.layout.tables import Table, parts

CELL_GAP = 1.0  # line heights between two boxes from which they are cells, not pieces of one sentence
PARAGRAPH_GAP = 1.1  # line heights between two rows from which a new paragraph begins
LARGE, LARGEST = 1.25, 1.7  # of the usual height of a line: a heading, and one of the first level
LONGEST_HEADING = 90  # letters
EVEN = 0.04  # spread of the width per letter over lines of one fixed pitch; other letters spread by more than .06
CODE = re.compile(r"[{}();=<>$|\\#]|--|::|^\s*(?:import|def|class|return|if|for)\b|^[/~]\w|^\w+:\s*$")
OTHER, ENOUGH = 0.15, 8  # difference of the width per letter that shows another kind of letters; letters that tell it
CODE_SHARE = 0.5  # of the lines that hold such signs
RUNNING = 0.6  # of the lines are full; else each line is one by itself


@dataclass(frozen=True)
class Element:
    """One element: what it is, its lines of text (or its cells), and the places of its boxes in the reading order.

    `follows`: it stands right below the one before; `hard`: its lines are lines, and may not be joined.
    """

    kind: str  # title text list code table
    lines: tuple[str, ...]
    order: tuple[int, ...]
    level: int = 0
    hard: bool = False
    follows: bool = False
    grid: tuple[tuple[str, ...], ...] = field(default=())


@dataclass(frozen=True)
class _Row:
    boxes: list[TextBox]
    text: str


def elements(areas: Sequence[list[TextBox]], lines: Sequence[Line], marks: Marks | None) -> list[Element]:
    """Return the elements of a page's *areas*; *marks* None means vertical text, which has rows and nothing else."""
    found: list[Element] = []
    usual = _usual_height([box for area in areas for box in area])
    for area in areas:
        for part in parts(area, marks) if marks is not None else [area]:
            if isinstance(part, Table):
                found.append(_table(part, lines))
            else:
                found += _of_rows([_Row(row, _row_text(row, lines)) for row in rows_of(part)], usual, lines)
    return found


def _table(table: Table, lines: Sequence[Line]) -> Element:
    grid = tuple(tuple(_cell(cell, lines) for cell in row) for row in table.cells)
    order = tuple(box.index for row in table.cells for cell in row for box in cell)
    boxes = [box for row in table.cells for cell in row for box in cell]
    # Which lines make up a cell is a guess in a table set solid: as plain text it stays as it is, line by line.
    solid = is_solid(boxes)
    texts = tuple(_row_text(row, lines) for row in rows_of(boxes)) if solid else ()
    return Element("table", texts, order, grid=grid)


def _cell(cell: Sequence[TextBox], lines: Sequence[Line]) -> str:
    text = ""
    for box in cell:
        seamless = CJK.match(text[-1:]) and CJK.match(lines[box.index].text[:1])
        text += lines[box.index].text if seamless or not text else " " + lines[box.index].text
    return text


def _of_rows(rows: Sequence[_Row], usual: float, lines: Sequence[Line]) -> list[Element]:
    """Return the elements that *rows*, without tables, make up."""
    groups: list[list[_Row]] = []
    follows: list[bool] = []
    for i, row in enumerate(rows):
        apart = i == 0 or _apart(rows[i - 1].boxes, row.boxes)
        if apart or _begins(rows[i - 1], row, usual):
            groups.append([])
            follows.append(not apart)
        groups[-1].append(row)
    return [
        element
        for group, near in zip(groups, follows, strict=True)
        for element in _elements_of(group, usual, near, lines)
    ]


def _elements_of(group: list[_Row], usual: float, follows: bool, lines: Sequence[Line]) -> list[Element]:
    """Return what *group* is: one element, or code and the sentences set solid above and below it."""
    first, last = _one_pitch(group)
    indented = None if _heading_level(group, usual) else _code(group[first:last], lines)
    if indented is None:
        return [_element(group, usual, follows)]
    order = tuple(box.index for row in group[first:last] for box in row.boxes)
    above = [_element(group[:first], usual, follows)] if first else []
    below = [_element(group[last:], usual, True)] if last < len(group) else []
    return [*above, Element("code", indented, order, hard=True, follows=follows or bool(above)), *below]


def _one_pitch(group: Sequence[_Row]) -> tuple[int, int]:
    """Return from where to where the rows of *group* may be code: without those at its ends in other letters."""
    pitches = [_pitch(row) for row in group]
    usual = statistics.median_low([pitch for pitch in pitches if pitch] or [1.0])
    fits = [pitch is None or abs(pitch / usual - 1) < OTHER for pitch in pitches]
    return fits.index(True), len(fits) - fits[::-1].index(True)


def _pitch(row: _Row) -> float | None:
    """Return the width per letter of *row*; None where it has too few letters, or no width, to tell."""
    letters, width = sum(len(box.text) for box in row.boxes), sum(box.width for box in row.boxes)
    return width / letters if letters >= ENOUGH and width > 0 else None


def _element(group: list[_Row], usual: float, follows: bool) -> Element:
    order = tuple(box.index for row in group for box in row.boxes)
    texts = tuple(row.text for row in group)
    if level := _heading_level(group, usual):
        return Element("title", texts, order, level=level, follows=follows)
    if _item(texts[0]):
        return Element("list", texts, order, follows=follows)
    hard = len(group) > 1 and not _full([row.boxes for row in group])
    return Element("text", texts, order, hard=hard, follows=follows)


def _begins(above: _Row, row: _Row, usual: float) -> bool:
    """Say whether *row*, right below *above*, begins another element: an item, a heading, or text after one."""
    return _item(row.text) or bool(_heading_level([above], usual)) != bool(_heading_level([row], usual))


def _item(text: str) -> bool:
    return bool(BULLET.match(text) or NUMBER.match(text))


def _heading_level(group: Sequence[_Row], usual: float) -> int:
    """Return the level of the heading that *group* is, by its size; 0 where it is none."""
    texts = " ".join(row.text for row in group)
    size = min(min(box.height for box in row.boxes) for row in group) / usual
    letters = sum(c.isalpha() for c in texts)
    if size < LARGE or not 2 <= letters <= len(texts) <= LONGEST_HEADING or any(len(r.boxes) > 1 for r in group):
        return 0
    return 1 if size >= LARGEST else 2


def _usual_height(boxes: Sequence[TextBox]) -> float:
    """Return the height that most of the text has, by letters; 1 without any."""
    heights = sorted((box.height, len(box.text) + 1) for box in boxes)
    half = sum(count for _, count in heights) / 2
    for height, count in heights:
        half -= count
        if half <= 0:
            return height
    return 1.0


def _full(group: list[list[TextBox]]) -> bool:
    """Say whether the lines of *group* are those of a paragraph, broken where the next word had no room."""
    line_height = statistics.median(box.height for row in group for box in row)
    return running(group, line_height) >= RUNNING


def _code(group: Sequence[_Row], lines: Sequence[Line]) -> tuple[str, ...] | None:
    """Return *group* with its indentation where it is code: letters of one pitch, and signs as in code; else None."""
    pitches = [box.width / len(box.text) for row in group for box in row.boxes if len(box.text) > 7]
    signs = sum(bool(CODE.search(row.text)) for row in group)
    if len(pitches) < 3 or signs < CODE_SHARE * len(group):
        return None
    pitch = statistics.median(pitches)
    if statistics.median(abs(p / pitch - 1) for p in pitches) > EVEN:
        return None
    left = min(box.x0 for row in group for box in row.boxes)
    return tuple(_spaced(row.boxes, left, pitch, lines) for row in group)


def _spaced(boxes: Sequence[TextBox], left: float, pitch: float, lines: Sequence[Line]) -> str:
    text = ""
    for box in boxes:
        text += " " * max(bool(text), round((box.x0 - left) / pitch) - len(text)) + lines[box.index].text
    return text


def _row_text(row: Sequence[TextBox], lines: Sequence[Line]) -> str:
    """Return one row's text: a blank between pieces, except between CJK characters that nearly touch."""
    text = lines[row[0].index].text
    for before, box in pairwise(row):
        near = box.x0 - before.x1 < CELL_GAP * min(box.height, before.height)
        seamless = near and CJK.match(text[-1:]) and CJK.match(lines[box.index].text[:1])
        text += lines[box.index].text if seamless else " " + lines[box.index].text
    return text


def _apart(above: Sequence[TextBox], row: Sequence[TextBox]) -> bool:
    """Say whether *row* begins a new paragraph: well below the row before it, or elsewhere on the page."""
    gap = min(s.y0 for s in row) - max(s.y1 for s in above)
    line = min(s.height for s in row)
    return gap > PARAGRAPH_GAP * line or gap < -2 * line
