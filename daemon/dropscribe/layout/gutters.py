"""Gutters: tall white strips with text on both sides, and the stretch of the page that each parts.

After the whitespace rectangles of Breuel (Two geometric algorithms for layout analysis, 2002): a gutter ends where
a line runs across it. Pure geometry on level boxes; whether a gutter parts columns or cells is not decided here.
"""

import itertools
import statistics
from collections.abc import Iterator
from dataclasses import dataclass

from dropscribe.layout.geometry import TextBox
from dropscribe.layout.rows import group_lines, horizontal_bands

FEWEST = 2  # rows on each side of a gutter
STRIPE = 0.9  # line heights of white above and below a row that belongs to no column
PAUSE = 1.6  # line heights of white across both sides, from which one layout may end and another begin
REACH = 1.8  # line heights; a line no further from its column still belongs to it, beside nothing
MOST_TRIED = 24  # gutters, those first that part most; a page of noise has hundreds, and none


@dataclass(frozen=True)
class Gutter:
    """A white strip at *x*, and what it parts: boxes left and right of it, and insets that lie across."""

    x: float
    left: tuple[TextBox, ...]
    right: tuple[TextBox, ...]
    inset: tuple[TextBox, ...] = ()

    @property
    def boxes(self) -> tuple[TextBox, ...]:
        """Return everything within its stretch of the page."""
        return self.left + self.right + self.inset

    @property
    def parted(self) -> int:
        """Return how many lines it parts: those of the side that has fewer, less what lies across."""
        return min(len(self.left), len(self.right)) - 2 * len(self.inset)


def gutters(boxes: list[TextBox]) -> list[Gutter]:
    """Return the gutters between *boxes*, and the parts of each between pauses, those first that part most."""
    if len(boxes) < 2 * FEWEST:
        return []
    line_height = statistics.median(s.height for s in boxes)
    alone = [s for band in _alone(boxes, line_height) for s in band]
    columns = [s for s in boxes if s not in alone]
    found: dict[frozenset[int], Gutter] = {}
    for x in sorted({s.x0 - 0.25 * line_height for s in boxes}):
        for gutter in _at(columns, x, line_height, [s.middle for s in alone]):
            found.setdefault(frozenset(s.index for s in gutter.left) | {-1 - s.index for s in gutter.right}, gutter)
    return sorted(found.values(), key=lambda g: -g.parted)[:MOST_TRIED]


def halves(gutter: Gutter, line_height: float) -> Iterator[list[Gutter]]:
    """Yield the upper and the lower part of *gutter* at every pause: two layouts may share a gutter by chance."""
    bands = horizontal_bands(list(gutter.boxes))
    for i in range(1, len(bands)):
        pause = min(s.y0 for s in bands[i]) - max(s.y1 for s in bands[i - 1])
        if pause > PAUSE * line_height or _heading(bands[i], gutter, line_height):
            parts = [_limited(gutter, {s.index for band in part for s in band}) for part in (bands[:i], bands[i:])]
            yield [part for part in parts if part is not None]


def _heading(band: list[TextBox], gutter: Gutter, line_height: float) -> bool:
    """Say whether *band* is one larger line on one side of *gutter*, which may head both."""
    return len(band) == 1 and band[0].height > 1.15 * line_height and band[0] in gutter.left


def _limited(gutter: Gutter, inside: set[int]) -> Gutter | None:
    left, right, inset = (
        tuple(s for s in side if s.index in inside) for side in (gutter.left, gutter.right, gutter.inset)
    )
    return _trimmed(gutter.x, list(left), list(right), list(inset))


def _alone(boxes: list[TextBox], line_height: float) -> Iterator[list[TextBox]]:
    """Yield rows that stand alone between wide white stripes: short headings, the page's first and last line."""
    bands = horizontal_bands(boxes)
    tops = [*(min(s.y0 for s in band) for band in bands), float("inf")]
    bottoms = [float("-inf"), *(max(s.y1 for s in band) for band in bands)]
    white = [top - bottom for top, bottom in zip(tops, bottoms, strict=True)]
    usual = statistics.median(white[1:-1] or [0.0])
    for i, band in enumerate(bands):
        apart = min(white[i], white[i + 1]) > max(STRIPE * line_height, usual + 0.5 * line_height)
        if apart and (len(band) == 1 or i in (0, len(bands) - 1)) and len(group_lines(band)) == 1:
            yield band


def _at(boxes: list[TextBox], x: float, line_height: float, headings: list[float]) -> Iterator[Gutter]:
    """Yield a gutter for each stretch of the page that no line crosses at *x*, and no heading parts."""
    left = [s for s in boxes if s.x1 <= x + 0.1 * line_height]
    right = [s for s in boxes if s.x0 >= x]
    sides = {s.index for s in left} | {s.index for s in right}
    crossing = [s for s in boxes if s.index not in sides]
    insets = [c for c in crossing if any(_level_with(c, s) for s in left) and any(_level_with(c, s) for s in right)]
    borders = sorted([*headings, *(c.middle for c in crossing if c not in insets)])
    edges = [float("-inf"), *borders, float("inf")]
    for top, bottom in itertools.pairwise(edges):
        within = [[s for s in side if top < s.middle < bottom] for side in (left, right, insets)]
        gutter = _trimmed(x, *within)
        if gutter is not None:
            yield gutter


def _trimmed(x: float, left: list[TextBox], right: list[TextBox], inset: list[TextBox]) -> Gutter | None:
    """Return the gutter where both sides have text; what reaches further stays only if it follows on closely."""
    if not left or not right:
        return None
    top = max(min(s.y0 for s in left), min(s.y0 for s in right))
    bottom = min(max(s.y1 for s in left), max(s.y1 for s in right))
    sides = [_kept(side, top, bottom) for side in (left, right)]
    if min(len(group_lines(side)) for side in sides) < FEWEST:
        return None
    return Gutter(x, tuple(sides[0]), tuple(sides[1]), tuple(s for s in inset if top < s.middle < bottom))


def _kept(side: list[TextBox], top: float, bottom: float) -> list[TextBox]:
    """Return those of *side* between *top* and *bottom*, and the lines that follow on from them up or down."""
    inside = [s for s in side if s.y1 > top and s.y0 < bottom]
    if not inside:
        return []
    line_height = statistics.median(s.height for s in side)
    high, low = min(s.y0 for s in inside), max(s.y1 for s in inside)
    for box in sorted((s for s in side if s.y0 >= bottom), key=lambda s: s.y0):
        if box.y0 - low < REACH * line_height:
            inside.append(box)
            low = max(low, box.y1)
    for box in sorted((s for s in side if s.y1 <= top), key=lambda s: -s.y1):
        if high - box.y1 < REACH * line_height:
            inside.append(box)
            high = min(high, box.y0)
    return inside


def _level_with(one: TextBox, other: TextBox) -> bool:
    return min(one.y1, other.y1) - max(one.y0, other.y0) > 0.5 * min(one.height, other.height)
