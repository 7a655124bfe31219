"""A page's picture as an image of a PDF, as small as it can be without showing: which coding, and nothing about places.

Black and white is coded as faxes are, few other colours stay exact (Flate), a JPEG file keeps its very bytes, and
everything else becomes JPEG.
"""

import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageChops

from dropscribe.formats.pdf.object_writer import Spool

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

QUALITY = 90  # of JPEG, 0 to 95
EXACT_FACTOR = 1.5  # exact colours may cost so much more than JPEG; screenshots cost less, scans of grey paper more
_SPACES = {"L": "/DeviceGray", "RGB": "/DeviceRGB", "CMYK": "/DeviceCMYK"}
_KINDS = {"L": b"GRAY", "RGB": b"RGB ", "CMYK": b"CMYK"}  # the data colour space in the header of an ICC profile
_INVERTED = " /Decode [1 0 1 0 1 0 1 0]"  # the inks of a CMYK JPEG, as Adobe writes it and everybody after it
_ORIENTATION = 0x0112  # EXIF tag
_SIDEWAYS = range(5, 9)  # its values that change width and height
STRIP_ROWS, STRIP_OFFSETS, STRIP_BYTES = 278, 273, 279  # TIFF tags


@dataclass(frozen=True)
class Embedded:
    """An image in the file: its object number, and how it must be turned to stand upright (as EXIF counts, 1 to 8)."""

    number: int
    orientation: int = 1


@dataclass(frozen=True)
class _Coded:
    data: bytes
    coding: str
    space: str  # PDF syntax
    bits: int = 8
    more: str = ""  # further entries


def embed(spool: Spool, image: "Picture") -> Embedded:
    """Write *image* to *spool* as an image XObject."""
    return Embedded(_write(spool, _coded(image), image.size))


def embed_original(spool: Spool, path: str, size: tuple[int, int]) -> Embedded | None:
    """Write the JPEG file at *path* to *spool* byte for byte; return None where that won't do.

    It does when the file is a grey, RGB or CMYK JPEG of *size* pixels as it stands upright. A colour profile in it is
    kept.
    """
    try:
        with Image.open(path) as image:
            turn = image.getexif().get(_ORIENTATION, 1)
            turn = turn if turn in range(1, 9) else 1
            stored = size[::-1] if turn in _SIDEWAYS else size
            if image.format not in ("JPEG", "MPO") or image.size != stored or image.mode not in _SPACES:
                return None
            mode, profile = image.mode, image.info.get("icc_profile")
        with open(path, "rb") as file:
            data = file.read()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None  # odd enough that only the decoded picture is to be trusted
    more = _INVERTED if mode == "CMYK" else ""
    return Embedded(_write(spool, _Coded(data, "/DCTDecode", _space(spool, mode, profile), more=more), stored), turn)


def _write(spool: Spool, coded: _Coded, size: tuple[int, int]) -> int:
    kind = f"/Type /XObject /Subtype /Image /Width {size[0]} /Height {size[1]}"
    look = f"/ColorSpace {coded.space} /BitsPerComponent {coded.bits} /Filter {coded.coding}{coded.more}"
    return spool.add(f"{kind} {look}", coded.data)


def _space(spool: Spool, mode: str, profile: bytes | None) -> str:
    """Return the colour space for *mode*: the one in *profile* where that is of the same kind."""
    if profile is None or profile[16:20] != _KINDS[mode]:
        return _SPACES[mode]
    number = spool.add_compressed(f"/N {len(mode)} /Alternate {_SPACES[mode]}", profile)
    return f"[/ICCBased {number} 0 R]"


def _coded(image: "Picture") -> _Coded:
    colours = image.getcolors(256)  # None when there are more; counting stops there
    if colours is None:
        return _photo(image.convert("RGB"))
    points = [colour if isinstance(colour, tuple) else (colour,) * 3 for _, colour in colours]
    if set(points) <= {(0, 0, 0), (255, 255, 255)}:
        return _fax(image.convert("1", dither=Image.Dither.NONE))
    grey = all(red == green == blue for red, green, blue in points)
    photo = _photo(image.convert("L" if grey else "RGB"))
    exact = _indexed(image.convert("RGB"), len(points))
    if exact is None or len(exact.data) > EXACT_FACTOR * len(photo.data):
        return photo
    return exact


def _fax(image: "Picture") -> _Coded:
    """Return a picture of mode 1 in Group 4 coding (ITU-T T.6), or deflated where that is smaller, as when dithered."""
    deflated = _Coded(zlib.compress(image.tobytes()), "/FlateDecode", _SPACES["L"], 1)
    coded = BytesIO()
    # libtiff codes set bits as black; one strip, because a PDF knows no others.
    ImageChops.invert(image).save(coded, "TIFF", compression="group4", tiffinfo={STRIP_ROWS: image.height})
    with Image.open(coded) as tiff:
        tags: Any = tiff.tag_v2  # type: ignore[attr-defined]  # a TIFF
        starts, lengths = tags[STRIP_OFFSETS], tags[STRIP_BYTES]
    data = coded.getvalue()[starts[0] : starts[0] + lengths[0]]
    if len(starts) > 1 or len(data) >= len(deflated.data):
        return deflated
    how = f" /DecodeParms << /K -1 /Columns {image.width} /Rows {image.height} >>"
    return _Coded(data, "/CCITTFaxDecode", _SPACES["L"], 1, how)


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
