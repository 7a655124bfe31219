"""Tables: runs of rows whose cells keep to white strips from top to bottom, and the grid that they make.

Pure geometry and texts on level boxes of one area; rules of the page part rows where they are drawn. It decides what
is a table and which cell a line belongs to; how a table is written is `markdown`'s business.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from dropscribe.layout.geometry import TextBox
from dropscribe.layout.rows import horizontal_bands

CELL_GAP = 0.8  # line heights of white between two columns
ROWS = 3  # with more than one cell; fewer may be anything
FAR = 3.0  # line heights of white that end a table
SUPPORT = 0.4  # of the rows have text on both sides of each white strip
CLOSE = 0.25  # line heights beyond the least white between rows: within a cell

Strip = tuple[float, float]


@dataclass(frozen=True)
class Table:
    """A grid of cells, row by row; each cell holds its lines from top to bottom, none where it is empty."""

    cells: tuple[tuple[tuple[TextBox, ...], ...], ...]


Part = Table | list[TextBox]


def parts(area: list[TextBox]) -> list[Part]:
    """Return *area* from top to bottom as tables and the boxes between them."""
    if not area:
        return []
    line_height = statistics.median(s.height for s in area)
    bands = horizontal_bands(area)
    found: list[Part] = []
    start = 0
    while start < len(bands):
        end, strips = _run(bands, start, line_height)
        if strips and _is_table(bands[start:end], strips):
            found.append(Table(_grid(bands[start:end], strips, line_height)))
            start = end
            continue
        if found and isinstance(found[-1], list):
            found[-1].extend(bands[start])
        else:
            found.append(list(bands[start]))
        start += 1
    return found


def _run(bands: Sequence[list[TextBox]], start: int, line_height: float) -> tuple[int, list[Strip]]:
    """Return where the table that begins at band *start* ends, and the white strips between its columns."""
    strips = _white(bands[start], line_height)
    end = start + 1
    while strips and end < len(bands):
        gap = min(s.y0 for s in bands[end]) - max(s.y1 for s in bands[end - 1])
        kept = [strip for strip in (_free(strip, bands[end]) for strip in strips) if _wide(strip, line_height)]
        if gap > FAR * line_height or not kept or (len(kept) < len(strips) and len(bands[end]) == 1):
            break
        strips, end = kept, end + 1
    return end, strips


def _wide(strip: Strip, line_height: float) -> bool:
    return strip[1] - strip[0] >= CELL_GAP * line_height


def _white(band: list[TextBox], line_height: float) -> list[Strip]:
    """Return the white strips between the boxes of *band*."""
    found: list[Strip] = []
    right = float("inf")
    for box in sorted(band, key=lambda s: s.x0):
        if _wide((right, box.x0), line_height):
            found.append((right, box.x0))
        right = max(right, box.x1) if right != float("inf") else box.x1
    return found


def _free(strip: Strip, band: list[TextBox]) -> Strip:
    """Return what of *strip* no box of *band* covers, from the side where more is left."""
    left, right = strip
    for box in band:
        if box.x1 <= left or box.x0 >= right:
            continue
        if box.x0 - left >= right - box.x1:
            right = min(right, box.x0)
        else:
            left = max(left, box.x1)
    return left, right


def _is_table(bands: Sequence[list[TextBox]], strips: Sequence[Strip]) -> bool:
    if sum(len(_columns(band, strips)) > 1 for band in bands) < ROWS:
        return False
    both = [
        sum(min(s.x0 for s in band) < strip[0] and max(s.x1 for s in band) > strip[1] for band in bands)
        for strip in strips
    ]
    return min(both) >= SUPPORT * len(bands)


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
        goes_on = close and (0 not in columns or (loose and columns < _columns(rows[-1], strips)))
        if goes_on:
            rows[-1].extend(band)
        else:
            rows.append(list(band))
    return tuple(
        tuple(
            tuple(sorted((s for s in row if _column(s, strips) == i), key=lambda s: (round(s.middle / line_height), s.x0)))
            for i in range(len(strips) + 1)
        )
        for row in rows
    )
