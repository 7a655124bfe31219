"""Which of the pictures in a file are its pages: all of them, but for previews, masks and what is shown already.

Nothing is decoded but the frames of an animation, which say in no other way whether they show something new.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageChops

from dropscribe.config import Settings
from dropscribe.core import file_types
from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.documents import blank, limits, unsupported
from dropscribe.documents.image import colour

SUBFILE, OLD_SUBFILE, OLD_REDUCED = 254, 255, 2  # TIFF tags, and the value of the second for a preview
REDUCED, MASK = 1, 4  # bits of the first (TIFF 6.0, section 8)
SAME_SHAPE = 0.02  # by how much the proportions of a preview may differ from those of its page
DNG_VERSION = 50706  # TIFF tag: a raw camera file, whose first frame is only a preview

FILM = 20  # frames; what has more is no document
SAMPLE_PIXELS = 4_000_000  # to which frames are made smaller before they are compared
CHANGE = 32  # of 255: less is noise of the coding

_SEVERAL = frozenset({file_types.HEIC, file_types.HEIF})
_ANIMATED = frozenset({file_types.WEBP, file_types.GIF, file_types.PNG, file_types.AVIF})


@dataclass(frozen=True)
class Frames:
    """The frames (from 0) that are pages, in order, and whether others were passed over that may show something."""

    pages: tuple[int, ...] = (0,)
    partial: bool = False


def pages_of(image: Image.Image, kind: str, settings: Settings) -> Frames:
    """Return the frames of *image*, a file of that *kind* (a MIME type), that are pages; raise `ReasonedError`."""
    if kind == file_types.TIFF:
        return _of_tiff(image, settings)
    count = getattr(image, "n_frames", 1)
    if kind in _SEVERAL:
        limits.check_pages(count, settings)
        return Frames(tuple(range(count)))
    return _of_animation(image, count) if kind in _ANIMATED and count > 1 else Frames()


def _of_tiff(image: Image.Image, settings: Settings) -> Frames:
    """Walk the frames of a TIFF, no further than allowed (a chain that loops ends by itself)."""
    tags: Any = image.tag_v2  # type: ignore[attr-defined]  # a TIFF
    if DNG_VERSION in tags or unsupported.is_raw(tags):
        raise ReasonedError(Reason.UNSUPPORTED, "This is a raw camera file; only developed pictures are read.")
    sizes, previews, masks = [image.size], list[int](), set[int]()
    while True:
        index = len(sizes) - 1
        kind = int(tags.get(SUBFILE, 0))
        if kind & MASK:
            masks.add(index)
        elif kind & REDUCED or tags.get(OLD_SUBFILE) == OLD_REDUCED:
            previews.append(index)
        try:
            image.seek(index + 1)
        except EOFError:
            break
        tags = image.tag_v2  # type: ignore[attr-defined]
        sizes.append(image.size)
        limits.check_pages(len(sizes), settings)
        limits.check_pixels(*image.size, settings, f"Page {index + 2}")
    whole = [size for index, size in enumerate(sizes) if index not in masks and index not in previews]
    left_out = masks | {index for index in previews if any(_is_smaller(sizes[index], size) for size in whole)}
    return Frames(tuple(index for index in range(len(sizes)) if index not in left_out) or (0,))


def _is_smaller(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Say whether the first size is that of a smaller picture of the same proportions, or of a thumbnail of it."""
    if one[0] > other[0] or one[1] > other[1]:
        return False
    return abs(one[0] * other[1] - one[1] * other[0]) <= SAME_SHAPE * other[0] * max(one[1], 1) + max(other)


def _of_animation(image: Image.Image, count: int) -> Frames:
    """Return the frames that show something that none before them did; of a film only the first that shows any."""
    shown, samples, partial = list[int](), list[Image.Image](), count > FILM
    for index, frame in _decoded(image, min(count, FILM)):
        if frame is None:
            partial = True
            break
        if blank.is_blank(frame) or any(_is_like(_sample(frame), known) for known in samples):
            continue
        shown.append(index)
        samples.append(_sample(frame))
        if count > FILM:
            break
    return Frames(tuple(shown) or (0,), partial)


def _decoded(image: Image.Image, count: int) -> Iterator[tuple[int, Image.Image | None]]:
    """Yield the first *count* frames, upright; None for one that cannot be decoded (the first must be)."""
    for index in range(count):
        try:
            image.seek(index)
            yield index, colour.upright_rgb(image)
        except Exception:  # decoders raise anything at all
            if index == 0:
                raise
            yield index, None


def _sample(frame: Image.Image) -> Image.Image:
    grey = frame.convert("L")
    factor = max(1, round((frame.width * frame.height / SAMPLE_PIXELS) ** 0.5))
    return grey.reduce(factor) if factor > 1 else grey


def _is_like(one: Image.Image, other: Image.Image) -> bool:
    if one.size != other.size:
        return False
    return ImageChops.difference(one, other).point([0] * CHANGE + [255] * (256 - CHANGE)).getbbox() is None
