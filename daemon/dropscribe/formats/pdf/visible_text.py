"""The visible text that the pages of a PDF already have, so that no word is added twice.

Only asked where a page was read from its pixels although it has text. It judges no text: what is said otherwise than it
was read is simply not found here.
"""

import ctypes
from itertools import islice
from types import TracebackType
from typing import Self

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from dropscribe.core.pages import Box
from dropscribe.files.mapped import mapped

COVERED = 0.95  # of the page each way, under a picture that hides what was drawn before
DEEPEST = 5  # forms within forms
MOST_CHARS = 50_000  # of a page; more is no page of text
_UNSEEN = (pdfium_c.FPDF_TEXTRENDERMODE_INVISIBLE, pdfium_c.FPDF_TEXTRENDERMODE_CLIP)

Letter = tuple[str, float, float]  # and its middle, in the user space of the page


class Already:
    """The file at *path*, opened a second time, by the library that knows the positions of letters."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._pdf: pdfium.PdfDocument | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pdf is not None:
            self._pdf.close()
            self._pdf = None

    def letters(self, number: int) -> list[Letter]:
        """Return the letters of page *number* (from 1) that can be seen; none where it cannot be looked into."""
        try:
            self._pdf = self._pdf or pdfium.PdfDocument(mapped(self._path))
            page = self._pdf[number - 1]
            textpage = page.get_textpage()
        except (pdfium.PdfiumError, IndexError):
            return []
        try:
            return _letters(textpage, _covered(page)) if textpage.count_chars() <= MOST_CHARS else []
        finally:
            textpage.close()
            page.close()


def within(letters: list[Letter], box: Box) -> list[Letter]:
    """Return those of *letters* whose middle lies in *box* (x0, y0, x1, y1 in user space), in their order."""
    return [letter for letter in letters if box[0] <= letter[1] <= box[2] and box[1] <= letter[2] <= box[3]]


def said_in(letters: list[Letter], box: Box) -> str:
    """Return what *letters* say in *box*."""
    return "".join(char for char, _, _ in within(letters, box))


def _covered(page: pdfium.PdfPage) -> set[int]:
    """Return the text objects (by address) that a picture of the whole page lies over: a scan, over its old layer."""
    covered, before = set[int](), list[int]()
    kinds = [pdfium_c.FPDF_PAGEOBJ_TEXT, pdfium_c.FPDF_PAGEOBJ_IMAGE]
    try:
        for item in islice(page.get_objects(filter=kinds, max_depth=DEEPEST), MOST_CHARS):
            if item.type == pdfium_c.FPDF_PAGEOBJ_TEXT:
                before.append(_address(item.raw))
            elif before and _covers(item, page):
                covered.update(before)
    except pdfium.PdfiumError:
        pass  # a broken list of objects: what is known so far counts
    return covered


def _covers(item: pdfium.PdfObject, page: pdfium.PdfPage) -> bool:
    if item.container is not None or pdfium_c.FPDFPageObj_HasTransparency(item):
        return False
    left, bottom, right, top = item.get_bounds()
    x0, y0, x1, y1 = page.get_bbox()
    across, down = min(right, x1) - max(left, x0), min(top, y1) - max(bottom, y0)
    return bool(across >= COVERED * (x1 - x0) and down >= COVERED * (y1 - y0))


def _address(handle: object) -> int:
    return ctypes.cast(handle, ctypes.c_void_p).value or 0  # type: ignore[arg-type]


def _is_clear(item: object) -> bool:
    red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
    filled = pdfium_c.FPDFTextObj_GetTextRenderMode(item) == pdfium_c.FPDF_TEXTRENDERMODE_FILL
    return filled and bool(pdfium_c.FPDFPageObj_GetFillColor(item, red, green, blue, alpha)) and alpha.value == 0


def _letters(textpage: pdfium.PdfTextPage, covered: set[int]) -> list[Letter]:
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    found = []
    for index in range(textpage.count_chars()):
        char = chr(pdfium_c.FPDFText_GetUnicode(textpage, index))
        item = pdfium_c.FPDFText_GetTextObject(textpage, index)
        if not char.strip() or not item or pdfium_c.FPDFTextObj_GetTextRenderMode(item) in _UNSEEN:
            continue
        if _address(item) in covered or _is_clear(item):
            continue
        if pdfium_c.FPDFText_GetCharBox(textpage, index, left, right, bottom, top):
            found.append((char, (left.value + right.value) / 2, (bottom.value + top.value) / 2))
    return found
