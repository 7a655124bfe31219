"""A page read as two overlapping halves: the cut, and the seam where the overlap was read twice.

Pure: pictures and parsed texts in, the same out. Halves lie one above the other, or beside each other on a spread.
"""

from dataclasses import replace
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from dropscribe.core.pages import Block
from dropscribe.engines.vlm.parsers.values import Parsed

if TYPE_CHECKING:
    from PIL.Image import Image

OVERLAP = 0.1  # of the page's length
SPREAD = 1.3  # a page so much wider than high is cut into left and right
SEAM_LINES = 40  # lines on each side that are searched for the overlap
SEAM_LETTERS = 8  # so many letters must agree


def cut(image: "Image") -> list[tuple["Image", int, int]]:
    """Return the two halves of *image*, each with the place of its corner, in reading order."""
    width, height = image.size
    share = 0.5 + OVERLAP / 2
    if width > SPREAD * height:
        near = int(width * share)
        far = width - near
        return [(image.crop((0, 0, near, height)), 0, 0), (image.crop((far, 0, width, height)), far, 0)]
    near = int(height * share)
    far = height - near
    return [(image.crop((0, 0, width, near)), 0, 0), (image.crop((0, far, width, height)), 0, far)]


def joined(first: Parsed, second: Parsed, left: int, top: int) -> Parsed:
    """Return both halves as one page; the second one's corner lies at *left*, *top* (pixels)."""
    moved = [replace(b, box=_moved(b, left, top)) for b in second.blocks]
    known = {(b.label, b.text) for b in first.blocks if b.text}
    fresh = [b for b in moved if (b.label, b.text) not in known]
    return Parsed(
        seamless(first.text, second.text),
        seamless(first.markdown, second.markdown),
        (*first.blocks, *fresh),
        first.boxes_good and second.boxes_good,
        second.figures,
    )


def _moved(block: Block, left: int, top: int) -> tuple[float, float, float, float] | None:
    if block.box is None:
        return None
    x0, y0, x1, y1 = block.box
    return (x0 + left, y0 + top, x1 + left, y1 + top)


def seamless(first: str, second: str) -> str:
    """Join two texts whose end and beginning were read from the same strip, keeping the lines they share once."""
    above, below = first.splitlines(), second.splitlines()
    start = max(0, len(above) - SEAM_LINES)
    tail, head = above[start:], below[:SEAM_LINES]
    match = SequenceMatcher(None, [_key(x) for x in tail], [_key(x) for x in head], autojunk=False).find_longest_match()
    shared = sum(len(_key(line)) for line in tail[match.a : match.a + match.size])
    if shared < SEAM_LETTERS:
        return "\n".join(part for part in (first, second) if part)
    # What follows in the first, or comes before in the second, is a line cut through by the edge.
    return "\n".join([*above[: start + match.a + match.size], *below[match.b + match.size :]])


def _key(line: str) -> str:
    return "".join(line.split()).casefold()
