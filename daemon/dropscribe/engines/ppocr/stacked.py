"""Columns of upright characters laid out as lines, as the recogniser knows them from books set level.

Read on its side a column comes out with confidence, but without its punctuation and small kana (measured: .08 of all
characters of Japanese pages). Pixels in, pixels out; which reading is believed is decided in `reader`.
"""

import re
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from dropscribe.engines.ppocr.pixels import Pixels, resized, turned

# Of the column's width: the step from character to character. The detector's boxes are wider than the characters, and
# with steps half as long again every second cut would be right.
NARROWEST, WIDEST = 0.7, 1.1
DRIFT = 0.05  # of the column's width; steps are tried so close that the last cut is off by no more
LITTLE = 0.62  # of the square: ink no larger is a mark or a small kana
THIN, LONG, LONGEST = 0.3, 0.5, 0.64  # of the square: a stroke; an upright one, for the letter I is shorter
BAR = re.compile(r"(?<=[ァ-ヺー])[|｜Il1１丨一](?![0-9０-９])")
AWAY = 0.08  # of the square: the middle of the ink is off the middle of the square


def unstacked(crop: Pixels) -> Pixels:
    """Return a column of characters as a line of them; *crop* is the column turned a quarter to the left.

    It is cut at equal steps, those that go through the least ink, as characters of vertical text all stand in squares.
    """
    column = turned(crop, 90)
    width = column.shape[1]
    ground = np.median(column, axis=(0, 1)).astype(np.uint8)
    room = np.broadcast_to(ground, (width, width, 3))  # a full stop at the end stands in a square of its own
    column = np.concatenate([room, column, room])
    ink = _ink(column)
    cuts = _cuts(ink.mean(axis=1), width)
    tiles = [(column[a:b], ink[a:b]) for a, b in pairwise(cuts) if b > a]
    return np.concatenate([_square(tile, its_ink, width) for tile, its_ink in tiles], axis=1)


def long_vowels(text: str) -> str:
    """Return *text* with upright strokes behind katakana as the long vowel, which stands upright in a column."""
    return BAR.sub("ー", text)


def _ink(column: Pixels) -> NDArray[np.float32]:
    """Return how far each pixel of *column* is from its ground, 0 to 1."""
    away = np.abs(column.astype(np.int16) - np.median(column, axis=(0, 1)).astype(np.int16)).max(axis=2)
    return np.asarray(away / max(1, int(away.max())), np.float32)


def _cuts(rows: NDArray[np.float32], width: int) -> list[int]:
    """Return where to cut a column whose *rows* hold so much ink each: at equal steps, where there is least of it."""
    inked = np.flatnonzero(rows > 0.02)
    top, bottom = (int(inked[0]), int(inked[-1]) + 1) if len(inked) else (0, len(rows))
    smooth = np.convolve(rows, [0.25, 0.5, 0.25], "same").astype(np.float32)
    best, cost = [top, bottom], np.inf
    count = (bottom - top) / width
    for step in np.arange(NARROWEST * width, WIDEST * width, max(0.02, DRIFT * width / max(1.0, count))):
        starts = np.arange(top - 0.45 * step, top + 0.1 * step, 0.5)
        places = starts[:, None] + step * np.arange(1, max(2, round((bottom - top) / step + 0.45)))
        inside = (places > top) & (places < bottom)
        means = _mean(smooth, places, inside)
        if means.min() < cost - 1e-6:
            cost, start = float(means.min()), float(starts[means.argmin()])
            best = [round(cut) for cut in np.arange(start, bottom + step, step)]
    return [min(max(0, cut), len(rows)) for cut in best]


def _mean(rows: NDArray[np.float32], places: NDArray[np.float64], inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the mean of *rows* at those *places* of each line of places that are *inside*."""
    values = rows[np.clip(places.round().astype(int), 0, len(rows) - 1)] * inside
    return np.asarray(values.sum(axis=1) / np.maximum(1, inside.sum(axis=1)), np.float64)


def _square(tile: Pixels, ink: NDArray[np.float32], side: int) -> Pixels:
    """Return *tile* as a square of *side* pixels, its character as it stands in a level line."""
    missing = max(0, side - tile.shape[0])
    above, below = missing // 2, missing - missing // 2
    padded = np.pad(tile, ((above, below), (0, 0), (0, 0)), mode="edge")
    inked = np.pad(ink, ((above, below), (0, 0)))
    return resized_to(_levelled(padded, inked), side)


def resized_to(tile: Pixels, side: int) -> Pixels:
    """Return *tile* at *side* pixels of height, its own proportions kept."""
    scaled = resized(tile, side / tile.shape[0])
    return scaled if scaled.shape[0] == side else np.ascontiguousarray(cv2.resize(scaled, (scaled.shape[1], side)))


def _levelled(tile: Pixels, ink: NDArray[np.float32]) -> Pixels:
    """Return *tile* with marks where a level line has them.

    Full stops, commas and small kana stand at the upper right and belong to the lower left; brackets, dashes and the
    long vowel are turned by a quarter.
    """
    box = _ink_box(ink)
    if box is None:
        return tile
    height, width = ink.shape
    x0, y0, x1, y1 = box
    across, down = (x1 - x0) / width, (y1 - y0) / height
    x, y = (x0 + x1) / 2 / width - 0.5, (y0 + y1) / 2 / height - 0.5
    stroke = (across < THIN and down > LONGEST) or (down < THIN and across > LONG and abs(y) > 2 * AWAY)
    bracket = max(across, down) < LITTLE and x * y > AWAY**2
    if stroke or bracket:
        return turned(tile, 270)
    if max(across, down) < LITTLE and x > AWAY / 2 and y < AWAY:
        return _moved(tile, (width - x0 - x1), (height - y0 - y1))
    return tile


def _ink_box(ink: NDArray[np.float32]) -> tuple[int, int, int, int] | None:
    columns, rows = np.flatnonzero(ink.max(axis=0) > 0.4), np.flatnonzero(ink.max(axis=1) > 0.4)
    if not len(columns):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _moved(tile: Pixels, right: float, down: float) -> Pixels:
    matrix = np.array([[1, 0, right], [0, 1, down]], np.float32)
    size = tile.shape[1], tile.shape[0]
    return np.asarray(cv2.warpAffine(tile, matrix, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)
