"""Tables written as OTSL."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropscribe.engines.vlm.parsers import otsl, tables

CELL = st.text(st.characters(codec="utf-8", exclude_characters="<>&\x00"), min_size=1, max_size=6)


@pytest.mark.parametrize(
    ("marked", "html"),
    [
        ("<fcel>a<fcel>b<nl><fcel>c<ecel><nl>", "<tr><td>a</td><td>b</td></tr><tr><td>c</td><td></td></tr>"),
        ("<ched>A<lcel><nl><rhed>x<fcel>1", '<tr><th colspan="2">A</th></tr><tr><th>x</th><td>1</td></tr>'),
        ("<fcel>a<fcel>b<nl><ucel><fcel>c<nl>", '<tr><td rowspan="2">a</td><td>b</td></tr><tr><td>c</td></tr>'),
        ("<fcel>a<lcel><nl><ucel><xcel><nl>", '<tr><td colspan="2" rowspan="2">a</td></tr><tr></tr>'),
        ("<fcel> a\n b <nl>", "<tr><td>a b</td></tr>"),
        ("<fcel>a<b>&</td><nl>", "<tr><td>a&lt;b&gt;&amp;&lt;/td&gt;</td></tr>"),
        ("<lcel><ucel><nl><xcel>", "<tr><td></td><td></td></tr><tr><td></td></tr>"),
        ("<fcel>a<nl><ucel><lcel><nl>", '<tr><td rowspan="2">a</td></tr><tr><td></td></tr>'),
    ],
)
def test_cells_spans_and_nonsense(marked: str, html: str) -> None:
    """Spans cover a rectangle; what points at nothing is an empty cell; text is escaped."""
    assert otsl.html(marked) == f"<table>{html}</table>"


def test_text_around_and_between_tables_stays() -> None:
    """A table ends with the row after which text follows."""
    text = "Bill\n<fcel>a<nl>\n<fcel>b<nl>\nSum <nl>\n<fcel>c<nl>end"

    assert otsl.replaced(text) == (
        "Bill\n<table><tr><td>a</td></tr><tr><td>b</td></tr></table>\nSum <nl>\n<table><tr><td>c</td></tr></table>end"
    )


def test_text_without_cells_is_unchanged() -> None:
    """Even with the mark of a row's end in it."""
    assert otsl.replaced("a <nl> b") == "a <nl> b"


@given(st.lists(st.lists(CELL, min_size=1, max_size=5), max_size=6))
def test_every_cell_comes_out_where_it_stood(grid: list[list[str]]) -> None:
    """Through HTML and back."""
    marked = "".join("".join(f"<fcel>{cell}" for cell in row) + "<nl>" for row in grid)
    read = tables.rows(otsl.html(marked))

    assert [row[: len(cells)] for row, cells in zip(read, grid, strict=True)] == [
        [" ".join(cell.split()) for cell in cells] for cells in grid
    ]


@given(st.lists(st.sampled_from([*otsl.MARKS, "x", "\n", "<", "</td>"]), max_size=80))
def test_any_marks_give_a_table_that_can_be_read(pieces: list[str]) -> None:
    """No letter is lost, in cells or around them."""
    text = otsl.replaced("".join(pieces))

    assert tables.replaced(text, tables.as_text).count("x") == pieces.count("x")
    assert text.count("<table>") == text.count("</table>")
