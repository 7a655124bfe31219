"""Columns of running text: where the gutter between two of them runs, if anywhere.

Pure geometry on level boxes. Tables have gutters too, but are read across; telling the two apart is what this is about.
"""

import statistics
from itertools import pairwise

from dropscribe.engines.reading.boxes import Spot
from dropscribe.engines.reading.rows import across

COLUMN_LINES = 3  # a column has at least so many lines
COLUMN_WIDTH = 7  # line heights; running text is seldom set narrower, cells of a table often are
SLACK = 2.5  # line heights; a line of running text ends where the next word had no room, a cell anywhere
WIDER = 1.2  # of the usual step from line to line; a larger one parts paragraphs, or rows of a table


def gutter(spots: list[Spot]) -> float | None:
    """Return the x of the best gutter between columns of running text; None where rows go across."""
    if len(spots) < 2 * COLUMN_LINES:
        return None
    line = statistics.median(s.height for s in spots)
    edges_of_lines = sorted({s.x0 - 0.25 * line for s in spots})
    score, x = max((_score(spots, x, line), x) for x in edges_of_lines)
    return x if score > 0 else None


def _score(spots: list[Spot], x: float, line: float) -> int:
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
    if not any(plain) or not all(
        ok or gutter(side) is not None for ok, side in zip(plain, (lefts, rights), strict=True)
    ):
        return 0
    return 0 if _in_step(across(lefts), across(rights), line) else parted


def _beside(some: list[Spot], others: list[Spot]) -> list[Spot]:
    """Return those of *some* that lie within the stretch of the page, from top to bottom, that *others* take up."""
    top, bottom = min((s.y0 for s in others), default=0.0), max((s.y1 for s in others), default=0.0)
    return [s for s in some if s.y1 > top and s.y0 < bottom]


def _running(column: list[Spot], line: float) -> bool:
    """Say whether *column* looks like running text rather than cells of a table, which are short and ragged.

    Lines of running text are long for their height, without holes, and about as long as those above and below
    (not as the longest of the column: text may flow around a picture), but for the last of a paragraph.
    """
    found = across(column)
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
    return [(_top(column[first]), max(s.y1 for s in column[end - 1])) for first, end in pairwise(cuts)]


def _starts(column: list[list[Spot]]) -> list[int]:
    """Return the places of those rows of *column* that stand further below the row before than is usual in it."""
    steps = [_top(below) - _top(above) for above, below in pairwise(column)]
    usual = statistics.median(sorted(steps)[: (len(steps) + 1) // 2]) if steps else 0.0
    return [i for i, step in enumerate(steps, 1) if step > WIDER * usual]


def _top(row: list[Spot]) -> float:
    return statistics.median(s.y0 for s in row)
