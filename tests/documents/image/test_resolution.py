"""Resolutions belong to axes: they turn with the picture, and pixels come out square, whatever the format."""

import struct
from pathlib import Path

import pytest
from PIL import Image

from support.image_files import encoded, pages_of, upper_left_is_darkest, written

FAX = (204.0, 98.0)


def turned(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


@pytest.mark.parametrize("format", ["PNG", "JPEG", "BMP", "TIFF"])
def test_a_fax_has_square_pixels_in_every_format(tmp_path: Path, format: str) -> None:
    [page] = pages_of(tmp_path, encoded(written(), format, dpi=FAX))

    assert (page.width, page.height) == (240, pytest.approx(80 * 204 / 98, abs=1.5))
    assert page.dpi == pytest.approx(204, abs=1) and page.flags == ("scaled",)


@pytest.mark.parametrize("orientation", [6, 8, 5, 7])
@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF"])
def test_the_resolutions_turn_with_the_picture(tmp_path: Path, format: str, orientation: int) -> None:
    image = written()
    how = {"tiffinfo": {274: orientation}} if format == "TIFF" else {"exif": turned(orientation)}
    [page] = pages_of(tmp_path, encoded(image, format, dpi=FAX, **how))

    assert (page.width, page.height) == (pytest.approx(80 * 204 / 98, abs=1.5), 240)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF"])
def test_two_resolutions_that_are_near_are_left_and_the_one_across_counts(tmp_path: Path, format: str) -> None:
    how = {"tiffinfo": {274: 6}} if format == "TIFF" else {"exif": turned(6)}
    [upright] = pages_of(tmp_path, encoded(written(), format, dpi=(200, 220)))
    [page] = pages_of(tmp_path, encoded(written(), format, dpi=(200, 220), **how))

    assert (upright.width, upright.height, upright.dpi) == (240, 80, pytest.approx(200, abs=1))
    assert (page.width, page.height, page.dpi) == (80, 240, pytest.approx(220, abs=1))


def test_a_form_of_pixels_without_a_size_counts_too(tmp_path: Path) -> None:
    jpeg = bytearray(encoded(written(), "JPEG"))
    jpeg[13:18] = b"\0" + struct.pack(">HH", 2, 1)  # JFIF: no unit, two across for one down
    png = encoded(written(), "PNG", dpi=(200, 100)).replace(b"pHYs", b"pHYs")
    [page] = pages_of(tmp_path, bytes(jpeg))

    assert (page.width, page.height, page.dpi) == (240, 160, None)
    assert pages_of(tmp_path, png)[0].height == 160


def test_a_stretched_page_stands_upright(tmp_path: Path) -> None:
    image = written().transpose(Image.Transpose.ROTATE_90)
    [page] = pages_of(tmp_path, encoded(image, "JPEG", dpi=(98, 204), exif=turned(6)))

    assert (page.width, page.height) == (240, pytest.approx(80 * 204 / 98, abs=1.5))
    assert upper_left_is_darkest(page.image)
