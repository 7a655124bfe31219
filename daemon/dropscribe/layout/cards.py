"""Cards and addresses side by side: what shows that blocks of a few lines are whole each, and no cells of a table.

Cards are records: their lines are of different kinds (a name, a street, a town, a telephone), and the lines of one
height are of the same kind in all of them. Cells of one column are alike instead; and a table whose columns are
records has a further one, of labels, that is not. Pure geometry and texts on level boxes.
"""

from collections.abc import Sequence
from itertools import pairwise

from dropscribe.core.pages import Box
from dropscribe.layout.geometry import TextBox
from dropscribe.layout.rows import group_lines, horizontal_bands

FEWEST, MOST = 3, 7  # lines of a card
PAUSE = 1.5  # line heights of white that no card has inside
WHITE = 1.0  # line heights between two cards
FRAME = 0.6  # of the block's height that an edge of a frame goes along
DOUBLE = 0.3  # line heights between the edges of two frames; a thick rule seen twice is closer


def records(boxes: Sequence[TextBox], line_height: float) -> float:
    """Return how much the columns of *boxes* look like records, 0 to 1."""
    bands = horizontal_bands(list(boxes))
    white = [min(s.y0 for s in below) - max(s.y1 for s in above) for above, below in pairwise(bands)]
    if max(white, default=0.0) > PAUSE * line_height:
        return 0.0
    columns = [[_kinds(row) for row in group_lines(column)] for column in _columns(boxes, WHITE * line_height)]
    if len(columns) < 2 or not all(FEWEST <= len(column) <= MOST for column in columns):
        return 0.0
    alike = min(_share([a == b for a, b in zip(one, other, strict=False)]) for one, other in pairwise(columns))
    changing = _share([above != below for column in columns for above, below in pairwise(column)])
    return max(0.0, 3 * alike - 2) * changing  # two of three lines may be alike by chance


def framed_apart(left: float, right: float, top: float, bottom: float, upright: Sequence[Box], reach: float) -> bool:
    """Say whether two edges of frames run down between *left* and *right*; the columns of a table share one rule."""
    along = FRAME * (bottom - top)
    edges = [(r[0] + r[2]) / 2 for r in upright if min(r[3], bottom) - max(r[1], top) > along]
    between = [x for x in edges if left - reach < x < right + reach]
    return len(between) > 1 and max(between) - min(between) > DOUBLE * reach


def _share(checks: Sequence[bool]) -> float:
    return sum(checks) / len(checks)


def _columns(boxes: Sequence[TextBox], white: float) -> list[list[TextBox]]:
    """Return *boxes* in columns with *white* pixels between them."""
    columns: list[list[TextBox]] = []
    right = float("-inf")
    for box in sorted(boxes, key=lambda s: s.x0):
        if box.x0 > right + white:
            columns.append([])
        columns[-1].append(box)
        right = max(right, box.x1)
    return columns


def _kinds(row: list[TextBox]) -> tuple[str, str]:
    """Return of what kind the first and the last word of *row* are: a number, a word, a label or something mixed."""
    words = " ".join(box.text for box in row).split() or [""]
    return _kind(words[0]), _kind(words[-1])


def _kind(word: str) -> str:
    if word.endswith((".", ":")) and word[:1].isalpha():
        return "label"
    digits = sum(c.isdigit() for c in word)
    return "word" if digits == 0 else "number" if 2 * digits > len(word) else "mixed"
