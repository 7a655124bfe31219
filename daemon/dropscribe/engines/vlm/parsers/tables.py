"""HTML tables as the model writes them, turned into rows, Markdown or tab separated text.

Takes anything: unclosed cells, nested tables, absurd spans. Nothing is fetched or executed; cells are text.
"""

import re
from collections.abc import Callable
from html.parser import HTMLParser

COLUMNS_MOST = 256
ROWS_MOST = 4096

# A table runs to its end tag, or to the end of the text when the model was cut off.
TABLE = re.compile(r"<table\b.*?(?:</table\s*>|\Z)", re.DOTALL | re.IGNORECASE)
_GAPS = re.compile(r"\s+")


class _Rows(HTMLParser):
    """Gathers the cells of one table into a grid; a spanned place is an empty cell."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.grid: list[list[str]] = []
        self._taken: dict[tuple[int, int], None] = {}  # places that a row span above has filled
        self._row = -1
        self._cell: list[str] | None = None
        self._spans = (1, 1)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self._close_cell()
            self._row += 1
        elif tag in ("td", "th"):
            self._close_cell()
            self._row = max(self._row, 0)
            values = dict(attrs)
            self._spans = (_span(values.get("colspan"), COLUMNS_MOST), _span(values.get("rowspan"), ROWS_MOST))
            self._cell = []
        elif tag == "br" and self._cell is not None:
            self._cell.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th", "tr", "table"):
            self._close_cell()

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)
        elif data.strip() and self._row >= 0:  # text between cells is text all the same
            self._cell, self._spans = [data], (1, 1)
            self._close_cell()

    def close(self) -> None:
        super().close()
        self._close_cell()

    def _close_cell(self) -> None:
        if self._cell is None:
            return
        text, self._cell = _GAPS.sub(" ", "".join(self._cell)).strip(), None
        if self._row >= ROWS_MOST:
            return
        while len(self.grid) <= self._row:
            self.grid.append([])
        row = self.grid[self._row]
        while (self._row, len(row)) in self._taken:
            row.append("")
        across, down = self._spans
        first = len(row)
        row.extend([text, *[""] * (across - 1)][: max(0, COLUMNS_MOST - first)])
        for below in range(self._row + 1, min(self._row + down, ROWS_MOST)):
            self._taken.update(dict.fromkeys((below, column) for column in range(first, len(row))))


def _span(value: str | None, most: int) -> int:
    """Return a span as a number from 1 to *most*; anything invalid is 1."""
    digits = (value or "").strip()
    return min(int(digits), most) or 1 if digits.isascii() and digits.isdigit() and len(digits) < 9 else 1


def rows(table: str) -> list[list[str]]:
    """Return the cells of an HTML table as a rectangle; its text, if it holds no cell, as one."""
    parser = _Rows()
    parser.feed(table)
    parser.close()
    grid = [row for row in parser.grid if row]
    width = max(map(len, grid), default=0)
    return [row + [""] * (width - len(row)) for row in grid]


def as_markdown(table: str) -> str:
    """Return an HTML table as a Markdown table; unchanged where it holds no cells."""
    grid = rows(table)
    if not grid:
        return table
    escaped = [[cell.replace("\\", "\\\\").replace("|", "\\|") for cell in row] for row in grid]
    lines = ["| " + " | ".join(row) + " |" for row in escaped]
    lines.insert(1, "|" + " --- |" * len(grid[0]))
    return "\n".join(lines)


def as_text(table: str) -> str:
    """Return an HTML table with tabs between cells and one line for each row."""
    return "\n".join("\t".join(row).rstrip("\t") for row in rows(table))


def replaced(text: str, render: Callable[[str], str]) -> str:
    """Return *text* with every table replaced by *render* of it."""
    return TABLE.sub(lambda found: render(found[0]), text)
