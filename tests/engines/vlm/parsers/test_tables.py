"""HTML tables into rows, Markdown and text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropscribe.engines.vlm.parsers import tables

INVOICE = "<table><tr><td>Item</td><td>Price</td></tr><tr><td>Paper</td><td>3.50</td></tr></table>"


def test_becomes_a_markdown_table_with_a_head() -> None:
    """The first row is the head."""
    assert tables.as_markdown(INVOICE) == "| Item | Price |\n| --- | --- |\n| Paper | 3.50 |"


def test_becomes_text_with_tabs() -> None:
    """One line a row."""
    assert tables.as_text(INVOICE) == "Item\tPrice\nPaper\t3.50"


def test_spans_leave_their_places_empty() -> None:
    """Columns stay under each other."""
    html = (
        '<table><tr><th rowspan="2">Name</th><th colspan="2">Sizes</th></tr><tr><td>cm</td><td>in</td></tr>'
        "<tr><td>A4</td><td>21</td><td>8.3</td></tr></table>"
    )

    assert tables.rows(html) == [["Name", "Sizes", ""], ["", "cm", "in"], ["A4", "21", "8.3"]]


def test_signs_of_markdown_in_cells_are_escaped() -> None:
    """A bar in a cell does not make a column, and entities are letters."""
    assert tables.as_markdown("<table><tr><td>a | b</td><td>1 &lt; 2<br>x</td></tr></table>") == (
        "| a \\| b | 1 < 2 x |\n| --- | --- |"
    )


@pytest.mark.parametrize("html", ["<table><tr><td>a<td>b<tr><td>c", "<table><td>a</td><td>b</td><tr><td>c</td>"])
def test_unclosed_cells_and_rows_are_read(html: str) -> None:
    """A model that was cut off leaves tables open."""
    assert tables.rows(html) == [["a", "b"], ["c", ""]]


@pytest.mark.parametrize("span", ["99999999999999", "-3", "two", "", "٣", "0"])
def test_absurd_spans_cost_nothing(span: str) -> None:
    """A span is at most as wide as the widest table allowed."""
    grid = tables.rows(f'<table><tr><td colspan="{span}" rowspan="{span}">x</td></tr><tr><td>y</td></tr></table>')

    assert grid[0][0] == "x"
    assert len(grid[0]) <= tables.COLUMNS_MOST


def test_text_around_tables_stays() -> None:
    """Only what is between the tags is touched, also where the end tag is missing."""
    text = f"before\n{INVOICE}\nbetween <table><tr><td>open"

    assert tables.replaced(text, lambda table: "T") == "before\nT\nbetween T"


def test_no_cell_is_dropped_however_large_the_table() -> None:
    """Rows and columns beyond any page are text all the same; spans have a budget, text has none."""
    grid = tables.rows("<table>" + "<tr>" + "<td colspan=256 rowspan=4096>x" * 300 + "<tr><td>y" * 5000)

    assert sum(row.count("x") for row in grid) == 300
    assert sum(row.count("y") for row in grid) == 5000
    assert sum(map(len, grid)) <= 2 * tables.PLACES_MOST


def test_a_table_inside_a_table_ends_with_the_outer_one() -> None:
    """No tag of the outer table is left in the text."""
    text = "a<table><tr><td>1<table><tr><td>2</td></tr></table></td></tr></table>b"

    assert tables.replaced(text, tables.as_text) == "a1\n2b"


def test_a_second_start_tag_takes_no_text_along() -> None:
    """A model may write a start tag twice; what follows the last end tag is no cell."""
    text = "<table><table><tr><td>1</td></tr></table>after"

    assert tables.replaced(text, tables.as_text) == "1after"


TAGS = ["<table>", "</table>", "<tr>", "</tr>", "<td>", "</td>", "<td colspan=3>", "<td rowspan='4'>"]
SIGNS = ["<", "&", "x", " ", "|", "<!--", "<![CDATA[", "\n"]


@given(st.lists(st.sampled_from([*TAGS, *SIGNS]), max_size=60))
def test_any_sequence_of_tags_gives_a_rectangle(pieces: list[str]) -> None:
    """Nothing the model can write breaks the reader of tables."""
    html = "".join(pieces)
    grid = tables.rows(html)

    assert len({len(row) for row in grid}) <= 1
    assert isinstance(tables.as_markdown(html), str)
    assert isinstance(tables.as_text(html), str)
