"""Signs at the ends of lines that the detector left out: a single digit before goods, the full stop of a column.

It only makes boxes of lines longer, up to ink the size of a letter that stands on in their direction after a blank.
Ink between lines is `detection.overlooked`'s business.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from dropscribe.engines.ppocr.detection import ink_of
from dropscribe.engines.ppocr.pixels import Pixels, resized
from dropscribe.layout.geometry import Quad, Quads, edges, tall

LETTER = 16  # pixels; the height of a line in the reduced picture, enough to tell letters from rules
BLANK = 0.8  # line heights between a line's box and the sign; boxes of cells stand further apart
SMALLEST, LARGEST = 0.3, 1.3  # line heights; smaller is a dot of a leader, or dirt, larger a picture
SMALLEST_TALL = 0.2  # full stops and commas of vertical text are the signs that are left out there
BUSY = 0.25  # of the picture is ink: a photograph
MOST = 4  # signs at one end


def extended(picture: Pixels, quads: Quads) -> Quads:
    """Return *quads* (n x 4 x 2, page pixels), in their order, with those made longer that lack a sign at an end."""
    if not len(quads):
        return quads
    scale = min(1.0, LETTER / float(np.median([min(edges(quad)) for quad in quads])))
    signs = _signs(resized(picture, scale), quads * np.float32(scale)) / scale
    return np.stack([_extended(quad, signs) for quad in quads]) if len(signs) else quads


def _signs(small: Pixels, quads: Quads) -> NDArray[np.float64]:
    """Return x0, y0, x1, y1 of ink in *small* the size of a letter that lies in none of *quads*."""
    ink = ink_of(small)
    if ink.mean() > BUSY * 255:
        return np.zeros((0, 4))
    for size in ((4 * LETTER, 1), (1, 5 * LETTER // 2)):  # rules of tables
        ink &= ~cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones(size[::-1], np.uint8))
    cv2.fillPoly(ink, [np.round(quad).astype(np.int32) for quad in quads], 0)
    _, _, stats, _ = cv2.connectedComponentsWithStats(ink)
    found = [s for s in stats[1:] if SMALLEST_TALL * LETTER <= max(s[2], s[3]) <= LARGEST * LETTER]
    return np.array([(s[0], s[1], s[0] + s[2], s[1] + s[3]) for s in found], np.float64).reshape(-1, 4)


def _extended(quad: Quad, signs: NDArray[np.float64]) -> Quad:
    """Return *quad* reaching over those of *signs* that stand on in its direction, at both ends."""
    upright = tall(quad)
    length, height = edges(quad)[::-1] if upright else edges(quad)
    near = signs[_level_with(quad, signs, upright, height)]
    if not len(near):
        return quad
    axis = 1 if upright else 0
    start, end = float(quad[:, axis].min()), float(quad[:, axis].max())
    lows, highs = near[:, axis], near[:, axis + 2]
    first, last = start, end
    for _ in range(MOST):
        before = (highs < first + 0.2 * height) & (highs > first - BLANK * height) & (lows < first)
        after = (lows > last - 0.2 * height) & (lows < last + BLANK * height) & (highs > last)
        first, last = min([first, *lows[before]]), max([last, *highs[after]])
    return _stretched(quad, (start - first) / length, (last - end) / length, upright, 0.1 * height / length)


def _level_with(quad: Quad, signs: NDArray[np.float64], upright: bool, height: float) -> NDArray[np.bool_]:
    """Say of each of *signs* whether it stands on the line of *quad*, and is of the size of its letters."""
    axis = 0 if upright else 1
    along = quad[:, 1 - axis]
    middle = (signs[:, 1 - axis] + signs[:, 3 - axis]) / 2
    slope = _slope(quad, upright)
    centre = quad[:, axis].mean() + slope * (middle - along.mean())
    low, high = signs[:, axis], signs[:, axis + 2]
    sizes = np.maximum(signs[:, 2] - signs[:, 0], signs[:, 3] - signs[:, 1])
    smallest = SMALLEST_TALL if upright else SMALLEST
    fits = (sizes > smallest * height) & (sizes < LARGEST * height)
    inside = (low > centre - 0.6 * height) & (high < centre + 0.6 * height)
    return np.asarray(fits & inside, np.bool_)


def _slope(quad: Quad, upright: bool) -> float:
    run = quad[3] - quad[0] if upright else quad[1] - quad[0]
    return float(run[0] / max(1e-6, run[1])) if upright else float(run[1] / max(1e-6, run[0]))


def _stretched(quad: Quad, before: float, after: float, upright: bool, rim: float) -> Quad:
    """Return *quad* longer by shares of its length, and by *rim* more where it is longer at all."""
    if before <= 0 and after <= 0:
        return quad
    before, after = (share + rim if share > 0 else 0.0 for share in (before, after))
    pairs = ((0, 3), (1, 2)) if upright else ((0, 1), (3, 2))
    result = quad.copy()
    for first, last in pairs:
        run = quad[last] - quad[first]
        result[first], result[last] = quad[first] - before * run, quad[last] + after * run
    return result
