"""Reading order: which of a page's boxes comes after which.

Pure geometry on upright boxes. It does not read, turn or join anything. Pages are cut into columns where a gutter
runs through text on both sides, with lines that cross it as borders between bands (after the recursive XY-cut of
Nagy and Seth, 1984, which alone interleaves a page whose heading spans its columns); what is not columns is read
row by row, so that tables go across.
"""

import statistics
from collections.abc import Sequence

from dropscribe.layout.columns import gutter
from dropscribe.layout.geometry import Quad, TextBox, deskew, sideways
from dropscribe.layout.rows import group_lines, horizontal_bands, lines

STRIPE = 0.9  # line heights of white above and below a row that belongs to no column
PAUSE = 3  # line heights of white across the page that end all columns

Row = list[int]


def rows(quads: Sequence[Quad]) -> list[Row]:
    """Return the indices of *quads* (page pixels) in reading order, those on one baseline together."""
    boxes = deskew(quads)
    if sideways(quads):
        # Vertical text: turned a quarter to the left, its columns are rows that go down the page.
        boxes = [TextBox(s.index, s.y0, -s.x1, s.y1, -s.x0) for s in boxes]
    return [[s.index for s in row] for row in _ordered(boxes)]


def _ordered(boxes: list[TextBox]) -> list[list[TextBox]]:
    """Return *spots* row by row, columns one after the other."""
    x = gutter(boxes)
    if x is None:
        return lines(boxes)
    result: list[list[TextBox]] = []
    for group in (section for part in _between_headings(boxes, x) for section in _sections(part)):
        left = [s for s in group if s.x1 <= x]
        right = [s for s in group if s.x0 >= x]
        inset = [s for s in group if s.x0 < x < s.x1]
        result += [row for part in (left, right, inset) for row in (_ordered(part) if part else [])]
    return result


def _between_headings(boxes: list[TextBox], x: float) -> list[list[TextBox]]:
    """Return *spots* from top to bottom in groups; each heading of both sides of *x* is one."""
    headings = sorted(_headings(boxes, x), key=lambda row: row[0].middle)
    taken = {box.index for row in headings for box in row}
    groups: list[list[TextBox]] = [[] for _ in range(len(headings) + 1)]
    for box in boxes:
        if box.index not in taken:
            groups[sum(row[0].middle < box.middle for row in headings)].append(box)
    mixed = [group for pair in zip(groups, [*headings, []], strict=True) for group in pair]
    return [group for group in mixed if group]


def _headings(boxes: list[TextBox], x: float) -> list[list[TextBox]]:
    """Return what belongs to both columns: lines across the gutter *x*, and rows alone between wide white stripes.

    What crosses it beside other lines (a caption between the columns) is an inset and ends nothing. The rows alone
    are headings shorter than their column, page numbers and running heads.
    """
    crossing = [s for s in boxes if s.x0 < x < s.x1]
    others = [s for s in boxes if not s.x0 < x < s.x1]
    line_height = statistics.median(s.height for s in boxes)
    stripes = horizontal_bands(others)
    tops = [min(s.y0 for s in band) for band in stripes] + [float("inf")]
    bottoms = [float("-inf")] + [max(s.y1 for s in band) for band in stripes]
    alone = [
        band
        for i, band in enumerate(stripes)
        if min(tops[i] - bottoms[i], tops[i + 1] - bottoms[i + 1]) > STRIPE * line_height
        and len(group_lines(band)) == 1
    ]
    return [[c] for c in crossing if not any(_level_with(c, s) for s in others)] + alone


def _sections(boxes: list[TextBox]) -> list[list[TextBox]]:
    """Return *spots* in parts from top to bottom, parted where all columns pause: rows of cards."""
    line_height = statistics.median(s.height for s in boxes)
    sections: list[list[TextBox]] = []
    bottom = float("-inf")
    for band in horizontal_bands(boxes):
        if not sections or min(s.y0 for s in band) - bottom > PAUSE * line_height:
            sections.append([])
        sections[-1] += band
        bottom = max(s.y1 for s in band)
    return sections


def _level_with(one: TextBox, other: TextBox) -> bool:
    return min(one.y1, other.y1) - max(one.y0, other.y0) > 0.5 * min(one.height, other.height)
