"""HTML tables as the model writes them, turned into rows, Markdown or tab separated text.

Takes anything: unclosed cells, nested tables, absurd spans. Linear in the length of the text, with a budget for places
that only a span asks for; no cell that holds text is dropped. Nothing is fetched or executed; cells are text.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import unescape

COLUMNS_MOST = 256  # that one span covers
ROWS_MOST = 4096
PLACES_MOST = 1 << 16  # of one table that spans and short rows may add: a full page of figures has some thousand cells

# An attribute's value may hold `>`; nothing in a tag may hold `<`, so that each sign is looked at once.
_TAG = re.compile(r"<!--[^<>]*-->|<(/?)([a-z][a-z0-9]*)((?:[^<>\"']++|\"[^\"<]*+\"|'[^'<]*+'|[\"'])*+)>", re.IGNORECASE)
_TABLE_TAG = re.compile(r"<(/?)table\b[^<>]*>", re.IGNORECASE)
_CELL = re.compile(r"<t[rdh]\b", re.IGNORECASE)
_SPAN = re.compile(r"\b(col|row)span\s*=\s*[\"']?\s*([0-9]{1,8})(?![0-9])", re.IGNORECASE)
_CELLS = frozenset({"td", "th"})


@dataclass
class _Grid:
    """Gathers the cells of one table; a spanned place is an empty cell."""

    rows: list[list[str]] = field(default_factory=list)
    added: int = 0  # places that spans have added
    _taken: dict[int, set[int]] = field(default_factory=dict)  # columns of a row that a span above has filled
    _cell: list[str] | None = None
    _spans: tuple[int, int] = (1, 1)

    def begin_row(self) -> None:
        self.end_cell()
        self.rows.append([])

    def begin_cell(self, attributes: str) -> None:
        self.end_cell()
        if not self.rows:
            self.begin_row()
        self._cell, self._spans = [], _spans(attributes)

    def text(self, text: str) -> None:
        if self._cell is not None:
            self._cell.append(text)
        elif text.strip() and self.rows:  # text between cells is text all the same
            self.begin_cell("")
            self.text(text)
            self.end_cell()

    def end_cell(self) -> None:
        if self._cell is None:
            return
        text, self._cell = " ".join(unescape("".join(self._cell)).split()), None
        row, at = self.rows[-1], len(self.rows) - 1
        taken = self._taken.get(at, ())
        while len(row) in taken:
            row.append("")
        across, down = self._afforded()
        columns = range(len(row), len(row) + across)
        row += [text, *[""] * (across - 1)]
        for below in range(at + 1, at + down):
            self._taken.setdefault(below, set()).update(columns)

    def _afforded(self) -> tuple[int, int]:
        """Return the spans of the present cell, or none where the budget does not allow them."""
        across, down = self._spans
        if self.added + across * down > PLACES_MOST:
            return 1, 1
        self.added += across * down - 1
        return across, down


def _spans(attributes: str) -> tuple[int, int]:
    """Return columns and rows that a cell covers, from 1 to the most allowed; anything invalid is 1."""
    found = {name.lower(): int(digits) for name, digits in _SPAN.findall(attributes)}
    return min(found.get("col", 1), COLUMNS_MOST) or 1, min(found.get("row", 1), ROWS_MOST) or 1


def rows(table: str) -> list[list[str]]:
    """Return the cells of an HTML table in rows of one length; empty where it holds no cell.

    The rows of a table that is ragged beyond all measure stay as long as they are.
    """
    grid, start = _Grid(), 0
    for tag in _TAG.finditer(table):
        grid.text(table[start : tag.start()])
        start = tag.end()
        name = (tag[2] or "").lower()
        if name == "tr" and not tag[1]:
            grid.begin_row()
        elif name in _CELLS and not tag[1]:
            grid.begin_cell(tag[3])
        elif name == "br":
            grid.text(" ")
        elif name in _CELLS or name in ("tr", "table"):
            grid.end_cell()
    grid.text(table[start:])
    grid.end_cell()
    return _rectangle([row for row in grid.rows if row])


def _rectangle(found: list[list[str]]) -> list[list[str]]:
    width = max(map(len, found), default=0)
    if width * len(found) > PLACES_MOST + sum(map(len, found)):
        return found
    return [row + [""] * (width - len(row)) for row in found]


def as_markdown(table: str) -> str:
    """Return an HTML table as a Markdown table; unchanged where it holds no cells."""
    grid = rows(table)
    if not grid:
        return table
    escaped = [[cell.replace("\\", "\\\\").replace("|", "\\|") for cell in row] for row in grid]
    lines = ["| " + " | ".join(row) + " |" for row in escaped]
    lines.insert(1, "|" + " --- |" * max(map(len, grid)))
    return "\n".join(lines)


def as_text(table: str) -> str:
    """Return an HTML table with tabs between cells and one line for each row."""
    return "\n".join("\t".join(row).rstrip("\t") for row in rows(table))


def pieces(text: str) -> Iterator[tuple[bool, str]]:
    """Cut *text* into tables (True) and what lies between (False).

    A table ends with its own end tag, the tables inside it included. One that is never closed runs to the end of the
    text, as the model was cut off, unless no cell begins after the last end tag.
    """
    start, depth, last_end = 0, 0, 0
    for tag in _TABLE_TAG.finditer(text):
        if not tag[1]:
            if not depth:
                yield False, text[start : tag.start()]
                start = tag.start()
            depth += 1
        elif depth:
            depth, last_end = depth - 1, tag.end()
            if not depth:
                yield True, text[start:last_end]
                start = last_end
    if depth and last_end > start and not _CELL.search(text, last_end):
        yield True, text[start:last_end]
        start, depth = last_end, 0
    yield depth > 0, text[start:]


def replaced(text: str, render: Callable[[str], str]) -> str:
    """Return *text* with every table replaced by *render* of it."""
    return "".join(render(piece) if is_table else piece for is_table, piece in pieces(text))
