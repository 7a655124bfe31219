"""Pictures to make PDFs of, and readers of what was made."""

import os

import pikepdf
import pypdfium2
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from dropscribe.formats.pdf import render as pdf_format


def without_blanks(text):
    return "".join(text.split())


def rendered(folder, reading):
    path = os.path.join(folder, "out.pdf")
    pdf_format.render(reading, path)
    with pikepdf.Pdf.open(path) as pdf:
        assert pdf.check_pdf_syntax() == []
    return path


def text_by_pdfium(path, page=0):
    with pypdfium2.PdfDocument(path) as document:
        return document[page].get_textpage().get_text_bounded()


def photo(size=(400, 300)):
    return (
        Image.effect_mandelbrot(size, (-2, -1.5, 1, 1.5), 60)
        .convert("RGB")
        .rotate(5)
        .resize(size, Image.Resampling.BICUBIC)
    )


def noise(size=(400, 300)):
    return Image.merge("RGB", [Image.effect_noise(size, 60) for _ in "RGB"])


def grey():
    """Return what a scan of tinted paper looks like: soft greys, none twice in a row."""
    return noise().convert("L").filter(ImageFilter.GaussianBlur(2)).convert("RGB")


def drawn(size=(400, 300)):
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).rectangle((40, 60, 200, 90), fill="navy")
    return image


def lettered(size=(1200, 900)):
    """Return a page of writing as it lies on the glass: a little askew, no two letters alike."""
    image = Image.new("L", size, 255)
    words = "\n".join("".join(chr(33 + (n * n + 7 * k) % 90) for k in range(70)) for n in range(size[1] // 28))
    ImageDraw.Draw(image).multiline_text((20, 20), words, 0, ImageFont.load_default(22))
    return image.rotate(1.3, Image.Resampling.BICUBIC, fillcolor=255).point([0] * 128 + [255] * 128).convert("RGB")


def shown(path, page=0, scale=1.0):
    with pypdfium2.PdfDocument(path) as document:
        return document[page].render(scale=scale).to_pil().convert("RGB")


def picture_of(pdf, page=0):
    return pdf.pages[page].Resources.XObject.Picture
