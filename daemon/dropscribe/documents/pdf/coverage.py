"""Whether boxes of letters explain the ink of a rendered page: pure arithmetic on pixels, nothing of PDF."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dropscribe.core.pages import Box

TILE_PIXELS = 16
STEP = 40  # of 255: a change between neighbours that belongs to a stroke
STROKES = 6  # such changes, both across and down, that make a tile look like writing
RULE_PIXELS = 64  # an edge so long without a break is a ruled line or a frame (8 mm at 200 dots per inch)
INK_SPAN = 24  # of 255: a letter's box with less between its darkest and lightest pixel holds no letter
STRAY_TILES, STRAY_SHARE = 8, 0.05  # a mark of a few millimetres is no text, nor is a small logo on a full page


class Coverage:
    """A page's ink, tile by tile."""

    def __init__(self, image: Image.Image) -> None:
        self._grey = np.asarray(image.convert("L"))
        self._writing = _like_writing(self._grey)

    def has_ink(self, box: Box) -> bool:
        """Say whether anything is drawn in *box* (pixels), a pixel around it included; False outside the page."""
        rows, columns = _inside(box, self._grey.shape, 1, 1)
        patch = self._grey[rows, columns]
        return patch.size > 0 and int(patch.max()) - int(patch.min()) >= INK_SPAN

    def is_explained_by(self, letters: list[Box], strict: list[Box]) -> bool:
        """Say whether what looks like writing lies under *letters*, but for a little, and in *strict* boxes wholly."""
        known = self._tiles(letters, grow=True)
        stray = self._writing & ~known
        if np.count_nonzero(stray & self._tiles(strict, grow=False)) > 1:
            return False
        covered = np.count_nonzero(self._writing & known)
        return bool(np.count_nonzero(stray) <= max(STRAY_TILES, STRAY_SHARE * covered))

    def is_blank_beside(self, boxes: list[Box]) -> bool:
        """Say whether nothing looks like writing anywhere but under *boxes*."""
        return not np.any(self._writing & ~self._tiles(boxes, grow=True))

    def _tiles(self, boxes: list[Box], grow: bool) -> NDArray[np.bool_]:
        """Return the tiles that *boxes* touch; grown by half their height, for marks above and below the letters."""
        mask = np.zeros(self._writing.shape, np.bool_)
        for box in boxes:
            margin = min(box[3] - box[1], 3 * TILE_PIXELS) / 2 if grow else 0.0
            rows, columns = _inside(box, mask.shape, TILE_PIXELS, margin)
            mask[rows, columns] = True
        return mask


def _inside(box: Box, shape: tuple[int, ...], unit: int, margin: float) -> tuple[slice, slice]:
    """Return the rows and columns, in units of *unit* pixels, that *box* with *margin* touches; empty where none."""
    x0, y0, x1, y1 = box[0] - margin, box[1] - margin, box[2] + margin, box[3] + margin
    if not all(map(math.isfinite, (x0, y0, x1, y1))):
        return slice(0, 0), slice(0, 0)
    top, left = max(0, int(y0 // unit)), max(0, int(x0 // unit))
    bottom, right = min(shape[0], int(y1 // unit) + 1), min(shape[1], int(x1 // unit) + 1)
    return slice(top, max(top, bottom)), slice(left, max(left, right))


def _like_writing(grey: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which tiles hold changes both across and down, as strokes do."""
    rows, columns = -(-grey.shape[0] // TILE_PIXELS), -(-grey.shape[1] // TILE_PIXELS)
    padded = np.pad(grey, ((0, rows * TILE_PIXELS - grey.shape[0]), (0, columns * TILE_PIXELS - grey.shape[1])), "edge")
    across = _steps(padded[:, 1:], padded[:, :-1])
    down = _steps(padded[1:], padded[:-1])
    across, down = across & ~_opened(across, (RULE_PIXELS, 1)), down & ~_opened(down, (1, RULE_PIXELS))
    across, down = np.pad(across, ((0, 0), (0, 1))), np.pad(down, ((0, 1), (0, 0)))
    return (_per_tile(across, rows, columns) >= STROKES) & (_per_tile(down, rows, columns) >= STROKES)


def _steps(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.maximum(one, other) - np.minimum(one, other) > STEP


def _opened(flags: NDArray[np.bool_], line: tuple[int, int]) -> NDArray[np.bool_]:
    """Return where *flags* hold without a break along a *line* of so many rows and columns (an opening by it)."""
    kernel, edge = np.ones(line, np.uint8), {"borderType": cv2.BORDER_CONSTANT, "borderValue": 0}
    starts = cv2.erode(np.ascontiguousarray(flags).view(np.uint8), kernel, anchor=(0, 0), **edge)
    opened = cv2.dilate(starts, kernel, anchor=(line[1] - 1, line[0] - 1), **edge)
    return np.asarray(opened).view(np.bool_)


def _per_tile(flags: NDArray[np.bool_], rows: int, columns: int) -> NDArray[np.int64]:
    tiles = flags.reshape(rows, TILE_PIXELS, columns, TILE_PIXELS)
    return np.asarray(tiles.sum(axis=(1, 3), dtype=np.int64))
