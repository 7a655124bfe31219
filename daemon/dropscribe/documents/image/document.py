"""Picture files: what Pillow and its HEIF plugin read, from a file to upright pages.

The format is the one that the content shows; no other decoder gets to see the file. PDFs are opened by `pdf.document`.
A hole in the middle is noticed in a JPEG, and where a format has checks of its own (PNG, most of TIFF). HEIC, AVIF,
WebP and JPEG 2000 have none, their decoders paint over it without a word, and so it is not noticed here.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any, BinaryIO

import pillow_heif
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    IcoImagePlugin,
    Image,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    MpoImagePlugin,
    PcxImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    PsdImagePlugin,
    QoiImagePlugin,
    SgiImagePlugin,
    TgaImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from dropscribe.config import Settings
from dropscribe.core import file_types
from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.core.pages import Page
from dropscribe.documents import blank, limits, truncation, unsupported
from dropscribe.documents.image import colour, gif, jpeg

pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)

# Everything that is decoded at all. EPS (runs another program), FLI, FITS, WMF and the like stay out on purpose.
FORMATS: dict[str, type[Any]] = {
    file_types.PNG: PngImagePlugin.PngImageFile,
    file_types.JPEG: JpegImagePlugin.JpegImageFile,
    file_types.TIFF: TiffImagePlugin.TiffImageFile,
    file_types.WEBP: WebPImagePlugin.WebPImageFile,
    file_types.GIF: GifImagePlugin.GifImageFile,
    file_types.BMP: BmpImagePlugin.BmpImageFile,
    file_types.ICO: IcoImagePlugin.IcoImageFile,
    file_types.PSD: PsdImagePlugin.PsdImageFile,
    file_types.HEIC: pillow_heif.HeifImageFile,
    file_types.HEIF: pillow_heif.HeifImageFile,
    file_types.AVIF: AvifImagePlugin.AvifImageFile,
    file_types.JP2: Jpeg2KImagePlugin.Jpeg2KImageFile,
    file_types.J2K: Jpeg2KImagePlugin.Jpeg2KImageFile,
    file_types.PNM: PpmImagePlugin.PpmImageFile,
    file_types.TGA: TgaImagePlugin.TgaImageFile,
    file_types.PCX: PcxImagePlugin.PcxImageFile,
    file_types.SGI: SgiImagePlugin.SgiImageFile,
    file_types.QOI: QoiImagePlugin.QoiImageFile,
}
_MULTI_PICTURE = MpoImagePlugin.MpoImageFile.format  # phones write it under .jpg; Pillow's JPEG opener needs it known

DPI_SANE = (20.0, 4800.0)
FAX_STRETCH = (1.2, 4.0)  # a fax has 204 x 98 dots per inch; more than the second is a lie
_VAGUE = frozenset({Reason.DAMAGED, Reason.TRUNCATED, Reason.UNSUPPORTED})  # decoders guess; the header may know
ENOUGH = 0.98  # of a TIFF's only strip
DNG_VERSION = 50706  # TIFF tag: a raw camera file, whose first frame is only a preview
STRIPS, TILES = (273, 279), (324, 325)  # TIFF tags: offsets and byte counts


class PictureDocument:
    """A picture file; every page of a TIFF, the first or main picture of everything else."""

    def __init__(self, path: str, kind: str, settings: Settings) -> None:
        self.media_type = kind
        self._path, self._settings = path, settings
        self._rows_overrun = False  # a TIFF's: enough of them is there to try, and to say so if it fails
        self._name = f"The {kind.split('/')[1].removeprefix('x-').removeprefix('vnd.').split('.')[-1].upper()} picture"
        if truncation.is_filled_up(path, kind):
            raise self._cut_off()
        with open(path, "rb") as file, self._faults(), closing(self._open(file)) as image:
            self.count = self._count(image)

    def pages(self, skip: frozenset[int] = frozenset()) -> Iterator[Page]:
        """Yield the pages in order, except those numbered in *skip*, each decoded when it is asked for."""
        wanted = [number for number in range(1, self.count + 1) if number not in skip]
        with open(self._path, "rb") as file, ExitStack() as stack:
            image = None
            for number in wanted:
                with self._faults():
                    image = image or stack.enter_context(closing(self._open(file)))
                    self._turn_to(image, number)
                with self._faults(pixels=image.width * image.height):
                    page = self._page(image, number)
                yield page

    def close(self) -> None:
        """Let go of the file; it is only ever held while pages are taken."""

    def _open(self, file: BinaryIO) -> Image.Image:
        image = Image.open(file, formats=[FORMATS[self.media_type].format])
        limits.check_pixels(*image.size, self._settings, self._name)
        return image

    @contextmanager
    def _faults(self, pixels: int | None = None) -> Iterator[None]:
        """Run a decoder; what it calls damage is `unsupported` in an unknown coding, `truncated` without an end."""
        try:
            with limits.decoding(self._name, self._settings, pixels):
                yield
        except ReasonedError as error:
            if error.reason in _VAGUE and (coding := unsupported.unread(self._path, self.media_type)):
                what = f"{self._name} is stored {coding}, which cannot be decoded here."
                raise ReasonedError(Reason.UNSUPPORTED, what) from None
            if error.reason is Reason.DAMAGED and (
                self._rows_overrun or truncation.cut_off(self._path, self.media_type)
            ):
                raise self._cut_off() from None
            raise

    def _cut_off(self) -> ReasonedError:
        return ReasonedError(Reason.TRUNCATED, f"{self._name} is cut off: its end is missing.")

    def _count(self, image: Image.Image) -> int:
        """Return the pages; a TIFF's frames are walked, no further than allowed (a chain that loops ends by itself)."""
        if self.media_type == file_types.GIF:
            # Only the first frame is read, but others may lie far outside the screen: a bomb for the next program.
            limits.check_pixels(*gif.extent(self._path), self._settings, f"{self._name} with all its frames")
        if self.media_type != file_types.TIFF:
            return 1
        tags = image.tag_v2  # type: ignore[attr-defined]  # a TIFF
        if DNG_VERSION in tags or unsupported.is_raw(tags):
            raise ReasonedError(Reason.UNSUPPORTED, "This is a raw camera file; only developed pictures are read.")
        frames = 1
        while self._has_frame(image, frames):
            frames += 1
            limits.check_pages(frames, self._settings)
        if truncation.lacks_frames(self._path):
            raise self._cut_off()
        return frames

    def _has_frame(self, image: Image.Image, index: int) -> bool:
        try:
            image.seek(index)
        except EOFError:
            return False
        limits.check_pixels(*image.size, self._settings, f"Page {index + 1}")
        return True

    def _turn_to(self, image: Image.Image, number: int) -> None:
        if number > 1:
            image.seek(number - 1)
            limits.check_pixels(*image.size, self._settings, f"Page {number}")
        if self.media_type == file_types.TIFF:
            size = os.path.getsize(self._path)
            self._rows_overrun = _lacks_rows(image, size, 1.0)
            if _lacks_rows(image, size, ENOUGH):
                raise self._cut_off()

    def _page(self, image: Image.Image, number: int) -> Page:
        across, down = _resolution(image)
        image.load()
        if self.media_type == file_types.JPEG and jpeg.is_damaged(_content(self._path)):
            raise ReasonedError(Reason.DAMAGED, f"{self._name} is damaged: a part of its data is missing or garbled.")
        limits.check_pixels(*image.size, self._settings, self._name)
        upright = colour.upright_rgb(image)
        flags: tuple[str, ...] = ()
        if self.media_type == file_types.TIFF and (squared := _squared(upright, across, down)):
            upright, across, flags = squared, max(across or 0, down or 0), ("scaled",)
        return Page(number, upright, dpi=across, blank=blank.is_blank(upright), flags=flags)


def _content(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _lacks_rows(image: Image.Image, size: int, enough: float) -> bool:
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


def _resolution(image: Image.Image) -> tuple[float | None, float | None]:
    """Return the dots per inch across and down, None where the file says nothing sane."""
    found: Any = image.info.get("dpi")
    low, high = DPI_SANE
    try:
        across, down = (dpi if low <= dpi <= high else None for dpi in map(float, found))
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None, None
    return across, down


def _squared(image: Image.Image, across: float | None, down: float | None) -> Image.Image | None:
    """Return *image* stretched to square pixels where its resolutions differ as a fax's do, else None."""
    if not across or not down:
        return None
    low, high = FAX_STRETCH
    if low < across / down <= high:
        return image.resize((image.width, round(image.height * across / down)), Image.Resampling.BICUBIC)
    if low < down / across <= high:
        return image.resize((round(image.width * down / across), image.height), Image.Resampling.BICUBIC)
    return None
