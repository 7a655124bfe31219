"""What PDFs made from pictures look like."""

from pathlib import Path

import pikepdf
import pypdfium2
import pytest
from PIL import Image, ImageChops, ImageCms

from dropscribe.core.pages import Block
from dropscribe.documents.image import colour
from dropscribe.formats.pdf import render as pdf_format
from support.result_pdfs import drawn, grey, lettered, noise, photo, picture_of, rendered, shown, text_by_pdfium
from support.results import page_text, reading_of


@pytest.mark.parametrize(
    "image", [drawn(), photo(), drawn().convert("1").convert("RGB")], ids=["few", "photo", "1-bit"]
)
def test_the_text_leaves_no_trace_on_the_picture(tmp_path, image):
    plain = page_text(1, "")
    worded = page_text(1, blocks=[Block("text", "words " * 40, (0, 0, 400, 300))])
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one = shown(rendered(tmp_path / "a", reading_of([plain], [image])), scale=2)
    two = shown(rendered(tmp_path / "b", reading_of([worded], [image])), scale=2)

    assert ImageChops.difference(one, two).getbbox() is None


def test_few_colours_are_kept_exactly(tmp_path):
    path = rendered(tmp_path, reading_of([page_text()], [drawn()], dpi=72))

    assert ImageChops.difference(shown(path), drawn()).getbbox() is None


@pytest.mark.parametrize("size", [(1200, 900), (1201, 907)])
def test_a_page_of_writing_in_black_and_white_is_coded_as_a_fax(tmp_path, size):
    image = lettered(size).convert("1").convert("RGB")
    path = rendered(tmp_path, reading_of([page_text(width=size[0], height=size[1])], [image], dpi=72))

    assert ImageChops.difference(shown(path), image).getbbox() is None
    with pikepdf.Pdf.open(path) as pdf:
        assert (picture_of(pdf).BitsPerComponent, picture_of(pdf).Filter) == (1, "/CCITTFaxDecode")
        assert pikepdf.PdfImage(picture_of(pdf)).as_pil_image().convert("RGB").tobytes() == image.tobytes()


@pytest.mark.parametrize("ink", ["white", "black", "red"])
@pytest.mark.parametrize("size", [(1, 1), (3, 20000), (20000, 20), (7, 1)])
def test_pages_of_odd_sizes_are_shown_too(tmp_path, size, ink):
    words = [Block("text", "word", (0, 0, *size))]
    image = Image.new("RGB", size, ink)
    path = rendered(tmp_path, reading_of([page_text(1, blocks=words, width=size[0], height=size[1])], [image]))

    with pikepdf.Pdf.open(path) as pdf:
        assert (picture_of(pdf).Width, picture_of(pdf).Height) == size
        assert all(3 <= side <= 14400 for side in pdf.pages[0].MediaBox[2:])
    assert text_by_pdfium(path).strip() == "word"


def test_dithered_black_and_white_does_not_swell(tmp_path):
    image = photo().convert("1")
    path = rendered(tmp_path, reading_of([page_text()], [image.convert("RGB")], dpi=72))

    with pikepdf.Pdf.open(path) as pdf:
        assert len(picture_of(pdf).read_raw_bytes()) <= len(image.tobytes())
    assert ImageChops.difference(shown(path), image.convert("RGB")).getbbox() is None


@pytest.mark.parametrize(("image", "space"), [(noise(), "/DeviceRGB"), (grey(), "/DeviceGray")])
def test_photos_and_grey_scans_become_jpeg(tmp_path, image, space):
    path = rendered(tmp_path, reading_of([page_text()], [image]))

    with pikepdf.Pdf.open(path) as pdf:
        assert (picture_of(pdf).Filter, picture_of(pdf).ColorSpace) == ("/DCTDecode", space)


def jpeg(path, image, **options):
    image.save(path, "JPEG", quality=70, **options)
    return str(path)


def test_an_unchanged_jpeg_keeps_its_very_bytes_and_its_colours(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    file = jpeg(tmp_path / "a.jpg", photo(), icc_profile=profile)
    path = rendered(tmp_path, reading_of([page_text()], [photo()], file, "image/jpeg"))

    with pikepdf.Pdf.open(path) as pdf:
        assert picture_of(pdf).read_raw_bytes() == Path(file).read_bytes()
        assert picture_of(pdf).ColorSpace[1].read_bytes() == profile


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_jpeg_keeps_its_bytes_and_is_shown_upright_with_its_words_in_place(tmp_path, orientation, turn):
    upright = drawn()
    by_engine = upright.rotate(turn, expand=True)  # as the file's orientation leaves it: the engine turns it further
    back = {5: 5, 6: 8, 8: 6}.get(orientation, orientation)
    stored = by_engine.transpose(colour.TURNS[back]) if back != 1 else by_engine
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = jpeg(tmp_path / "a.jpg", stored, exif=exif)
    with Image.open(file) as decoded:
        page_image = colour.upright_rgb(decoded)
    page = page_text(rotation=turn, blocks=[Block("text", "navy", (40, 60, 200, 90))])
    path = rendered(tmp_path, reading_of([page], [page_image], file, "image/jpeg", dpi=72))

    with pikepdf.Pdf.open(path) as pdf:
        assert picture_of(pdf).read_raw_bytes() == Path(file).read_bytes()
    assert max(band[1] for band in ImageChops.difference(shown(path), upright).resize((40, 30)).getextrema()) < 30
    with pypdfium2.PdfDocument(path) as document:
        left, bottom, right, top = document[0].get_textpage().get_charbox(0)
    assert sum(shown(path).getpixel(((left + right) / 2, 300 - (bottom + top) / 2))[:2]) < 40


def test_a_jpeg_in_four_inks_keeps_its_bytes_and_its_white(tmp_path):
    file = jpeg(tmp_path / "a.jpg", drawn().convert("CMYK"))
    path = rendered(tmp_path, reading_of([page_text()], [drawn()], file, "image/jpeg", dpi=72))

    with pikepdf.Pdf.open(path) as pdf:
        assert picture_of(pdf).read_raw_bytes() == Path(file).read_bytes()
    assert min(shown(path).getpixel((10, 10))) > 245
    assert shown(path).getpixel((120, 75))[0] < 60


@pytest.mark.parametrize("reason", ["of another size", "damaged"])
def test_a_jpeg_that_was_changed_is_shown_as_it_was_read(tmp_path, reason):
    file = jpeg(tmp_path / "a.jpg", noise((300, 300)))
    if reason == "damaged":
        Path(file).write_bytes(b"\xff\xd8\xff")
    image = noise((400, 300) if reason == "of another size" else (300, 300))
    path = rendered(tmp_path, reading_of([page_text()], [image], file, "image/jpeg"))

    with pikepdf.Pdf.open(path) as pdf:
        assert picture_of(pdf).read_raw_bytes() != Path(file).read_bytes()


def test_a_page_that_was_turned_is_shown_upright_with_its_words_in_place(tmp_path):
    upright = drawn()
    lying = upright.rotate(90, expand=True)  # counter-clockwise: a clockwise quarter turn sets it right
    page = page_text(rotation=90, blocks=[Block("text", "navy", (40, 60, 200, 90))])
    path = rendered(tmp_path, reading_of([page], [lying], dpi=72))

    assert ImageChops.difference(shown(path), upright).getbbox() is None
    with pypdfium2.PdfDocument(path) as document:
        left, bottom, right, top = document[0].get_textpage().get_charbox(0)
    assert shown(path).getpixel(((left + right) / 2, 300 - (bottom + top) / 2)) == (0, 0, 128)


@pytest.mark.parametrize(
    ("dpi", "size", "expected"),
    [
        (300, (2480, 3508), 300),
        (None, (2480, 3508), 300),
        (None, (400, 300), 72),
        (1, (1170, 827), 100),
        (None, (9000, 9000), 300),
    ],
)
def test_a_page_has_a_size_a_sheet_may_have(dpi, size, expected):
    assert pdf_format.resolution(dpi, *size) == pytest.approx(expected, rel=0.01)


def test_no_page_is_longer_than_a_pdf_allows():
    assert 100_000 * 72 / pdf_format.resolution(72, 100, 100_000) <= 14400
