"""Whether the rows of a TIFF's frame are all there: by their places in the file, and by what fax decoders say.

Asked of a frame that Pillow has opened; no picture is returned.
"""

from typing import Any

from PIL import Image

from dropscribe.documents import fax
from dropscribe.documents.loss import Loss

ENOUGH = 0.98  # of a frame's only strip: some writers claim a round figure
STRIPS, TILES = (273, 279), (324, 325)  # tags: offsets and byte counts
WIDTH, HEIGHT, COMPRESSION, FILL_ORDER, ROWS_PER_STRIP, T4_OPTIONS = 256, 257, 259, 266, 278, 292
FAXES = (2, 3, 4)  # compressions: T.4 without line ends, T.4, T.6


def lacks_rows(image: Image.Image, size: int, enough: float) -> bool:
    """Say whether a TIFF frame's strips or tiles reach beyond the end of its file of *size* bytes.

    The fax decoders fill what is missing with white and raise nothing. Of a single strip the share *enough* must be
    there: some writers claim a round figure for it.
    """
    tags = image.tag_v2  # type: ignore[attr-defined]  # a TIFF
    for offsets, counts in (STRIPS, TILES):
        starts: tuple[int, ...] = tags.get(offsets) or ()
        lengths: tuple[int, ...] = tags.get(counts) or ()
        if any(start >= size for start in starts):
            return True
        if len(starts) > 1 and any(start + length > size for start, length in zip(starts, lengths, strict=False)):
            return True
        if len(starts) == 1 and lengths and size - starts[0] < lengths[0] * enough:
            return True
    return False


def loss(image: Image.Image, path: str) -> Loss:
    """Return what of *image*, the frame of the file at *path*, did not decode: fax decoders paint it white."""
    tags: Any = image.tag_v2  # type: ignore[attr-defined]  # a TIFF
    if tags.get(COMPRESSION) not in FAXES:
        return Loss.NONE
    left, each = int(tags[HEIGHT]), int(tags.get(ROWS_PER_STRIP) or tags[HEIGHT])
    starts, lengths = tags.get(STRIPS[0]) or (), tags.get(STRIPS[1]) or ()
    with open(path, "rb") as file:
        for start, length in zip(starts, lengths, strict=False):
            file.seek(start)
            how = tags.get(COMPRESSION), tags.get(T4_OPTIONS, 0), tags.get(FILL_ORDER, 1)
            rows = fax.Rows(file.read(length), int(tags[WIDTH]), min(each, left), *how)
            if fax.loss(rows):
                return Loss.DOUBT  # a bad row or two come with every fax; all that is known is that some are
            left -= each
    return Loss.NONE
