"""Which pages of a PDF use fonts whose codes have no known meaning as letters.

PDFium gives such text as if code 65 were an A; for a subset font with codes of its own that is garbage, and nothing
in the text shows it. Read with pikepdf, from the fonts alone; no text is taken here.
"""

from collections.abc import Iterator

import pikepdf

SYMBOLIC = 4  # flag of a font descriptor (ISO 32000-1, table 123)
NESTED_FORMS = 3  # how deep form XObjects are searched
MAX_FONTS = 200


def any_unmapped(resources: pikepdf.Object) -> bool:
    """Say whether any font in a page's *resources*, those of its forms included, has no known meaning."""
    return any(_has_no_meaning(font) for font in _fonts(resources, NESTED_FORMS))


def _fonts(resources: pikepdf.Object | None, depth: int) -> Iterator[pikepdf.Object]:
    if not isinstance(resources, pikepdf.Dictionary):
        return
    for _, font in zip(range(MAX_FONTS), _values(resources, "/Font"), strict=False):
        yield font
    if depth:
        for _, item in zip(range(MAX_FONTS), _values(resources, "/XObject"), strict=False):
            if item.get("/Subtype") == pikepdf.Name.Form:
                yield from _fonts(item.get("/Resources"), depth - 1)


def _values(resources: pikepdf.Object, key: str) -> Iterator[pikepdf.Object]:
    found = resources.get(key)
    if isinstance(found, pikepdf.Dictionary):
        yield from (value for value in found.values() if isinstance(value, pikepdf.Dictionary | pikepdf.Stream))


def _has_no_meaning(font: pikepdf.Object) -> bool:
    """Say whether the codes of *font* are only numbers of its own glyphs (ISO 32000-1, 9.10.2)."""
    if "/ToUnicode" in font:
        return False
    encoding = font.get("/Encoding")
    if font.get("/Subtype") == pikepdf.Name.Type0:
        own_codes = encoding in (pikepdf.Name("/Identity-H"), pikepdf.Name("/Identity-V"))
        inner = font.get("/DescendantFonts")[0]
        return own_codes and bytes(inner.get("/CIDSystemInfo", {}).get("/Ordering", b"Identity")) == b"Identity"
    if font.get("/Subtype") == pikepdf.Name.TrueType and encoding is None:
        descriptor = font.get("/FontDescriptor")
        return isinstance(descriptor, pikepdf.Dictionary) and bool(int(descriptor.get("/Flags", 0)) & SYMBOLIC)
    return False
