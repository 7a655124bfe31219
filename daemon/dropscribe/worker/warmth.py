"""Everything that decoding imports or opens for the first time, done beforehand: a locked process can do neither.

On Linux it is done once, in the helper, and each process of a document begins with it.
"""

import contextlib
import encodings
import importlib
import io
import pkgutil
from contextlib import closing

# A page with letters of fonts that are not in the file, so that PDFium looks for those of the system.
_PDF = b"""%PDF-1.4
1 0 obj <</Type /Catalog /Pages 2 0 R>> endobj
2 0 obj <</Type /Pages /Kids [3 0 R] /Count 1>> endobj
3 0 obj <</Type /Page /Parent 2 0 R /MediaBox [0 0 30 20] /Contents 4 0 R
 /Resources <</Font <</F 5 0 R /G 6 0 R>>>>>> endobj
4 0 obj <</Length 49>> stream
BT /F 9 Tf 2 10 Td (a) Tj /G 9 Tf 0 -8 Td (b) Tj
endstream endobj
5 0 obj <</Type /Font /Subtype /Type1 /BaseFont /Helvetica>> endobj
6 0 obj <</Type /Font /Subtype /TrueType /BaseFont /Arial>> endobj
trailer <</Root 1 0 R /Size 7>>
%%EOF
"""


def warm() -> None:
    """Import every decoder and every output format, and let the native libraries open what they want."""
    import cv2
    from PIL import Image

    from dropscribe.documents import opening
    from dropscribe.formats import figures
    from dropscribe.formats.registry import SUFFIXES, renderer
    from dropscribe.sandbox import fonts

    assert opening and figures  # imported
    cv2.setNumThreads(1)  # idle threads would not survive the forks, and would count as address space
    Image.init()
    for name in SUFFIXES:
        renderer(name)
    fonts.folders()
    _import_encodings()
    _open_libraries()


def _import_encodings() -> None:
    """Import every encoding that Python has: files name theirs."""
    for module in pkgutil.iter_modules(encodings.__path__):
        with contextlib.suppress(ImportError, LookupError):  # those of another system
            importlib.import_module(f"encodings.{module.name}")


def _open_libraries() -> None:
    import pikepdf
    import pypdfium2 as pdfium

    from dropscribe.documents.image import document as picture_document
    from dropscribe.documents.pdf import document as pdf_document

    assert picture_document and pdf_document
    with closing(pdfium.PdfDocument(_PDF)) as pdf:
        pdf.init_forms()
        with closing(pdf[0]) as page:
            page.render(scale=1, may_draw_forms=True).to_pil()
    with pikepdf.open(io.BytesIO(_PDF), suppress_warnings=True) as other:
        other.save(io.BytesIO())
