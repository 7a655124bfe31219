"""Whether there is any ink on a page: a pure test on pixels. It does not distinguish text from pictures."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

FAINTEST = 16  # of 255: below so small a step, in every channel, neither people nor engines see a letter
LAG_PIXELS = 8  # a blurred edge is spread over a few pixels, a gradient over hundreds
BAND_ROWS = 256


def is_blank(image: Image.Image) -> bool:
    """Say whether *image* (RGB) certainly holds no text: no step anywhere between pixels `LAG_PIXELS` apart.

    Slight noise and wide gradients are blank; static, dust and faint lines are not: the engine looks at those.
    """
    if image.width <= LAG_PIXELS or image.height <= LAG_PIXELS:
        return all(high - low <= FAINTEST for low, high in _extrema(image))
    return not any(_has_step(band) for band in _bands(image))


def _extrema(image: Image.Image) -> list[tuple[int, int]]:
    pixels = np.asarray(image.convert("RGB"))
    return [(int(pixels[..., c].min()), int(pixels[..., c].max())) for c in range(3)]


def _bands(image: Image.Image) -> Iterator[NDArray[np.int16]]:
    """Yield the rows a band at a time, each with the first rows of the next, so that no step falls between two."""
    for top in range(0, image.height - LAG_PIXELS, BAND_ROWS):
        bottom = min(top + BAND_ROWS + LAG_PIXELS, image.height)
        yield np.asarray(image.crop((0, top, image.width, bottom)).convert("RGB"), np.int16)


def _has_step(band: NDArray[np.int16]) -> bool:
    across = np.abs(band[:, LAG_PIXELS:] - band[:, :-LAG_PIXELS]).max(initial=0)
    down = np.abs(band[LAG_PIXELS:] - band[:-LAG_PIXELS]).max(initial=0)
    return max(int(across), int(down)) > FAINTEST
