"""Lines that the detector joined across a gutter, cut apart where the recogniser's own places allow it.

Gutters of default LaTeX columns are hardly wider than a line is high, and blanks of justified lines can be as wide;
what tells them apart is that a gutter goes on through the lines above and below. No pixels, no reading order.
"""

import itertools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from dropscribe.core.pages import Box
from dropscribe.layout.geometry import Quad, TextBox, deskew, sideways, skew
from dropscribe.layout.lines import Line
from dropscribe.layout.marks import Marks
from dropscribe.layout.rows import group_lines

NARROWEST = 0.45  # line heights of white that all lines of a gutter share
ROWS = 4  # lines with text on both sides of one white strip that make it a gutter
NARROW = 0.75  # line heights of white that may be a blank of a justified line
CLOSE = 0.35  # line heights to a line that has text there: then the white is a blank of this paragraph
TEXT = frozenset({"text", "title", "figure_caption", "table_caption", "reference"})
EDGE, WIDE = 1.0, 5.0  # line heights: how near the edges of two regions lie to the white, and how wide they are
FAR = 3.5  # line heights without any text that end a gutter
NO_MARKS = Marks()


@dataclass(frozen=True)
class _Row:
    """One row of the page: its height, its boxes, and the white between and inside them, in level pixels."""

    top: float
    bottom: float
    left: float
    right: float
    white: tuple[tuple[float, float], ...]


def split_joined(lines: Sequence[Line], marks: Marks = NO_MARKS) -> list[Line]:
    """Return *lines* with those cut in two that run across a gutter, or from one region of text into another."""
    quads = [line.quad for line in lines]
    if len(lines) < ROWS or sideways(quads):
        return list(lines)
    regions = [r.box for r in marks.turned_back(skew(quads)).regions if r.label in TEXT]
    boxes = deskew(quads)
    line_height = statistics.median(box.height for box in boxes)
    rows = sorted((_row(row, lines) for row in group_lines(boxes)), key=lambda row: row.top)
    result: list[Line] = []
    for box, line in zip(boxes, lines, strict=True):
        white = [(hole, _level(box, hole)) for hole in line.holes if line.places]
        cuts = [
            hole for hole, x in white if _between(regions, box, x, line_height) or _goes_on(rows, box, x, line_height)
        ]
        result += _cut(line, cuts)
    return result


def _between(regions: Sequence[Box], box: TextBox, hole: tuple[float, float], line_height: float) -> bool:
    """Say whether the white *hole* of *box* is where one of *regions* ends and another begins beside it."""
    here = [r for r in regions if r[1] < box.middle < r[3]]
    left = [r for r in here if abs(r[2] - hole[0]) < EDGE * line_height and r[0] < hole[0] - WIDE * line_height]
    right = [r for r in here if abs(r[0] - hole[1]) < EDGE * line_height and r[2] > hole[1] + WIDE * line_height]
    return bool(left and right)


def _level(box: TextBox, hole: tuple[float, float]) -> tuple[float, float]:
    return box.x0 + hole[0] * box.width, box.x0 + hole[1] * box.width


def _row(row: list[TextBox], lines: Sequence[Line]) -> _Row:
    white = [_level(box, hole) for box in row for hole in lines[box.index].holes]
    white += [(a.x1, b.x0) for a, b in itertools.pairwise(row) if b.x0 > a.x1]
    top, bottom = min(s.y0 for s in row), max(s.y1 for s in row)
    return _Row(top, bottom, row[0].x0, row[-1].x1, tuple(white))


def _goes_on(rows: Sequence[_Row], box: TextBox, hole: tuple[float, float], line_height: float) -> bool:
    """Say whether the white *hole* of *box* goes on through enough rows above and below it."""
    parted = 1
    for direction in (1, -1):
        strip, edge = hole, box.y1 if direction > 0 else box.y0
        on_the_way = [r for r in rows if (r.top > box.middle if direction > 0 else r.bottom < box.middle)]
        for row in on_the_way[::direction]:
            gap = direction * ((row.top if direction > 0 else row.bottom) - edge)
            if gap > FAR * line_height:
                break
            shared = _shared(row, strip)
            if shared is None or shared[1] - shared[0] < NARROWEST * line_height:
                if gap < CLOSE * line_height and hole[1] - hole[0] < NARROW * line_height:
                    return False
                break
            parted += row.left < strip[0] and row.right > strip[1]
            strip, edge = shared, row.bottom if direction > 0 else row.top
    return parted >= ROWS


def _shared(row: _Row, strip: tuple[float, float]) -> tuple[float, float] | None:
    """Return what of *strip* is white in *row* too; all of it beside the row's ends."""
    outside = (float("-inf"), row.left), (row.right, float("inf"))
    parts = [(max(a, strip[0]), min(b, strip[1])) for a, b in (*row.white, *outside)]
    return max(parts, key=lambda part: part[1] - part[0], default=None)


def _cut(line: Line, cuts: Sequence[tuple[float, float]]) -> list[Line]:
    """Return *line* in pieces between *cuts* (shares of its width), each with its part of the text."""
    starts, ends = [0.0, *(b for _, b in cuts)], [*(a for a, _ in cuts), 1.0]
    bounds = [-1.0, *((a + b) / 2 for a, b in cuts), 2.0]
    insides = [
        [i for i, place in enumerate(line.places) if low <= place < high] for low, high in itertools.pairwise(bounds)
    ]
    if not cuts or not all(any(not line.text[i].isspace() for i in inside) for inside in insides):
        return [line]
    return [_piece(line, *part) for part in zip(starts, ends, insides, strict=True)]


def _piece(line: Line, start: float, end: float, inside: Sequence[int]) -> Line:
    quad, width = line.quad, max(1e-6, end - start)
    text = "".join(line.text[i] for i in inside)
    blanks = len(text) - len(text.lstrip())
    kept = inside[blanks : blanks + len(text.strip())]
    holes = tuple(((a - start) / width, (b - start) / width) for a, b in line.holes if start < a and b < end)
    places = tuple((line.places[i] - start) / width for i in kept)
    return replace(line, quad=_part(quad, start, end), text=text.strip(), places=places, holes=holes)


def _part(quad: Quad, start: float, end: float) -> Quad:
    """Return the part of *quad* between two shares of its width."""
    top, bottom = quad[1] - quad[0], quad[2] - quad[3]
    corners = quad[0] + start * top, quad[0] + end * top, quad[3] + end * bottom, quad[3] + start * bottom
    return np.array(corners, np.float32)
