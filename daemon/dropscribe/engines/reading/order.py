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
SLACK = 2.5  # line heights; a line of running text ends where the next word had no room, a cell anywhere
STRIPE = 0.9  # line heights of white above and below a row that belongs to no column
PAUSE = 3  # line heights of white across the page that end all columns
WIDER = 1.2  # of the usual step from line to line; a larger one parts paragraphs, or rows of a table
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
    groups = [part for group in _between_headings(spots, gutter) for part in _sections(group)]
    for group in groups:
        left = [s for s in group if s.x1 <= gutter]
        right = [s for s in group if s.x0 >= gutter]
        inset = [s for s in group if s.x0 < gutter < s.x1]
        result += [row for part in (left, right, inset) for row in (_ordered(part) if part else [])]
    return result


def _between_headings(spots: list[Spot], gutter: float) -> list[list[Spot]]:
    """Return *spots* from top to bottom in groups; each heading of both columns beside the *gutter* is one of its own."""
    headings = sorted(_headings(spots, gutter), key=lambda row: row[0].middle)
    taken = {spot.index for row in headings for spot in row}
    groups: list[list[Spot]] = [[] for _ in range(len(headings) + 1)]
    for spot in spots:
        if spot.index not in taken:
            groups[sum(row[0].middle < spot.middle for row in headings)].append(spot)
    mixed = [group for pair in zip(groups, [*headings, []], strict=True) for group in pair]
    return [group for group in mixed if group]


def _headings(spots: list[Spot], gutter: float) -> list[list[Spot]]:
    """Return what belongs to both columns: lines across the *gutter*, and rows alone between wide white stripes.

    What crosses it beside other lines (a caption between the columns) is an inset and ends nothing. The rows alone
    are headings shorter than their column, page numbers and running heads.
    """
    crossing = [s for s in spots if s.x0 < gutter < s.x1]
    others = [s for s in spots if not s.x0 < gutter < s.x1]
    line = statistics.median(s.height for s in spots)
    bands = _bands(others)
    tops = [min(s.y0 for s in band) for band in bands] + [float("inf")]
    bottoms = [float("-inf")] + [max(s.y1 for s in band) for band in bands]
    alone = [
        band
        for i, band in enumerate(bands)
        if min(tops[i] - bottoms[i], tops[i + 1] - bottoms[i + 1]) > STRIPE * line and len(_across(band)) == 1
    ]
    return [[c] for c in crossing if not any(_level_with(c, s) for s in others)] + alone


def _sections(spots: list[Spot]) -> list[list[Spot]]:
    """Return *spots* in parts from top to bottom, parted where all columns pause for long: rows of pictures or cards."""
    line = statistics.median(s.height for s in spots)
    sections: list[list[Spot]] = []
    bottom = float("-inf")
    for band in _bands(spots):
        if not sections or min(s.y0 for s in band) - bottom > PAUSE * line:
            sections.append([])
        sections[-1] += band
        bottom = max(s.y1 for s in band)
    return sections


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
    if fewest < COLUMN_LINES or parted <= 0:
        return 0
    # Of three columns two are one side at first: their rows are ragged, but they part again.
    plain = [_running(side, line) for side in (lefts, rights)]
    if not any(plain) or not all(ok or _gutter(side) is not None for ok, side in zip(plain, (lefts, rights), strict=True)):
        return 0
    return 0 if _in_step(_across(lefts), _across(rights), line) else parted


def _beside(some: list[Spot], others: list[Spot]) -> list[Spot]:
    """Return those of *some* that lie within the stretch of the page, from top to bottom, that *others* take up."""
    top, bottom = min((s.y0 for s in others), default=0.0), max((s.y1 for s in others), default=0.0)
    return [s for s in some if s.y1 > top and s.y0 < bottom]


def _running(column: list[Spot], line: float) -> bool:
    """Say whether *column* looks like running text rather than cells of a table, which are short and ragged.

    Lines of running text are long for their height, without holes, and about as long as those above and below
    (not as the longest of the column: text may flow around a picture), but for the last of a paragraph.
    """
    found = _across(column)
    widths = [row[-1].x1 - row[0].x0 for row in found]
    slack = [max(widths[max(0, i - 2) : i + 3]) - width for i, width in enumerate(widths)]
    last = {i - 1 for i in _starts(found)} | {len(found) - 1}
    full = [slack[i] < SLACK * line for i in range(len(found)) if i not in last]
    whole = [sum(s.width for s in row) > 0.85 * width for row, width in zip(found, widths, strict=True)]
    return statistics.median(widths) > COLUMN_WIDTH * line and min(_share(full), _share(whole)) >= 0.6


def _share(checks: list[bool]) -> float:
    return sum(checks) / len(checks) if checks else 1.0


def _in_step(left: list[list[Spot]], right: list[list[Spot]], line: float) -> bool:
    """Say whether paragraphs lie side by side in both columns: rows of a table, however much its cells hold.

    In columns of running text each side has its paragraphs where they fall. The first ones prove nothing.
    """
    sides = _paragraphs(left)[1:], _paragraphs(right)[1:]
    for height in (lambda top, _: top), (lambda top, bottom: (top + bottom) / 2):  # cells hang from the top or centred
        ours, others = ([height(*paragraph) for paragraph in side] for side in sides)
        shared = sum(any(abs(y - other) < 0.4 * line for other in others) for y in ours)
        if shared >= 2 and shared >= 0.75 * max(len(ours), len(others)):
            return True
    return False


def _paragraphs(column: list[list[Spot]]) -> list[tuple[float, float]]:
    """Return top and bottom of each paragraph of *column*."""
    cuts = [0, *_starts(column), len(column)]
    return [
        (_top(column[first]), max(s.y1 for s in column[end - 1])) for first, end in zip(cuts, cuts[1:], strict=False)
    ]


def _starts(column: list[list[Spot]]) -> list[int]:
    """Return the places of those rows of *column* that stand further below the row before than is usual in it."""
    steps = [_top(below) - _top(above) for above, below in zip(column, column[1:], strict=False)]
    usual = statistics.median(sorted(steps)[: (len(steps) + 1) // 2]) if steps else 0.0
    return [i for i, step in enumerate(steps, 1) if step > WIDER * usual]


def _top(row: list[Spot]) -> float:
    return statistics.median(s.y0 for s in row)


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
