"""Reading order: which of a page's boxes comes after which.

Pure geometry and texts on upright boxes; it does not read, turn or join anything. A page is cut at the gutter whose
parts are most surely columns (`evidence`), over the stretch of the page where that holds, and what lies above, left,
right and below of it is put in order likewise; this is the recursive XY-cut of Nagy and Seth (1984) with a score for
each cut. What no gutter parts is read row by row, so that tables go across.
"""

import statistics
from collections.abc import Sequence

from dropscribe.layout.evidence import score
from dropscribe.layout.geometry import Quad, TextBox, deskew, sideways, skew
from dropscribe.layout.gutters import Gutter, gutters, halves
from dropscribe.layout.marks import NO_MARKS, Marks
from dropscribe.layout.notes import apart
from dropscribe.layout.rows import blocks, group_lines, horizontal_bands, lines

PAUSE = 3  # line heights of white across the page that end all columns
# Log odds that columns must have beyond even ones: tables are commoner than among the generated pages, and one mistake
# in them spoils a page; lines that stand in blocks of their own are cards, or cells of several lines.
PAGE, BLOCK = 2.0, 0.5
VERTICAL = -1.0  # the same for vertical text, which is set in stacks one below the other, and hardly ever in tables
CERTAIN = 1.0  # log odds beyond the bar, from which only the number of lines counts
ALIKE = 1.5  # log odds; where one gutter parts cards, its neighbours are likelier to
ALONG = 0.9  # of the boxes of an area lie beside a gutter that goes along all of it
CARD_LINES = 7  # a card has at most so many
WIDEST = 0.5  # of the widest white between two bands; narrower white is within a card, below its name
TRIED_IN_HALVES = 4  # gutters, those first that part most

Row = list[int]


def rows(quads: Sequence[Quad], texts: Sequence[str] = (), marks: Marks = NO_MARKS) -> list[Row]:
    """Return the indices of *quads* (page pixels) in reading order, those on one baseline together."""
    return [[s.index for s in row] for area in page_areas(quads, texts, marks) for row in lines(area)]


def page_areas(quads: Sequence[Quad], texts: Sequence[str], marks: Marks) -> list[list[TextBox]]:
    """Return level boxes of *quads* (page pixels) in the areas that are read one after the other."""
    if sideways(quads):
        return areas(level(quads, texts), NO_MARKS, VERTICAL)
    text, notes = apart(level(quads, texts))
    return [area for part in (text, *notes) if part for area in areas(part, marks.turned_back(skew(quads)))]


def level(quads: Sequence[Quad], texts: Sequence[str] = ()) -> list[TextBox]:
    """Return the boxes of *quads* without the page's skew; vertical text is turned so that its columns are rows."""
    boxes = deskew(quads, texts)
    if sideways(quads):
        # Turned a quarter to the left, columns of vertical text are rows that go down the page.
        return [TextBox(s.index, s.y0, -s.x1, s.y1, -s.x0, s.text) for s in boxes]
    return boxes


def ordered(boxes: list[TextBox], marks: Marks = NO_MARKS) -> list[list[TextBox]]:
    """Return *boxes* row by row, columns one after the other."""
    return [row for area in areas(boxes, marks) for row in lines(area)]


def areas(
    boxes: list[TextBox], marks: Marks = NO_MARKS, sure: float = PAGE, beside: bool = False
) -> list[list[TextBox]]:
    """Return *boxes* in the areas that are read one after the other, each row by row.

    *beside*: they lie beside a gutter, and where one gutter parts columns, another all along it is likelier to.
    """
    gutter = best_gutter(boxes, marks, sure, sure - ALIKE * beside)
    if gutter is None:
        return _by_block(boxes, marks)
    top = min(s.y0 for s in gutter.boxes)
    inside = {s.index for s in gutter.boxes}
    rest = [s for s in boxes if s.index not in inside]
    above = [s for s in rest if s.middle < top + 0.5 * s.height]
    taken = {s.index for s in above}
    below = [s for s in rest if s.index not in taken]
    parts = [(above, False), *((part, True) for part in _parts(gutter)), (below, False)]
    return [area for part, inner in parts if part for area in areas(part, marks, sure, inner)]


def _by_block(boxes: list[TextBox], marks: Marks) -> list[list[TextBox]]:
    """Return *boxes*, which no gutter parts as a whole, in areas; cards and cells in step part single blocks."""
    # Blocks between the widest white only may hold several rows of a table: they must be as sure as a page.
    for found, sure in ((blocks(boxes, WIDEST), PAGE), (blocks(boxes), BLOCK)):
        several = [1 < len(group_lines(block)) <= CARD_LINES for block in found]
        parted = [few and _is_parted(block, marks, sure) for block, few in zip(found, several, strict=True)]
        if 2 * sum(parted) > sum(several) and sum(parted) > 1:
            return _parted_blocks(found, parted, marks)
    return [boxes]


def _is_parted(block: list[TextBox], marks: Marks, sure: float) -> bool:
    return best_gutter(block, marks, sure) is not None


def _parted_blocks(found: list[list[TextBox]], parted: list[bool], marks: Marks) -> list[list[TextBox]]:
    """Return the areas of the blocks *found*: those that are *parted* one by one, what lies between them together."""
    result: list[list[TextBox]] = []
    waiting: list[TextBox] = []
    for block, apart_here in zip(found, parted, strict=True):
        if apart_here:
            result += [waiting] * bool(waiting) + areas(block, marks, BLOCK - ALIKE)
            waiting = []
        else:
            waiting = waiting + block
    return result + [waiting] * bool(waiting)


def best_gutter(
    boxes: list[TextBox], marks: Marks, sure: float = PAGE, sure_along: float | None = None
) -> Gutter | None:
    """Return the gutter that parts most lines most surely, and over which stretch; None where rows go across.

    One that goes along all of *boxes* needs no more than *sure_along*.
    """
    found = gutters(boxes)
    if not found:
        return None
    line_height = statistics.median(s.height for s in boxes)
    along = sure if sure_along is None else sure_along
    values = [_value(g, line_height, marks, along if _goes_along(g, boxes) else sure) for g in found]
    value, best = max(zip(values, found, strict=True), key=lambda pair: pair[0])
    for g in found[:TRIED_IN_HALVES]:
        for parts in halves(g, line_height):
            if not parts:
                continue
            values = [_value(part, line_height, marks, sure) for part in parts]
            whole = _value(g, line_height, marks, sure)
            if (min(values) < 0 or whole <= 0) and max(values) > max(value, whole):
                value, best = max(values), parts[values.index(max(values))]
    return best if value > 0 else None


def _goes_along(gutter: Gutter, boxes: list[TextBox]) -> bool:
    return len(gutter.boxes) >= ALONG * len(boxes)


def _value(gutter: Gutter, line_height: float, marks: Marks, sure: float) -> float:
    """Return the score of *gutter* times the lines it parts: a sure cut through much text is worth most."""
    if gutter.parted < 1:
        return 0.0
    return min(CERTAIN, score(gutter, line_height, marks) - sure) * gutter.parted


def _parts(gutter: Gutter) -> list[list[TextBox]]:
    """Return the columns of *gutter* from section to section, insets after both."""
    parts = []
    for section in _sections(list(gutter.boxes)):
        here = {s.index for s in section}
        parts += [[s for s in side if s.index in here] for side in (gutter.left, gutter.right, gutter.inset)]
    return parts


def _sections(boxes: list[TextBox]) -> list[list[TextBox]]:
    """Return *boxes* in parts from top to bottom, parted where all columns pause: rows of cards."""
    line_height = statistics.median(s.height for s in boxes)
    sections: list[list[TextBox]] = []
    bottom = float("-inf")
    for band in horizontal_bands(boxes):
        if not sections or min(s.y0 for s in band) - bottom > PAUSE * line_height:
            sections.append([])
        sections[-1] += band
        bottom = max(s.y1 for s in band)
    return sections
