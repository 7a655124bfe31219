"""What is odd about a picture file and costs no pixel is no damage; what does cost pixels is."""

import random
import re
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from dropscribe.core.errors import Reason
from support.image_files import encoded, pages_of, reason_of, save, written


def noise() -> Image.Image:
    return Image.effect_noise((301, 240), 80).convert("RGB")


def chunk(kind: bytes, body: bytes, checksum: int | None = None) -> bytes:
    told = zlib.crc32(kind + body) if checksum is None else checksum
    return len(body).to_bytes(4, "big") + kind + body + told.to_bytes(4, "big")


def png_with(extra: bytes, behind: bool = False) -> bytes:
    content = encoded(noise(), "PNG")
    at = content.index(b"IEND") - 4 if behind else content.index(b"IDAT") - 4
    return content[:at] + extra + content[at:]


def with_wrong_checksum() -> bytes:
    content = encoded(noise(), "PNG")
    at = content.index(b"IEND") - 8
    return content[:at] + bytes(4) + content[at + 4 :]


BIG = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(80 << 20)))
SOUND: dict[str, Callable[[], bytes]] = {
    "a PNG's text that is too large": lambda: png_with(BIG),
    "a PNG's text that is too large, behind": lambda: png_with(BIG, behind=True),
    "a PNG's text with a wrong checksum": lambda: png_with(chunk(b"tEXt", b"Comment\0words", 17)),
    "a PNG's time with a wrong checksum, behind": lambda: png_with(chunk(b"tIME", bytes(7), 17), behind=True),
    "a PNG's profile that is none": lambda: png_with(chunk(b"iCCP", b"x" * 90, 17)),
    "a PNG's picture with a wrong checksum outside": with_wrong_checksum,
    "a PNG without an end": lambda: encoded(noise(), "PNG")[:-12],
    "a GIF without an end": lambda: encoded(noise(), "GIF")[:-1],
    "a JPEG without an end": lambda: encoded(noise(), "JPEG")[:-2],
    "a JPEG without an end, then noughts": lambda: encoded(noise(), "JPEG")[:-2] + bytes(3000),
    "a JPEG 2000 without an end": lambda: encoded(noise(), "JPEG2000")[:-2],
    "a bare JPEG 2000 without an end": lambda: encoded(noise(), "JPEG2000", no_jp2=True)[:-2],
    "a WebP that claims more": lambda: b"RIFF\0\0\x70\0" + encoded(noise(), "WEBP")[8:],
}


@pytest.mark.parametrize("what", SOUND)
def test_what_is_odd_is_no_damage(tmp_path: Path, what: str) -> None:
    [page] = pages_of(tmp_path, SOUND[what]())

    assert page.flags == () and not page.blank


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "WEBP", "HEIF", "AVIF", "JPEG2000", "TIFF", "BMP"])
@pytest.mark.parametrize("behind", [bytes(70_000), b"written by a scanner\r\n" * 30])
def test_what_stands_behind_the_picture_does_no_harm(tmp_path: Path, format: str, behind: bytes) -> None:
    [page] = pages_of(tmp_path, save(noise(), format, {}) + behind)

    assert page.flags == ()


def test_the_colours_of_a_mended_picture_are_kept(tmp_path: Path) -> None:
    image = written("P", 0, 1)
    image.putpalette([255, 255, 200, 90, 0, 0])
    content = encoded(image, "PNG", transparency=3, dpi=(300, 300))
    [sound] = pages_of(tmp_path, content)
    [mended] = pages_of(tmp_path, content[:-12])

    assert sound.image.tobytes() == mended.image.tobytes() and sound.dpi == mended.dpi


def test_a_picture_with_bad_checksums_inside_and_outside_is_damaged(tmp_path: Path) -> None:
    content = bytearray(encoded(noise(), "PNG"))
    middle = len(content) // 2
    content[middle : middle + 64] = random.Random(1).randbytes(64)

    assert reason_of(tmp_path, bytes(content)) is Reason.DAMAGED


@pytest.mark.parametrize("missing", [12, 60, 4000])
def test_a_jpeg_that_lacks_blocks_is_truncated(tmp_path: Path, missing: int) -> None:
    whole = encoded(noise(), "JPEG")

    assert reason_of(tmp_path, whole[:-missing]) is Reason.TRUNCATED
    assert reason_of(tmp_path, whole[:-missing] + bytes(4000)) is Reason.TRUNCATED


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_jpeg_whose_finer_scans_are_missing_is_truncated(tmp_path: Path, mode: str) -> None:
    whole = encoded(noise().convert(mode), "JPEG", progressive=True)
    scans = [found.start() for found in re.finditer(rb"\xff\xda", whole)]

    assert pages_of(tmp_path, whole[:-2])[0].flags == ()
    for scan in scans[1:]:
        assert reason_of(tmp_path, whole[:scan]) is Reason.TRUNCATED


@pytest.mark.parametrize("count", [2, 18, 200])
def test_bytes_that_a_scanner_left_before_the_end_are_no_damage(tmp_path: Path, count: int) -> None:
    whole = encoded(noise(), "JPEG")
    left = bytes(byte or 1 for byte in random.Random(3).randbytes(count)).replace(b"\xff", b"\x7f")
    [page] = pages_of(tmp_path, whole[:-2] + left + whole[-2:])

    assert page.flags == (() if count < 4 else ("partial",))


@pytest.mark.parametrize("compression", ["group3", "group4"])
def test_fax_rows_that_do_not_decode_are_flagged(tmp_path: Path, compression: str) -> None:
    rows = Image.effect_noise((1000, 1000), 80).convert("1")
    whole = encoded(rows, "TIFF", compression=compression)
    content = bytearray(whole)
    middle = len(content) // 2
    content[middle : middle + 200] = bytes(200)

    assert pages_of(tmp_path, whole)[0].flags == ()
    assert pages_of(tmp_path, bytes(content))[0].flags == ("partial",)
