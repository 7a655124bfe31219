"""Every picture in a file that is a page becomes one; previews, masks and repetitions do not; none goes in silence."""

import struct
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from dropscribe.core.errors import Reason
from support import heif_files
from support.image_files import contrast, encoded, intake, pages_of, reason_of, written


def numbered(count: int, mode: str = "RGB") -> list[Image.Image]:
    """Return pictures of which each has a bar elsewhere."""
    images = []
    for number in range(count):
        image = written(mode)
        image.paste("black", (20 + 7 * number, 50, 26 + 7 * number, 70))
        images.append(image)
    return images


def animation(images: Sequence[Image.Image], format: str, **how: object) -> bytes:
    return encoded(images[0], format, save_all=True, append_images=list(images[1:]), duration=100, **how)


def tiff(*frames: tuple[Image.Image, int]) -> bytes:
    """Return a TIFF with a frame for each picture and its NewSubfileType."""
    out = b"II*\0" + struct.pack("<I", 8)
    for index, (image, kind) in enumerate(frames):
        grey = image.convert("L")
        entries = 10
        rows = len(out) + 2 + 12 * entries + 4
        after = 0 if index == len(frames) - 1 else rows + len(grey.tobytes())
        tags = [(254, 4, kind), (256, 4, grey.width), (257, 4, grey.height), (258, 3, 8), (259, 3, 1), (262, 3, 1)]
        tags += [(273, 4, rows), (277, 3, 1), (278, 4, grey.height), (279, 4, len(grey.tobytes()))]
        directory = b"".join(struct.pack("<HHII", tag, form, 1, value) for tag, form, value in tags)
        out += struct.pack("<H", entries) + directory + struct.pack("<I", after) + grey.tobytes()
    return out


def test_previews_and_masks_of_a_tiff_are_no_pages(tmp_path: Path) -> None:
    page, other = numbered(2)
    small = page.resize((120, 40))
    content = tiff((small, 1), (page, 0), (other, 2), (page, 4), (small, 1))
    pages = pages_of(tmp_path, content)

    assert [(p.number, p.width) for p in pages] == [(1, 240), (2, 240)]
    assert pages[0].image.tobytes() != pages[1].image.tobytes()


@pytest.mark.parametrize("shape", [(240, 80), (80, 240), (480, 60)])
def test_a_frame_that_only_claims_to_be_a_preview_is_a_page(tmp_path: Path, shape: tuple[int, int]) -> None:
    page = written()

    assert len(pages_of(tmp_path, tiff((page.resize((60, 30)), 0), (page.resize(shape), 1)))) == 2
    assert len(pages_of(tmp_path, tiff((page, 1), (page.resize(shape), 1)))) == 2


@pytest.mark.parametrize("primary", [0, 2])
def test_the_pictures_of_a_heic_are_its_pages(tmp_path: Path, primary: int) -> None:
    pages = pages_of(tmp_path, heif_files.three(primary))

    assert [page.number for page in pages] == [1, 2, 3]
    assert len({page.image.tobytes() for page in pages}) == 3
    assert reason_of(tmp_path, heif_files.three(), settings=intake(max_pages=2)) is Reason.TOO_MANY_PAGES


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "AVIF"])
def test_frames_of_an_animation_that_show_something_new_are_pages(tmp_path: Path, format: str) -> None:
    one, two, three = numbered(3)
    pages = pages_of(tmp_path, animation([one, two, one, two, three], format))

    assert [page.flags for page in pages] == [()] * 3
    assert len({page.image.tobytes() for page in pages}) == 3


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
def test_a_blank_first_frame_hides_nothing(tmp_path: Path, format: str) -> None:
    white = Image.new("RGB", (240, 80), "white")
    [page] = pages_of(tmp_path, animation([white, written()], format))

    assert not page.blank and contrast(page) > 200


@pytest.mark.parametrize("format", ["GIF", "WEBP"])
def test_of_a_film_one_frame_is_read_and_the_page_says_so(tmp_path: Path, format: str) -> None:
    white = Image.new("RGB", (240, 80), "white")
    [page] = pages_of(tmp_path, animation([white, *numbered(25)], format))

    assert page.flags == ("partial",) and not page.blank


def test_an_animation_that_stops_in_the_middle_is_read_so_far_or_refused(tmp_path: Path) -> None:
    whole = animation(numbered(4), "PNG")
    cut = whole[: whole.rindex(b"fdAT") + 30]
    try:
        pages = pages_of(tmp_path, cut)
    except Exception as error:
        assert getattr(error, "reason", None) in (Reason.TRUNCATED, Reason.DAMAGED)
    else:
        assert all(page.flags == ("partial",) for page in pages)


def test_pages_of_an_animation_that_are_known_are_skipped(tmp_path: Path) -> None:
    from dropscribe.config import Settings
    from dropscribe.documents.opening import open_document

    (tmp_path / "a.gif").write_bytes(animation(numbered(3), "GIF"))
    document = open_document(str(tmp_path / "a.gif"), Settings())

    assert [page.number for page in document.pages(frozenset({1, 2}))] == [3]
