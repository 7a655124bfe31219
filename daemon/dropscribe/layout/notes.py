"""Margin notes: small print beside running text, and lines that run up the margin; both are read after the text.

Pure geometry and texts on level boxes. A bar beside the text in letters of its size is no note but a column.
"""

import statistics

from dropscribe.layout.evidence import prose
from dropscribe.layout.geometry import TextBox
from dropscribe.layout.rows import group_lines

SMALLER = 0.9  # of the width per letter of the text; notes are set in .7 to .85 of its size
NARROW = 0.45  # of the text's width
WHITE = 0.6  # line heights between notes and text
FEW = 0.35  # of all letters
WORDS = 0.6  # of a note's letters and digits are letters: a column of numbers is none
RUNNING = 0.4  # of the text's rows go on with the sentence of the row before
FEWEST = 2  # lines of notes on a page
LINE = 24  # letters of the text's rows; shorter ones are no running text
UPRIGHT = 4  # letters of a line up the margin; fewer may be anything


def apart(boxes: list[TextBox]) -> tuple[list[TextBox], list[list[TextBox]]]:
    """Return *boxes* without what stands in the margins, and that: notes at the left, at the right, upright lines."""
    upright = _up_the_margin(boxes)
    text = _without(boxes, upright)
    notes = []
    for side in (-1, 1):
        found = _beside(text, side)
        text = _without(text, found)
        notes.append(found)
    return text, [found for found in (*notes, upright) if found]


def _without(boxes: list[TextBox], others: list[TextBox]) -> list[TextBox]:
    taken = {s.index for s in others}
    return [s for s in boxes if s.index not in taken]


def _up_the_margin(boxes: list[TextBox]) -> list[TextBox]:
    """Return the tall boxes of words that stand left or right of every other line."""
    level = [s for s in boxes if not s.tall]
    if not level:
        return []
    left, right = min(s.x0 for s in level), max(s.x1 for s in level)
    return [s for s in boxes if s.tall and len(s.text) >= UPRIGHT and (s.x1 <= left or s.x0 >= right)]


def _beside(boxes: list[TextBox], side: int) -> list[TextBox]:
    """Return the notes at the left (-1) or the right (1) of running text among *boxes*."""
    if not boxes:
        return []
    white = WHITE * statistics.median(s.height for s in boxes)
    found: list[TextBox] = []
    for end in sorted({s.x1 if side > 0 else s.x0 for s in boxes}):
        notes = [s for s in boxes if (s.x0 > end + white if side > 0 else s.x1 < end - white)]
        if len(notes) > len(found) and _are_notes(notes, boxes, end, side):
            found = notes
    return found


def _are_notes(notes: list[TextBox], boxes: list[TextBox], end: float, side: int) -> bool:
    """Say whether *notes*, all of *boxes* beyond *end*, are small print beside running text that ends there."""
    top, bottom = min(s.y0 for s in notes), max(s.y1 for s in notes)
    near = [s for s in _without(boxes, notes) if top < s.middle < bottom]
    if len(notes) < FEWEST or not near or any(s.x1 > end if side > 0 else s.x0 < end for s in near):
        return False
    said = "".join(s.text for s in notes)
    signs = sum(c.isalnum() for c in said)
    words = sum(c.isalpha() for c in said) > WORDS * signs and signs > UPRIGHT * len(notes)
    few = len(said) < FEW * sum(len(s.text) for s in boxes)
    narrow = _width(notes) < NARROW * _width(near)
    small = _pitch(notes) < SMALLER * _pitch(near)
    rows = group_lines(near)
    running = prose(rows) > RUNNING and sum(len(s.text) for s in near) > LINE * len(rows)
    return words and few and narrow and small and running


def _width(boxes: list[TextBox]) -> float:
    return max(s.x1 for s in boxes) - min(s.x0 for s in boxes)


def _pitch(boxes: list[TextBox]) -> float:
    """Return the width per letter: it tells sizes apart that the detector's generous boxes do not."""
    return sum(s.width for s in boxes) / max(1, sum(len(s.text) for s in boxes))
