"""A file whose end is missing is truncated, wherever it was cut, and never read in part."""

import struct
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from dropscribe.core.errors import Reason
from support import heif_files
from support.image_files import FORMATS, encoded, pages_of, reason_of, save, written


@pytest.mark.parametrize("part", [0.5, 0.9])
@pytest.mark.parametrize(("format", "how"), FORMATS)
def test_a_picture_cut_off_is_truncated(tmp_path: Path, format: str, how: dict[str, Any], part: float) -> None:
    whole = save(
        Image.effect_noise((300, 240), 80).convert("RGB"),
        format,
        how | ({"sizes": [(200, 200)]} if format == "ICO" else {}),
    )

    assert reason_of(tmp_path, whole[: int(len(whole) * part)]) is Reason.TRUNCATED


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "jpeg"])
@pytest.mark.parametrize("missing", [2, 5, 9, 40])
def test_a_tiff_that_lacks_its_very_end_is_truncated(tmp_path: Path, compression: str | None, missing: int) -> None:
    noise = Image.effect_noise((300, 240), 80).convert("RGB")
    whole = encoded(noise, "TIFF", compression=compression, tiffinfo={278: 240})  # a single strip

    assert reason_of(tmp_path, whole[:-missing]) is Reason.TRUNCATED


@pytest.mark.parametrize("format", ["HEIF", "AVIF"])
def test_a_heic_whose_last_part_is_only_room_set_aside_is_truncated(tmp_path: Path, format: str) -> None:
    noise = Image.effect_noise((600, 480), 80).convert("RGB")
    whole = heif_files.three() if format == "HEIF" else encoded(noise, format)

    assert reason_of(tmp_path, whole[:-1000] + bytes(1000)) is Reason.TRUNCATED
    assert pages_of(tmp_path, whole + (1008).to_bytes(4, "big") + b"free" + bytes(1000))


@pytest.mark.parametrize("compression", ["group4", "group3", "tiff_lzw", "packbits", "raw"])
def test_a_fax_cut_off_is_truncated_and_not_white_below(tmp_path: Path, compression: str) -> None:
    image = Image.effect_noise((1000, 1000), 80).convert("1")
    pages = [image, image]
    whole = encoded(image, "TIFF", compression=compression, save_all=True, append_images=pages)
    # Pillow writes a frame's directory in front of its rows, so that a cut may fall anywhere.
    for part in (0.2, 0.34, 0.5, 0.9, 0.999):
        assert reason_of(tmp_path, whole[: int(len(whole) * part)]) is Reason.TRUNCATED


def test_a_jpeg_whose_second_half_is_only_room_set_aside_is_truncated(tmp_path: Path) -> None:
    whole = encoded(Image.effect_noise((300, 300), 80), "JPEG")
    half = len(whole) // 2

    assert reason_of(tmp_path, whole[:half] + bytes(len(whole) - half)) is Reason.TRUNCATED


def test_a_jpeg_padded_behind_its_end_is_whole(tmp_path: Path) -> None:
    assert len(pages_of(tmp_path, encoded(written(), "JPEG") + bytes(4000))) == 1


def test_a_tiff_that_lacks_its_last_pages_is_truncated(tmp_path: Path) -> None:
    frames = [written("1", 1, 0) for _ in range(6)]
    whole = encoded(frames[0], "TIFF", save_all=True, append_images=frames[1:], compression="group4")
    assert len(pages_of(tmp_path, whole)) == 6
    for part in range(10, 100, 3):
        assert reason_of(tmp_path, whole[: len(whole) * part // 100]) is Reason.TRUNCATED


def test_a_photoshop_document_cut_off_in_its_layers_is_truncated(tmp_path: Path) -> None:
    header = b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 80, 240, 8, 3)

    assert reason_of(tmp_path, header + bytes(8) + struct.pack(">I", 5000) + bytes(300)) is Reason.TRUNCATED
