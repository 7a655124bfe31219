"""Boxes of lines: their size, the page's skew, and mending what the detector cut apart.

Pure geometry on quads and pixels; no model, no text, no reading order.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Quads = NDArray[np.float32]  # n x 4 x 2
Quad = NDArray[np.float32]  # 4 corners x (x, y): top left, top right, bottom right, bottom left


TALL = 1.5  # height / width from which a box holds vertical text (rapidocr turns such crops)


@dataclass(frozen=True)
class TextBox:
    """Where a line lies once the page's skew is taken out, in pixels, and what it says where that is known.

    `index` is its place in the caller's list.
    """

    index: int
    x0: float
    y0: float
    x1: float
    y1: float
    text: str = ""

    @property
    def width(self) -> float:
        """Return the width."""
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        """Return the height."""
        return self.y1 - self.y0

    @property
    def middle(self) -> float:
        """Return the y of the centre."""
        return (self.y0 + self.y1) / 2

    @property
    def tall(self) -> bool:
        """Say whether this is a column of vertical text."""
        return self.height >= TALL * self.width


def deskew(quads: Sequence[Quad] | Quads, texts: Sequence[str] = ()) -> list[TextBox]:
    """Return the boxes of *quads* after turning them about the origin by the page's skew, with *texts* if known."""
    angle = skew(quads)
    cosine, sine = float(np.cos(-angle)), float(np.sin(-angle))
    boxes = []
    for index, quad in enumerate(quads):
        x, y = (float(value) for value in quad.mean(axis=0))
        x, y = x * cosine - y * sine, x * sine + y * cosine
        width, height = edges(quad)
        text = texts[index] if texts else ""
        boxes.append(TextBox(index, x - width / 2, y - height / 2, x + width / 2, y + height / 2, text))
    return boxes


def skew(quads: Sequence[Quad] | Quads) -> float:
    """Return the angle of the page's lines in radians: the median over long boxes; 0 where it cannot be told."""
    angles = []
    for quad in quads:
        width, height = edges(quad)
        across, down = quad[1] - quad[0], quad[3] - quad[0]
        if width > 5 * height:
            angles.append(float(np.arctan2(across[1], across[0])))
        elif height > 5 * width:
            angles.append(float(-np.arctan2(down[0], down[1])))
    angle = statistics.median(angles) if angles else 0.0
    return angle if abs(angle) < 0.5 else 0.0


def edges(quad: Quad) -> tuple[float, float]:
    """Return width and height of *quad*: the longer of each pair of opposite sides."""
    lengths = np.linalg.norm(quad - np.roll(quad, -1, axis=0), axis=1)
    return float(max(lengths[0], lengths[2])), float(max(lengths[1], lengths[3]))


def tall(quad: Quad) -> bool:
    """Say whether *quad* holds vertical text."""
    width, height = edges(quad)
    return height >= TALL * width


def sideways(quads: Sequence[Quad] | Quads) -> bool:
    """Say whether most of the text, by length, stands in tall boxes: vertical text, or a page turned by 90 degrees."""
    lengths = {True: 0.0, False: 0.0}
    for quad in quads:
        lengths[tall(quad)] += max(edges(quad))
    return lengths[True] > lengths[False]


def merged(quads: Quads) -> Quads:
    """Return *quads* with those joined that overlap on one baseline.

    Read apart, the letter at such a seam comes out twice, or as something else on each side.
    """
    if sideways(quads):
        return quads
    groups: list[list[TextBox]] = []
    for box in sorted(deskew(quads), key=lambda box: box.x0):
        home = next((group for group in reversed(groups) if _continues(group, box)), None)
        if home is None:
            groups.append([box])
        else:
            home.append(box)
    return np.stack([_around(quads, group) for group in groups]) if groups else quads


def _continues(group: list[TextBox], box: TextBox) -> bool:
    """Say whether *spot* begins inside the line that *group* makes up so far."""
    end = max(group, key=lambda s: s.x1)
    shared = min(end.y1, box.y1) - max(end.y0, box.y0)
    alike = max(end.height, box.height) < 1.5 * min(end.height, box.height)
    return alike and box.x0 <= end.x1 and shared > 0.7 * min(end.height, box.height)


def _around(quads: Quads, group: list[TextBox]) -> Quad:
    """Return the quad around the *quads* of *group*, along the baseline of the widest."""
    if len(group) == 1:
        return np.asarray(quads[group[0].index], np.float32)
    widest = quads[max(group, key=lambda s: s.width).index]
    across = (widest[1] - widest[0]) / np.linalg.norm(widest[1] - widest[0])
    down = np.array([-across[1], across[0]])
    points = np.concatenate([quads[box.index] for box in group])
    along, below = points @ across, points @ down
    corners = [
        (along.min(), below.min()),
        (along.max(), below.min()),
        (along.max(), below.max()),
        (along.min(), below.max()),
    ]
    return np.array([a * across + b * down for a, b in corners], np.float32)
