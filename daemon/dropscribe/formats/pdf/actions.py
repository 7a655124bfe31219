"""What a PDF would do by itself or at a click: scripts, programs, other files, forms that are sent away; taken out.

Going to a place in the document, a command of the viewer and links to the web or to people stay (an allow-list; PDF
2.0, 12.6.4). Data that is attached stays; attached programs, and annotations that play media, do not. Pages and their
annotations are looked at first, so that a page is told for its own; then every object of the file, since viewers find
actions by ways that no tree of the standard shows (the parent of a widget that is in no list of fields).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf, Stream

from dropscribe.core.pages import DocumentResult, PageText

FLAG = "actions-removed"
HARMLESS = frozenset({"/GoTo", "/Named", "/Thread", "/Hide", "/SetOCGState", "/ResetForm", "/Trans"})
SCHEMES = ("http:", "https:", "mailto:", "tel:")
MEDIA = frozenset({"/RichMedia", "/Movie", "/Sound", "/Screen", "/3D"})
PROGRAMS = (
    *(".app", ".bat", ".chm", ".cmd", ".com", ".cpl", ".dll", ".dmg", ".exe", ".hta", ".jar", ".js", ".jse", ".lnk"),
    *(".msi", ".msp", ".pif", ".pkg", ".ps1", ".reg", ".scr", ".sh", ".url", ".vb", ".vbe", ".vbs", ".wsf"),
)
PROGRAM_STARTS = (b"MZ", b"\x7fELF", b"#!", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
MOST_ACTIONS = 64  # that follow one another
_HOLDS = re.compile(rb"/(?:OpenAction|PA|AA?|EF)(?![A-Za-z0-9#._-])")
DOCUMENT = 1  # the page that carries the flag for what belongs to the whole document


@dataclass
class Removed:
    """What was taken out: the numbers of the pages that it belonged to, and its kinds."""

    pages: set[int] = field(default_factory=set)
    kinds: set[str] = field(default_factory=set)

    def add(self, page: int, kind: str) -> None:
        """Note that something of that *kind* was taken out of *page*."""
        self.pages.add(page)
        self.kinds.add(kind)


def take_out(pdf: Pdf) -> Removed:
    """Take every active part out of *pdf*, in place, and return what that was."""
    removed = Removed()
    for number, page in enumerate(pdf.pages, start=1):
        _own(page.obj, number, removed)
        _annotations(page.obj, number, removed)
    _names(pdf.Root, removed)
    for each in _holders(pdf):
        _own(each, DOCUMENT, removed)
        if "/EF" in each and _is_program(each):
            del each["/EF"]
            removed.add(DOCUMENT, "attached program")
    return removed


def found(path: str) -> Removed:
    """Return what `take_out` would take out of the PDF at *path*; nothing where it cannot be opened."""
    try:
        with Pdf.open(path) as pdf:
            return take_out(pdf)
    except pikepdf.PdfError:
        return Removed()  # its pages are written as pictures


def flagged(reading: DocumentResult, pages: Iterable[int]) -> DocumentResult:
    """Return *reading* with the flag on those *pages*."""
    return replace(reading, texts=_Flagged(reading.texts, frozenset(pages)))


@dataclass(frozen=True)
class _Flagged:
    """Texts that get their flag as they are walked."""

    texts: Iterable[PageText]
    pages: frozenset[int]

    def __iter__(self) -> Iterator[PageText]:
        for text in self.texts:
            yield replace(text, flags=(*text.flags, FLAG)) if text.number in self.pages else text


def _own(holder: Any, page: int, removed: Removed) -> None:
    """Take the actions out of what may have them: the document, a page, an annotation, a field, an outline."""
    if not isinstance(holder, Dictionary | Stream):
        return
    for key in ("/OpenAction", "/A", "/PA"):
        if key in holder and (kind := _acts(holder[key])) is not None:
            del holder[key]
            removed.add(page, kind)
    events = holder.get("/AA")
    if isinstance(events, Dictionary | Stream):
        for event in list(events.keys()):
            if (kind := _acts(events[event])) is not None:
                del events[event]
                removed.add(page, kind)
    elif (kind := _acts(events)) is not None:
        del holder["/AA"]
        removed.add(page, kind)


def _acts(action: Any) -> str | None:
    """Return the kind of the first action of a chain that is not harmless; None where all are.

    What has no kind is none: a destination, or the attributes of a structure element.
    """
    waiting, seen, count = [action], set(), 0
    while waiting:
        each = waiting.pop()
        if not isinstance(each, Array) and not (isinstance(each, Dictionary | Stream) and "/S" in each):
            continue
        count += 1
        if count > MOST_ACTIONS or (each.is_indirect and each.objgen in seen):
            return "chain of actions"
        seen.add(each.objgen)
        if isinstance(each, Array):
            waiting.extend(each)
            continue
        if (kind := _kind(each)) not in HARMLESS:
            return kind.removeprefix("/")
        waiting.append(each.get("/Next"))
    return None


def _kind(action: Any) -> str:
    """Return the name of an action's kind; one of the harmless where it is as harmless as that."""
    named = action["/S"]
    if not isinstance(named, Name):
        return "/unnamed action"
    kind = str(named)
    if kind == "/URI" and _leads_to_the_web(action.get("/URI")):
        return "/GoTo"
    if kind == "/Thread" and "/F" in action:  # of another file
        return "/GoToR"
    return kind


def _holders(pdf: Pdf) -> Iterator[Any]:
    """Yield every dictionary of *pdf*, within others too, that has a key of actions or of attached files."""
    for each in pdf.objects:
        content = each.stream_dict if isinstance(each, Stream) else each
        if not isinstance(content, Dictionary | Array):
            continue  # a number, a name or nothing, which pikepdf gives as Python's
        if _HOLDS.search(content.unparse(resolved=True)):
            yield from _within(content)


def _within(content: Any) -> Iterator[Any]:
    """Yield *content*, and the dictionaries that are written in it."""
    waiting = [content]
    while waiting:
        each = waiting.pop()
        if isinstance(each, Dictionary):
            yield each
        if isinstance(each, Array):
            waiting += [part for part in each if _is_written_within(part)]
        elif isinstance(each, Dictionary):
            waiting += [part for part in each.values() if _is_written_within(part)]


def _is_written_within(part: Any) -> bool:
    return isinstance(part, Array | Dictionary) and not part.is_indirect


def _leads_to_the_web(address: Any) -> bool:
    try:
        text = bytes(address).decode("latin-1") if isinstance(address, pikepdf.String) else ""
    except ValueError:
        return False
    plain = "".join(sign for sign in text if sign > " ").lower()  # viewers skip blanks and controls
    return plain.startswith(SCHEMES) or (":" not in plain and not plain.startswith(("\\", "//")))


def _names(root: Any, removed: Removed) -> None:
    """Take scripts, forms in a language of scripts, and a bad start of all links out of the whole document."""
    for holder, key, kind in (("/Names", "/JavaScript", "JavaScript"), ("/AcroForm", "/XFA", "XFA form")):
        if isinstance(found := root.get(holder), Dictionary) and key in found:
            del found[key]
            removed.add(DOCUMENT, kind)
    base = root.get("/URI")
    if isinstance(base, Dictionary) and "/Base" in base and not _leads_to_the_web(base["/Base"]):
        del root["/URI"]
        removed.add(DOCUMENT, "URI")


def _is_program(file: Any) -> bool:
    """Say whether a file specification holds a program, by its name or its first bytes."""
    if not isinstance(file, Dictionary):
        return False
    if any(str(file.get(key, "")).lower().rstrip(". ").endswith(PROGRAMS) for key in ("/F", "/UF")):
        return True
    streams = file.get("/EF")
    for stream in streams.values() if isinstance(streams, Dictionary) else ():
        try:
            start = stream.read_bytes()[:4] if isinstance(stream, pikepdf.Stream) else b""
        except (pikepdf.PdfError, RuntimeError):
            return True  # what cannot be looked at is not passed on
        if start.startswith(PROGRAM_STARTS):
            return True
    return False


def _annotations(page: Any, number: int, removed: Removed) -> None:
    notes = page.get("/Annots")
    if not isinstance(notes, Array):
        return
    kept = []
    for note in notes:
        kind = str(note.get("/Subtype", "")) if isinstance(note, Dictionary) else ""
        if kind in MEDIA or (kind == "/FileAttachment" and _is_program(note.get("/FS"))):
            removed.add(number, kind.removeprefix("/"))
            continue
        _own(note, number, removed)
        kept.append(note)
    if len(kept) < len(notes):
        page[Name.Annots] = Array(kept)
