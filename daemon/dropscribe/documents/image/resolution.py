"""How large the pixels of a picture are, across and down, and making them square.

Resolutions belong to the axes as they are stored: they turn with the picture. No file is opened here.
"""

from typing import Any

from PIL import Image

DPI_SANE = (20.0, 4800.0)
FAX_STRETCH = (1.2, 4.0)  # a fax has 204 x 98 dots per inch; more than the second is a lie
_NO_UNIT = 1  # TIFF's ResolutionUnit, tag 296
Axes = tuple[float | None, float | None]


def axes(image: Image.Image) -> Axes:
    """Return the dots per inch across and down, as *image* is stored; None where the file says nothing sane."""
    return _sane(image.info.get("dpi"))


def proportion(image: Image.Image) -> float:
    """Return how many pixels across are as long as one down, as *image* is stored: 1 where the file does not say."""
    across, down = axes(image)
    if not across or not down:
        across, down = _sane(_without_unit(image), low=0.0)
    ratio = across / down if across and down else 1.0
    low, high = FAX_STRETCH
    return ratio if low < ratio <= high or low < 1 / ratio <= high else 1.0


def squared(image: Image.Image, ratio: float) -> Image.Image:
    """Return *image* stretched along its coarser axis, so that *ratio* (pixels across for one down) becomes 1."""
    width, height = image.size
    size = (width, round(height * ratio)) if ratio > 1 else (round(width / ratio), height)
    return image.resize(size, Image.Resampling.BICUBIC)


def _without_unit(image: Image.Image) -> Any:
    """Return what a file says of the pixels' form without their size: JFIF, PNG and TIFF know units of none."""
    if image.info.get("jfif_unit") == 0:
        return image.info.get("jfif_density")
    return image.info.get("aspect") or image.info.get("resolution")


def _sane(found: Any, low: float = DPI_SANE[0]) -> Axes:
    try:
        across, down = (value if low <= value <= DPI_SANE[1] else None for value in map(float, found))
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None, None
    return across, down
