"""A page put together: its text, its Markdown and its blocks, from lines as they were found.

It owns what follows on what; order, tables, joined lines and the Markdown of each element come from others.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from dropscribe.core.pages import Block, Box
from dropscribe.layout import markdown
from dropscribe.layout.elements import Element, elements
from dropscribe.layout.geometry import Quad, sideways, skew
from dropscribe.layout.lines import Line
from dropscribe.layout.marks import NO_MARKS, Marks
from dropscribe.layout.order import page_areas
from dropscribe.layout.paragraphs import joined
from dropscribe.layout.splitting import split_joined


@dataclass(frozen=True)
class Style:
    """How text is written: tables as HTML or Markdown, lines of a paragraph as on the page or joined."""

    html_tables: bool = True
    join: bool = False


@dataclass(frozen=True)
class Assembled:
    """A page's lines in reading order, its text, and its Markdown."""

    text: str
    markdown: str
    blocks: tuple[Block, ...]


PLAIN = Style()


def assemble(
    found: Sequence[Line], width: int, height: int, marks: Marks = NO_MARKS, style: Style = PLAIN
) -> Assembled:
    """Put *found* in reading order; boxes are clipped to the page of *width* x *height* pixels."""
    lines = split_joined(found, marks)
    quads = [line.quad for line in lines]
    areas = page_areas(quads, [line.text for line in lines], marks)
    page = elements(areas, lines, None if sideways(quads) else marks.turned_back(skew(quads)))
    blocks = [
        Block(element.kind, lines[i].text, _box(lines[i].quad, width, height), lines[i].confidence)
        for element in page
        for i in element.order
    ]
    words = {word for line in lines for word in line.text.split()}
    text = _text([_plain(element, style, words) for element in page], page)
    marked = _text([_marked(element, style, words) for element in page], page, markdown_too=True)
    return Assembled(text, marked, tuple(blocks))


def _text(written: Sequence[str], page: Sequence[Element], markdown_too: bool = False) -> str:
    """Return the elements one below the other, a blank line between them but for the items of one list."""
    result = ""
    for i, text in enumerate(written):
        if i:
            tight = page[i].kind == page[i - 1].kind == "list" and page[i].follows
            tight = tight or (not markdown_too and page[i].follows)
            result += "\n" if tight else "\n\n"
        result += text
    return result


def _plain(element: Element, style: Style, words: set[str]) -> str:
    if element.kind == "table" and not element.lines:
        return markdown.aligned(element.grid)
    if style.join and element.kind in ("text", "list") and not element.hard:
        return joined(element.lines, words)
    return "\n".join(element.lines)


def _marked(element: Element, style: Style, words: set[str]) -> str:
    if element.kind == "table":
        return markdown.table(element.grid, as_html=style.html_tables)
    if element.kind == "code":
        return markdown.fenced(element.lines)
    if element.kind == "title":
        return markdown.heading(" ".join(element.lines), element.level)
    lines = [joined(element.lines, words)] if style.join and not element.hard else element.lines
    if element.kind == "list":
        return "\n  ".join([markdown.item(lines[0]) or markdown.escaped(lines[0]), *map(markdown.escaped, lines[1:])])
    return ("  \n" if element.hard else "\n").join(map(markdown.escaped, lines))


def _box(quad: Quad, width: int, height: int) -> Box:
    (x0, y0), (x1, y1) = quad.min(axis=0), quad.max(axis=0)
    return (
        min(max(float(x0), 0.0), float(width)),
        min(max(float(y0), 0.0), float(height)),
        min(max(float(x1), 0.0), float(width)),
        min(max(float(y1), 0.0), float(height)),
    )
