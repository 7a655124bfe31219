"""What is on a page beside letters: regions that a layout model saw, and drawn rules. Values only."""

from dataclasses import dataclass, field

import numpy as np

from dropscribe.core.pages import Box


@dataclass(frozen=True)
class Region:
    """One region of a page in pixels: what it is (text, title, table, figure, ...), where, how sure (0 to 1)."""

    label: str
    box: Box
    confidence: float


@dataclass(frozen=True)
class Marks:
    """Regions and rules of one page, in pixels; empty where nobody looked."""

    regions: tuple[Region, ...] = ()
    across: tuple[Box, ...] = field(default=())  # rules that run across
    upright: tuple[Box, ...] = field(default=())

    def turned_back(self, skew: float) -> "Marks":
        """Return the marks of the page turned about its origin by -*skew* radians, as `geometry.deskew` turns boxes."""
        return Marks(
            tuple(Region(r.label, _turned(r.box, skew), r.confidence) for r in self.regions),
            tuple(_turned(box, skew) for box in self.across),
            tuple(_turned(box, skew) for box in self.upright),
        )


NO_MARKS = Marks()


def _turned(box: Box, skew: float) -> Box:
    """Return *box* with its centre turned and its size kept: exact enough for the few degrees of a skewed scan."""
    x0, y0, x1, y1 = box
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    cosine, sine = float(np.cos(-skew)), float(np.sin(-skew))
    dx, dy = x * cosine - y * sine - x, x * sine + y * cosine - y
    return x0 + dx, y0 + dy, x1 + dx, y1 + dy
