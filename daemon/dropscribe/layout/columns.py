"""Columns of running text: where the gutter between two of them runs, if anywhere.

Pure geometry on level boxes. Tables have gutters too, but are read across; telling the two apart is what this is about.
"""

import statistics
from itertools import pairwise

from dropscribe.layout.geometry import TextBox
from dropscribe.layout.rows import group_lines

COLUMN_LINES = 3  # a column has at least so many lines
COLUMN_WIDTH = 6  # line heights; running text is seldom set narrower, cells of a table often are
PARAGRAPH = 1.5  # lines; shorter ones on average are cells
FULL = 0.6  # of the lines, paragraphs' last ones apart
SLACK = 2.5  # line heights; a line of running text ends where the next word had no room, a cell anywhere
MOST_TRIED = 24  # gutters, the best first; a page of noise has hundreds, and none
WIDEST = 2  # line heights from line to line
WIDER = 1.2  # of the usual step from line to line; a larger one parts paragraphs, or rows of a table


def gutter(boxes: list[TextBox]) -> float | None:
    """Return the x of the best gutter between columns of running text; None where rows go across."""
    if len(boxes) < 2 * COLUMN_LINES:
        return None
    line_height = statistics.median(s.height for s in boxes)
    found: dict[tuple[int, int], tuple[int, float]] = {}  # for each way to part the page: lines parted well, and x
    for x in sorted({s.x0 - 0.25 * line_height for s in boxes}):
        left, right = _parted(boxes, x, line_height)
        parted = min(len(_beside(left, right)), len(_beside(right, left)))
        crossing = len(boxes) - len(left) - len(right)
        if parted >= COLUMN_LINES and parted > 2 * crossing:
            found[len(left), len(right)] = parted - 2 * crossing, x
    best_first = sorted(found.values(), reverse=True)[:MOST_TRIED]
    return next((x for _, x in best_first if _between_columns(boxes, x, line_height)), None)


def _parted(boxes: list[TextBox], x: float, line_height: float) -> tuple[list[TextBox], list[TextBox]]:
    return [s for s in boxes if s.x1 <= x + 0.1 * line_height], [s for s in boxes if s.x0 >= x]


def _between_columns(boxes: list[TextBox], x: float, line_height: float) -> bool:
    """Say whether both sides of *x* are columns of running text side by side, rather than cells of a table."""
    left, right = _parted(boxes, x, line_height)
    sides = _beside(left, right), _beside(right, left)
    if not all(
        _running(group_lines(side), line_height) or _running(group_lines(_next_to(x, side)), line_height)
        for side in sides
    ):
        return False
    beside = [group_lines(_next_to(x, side)) for side in sides]
    return not _in_step(beside[0], beside[1], line_height)


def _next_to(x: float, side: list[TextBox]) -> list[TextBox]:
    """Return the column of *side* that lies next to a gutter at *x*: of three columns two are one side at first."""
    column: list[TextBox] = []
    for box in sorted(side, key=lambda s: min(abs(s.x0 - x), abs(s.x1 - x))):
        if not any(min(s.y1, box.y1) > max(s.y0, box.y0) and (s.x1 <= box.x0 or box.x1 <= s.x0) for s in column):
            column.append(box)
    return column


def _beside(some: list[TextBox], others: list[TextBox]) -> list[TextBox]:
    """Return those of *some* that lie within the stretch of the page, from top to bottom, that *others* take up."""
    top, bottom = min((s.y0 for s in others), default=0.0), max((s.y1 for s in others), default=0.0)
    return [s for s in some if s.y1 > top and s.y0 < bottom]


def _running(column: list[list[TextBox]], line_height: float) -> bool:
    """Say whether *column* looks like running text rather than cells of a table, which are short and ragged.

    Lines of running text are long for their height, without holes, and about as long as those above and below
    (not as the longest of the column: text may flow around a picture), but for the last of a paragraph; and most
    paragraphs have several.
    """
    starts = _starts(column)
    widths = [row[-1].x1 - row[0].x0 for row in column]
    slack = [max(widths[max(0, i - 2) : i + 3]) - width for i, width in enumerate(widths)]
    last = {i - 1 for i in starts} | {len(column) - 1}
    full = [slack[i] < SLACK * line_height for i in range(len(column)) if i not in last]
    whole = [sum(s.width for s in row) > 0.85 * width for row, width in zip(column, widths, strict=True)]
    long = len(column) >= PARAGRAPH * (len(starts) + 1) and statistics.median(widths) > COLUMN_WIDTH * line_height
    return long and min(_share(full), _share(whole)) >= FULL


def _share(checks: list[bool]) -> float:
    return sum(checks) / len(checks) if checks else 1.0


def _in_step(left: list[list[TextBox]], right: list[list[TextBox]], line_height: float) -> bool:
    """Say whether paragraphs lie side by side in both columns: rows of a table, however much its cells hold.

    In columns of running text each side has its paragraphs where they fall. The first ones prove nothing.
    """
    sides = _paragraphs(left), _paragraphs(right)
    ours, others = (side[1:] for side in sides)
    # Cells wait for the longest of their row; gaps between paragraphs are all alike.
    gaps = [below[0] - above[1] for side in sides for above, below in pairwise(side)]
    waiting = bool(gaps) and max(gaps) - min(gaps) > 0.5 * line_height
    shared = _shared([first for first, _ in ours], [first for first, _ in others], 0.4 * line_height)
    if waiting:
        shared = max(
            shared, _shared([sum(ends) / 2 for ends in ours], [sum(ends) / 2 for ends in others], 0.4 * line_height)
        )
    return shared >= (2 if waiting else 3) and shared >= 0.75 * max(len(ours), len(others))


def _shared(some: list[float], others: list[float], tolerance: float) -> int:
    return sum(any(abs(one - other) < tolerance for other in others) for one in some)


def _paragraphs(column: list[list[TextBox]]) -> list[tuple[float, float]]:
    """Return where the first and the last line of each paragraph of *column* stand."""
    cuts = [0, *_starts(column), len(column)]
    return [(_height(column[first]), _height(column[end - 1])) for first, end in pairwise(cuts)]


def _starts(column: list[list[TextBox]]) -> list[int]:
    """Return the places of those rows of *column* that stand further below the row before than is usual in it."""
    steps = [_height(below) - _height(above) for above, below in pairwise(column)]
    if not steps:
        return []
    line_height = statistics.median(s.height for row in column for s in row)
    usual = min(statistics.median(sorted(steps)[: (len(steps) + 1) // 2]), WIDEST * line_height)
    return [i for i, step in enumerate(steps, 1) if step > WIDER * usual]


def _height(row: list[TextBox]) -> float:
    return statistics.median(s.middle for s in row)
