"""The parser of DocTags, the marks of granite-docling: blocks with pixel boxes, Markdown, plain text.

Pure, and made for hostile input: only known tags are tags and everything else is text, an element that is never closed
ends where the next begins, and places are bounded numbers, range-checked. `elements` renders each element.
"""

import re
from dataclasses import dataclass, field

from dropscribe.core.pages import Block, Box
from dropscribe.engines.vlm.parsers import elements, markdown
from dropscribe.engines.vlm.parsers.elements import Element
from dropscribe.engines.vlm.parsers.grounding import pixels
from dropscribe.engines.vlm.parsers.values import PageContext, Parsed

SCALE = 500  # places are given in five hundredths of the page, 0 to 500
LISTS = ("ordered_list", "unordered_list")
WRAPPERS = ("doctag", "group", "inline", "key_value_region", "form", "page_break", *LISTS)  # hold no text of their own
HOLDERS = frozenset({"otsl", "picture", "chart"})  # continue after the elements inside them
HELD = frozenset({"caption", "footnote", "otsl"})

_NAMES = "|".join((*WRAPPERS, *elements.LABELS, r"section_header_level_\d", r"(?:key|value)_\d{1,3}"))
_TAG = re.compile(rf"<(/?)({_NAMES})>|<loc_(\d{{1,4}})>")


@dataclass
class _Draft:
    """An element while it is being read."""

    name: str
    ordinal: int = 0
    places: list[int] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    begun: bool = False  # its text has: what looks like a place now is none

    def take(self, text: str) -> None:
        self.text.append(text)
        self.begun = self.begun or bool(text.strip())

    def finished(self) -> Element:
        box = _box(self.places)
        return Element(self.name, "".join(self.text), box, box is not None or not self.places, self.ordinal)


@dataclass
class _Reader:
    """Takes tags and text in turn; elements stand in the order in which they began."""

    drafts: list[_Draft] = field(default_factory=list)
    _open: list[_Draft] = field(default_factory=list)
    _lists: list[int] = field(default_factory=list)  # items so far of each list around; -1 where they have no numbers

    def begin(self, name: str) -> None:
        while self._open and not self._may_hold(name):
            self._open.pop()
        if name in LISTS:
            self._lists.append(0 if name == "ordered_list" else -1)
        elif name not in WRAPPERS:
            self._open.append(_Draft(name, self._ordinal() if name == "list_item" else 0))
            self.drafts.append(self._open[-1])

    def end(self, name: str) -> None:
        if name in WRAPPERS:
            self._open.clear()
            if name in LISTS and self._lists:
                self._lists.pop()
        elif any(draft.name == name for draft in self._open):
            while self._open.pop().name != name:
                pass

    def place(self, value: int) -> None:
        if self._open and not self._open[-1].begun:
            self._open[-1].places.append(value)

    def text(self, text: str) -> None:
        if self._open:
            self._open[-1].take(text)
        elif text.strip():
            self.drafts.append(_Draft("", text=[text]))

    def _may_hold(self, name: str) -> bool:
        return name in HELD and self._open[-1].name in HOLDERS and self._open[-1].name != name

    def _ordinal(self) -> int:
        if not self._lists or self._lists[-1] < 0:
            return 0
        self._lists[-1] += 1
        return self._lists[-1]


def parse(output: str, page: PageContext) -> Parsed:
    """Parse *output*; an answer without elements is read as Markdown."""
    found = read(output)
    if not any(element.name for element in found):
        bare = "".join(element.text for element in found)
        return markdown.parse(bare, page)
    figures = page.figures
    blocks: list[Block] = []
    shown: list[tuple[str, bool]] = []
    for element in found:
        figure = element.label in elements.FIGURES
        figures += figure
        if figure and page.figure_marks:
            shown.append((f"![](FIGURE:{page.number}-{figures})", False))
        shown.append((element.markdown(page.markdown_tables), element.tight))
        if figure or element.box or element.plain():
            box = None if element.box is None else pixels(element.box, page.width, page.height, SCALE)
            blocks.append(Block(element.label, element.plain(), box))
    text = elements.joined((element.plain(), element.tight) for element in found)
    good = all(element.good for element in found)
    return Parsed(text, elements.joined(shown), tuple(blocks), good, figures)


def read(output: str) -> list[Element]:
    """Return the elements of *output* in order, those inside another after it; stray text has no name."""
    reader, start, listing = _Reader(), 0, 0
    for tag in _TAG.finditer(output):
        if tag.start() < listing and tag[3] is None:
            continue  # a program may contain tags
        reader.text(output[start : tag.start()])
        start = tag.end()
        if tag[3] is not None:
            reader.place(int(tag[3]))
        elif tag[1]:
            reader.end(tag[2])
        else:
            reader.begin(tag[2])
            listing = _listing(output, start) if tag[2] == "code" else 0
    reader.text(output[start:])
    return [draft.finished() for draft in reader.drafts]


def _listing(output: str, start: int) -> int:
    """Return where the code that begins at *start* ends; 0 if it is never closed."""
    another = output.find("<code>", start)
    return max(0, output.find("</code>", start, another if another >= 0 else len(output)))


def _box(places: list[int]) -> Box | None:
    """Return four places as a box if they are one within the page."""
    if len(places) != 4 or max(places) > SCALE:
        return None
    x0, y0, x1, y1 = places
    return (x0, y0, x1, y1) if x0 <= x1 and y0 <= y1 else None
