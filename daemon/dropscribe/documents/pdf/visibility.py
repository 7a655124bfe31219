"""Which text objects of a PDF page leave nothing to be seen, though they are drawn.

Layers that are switched off, letters under a bar or a picture, white on white: what is suspicious is taken out of the
page, and it is looked whether any pixel changes. Words that nobody can see are nobody's business.
"""

import ctypes
from collections.abc import Iterator
from itertools import islice

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from numpy.typing import NDArray
from PIL import Image, ImageChops

from dropscribe.core.pages import Box, Hidden
from dropscribe.documents.pdf import raster
from dropscribe.documents.pdf.letters import Letter, address, read, to_pixels, turned

THIN_PIXELS = 3  # what is no thicker covers no letter: rules
LIGHT = 200  # of 255: ink whose every part is as light may be no ink at all
CHANGE = 24  # of 255: a pixel that changes less shows nothing
DEEPEST_FORM = 5

_COVERING = (pdfium_c.FPDF_PAGEOBJ_PATH, pdfium_c.FPDF_PAGEOBJ_IMAGE, pdfium_c.FPDF_PAGEOBJ_SHADING)


def unseen(
    page: pdfium.PdfPage, letters: list[Letter], image: Image.Image, dpi: float, layered: bool
) -> frozenset[int]:
    """Return the indices of those *letters* that show nowhere on *image*, the picture of *page* at *dpi*.

    *layered* says that the document has layers which may be switched off.
    """
    order, covers = _objects(page, image.size)
    hidden: set[int] = set()
    beneath = _covered(letters, order, covers)
    if layered:
        beneath |= {letter.item for letter in letters if letter.item and _may_be_off(letter.item, order)}
    light = {item for item in {letter.item for letter in letters if letter.item} - beneath if _is_light(order, item)}
    for items in (beneath, light):  # one after the other: a white label may lie on the bar that hides words
        handles = [order[item][1] for item in items if item in order]
        if handles:
            change = _change(page, image, dpi, handles)
            asked = (i for i, each in enumerate(letters) if each.item in items and each.text.strip())
            hidden |= {i for i in asked if not _any(change, letters[i].box)}
    return frozenset(hidden)


def hidden(page: pdfium.PdfPage, textpage: pdfium.PdfTextPage, dpi: float, layered: bool) -> Hidden:
    """Return what of the text objects of *page* is drawn and shows nowhere at *dpi*; *layered* as for `unseen`."""
    image = raster.render(page, dpi)
    letters = read(page, textpage, image.size)
    indices = unseen(page, letters, image, dpi, layered)
    order, covers = _objects(page, image.size)
    said = {letter.item for letter in letters if letter.text.strip()}
    unpainted = said & _unpainted(page, image.size, order, [box for _, box in covers])
    if not indices and not unpainted:
        return Hidden()
    place = {item: index for index, item in enumerate(sorted(order, key=lambda item: order[item][0]))}
    gone = {letters[index].item for index in indices} | unpainted
    shown = {e.item for i, e in enumerate(letters) if e.text.strip() and i not in indices} - unpainted
    return Hidden(len(place), frozenset(place[item] for item in gone - shown if item in place), bool(gone & shown))


def _objects(
    page: pdfium.PdfPage, size: tuple[int, int]
) -> tuple[dict[int, tuple[int, pdfium.PdfObject]], list[tuple[int, Box]]]:
    """Return all text objects by address, with their place in the order of drawing; and what may cover them."""
    order: dict[int, tuple[int, pdfium.PdfObject]] = {}
    covers: list[tuple[int, Box]] = []
    matrix = to_pixels(page, size)
    for place, item in enumerate(_all(page)):
        if item.type == pdfium_c.FPDF_PAGEOBJ_TEXT:
            order[address(item.raw)] = place, item
        elif item.type in _COVERING and _is_filled(item) and (box := _bounds(item)):
            box = turned(matrix, box)
            if min(box[2] - box[0], box[3] - box[1]) > THIN_PIXELS:
                covers.append((place, box))
    return order, covers


def _unpainted(
    page: pdfium.PdfPage, size: tuple[int, int], order: dict[int, tuple[int, pdfium.PdfObject]], drawn: list[Box]
) -> set[int]:
    """Return the text objects that paint nothing where nothing else is drawn: no earlier reader's layer over a scan."""
    matrix, found = to_pixels(page, size), set[int]()
    for item, (_, text) in order.items():
        if pdfium_c.FPDFTextObj_GetTextRenderMode(text) == pdfium_c.FPDF_TEXTRENDERMODE_INVISIBLE:
            box = _bounds(text)
            if box is not None and not any(_meet(turned(matrix, box), other) for other in drawn):
                found.add(item)
    return found


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _all(page: pdfium.PdfPage) -> Iterator[pdfium.PdfObject]:
    try:
        yield from islice(page.get_objects(max_depth=DEEPEST_FORM), raster.MAX_OBJECTS)
    except pdfium.PdfiumError:
        return  # a broken list of objects


def _is_filled(item: pdfium.PdfObject) -> bool:
    if item.type != pdfium_c.FPDF_PAGEOBJ_PATH:
        return True
    mode, stroke = ctypes.c_int(), ctypes.c_int()
    return bool(pdfium_c.FPDFPath_GetDrawMode(item, mode, stroke)) and mode.value != pdfium_c.FPDF_FILLMODE_NONE


def _bounds(item: pdfium.PdfObject) -> Box | None:
    """Return the box of *item* in page points, through the forms that it may be nested in."""
    try:
        left, bottom, right, top = item.get_bounds()
        corners = [(left, bottom), (right, bottom), (left, top), (right, top)]
        form = item.container
        while form is not None:
            corners = [form.get_matrix().on_point(x, y) for x, y in corners]
            form = form.container
    except pdfium.PdfiumError:
        return None
    xs, ys = zip(*corners, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def _covered(
    letters: list[Letter], order: dict[int, tuple[int, pdfium.PdfObject]], covers: list[tuple[int, Box]]
) -> set[int]:
    """Return the text objects of which any letter's middle lies under something that is drawn later."""
    boxed = [letter for letter in letters if letter.box and letter.item in order]
    if not boxed or not covers:
        return set()
    boxes = np.array([letter.box for letter in boxed])
    x, y = boxes[:, 0::2].mean(axis=1), boxes[:, 1::2].mean(axis=1)
    places = np.array([order[letter.item][0] for letter in boxed])
    under = np.zeros(len(boxed), np.bool_)
    first = int(places.min())
    for place, (x0, y0, x1, y1) in covers:
        if place > first:
            under |= (places < place) & (x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)
    return {boxed[index].item for index in np.flatnonzero(under)}


def _may_be_off(address_: int, order: dict[int, tuple[int, pdfium.PdfObject]]) -> bool:
    """Say whether a text object belongs to a layer by a mark, or to a form, which may belong to one."""
    if address_ not in order:
        return False
    item = order[address_][1]
    return item.container is not None or pdfium_c.FPDFPageObj_CountMarks(item) > 0


def _is_light(order: dict[int, tuple[int, pdfium.PdfObject]], address_: int) -> bool:
    if address_ not in order:
        return False
    red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
    if not pdfium_c.FPDFPageObj_GetFillColor(order[address_][1], red, green, blue, alpha):
        return False
    return min(red.value, green.value, blue.value) >= LIGHT or alpha.value < 255 - LIGHT


def _change(page: pdfium.PdfPage, image: Image.Image, dpi: float, items: list[pdfium.PdfObject]) -> NDArray[np.bool_]:
    """Return where *image* is another when *page* is drawn without *items*."""
    try:
        for item in items:
            pdfium_c.FPDFPageObj_SetIsActive(item, False)
        without = raster.render(page, dpi)
    finally:
        for item in items:
            pdfium_c.FPDFPageObj_SetIsActive(item, True)
    if without.size != image.size:
        return np.ones(image.size[::-1], np.bool_)  # nothing can be said: everything counts as seen
    pixels = np.asarray(ImageChops.difference(image, without))
    return np.asarray(pixels.max(axis=2) > CHANGE)


def _any(change: NDArray[np.bool_], box: Box | None) -> bool:
    if box is None:
        return True
    rows = slice(max(0, int(box[1]) - 1), max(0, int(box[3]) + 2))
    return bool(change[rows, max(0, int(box[0]) - 1) : max(0, int(box[2]) + 2)].any())
