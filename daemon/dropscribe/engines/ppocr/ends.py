"""Signs at the ends of level lines that the detector left out, as a single digit before goods.

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
BUSY = 0.25  # of the picture is ink: a photograph
MOST = 4  # signs at one end


def extended(picture: Pixels, quads: Quads) -> Quads:
    """Return *quads* (n x 4 x 2, page pixels), in their order, with those made longer that lack a sign at an end."""
    if not len(quads):
        return quads
    scale = min(1.0, LETTER / max(1.0, float(np.median([min(edges(quad)) for quad in quads]))))
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
    found = [s for s in stats[1:] if SMALLEST * LETTER <= max(s[2], s[3]) <= LARGEST * LETTER]
    return np.array([(s[0], s[1], s[0] + s[2], s[1] + s[3]) for s in found], np.float64).reshape(-1, 4)


def _extended(quad: Quad, signs: NDArray[np.float64]) -> Quad:
    """Return *quad* reaching over those of *signs* that stand on in its direction, at both ends; columns stay."""
    length, height = edges(quad)
    near = signs[_level_with(quad, signs, height)]
    if not len(near) or tall(quad):
        return quad
    start, end = float(quad[:, 0].min()), float(quad[:, 0].max())
    lows, highs = near[:, 0], near[:, 2]
    first, last = start, end
    for _ in range(MOST):
        before = (highs < first + 0.2 * height) & (highs > first - BLANK * height) & (lows < first)
        after = (lows > last - 0.2 * height) & (lows < last + BLANK * height) & (highs > last)
        first, last = min([first, *lows[before]]), max([last, *highs[after]])
    return _stretched(quad, (start - first) / length, (last - end) / length, 0.1 * height / length)


def _level_with(quad: Quad, signs: NDArray[np.float64], height: float) -> NDArray[np.bool_]:
    """Say of each of *signs* whether it stands on the line of *quad*, and is of the size of its letters."""
    along = quad[1] - quad[0]
    slope = float(along[1] / max(1e-6, along[0]))
    x0, y0, x1, y1 = signs.T
    line = quad[:, 1].mean() + slope * ((x0 + x1) / 2 - quad[:, 0].mean())
    sizes = np.maximum(x1 - x0, y1 - y0)
    fits = (sizes > SMALLEST * height) & (sizes < LARGEST * height)
    return np.asarray(fits & (y0 > line - 0.6 * height) & (y1 < line + 0.6 * height), np.bool_)


def _stretched(quad: Quad, before: float, after: float, rim: float) -> Quad:
    """Return *quad* longer by shares of its length, and by *rim* more where it is longer at all."""
    if before <= 0 and after <= 0:
        return quad
    before, after = (share + rim if share > 0 else 0.0 for share in (before, after))
    result = quad.copy()
    for first, last in ((0, 1), (3, 2)):
        run = quad[last] - quad[first]
        result[first], result[last] = quad[first] - before * run, quad[last] + after * run
    return result
