"""One column of text: which boxes are its rows, where its paragraphs begin, and how much it looks like running text.

Pure geometry on level boxes. Whether two columns are read one after the other is `evidence`'s business.
"""

import statistics
from itertools import pairwise

from dropscribe.layout.geometry import TextBox

SLACK = 2.5  # line heights; a line of running text ends where the next word had no room, a cell anywhere
WIDEST = 2  # line heights from line to line
WIDER = 1.2  # of the usual step from line to line; a larger one parts paragraphs, or rows of a table


def next_to(x: float, side: list[TextBox]) -> list[TextBox]:
    """Return the column of *side* that lies next to a gutter at *x*: of three columns two are one side at first."""
    column: list[TextBox] = []
    for box in sorted(side, key=lambda s: min(abs(s.x0 - x), abs(s.x1 - x))):
        if not any(min(s.y1, box.y1) > max(s.y0, box.y0) and (s.x1 <= box.x0 or box.x1 <= s.x0) for s in column):
            column.append(box)
    return column


def running(column: list[list[TextBox]], line_height: float) -> float:
    """Return which share of the lines of *column* are as running text has them: full, and without holes.

    Lines of running text are about as long as those above and below (not as the longest of the column: text may
    flow around a picture), but for the last of a paragraph.
    """
    starts = paragraph_starts(column)
    widths = [row[-1].x1 - row[0].x0 for row in column]
    slack = [max(widths[max(0, i - 2) : i + 3]) - width for i, width in enumerate(widths)]
    last = {i - 1 for i in starts} | {len(column) - 1}
    full = [slack[i] < SLACK * line_height for i in range(len(column)) if i not in last]
    whole = [sum(s.width for s in row) > 0.85 * width for row, width in zip(column, widths, strict=True)]
    return min(_share(full), _share(whole))


def paragraph_starts(column: list[list[TextBox]]) -> list[int]:
    """Return the places of those rows of *column* that stand further below the row before than is usual in it."""
    steps = [_height(below) - _height(above) for above, below in pairwise(column)]
    if not steps:
        return []
    line_height = statistics.median(s.height for row in column for s in row)
    usual = min(statistics.median(sorted(steps)[: (len(steps) + 1) // 2]), WIDEST * line_height)
    return [i for i, step in enumerate(steps, 1) if step > WIDER * usual]


def _share(checks: list[bool]) -> float:
    return sum(checks) / len(checks) if checks else 1.0


def _height(row: list[TextBox]) -> float:
    return statistics.median(s.middle for s in row)
