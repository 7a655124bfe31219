"""A PDF page's own text: taken unchanged, in the page's order, where it can be trusted.

Trusting is a matter of evidence: letters that say what they are, that are drawn, that leave ink where they claim to
be, and no other ink that looks like writing. What fails any of it is read from the pixels instead. No engine is named
here, and nothing is corrected.
"""

import ctypes
from dataclasses import dataclass

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from numpy.typing import NDArray
from PIL import Image

from dropscribe.core.pages import Block, Box
from dropscribe.documents.pdf.coverage import Coverage
from dropscribe.documents.pdf.raster import Placed

MAX_CHARS = 200_000  # of a page; more is no page of text
INVISIBLE = {pdfium_c.FPDF_TEXTRENDERMODE_INVISIBLE, pdfium_c.FPDF_TEXTRENDERMODE_CLIP}

MOST_IMAGE_SHARE = 0.1  # of the page under images, which may hold further text: a logo has less, a scan more
MOST_GARBAGE = 0.02  # of the letters: a list's bullets come from private codes, a page of them is garbage
MOST_INVISIBLE = 0.02
MOST_INKLESS = 0.05  # a full stop may fall between the pixels

_GRAIN = 64  # PDFium gives whole device units: measured on a finer device, then scaled back


@dataclass(frozen=True)
class Letter:
    """A character of the page: its code, its box in pixels of the upright page, and what speaks against it."""

    text: str
    box: Box | None  # None for what PDFium adds between letters: blanks and line ends
    garbage: bool = False
    invisible: bool = False


def take(
    page: pdfium.PdfPage, image: Image.Image, images: tuple[Placed, ...], always: bool
) -> tuple[str, tuple[Block, ...]] | None:
    """Return the text of *page* and its lines, or None where there is none or it cannot be trusted.

    *image* is the rendered page, *images* what is placed on it; with *always* any text at all is taken. Whether the
    fonts' codes have a meaning is for the caller to ask.
    """
    if not always and sum(placed.share for placed in images) > MOST_IMAGE_SHARE:
        return None
    textpage = page.get_textpage()
    try:
        if not 0 < textpage.count_chars() <= MAX_CHARS:
            return None
        letters = _letters(page, textpage, image.size)
    finally:
        textpage.close()
    seen = [letter for letter in letters if letter.box and letter.text.strip()]
    if not seen or not (always or _trusted(page, seen, image)):
        return None
    return _lines(letters)


def _trusted(page: pdfium.PdfPage, letters: list[Letter], image: Image.Image) -> bool:
    count = len(letters)
    if sum(letter.garbage for letter in letters) > MOST_GARBAGE * count:
        return False
    if sum(letter.invisible for letter in letters) > MOST_INVISIBLE * count:
        return False
    boxes = [letter.box for letter in letters if letter.box]
    coverage = Coverage(image)
    if sum(not coverage.has_ink(box) for box in boxes) > MOST_INKLESS * count:
        return False
    return coverage.is_explained_by(boxes, _annotations(page, image.size))


def _letters(page: pdfium.PdfPage, textpage: pdfium.PdfTextPage, size: tuple[int, int]) -> list[Letter]:
    to_pixels = _to_pixels(page, size)
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    letters = []
    for index in range(textpage.count_chars()):
        code = pdfium_c.FPDFText_GetUnicode(textpage, index)
        hyphen = pdfium_c.FPDFText_IsHyphen(textpage, index) == 1
        text = "-" if hyphen else chr(code)
        placed = pdfium_c.FPDFText_GetCharBox(textpage, index, left, right, bottom, top)
        if pdfium_c.FPDFText_IsGenerated(textpage, index) == 1 or not placed:
            letters.append(Letter(text, None))
            continue
        item = pdfium_c.FPDFText_GetTextObject(textpage, index)
        invisible = not item or pdfium_c.FPDFTextObj_GetTextRenderMode(item) in INVISIBLE
        garbage = pdfium_c.FPDFText_HasUnicodeMapError(textpage, index) == 1 or (not hyphen and _is_garbage(code))
        box = _turned(to_pixels, (left.value, bottom.value, right.value, top.value))
        if _begins_a_line(letters[-2:], box):
            letters.append(Letter("\n", None))
        letters.append(Letter(text, box, garbage, invisible))
    return letters


def _begins_a_line(before: list[Letter], box: Box) -> bool:
    """Say whether *box* lies below and left of the letter before it: PDFium leaves out some line ends."""
    boxes = [letter.box for letter in before if letter.box]
    if not boxes or before[-1].text in "\r\n":
        return False
    last = boxes[-1]
    return box[2] < last[0] and box[1] > last[3] - (last[3] - last[1]) / 4


def _is_garbage(code: int) -> bool:
    """Say whether a code stands for no letter: controls, private use, replacements and non-characters."""
    if code < 32 or 0x7F <= code < 0xA0:
        return code not in (9, 10, 13)
    return 0xE000 <= code <= 0xF8FF or 0xFFF9 <= code <= 0xFFFF or 0xFDD0 <= code <= 0xFDEF or code >= 0xF0000


def _lines(letters: list[Letter]) -> tuple[str, tuple[Block, ...]]:
    """Return the whole text, and a block for each line that has any letters."""
    text = _joined(letters).replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    blocks, line = [], list[Letter]()
    for letter in [*letters, Letter("\n", None)]:
        if letter.text not in "\r\n":
            line.append(letter)
        elif line:
            boxes = [letter.box for letter in line if letter.box and letter.text.strip()]
            if boxes:
                blocks.append(Block("text", _joined(line).strip(), _union(boxes)))
            line = []
    return text, tuple(blocks)


def _joined(letters: list[Letter]) -> str:
    """Return the letters as text; halves of a surrogate pair, which PDFium gives apart, become one."""
    joined = "".join(letter.text for letter in letters if letter.text != "\0")
    return joined.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _union(boxes: list[Box]) -> Box:
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def _to_pixels(page: pdfium.PdfPage, size: tuple[int, int]) -> NDArray[np.float64]:
    """Return the 2 x 3 matrix from page points to pixels of the upright page, turn and crop included."""
    x, y = ctypes.c_int(), ctypes.c_int()
    corners = []
    for point in ((0, 0), (1000, 0), (0, 1000)):
        pdfium_c.FPDF_PageToDevice(page, 0, 0, size[0] * _GRAIN, size[1] * _GRAIN, 0, *point, x, y)
        corners.append((x.value / _GRAIN, y.value / _GRAIN))
    origin, right, up = (np.array(corner) for corner in corners)
    return np.column_stack(((right - origin) / 1000, (up - origin) / 1000, origin))


def _turned(matrix: NDArray[np.float64], box: Box) -> Box:
    (x0, y0), (x1, y1) = (matrix @ (x, y, 1.0) for x, y in (box[:2], box[2:]))
    return float(min(x0, x1)), float(min(y0, y1)), float(max(x0, x1)), float(max(y0, y1))


_SPEAKING = {
    pdfium_c.FPDF_ANNOT_WIDGET,
    pdfium_c.FPDF_ANNOT_FREETEXT,
    pdfium_c.FPDF_ANNOT_STAMP,
    pdfium_c.FPDF_ANNOT_INK,
}
MAX_ANNOTATIONS = 2000


def _annotations(page: pdfium.PdfPage, size: tuple[int, int]) -> list[Box]:
    """Return the boxes of form fields, stamps and notes: they are drawn, but are no part of the page's text."""
    matrix, boxes = _to_pixels(page, size), []
    for index in range(min(pdfium_c.FPDFPage_GetAnnotCount(page), MAX_ANNOTATIONS)):
        annotation = pdfium_c.FPDFPage_GetAnnot(page, index)
        if not annotation:
            continue
        rect = pdfium_c.FS_RECTF()
        speaks = pdfium_c.FPDFAnnot_GetSubtype(annotation) in _SPEAKING
        if speaks and pdfium_c.FPDFAnnot_GetRect(annotation, rect):
            boxes.append(_turned(matrix, (rect.left, rect.bottom, rect.right, rect.top)))
        pdfium_c.FPDFPage_CloseAnnot(annotation)
    return boxes
