"""Rows of boxes: what stands on one baseline, what white stripes part, and which lines make up a table's cell.

Pure geometry on level boxes. It knows no columns of running text; those are parted before.
"""

import statistics
from itertools import pairwise

from dropscribe.layout.geometry import Spot

RIM = 0.2  # of a box's height above and below that may be nobody's: the detector draws boxes generously
CELL_LINES = 6  # a row of a table has at most so many lines
CELL_GAP = 0.3  # line heights of white between two cells
APART = 1.05  # of the step between lines of a cell: equal but for noise; rows of a table not set solid stand further
HALF, MOST = 0.5, 0.6  # of a box's height that another on its baseline shares; lines of centred cells share half


def lines(spots: list[Spot]) -> list[list[Spot]]:
    """Return *spots* of a page without columns in rows, from top to bottom; the lines of a cell stay together.

    Unless its table is set solid: then nothing shows which lines make up a cell, and the page is read line by line,
    as `pdftotext -layout` does.
    """
    stripes = bands(spots)
    if _solid(stripes):
        return [row for band in stripes for row in across(band, MOST)]
    return [row for band in stripes for row in (_by_cell(band) if _wraps(band) else across(band))]


def _solid(stripes: list[list[Spot]]) -> bool:
    """Say whether rows whose cells have several lines are no further apart than those lines."""
    cells = [[_middle(row) for row in across(cell)] for band in stripes if _wraps(band) for cell in _cells(band)]
    within = [below - above for cell in cells for above, below in pairwise(cell)]
    between = [
        min(s.middle for s in below) - max(s.middle for s in above)
        for above, below in pairwise(stripes)
        if _wraps(above) or _wraps(below)
    ]
    return bool(within and between) and statistics.median(between) < APART * statistics.median(within)


def _middle(row: list[Spot]) -> float:
    return statistics.median(s.middle for s in row)


def _wraps(band: list[Spot]) -> bool:
    """Say whether *band* is a row of a table with more than one line in a cell."""
    return 1 < len(across(band)) <= CELL_LINES and len(_cells(band)) > 1


def _by_cell(band: list[Spot]) -> list[list[Spot]]:
    return [[spot for cell in _cells(band) for row in across(cell) for spot in row]]


def _cells(band: list[Spot]) -> list[list[Spot]]:
    """Return *band* in cells from left to right, with white between them."""
    cells: list[list[Spot]] = []
    right = float("-inf")
    for spot in sorted(band, key=lambda s: s.x0):
        if spot.x0 > right + CELL_GAP * spot.height:
            cells.append([])
        cells[-1].append(spot)
        right = max(right, spot.x1)
    return cells


def bands(spots: list[Spot]) -> list[list[Spot]]:
    """Return *spots* in bands from top to bottom: a white stripe runs across the page between two of them."""
    found: list[list[Spot]] = []
    bottom = float("-inf")
    for spot in sorted(spots, key=lambda s: s.y0 + RIM * s.height):
        if spot.y0 + RIM * spot.height > bottom:
            found.append([])
        found[-1].append(spot)
        bottom = max(bottom, spot.y1 - RIM * spot.height)
    return found


def across(spots: list[Spot], share: float = HALF) -> list[list[Spot]]:
    """Return *spots* in rows: those whose heights overlap by *share*, left to right; rows from top to bottom."""
    found: list[list[Spot]] = []
    for spot in sorted(spots, key=lambda s: (s.y0 + s.y1) / 2):
        for row in reversed(found[-4:]):
            if _same_row(row, spot, share):
                row.append(spot)
                break
        else:
            found.append([spot])
    return [sorted(row, key=lambda s: s.x0) for row in found]


def _same_row(row: list[Spot], spot: Spot, share: float) -> bool:
    near = min(row, key=lambda s: max(s.x0 - spot.x1, spot.x0 - s.x1))
    shared = min(near.y1, spot.y1) - max(near.y0, spot.y0)
    beside = min(near.x1, spot.x1) - max(near.x0, spot.x0) < 0.5 * min(near.width, spot.width)
    return beside and shared >= share * min(near.height, spot.height)
