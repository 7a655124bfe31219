"""Pictures as arrays: the page's ground, a margin of it, scaling, ink, and the crop of one line.

It owns no model and takes no decision about text. Arrays are BGR, 8 bits, height x width x 3, as PP-OCR wants them.
"""

import math
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dropscribe.layout.geometry import Quad, Quads, edges

Pixels = NDArray[np.uint8]

LONGEST = 2000  # pixels; what rapidocr itself reduces pages to, and what its detector was tuned with
STRIDE = 32  # the detector's; sides are padded to it so that nothing is stretched
LINE_HEIGHT = 48  # pixels; the recogniser's input
ROOM = 0.05  # of a line's height above and below it; on 38 files 0 gave .030 character errors, .05 .027, .1 .029


def pixels(image: Image.Image) -> Pixels:
    """Return *image* (RGB) as an array in BGR."""
    return np.ascontiguousarray(np.asarray(image.convert("RGB"))[:, :, ::-1])


def ground(picture: Pixels) -> tuple[int, int, int]:
    """Return the colour (BGR) that most of the outermost pixels have, or nearly: the page's own background."""
    depth = max(1, min(picture.shape[:2]) // 50)
    edges = (picture[:depth], picture[-depth:], picture[:, :depth], picture[:, -depth:])
    rim = np.concatenate([edge.reshape(-1, 3) for edge in edges])
    bins = (rim >> 4).astype(np.int32) @ np.array([256, 16, 1])
    common = rim[bins == np.bincount(bins).argmax()]
    blue, green, red = np.median(common, axis=0)
    return int(blue), int(green), int(red)


def stands_out(picture: Pixels) -> NDArray[np.bool_]:
    """Return which pixels of *picture* (height x width) are ink: far from the ground."""
    away = np.abs(picture.astype(np.int16) - np.array(ground(picture), np.int16)).max(axis=2)
    return np.asarray(away > 48)


def ink_box(picture: Pixels) -> tuple[int, int, int, int] | None:
    """Return x0, y0, x1, y1 around everything that stands out from the ground; None where nothing does."""
    away = stands_out(picture)
    rows, columns = np.flatnonzero(away.any(axis=1)), np.flatnonzero(away.any(axis=0))
    if not len(rows):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


@dataclass(frozen=True)
class View:
    """A page as the detector sees it: scaled, with a margin of its own ground all around."""

    picture: Pixels
    scale: float  # view pixels for one page pixel
    left: int  # margin, in view pixels
    top: int

    def to_page(self, quads: Quads) -> Quads:
        """Return *quads* (n x 4 x 2, in view pixels) in page pixels; they may reach into the margin."""
        return (quads - np.array([self.left, self.top], np.float32)) / np.float32(self.scale)


def view(picture: Pixels, scale: float) -> View:
    """Return *picture* at *scale* with a margin.

    Text that touches the edge, single words and tiny pictures come out empty without one (measured).
    """
    scaled = resized(picture, scale)
    height, width = scaled.shape[:2]
    margin = max(STRIDE, min(height, width) // 25)
    right, bottom = (margin + -(side + 2 * margin) % STRIDE for side in (width, height))
    padded = cv2.copyMakeBorder(scaled, margin, bottom, margin, right, cv2.BORDER_CONSTANT, value=ground(picture))
    return View(padded, scale, margin, margin)


def resized(picture: Pixels, scale: float) -> Pixels:
    """Return *picture* scaled, averaging when it shrinks (plain bilinear sampling drops thin strokes)."""
    if scale == 1:
        return picture
    height, width = picture.shape[:2]
    size = max(1, round(width * scale)), max(1, round(height * scale))
    result: Pixels = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    return result


@dataclass
class Cutter:
    """Cuts lines out of one page, each from a copy reduced just enough that its letters are sampled well."""

    picture: Pixels
    _reduced: dict[int, Pixels] = field(default_factory=dict)

    def cut(self, quad: Quad) -> Pixels:
        """Return the line in *quad* (page pixels) as a level picture; a tall one is turned a quarter to the left."""
        quad = _roomier(quad)
        width, height = edges(quad)
        deskew = max(0, math.floor(math.log2(max(1.0, min(width, height) / LINE_HEIGHT))))
        source, factor = self._level(deskew), 0.5**deskew
        size = max(4, round(width * factor)), max(4, round(height * factor))
        corners = np.array([[0, 0], [size[0], 0], [size[0], size[1]], [0, size[1]]], np.float32)
        matrix = cv2.getPerspectiveTransform((quad * factor).astype(np.float32), corners)
        crop: Pixels = cv2.warpPerspective(source, matrix, size, borderMode=cv2.BORDER_REPLICATE, flags=cv2.INTER_CUBIC)
        return turned(crop, 270) if size[1] >= 1.5 * size[0] else crop

    def _level(self, deskew: int) -> Pixels:
        if deskew == 0:
            return self.picture
        if deskew not in self._reduced:
            self._reduced[deskew] = resized(self.picture, 0.5**deskew)
        return self._reduced[deskew]


def _roomier(quad: Quad) -> Quad:
    """Return *quad* with `ROOM` more above and below: the detector's boxes cut into tall and deep letters."""
    down = (quad[3] - quad[0]) / max(1e-6, float(np.linalg.norm(quad[3] - quad[0])))
    shift = np.float32(ROOM * min(edges(quad))) * down
    return np.asarray(quad + np.stack([-shift, -shift, shift, shift]), np.float32)


def turned(picture: Pixels, clockwise: int) -> Pixels:
    """Return *picture* turned by *clockwise* degrees (a multiple of 90)."""
    return np.ascontiguousarray(np.rot90(picture, -clockwise // 90))
