"""Forms that nothing draws any more, since pages draw another in their place: emptied, for their words went with them.

The resources of other pages, or of the tree above them, may still mention such a form, so that it would be written with
the rest of the file.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf, Stream

_Id = tuple[int, int]  # object and generation number


def empty(pdf: Pdf, forms: Iterable[Any]) -> None:
    """Empty those of *forms* that no page, annotation, pattern or other form of *pdf* draws."""
    left = {form.objgen: form for form in forms if form.is_indirect}
    if not left:
        return
    by_pages = [_forms(page.resources) for page in pdf.pages]
    shown = [each for page in pdf.pages for each in _appearances(page.obj)]
    waiting: list[tuple[Any, Any]] = [(page.obj, page.resources) for page in pdf.pages]
    waiting += [(each, each.get("/Resources")) for each in pdf.objects if _draws(each) and each.objgen not in left]
    waiting += [(left.pop(each), None) for each in shown if each in left]
    while waiting:
        content, resources = waiting.pop()
        known = by_pages if resources is None else [_forms(resources)]  # it draws with those of the page that draws it
        for name in _drawn(content):
            found = {forms[name].objgen for forms in known if name in forms}
            waiting += [(form, form.get("/Resources")) for each in found if (form := left.pop(each, None)) is not None]
    for form in left.values():
        form.write(b"")


def drawn_by(page: pikepdf.Page) -> list[Any]:
    """Return the forms that *page* draws, and those that they draw."""
    found: dict[_Id, Any] = {}
    waiting: list[tuple[Any, Any]] = [(page.obj, page.resources)]
    while waiting:
        content, resources = waiting.pop()
        forms = _forms(resources)
        new = [forms[name] for name in _drawn(content) if name in forms and forms[name].objgen not in found]
        found.update((form.objgen, form) for form in new)
        waiting += [(form, form.get("/Resources", resources)) for form in new]
    return list(found.values())


def _drawn(content: Any) -> set[str]:
    """Return the names of what *content*, a page or a stream, draws."""
    try:
        found = pikepdf.parse_content_stream(content, operators="Do")
    except (pikepdf.PdfError, pikepdf.PdfParsingError, RuntimeError):
        return set()  # broken content draws nothing that could be told
    return {str(each.operands[0]) for each in found if each.operands}


def _draws(thing: Any) -> bool:
    return isinstance(thing, Stream) and (thing.get("/Subtype") == Name.Form or thing.get("/PatternType") == 1)


def _forms(resources: Any) -> dict[str, Any]:
    among = resources.get("/XObject") if isinstance(resources, Dictionary) else None
    items = among.items() if isinstance(among, Dictionary) else ()
    return {name: each for name, each in items if _draws(each)}


def _appearances(page: Any) -> Iterator[_Id]:
    """Yield what the annotations of *page* look like."""
    notes = page.get("/Annots")
    for note in notes if isinstance(notes, Array) else ():
        looks = note.get("/AP") if isinstance(note, Dictionary) else None
        for look in looks.values() if isinstance(looks, Dictionary) else ():
            for each in look.values() if isinstance(look, Dictionary) else (look,):
                if isinstance(each, Stream):
                    yield each.objgen
