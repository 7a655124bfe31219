"""PDF files: opened with PDFium, a page at a time rendered upright, with its own text where that can be used.

`raster` chooses the resolution, and `text_layer` whether the text can be trusted.
"""

import io
import math
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from PIL import Image

from dropscribe.config import Settings
from dropscribe.core import file_types
from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.core.pages import Hidden, Page
from dropscribe.documents import blank, limits, truncation
from dropscribe.documents.loss import Loss
from dropscribe.documents.pdf import page_tree, raster, text_layer, visibility
from dropscribe.documents.pdf.structure import Structure
from dropscribe.documents.pdf.text_layer import OwnText
from dropscribe.files.mapped import mapped

MOST_JUDGED = 50  # pages of a damaged file that are searched for any content before its blank ones are believed
LOST_PIXELS = (850, 1100)  # of the white page that stands for one of which nothing can be drawn
NOTHING = OwnText(None, (), ())
SILENT = frozenset({"JPXDecode", "JBIG2Decode"})  # whose decoders notice what cannot be seen from outside


class PdfDocument:
    """A PDF file. Opened at once, so that a password or damage is known before the first page."""

    media_type = file_types.PDF

    def __init__(self, path: str, settings: Settings) -> None:
        self._settings = settings
        self._pdf: pdfium.PdfDocument | None = None
        self._lost = frozenset[int]()  # pages that the file counts and does not have
        if truncation.cut_off(path, file_types.PDF):
            raise ReasonedError(Reason.TRUNCATED, "The PDF is cut off: its end is missing.")
        source = truncation.without_padding(path)
        self._structure = Structure(io.BytesIO(source) if isinstance(source, bytes) else source)
        try:
            with self._faults("The PDF"):
                self._structure.check_kind()
                self._pdf = self._opened(source)
                self._pdf.init_forms()
                self.count = len(self._pdf)
            limits.check_pages(self.count, settings)
        except ReasonedError:
            self.close()
            raise

    def pages(self, skip: frozenset[int] = frozenset()) -> Iterator[Page]:
        """Yield the pages in order, except those numbered in *skip*, each rendered when it is asked for.

        A page of which something is lost has the flag `partial`; a document of which nothing is sound is damaged.
        """
        sound, lost, why = bool(skip), list[int](), None
        for number in (n for n in range(1, self.count + 1) if n not in skip):
            page, fault = self._page_or_fault(number)
            if fault and not sound:
                lost.append(number)  # held back until there is anything to hold it against
                why = why or fault
                continue
            for earlier in lost if not sound else ():
                yield self._page_or_fault(earlier)[0]
            sound = True
            yield page
        if why and not sound:
            raise why

    def hidden(self, number: int) -> Hidden:
        """Return what text of page *number* is drawn and cannot be seen: under a bar, switched off, white on white."""
        if self._pdf is None or number in self._lost:
            return Hidden()
        try:
            with closing(self._pdf.get_page(number - 1)) as page, closing(page.get_textpage()) as textpage:
                if not 0 < textpage.count_chars() <= text_layer.MAX_CHARS:
                    return Hidden()
                raster.show_all(page)
                size = raster.page_size(page, number)
                dpi, _ = raster.resolution(size, (), True, self._settings)
                return visibility.hidden(page, textpage, dpi, self._structure.has_layers())
        except pdfium.PdfiumError:
            return Hidden()  # a page that cannot be drawn was read from what is left of it

    def close(self) -> None:
        """Let go of the file; may be called twice."""
        self._structure.close()
        if self._pdf is not None:
            self._pdf.close()
            self._pdf = None

    def _opened(self, source: str | bytes) -> pdfium.PdfDocument:
        """Return the file in PDFium, rewritten by qpdf where the two see other pages or PDFium sees none."""
        pdf, fault = None, None
        try:
            pdf = pdfium.PdfDocument(mapped(source) if isinstance(source, str) else source)
        except pdfium.PdfiumError as error:
            fault = error
        tree = self._structure.page_tree()
        lost = page_tree.to_rebuild(pdf, tree)
        bounded = tree.count <= self._settings.intake.max_pages
        rebuilt = self._structure.rebuilt(lost) if lost is not None and bounded else None
        if lost is None or rebuilt is None:
            if pdf is None:
                if self._structure.is_sound and not tree.count and not tree.odd:
                    raise ReasonedError(Reason.DAMAGED, "The PDF has no pages.")
                raise fault or pdfium.PdfiumError("no document")
            return pdf
        if pdf is not None:
            pdf.close()
        self._structure.close()
        self._structure = Structure(io.BytesIO(rebuilt), self._structure.in_ruins())
        self._lost = frozenset(index + 1 for index in lost)
        return pdfium.PdfDocument(rebuilt)

    @contextmanager
    def _faults(self, what: str) -> Iterator[None]:
        with limits.decoding(what, self._settings):
            try:
                yield
            except pdfium.PdfiumError as error:
                if error.err_code == pdfium_c.FPDF_ERR_PASSWORD:
                    raise ReasonedError(Reason.ENCRYPTED, "The PDF opens only with a password.") from None
                if error.err_code == pdfium_c.FPDF_ERR_SECURITY:
                    what = "The PDF is encrypted for the holder of a certificate, or in a way that is not known here."
                    raise ReasonedError(Reason.ENCRYPTED, what) from None
                raise

    def _page_or_fault(self, number: int) -> tuple[Page, ReasonedError | None]:
        """Return page *number*, and the error that stands for it where nothing of use is left of it."""
        damaged = ReasonedError(Reason.DAMAGED, f"Page {number} of the PDF is damaged: what it showed is lost.")
        try:
            with self._faults(f"Page {number} of the PDF"):
                if number in self._lost:
                    raise damaged
                page, loss = self._page(number)
        except ReasonedError as error:
            if error.reason not in (Reason.DAMAGED, Reason.TRUNCATED):
                raise
            white = Image.new("RGB", LOST_PIXELS, "white")
            return Page(number, white, from_pdf=True, blank=True, flags=("partial",)), error
        return page, damaged if loss is Loss.ALL else None

    def _page(self, number: int) -> tuple[Page, Loss]:
        if self._pdf is None:
            raise ValueError("the document is closed")
        with closing(self._pdf.get_page(number - 1)) as page:
            raster.show_all(page)
            size = raster.page_size(page, number)
            images = raster.placed_images(page, self._settings)
            dpi, shrunk = raster.resolution(size, images, raster.shows_text(page), self._settings)
            limits.make_room(max([raster.pixels(size, dpi), *(math.prod(placed.size) for placed in images)]))
            image = raster.render(page, dpi)
            no_ink = blank.is_blank(image)
            loss = self._loss(page, number, images, no_ink)
            own = self._own_text(page, number, image, dpi, images)
        flags = (("scaled",) if shrunk else ()) + (("partial",) if loss else ())
        return Page(
            number, image, dpi=dpi, from_pdf=True, text=own.text, blocks=own.blocks, blank=no_ink, flags=flags,
            samples=own.samples,
        ), loss  # fmt: skip

    def _loss(self, page: pdfium.PdfPage, number: int, images: tuple[raster.Placed, ...], no_ink: bool) -> Loss:
        """Return what of *page* could not be drawn: PDFium says nothing of what it leaves out."""
        worst, share = self._structure.content_loss(number), 0.0
        for size in {placed.size for placed in images if placed.share >= raster.NOTABLE}:
            found = self._structure.picture_loss(number, size)
            worst = max(worst, found)
            if found >= Loss.SOME:
                share += max(placed.share for placed in images if placed.size == size)
        if undrawn := raster.undrawn_share(page, frozenset() if no_ink else SILENT):
            worst, share = max(worst, Loss.SOME), max(share, undrawn)
        if no_ink and self._structure.in_ruins():
            worst = worst if any(map(self._shows_anything, range(min(self.count, MOST_JUDGED)))) else Loss.ALL
        return Loss.ALL if worst >= Loss.SOME and (no_ink or share >= raster.MOSTLY) else worst

    def _shows_anything(self, index: int) -> bool:
        assert self._pdf is not None
        try:
            with closing(self._pdf.get_page(index)) as page:
                return bool(pdfium_c.FPDFPage_CountObjects(page) > 0 or pdfium_c.FPDFPage_GetAnnotCount(page) > 0)
        except pdfium.PdfiumError:
            return False

    def _own_text(
        self, page: pdfium.PdfPage, number: int, image: Image.Image, dpi: float, images: tuple[raster.Placed, ...]
    ) -> OwnText:
        wish, layered = self._settings.intake.pdf_text, self._structure.has_layers()
        if wish == "never" or not (wish == "always" or raster.shows_text(page)):
            return NOTHING
        taken = text_layer.take(page, image, dpi, images, layered, always=wish == "always")
        if taken and wish == "auto" and self._structure.lacks_meaning(number):
            return NOTHING
        return taken or NOTHING
