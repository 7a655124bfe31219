"""The smallest whole TrueType font that can be selected with a mouse. A PDF that shows no letters still embeds one.

Its glyphs are a single diagonal, there and back: no area, so nothing to paint, but an extent, from which readers make
the boxes that they highlight (pdfium gives an empty glyph a box without height).

After the OpenType specification 1.9 (tables of a glyf font) and PDF 1.7, 9.9 (which of them a PDF needs); cmap, name
and post are there for readers that insist on them.
"""

import struct
from functools import cache

EM = 1000  # units
HALF = EM // 2  # width of glyph 1; glyph 2 is an em wide, glyph 0 is empty
THIN = 10  # extent of glyph 3, which takes no width: pdfium loses marks whose glyph is empty


@cache
def font() -> bytes:
    """Return the bytes of the font: an empty glyph, one of half an em, one of an em, one of no width."""
    tables = {
        b"cmap": _CMAP,
        b"glyf": _glyph(HALF) + _glyph(EM) + _glyph(THIN),
        b"head": _head(0),
        b"hhea": _HHEA,
        b"hmtx": _HMTX,
    }
    tables |= {b"loca": _LOCA, b"maxp": _MAXP, b"name": struct.pack(">HHH", 0, 0, 6), b"post": _POST}
    whole = _assembled(tables)
    # The whole file has to sum up to this constant, which is what the field in `head` is for.
    tables[b"head"] = _head(0xB1B0AFBA - _sum(whole) & 0xFFFFFFFF)
    return _assembled(tables)


def _glyph(width: int) -> bytes:
    """Return a glyph of one contour of two points, 24 bytes: from the baseline to the top right corner and back."""
    box = struct.pack(">hhhhh", 1, 0, 0, width, EM)
    return box + struct.pack(">HHBBhhhh", 1, 0, 1, 1, 0, width, 0, EM)


def _assembled(tables: dict[bytes, bytes]) -> bytes:
    directory, body = b"", b""
    start = 12 + 16 * len(tables)
    for tag, table in tables.items():
        # The checksum of `head` is taken with its adjustment at nought.
        plain = table[:8] + bytes(4) + table[12:] if tag == b"head" else table
        directory += struct.pack(">4sIII", tag, _sum(plain), start + len(body), len(table))
        body += _padded(table)
    power = len(tables).bit_length() - 1
    header = struct.pack(">IHHHH", 0x00010000, len(tables), 16 << power, power, 16 * len(tables) - (16 << power))
    return header + directory + body


def _padded(table: bytes) -> bytes:
    return table + bytes(-len(table) % 4)


def _sum(data: bytes) -> int:
    words: tuple[int, ...] = struct.unpack(f">{len(_padded(data)) // 4}I", _padded(data))
    return sum(words) & 0xFFFFFFFF


def _head(adjustment: int) -> bytes:
    created = bytes(16)  # both dates at the epoch: the same bytes every time
    first = struct.pack(">IIIIHH", 0x00010000, 0x00010000, adjustment, 0x5F0F3CF5, 0b1011, EM)
    return first + created + struct.pack(">hhhhHHhhh", 0, 0, EM, EM, 0, 8, 2, 0, 0)


_HHEA = struct.pack(">IhhhHhhhhhhhhhhhH", 0x00010000, EM, -1, 0, EM, 0, 0, EM, 1, 0, 0, 0, 0, 0, 0, 0, 4)
_HMTX = struct.pack(">HhHhHhHh", HALF, 0, HALF, 0, EM, 0, 0, 0)
_LOCA = struct.pack(">HHHHH", 0, 0, 12, 24, 36)  # offsets are halved in the short form
_MAXP = struct.pack(">IHHHHHHHHHHHHHH", 0x00010000, 4, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0)
_POST = struct.pack(">IiHHIIIII", 0x00030000, 0, 0, 0, 1, 0, 0, 0, 0)
# One segment, the one that ends every table: no character is mapped, codes come from the PDF.
_CMAP = struct.pack(">HHHHI", 0, 1, 3, 1, 12) + struct.pack(
    ">HHHHHHHHHHHH", 4, 24, 0, 2, 2, 0, 0, 0xFFFF, 0, 0xFFFF, 1, 0
)
