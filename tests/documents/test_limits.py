"""Limits hold before memory is spent, and every fault is a reason of the file kind."""

import struct
import sys
import warnings
import zlib
from pathlib import Path

import pytest
from PIL import Image

from dropscribe.config import Settings
from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.documents import limits
from dropscribe.documents.opening import open_document
from support.image_files import encoded, intake, pages_of, written
from support.pdf_files import Maker


def reason_of(folder: Path, content: bytes, settings: Settings | None = None, name: str = "a.bin") -> Reason:
    with pytest.raises(ReasonedError) as caught:
        pages_of(folder, content, name, settings)
    return caught.value.reason


def promising_png(width: int, height: int) -> bytes:
    """Return a PNG whose header promises more pixels than follow."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0")), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


def test_an_empty_file_is_empty(tmp_path: Path) -> None:
    assert reason_of(tmp_path, b"", name="a.png") is Reason.EMPTY


def test_a_file_over_the_limit_is_too_big_before_it_is_opened(tmp_path: Path) -> None:
    content = encoded(written(), "PNG")

    assert reason_of(tmp_path, content, intake(max_file=len(content) - 1)) is Reason.TOO_BIG
    assert len(pages_of(tmp_path, content, settings=intake(max_file=len(content)))) == 1


def test_a_file_that_is_not_there_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(ReasonedError) as caught:
        open_document(str(tmp_path / "gone.png"), Settings())

    assert caught.value.reason is Reason.UNREADABLE


@pytest.mark.parametrize("format", ["PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP", "AVIF", "JPEG2000", "PPM", "TGA"])
def test_a_page_over_the_pixel_limit_is_refused_and_one_at_it_is_read(tmp_path: Path, format: str) -> None:
    content = encoded(written(), format)

    assert reason_of(tmp_path, content, intake(max_pixels=240 * 80 - 1)) is Reason.TOO_MANY_PIXELS
    assert len(pages_of(tmp_path, content, settings=intake(max_pixels=240 * 80))) == 1


def test_a_header_that_promises_too_much_is_believed(tmp_path: Path) -> None:
    assert reason_of(tmp_path, promising_png(60_000, 60_000)) is Reason.TOO_MANY_PIXELS


def test_pillow_s_own_limit_is_neither_used_nor_lost(tmp_path: Path) -> None:
    before = Image.MAX_IMAGE_PIXELS
    large = encoded(Image.new("1", (10_000, 9_500), 1), "PNG")  # above Pillow's own 89 million

    [page] = pages_of(tmp_path, large)

    assert page.blank and page.width == 10_000
    assert before == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize("page", [1, 2, 3])
def test_any_frame_of_a_tiff_over_the_pixel_limit_is_refused(tmp_path: Path, page: int) -> None:
    frames = [Image.new("L", (90 if n == page else 20, 20)) for n in (1, 2, 3)]
    content = encoded(frames[0], "TIFF", save_all=True, append_images=frames[1:])

    assert reason_of(tmp_path, content, intake(max_pixels=1000)) is Reason.TOO_MANY_PIXELS


def test_a_gif_is_measured_with_all_its_frames(tmp_path: Path) -> None:
    frames = [written("P", 0, 1), written("P", 1, 0)]
    content = bytearray(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=50))
    second = content.rindex(b",\0\0\0\0" + struct.pack("<HH", 240, 80))
    struct.pack_into("<HH", content, second + 1, 760, 20)  # it now reaches to 1000 x 100

    assert reason_of(tmp_path, bytes(content), intake(max_pixels=99_999)) is Reason.TOO_MANY_PIXELS
    assert len(pages_of(tmp_path, bytes(content), settings=intake(max_pixels=100_000))) == 1


@pytest.mark.parametrize("kind", ["tiff", "pdf"])
def test_a_document_over_the_page_limit_is_refused_and_one_at_it_is_read(tmp_path: Path, kind: str) -> None:
    frames, maker = [Image.new("L", (20, 20)) for _ in range(4)], Maker()
    for _ in frames:
        maker.page(box=(0, 0, 30, 30))
    content = encoded(frames[0], "TIFF", save_all=True, append_images=frames[1:]) if kind == "tiff" else maker.bytes()

    assert reason_of(tmp_path, content, intake(max_pages=3)) is Reason.TOO_MANY_PAGES
    assert len(pages_of(tmp_path, content, settings=intake(max_pages=4))) == 4


def test_a_picture_inside_a_pdf_over_the_pixel_limit_is_refused(tmp_path: Path) -> None:
    maker = Maker().page("q 200 0 0 200 0 0 cm /P Do Q", pictures={"P": Image.new("L", (3000, 3000))})

    assert reason_of(tmp_path, maker.bytes(), intake(max_pixels=8_000_000)) is Reason.TOO_MANY_PIXELS


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds the address space")
def test_a_decoder_that_wants_too_much_memory_is_stopped_and_the_bound_goes_again() -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_AS)
    with pytest.raises(ReasonedError) as caught, limits.decoding("The picture", Settings(), pixels=1):
        bytearray(3 << 30)

    assert caught.value.reason is Reason.DECODE_MEMORY
    assert before == resource.getrlimit(resource.RLIMIT_AS)


FAULTS = [
    (MemoryError(), Reason.DECODE_MEMORY),
    (RuntimeError("Memory allocation error: out of memory"), Reason.DECODE_MEMORY),
    (Image.DecompressionBombError("x"), Reason.TOO_MANY_PIXELS),
    (Image.DecompressionBombWarning("x"), Reason.TOO_MANY_PIXELS),
    (OSError("image file is truncated (3 bytes not processed)"), Reason.TRUNCATED),
    (OSError(5, "Input/output error"), Reason.UNREADABLE),
    (OSError(22, "Invalid argument"), Reason.DAMAGED),
    (SyntaxError("not a PNG file"), Reason.DAMAGED),
    (RecursionError(), Reason.DAMAGED),
    (ReasonedError(Reason.ENCRYPTED, "x"), Reason.ENCRYPTED),
]


@pytest.mark.parametrize(("error", "reason"), FAULTS)
def test_whatever_a_decoder_raises_becomes_a_reason(error: Exception, reason: Reason) -> None:
    with pytest.raises(ReasonedError) as caught, limits.decoding("The picture", Settings()):
        raise error

    assert caught.value.reason is reason
    assert caught.value.reason.kind == "file"


def test_warnings_of_decoders_are_silenced_only_while_they_run() -> None:
    with limits.decoding("The picture", Settings()):
        warnings.warn("odd metadata", UserWarning, stacklevel=1)

    with pytest.raises(UserWarning):
        warnings.warn("odd metadata", UserWarning, stacklevel=1)
