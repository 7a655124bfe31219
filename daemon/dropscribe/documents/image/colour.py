"""From any of Pillow's modes to upright RGB that can be read: depth, inks, profile, transparency, orientation.

Pure: an image in, an image out. No file is opened and no text is looked for.
"""

import io
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageCms, ImageFilter

DEEP_MODES = frozenset({"I", "F", "I;16", "I;16L", "I;16B", "I;16N"})
MAX_PROFILE_BYTES = 16 << 20
PHOTOMETRIC, MIN_IS_WHITE = 262, 0  # a TIFF tag, and its value for inks
BAND_PIXELS = 1 << 22

# EXIF tag 0x0112 (Exif 2.3, 4.6.4 A): how the stored rows have to be turned to stand upright.
ORIENTATION = 0x0112
SIDEWAYS = range(5, 9)  # its values that change width and height
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def upright_rgb(image: Image.Image) -> Image.Image:
    """Return *image* (decoded, any mode) as RGB of 8 bits, flattened, in sRGB, turned as its EXIF says."""
    turn = TURNS.get(orientation(image) or 1)
    flat = _rgb(image)
    return flat.transpose(turn) if turn is not None else flat


def orientation(image: Image.Image) -> int | None:
    """Return how *image* has to be turned to stand upright, as EXIF counts, 1 to 8; None where it does not say."""
    try:
        found = image.getexif().get(ORIENTATION)
        return found if isinstance(found, int) else None
    except Exception:  # metadata raises anything at all, and a page is readable without
        return None


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode in DEEP_MODES:
        grey = Image.fromarray(_eight_bits(np.asarray(image)))
        return (ImageChops.invert(grey) if _is_negative(image) else grey).convert("RGB")
    if "transparency" in image.info and image.mode in ("1", "L", "P", "RGB"):
        return _flattened(image.convert("RGBA"))
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or (image.palette and image.palette.mode == "RGBA"):
        return _flattened(_managed(image if image.mode == "RGBA" else image.convert("RGBA"), image))
    return _managed(image, image).convert("RGB")


def _is_negative(image: Image.Image) -> bool:
    """Say whether a TIFF's deep samples count down to black (Pillow turns only those of up to 8 bits)."""
    tags = getattr(image, "tag_v2", None)
    return tags is not None and tags.get(PHOTOMETRIC) == MIN_IS_WHITE


def _managed(image: Image.Image, source: Image.Image) -> Image.Image:
    """Return *image* in sRGB by the profile of *source*; unchanged where that is absent, broken or ruins it."""
    profile = source.info.get("icc_profile")
    if image.mode not in ("RGB", "RGBA", "CMYK") or not isinstance(profile, bytes) or len(profile) > MAX_PROFILE_BYTES:
        return image
    try:
        known = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "srgb" in ImageCms.getProfileDescription(known).lower():
            return image
        mode = "RGBA" if image.mode == "RGBA" else "RGB"
        managed = ImageCms.profileToProfile(image, known, ImageCms.createProfile("sRGB"), outputMode=mode)
    except Exception:  # a profile is hostile input too; the colours without it are good enough for reading
        return image
    return managed if managed is not None and _keeps_contrast(image, managed) else image


def _keeps_contrast(before: Image.Image, after: Image.Image) -> bool:
    """Say whether colour management left the light and dark of a picture apart."""
    small = (min(before.width, 256), min(before.height, 256))
    spans = []
    for image in (before, after):
        grey = image.resize(small, Image.Resampling.NEAREST).convert("RGB").convert("L")
        spans.append(int(np.ptp(np.asarray(grey).astype(np.int16))))
    return spans[1] * 2 >= spans[0]


def _eight_bits(deep: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Return a picture of deep samples as 8 bits, by the range of its values, a band of rows at a time."""
    low, high = _range(deep)
    scale = 255 / (high - low) if high > low else 0.0
    out = np.empty(deep.shape, np.uint8)
    for rows in _bands(deep.shape):
        band = deep[rows].astype(np.float64)
        np.nan_to_num(band, copy=False, nan=low, posinf=high, neginf=low)
        out[rows] = np.clip((band - low) * scale + 0.5, 0, 255)
    return out


def _range(deep: NDArray[np.generic]) -> tuple[float, float]:
    """Return the values that become black and white.

    Whole numbers: 0 and the most that their bits can hold (12-bit scans come in 16), unless the picture uses only a
    small part of a deep range. Fractions: 0 and 1, or 0 and 255, where they fit; else the least and the greatest.
    """
    lows, highs = [], []
    for rows in _bands(deep.shape):
        band = np.asarray(deep[rows])
        band = band[np.isfinite(band.astype(np.float64))]
        if band.size:
            lows.append(float(band.min()))
            highs.append(float(band.max()))
    low, high = (min(lows), max(highs)) if lows else (0.0, 0.0)
    if low < 0:
        return low, high
    if deep.dtype.kind == "f":
        return next(((0.0, full) for full in (1.0, 255.0) if high <= full), (low, high))
    full = float((1 << max(1, int(high).bit_length())) - 1)
    return (low, high) if 256 <= high - low < full / 4 else (0.0, full)


def _bands(shape: tuple[int, ...]) -> Iterator[slice]:
    rows = max(1, BAND_PIXELS // max(1, shape[1]))
    return (slice(top, top + rows) for top in range(0, shape[0], rows))


def _flattened(image: Image.Image) -> Image.Image:
    """Return an RGBA picture on the ground against which its own edges stand out; white where it is all clear."""
    alpha = image.getchannel("A")
    if alpha.getextrema() == (255, 255) or _alpha_says_nothing(image, alpha):
        return image.convert("RGB")
    level = _ground(image, alpha)
    flat = Image.new("RGB", image.size, (level, level, level))
    flat.paste(image.convert("RGB"), mask=alpha)
    return flat


def _alpha_says_nothing(image: Image.Image, alpha: Image.Image) -> bool:
    """Say whether everything is clear, and yet there is a picture: a channel that its writer left empty."""
    colours = image.convert("RGB")
    return alpha.getextrema() == (0, 0) and any(len(set(band.getextrema())) > 1 for band in colours.split())


def _ground(image: Image.Image, alpha: Image.Image) -> int:
    """Return the grey to put behind: what borders on the clear parts (strokes do, areas hardly) must differ from it."""
    strongest = int(np.asarray(alpha).max())
    solid = alpha.point([255 if value * 2 > strongest else 0 for value in range(256)])
    near_clear = ImageChops.invert(solid).filter(ImageFilter.MaxFilter(3))
    counts = image.convert("RGB").convert("L").histogram(ImageChops.darker(solid, near_clear))
    dark, light = sum(counts[:96]), sum(counts[160:])
    if min(dark, light) * 4 > dark + light:
        return 128  # both black and white strokes: only grey shows the two
    return 0 if light > dark else 255
