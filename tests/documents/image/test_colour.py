"""Every mode becomes upright RGB in which a word can be read."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from dropscribe.core.errors import Reason, ReasonedError
from dropscribe.documents.image.colour import upright_rgb
from support.image_files import encoded, pages_of, upper_left_is_darkest, written


def span(image: Image.Image) -> int:
    assert image.mode == "RGB"
    return int(np.ptp(np.asarray(image.convert("L")).astype(int)))


@pytest.mark.parametrize(
    "mode", ["1", "L", "P", "RGB", "RGBA", "LA", "PA", "RGBX", "CMYK", "YCbCr", "HSV", "LAB", "I", "F"]
)
def test_a_word_survives_from_every_mode(mode: str) -> None:
    image = written()
    if mode == "PA":
        image = image.convert("RGBA").quantize(8).convert("PA")
    elif mode == "LAB":
        srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        image = ImageCms.profileToProfile(image, srgb, lab, outputMode="LAB")
    elif mode in ("I", "F", "LA"):
        image = image.convert("L").convert(mode)
    else:
        image = image.convert(mode)

    assert span(upright_rgb(image)) > 200


@pytest.mark.parametrize("bits", [1, 2, 8, 10, 12, 16])
@pytest.mark.parametrize("kind", ["<u2", ">u2"])
def test_deep_grey_is_scaled_by_its_range_and_not_clipped(bits: int, kind: str) -> None:
    most = (1 << bits) - 1
    ramp = np.linspace(0, most, 256).round().astype(kind).repeat(16).reshape(64, 64)

    out = np.asarray(upright_rgb(Image.fromarray(ramp)).convert("L")).astype(int)

    assert (out.min(), out.max()) == (0, 255)
    assert (np.diff(out.ravel()) >= 0).all()
    if bits >= 8:
        assert len(np.unique(out)) == 256


def test_a_narrow_part_of_a_deep_range_is_stretched() -> None:
    image = np.full((40, 40), 30_000, np.uint16)
    image[10:20, 10:20] = 31_000

    assert span(upright_rgb(Image.fromarray(image))) == 255


@pytest.mark.parametrize("values", [(0.0, 1.0), (0.0, 255.0), (-3.0, 7.5), (1e5, 9e9)])
def test_fractions_are_scaled_by_their_range(values: tuple[float, float]) -> None:
    image = np.full((40, 40), values[1], np.float32)
    image[10:20, 10:20] = values[0]

    assert span(upright_rgb(Image.fromarray(image))) == 255


def test_values_that_are_no_numbers_do_no_harm() -> None:
    image = np.full((40, 40), 1.0, np.float32)
    image[10:20, 10:20] = 0.0
    image[0, 0], image[0, 1], image[0, 2] = np.nan, np.inf, -np.inf

    assert span(upright_rgb(Image.fromarray(image))) == 255
    assert span(upright_rgb(Image.fromarray(np.full((9, 9), np.nan, np.float32)))) == 0


@pytest.mark.parametrize("ink", ["white", "black", "#0000a0", "#ffff80"])
def test_a_word_on_clear_ground_stays_visible(ink: str) -> None:
    for level in (255, 110):
        image = Image.new("RGBA", (240, 80), (0, 0, 0, 0))
        mask = written("L", 0, level)
        image.paste(Image.new("RGBA", image.size, ink), mask=mask)

        assert span(upright_rgb(image)) > 60


def test_white_and_black_words_on_clear_ground_both_stay_visible() -> None:
    image = Image.new("RGBA", (240, 160), (0, 0, 0, 0))
    for ink, top in (("white", 0), ("black", 80)):
        image.paste(Image.new("RGBA", (240, 80), ink), (0, top), written("L", 0, 255))
    flat = upright_rgb(image)

    assert span(flat.crop((0, 0, 240, 80))) > 80
    assert span(flat.crop((0, 80, 240, 160))) > 80


def test_white_on_clear_ground_stays_visible_beside_a_light_panel_of_its_own() -> None:
    image = Image.new("RGBA", (240, 400), (0, 0, 0, 0))
    image.paste(Image.new("RGBA", (240, 80), "white"), mask=written("L", 0, 255))
    image.paste(written().convert("RGBA"), (0, 300))

    assert span(upright_rgb(image).crop((0, 0, 240, 80))) > 200


def test_grey_with_alpha_and_a_palette_with_a_clear_entry_stay_visible() -> None:
    grey = Image.merge("LA", (Image.new("L", (240, 80), 255), written("L", 0, 255)))
    palette = written("P", 0, 1)
    palette.putpalette([0, 0, 0, 255, 255, 255])
    palette.info["transparency"] = 0

    assert span(upright_rgb(grey)) > 200
    assert span(upright_rgb(palette)) > 200


def test_all_clear_is_white() -> None:
    assert upright_rgb(Image.new("RGBA", (9, 9), (0, 0, 0, 0))).getcolors() == [(81, (255, 255, 255))]


def swapped_profile() -> bytes:
    """Return a profile in which red and blue have changed places, under a name of its own."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    at = srgb.index(b"rXYZ")
    swapped = srgb.replace(b"bXYZ", b"rXYZ", 1)
    swapped = swapped[:at] + b"bXYZ" + swapped[at + 4 :]
    return swapped.replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be")).replace(b"sRGB", b"swap")


def test_a_profile_is_applied() -> None:
    image = Image.new("RGB", (9, 9), (255, 0, 0))
    image.info["icc_profile"] = swapped_profile()
    red, _, blue = upright_rgb(image).getpixel((4, 4))

    assert blue > 200
    assert red < 60


@pytest.mark.parametrize("profile", [b"", b"junk", b"\0" * 3000, swapped_profile()[:300], "text", 7])
def test_a_broken_profile_never_fails(profile: object) -> None:
    for mode in ("RGB", "RGBA", "CMYK", "L"):
        image = written().convert(mode)
        image.info["icc_profile"] = profile

        assert span(upright_rgb(image)) > 200


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int) -> None:
    upright = written()
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    stored = upright.transpose(Image.Transpose(undo[orientation])) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    out = io.BytesIO()
    stored.save(out, "PNG", exif=exif)

    assert upright_rgb(Image.open(out)).tobytes() == upright.tobytes()


@pytest.mark.parametrize(
    "exif", [b"", b"junk", b"Exif\0\0MM\0*\0\0\xff\xff", b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12\x01" * 40]
)
def test_broken_exif_never_fails(exif: bytes) -> None:
    image = written()
    image.info["exif"] = exif

    assert upright_rgb(image).size == (240, 80)


@pytest.mark.parametrize(("bits", "kind", "low", "high"), [(1, 1, 0, 1), (4, 1, 0, 15), (8, 1, 0, 255)])
def test_min_is_white_in_shallow_tiffs(tmp_path: Path, bits: int, kind: int, low: int, high: int) -> None:
    assert paper_is_light(tmp_path, bits, kind, low, high)


@pytest.mark.parametrize(("bits", "kind", "low", "high"), [(16, 1, 0, 65535), (16, 1, 0, 4095), (32, 3, 0.0, 1.0)])
def test_min_is_white_in_deep_tiffs(tmp_path: Path, bits: int, kind: int, low: float, high: float) -> None:
    assert paper_is_light(tmp_path, bits, kind, low, high)


def test_deep_whole_numbers_that_count_down_are_unsupported_and_not_damaged(tmp_path: Path) -> None:
    with pytest.raises(ReasonedError) as caught:
        paper_is_light(tmp_path, 32, 1, 0, 2**31 - 1)

    assert caught.value.reason is Reason.UNSUPPORTED


def paper_is_light(folder: Path, bits: int, kind: int, low: float, high: float) -> bool:
    """Say whether a page whose samples count down to black comes out dark on light."""
    ink = np.asarray(written("L", 0, 255)) > 128
    samples = np.where(ink, high, low)
    if bits < 8:
        digits = "".join(f"{int(value):0{bits}b}" for value in samples.ravel())
        rows = int(digits, 2).to_bytes(len(digits) // 8, "big")
    else:
        rows = samples.astype({(8, 1): "u1", (16, 1): "<u2", (32, 1): "<u4", (32, 3): "<f4"}[bits, kind]).tobytes()
    tags = [(256, 4, 240), (257, 4, 80), (258, 3, bits), (259, 3, 1), (262, 3, 0), (273, 4, 8), (277, 3, 1)]
    tags += [(278, 4, 80), (279, 4, len(rows)), (339, 3, kind)]
    directory = b"".join(struct.pack("<HHII", tag, form, 1, value) for tag, form, value in tags)
    head = b"II*\0" + struct.pack("<I", 8 + len(rows)) + rows
    [page] = pages_of(folder, head + struct.pack("<H", len(tags)) + directory + bytes(4))
    return float(np.asarray(page.image.convert("L")).mean()) > 180


@pytest.mark.parametrize("format", ["BMP", "PNG", "TIFF", "WEBP", "TGA"])
def test_an_alpha_channel_that_was_left_empty_says_nothing(tmp_path: Path, format: str) -> None:
    image = written("RGBA", (255, 255, 255, 0), (0, 0, 0, 0))
    how = {"lossless": True, "exact": True} if format == "WEBP" else {}
    content = encoded(image, format, **how) if format != "BMP" else deep_bitmap(image)
    [page] = pages_of(tmp_path, content)

    assert not page.blank and upper_left_is_darkest(page.image)


def deep_bitmap(image: Image.Image) -> bytes:
    """Return a BMP of 32 bits with masks that name an alpha channel (BITMAPV3INFOHEADER)."""
    rows = image.transpose(Image.Transpose.FLIP_TOP_BOTTOM).tobytes("raw", "BGRA")
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    info = struct.pack("<IiiHHIIiiII", 56, image.width, image.height, 1, 32, 3, len(rows), 2835, 2835, 0, 0) + masks
    return b"BM" + struct.pack("<IHHI", 14 + len(info) + len(rows), 0, 0, 14 + len(info)) + info + rows
