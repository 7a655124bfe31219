"""Markdown of strangers as HTML: rendered by markdown-it-py with raw HTML off; no link and no picture is live.

Only tables that the engines write as HTML are let through, taken apart and rebuilt from their cells.
"""

import re
from html import escape
from html.parser import HTMLParser

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markupsafe import Markup

_TABLE = re.compile(r"<table\b.*?</table\s*>", re.DOTALL | re.IGNORECASE)
_PARTS = ("table", "thead", "tbody", "tr", "td", "th")
_SPANS = ("colspan", "rowspan")
LONGEST_SPAN = 1000
_LIVE = ["link", "image", "autolink", "reference"]


def _without_styles(state: StateCore) -> None:
    """Drop how the cells of a table are aligned: the page's policy allows no inline style."""
    for token in state.tokens:
        token.attrs.pop("style", None)


_renderer = MarkdownIt("commonmark", {"html": False}).enable("table").disable(_LIVE)
_renderer.core.ruler.push("without_styles", _without_styles)


def rendered(text: str) -> Markup:
    """Return *text* as HTML that can do nothing."""
    parts: list[str] = []
    place = 0
    for table in _TABLE.finditer(text):
        parts += [str(_renderer.render(text[place : table.start()])), _table(table[0])]
        place = table.end()
    return Markup("".join([*parts, str(_renderer.render(text[place:]))]))


def _table(text: str) -> str:
    cells = _Cells()
    cells.feed(text)
    cells.close()
    return "".join([*cells.parts, *(f"</{tag}>" for tag in reversed(cells.open))])


class _Cells(HTMLParser):
    """Keeps the parts of tables and their spans, and every other thing as text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self.parts.append("<br>")
        if tag not in _PARTS:
            return
        kept = [(name, value) for name, value in attrs if name in _SPANS and value and value.isdecimal()]
        spans = "".join(f' {name}="{min(int(value[:6]), LONGEST_SPAN)}"' for name, value in kept)
        self.parts.append(f"<{tag}{spans}>")
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _PARTS and tag in self.open:
            while (last := self.open.pop()) != tag:
                self.parts.append(f"</{last}>")
            self.parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self.parts.append(escape(data))
