"""Picture files: what Pillow and its HEIF plugin read, from a file to upright pages.

The format is the one that the content shows; no other decoder gets to see the file. PDF is `pdf`'s business.
A hole in the middle is noticed in a JPEG and a fax, and where a format has checks of its own (PNG, most of TIFF). HEIC,
AVIF, WebP and JPEG 2000 have none, their decoders paint over it without a word, and so it is not noticed here.
"""

import io
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any, BinaryIO, TypeVar

import pi_heif
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
from dropscribe.core.pages import Hidden, Page
from dropscribe.documents import blank, limits, truncation, unsupported
from dropscribe.documents.image import colour, frames, gif, jpeg, jpeg2000, mending, png, resolution, tiff
from dropscribe.documents.image.frames import Frames
from dropscribe.documents.loss import Loss

pi_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)

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
    file_types.HEIC: pi_heif.HeifImageFile,
    file_types.HEIF: pi_heif.HeifImageFile,
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

T = TypeVar("T")
_VAGUE = frozenset({Reason.DAMAGED, Reason.TRUNCATED, Reason.UNSUPPORTED})  # decoders guess; the header may know


class PictureDocument:
    """A picture file with one page or several."""

    def __init__(self, path: str, kind: str, settings: Settings) -> None:
        self.media_type = kind
        self._path, self._settings = path, settings
        self._rows_overrun = False  # a TIFF's: enough of them is there to try, and to say so if it fails
        self._mended: bytes | None = None  # the file without its oddities, where a decoder did not want them
        self._name = f"The {kind.split('/')[1].removeprefix('x-').removeprefix('vnd.').split('.')[-1].upper()} picture"
        if truncation.is_filled_up(path, kind) and not (kind == file_types.JPEG and self._mend()):
            raise self._cut_off()
        self._frames = self._willing(self._found)
        self.count = len(self._frames.pages)

    def pages(self, skip: frozenset[int] = frozenset()) -> Iterator[Page]:
        """Yield the pages in order, except those numbered in *skip*, each decoded when it is asked for."""
        with ExitStack() as stack:
            opened: list[Image.Image] = []

            def decoded(number: int) -> Page:
                with self._faults():
                    if not opened:
                        file = stack.enter_context(self._file())
                        opened.append(stack.enter_context(closing(self._open(file))))
                    self._turn_to(opened[0], number)
                with self._faults(pixels=opened[0].width * opened[0].height):
                    return self._page(opened[0], number)

            for number in (n for n in range(1, self.count + 1) if n not in skip):
                yield self._willing(decoded, number, again=opened.clear)

    def hidden(self, number: int) -> Hidden:
        """Return that nothing is hidden: a picture is what is seen."""
        return Hidden()

    def close(self) -> None:
        """Let go of the file; it is only ever held while pages are taken."""

    def _found(self) -> Frames:
        with self._file() as file, self._faults(), closing(self._open(file)) as image:
            if self.media_type == file_types.GIF:
                # Frames may lie far outside the screen: a bomb for the next program.
                width, height = gif.extent(self._path)
                limits.check_pixels(width, height, self._settings, f"{self._name} with all its frames")
                limits.make_room(width * height)
            found = frames.pages_of(image, self.media_type, self._settings)
            if self.media_type == file_types.TIFF and truncation.lacks_frames(self._path):
                raise self._cut_off()
            return found

    def _willing(self, work: Callable[..., T], *values: int, again: Callable[[], None] = lambda: None) -> T:
        """Return what *work* makes of *values*; where a decoder refuses the file, once more with it mended."""
        try:
            return work(*values)
        except ReasonedError as error:
            if error.reason not in _VAGUE or not self._mend():
                raise
        again()
        return work(*values)

    def _mend(self) -> bool:
        """Put right what is odd about the file; say whether there was anything that was not put right before."""
        if self._mended is not None:
            return False
        self._mended = mending.mended(_content(self._path), self.media_type)
        return self._mended is not None

    def _file(self) -> BinaryIO:
        return open(self._path, "rb") if self._mended is None else io.BytesIO(self._mended)

    def _open(self, file: BinaryIO) -> Image.Image:
        image = Image.open(file, formats=[FORMATS[self.media_type].format])
        limits.check_pixels(*image.size, self._settings, self._name)
        limits.make_room(image.width * image.height)
        return image

    @contextmanager
    def _faults(self, pixels: int = 0) -> Iterator[None]:
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

    def _turn_to(self, image: Image.Image, number: int) -> None:
        frame = self._frames.pages[number - 1]
        if frame or self.count > 1:
            image.seek(frame)
            limits.check_pixels(*image.size, self._settings, f"Page {number}")
        if self.media_type == file_types.TIFF:
            size = os.path.getsize(self._path)
            self._rows_overrun = tiff.lacks_rows(image, size, 1.0)
            if tiff.lacks_rows(image, size, tiff.ENOUGH):
                raise self._cut_off()

    def _page(self, image: Image.Image, number: int) -> Page:
        across, down = resolution.axes(image)
        ratio = resolution.proportion(image)
        turned = _orientation(image) in colour.SIDEWAYS
        image.load()
        loss = self._loss(image)
        if loss >= Loss.SOME:
            raise ReasonedError(Reason.DAMAGED, f"{self._name} is damaged: a part of its data is missing or garbled.")
        limits.check_pixels(*image.size, self._settings, self._name)
        upright = colour.upright_rgb(image)
        flags: tuple[str, ...] = ("partial",) if loss or self._frames.partial else ()
        dpi = down if turned else across
        if ratio != 1:
            upright, flags = resolution.squared(upright, 1 / ratio if turned else ratio), (*flags, "scaled")
            dpi = max(across or 0, down or 0) or None
        return Page(number, upright, dpi=dpi, blank=blank.is_blank(upright), flags=flags)

    def _loss(self, image: Image.Image) -> Loss:
        """Return what is missing although a decoder made a picture."""
        match self.media_type:
            case file_types.JPEG:
                data = self._mended or _content(self._path)
                unfinished = self._mended is not None and jpeg.is_unfinished(data)
                return Loss.SOME if unfinished else jpeg.loss(data)
            case file_types.PNG:
                return png.loss(self._mended or _content(self._path))
            case file_types.JP2 | file_types.J2K:
                return jpeg2000.loss(_content(self._path))
            case file_types.TIFF:
                return tiff.loss(image, self._path)
        return Loss.NONE


def _content(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _orientation(image: Image.Image) -> int | None:
    """Return how *image*, not yet loaded, is to be turned; Pillow turns a TIFF itself as it loads it."""
    tags = getattr(image, "tag_v2", None)
    return tags.get(colour.ORIENTATION) if tags is not None else colour.orientation(image)
