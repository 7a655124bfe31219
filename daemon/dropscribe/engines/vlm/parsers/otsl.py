"""Tables as OTSL, one mark before each cell and one after each row, turned into HTML tables.

Written by granite-docling and PaddleOCR-VL. Pure, linear in the length of the text, and robust against invalid input:
a span that points at nothing is an empty cell, ragged rows stay ragged, and the text of a cell is escaped.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

CELLS = ("fcel", "ecel", "ched", "rhed", "srow", "lcel", "ucel", "xcel")
MARKS = (*(f"<{name}>" for name in CELLS), "<nl>")
HEADS = frozenset({"ched", "rhed"})
SPANS = frozenset({"lcel", "ucel", "xcel"})  # the cell continues: from the left, from above, from both

_MARK = re.compile(rf"<({'|'.join((*CELLS, 'nl'))})>")


@dataclass
class Cell:
    """One place of the grid."""

    kind: str
    text: str
    taken: bool = False  # by a cell that spans it


def replaced(text: str) -> str:
    """Return *text* with every run of cells as an HTML table; what stands between two tables stays."""
    return "".join(part if outside else html(part) for outside, part in _runs(text))


def _runs(text: str) -> Iterator[tuple[bool, str]]:
    """Cut *text* into what is no table (True) and tables (False); text after the end of a row ends a table."""
    start, end, inside, row_done = 0, 0, False, False
    for mark in _MARK.finditer(text):
        if inside and row_done and text[end : mark.start()].strip():
            yield False, text[start:end]
            start, inside = end, False
        if not inside and mark[1] != "nl":
            yield True, text[start : mark.start()]
            start, inside = mark.start(), True
        end, row_done = mark.end(), mark[1] == "nl"
    if inside and not row_done:
        end = len(text)  # cut off inside a cell
    if inside:
        yield False, text[start:end]
        start = end
    yield True, text[start:]


def html(marked: str) -> str:
    """Return one table, text only in its cells, as HTML; empty if there is no cell in it."""
    grid = _grid(marked)
    rows = ["<tr>" + "".join(_cells(grid, at)) + "</tr>" for at in range(len(grid))]
    return f"<table>{''.join(rows)}</table>" if rows else ""


def _grid(marked: str) -> list[list[Cell]]:
    grid: list[list[Cell]] = [[]]
    pieces = _MARK.split(marked)  # text, mark, text, mark, ..., text
    for name, text in zip(pieces[1::2], pieces[2::2], strict=True):
        if name == "nl":
            grid.append([])
        else:
            grid[-1].append(Cell(name, " ".join(text.split())))
    return [row for row in grid if row]


def _cells(grid: list[list[Cell]], at: int) -> Iterator[str]:
    for column, cell in enumerate(grid[at]):
        if cell.taken:
            continue
        across, down = (1, 1) if cell.kind in SPANS else _span(grid, at, column)
        for row in grid[at : at + down]:
            for place in row[column : column + across]:
                place.taken = True
        name = "th" if cell.kind in HEADS else "td"
        wide = f' colspan="{across}"' if across > 1 else ""
        high = f' rowspan="{down}"' if down > 1 else ""
        yield f"<{name}{wide}{high}>{escape(cell.text, quote=False)}</{name}>"


def _span(grid: list[list[Cell]], at: int, column: int) -> tuple[int, int]:
    """Return how many columns and rows the cell at this place covers, itself included."""
    across = 1
    while column + across < len(grid[at]) and _free(grid[at][column + across], "lcel"):
        across += 1
    down = 1
    while at + down < len(grid) and _goes_on(grid[at + down][column : column + across], across):
        down += 1
    return across, down


def _goes_on(places: list[Cell], across: int) -> bool:
    """Say whether these places of a row belong to the cell above them."""
    return len(places) == across and _free(places[0], "ucel") and all(_free(p, "xcel", "ucel") for p in places[1:])


def _free(cell: Cell, *kinds: str) -> bool:
    return cell.kind in kinds and not cell.taken and not cell.text
