"""PDF files: opened with PDFium, a page at a time rendered upright, with its own text where that can be used.

`raster` chooses the resolution, and `text_layer` whether the text can be trusted.
"""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from PIL.Image import Image

from dropscribe.config import Settings
from dropscribe.core import file_types
from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.core.pages import Block, Page
from dropscribe.documents import blank, limits, truncation
from dropscribe.documents.pdf import raster, text_layer
from dropscribe.documents.pdf.fonts import Fonts
from dropscribe.documents.pdf.repair import Remains

MOST_JUDGED = 50  # pages of a damaged file that are searched for any content before its blank ones are believed


class PdfDocument:
    """A PDF file. Opened at once, so that a password or damage is known before the first page."""

    media_type = file_types.PDF

    def __init__(self, path: str, settings: Settings) -> None:
        self._settings = settings
        self._pdf: pdfium.PdfDocument | None = None
        if truncation.cut_off(path, file_types.PDF):
            raise ReasonedError(Reason.TRUNCATED, "The PDF is cut off: its end is missing.")
        with self._faults("The PDF"):
            self._pdf = pdfium.PdfDocument(os.path.abspath(path))
        self._fonts, self._remains = Fonts(path), Remains(path)
        try:
            with self._faults("The PDF"):
                self._pdf.init_forms()
                self.count = len(self._pdf)
            limits.check_pages(self.count, settings)
        except ReasonedError:
            self.close()
            raise

    def pages(self, skip: frozenset[int] = frozenset()) -> Iterator[Page]:
        """Yield the pages in order, except those numbered in *skip*, each rendered when it is asked for."""
        for number in range(1, self.count + 1):
            if number not in skip:
                with self._faults(f"Page {number} of the PDF"):
                    page = self._page(number)
                yield page

    def close(self) -> None:
        """Let go of the file; may be called twice."""
        if self._pdf is not None:
            self._fonts.close()
            self._remains.close()
            self._pdf.close()
            self._pdf = None

    @contextmanager
    def _faults(self, what: str) -> Iterator[None]:
        with limits.decoding(what, self._settings):
            try:
                yield
            except pdfium.PdfiumError as error:
                if error.err_code in (pdfium_c.FPDF_ERR_PASSWORD, pdfium_c.FPDF_ERR_SECURITY):
                    raise ReasonedError(Reason.ENCRYPTED, "The PDF opens only with a password.") from None
                raise

    def _page(self, number: int) -> Page:
        if self._pdf is None:
            raise ValueError("the document is closed")
        with closing(self._pdf.get_page(number - 1)) as page:
            size = raster.page_size(page, number)
            images = raster.placed_images(page, self._settings)
            dpi, shrunk = raster.resolution(size, images, self._settings)
            image = raster.render(page, dpi)
            no_ink = blank.is_blank(image)
            if no_ink:
                self._check_blank(page, number)
            elif raster.has_a_holed_scan(page):
                raise ReasonedError(Reason.DAMAGED, f"Page {number} of the PDF is damaged: a part of its scan is lost.")
            text, blocks = self._own_text(page, number, image, images) or (None, ())
        flags = ("scaled",) if shrunk else ()
        return Page(number, image, dpi=dpi, from_pdf=True, text=text, blocks=blocks, blank=no_ink, flags=flags)

    def _check_blank(self, page: pdfium.PdfPage, number: int) -> None:
        """Raise `ReasonedError` where *page* is white only because PDFium could not draw what belongs there."""
        assert self._pdf is not None
        if self._pdf.get_formtype() == pdfium_c.FORMTYPE_XFA_FULL:
            # Its content is a program for Acrobat to run; an empty text would be a lie.
            raise ReasonedError(Reason.UNSUPPORTED, "This PDF is a dynamic XFA form, which only Acrobat can draw.")
        hollow = self._remains.in_ruins() and not any(map(self._shows_anything, range(min(self.count, MOST_JUDGED))))
        if hollow or self._remains.lacks_content(number) or raster.lacks_a_picture(page):
            raise ReasonedError(Reason.DAMAGED, f"Page {number} of the PDF is damaged: what it showed is lost.")

    def _shows_anything(self, index: int) -> bool:
        assert self._pdf is not None
        try:
            with closing(self._pdf.get_page(index)) as page:
                return bool(pdfium_c.FPDFPage_CountObjects(page) > 0 or pdfium_c.FPDFPage_GetAnnotCount(page) > 0)
        except pdfium.PdfiumError:
            return False

    def _own_text(
        self, page: pdfium.PdfPage, number: int, image: Image, images: tuple[raster.Placed, ...]
    ) -> tuple[str, tuple[Block, ...]] | None:
        wish = self._settings.intake.pdf_text
        if wish == "never":
            return None
        taken = text_layer.take(page, image, images, always=wish == "always")
        if taken and wish == "auto" and self._fonts.unmapped(number):
            return None
        return taken
