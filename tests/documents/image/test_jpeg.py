"""A JPEG with a hole is refused, though decoders go on over it; the oddities of sound ones do no harm."""

import io
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageFilter

from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.documents.image import jpeg
from dropscribe.documents.loss import Loss
from support.image_files import encoded, pages_of, written

KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "progressive": {"progressive": True},
    "optimised": {"optimize": True},
    "restarts": {"restart_marker_rows": 1},
    "fine": {"quality": 98, "subsampling": 0},
}


def page(mode: str = "RGB") -> Image.Image:
    """Return what a scanned page looks like: words, and the grain of the paper."""
    image = Image.new("L", (960, 1200), 235)
    for top in range(40, 1100, 90):
        for left in (40, 340, 640):
            image.paste(written("L", 235, 20), (left, top))
    grain = Image.effect_noise(image.size, 12).filter(ImageFilter.GaussianBlur(1))
    return Image.blend(image, grain, 0.1).convert(mode)


def holed(content: bytes, size: int, at: float, filler: Callable[[int], bytes]) -> bytes:
    start = int(len(content) * at)
    return content[:start] + filler(size) + content[start + size :]


def flagged_or_refused(folder: Path, content: bytes) -> bool:
    try:
        [page] = pages_of(folder, content)
    except ReasonedError as error:
        return error.reason in (Reason.DAMAGED, Reason.TRUNCATED)
    return "partial" in page.flags


FILLERS: dict[str, Callable[[int], bytes]] = {
    "nought": bytes,
    "ones": lambda size: b"\xff" * size,
    "noise": random.Random(5).randbytes,
    "gone": lambda size: b"",
}


@pytest.mark.parametrize("filler", FILLERS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_hole_in_the_middle_is_damage(tmp_path: Path, kind: str, filler: str) -> None:
    content = encoded(page(), "JPEG", **KINDS[kind])
    for at in (0.3, 0.5, 0.8):
        assert flagged_or_refused(tmp_path, holed(content, 4096, at, FILLERS[filler])), at


def test_a_cut_off_picture_whose_end_was_put_back_is_damaged(tmp_path: Path) -> None:
    content = encoded(page(), "JPEG")
    with pytest.raises(ReasonedError) as caught:
        pages_of(tmp_path, content[: len(content) // 2] + b"\xff\xd9")

    assert caught.value.reason is Reason.DAMAGED


def two_pictures() -> bytes:
    out = io.BytesIO()
    page().save(out, "MPO", save_all=True, append_images=[page().rotate(180)])
    return out.getvalue()


def with_thumbnail() -> bytes:
    """Return a JPEG that carries a smaller one in an APP segment, as cameras do it."""
    small = encoded(page().resize((96, 120)), "JPEG")
    return encoded(page(), "JPEG", exif=b"Exif\0\0" + Image.Exif().tobytes()[6:] + small)


def junk_between_headers() -> bytes:
    content = encoded(page(), "JPEG")
    at = content.index(b"\xff\xdb")
    return content[:at] + b"\0\1\2\3\4\5\6\7" + content[at:]


def padded(padding: bytes) -> bytes:
    return encoded(page(), "JPEG")[:-2] + padding + b"\xff\xd9"


SOUND: dict[str, Callable[[], bytes]] = {
    **{kind: lambda how=how: encoded(page(), "JPEG", **how) for kind, how in KINDS.items()},  # type: ignore[misc]
    "grey": lambda: encoded(page("L"), "JPEG"),
    "four inks": lambda: encoded(page("CMYK"), "JPEG"),
    "two pictures": two_pictures,
    "thumbnail": with_thumbnail,
    "junk behind": lambda: encoded(page(), "JPEG") + b"Samsung\0trailer\xff\xd8\xff\xc0" * 9,
    "a film behind": lambda: encoded(page(), "JPEG") + b"\0\0\0\x18ftypmp42" + random.Random(1).randbytes(5000),
    "junk between headers": junk_between_headers,
    "padding before the end": lambda: padded(bytes(64)),
    "marks before the end": lambda: padded(b"\xff" * 64),
    "two odd bytes before the end": lambda: padded(b"\x12\x34"),
    "turned": lambda: encoded(page(), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0"),
}


@pytest.mark.parametrize("kind", SOUND)
def test_the_oddities_of_sound_files_are_no_damage(tmp_path: Path, kind: str) -> None:
    assert len(pages_of(tmp_path, SOUND[kind]())) == 1


@pytest.mark.timeout(10)
def test_runs_of_marks_do_not_take_long(tmp_path: Path) -> None:
    content = encoded(page(), "JPEG")[:-2] + b"\xff\0" * 9 + (b"\xff" * 999_999 + b"\0") * 3 + b"\xff\xd9"

    assert jpeg.loss(content)


def test_what_others_write_to_stderr_comes_through_again(capfd: pytest.CaptureFixture[str]) -> None:
    assert jpeg.loss(holed(encoded(page(), "JPEG"), 999, 0.5, bytes))
    os.write(2, b"after\n")

    assert capfd.readouterr().err == "after\n"


def test_it_works_without_a_stderr() -> None:
    usual = os.dup(2)
    content = holed(encoded(page(), "JPEG"), 999, 0.5, bytes)
    os.close(2)
    try:
        found = jpeg.loss(content), jpeg.loss(content)
    finally:
        os.dup2(usual, 2)
        os.close(usual)

    assert found == (Loss.SOME, Loss.SOME)


def test_no_descriptors_are_left_behind() -> None:
    content = encoded(page(), "JPEG")
    before = os.listdir("/dev/fd")
    for _ in range(20):
        assert not jpeg.loss(content)

    assert len(before) == len(os.listdir("/dev/fd"))
