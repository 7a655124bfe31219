"""Reading order: which of a page's boxes comes after which.

Pure geometry on upright boxes. It does not read, turn or join anything. Pages are cut into columns where a gutter
runs through text on both sides, with lines that cross it as borders between bands (after the recursive XY-cut of
Nagy and Seth, 1984, which alone interleaves a page whose heading spans its columns); what is not columns is read
row by row, so that tables go across.
"""

import statistics
from collections.abc import Sequence

from dropscribe.engines.reading.boxes import Spot, level, sideways
from dropscribe.engines.reading.picture import Quad

COLUMN_LINES = 3  # a column has at least so many lines
COLUMN_WIDTH = 7  # line heights; running text is seldom set narrower, cells of a table often are
RIM = 0.2  # of a box's height above and below that may be nobody's: the detector draws boxes generously
CELL_LINES = 6  # a row of a table has at most so many lines
CELL_GAP = 0.3  # line heights of white between two cells

Row = list[int]


def rows(quads: Sequence[Quad]) -> list[Row]:
    """Return the indices of *quads* (page pixels) in reading order, those on one baseline together."""
    spots = level(quads)
    if sideways(quads):
        # Vertical text: turned a quarter to the left, its columns are rows that go down the page.
        spots = [Spot(s.index, s.y0, -s.x1, s.y1, -s.x0) for s in spots]
    return [[s.index for s in row] for row in _ordered(spots)]


def _ordered(spots: list[Spot]) -> list[list[Spot]]:
    """Return *spots* row by row, columns one after the other."""
    gutter = _gutter(spots)
    if gutter is None:
        return [row for band in _bands(spots) for row in _cells(band)]
    result: list[list[Spot]] = []
    for group in _between_headings(spots, gutter):
        left = [s for s in group if s.x1 <= gutter]
        right = [s for s in group if s.x0 >= gutter]
        inset = [s for s in group if s.x0 < gutter < s.x1]
        result += [row for part in (left, right, inset) for row in (_ordered(part) if part else [])]
    return result


def _between_headings(spots: list[Spot], gutter: float) -> list[list[Spot]]:
    """Return *spots* from top to bottom in groups; each line that crosses the *gutter* alone is one of its own.

    What crosses it beside other lines (a caption between the columns) is an inset and ends nothing.
    """
    crossing = [s for s in spots if s.x0 < gutter < s.x1]
    others = [s for s in spots if not s.x0 < gutter < s.x1]
    headings = sorted((c for c in crossing if not any(_level_with(c, s) for s in others)), key=lambda s: s.middle)
    groups: list[list[Spot]] = [[] for _ in range(2 * len(headings) + 1)]
    for spot in spots:
        above = sum(h.middle < spot.middle for h in headings)
        groups[2 * above + (spot in headings)].append(spot)
    return [group for group in groups if group]


def _level_with(one: Spot, other: Spot) -> bool:
    return min(one.y1, other.y1) - max(one.y0, other.y0) > 0.5 * min(one.height, other.height)


def _bands(spots: list[Spot]) -> list[list[Spot]]:
    """Return *spots* in bands from top to bottom: a white stripe runs across the page between two of them."""
    bands: list[list[Spot]] = []
    bottom = float("-inf")
    for spot in sorted(spots, key=lambda s: s.y0 + RIM * s.height):
        if spot.y0 + RIM * spot.height > bottom:
            bands.append([])
        bands[-1].append(spot)
        bottom = max(bottom, spot.y1 - RIM * spot.height)
    return bands


def _cells(band: list[Spot]) -> list[list[Spot]]:
    """Return the rows of *band*; where lines of neighbours do not stand on one baseline, cell by cell.

    So the second line of a table's cell stays with the first.
    """
    found = _across(band)
    if len(found) == 1 or len(found) > CELL_LINES:
        return found
    cells: list[list[Spot]] = []
    right = float("-inf")
    for spot in sorted(band, key=lambda s: s.x0):
        if spot.x0 > right + CELL_GAP * spot.height:
            cells.append([])
        cells[-1].append(spot)
        right = max(right, spot.x1)
    if len(cells) == 1:
        return found
    return [[spot for cell in cells for row in _across(cell) for spot in row]]


def _gutter(spots: list[Spot]) -> float | None:
    """Return the x of the best gutter between columns of running text; None where rows go across."""
    if len(spots) < 2 * COLUMN_LINES:
        return None
    line = statistics.median(s.height for s in spots)
    edges_of_lines = sorted({s.x0 - 0.25 * line for s in spots})
    score, x = max((_column_score(spots, x, line), x) for x in edges_of_lines)
    return x if score > 0 else None


def _column_score(spots: list[Spot], x: float, line: float) -> int:
    """Return how many lines a gutter at *x* would part well; 0 or less where it would not be one.

    Both sides must hold running text side by side over a common stretch, and few lines may cross.
    """
    left, right = [s for s in spots if s.x1 <= x + 0.1 * line], [s for s in spots if s.x0 >= x]
    lefts, rights = _beside(left, right), _beside(right, left)
    fewest = min(len(lefts), len(rights))
    parted = fewest - 2 * (len(spots) - len(left) - len(right))
    if fewest < COLUMN_LINES or parted <= 0 or not (_running(lefts, line) and _running(rights, line)):
        return 0
    return parted


def _beside(some: list[Spot], others: list[Spot]) -> list[Spot]:
    """Return those of *some* that lie within the stretch of the page, from top to bottom, that *others* take up."""
    top, bottom = min((s.y0 for s in others), default=0.0), max((s.y1 for s in others), default=0.0)
    return [s for s in some if s.y1 > top and s.y0 < bottom]


def _running(column: list[Spot], line: float) -> bool:
    """Say whether *column* looks like running text rather than cells of a table, which are short and ragged.

    Lines of running text are long for their height, without holes, and about as long as those above and below
    (not as the longest of the column: text may flow around a picture).
    """
    found = _across(column)
    widths = [row[-1].x1 - row[0].x0 for row in found]
    near = [max(widths[max(0, i - 2) : i + 3]) for i in range(len(widths))]
    full = sum(own > 0.7 * widest for own, widest in zip(widths, near, strict=True))
    whole = sum(sum(s.width for s in row) > 0.85 * width for row, width in zip(found, widths, strict=True))
    return statistics.median(widths) > COLUMN_WIDTH * line and min(full, whole) >= 0.6 * len(found)


def _across(spots: list[Spot]) -> list[list[Spot]]:
    """Return *spots* in rows: those whose heights overlap by half, left to right; rows from top to bottom."""
    found: list[list[Spot]] = []
    for spot in sorted(spots, key=lambda s: (s.y0 + s.y1) / 2):
        for row in reversed(found[-4:]):
            if _same_row(row, spot):
                row.append(spot)
                break
        else:
            found.append([spot])
    return [sorted(row, key=lambda s: s.x0) for row in found]


def _same_row(row: list[Spot], spot: Spot) -> bool:
    near = min(row, key=lambda s: max(s.x0 - spot.x1, spot.x0 - s.x1))
    shared = min(near.y1, spot.y1) - max(near.y0, spot.y0)
    beside = min(near.x1, spot.x1) - max(near.x0, spot.x0) < 0.5 * min(near.width, spot.width)
    return beside and shared >= 0.5 * min(near.height, spot.height)
