"""What a PDF would do by itself or at a click: scripts, programs, other files, forms that are sent away; taken out.

Going to a place in the document, a command of the viewer and links to the web or to people stay (an allow-list; PDF
2.0, 12.6.4). Data that is attached stays; attached programs, and annotations that play media, do not. It looks where
the standard puts actions, each place once, however the file links them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf

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
DEEPEST = 64  # levels of trees; and actions that follow one another
DOCUMENT = 1  # the page that carries the flag for what belongs to the whole document


@dataclass
class Removed:
    """What was taken out: the numbers of the pages that it belonged to, and its kinds."""

    pages: set[int] = field(default_factory=set)
    kinds: set[str] = field(default_factory=set)
    _seen: set[tuple[int, int]] = field(default_factory=set)

    def add(self, page: int, kind: str) -> None:
        """Note that something of that *kind* was taken out of *page*."""
        self.pages.add(page)
        self.kinds.add(kind)

    def is_new(self, thing: Any) -> bool:
        """Say whether *thing* was not looked at before; trees of hostile files run in circles."""
        if not isinstance(thing, pikepdf.Object) or not thing.is_indirect:
            return True
        known = thing.objgen in self._seen
        self._seen.add(thing.objgen)
        return not known


def take_out(pdf: Pdf) -> Removed:
    """Take every active part out of *pdf*, in place, and return what that was."""
    removed = Removed()
    root = pdf.Root
    _own(root, DOCUMENT, removed)
    _names(root.get("/Names"), removed)
    form = root.get("/AcroForm")
    if isinstance(form, Dictionary):
        if "/XFA" in form:  # scripts in a language of its own; the plain form stays
            del form["/XFA"]
            removed.add(DOCUMENT, "XFA form")
        for each in _tree(form.get("/Fields"), "/Kids", removed):
            _own(each, DOCUMENT, removed)
    outlines = root.get("/Outlines")
    for each in _outline(outlines, removed):
        _own(each, DOCUMENT, removed)
    for number, page in enumerate(pdf.pages, start=1):
        _own(page.obj, number, removed)
        _annotations(page.obj, number, removed)
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
    if not isinstance(holder, Dictionary):
        return
    for key in ("/OpenAction", "/A", "/PA"):
        if (kind := _acts(holder.get(key))) is not None:
            del holder[key]
            removed.add(page, kind)
    events = holder.get("/AA")
    for event in list(events.keys()) if isinstance(events, Dictionary) else ():
        if (kind := _acts(events[event])) is not None:
            del events[event]
            removed.add(page, kind)


def _acts(action: Any, depth: int = DEEPEST) -> str | None:
    """Return the kind of the first action of a chain that is not harmless; None where all are."""
    if not isinstance(action, Dictionary) or "/S" not in action:
        return None  # a destination, or the attributes of a structure element
    kind = str(action["/S"])
    if kind == "/URI":
        kind = "/GoTo" if _leads_to_the_web(action.get("/URI")) else "/URI"
    if kind not in HARMLESS:
        return kind.removeprefix("/")
    following = action.get("/Next")
    for each in following if isinstance(following, Array) else (following,):
        if depth == 0:
            return "chain of actions"
        if (worse := _acts(each, depth - 1)) is not None:
            return worse
    return None


def _leads_to_the_web(address: Any) -> bool:
    try:
        text = bytes(address).decode("latin-1") if isinstance(address, pikepdf.String) else ""
    except ValueError:
        return False
    plain = "".join(sign for sign in text if sign > " ").lower()  # viewers skip blanks and controls
    return plain.startswith(SCHEMES) or (":" not in plain and not plain.startswith(("\\", "//")))


def _names(names: Any, removed: Removed) -> None:
    """Take scripts out of the document's names, and programs out of its attachments."""
    if not isinstance(names, Dictionary):
        return
    if "/JavaScript" in names:
        del names["/JavaScript"]
        removed.add(DOCUMENT, "JavaScript")
    for node in _tree([names.get("/EmbeddedFiles")], "/Kids", removed):
        pairs = node.get("/Names")
        if isinstance(pairs, Array):
            kept = [(pairs[i], pairs[i + 1]) for i in range(0, len(pairs) - 1, 2) if not _is_program(pairs[i + 1])]
            if 2 * len(kept) < len(pairs) - len(pairs) % 2:
                node["/Names"] = Array([each for pair in kept for each in pair])
                removed.add(DOCUMENT, "attached program")


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


def _tree(roots: Any, below: str, removed: Removed) -> Iterator[Any]:
    """Yield the dictionaries of a tree whose children are in *below*, each once."""
    waiting = [(each, 0) for each in roots] if isinstance(roots, Array | list) else []
    while waiting:
        node, depth = waiting.pop()
        if not isinstance(node, Dictionary) or depth > DEEPEST or not removed.is_new(node):
            continue
        yield node
        children = node.get(below)
        waiting += [(child, depth + 1) for child in children] if isinstance(children, Array) else []


def _outline(outlines: Any, removed: Removed) -> Iterator[Any]:
    """Yield the entries of the outline, each once."""
    waiting = [outlines]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Dictionary) and removed.is_new(node):
            yield node
            waiting += [node.get("/First"), node.get("/Next")]
