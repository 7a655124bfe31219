"""Tables: runs of rows whose cells keep to white strips from top to bottom, and the grid that they make.

Pure geometry and texts on level boxes of one area; rules of the page part rows where they are drawn. It decides what
is a table and which cell a line belongs to; how a table is written is `markdown`'s business.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from dropscribe.core.pages import Box
from dropscribe.layout.geometry import TextBox
from dropscribe.layout.lines import CJK
from dropscribe.layout.marks import NO_MARKS, Marks
from dropscribe.layout.rows import CELL_LINES, group_lines, horizontal_bands

RIM = 0.2  # of a box's height at its ends that may be nobody's
CELL_GAP = 0.5  # line heights of white between two columns; words of one cell come in one box
ROWS = 3  # with more than one cell; fewer may be anything
FAR = 3.0  # line heights of white that end a table
WHOLE = 0.6  # of the cells of a row; a line with more is a row by itself
HALF_WAY = 0.6  # of the area's width, or the rows' height; a shorter rule parts nothing
ACROSS = 0.7  # of the rows' width; a line so long is no cell
SPANNING, SPANNING_RULES = 0.12, 0.4  # of the rows may have a cell across a strip; with a rule in it
SUPPORT = 0.4  # of the rows have text on both sides of each white strip
ROOM = 1.0  # line heights left at the end of a line that is full
UNIT = 3  # letters of a unit or a currency beside a number
CLOSE = 0.25  # line heights beyond the least white between rows: within a cell

Strip = tuple[float, float]


@dataclass(frozen=True)
class Table:
    """A grid of cells, row by row; each cell holds its lines from top to bottom, none where it is empty."""

    cells: tuple[tuple[tuple[TextBox, ...], ...], ...]


Part = Table | list[TextBox]


def parts(area: list[TextBox], marks: Marks = NO_MARKS) -> list[Part]:
    """Return *area* from top to bottom as tables and the boxes between them; rules part rows, and columns."""
    if not area:
        return []
    line_height = statistics.median(s.height for s in area)
    bands = _bands(area, marks.across)
    found: list[Part] = []
    start = 0
    while start < len(bands):
        end = _run(bands, start, line_height)
        for part in _tables(bands[start:end], line_height, marks.upright):
            if isinstance(part, list) and found and isinstance(found[-1], list):
                found[-1].extend(part)
            else:
                found.append(part)
        start = end
    return found


def _ruled(area: list[TextBox], rules: Sequence[Box]) -> list[list[TextBox]]:
    """Return *area* in parts between the rules that run across most of it."""
    left, right = min(s.x0 for s in area), max(s.x1 for s in area)
    heights = [(r[1] + r[3]) / 2 for r in rules if min(r[2], right) - max(r[0], left) > HALF_WAY * (right - left)]
    found: dict[int, list[TextBox]] = {}
    for box in area:
        found.setdefault(sum(height < box.middle for height in heights), []).append(box)
    return [found[key] for key in sorted(found)]


def _bands(area: list[TextBox], rules: Sequence[Box]) -> list[list[TextBox]]:
    """Return the rows of *area* as far as rules or white stripes show them."""
    ruled = _ruled(area, rules)
    inner = [group_lines(part) for part in ruled[1:-1]]
    if len(inner) < ROWS - 1:
        return _lines_apart(area)
    usual = max(len(line) for part in inner for line in part)
    trusted = sum(len(part) == 1 for part in inner) < len(inner) / 2
    width = max(s.x1 for s in area) - min(s.x0 for s in area)
    bands = _lines_apart(ruled[0])
    for part in inner:
        full = sum(len(line) > WHOLE * usual for line in part)
        missed = (full > 1 and not trusted) or len(part) > CELL_LINES  # a rule that was not seen
        missed = missed or max(box.width for line in part for box in line) > ACROSS * width  # running text
        whole = [box for line in part for box in line]
        bands += _lines_apart(whole) if missed else [whole]
    return bands + _lines_apart(ruled[-1])


def _lines_apart(part: list[TextBox]) -> list[list[TextBox]]:
    """Return *part* in bands; a band of more lines than a cell has is taken line by line."""
    bands = horizontal_bands(part)
    return [row for band in bands for row in ([band] if len(group_lines(band)) <= CELL_LINES else group_lines(band))]


def _run(bands: Sequence[list[TextBox]], start: int, line_height: float) -> int:
    """Return where the rows end that begin at band *start*: at a line across, or at wide white."""
    end = start + 1
    if len(bands[start]) == 1:
        return end
    left, right = min(s.x0 for s in bands[start]), max(s.x1 for s in bands[start])
    while end < len(bands):
        gap = min(s.y0 for s in bands[end]) - max(s.y1 for s in bands[end - 1])
        if gap > FAR * line_height or max(s.width for s in bands[end]) > ACROSS * (right - left):
            break
        left, right = min(left, *(s.x0 for s in bands[end])), max(right, *(s.x1 for s in bands[end]))
        end += 1
    return end


def _tables(bands: list[list[TextBox]], line_height: float, upright: Sequence[Box]) -> list[Part]:
    """Return *bands* as one table; where they are none, cut at the widest white between them, and so on."""
    if len(bands) < ROWS or sum(map(len, bands)) < 2 * ROWS:
        return [[box for band in bands for box in band]]
    last = max(i for i, band in enumerate(bands) if len(band) > 1 or i == 0)
    strips = _supported(bands[: last + 1], _white(bands[: last + 1], line_height, upright))
    if strips:
        tail: list[Part] = [[box for band in bands[last + 1 :] for box in band]] if last + 1 < len(bands) else []
        return [Table(_grid(bands[: last + 1], strips, line_height)), *tail]
    white = [min(s.y0 for s in below) - max(s.y1 for s in above) for above, below in pairwise(bands)]
    cut = 1 + white.index(max(white))
    return _tables(bands[:cut], line_height, upright) + _tables(bands[cut:], line_height, upright)


def _white(bands: Sequence[list[TextBox]], line_height: float, upright: Sequence[Box]) -> list[Strip]:
    """Return the strips that nearly all *bands* leave white, or most where a rule runs down; between outermost boxes.

    A head above several columns, or a line across them, covers what the other rows leave white.
    """
    rules = _columns_ruled(bands, upright)
    ends = sorted({x for band in bands for box in band for x in _inner(box)})
    found: list[Strip] = []
    for left, right in pairwise(ends):
        middle = (left + right) / 2
        covered = sum(any(_inner(s)[0] < middle < _inner(s)[1] for s in band) for band in bands)
        ruled = any(left <= x <= right for x in rules)
        if covered > (SPANNING_RULES if ruled else SPANNING) * len(bands):
            continue
        if found and found[-1][1] == left:
            found[-1] = found[-1][0], right
        else:
            found.append((left, right))
    return [strip for strip in found if strip[1] - strip[0] >= CELL_GAP * line_height]


def _columns_ruled(bands: Sequence[list[TextBox]], upright: Sequence[Box]) -> list[float]:
    """Return where rules run down along most of *bands*."""
    top, bottom = (pick(y for band in bands for s in band for y in (s.y0, s.y1)) for pick in (min, max))
    along = HALF_WAY * (bottom - top)
    return [(r[0] + r[2]) / 2 for r in upright if min(r[3], bottom) - max(r[1], top) > along]


def _inner(box: TextBox) -> Strip:
    """Return where *box* surely holds letters: the detector draws boxes generously, and those of tight cells touch."""
    rim = min(RIM * box.height, box.width / 4)
    return box.x0 + rim, box.x1 - rim


def _supported(bands: Sequence[list[TextBox]], strips: Sequence[Strip]) -> list[Strip]:
    """Return those of *strips* that part text in enough rows; none where too few rows have two cells."""
    kept = [
        strip
        for strip in strips
        if sum(min(s.x0 for s in band) < strip[0] and max(s.x1 for s in band) > strip[1] for band in bands)
        >= SUPPORT * len(bands)
    ]
    return kept if sum(len(_columns(band, kept)) > 1 for band in bands) >= ROWS else []


def _columns(band: list[TextBox], strips: Sequence[Strip]) -> set[int]:
    return {_column(box, strips) for box in band}


def _column(box: TextBox, strips: Sequence[Strip]) -> int:
    return sum((strip[0] + strip[1]) / 2 < (box.x0 + box.x1) / 2 for strip in strips)


def _grid(
    bands: Sequence[list[TextBox]], strips: Sequence[Strip], line_height: float
) -> tuple[tuple[tuple[TextBox, ...], ...], ...]:
    """Return the cells of a table; a band that leaves the first column empty and follows closely goes on with cells."""
    white = [min(s.y0 for s in below) - max(s.y1 for s in above) for above, below in pairwise(bands)]
    closest = min(white)
    loose = max(white) > closest + 2 * CLOSE * line_height  # rows stand further apart than lines of a cell
    rows: list[list[TextBox]] = [list(bands[0])]
    for gap, band in zip(white, bands[1:], strict=True):
        columns = _columns(band, strips)
        close = gap <= closest + CLOSE * line_height
        few = 2 * len(columns) <= len(strips) + 1
        goes_on = close and few and (0 not in columns or (loose and columns < _columns(rows[-1], strips)))
        goes_on = goes_on and all(_wraps(box, rows[-1], bands, strips, line_height) for box in band)
        if goes_on:
            rows[-1].extend(band)
        else:
            rows.append(list(band))
    places = range(len(strips) + 1)
    return tuple(tuple(_in_order([s for s in row if _column(s, strips) == i]) for i in places) for row in rows)


def _wraps(
    box: TextBox, row: Sequence[TextBox], bands: Sequence[list[TextBox]], strips: Sequence[Strip], line_height: float
) -> bool:
    """Say whether *box* may go on with its cell of *row*: its first word had no room on the line above.

    A description below a dish, or a street below a name, begins a line where the one above had room left. Numbers are
    not wrapped: what stands below one, or is one, is another row, like the sums below the items of an invoice.
    """
    column = _column(box, strips)
    above = [s for s in row if _column(s, strips) == column]
    if not above:
        return not _is_number(box.text)
    last = max(above, key=lambda s: s.middle)
    if _is_number(box.text) or _is_number(last.text):
        return False
    room = max(s.width for band in bands for s in band if _column(s, strips) == column)
    first = box.text.split(" ")[0] if not CJK.match(box.text) else box.text[:1]
    word = box.width * (len(first) + 1) / max(1, len(box.text))
    return last.width + word > room - ROOM * line_height


def _is_number(text: str) -> bool:
    """Say whether *text* is a number, an amount, a share: digits, and no letters but those of a unit or currency."""
    return any(c.isdigit() for c in text) and sum(c.isalpha() for c in text) <= UNIT


def _in_order(cell: list[TextBox]) -> tuple[TextBox, ...]:
    return tuple(box for line in group_lines(cell) for box in line)
