"""Rules of a page: straight lines that somebody drew, across and upright. Pixels in, boxes out."""

import cv2
import numpy as np

from dropscribe.core.pages import Box
from dropscribe.engines.ppocr.pixels import Pixels

LONGEST = 1200  # pixels; sides are reduced to it: a rule survives that, and costs a tenth
LENGTH = 0.04  # of the longest side; shorter strokes are letters and dashes
THICK = 6  # pixels at that size; thicker bars are boxes
INK = 40  # of 255, darker (or lighter) than the ground around it


def rules(picture: Pixels) -> tuple[tuple[Box, ...], tuple[Box, ...]]:
    """Return the rules across and the upright ones on *picture*, in its pixels."""
    scale = min(1.0, LONGEST / max(picture.shape[:2]))
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else grey
    around = cv2.medianBlur(small, 21)
    ink = (cv2.absdiff(small, around) > INK).astype(np.uint8)
    length = max(24, round(LENGTH * max(small.shape[:2])))
    across = _lines(ink, (length, 1), scale)
    upright = _lines(ink, (1, length), scale)
    return across, upright


def _lines(
    ink: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]", size: tuple[int, int], scale: float
) -> tuple[Box, ...]:
    """Return the boxes of what is left of *ink* when everything shorter than *size* is taken away."""
    kernel = np.ones(size[::-1], np.uint8)
    found = cv2.morphologyEx(ink, cv2.MORPH_OPEN, kernel)
    found = cv2.dilate(found, np.ones((3, 3), np.uint8))  # a rule that is not quite level falls into steps
    _, _, stats, _ = cv2.connectedComponentsWithStats(found)
    thin = [s for s in stats[1:] if min(s[2], s[3]) <= THICK + 2]
    return tuple((s[0] / scale, s[1] / scale, (s[0] + s[2]) / scale, (s[1] + s[3]) / scale) for s in thin)
