"""Where the lines of a picture are: the detector at the scale that suits it, and ink that it overlooked.

It chooses scales and corrects boxes; it recognises nothing, turns nothing and knows no pages.
"""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from dropscribe.engines.ppocr.pixels import LONGEST, Cutter, Pixels, ground, resized, view
from dropscribe.engines.ppocr.sessions import Sessions
from dropscribe.layout.geometry import Quad, Quads, edges, merged

# Height of a box in the detector's view, pixels. Measured on pictures seen at six scales each: boxes break up or
# lose their ends above 45; between 20 and 40 all read alike.
LETTER, LETTERS = 30, (14, 44)
LONGEST_FINE = 4000  # pixels; the longest side of a view that was enlarged for small letters
STRIP = 3  # a picture longer than so many times its breadth, and longer than `LONGEST`, is looked at in strips
HOLE = 1.2  # line heights without ink inside a box that show two lines; blanks of justified text are narrower
WHITE = 0.5  # line heights; blanks between words are narrower, unless a line is justified
PIECE = 3  # line heights; a shorter piece (a bullet, a number) is read better with its line
INK = 64  # of 255; how far a pixel's brightness is from the ground's to count as ink


def usual_scale(picture: Pixels) -> float:
    """Return the scale at which a picture of this size is looked at first."""
    return min(1.0, float(LONGEST / min(max(picture.shape[:2]), _strip_length(picture))))


def find(sessions: Sessions, picture: Pixels) -> Quads:
    """Return the quads of the lines on *picture* (n x 4 x 2, its pixels), looked for at the scale that suits them."""
    scale = usual_scale(picture)
    quads = find_at(sessions, picture, scale)
    if not len(quads):
        return quads
    letter = float(np.median([min(edges(quad)) for quad in quads]))
    finest = LONGEST_FINE / min(max(picture.shape[:2]), _strip_length(picture))
    better = min(LETTER / letter, max(finest, scale))
    if not LETTERS[0] <= letter * scale <= LETTERS[1] and abs(better / scale - 1) > 0.2:
        again = find_at(sessions, picture, better)
        if _length(again) >= 0.9 * _length(quads):
            quads = again
    return parted(picture, merged(quads))


def find_at(sessions: Sessions, picture: Pixels, scale: float) -> Quads:
    """Return the quads of the lines on *picture* seen at *scale*, strip by strip where it is very long."""
    found = [np.zeros((0, 4, 2), np.float32)]
    for x, y, strip in _strips(picture):
        seen = view(strip, scale)
        found.append(seen.to_page(sessions.detect(seen.picture)) + np.array([x, y], np.float32))
    return np.concatenate(found)


def _strips(picture: Pixels) -> Iterator[tuple[int, int, Pixels]]:
    """Yield x, y and the pixels of each strip; cut where there is the least ink, so that no line is cut in two."""
    height, width = picture.shape[:2]
    if width > height:
        yield from ((y, x, strip.swapaxes(0, 1)) for x, y, strip in _strips(picture.swapaxes(0, 1)))
        return
    top, length = 0, _strip_length(picture)
    while height - top > length:
        low, high = top + 2 * length // 3, top + length
        unrest = np.abs(np.diff(picture[low:high].astype(np.int16), axis=1)).sum(axis=(1, 2))
        around = min(12, 1 + width // 4)  # pixels; the middle of a gap, not the first white between two letters
        cut = low + int(np.convolve(unrest, np.ones(around), "same").argmin())
        yield 0, top, picture[top:cut]
        top = cut
    yield 0, top, picture[top:]


def _strip_length(picture: Pixels) -> int:
    """Return how long a strip of *picture* may be, in its pixels."""
    return max(LONGEST, STRIP * int(min(picture.shape[:2])))


def parted(picture: Pixels, quads: Quads) -> Quads:
    """Return *quads* with those cut in two that have a hole: the detector joins lines across a narrow gutter."""
    cutter = Cutter(picture)
    pieces = [piece for quad in quads for piece in _pieces(cutter, quad)]
    return np.stack(pieces) if pieces else quads


def _pieces(cutter: Cutter, quad: Quad) -> list[Quad]:
    width, height = edges(quad)
    if width < (2 * PIECE + HOLE) * height:
        return [quad]
    start, end = _hole(cutter.cut(quad))
    if end - start < HOLE * height / width or min(start, 1 - end) < PIECE * height / width:
        return [quad]
    left = [quad[0], quad[0] + start * (quad[1] - quad[0]), quad[3] + start * (quad[2] - quad[3]), quad[3]]
    right = [quad[0] + end * (quad[1] - quad[0]), quad[1], quad[2], quad[3] + end * (quad[2] - quad[3])]
    return [np.array(left, np.float32), *_pieces(cutter, np.array(right, np.float32))]


def holes(line: Pixels) -> tuple[tuple[float, float], ...]:
    """Return where white at least `WHITE` line heights wide begins and ends inside *line*, as shares of its width."""
    height, width = line.shape[:2]
    inked = _inked(line)
    wide = np.flatnonzero(np.diff(inked) > WHITE * height)
    return tuple((float(inked[i] + 1) / width, float(inked[i + 1]) / width) for i in wide)


def _hole(line: Pixels) -> tuple[float, float]:
    """Return where the widest white inside *line* begins and ends, as shares of its width; an upright rule is white."""
    inked = _inked(line)
    if len(inked) < 2:
        return 0.0, 0.0
    widest = int(np.diff(inked).argmax())
    return (inked[widest] + 1) / line.shape[1], inked[widest + 1] / line.shape[1]


def _inked(line: Pixels) -> NDArray[np.intp]:
    """Return the pixel columns of *line* that hold ink; an upright rule is none."""
    away = np.abs(line.astype(np.int16) - np.median(line, axis=(0, 1)).astype(np.int16)).max(axis=2)
    ink = (away > max(24, 0.25 * away.max())).mean(axis=0)
    return np.flatnonzero((ink > 0.02) & (ink < 0.95))


def overlooked(picture: Pixels, quads: Quads) -> Quads:
    """Return upright quads around ink the size of a line, or of a piece of one, that lies in none of *quads*.

    Nothing where the ground is not plain (a photograph), or where there is no line to compare with.
    """
    if not len(quads):
        return quads
    line = float(np.median([min(edges(quad)) for quad in quads]))
    scale = min(1.0, 16 / line)  # letters of 16 pixels are enough to tell lumps from rules
    small = resized(picture, scale)
    ink = ink_of(small)
    if ink.mean() > 0.25 * 255:
        return quads[:0]
    line *= scale
    for size in ((round(4 * line), 1), (1, round(2.5 * line))):  # rules of tables
        ink &= ~cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones(size[::-1], np.uint8))
    cv2.fillPoly(ink, [np.round(quad * scale).astype(np.int32) for quad in quads], 0)
    joined = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones((1, max(1, round(line))), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(joined)
    lumps = [s for s in stats[1:] if 0.4 * line < s[3] < 1.6 * line and s[2] > line and s[4] > 0.3 * s[2] * s[3]]
    return np.array([_around(s, 0.2 * line) for s in lumps], np.float32).reshape(-1, 4, 2) / np.float32(scale)


def ink_of(picture: Pixels) -> NDArray[np.uint8]:
    """Return 255 where *picture* stands out from its ground, 0 elsewhere."""
    away = np.abs(picture.astype(np.int16) - np.array(ground(picture), np.int16)).max(axis=2)
    return np.where(away > INK, np.uint8(255), np.uint8(0))


def _around(stats: NDArray[np.int32], rim: float) -> list[tuple[float, float]]:
    x0, y0, x1, y1 = stats[0] - rim, stats[1] - rim, stats[0] + stats[2] + rim, stats[1] + stats[3] + rim
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def _length(quads: Quads) -> float:
    return sum(max(edges(quad)) for quad in quads)
