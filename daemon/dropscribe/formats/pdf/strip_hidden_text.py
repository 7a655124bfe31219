"""Text of a PDF page that cannot be seen, taken off; in the page's own content and in the forms that it draws.

An earlier reader's layer goes before ours is put there, else all is found twice. It leaves no trace (PDF 1.7, 9.3.6):
drawn in a mode that does not paint, in ink that lets everything through, or before a picture that covers the page. What
else is hidden (under a bar, switched off) was found by looking at pixels, and is named by its place in the order of
drawing. Text that can be seen stays, and so does hidden text where something seen would move without it. Marked content
says its words a second time, for those who cannot see (14.9); where they are taken off, that goes too.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Operator, Pdf, Stream, String

from dropscribe.core.pages import Box, Hidden
from dropscribe.formats.pdf import marked_content
from dropscribe.formats.pdf.layer import Matrix, after

MOST_BYTES = 1 << 20  # of packed content; a page with more is a drawing, and is left alone
DEEPEST = 4  # forms within forms
COVERED = 0.95  # of the page each way, under a picture that hides what was drawn before
_INVISIBLE = 3  # text rendering mode; those above it leave a clip, through which pictures are seen
_HINT = re.compile(rb"T[jJ]\b|['\"]|\bDo\b")
_SHOWS = frozenset({"Tj", "TJ", "'", '"'})
_PLACES = frozenset({"Tm", "Td", "TD", "T*", "'", '"', "BT", "ET"})  # after these, text stands where it stands
_UNIT: Matrix = (1, 0, 0, 1, 0, 0)


@dataclass(frozen=True)
class _State:
    """What of the graphics state decides whether text is seen."""

    mode: int = 0
    alpha: float = 1.0
    matrix: Matrix = _UNIT
    beneath: bool = False  # something will cover it

    @property
    def hides(self) -> bool:
        if self.mode > _INVISIBLE:
            return False
        return self.beneath or self.mode == _INVISIBLE or (self.mode == 0 and self.alpha == 0)


@dataclass
class _Found:
    """The text objects met so far, and those of them that are to go."""

    hidden: Hidden
    old_layer: bool  # what shows no trace by its own doing goes too
    objects: int = 0
    gone: set[int] = field(default_factory=set)
    marks: set[int] = field(default_factory=set)  # the numbers (MCID) of marked content whose words are gone
    replaced: list[Any] = field(default_factory=list)  # the forms that another is drawn in place of

    def is_hidden(self, show: Any, state: "_State") -> tuple[int, bool]:
        """Count *show*, as PDFium does, which makes no object of nothing; return its place and whether it goes."""
        text = show.operands[-1]
        draws = any(isinstance(part, String) for part in text) if isinstance(text, Array) else bytes(text)
        if not draws:
            return -1, True
        self.objects += 1
        place = self.objects - 1
        return place, place in self.hidden.whole or (self.old_layer and state.hides)

    def is_complete(self) -> bool:
        """Say whether the objects are those that were looked at, and all that had to go are gone."""
        wanted = self.hidden
        return not wanted.objects or (self.objects == wanted.objects and wanted.whole <= self.gone)


@dataclass(frozen=True)
class _Show:
    """An instruction that shows text: its place among those kept, which text object it is, and the marks around it."""

    place: int
    object: int
    is_hidden: bool
    marks: tuple[int, ...]


@dataclass
class _Drawing:
    """A content stream that is being gone through, and the forms that are put in place of others."""

    pdf: Pdf
    resources: Any
    text: _Found
    forms: dict[str, Any] = field(default_factory=dict)

    def found(self, kind: str, name: Any) -> Any:
        """Return the resource of that *kind* called *name*, or None."""
        among = self.resources.get(kind) if isinstance(self.resources, Dictionary) else None
        return among.get(str(name)) if isinstance(among, Dictionary) else None

    def hushed(self, mark: Any) -> Any:
        """Return the beginning of marked content without what says its words again, and note its number."""
        last = mark.operands[-1]
        about = self.found("/Properties", last) if isinstance(last, Name) else last
        if (number := marked_content.number(about)) is not None:
            self.text.marks.add(number)
        return marked_content.hushed(mark, about)


def take_off(
    pdf: Pdf, page: Any, resources: Any, shown: Box, hidden: Hidden, replaced: list[Any], *, old_layer: bool
) -> bool:
    """Remove *hidden* text from *page*, with *old_layer* an earlier reader's too; say whether *hidden* is gone.

    *page* is a dictionary of *pdf*, *resources* are its own or inherited, *shown* is what a viewer shows of it. Forms
    that *page* drew and draws no more are added to *replaced*. A page that cannot be taken apart, or of which not all
    of *hidden* could be removed, stays as it is.
    """
    text = _Found(hidden, old_layer)
    try:
        content = _content(page)
        if content is None or not _HINT.search(content):
            return text.is_complete()
        instructions = list(pikepdf.parse_content_stream(page))
        drawing = _Drawing(pdf, resources, text)
        kept = _kept(instructions, drawing, _State(), _last_cover(instructions, drawing, shown), DEEPEST)
        if not text.is_complete():
            return False
        if kept is not None:
            page.Contents = pdf.make_stream(pikepdf.unparse_content_stream(kept))
            if drawing.forms:
                page.Resources = _with_forms(resources, drawing.forms)
            marked_content.hush_elements(pdf, page, text.marks)
            replaced += text.replaced
    except Exception:  # a hostile or broken stream; its reader has shown it all the same
        return not hidden.whole
    return True


def _content(page: Any) -> bytes | None:
    """Return the drawing instructions of *page* unpacked, None where there are too many."""
    found = page.get("/Contents")
    streams = [each for each in (found if isinstance(found, Array) else [found]) if isinstance(each, Stream)]
    if sum(int(stream.get("/Length", 0)) for stream in streams) > MOST_BYTES:
        return None
    return b"\n".join(stream.read_bytes() for stream in streams)


def _states(instructions: Iterable[Any], drawing: _Drawing, state: _State) -> Iterator[tuple[Any, str, _State]]:
    """Yield each instruction, its operator, and the state in which it is carried out."""
    saved: list[_State] = []
    for each in instructions:
        name = str(each.operator)
        if name == "q":
            saved.append(state)
        elif name == "Q":
            state = saved.pop() if saved else state
        elif name == "Tr":
            state = replace(state, mode=int(each.operands[0]))
        elif name == "cm":
            a, b, c, d, e, f = (float(number) for number in each.operands)
            state = replace(state, matrix=after((a, b, c, d, e, f), state.matrix))
        elif name == "gs":
            look = drawing.found("/ExtGState", each.operands[0])
            if isinstance(look, Dictionary) and "/ca" in look:
                state = replace(state, alpha=float(look["/ca"]))
        yield each, name, state


def _last_cover(instructions: Sequence[Any], drawing: _Drawing, shown: Box) -> int:
    """Return where the last picture is drawn that covers the page; -1 where none does."""
    last = -1
    for index, (each, name, state) in enumerate(_states(instructions, drawing, _State())):
        if name == "Do" and _is_opaque(drawing.found("/XObject", each.operands[0])):
            a, b, c, d, e, f = state.matrix
            xs, ys = sorted((e, e + a, e + c, e + a + c)), sorted((f, f + b, f + d, f + b + d))
            across = min(xs[-1], shown[2]) - max(xs[0], shown[0])
            down = min(ys[-1], shown[3]) - max(ys[0], shown[1])
            if across >= COVERED * (shown[2] - shown[0]) and down >= COVERED * (shown[3] - shown[1]):
                last = index if state.alpha == 1 else last
    return last


def _is_opaque(picture: Any) -> bool:
    if not isinstance(picture, Stream) or picture.get("/Subtype") != Name.Image:
        return False
    return "/SMask" not in picture and "/Mask" not in picture and picture.get("/ImageMask") is not True


def _kept(instructions: Sequence[Any], drawing: _Drawing, start: _State, cover: int, depth: int) -> list[Any] | None:
    """Return *instructions* without text that is not seen (none is before *cover*); None where they all stay."""
    kept: list[Any] = []
    line: list[_Show] = []  # texts that follow one another
    marks: list[int] = []  # the places where marked content begins that has not ended
    changed = False

    def silence(marked: Iterable[int]) -> None:
        for place in marked:
            kept[place] = drawing.hushed(kept[place])

    def finish_line() -> bool:
        """Silence the hidden texts at the end of a line: nothing that is seen depends on where they end."""
        before = len(line)
        while line and line[-1].is_hidden:
            show = line.pop()
            drawing.text.gone.add(show.object)
            kept[show.place] = _silenced(kept[show.place])
            silence(show.marks)
        found = before > len(line)
        line.clear()
        return found

    for index, (each, name, state) in enumerate(_states(instructions, drawing, start)):
        state = replace(state, beneath=start.beneath or index < cover)
        if name in _PLACES:
            changed |= finish_line()
        if name in _SHOWS:
            line.append(_Show(len(kept), *drawing.text.is_hidden(each, state), tuple(marks)))
        if name in ("BDC", "BMC"):
            marks.append(len(kept))
        elif name == "EMC" and marks:
            marks.pop()
        if name == "Do" and depth and (rewritten := _without(drawing, each.operands[0], state, depth)):
            each, changed = pikepdf.ContentStreamInstruction([rewritten], Operator("Do")), True
            silence(marks)
        kept.append(each)
    changed |= finish_line()
    return [each for part in kept for each in (part if isinstance(part, list) else [part])] if changed else None


def _silenced(show: Any) -> list[Any]:
    """Return what a text instruction does beside showing text: the ones of one sign begin a new line."""
    new_line = pikepdf.ContentStreamInstruction([], Operator("T*"))
    match str(show.operator):
        case "'":
            return [new_line]
        case '"':
            words, letters, _ = show.operands
            spacing = [([words], "Tw"), ([letters], "Tc")]
            return [*(pikepdf.ContentStreamInstruction(o, Operator(n)) for o, n in spacing), new_line]
    return []


def _without(drawing: _Drawing, name: Any, state: _State, depth: int) -> Any:
    """Return the name of a form to draw instead of the one called *name*, without its hidden text; None for none."""
    form = drawing.found("/XObject", name)
    if not isinstance(form, Stream) or form.get("/Subtype") != Name.Form or int(form.get("/Length", 0)) > MOST_BYTES:
        return None
    resources = form.get("/Resources", drawing.resources)
    within = _Drawing(drawing.pdf, resources, drawing.text)
    marks, drawing.text.marks = drawing.text.marks, set()
    kept = _kept(list(pikepdf.parse_content_stream(form)), within, state, -1, depth - 1)
    own, drawing.text.marks = drawing.text.marks, marks
    if kept is None:
        return None
    marked_content.hush_elements(drawing.pdf, form, own)
    rewritten = drawing.pdf.make_stream(pikepdf.unparse_content_stream(kept))
    for key, value in form.items():
        if key not in ("/Length", "/Filter", "/DecodeParms"):
            rewritten[key] = value
    if within.forms:
        rewritten.Resources = _with_forms(resources, within.forms)
    # Another name, and not the same stream: other pages may draw the form as well.
    label = f"/DropscribeForm{len(drawing.forms)}"
    drawing.forms[label] = rewritten
    drawing.text.replaced.append(form)
    return Name(label)


def _with_forms(resources: Any, forms: dict[str, Any]) -> Any:
    """Return a copy of *resources* with *forms* added."""
    copy = Dictionary(resources) if isinstance(resources, Dictionary) else Dictionary()
    known = copy.get("/XObject")
    copy.XObject = Dictionary(known) if isinstance(known, Dictionary) else Dictionary()
    for name, form in forms.items():
        copy.XObject[name] = form
    return copy
