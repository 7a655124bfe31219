"""A page's picture as an image of a PDF, as small as it can be without showing: which coding, and nothing about places.

Few colours stay exact (Flate); a JPEG that needs no change keeps its very bytes; everything else becomes JPEG.
"""

import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from PIL import Image, ImageChops

from dropscribe.formats.spool import Spool

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

QUALITY = 90  # of JPEG, 0 to 95
EXACT_FACTOR = 1.5  # exact colours may cost so much more than JPEG; screenshots cost less, scans of grey paper more
_SPACES = {"L": "/DeviceGray", "RGB": "/DeviceRGB"}
_ORIENTATION = 0x0112  # EXIF tag


@dataclass(frozen=True)
class _Coded:
    data: bytes
    coding: str
    space: str  # PDF syntax
    bits: int = 8


def embed(spool: Spool, image: "Picture") -> int:
    """Write *image* to *spool* as an image XObject and return its object number."""
    return _write(spool, _coded(image), image.size)


def embed_original(spool: Spool, path: str, size: tuple[int, int]) -> int | None:
    """Write the JPEG file at *path* to *spool* byte for byte; return its object number, or None where that won't do.

    It does when the file is an upright grey or RGB JPEG of *size* pixels. A colour profile in it is kept.
    """
    try:
        with Image.open(path) as image:
            upright = image.getexif().get(_ORIENTATION, 1) == 1
            if image.format != "JPEG" or image.size != size or image.mode not in _SPACES or not upright:
                return None
            mode, profile = image.mode, image.info.get("icc_profile")
        with open(path, "rb") as file:
            data = file.read()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None  # odd enough that only the decoded picture is to be trusted
    return _write(spool, _Coded(data, "/DCTDecode", _space(spool, mode, profile)), size)


def _write(spool: Spool, coded: _Coded, size: tuple[int, int]) -> int:
    kind = f"/Type /XObject /Subtype /Image /Width {size[0]} /Height {size[1]}"
    look = f"/ColorSpace {coded.space} /BitsPerComponent {coded.bits} /Filter {coded.coding}"
    return spool.add(f"{kind} {look}", coded.data)


def _space(spool: Spool, mode: str, profile: bytes | None) -> str:
    """Return the colour space for *mode*: the one in *profile* where that is of the same kind."""
    kind = b"GRAY" if mode == "L" else b"RGB "
    if profile is None or profile[16:20] != kind:  # the data colour space in the header of an ICC profile
        return _SPACES[mode]
    number = spool.add_compressed(f"/N {len(mode)} /Alternate {_SPACES[mode]}", profile)
    return f"[/ICCBased {number} 0 R]"


def _coded(image: "Picture") -> _Coded:
    colours = image.getcolors(256)  # None when there are more; counting stops there
    if colours is None:
        return _photo(image.convert("RGB"))
    points = [colour if isinstance(colour, tuple) else (colour,) * 3 for _, colour in colours]
    if set(points) <= {(0, 0, 0), (255, 255, 255)}:
        bits = image.convert("1", dither=Image.Dither.NONE).tobytes()
        return _Coded(zlib.compress(bits), "/FlateDecode", _SPACES["L"], 1)
    grey = all(red == green == blue for red, green, blue in points)
    photo = _photo(image.convert("L" if grey else "RGB"))
    exact = _indexed(image.convert("RGB"), len(points))
    if exact is None or len(exact.data) > EXACT_FACTOR * len(photo.data):
        return photo
    return exact


def _photo(image: "Picture") -> _Coded:
    coded = BytesIO()
    # Colour at full resolution: halved, it blurs coloured letters.
    image.save(coded, "JPEG", quality=QUALITY, subsampling=0)
    return _Coded(coded.getvalue(), "/DCTDecode", _SPACES[image.mode])


def _indexed(image: "Picture", colours: int) -> _Coded | None:
    """Return *image* with a palette, or None when its colours cannot be kept exactly."""
    small = image.quantize(colours, dither=Image.Dither.NONE)
    if ImageChops.difference(small.convert("RGB"), image).getbbox() is not None:
        return None
    palette = bytes(small.getpalette("RGB") or b"")
    space = f"[/Indexed /DeviceRGB {len(palette) // 3 - 1} <{palette.hex()}>]"
    return _Coded(zlib.compress(small.tobytes()), "/FlateDecode", space)
