"""Rows of boxes: what stands on one baseline, what white stripes part, and which lines make up a table's cell.

Pure geometry on level boxes. It knows no columns of running text; those are parted before.
"""

import statistics
from itertools import pairwise

from dropscribe.layout.geometry import TextBox

RIM = 0.2  # of a box's height above and below that may be nobody's: the detector draws boxes generously
CELL_LINES = 6  # a row of a table has at most so many lines
CELL_GAP = 0.3  # line heights of white between two cells
APART = 1.05  # of the step between lines of a cell: equal but for noise; rows of a table not set solid stand further
WIDER = 0.4  # line heights of white between two blocks beyond what is usual between lines
HALF, MOST = 0.5, 0.6  # of a box's height that another on its baseline shares; lines of centred cells share half


def lines(boxes: list[TextBox]) -> list[list[TextBox]]:
    """Return *spots* of a page without columns in rows, from top to bottom; the lines of a cell stay together.

    Unless its table is set solid: then nothing shows which lines make up a cell, and the page is read line by line,
    as `pdftotext -layout` does.
    """
    if not boxes:
        return []
    stripes = horizontal_bands(boxes)
    if is_solid(boxes):
        return [row for band in stripes for row in group_lines(band, MOST)]
    return [row for band in stripes for row in (_by_cell(band) if _wraps(band) else group_lines(band))]


def is_solid(boxes: list[TextBox]) -> bool:
    """Say whether rows whose cells have several lines are no further apart than those lines."""
    stripes = horizontal_bands(boxes)
    cells = [[_middle(row) for row in group_lines(cell)] for band in stripes if _wraps(band) for cell in _cells(band)]
    within = [below - above for cell in cells for above, below in pairwise(cell)]
    between = [
        min(s.middle for s in below) - max(s.middle for s in above)
        for above, below in pairwise(stripes)
        if _wraps(above) or _wraps(below)
    ]
    return bool(within and between) and statistics.median(between) < APART * statistics.median(within)


def _middle(row: list[TextBox]) -> float:
    return statistics.median(s.middle for s in row)


def _wraps(band: list[TextBox]) -> bool:
    """Say whether *band* is a row of a table with more than one line in a cell."""
    return 1 < len(group_lines(band)) <= CELL_LINES and len(_cells(band)) > 1


def _by_cell(band: list[TextBox]) -> list[list[TextBox]]:
    return [[box for cell in _cells(band) for row in group_lines(cell) for box in row]]


def _cells(band: list[TextBox]) -> list[list[TextBox]]:
    """Return *band* in cells from left to right, with white between them."""
    cells: list[list[TextBox]] = []
    right = float("-inf")
    for box in sorted(band, key=lambda s: s.x0):
        if box.x0 > right + CELL_GAP * box.height:
            cells.append([])
        cells[-1].append(box)
        right = max(right, box.x1)
    return cells


def blocks(boxes: list[TextBox], widest: float = 0.0) -> list[list[TextBox]]:
    """Return *boxes* in blocks from top to bottom, parted where the white between two bands is wider than usual.

    With *widest*, it must also be at least so many times the widest white that there is.
    """
    bands = horizontal_bands(boxes)
    white = [min(s.y0 for s in below) - max(s.y1 for s in above) for above, below in pairwise(bands)]
    if not white:
        return bands
    line_height = statistics.median(s.height for s in boxes)
    usual = statistics.median(sorted(white)[: (len(white) + 1) // 2])
    found = [list(bands[0])]
    for gap, band in zip(white, bands[1:], strict=True):
        if gap > usual + WIDER * line_height and gap >= widest * max(white):
            found.append([])
        found[-1] += band
    return found


def horizontal_bands(boxes: list[TextBox]) -> list[list[TextBox]]:
    """Return *spots* in bands from top to bottom: a white stripe runs across the page between two of them."""
    found: list[list[TextBox]] = []
    bottom = float("-inf")
    for box in sorted(boxes, key=lambda s: s.y0 + RIM * s.height):
        if box.y0 + RIM * box.height > bottom:
            found.append([])
        found[-1].append(box)
        bottom = max(bottom, box.y1 - RIM * box.height)
    return found


def group_lines(boxes: list[TextBox], share: float = HALF) -> list[list[TextBox]]:
    """Return *spots* in rows: those whose heights overlap by *share*, left to right; rows from top to bottom."""
    found: list[list[TextBox]] = []
    for box in sorted(boxes, key=lambda s: (s.y0 + s.y1) / 2):
        for row in reversed(found[-4:]):
            if _same_row(row, box, share):
                row.append(box)
                break
        else:
            found.append([box])
    return [sorted(row, key=lambda s: s.x0) for row in found]


def _same_row(row: list[TextBox], box: TextBox, share: float) -> bool:
    near = min(row, key=lambda s: max(s.x0 - box.x1, box.x0 - s.x1))
    shared = min(near.y1, box.y1) - max(near.y0, box.y0)
    beside = min(near.x1, box.x1) - max(near.x0, box.x0) < 0.5 * min(near.width, box.width)
    return beside and shared >= share * min(near.height, box.height)
