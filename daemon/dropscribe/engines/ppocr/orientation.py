"""Which way up a page is, and setting it upright.

Sideways pages show as tall boxes, upside-down ones as lines that read badly; in both cases a sample of lines is
read both ways and the recogniser's confidence decides. Columns of vertical CJK text are tall too: their characters
stand upright, so laid side by side they read well, and such a page stays as it is; so does an upright page whose
longest line happens to stand (the name of an axis beside a chart). Pictures are not decoded here,
and nothing is kept between pages.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from PIL import Image

from dropscribe.core.pages import Page
from dropscribe.engines.ppocr.detection import find
from dropscribe.engines.ppocr.pixels import Cutter, Pixels, pixels, turned
from dropscribe.engines.ppocr.sessions import Read, Sessions
from dropscribe.engines.ppocr.stacked import unstacked
from dropscribe.layout.geometry import Quads, edges, sideways, tall

SAMPLE = 6  # lines
SURE = 0.85  # legibility; turned lines stay below .8 on 20 pages tried, upright ones above .9
LEGIBLE = 0.7  # legibility below which no direction has shown any text
FEWEST_LETTERS = 0.4  # per line height of length; Chinese has about 1, Latin 1.5 to 2.5
UPRIGHT = 0.25  # of the letters of tall lines; as many in level lines that are legible show an upright page
CLEARLY = 0.1  # by how much another direction must read better
TRANSPOSE = {90: Image.Transpose.ROTATE_270, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_90}


@dataclass(frozen=True)
class Turn:
    """The clockwise turn in degrees that sets a page upright, and what the sample already said (by quad index)."""

    clockwise: int
    reads: dict[int, Read] = field(default_factory=dict)


def upright(page: Page, sessions: Sessions) -> Page:
    """Return *page* set upright, with `rotation` and the flag "rotated"; the same page where nothing is to do.

    Costs one detection and, as a rule, the reading of `SAMPLE` lines. Raises `ReasonedError` (engine-error).
    """
    if page.blank or page.text is not None:
        return page
    picture = pixels(page.image)
    return turned_page(page, find_turn(Cutter(picture), find(sessions, picture), sessions).clockwise)


def turned_page(page: Page, clockwise: int) -> Page:
    """Return *page* turned by *clockwise* degrees (0, 90, 180 or 270), its own rotation and flags kept up."""
    if not clockwise:
        return page
    return replace(
        page,
        image=page.image.transpose(TRANSPOSE[clockwise]),
        rotation=(page.rotation + clockwise) % 360,
        flags=(*(flag for flag in page.flags if flag != "rotated"), "rotated"),
    )


def find_turn(cutter: Cutter, quads: Quads, sessions: Sessions) -> Turn:
    """Return how far the page behind *cutter* must be turned, given the *quads* of its lines in page pixels."""
    on_its_side = sideways(quads)
    sample = _longest(quads, on_its_side)
    if not sample:
        return Turn(0)
    crops = [cutter.cut(quads[index]) for index in sample]
    reads = dict(zip(sample, sessions.recognise(crops), strict=True))
    as_cut = legibility(crops, reads.values())
    if not on_its_side and as_cut >= SURE:
        return Turn(0, reads)
    overturned = legibility(crops, sessions.recognise([turned(crop, 180) for crop in crops]))
    if max(as_cut, overturned) < LEGIBLE:
        return Turn(0, reads)
    if not on_its_side:
        return Turn(180) if overturned > as_cut + CLEARLY else Turn(0, reads)
    deskew = _legible_letters(cutter, quads, sessions)
    if deskew >= UPRIGHT * sum(len(read.text) for read in reads.values()):
        return Turn(0, reads if as_cut >= overturned else {})
    better = crops if as_cut >= overturned else [turned(crop, 180) for crop in crops]
    standing = legibility(crops, sessions.recognise([unstacked(crop) for crop in better]))
    vertical = standing > max(as_cut, overturned) - CLEARLY
    # Tall lines are cut turned to the left, so what reads as cut is a page that needs a turn to the left.
    if as_cut >= overturned:
        return Turn(0, reads) if vertical else Turn(270)
    return Turn(180) if vertical else Turn(90)


def legibility(crops: Sequence[Pixels], reads: Iterable[Read]) -> float:
    """Return the mean confidence of *reads* (0 to 1), each line weighed by its length.

    A line of which fewer letters were read than stand on it counts for less: of an overturned line a single
    letter may be left that looks the same both ways, and that is read with confidence.
    """
    total = 0.0
    lengths = [float(crop.shape[1] / crop.shape[0]) for crop in crops]
    for length, read in zip(lengths, reads, strict=True):
        total += length * read.confidence * min(1.0, len(read.text) / (FEWEST_LETTERS * length))
    return total / sum(lengths)


def _legible_letters(cutter: Cutter, quads: Quads, sessions: Sessions) -> int:
    """Return how many letters of the level lines of a page full of tall ones are legible as they stand."""
    deskew = [i for i in _longest(quads, False) if edges(quads[i])[0] > 2 * edges(quads[i])[1]]
    reads = sessions.recognise([cutter.cut(quads[i]) for i in deskew])
    return sum(len(read.text) for read in reads if read.confidence >= SURE)


def _longest(quads: Quads, standing: bool) -> list[int]:
    """Return the indices of the longest lines, at most `SAMPLE`: of the tall ones, or else of those that are not."""
    alike = [index for index, quad in enumerate(quads) if tall(quad) == standing]
    return sorted(alike, key=lambda index: -max(edges(quads[index])))[:SAMPLE]
