"""Files are told by their content; a name only decides in which words one is refused."""

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from dropscribe.core import file_types
from dropscribe.core.errors import Reason
from support.image_files import encoded, written

FORMATS = [
    ("PNG", "image/png"),
    ("JPEG", "image/jpeg"),
    ("TIFF", "image/tiff"),
    ("WEBP", "image/webp"),
    ("GIF", "image/gif"),
    ("BMP", "image/bmp"),
    ("ICO", "image/vnd.microsoft.icon"),
    ("AVIF", "image/avif"),
    ("JPEG2000", "image/jp2"),
    ("PPM", "image/x-portable-anymap"),
    ("TGA", "image/x-tga"),
    ("PCX", "image/vnd.zbrush.pcx"),
    ("SGI", "image/sgi"),
    ("QOI", "image/qoi"),
    ("PDF", "application/pdf"),
]


@pytest.mark.parametrize(("format", "mime"), FORMATS)
def test_each_format_is_told_by_its_first_bytes(format: str, mime: str) -> None:
    assert mime == file_types.media_type(encoded(written(), format)[: file_types.HEAD])


@pytest.mark.parametrize("brand", [b"mif1", b"avci", b"jpeg", b"heic"])
def test_pictures_in_boxes_are_shown_to_their_decoder_whatever_is_inside(brand: bytes) -> None:
    assert file_types.media_type(b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0mif1miaf") in (file_types.HEIF, file_types.HEIC)


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("a.pdf", "%PDF-1.7 unpacked")
    return out.getvalue()


FOREIGN = {
    "zip with a PDF in it": archive(),
    "gzip": b"\x1f\x8b\x08\0" + bytes(60),
    "program": b"\x7fELF\x02\x01\x01" + bytes(60),
    "video": b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom",
    "web page": b"<!DOCTYPE html><html><body>sign in</body></html>",
    "XML": b"<?xml version='1.0'?><svg/>",
    "plain text": "Grüße, ein Brief.\n".encode(),
    "text beginning like a bitmap": b"BM is short for bitmap, and much else\n",
    "text beginning like PNM": b"P5 is a road in Latvia\n",
    "JPEG XL": b"\xff\x0a" + bytes(20),
    "raw camera file": b"II*\0\x10\0\0\0CR\x02\0",
    "raw camera file in boxes": b"\0\0\0\x18ftypcrx \0\0\0\1crx isom",
    "large Photoshop document": b"8BPS\0\x02" + bytes(30),
    "JPM document": b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14ftypjpm \0\0\0\0jpm ",
    "Windows metafile": b"\1\0\0\0" + bytes(36) + b" EMF" + bytes(40),
    "DICOM": bytes(128) + b"DICM" + bytes(20),
    "GIMP document": b"gimp xcf v011\0" + bytes(20),
    "DjVu": b"AT&TFORM\0\0\0\x20DJVU",
    "EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n",
    "EPS with a preview": b"\xc5\xd0\xd3\xc6" + bytes(30),
}


@pytest.mark.parametrize("what", FOREIGN)
def test_what_is_no_picture_is_never_taken_for_one(what: str) -> None:
    assert file_types.media_type(FOREIGN[what]) is None


@pytest.mark.parametrize("what", FOREIGN)
def test_known_foreign_content_is_unsupported_under_its_own_name(what: str) -> None:
    assert file_types.refusal(FOREIGN[what], b"a.dat").reason is Reason.UNSUPPORTED


@pytest.mark.parametrize("name", [b"a.png", b"A.JPG", b"a.pdf", b"\xff\xfe.TiF"])
@pytest.mark.parametrize("what", FOREIGN)
def test_foreign_content_under_a_picture_name_is_not_an_image(what: str, name: bytes) -> None:
    assert file_types.refusal(FOREIGN[what], name).reason is Reason.NOT_AN_IMAGE


@pytest.mark.parametrize("name", [b"a.png", b"a.dat", b"a"])
def test_unknown_content_is_not_an_image(name: bytes) -> None:
    assert file_types.refusal(bytes(64), name).reason is Reason.NOT_AN_IMAGE


def test_a_refusal_says_what_was_found() -> None:
    refusal = file_types.refusal(FOREIGN["zip with a PDF in it"], b"scan.jpg")

    assert refusal.detail == "The name ends in .jpg, but inside it is a ZIP archive or an office document."


def test_a_pdf_may_follow_junk_within_its_first_1024_bytes() -> None:
    assert file_types.media_type(b"From: printer\r\n" + bytes(900) + b"%PDF-1.4") == "application/pdf"
    assert file_types.media_type(b"\0" * 1024 + b"%PDF-1.4") is None


@pytest.mark.parametrize("content", [b"", b"\0", b"B", b"\xff\xd8", bytes(64), b"\0\0\x02\0" + bytes(60)])
def test_too_little_or_nothing_is_no_picture(content: bytes) -> None:
    assert file_types.media_type(content) is None


@pytest.mark.parametrize(
    ("name", "wanted"), [(b"a.PNG", True), (b"a.pdf", True), (b"\xe9.heic", True), (b"png", False)]
)
def test_a_name_is_wanted_by_its_ending(name: bytes, wanted: bool) -> None:
    assert file_types.wanted_name(name) is wanted


def test_the_daemon_can_sniff_without_loading_a_decoder() -> None:
    heavy = {"PIL", "numpy", "pypdfium2", "pikepdf"}
    code = f"import sys, dropscribe.core.file_types; print(sorted({heavy} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.home())

    assert found.stdout.strip() == "[]"
