"""The pages of a PDF as its author made them, with the text layer added to those that were read.

Touches no picture, no font and no drawing of the page; boxes fall where a viewer shows the page. An older invisible
layer gives way to ours, and words that can be seen as text already are not put there again. Words of its own that
nobody can see are taken out; where they cannot be, the page becomes a picture of what is seen.
"""

import zlib
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pypdfium2 as pdfium
from pikepdf import Array, Dictionary, Name, Pdf

from dropscribe.core.pages import Box, DocumentResult, Hidden, PageText
from dropscribe.files.mapped import mapped
from dropscribe.formats.page_images import paired, turned
from dropscribe.formats.pdf import embedded_images, layer, strip_hidden_text, undrawn
from dropscribe.formats.pdf.glyphless import Glyphless
from dropscribe.formats.pdf.object_writer import Spool
from dropscribe.formats.pdf.visible_text import Already, Letter

if TYPE_CHECKING:
    from PIL.Image import Image

LETTER: Box = (0, 0, 612, 792)  # what pdfium shows a page of without a MediaBox
DEEPEST = 64  # levels of a page tree that are searched; real ones have a handful, malicious ones circles


class OtherPages(Exception):
    """The file has other pages here than it had for the one who read it."""


def add_layers(pdf: Pdf, reading: DocumentResult) -> bool:
    """Put the words of *reading* on the pages of *pdf*, opened from its file, and say whether any page was changed.

    Only pages that were read by OCR get a layer. Raises `OtherPages` when a page is not there.
    """
    font, shared, changed = Glyphless(), pdf.make_indirect(Dictionary()), False
    secretive = set[int]()  # pages whose hidden words stay
    replaced: list[Any] = []  # forms with hidden words
    with Already(reading.file) as already:
        for text in reading.texts:
            if text.number > len(pdf.pages):
                raise OtherPages(text.number)
            page, read, hidden = pdf.pages[text.number - 1].obj, text.text_source == "ocr", reading.hidden(text.number)
            changed |= _show_all(page) | bool(hidden.whole)
            letters = already.letters(text.number) if read else []
            old_layer = bool(read and (text.blocks or letters))
            if hidden.partly or not _strip(pdf, page, hidden, replaced, old_layer=old_layer):
                secretive.add(text.number)
            elif read and _add_layer(pdf, text, letters, font, shared):
                changed = True
    for page_image, text in paired(reading, lambda text: text.number in secretive):
        replaced += undrawn.drawn_by(pdf.pages[text.number - 1])
        _show_picture(pdf, turned(page_image, text), text, font, shared)
    undrawn.empty(pdf, replaced)
    if changed or secretive:
        font.embed(pdf, shared)
    return changed or bool(secretive)


def has_plain_pages(pdf: Pdf, path: str) -> bool:
    """Say whether every reader sees the pages of *pdf* in the file at *path*, which qpdf may have mended."""
    try:
        with pdfium.PdfDocument(mapped(path)) as document:
            sizes = [document.get_page_size(index) for index in range(len(document))]
    except pdfium.PdfiumError:  # a page that is none
        return False
    return len(sizes) == len(pdf.pages) and not pdf.get_warnings()


def _add_layer(pdf: Pdf, text: PageText, letters: list[Letter], font: Glyphless, shared: Any) -> bool:
    page = pdf.pages[text.number - 1]
    rotate = (_rotation(page.obj) + text.rotation) % 360
    placed = layer.placement(visible(page.obj), rotate, text.width, text.height)
    words = layer.content(text, font, placed, letters)
    if not words:
        return bool(letters)
    if text.rotation:
        page.obj.Rotate = rotate  # shown upright, as it was read
    resources = _inherited(page.obj, Name.Resources)
    # A copy: resources may be shared with pages that get no layer, and so may their fonts.
    resources = Dictionary(resources) if isinstance(resources, Dictionary) else Dictionary()
    fonts = resources.get(Name.Font)
    resources.Font = Dictionary(fonts) if isinstance(fonts, Dictionary) else Dictionary()
    resources.Font["/" + layer.FONT] = shared
    page.obj.Resources = resources
    # Before the page's own content, which may leave its coordinates changed or end in the middle of an operator. What
    # cannot be seen may as well lie below.
    packed = pdf.make_stream(zlib.compress(words), Filter=Name.FlateDecode)  # all pages' words are held until the end
    page.contents_add(packed, prepend=True)
    return True


def _strip(pdf: Pdf, page: Any, hidden: Hidden, replaced: list[Any], *, old_layer: bool) -> bool:
    """Take off what cannot be seen, an earlier reader's layer only with *old_layer*; say whether *hidden* is gone."""
    if not (hidden.whole or old_layer):
        return True
    resources = _inherited(page, Name.Resources)
    return strip_hidden_text.take_off(pdf, page, resources, visible(page), hidden, replaced, old_layer=old_layer)


def _show_picture(pdf: Pdf, image: "Image", text: PageText, font: Glyphless, shared: Any) -> None:
    """Make the page of *text* show *image*, which is what is seen of it, over the words that were read."""
    page = pdf.pages[text.number - 1].obj
    placed = layer.placement(visible(page), (_rotation(page) + text.rotation) % 360, text.width, text.height)
    words = layer.content(text, font, placed)
    drawn = layer.operator(layer.after((text.width, 0, 0, text.height, 0, 0), placed))
    with BytesIO() as file:
        spool = Spool(file)
        number = embedded_images.embed(spool, image).number
        spool.finish()
        with Pdf.open(file) as other:
            picture = pdf.copy_foreign(other.get_object(number, 0))
    if text.rotation:
        page.Rotate = (_rotation(page) + text.rotation) % 360
    fonts = Dictionary({"/" + layer.FONT: shared})
    page.Resources = Dictionary(XObject=Dictionary({"/Picture": picture}), Font=fonts)
    page.Contents = pdf.make_stream(words + f"q {drawn} /Picture Do Q\n".encode("ascii"))


def _show_all(page: Any) -> bool:
    """Give *page* its MediaBox for a CropBox where the two have nothing in common; say whether it was so."""
    crop = _box(_inherited(page, Name.CropBox))
    media = _box(_inherited(page, Name.MediaBox)) or LETTER
    if crop is None:
        return False
    if min(crop[2], media[2]) > max(crop[0], media[0]) and min(crop[3], media[3]) > max(crop[1], media[1]):
        return False
    page.CropBox = Array(media)
    return True


def visible(page: Any) -> Box:
    """Return the part of *page* that is shown, in user space: the CropBox inside the MediaBox, as pdfium takes them."""
    media = _box(_inherited(page, Name.MediaBox)) or LETTER
    crop = _box(_inherited(page, Name.CropBox)) or media
    x0, y0 = max(media[0], crop[0]), max(media[1], crop[1])
    x1, y1 = min(media[2], crop[2]), min(media[3], crop[3])
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else media


def _rotation(page: Any) -> int:
    try:
        return int(_inherited(page, Name.Rotate) or 0) // 90 % 4 * 90
    except (TypeError, ValueError):
        return 0


def _box(value: Any) -> Box | None:
    """Return a rectangle with its corners in order; None when it is none or has no area."""
    try:
        x0, y0, x1, y1 = (float(number) for number in value)
    except (TypeError, ValueError):
        return None
    box = min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)
    return box if box[0] < box[2] and box[1] < box[3] else None


def _inherited(page: Any, key: Any) -> Any:
    """Return the value of *key* from *page* or the nearest node above it that has one, else None."""
    node = page
    for _ in range(DEEPEST):
        if not isinstance(node, Dictionary):
            return None
        if key in node:
            return node[key]
        node = node.get(Name.Parent)
    return None
