"""How finely a PDF page is rendered, and the rendering itself. It reads no text and judges no content."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from PIL import Image

from dropscribe.config import Settings
from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.documents import limits

POINTS_PER_INCH = 72
USUAL_DPI = 200.0  # body text of 10 points is 28 pixels high: enough for either engine, and a quarter of 400 dpi
LEAST_SCAN_DPI, MOST_SCAN_DPI = 144.0, 300.0  # below, a picture is enlarged for nothing; above, nothing is gained
PAGE_PIXELS = 36_000_000  # A4 at 600 dpi; an A0 drawing is shrunk to this
SMALL_LONG_SIDE, SCAN_LONG_SIDE = 1000.0, 2500.0  # pixels that a tiny page, and a tiny page with a large scan, get
MOSTLY, WHOLLY = 0.5, 0.9  # shares of the page under an image: a scan with more on the page, and nothing but a scan
NOTABLE = 0.02  # share of the page under an image that may well hold text: scans come in strips, too
ABSURD_POINTS = 1_000_000.0  # 350 metres; Acrobat stops at 14,400 points times a user unit
UNSEEN = frozenset({pdfium_c.FPDF_TEXTRENDERMODE_INVISIBLE, pdfium_c.FPDF_TEXTRENDERMODE_CLIP})
MAX_OBJECTS = 20_000  # of a page that are looked at: drawings have millions, and the first tell what it is


@dataclass(frozen=True)
class Placed:
    """An image on a page: its share of the page's area (0 to 1), its resolution there in dots per inch, its pixels."""

    share: float
    dpi: float
    size: tuple[int, int]


def placed_images(page: pdfium.PdfPage, settings: Settings) -> tuple[Placed, ...]:
    """Return the images of *page*; raise `ReasonedError` where one has more pixels than a page may have."""
    width, height = page.get_size()
    found = []
    for item in islice(_images(page), MAX_OBJECTS):
        across, down = item.get_px_size()
        limits.check_pixels(across, down, settings, "A picture in the PDF")
        inches = _inches_covered(item)
        if inches > 0:
            points = width * height / POINTS_PER_INCH**2
            found.append(Placed(min(1.0, inches / points), math.sqrt(across * down / inches), (across, down)))
    return tuple(found)


def undrawn_share(page: pdfium.PdfPage, only: frozenset[str] = frozenset()) -> float:
    """Return the share of *page* (0 to 1) under notable images that cannot be decoded (PDFium leaves them out).

    With *only*, images in other codings than those are not asked about: decoding takes its time.
    """
    width, height = page.get_size()
    share = 0.0
    for item in islice(_images(page), MAX_OBJECTS):
        covered = _inches_covered(item) * POINTS_PER_INCH**2 / (width * height)
        asked = covered >= NOTABLE and (not only or only.intersection(item.get_filters()))
        share += covered if asked and not _decodes(item) else 0.0
    return share


def show_all(page: pdfium.PdfPage) -> None:
    """Give *page* its MediaBox for a CropBox where the two have nothing in common (PDFium would show nothing)."""
    width, height = page.get_size()
    if width <= 0 or height <= 0:
        page.set_cropbox(*page.get_mediabox())


def shows_text(page: pdfium.PdfPage) -> bool:
    """Say whether any letters of *page* are drawn as letters, and not only put there unseen."""
    try:
        items = page.get_objects(filter=[pdfium_c.FPDF_PAGEOBJ_TEXT], max_depth=5)
        return any(pdfium_c.FPDFTextObj_GetTextRenderMode(item) not in UNSEEN for item in islice(items, MAX_OBJECTS))
    except pdfium.PdfiumError:
        return False


def _decodes(item: pdfium.PdfImage) -> bool:
    try:
        item.get_bitmap()
    except pdfium.PdfiumError:
        return False
    return True


def _images(page: pdfium.PdfPage) -> Iterator[pdfium.PdfImage]:
    try:
        yield from page.get_objects(filter=[pdfium_c.FPDF_PAGEOBJ_IMAGE], max_depth=5)
    except pdfium.PdfiumError:
        return  # a broken list of objects: the rendering tells what is there


def _inches_covered(item: pdfium.PdfImage) -> float:
    """Return the square inches under an image, through the forms that it may be nested in."""
    try:
        matrix, form = item.get_matrix(), item.container
        while form is not None:
            matrix, form = matrix.multiply(form.get_matrix()), form.container
    except pdfium.PdfiumError:
        return 0.0
    area = abs(matrix.a * matrix.d - matrix.b * matrix.c)  # of the unit square that every image is drawn into
    return float(area) / POINTS_PER_INCH**2 if math.isfinite(area) else 0.0


def resolution(
    size: tuple[float, float], images: tuple[Placed, ...], letters: bool, settings: Settings
) -> tuple[float, bool]:
    """Return the dots per inch for a page of *size* points, and whether it had to be shrunk to fit.

    A page that is mostly one scan is rendered at the scan's own resolution within bounds, so that its pixels are
    neither invented nor thrown away; anything else, and a page with *letters* of its own, at `USUAL_DPI` at least.
    """
    long_inches = max(size) / POINTS_PER_INCH
    square_inches = size[0] * size[1] / POINTS_PER_INCH**2
    dpi = max(USUAL_DPI, min(SMALL_LONG_SIDE / long_inches, 2 * MOST_SCAN_DPI))
    if scans := [image for image in images if image.share >= MOSTLY]:
        finest = max(scan.dpi for scan in scans)
        wholly = max(scan.share for scan in scans) >= WHOLLY and not letters
        least = LEAST_SCAN_DPI if wholly else USUAL_DPI
        dpi = max(least, min(finest, max(MOST_SCAN_DPI, SCAN_LONG_SIDE / long_inches)))
    most = math.sqrt(min(PAGE_PIXELS, settings.intake.max_pixels) / square_inches)
    return (most, True) if most < dpi else (dpi, False)


def pixels(size: tuple[float, float], dpi: float) -> int:
    """Return how many pixels a page of *size* points has at so many dots per inch."""
    return math.ceil(size[0] * dpi / POINTS_PER_INCH) * math.ceil(size[1] * dpi / POINTS_PER_INCH)


def page_size(page: pdfium.PdfPage, number: int) -> tuple[float, float]:
    """Return width and height in points, as turned; raise `ReasonedError` for a size that no page can have."""
    width, height = page.get_size()
    if not (0 < width < ABSURD_POINTS and 0 < height < ABSURD_POINTS):  # not so for NaN either
        what = f"{width:g} x {height:g} points"
        raise ReasonedError(Reason.DAMAGED, f"Page {number} of the PDF has an impossible size ({what}).")
    return width, height


def render(page: pdfium.PdfPage, dpi: float) -> Image.Image:
    """Return *page* as RGB on white, cropped and turned as it says, form fields drawn."""
    bitmap = page.render(scale=dpi / POINTS_PER_INCH, may_draw_forms=True, limit_image_cache=True, rev_byteorder=True)
    try:
        image: Image.Image = bitmap.to_pil()
        return image.copy() if image.mode == "RGB" else image.convert("RGB")
    finally:
        bitmap.close()
