"""Which pages a PDF has: by its own count, by its page tree, and by what PDFium can load.

PDFium trusts `/Count` and stops there; qpdf walks the tree and passes over what is no page. One list comes of it, for
the text and for the PDF that is written. No page is drawn here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pikepdf
import pypdfium2 as pdfium

DEEPEST = 64  # levels of a page tree; real ones have a handful


@dataclass(frozen=True)
class PageTree:
    """What qpdf says: how many pages, whether the tree contradicts itself, whether it passed over what is no page."""

    count: int
    odd: bool
    holes: bool


def is_odd(tree: pikepdf.Object | None) -> bool:
    """Say whether *tree*, a document's `/Pages`, counts wrongly or names a page twice; loops end."""
    seen = set[tuple[int, int]]()

    def pages(node: pikepdf.Object, depth: int) -> int | None:
        """Return the pages below *node*, None where anything is odd."""
        if not isinstance(node, pikepdf.Dictionary) or depth > DEEPEST or not node.is_indirect or node.objgen in seen:
            return None
        seen.add(node.objgen)
        if "/Kids" not in node:
            return 1
        total = 0
        for kid in node.Kids:
            below = pages(kid, depth + 1)
            if below is None:
                return None
            total += below
        return total if node.get("/Count") == total else None

    return tree is None or pages(tree, 0) is None


def to_rebuild(pdf: pdfium.PdfDocument | None, tree: PageTree) -> Sequence[int] | None:
    """Return None where PDFium's *pdf* has the very pages of qpdf's *tree*, else which places of a new list stay empty.

    A place that PDFium counts and cannot load is that of a lost page, where qpdf found all others; after the last
    page it is only a wrong count, unless qpdf met something there that is no page.
    """
    if pdf is None or not tree.count:
        return [] if tree.count else None
    if len(pdf) == tree.count and not tree.odd and not tree.holes:
        return None
    loads = [_loads(pdf, index) for index in range(min(len(pdf), 2 * tree.count))]
    if all(loads) and len(pdf) == tree.count:
        return None
    missing = [index for index, there in enumerate(loads) if not there and (tree.holes or any(loads[index:]))]
    return missing if sum(loads) == tree.count else []


def _loads(pdf: pdfium.PdfDocument, index: int) -> bool:
    try:
        pdf[index].close()
    except pdfium.PdfiumError:
        return False
    return True
