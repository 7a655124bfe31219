"""Picture files become upright pages, and what is damaged is said to be."""

import gc
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dropscribe.config import Settings
from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.documents.opening import open_document
from support.image_files import (
    FORMATS,
    contrast,
    encoded,
    intake,
    pages_of,
    reason_of,
    save,
    upper_left_is_darkest,
    written,
)


@pytest.mark.parametrize(("format", "how"), FORMATS)
def test_every_format_is_read_whatever_its_name_says(tmp_path: Path, format: str, how: dict[str, Any]) -> None:
    for name in ("a.png", "a.pdf", "a"):
        [page] = pages_of(tmp_path, save(written(), format, how), name)

        assert (page.number, page.width, page.height, page.image.mode) == (1, 240, 80, "RGB")
        assert upper_left_is_darkest(page.image)
        assert not page.blank and not page.from_pdf and page.text is None


def test_every_page_of_a_tiff_is_read_in_order(tmp_path: Path) -> None:
    frames = [written().resize((240 + 10 * n, 80)) for n in range(5)]
    content = encoded(frames[0], "TIFF", save_all=True, append_images=frames[1:])
    pages = pages_of(tmp_path, content)

    assert [(n + 1, 240 + 10 * n) for n in range(5)] == [(page.number, page.width) for page in pages]


def test_skipped_pages_are_not_decoded(tmp_path: Path) -> None:
    frames = [written("L", 255, 0) for _ in range(3)]
    content = bytearray(
        encoded(frames[0], "TIFF", save_all=True, append_images=frames[1:], compression="tiff_adobe_deflate")
    )
    streams = [at for at in range(len(content) - 1) if content[at : at + 2] == b"\x78\x9c"]
    assert len(streams) == 3
    content[streams[1] : streams[1] + 40] = bytes(40)  # the second page cannot be decoded
    path = tmp_path / "a.tif"
    path.write_bytes(content)
    document = open_document(str(path), Settings())

    assert [page.number for page in document.pages(frozenset({2}))] == [1, 3]
    with pytest.raises(ReasonedError) as caught:
        list(document.pages())
    assert caught.value.reason in (Reason.DAMAGED, Reason.TRUNCATED)


def test_a_chain_of_frames_that_loops_ends(tmp_path: Path) -> None:
    content = bytearray(encoded(written("L", 255, 0), "TIFF"))
    first = struct.unpack("<I", content[4:8])[0]
    entries = struct.unpack("<H", content[first : first + 2])[0]
    content[first + 2 + 12 * entries : first + 6 + 12 * entries] = struct.pack("<I", first)

    assert len(pages_of(tmp_path, bytes(content))) == 1


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "AVIF"])
def test_of_an_animation_the_first_frame_is_read(tmp_path: Path, format: str) -> None:
    frames = [written(), Image.new("RGB", (240, 80), "red")]
    [page] = pages_of(tmp_path, encoded(frames[0], format, save_all=True, append_images=frames[1:], duration=50))

    assert upper_left_is_darkest(page.image)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF"])
@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_the_camera_s_orientation_is_applied(tmp_path: Path, format: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = written().transpose(Image.Transpose({3: 3, 6: 2, 8: 4}[orientation]))
    [page] = pages_of(tmp_path, encoded(turned, format, exif=exif))

    assert (page.width, page.height) == (240, 80)
    assert upper_left_is_darkest(page.image)


def test_deep_and_inked_files_keep_their_contrast(tmp_path: Path) -> None:
    deep = Image.fromarray(np.asarray(written("L", 255, 0)).astype(np.uint16) << 4)
    for content in (
        encoded(deep, "PNG"),
        encoded(deep, "TIFF"),
        encoded(written().convert("CMYK"), "JPEG"),
        encoded(written().convert("CMYK"), "TIFF"),
        encoded(written("1", 1, 0), "TIFF", compression="group4"),
        encoded(written("F", 1.0, 0.0), "TIFF"),  # type: ignore[arg-type]  # fractions are colours of this mode
    ):
        [page] = pages_of(tmp_path, content)

        assert contrast(page) > 200
        assert upper_left_is_darkest(page.image)


def test_resolution_is_kept_where_it_is_sane(tmp_path: Path) -> None:
    assert pages_of(tmp_path, encoded(written(), "TIFF", dpi=(300, 300)))[0].dpi == 300
    assert pages_of(tmp_path, encoded(written(), "TIFF", dpi=(1, 1)))[0].dpi is None
    assert pages_of(tmp_path, encoded(written(), "BMP"))[0].dpi is not None
    assert pages_of(tmp_path, encoded(written(), "GIF"))[0].dpi is None


def test_a_fax_with_flat_pixels_is_squared(tmp_path: Path) -> None:
    [page] = pages_of(tmp_path, encoded(written("1", 1, 0), "TIFF", dpi=(204, 98)))

    assert (page.width, page.height, page.flags) == (240, 167, ("scaled",))


def test_a_raw_camera_file_is_not_read_as_its_preview(tmp_path: Path) -> None:
    from PIL import TiffImagePlugin

    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[50706] = b"\1\4\0\0"
    tags.tagtype[50706] = 1

    assert reason_of(tmp_path, encoded(written(), "TIFF", tiffinfo=tags)) is Reason.UNSUPPORTED


def test_a_clear_picture_is_blank_and_static_is_not(tmp_path: Path) -> None:
    [clear] = pages_of(tmp_path, encoded(Image.new("RGBA", (300, 200), (0, 0, 0, 0)), "PNG"))
    [static] = pages_of(tmp_path, encoded(Image.effect_noise((300, 200), 120), "PNG"))

    assert clear.blank
    assert not static.blank


@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP", "BMP", "JPEG"])
def test_a_picture_damaged_in_its_header_is_refused(tmp_path: Path, format: str) -> None:
    content = bytearray(encoded(written(), format))
    content[12:40] = b"\xff" * 28

    assert reason_of(tmp_path, bytes(content)).kind == "file"


def test_a_picture_damaged_in_its_middle_is_damaged(tmp_path: Path) -> None:
    content = bytearray(encoded(Image.effect_noise((300, 300), 80), "PNG"))
    middle = len(content) // 2
    content[middle : middle + 64] = bytes(64)

    assert reason_of(tmp_path, bytes(content)) is Reason.DAMAGED


def test_a_document_can_be_walked_again_and_closed_twice(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encoded(written(), "PNG"))
    document = open_document(str(path), intake())
    first, second = next(document.pages()), next(document.pages())
    document.close()
    document.close()
    gc.collect()

    assert first.image.tobytes() == second.image.tobytes()
