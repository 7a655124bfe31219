"""Marked content and the elements of structure it belongs to, which say its words again for those who cannot see.

PDF 1.7, 14.6 and 14.9: a piece of content is marked by an instruction at its beginning, with a dictionary, and may
belong to an element by a number (MCID) that is looked up in the parent tree.
"""

from collections.abc import Collection
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Operator, Pdf

SAID_AGAIN = ("/ActualText", "/Alt", "/E")
HIGHEST = 16  # elements above a piece of marked content that are looked at


def number(about: Any) -> int | None:
    """Return the number of the marked content that the dictionary *about* describes; None without."""
    found = about.get("/MCID") if isinstance(about, Dictionary) else None
    return found if isinstance(found, int) else None


def hushed(mark: Any, about: Any) -> Any:
    """Return *mark*, the beginning of marked content, without the words that *about*, its dictionary, says again.

    Where the dictionary is among the resources, it loses them itself.
    """
    if not isinstance(about, Dictionary) or not _hush(about) or isinstance(mark.operands[-1], Name):
        return mark
    return pikepdf.ContentStreamInstruction([mark.operands[0], about], Operator("BDC"))


def _hush(about: Any) -> bool:
    """Take words said again from a dictionary; say whether there were any."""
    found = [key for key in SAID_AGAIN if key in about]
    for key in found:
        del about[key]
    return bool(found)


def hush_elements(pdf: Pdf, holder: Any, numbers: Collection[int]) -> None:
    """Take words said again from the elements that these *numbers* of *holder*, a page or a form, belong to."""
    tree = pdf.Root.get("/StructTreeRoot")
    parents, own = tree.get("/ParentTree") if isinstance(tree, Dictionary) else None, holder.get("/StructParents")
    if not numbers or not isinstance(parents, Dictionary) or not isinstance(own, int):
        return
    elements = pikepdf.NumberTree(parents).get(own)
    for mcid in numbers:
        element = elements[mcid] if isinstance(elements, Array) and 0 <= mcid < len(elements) else None
        for _ in range(HIGHEST):
            if not isinstance(element, Dictionary):
                break
            _hush(element)
            element = element.get("/P")
