"""PDF: what the page looked like, with the text that was read lying in it, unseen, to be searched and copied.

Pages of a PDF are kept as they are and get the layer; pictures become pages of their own size. A page whose
text came from the PDF itself is left alone. A PDF of which nothing changes is the very file that was read, signed as it
may be; of others no signature survives, and no password is kept.
"""

import os
import shutil
import warnings
from dataclasses import dataclass
from typing import IO

import pikepdf
from pikepdf import AccessMode, Dictionary, Name, Pdf

from dropscribe.core.pages import DocumentResult, Page, PageText, Target
from dropscribe.formats import plain
from dropscribe.formats.page_images import paired, turned
from dropscribe.formats.pdf import actions, embedded_images, layer, overlay
from dropscribe.formats.pdf.glyphless import Glyphless
from dropscribe.formats.pdf.object_writer import Spool

INCH = 72  # points
COPIED = 1 << 20  # bytes at a time
A4_LONG = 11.69  # inches: pictures that do not say how large they are are fitted to this
FEWEST_DPI, MOST_DPI = 72, 300  # bounds of that fitting
SHORTEST, LONGEST = 3, 14400  # points: no page may be smaller or larger (PDF 1.7, annex C)


def render(reading: DocumentResult, path: Target) -> None:
    """Write *reading* to *path* as a PDF that looks like what was read and can be searched."""
    if reading.source.media_type == "application/pdf":
        try:
            with Pdf.open(reading.file) as pdf:
                stripped = reading.strip_actions and bool(actions.take_out(pdf).kinds)
                if overlay.add_layers(pdf, reading) or stripped or not overlay.has_plain_pages(pdf, reading.file):
                    _save(pdf, reading, path)
                else:
                    with open(reading.file, "rb") as original, _new_file(path) as copy:
                        shutil.copyfileobj(original, copy, COPIED)
                return
        except (pikepdf.PdfError, overlay.OtherPages):
            pass  # the reader of pages forgave it more than this library does: show its pictures instead
    _from_pictures(reading, path)


@dataclass(frozen=True)
class _Sheet:
    """A page to be: its size in points, and the object numbers of its picture and its content."""

    wide: float
    high: float
    picture: int
    content: int


def _from_pictures(reading: DocumentResult, path: Target) -> None:
    """Build the PDF from the pictures of the pages, which go to disk one by one."""
    font = Glyphless()
    with reading.scratch() as file:
        spool = Spool(file)
        sheets = [_sheet(spool, page, text, reading, font) for page, text in paired(reading)]
        spool.finish()
        with Pdf.open(file, access_mode=AccessMode.stream) as pdf:
            shared = pdf.make_indirect(Dictionary())
            font.embed(pdf, shared)
            for sheet in sheets:
                pdf.add_blank_page(page_size=(sheet.wide, sheet.high))
                page = pdf.pages[-1].obj
                picture = Dictionary({"/Picture": pdf.get_object(sheet.picture, 0)})
                page.Resources = Dictionary(XObject=picture, Font=Dictionary({"/" + layer.FONT: shared}))
                page.Contents = pdf.get_object(sheet.content, 0)
            _save(pdf, reading, path)


def _sheet(spool: Spool, page: Page, text: PageText, reading: DocumentResult, font: Glyphless) -> _Sheet:
    """Write the picture and the words of one page to *spool*."""
    turn = (text.rotation - page.rotation) % 360
    wide, high = page.image.size if turn % 180 == 0 else page.image.size[::-1]
    scale = INCH / resolution(page.dpi, wide, high)
    size = max(wide * scale, SHORTEST), max(high * scale, SHORTEST)
    picture, stands = _picture(spool, page, text, reading, turn)
    drawn = layer.operator(layer.after(stands, (size[0], 0, 0, size[1], 0, 0)))
    words = layer.content(text, font, layer.placement((0, 0, *size), 0, text.width, text.height))
    content = spool.add_compressed("", f"q {drawn} /Picture Do Q\n".encode("ascii") + words)
    return _Sheet(*size, picture, content)


def _picture(spool: Spool, page: Page, text: PageText, reading: DocumentResult, turn: int) -> tuple[int, layer.Matrix]:
    """Write the picture of a page; return its number and how it is turned on the unit square to stand upright."""
    if reading.source.pages == 1 and reading.source.media_type == "image/jpeg":
        found = embedded_images.embed_original(spool, reading.file, page.image.size)
        if found:
            upright = layer.UPRIGHT[found.orientation]
            return found.number, layer.after(upright, layer.UPRIGHT[layer.CLOCKWISE[turn]])
    return embedded_images.embed(spool, turned(page, text)).number, layer.UPRIGHT[1]


def resolution(dpi: float | None, width: int, height: int) -> float:
    """Return the pixels per inch at which to show a picture: *dpi* if sensible, else what makes it about A4."""
    longest = max(width, height)
    if dpi is None or not FEWEST_DPI <= dpi <= 4 * MOST_DPI:
        dpi = min(max(longest / A4_LONG, FEWEST_DPI), MOST_DPI)
    return max(dpi, longest * INCH / LONGEST)


def _save(pdf: Pdf, reading: DocumentResult, path: Target) -> None:
    """Write *pdf* to *path* with a title, the producer and the date of the reading."""
    if Name.Metadata not in pdf.Root:  # the two kinds of metadata must agree in PDF/A: where there are both, both stay
        info = pdf.docinfo
        if not str(info.get(Name.Title, "")).strip():
            info.Title = plain.for_xml(reading.source.name)
        info.Producer = "Dropscribe"
    with warnings.catch_warnings():
        # Form fields that the author's file had lost are lost here too.
        warnings.simplefilter("ignore", UserWarning)
        with _new_file(path) as file:
            pdf.save(file)


def _new_file(path: Target) -> IO[bytes]:
    """Open the output, empty, also when something was written to it before that is not to stay."""
    if isinstance(path, int):
        os.lseek(path, 0, os.SEEK_SET)
        os.ftruncate(path, 0)
    return open(path, "wb", closefd=isinstance(path, str))
