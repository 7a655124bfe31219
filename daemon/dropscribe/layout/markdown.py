"""Markdown: text escaped so that it renders as it stands, and lists, tables and code written as such.

Only what CommonMark (with GitHub's tables and strike-through) would take as markup is escaped. No geometry.
"""

import html
import re
from collections.abc import Sequence

Grid = Sequence[Sequence[str]]

BULLET = re.compile(r"^[•●◦▪‣·∙○■-]\s*(?=\S)|^[*–—]\s+(?=\S)")
NUMBER = re.compile(r"^(\d{1,3})([.)])\s+(?=\S)")
_ALWAYS = re.compile(r"([`*]|\\(?=[!-/:-@\[-`{-~\n]|$)|~~|<(?=[A-Za-z/!?])|\](?=[(:]))", re.MULTILINE)
_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
_ENTITY = re.compile(r"&(?=#?\w+;)")
_BEGINS = re.compile(
    r"(?m)^( {0,3})(#{1,6}(?=[ \t]|$)|[-+](?=[ \t]|$)|>|(?:=+|-{2,}|(?:[-_] *){3,})(?=[ \t]*$)|[-:](?=[-|: \t]*$)|\|)"
)
_NUMBERED = re.compile(r"(?m)^( {0,3}\d{1,9})([.)])(?=[ \t]|$)")


def escaped(text: str) -> str:
    """Return *text* so that Markdown shows it as it stands."""
    text = _ENTITY.sub("&amp;", _ALWAYS.sub(r"\\\1", text))
    text = _UNDERSCORE.sub(r"\\_", text)
    return _NUMBERED.sub(r"\1\\\2", _BEGINS.sub(r"\1\\\2", text))


def item(text: str) -> str | None:
    """Return *text* as an item of a list; None where it begins with no bullet and no number."""
    if bullet := BULLET.match(text):
        return "- " + escaped(text[bullet.end() :])
    if number := NUMBER.match(text):
        return f"{number[1]}{number[2]} " + escaped(text[number.end() :])
    return None


def heading(text: str, level: int) -> str:
    """Return *text* as a heading of *level* (1 to 6)."""
    return "#" * level + " " + re.sub(r"(#+)\s*$", r"\\\1", escaped(text))


def fenced(lines: Sequence[str]) -> str:
    """Return *lines* as a block of code, behind a fence that they do not contain."""
    longest = max((len(run) for line in lines for run in re.findall(r"`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([fence, *lines, fence])


def table(grid: Grid, *, as_html: bool) -> str:
    """Return *grid* as a table in HTML, or as one of GitHub's; its first row is the head."""
    if as_html:
        written = ("".join(f"<td>{html.escape(cell, quote=False)}</td>" for cell in row) for row in grid)
        return "<table>\n" + "\n".join(f"<tr>{row}</tr>" for row in written) + "\n</table>"
    rows = [[escaped(cell).replace("|", "\\|") for cell in row] for row in grid]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])


def aligned(grid: Grid) -> str:
    """Return *grid* as plain text whose columns begin below each other; numbers stand at the right of theirs."""
    columns = list(zip(*grid, strict=True))
    widths = [max(map(_width, column)) for column in columns]
    right = [sum(map(_number, column)) * 2 > sum(map(bool, column)) for column in columns]
    lines = []
    for row in grid:
        cells = [_padded(*cell) for cell in zip(row, widths, right, strict=True)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _padded(cell: str, width: int, right: bool) -> str:
    blanks = " " * (width - _width(cell))
    return blanks + cell if right else cell + blanks


def _number(cell: str) -> bool:
    return bool(re.fullmatch(r"[^\w\s]*\d[\d.,'\s]*[^\w\s]*", cell))


def _width(text: str) -> int:
    """Return how many places *text* takes in a fixed pitch; Chinese characters take two."""
    return sum(2 if "\u1100" <= c <= "\uffef" and not c.isspace() else 1 for c in text)
