"""A sound picture in a coding that is not known here is unsupported, and told by its name; it is not damaged."""

import struct
from pathlib import Path

import pytest
from PIL import TiffImagePlugin

from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.documents import unsupported
from support.image_files import encoded, pages_of, written


def refused(folder: Path, content: bytes) -> ReasonedError:
    with pytest.raises(ReasonedError) as caught:
        pages_of(folder, content)
    return caught.value


def tiff_with(tag: int, value: int, big: bool = False) -> bytes:
    """Return a TIFF whose first frame says *value* for *tag*."""
    content = bytearray(encoded(written(), "TIFF", **({"big_tiff": True} if big else {"compression": "tiff_lzw"})))
    first = struct.unpack_from("<Q" if big else "<I", content, 8 if big else 4)[0]
    count = struct.unpack_from("<Q" if big else "<H", content, first)[0]
    for at in range(first + (8 if big else 2), first + (8 + 20 * count if big else 2 + 12 * count), 20 if big else 12):
        if struct.unpack_from("<H", content, at)[0] == tag:
            struct.pack_into("<I", content, at + (12 if big else 8), value)
    return bytes(content)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize(
    ("number", "name"), [(34712, "JPEG 2000"), (34661, "JBIG"), (34887, "LERC"), (50002, "JPEG XL"), (34713, "camera")]
)
def test_a_tiff_names_the_compression_that_is_not_known(tmp_path: Path, number: int, name: str, big: bool) -> None:
    error = refused(tmp_path, tiff_with(259, number, big))

    assert error.reason is Reason.UNSUPPORTED
    assert name in error.detail and error.detail.endswith("compression, which cannot be decoded here.")


@pytest.mark.parametrize("number", [0, 12345, 65000 + 99])
def test_a_number_that_is_no_compression_is_damage(tmp_path: Path, number: int) -> None:
    assert refused(tmp_path, tiff_with(259, number)).reason is Reason.DAMAGED


@pytest.mark.parametrize(("name", "pillow"), [("LZMA", "lzma"), ("Zstandard", "zstd"), ("WebP", "webp")])
def test_a_codec_that_libtiff_may_have_is_read_or_named(tmp_path: Path, name: str, pillow: str) -> None:
    number = {"lzma": 34925, "zstd": 50000, "webp": 50001}[pillow]
    error = refused(tmp_path, tiff_with(259, number))  # the data are not of that coding: damage, where it is known

    assert error.reason is (Reason.DAMAGED if unsupported._has_codec(pillow) else Reason.UNSUPPORTED)
    assert unsupported._has_codec(pillow) or name in error.detail


def test_odd_samples_are_unsupported_and_impossible_ones_damage(tmp_path: Path) -> None:
    content = encoded(written("L", 255, 0), "TIFF")

    def grey(bits: int) -> ReasonedError:
        return refused(
            tmp_path, content.replace(struct.pack("<HHIH", 258, 3, 1, 8), struct.pack("<HHIH", 258, 3, 1, bits))
        )

    assert grey(12).detail == "The TIFF picture is stored in samples of 12 bits, which cannot be decoded here."
    assert grey(900).reason is Reason.DAMAGED


def jpeg_with(frame: int, bits: int) -> bytes:
    content = bytearray(encoded(written(), "JPEG", dpi=(300, 300)))
    at = content.index(b"\xff\xc0")
    content[at + 1], content[at + 4] = frame, bits
    return bytes(content)


@pytest.mark.parametrize(
    ("frame", "bits", "what"),
    [
        (0xC1, 12, "in samples of 12 bits"),
        (0xC2, 12, "in samples of 12 bits"),
        (0xC3, 8, "as lossless JPEG"),
        (0xC5, 8, "as hierarchical JPEG"),
        (0xF7, 8, "as JPEG-LS"),
    ],
)
def test_kinds_of_jpeg_that_are_not_decoded_are_named(tmp_path: Path, frame: int, bits: int, what: str) -> None:
    error = refused(tmp_path, jpeg_with(frame, bits))

    assert error.reason is Reason.UNSUPPORTED
    assert error.detail == f"The JPEG picture is stored {what}, which cannot be decoded here."


@pytest.mark.parametrize(("depth", "mode"), [(16, 3), (32, 3), (16, 1), (8, 9)])
def test_a_photoshop_document_in_deep_colours_is_unsupported(tmp_path: Path, depth: int, mode: int) -> None:
    header = b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 80, 240, depth, mode) + bytes(40)

    if (mode, depth) != (9, 8):
        assert refused(tmp_path, header).reason is Reason.UNSUPPORTED


def test_a_raw_camera_file_is_not_read_as_its_preview(tmp_path: Path) -> None:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[254], tags[330] = 1, 8
    tags.tagtype[330] = 4

    error = refused(tmp_path, encoded(written(), "TIFF", tiffinfo=tags))

    assert (error.reason, error.detail[:25]) == (Reason.UNSUPPORTED, "This is a raw camera file")


def test_a_thumbnail_that_is_a_page_of_its_own_is_read(tmp_path: Path) -> None:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[254] = 1  # a reduced picture, but no other below it

    assert len(pages_of(tmp_path, encoded(written(), "TIFF", tiffinfo=tags))) == 1
