"""The letters of a PDF page as PDFium finds them: what each says, where it stands on the upright page, how it is drawn.

Nothing is judged but single codes, and nothing is put in order.
"""

import ctypes
from dataclasses import dataclass

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from numpy.typing import NDArray

from dropscribe.core.pages import Box
from dropscribe.documents.pdf.raster import UNSEEN

EAST_ASIAN, NO_HEIGHT = 0x2E80, 0.05  # codes from here on have no glyphs in PDFium; points, of the box of none
_GRAIN = 64  # PDFium gives whole device units: measured on a finer device, then scaled back


@dataclass(frozen=True)
class Letter:
    """A character of the page: its code, its box in pixels of the upright page, and what speaks against it.

    *item* and *font* tell apart the text objects and fonts of a page; 0 where there is none. An *undrawn* letter has no
    glyph here (its font is not in the file, or broken), but viewers that have the font show it.
    """

    text: str
    box: Box | None  # None for what PDFium adds between letters: blanks and line ends
    garbage: bool = False
    invisible: bool = False
    item: int = 0
    font: int = 0
    undrawn: bool = False


def read(page: pdfium.PdfPage, textpage: pdfium.PdfTextPage, size: tuple[int, int]) -> list[Letter]:
    """Return the letters of *page* in PDFium's order; *size* is that of its upright picture, in pixels."""
    matrix = to_pixels(page, size)
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    letters: list[Letter] = []
    items: dict[int, tuple[bool, int]] = {}
    for index in range(textpage.count_chars()):
        code = pdfium_c.FPDFText_GetUnicode(textpage, index)
        hyphen = pdfium_c.FPDFText_IsHyphen(textpage, index) == 1
        text = "-" if hyphen else chr(code)
        placed = pdfium_c.FPDFText_GetCharBox(textpage, index, left, right, bottom, top)
        if pdfium_c.FPDFText_IsGenerated(textpage, index) == 1 or not placed:
            letters.append(Letter(text, None))
            continue
        item = pdfium_c.FPDFText_GetTextObject(textpage, index)
        key = address(item)
        invisible, font = items.get(key) or items.setdefault(key, _look(item))
        garbage = pdfium_c.FPDFText_HasUnicodeMapError(textpage, index) == 1 or (not hyphen and _is_garbage(code))
        box = turned(matrix, (left.value, bottom.value, right.value, top.value))
        if _begins_a_line(letters, box):
            letters.append(Letter("\n", None))
        undrawn = code >= EAST_ASIAN and top.value - bottom.value < NO_HEIGHT
        letters.append(Letter(text, box, garbage, invisible, key, font, undrawn))
    return letters


def address(handle: object) -> int:
    """Return what tells a PDFium *handle* from others; 0 for none."""
    return ctypes.cast(handle, ctypes.c_void_p).value or 0 if handle else 0  # type: ignore[arg-type]


def _look(item: object) -> tuple[bool, int]:
    """Return whether a text object is drawn without a trace, and its font."""
    if not item:
        return True, 0
    red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
    mode = pdfium_c.FPDFTextObj_GetTextRenderMode(item)
    clear = mode == pdfium_c.FPDF_TEXTRENDERMODE_FILL and (
        pdfium_c.FPDFPageObj_GetFillColor(item, red, green, blue, alpha) and alpha.value == 0
    )
    return mode in UNSEEN or bool(clear), address(pdfium_c.FPDFTextObj_GetFont(item))


def _begins_a_line(letters: list[Letter], box: Box) -> bool:
    """Say whether *box* lies below and left of the letter before it: PDFium leaves out some line ends."""
    for letter in reversed(letters[-3:]):
        if letter.text in "\r\n":
            return False
        if letter.box and letter.text.strip():  # blanks have boxes without a height
            last = letter.box
            return box[2] < last[0] and box[1] > last[3] - (last[3] - last[1]) / 4
    return False


def _is_garbage(code: int) -> bool:
    """Say whether a code stands for no letter: controls, private use, replacements and non-characters."""
    if code < 32 or 0x7F <= code < 0xA0:
        return code not in (9, 10, 13)
    return 0xE000 <= code <= 0xF8FF or 0xFFF9 <= code <= 0xFFFF or 0xFDD0 <= code <= 0xFDEF or code >= 0xF0000


def to_pixels(page: pdfium.PdfPage, size: tuple[int, int]) -> NDArray[np.float64]:
    """Return the 2 x 3 matrix from page points to pixels of the upright page, turn and crop included."""
    x, y = ctypes.c_int(), ctypes.c_int()
    corners = []
    for point in ((0, 0), (1000, 0), (0, 1000)):
        pdfium_c.FPDF_PageToDevice(page, 0, 0, size[0] * _GRAIN, size[1] * _GRAIN, 0, *point, x, y)
        corners.append((x.value / _GRAIN, y.value / _GRAIN))
    origin, right, up = (np.array(corner) for corner in corners)
    return np.column_stack(((right - origin) / 1000, (up - origin) / 1000, origin))


def turned(matrix: NDArray[np.float64], box: Box) -> Box:
    """Return where *box*, in page points, lies in pixels."""
    (x0, y0), (x1, y1) = (matrix @ (x, y, 1.0) for x, y in (box[:2], box[2:]))
    return float(min(x0, x1)), float(min(y0, y1)), float(max(x0, x1)), float(max(y0, y1))
