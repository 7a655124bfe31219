"""An invisible font that can stand for every character: what makes text under a picture searchable and copyable.

A Type 0 font of PDF 1.7 (section 9.7) with Identity-H codes: a code of two bytes is the UTF-16 unit itself, and
ToUnicode says so. Characters beyond the basic plane get codes from the surrogate range, which no text needs, and
ToUnicode gives their pairs. A code shows one of two unseen glyphs, by its width.
"""

from functools import cache
from itertools import groupby
from typing import Any

from dropscribe.formats.pdf.truetype import EM, HALF
from dropscribe.formats.pdf.truetype import font as program
from dropscribe.formats.words import units

_ASTRAL_CODES = range(0xD800, 0xE000)
_REPLACEMENT = 0xFFFD
_NAME = "/DropscribeGlyphless"


class Glyphless:
    """The font of one PDF file, which learns which characters beyond the basic plane it has to stand for."""

    def __init__(self) -> None:
        self._astral: dict[str, int] = {}

    def encode(self, text: str) -> bytes:
        """Return the codes of *text*, two bytes each; the 2049th character beyond the basic plane becomes U+FFFD."""
        return b"".join(self._code(char).to_bytes(2, "big") for char in text)

    def embed(self, pdf: Any, font: Any) -> None:
        """Fill the dictionary *font*, which belongs to *pdf* (a pikepdf.Pdf), once all text is encoded."""
        from pikepdf import Array, Dictionary, Name

        descriptor = Dictionary(
            Type=Name.FontDescriptor,
            FontName=Name(_NAME),
            Flags=5,  # fixed pitch, symbolic
            FontBBox=Array([0, 0, EM, EM]),
            ItalicAngle=0,
            Ascent=EM,
            Descent=-1,  # nothing would be taken for a missing value by some readers
            CapHeight=EM,
            StemV=80,
            FontFile2=pdf.make_stream(program(), Length1=len(program())),
        )
        astral = (part for char, code in self._astral.items() for part in (code, code, HALF * units(char)))
        below = Dictionary(
            Type=Name.Font,
            Subtype=Name.CIDFontType2,
            BaseFont=Name(_NAME),
            CIDSystemInfo=Dictionary(Registry=b"Adobe", Ordering=b"Identity", Supplement=0),
            FontDescriptor=pdf.make_indirect(descriptor),
            DW=HALF,
            W=Array([*_widths(), *astral]),
            CIDToGIDMap=pdf.make_stream(_glyphs(self._astral)),
        )
        font.Type, font.Subtype, font.BaseFont = Name.Font, Name.Type0, Name(_NAME)
        font.Encoding = Name("/Identity-H")
        font.DescendantFonts = Array([pdf.make_indirect(below)])
        font.ToUnicode = pdf.make_stream(_to_unicode(self._astral))

    def _code(self, char: str) -> int:
        point = ord(char)
        if point in _ASTRAL_CODES:
            return _REPLACEMENT
        if point <= 0xFFFF:
            return point
        if char not in self._astral and len(self._astral) < len(_ASTRAL_CODES):
            self._astral[char] = _ASTRAL_CODES[len(self._astral)]
        return self._astral.get(char, _REPLACEMENT)


def _glyphs(astral: dict[str, int]) -> bytes:
    """Return the glyph of each code, two bytes each: 1 for ordinary characters, 2 for wide ones, 3 for marks."""
    glyphs = bytearray(b"\x00\x01" * 0x10000)
    entries = iter(_widths())
    for first, last, width in zip(entries, entries, entries, strict=True):
        for code in range(first, last + 1):
            glyphs[2 * code + 1] = width // HALF or 3
    for char, code in astral.items():
        glyphs[2 * code + 1] = units(char) or 3
    return bytes(glyphs)


@cache
def _widths() -> tuple[int, ...]:
    """Return the entries `first last width` of a W array for all codes that are not of ordinary width."""
    codes = (code for code in range(0x10000) if code not in _ASTRAL_CODES)
    entries: list[int] = []
    for wide, group in groupby(codes, key=lambda code: units(chr(code))):
        if wide != 1:
            found = list(group)
            entries += (found[0], found[-1], wide * HALF)
    return tuple(entries)


def _to_unicode(astral: dict[str, int]) -> bytes:
    """Return the CMap that maps codes to text (Adobe Technical Note 5411)."""
    # A range must not cross a high byte, hence one range for each of these.
    ranges = [f"<{high:02X}00> <{high:02X}FF> <{high:02X}00>" for high in range(256) if not 0xD8 <= high <= 0xDF]
    pairs = [f"<{code:04X}> <{char.encode('utf-16-be').hex()}>" for char, code in astral.items()]
    lines = [
        "/CIDInit /ProcSet findresource begin",
        "12 dict begin",
        "begincmap",
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def",
        "/CMapName /Adobe-Identity-UCS def",
        "/CMapType 2 def",
        "1 begincodespacerange",
        "<0000> <FFFF>",
        "endcodespacerange",
        *_sections("bfrange", ranges),
        *_sections("bfchar", pairs),
        "endcmap",
        "CMapName currentdict /CMap defineresource pop",
        "end",
        "end",
    ]
    return "\n".join(lines).encode("ascii")


def _sections(kind: str, entries: list[str]) -> list[str]:
    """Return *entries* in sections of at most 100, which is all a CMap may have in one."""
    parts = [entries[start : start + 100] for start in range(0, len(entries), 100)]
    return [line for part in parts for line in (f"{len(part)} begin{kind}", *part, f"end{kind}")]
