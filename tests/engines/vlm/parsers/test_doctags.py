"""DocTags taken apart."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropscribe.core.pages import Block
from dropscribe.engines.vlm.parsers.doctags import parse, read
from dropscribe.engines.vlm.parsers.values import PageContext

BOX = "<loc_50><loc_100><loc_250><loc_200>"
PAGE = (
    f"<doctag><page_header>{BOX}Journal</page_header>\n<title>{BOX}Invoice 42</title>\n"
    f"<section_header_level_1>{BOX}What\nyou pay</section_header_level_1>\n"
    f"<text>{BOX}Dear customer, a < b & c.</text>\n"
    f"<unordered_list><list_item>{BOX}• Paper</list_item>\n<list_item>{BOX}Ink</list_item>\n</unordered_list>\n"
    f"<ordered_list><list_item>{BOX}Sign</list_item>\n<list_item>{BOX}2. Send</list_item></ordered_list>\n"
    f"<otsl>{BOX}<ched>Item<ched>Price<nl><fcel>Paper<fcel>3.50<nl><caption>{BOX}Table 1</caption></otsl>\n"
    f"<picture>{BOX}<bar_chart><caption>{BOX}Figure 1</caption></picture>\n"
    f"<code>{BOX}<_Python_>print('<text>')\n# no heading</code>\n<formula>{BOX}E = mc^2</formula>\n"
    f"<checkbox_selected>{BOX}paid</checkbox_selected>\n<footnote>{BOX}1 net</footnote>\n"
    "<text>合计：三元五角。</text></doctag>"
)
PIECES = [
    "<doctag>", "</doctag>", "<text>", "</text>", "<loc_1>", "<loc_500>", "<loc_9999>", "<loc_", ">", "<otsl>",
    "</otsl>", "<fcel>", "<ecel>", "<lcel>", "<ucel>", "<xcel>", "<ched>", "<nl>", "<picture>", "</picture>", "<code>",
    "</code>", "<_Python_>", "```", "<formula>", "<caption>", "</caption>", "<list_item>", "</list_item>",
    "<ordered_list>", "</ordered_list>", "<section_header_level_9>", "<chart>", "<key_1>", "<table>", "</table>", "\n",
    "__import__('os')", "合计", "\x00", "\\", "{{", "<" * 50,
]  # fmt: skip


def test_elements_become_blocks_with_labels_and_boxes_in_pixels() -> None:
    """Places are five hundredths of the page; what stands inside a table or picture follows it."""
    parsed = parse(PAGE, PageContext(1000, 500))

    assert [(b.label, b.text) for b in parsed.blocks] == [
        ("header", "Journal"), ("title", "Invoice 42"), ("sub_title", "What\nyou pay"),
        ("text", "Dear customer, a < b & c."), ("list", "- Paper"), ("list", "- Ink"), ("list", "1. Sign"),
        ("list", "2. Send"), ("table", "Item\tPrice\nPaper\t3.50"), ("caption", "Table 1"), ("image", ""),
        ("caption", "Figure 1"), ("code", "print('<text>')\n# no heading"), ("formula", "E = mc^2"),
        ("text", "- [x] paid"), ("footnote", "1 net"), ("text", "合计：三元五角。"),
    ]  # fmt: skip
    assert {b.box for b in parsed.blocks[:-1]} == {(100, 100, 500, 200)}
    assert parsed.blocks[-1].box is None
    assert parsed.boxes_good


def test_headings_lists_tables_code_and_formulas_are_markdown() -> None:
    """Tables stay HTML; items of a list stand together."""
    assert parse(PAGE, PageContext(100, 100, number=3, figure_marks=True, figures=1)).markdown == (
        "Journal\n\n# Invoice 42\n\n## What you pay\n\nDear customer, a < b & c.\n\n"
        "- Paper\n- Ink\n1. Sign\n2. Send\n\n"
        "<table><tr><th>Item</th><th>Price</th></tr><tr><td>Paper</td><td>3.50</td></tr></table>\n\nTable 1\n\n"
        "![](FIGURE:3-2)\n\nFigure 1\n\n```python\nprint('<text>')\n# no heading\n```\n\n$$\nE = mc^2\n$$\n\n"
        "- [x] paid\n\n1 net\n\n合计：三元五角。"
    )


def test_plain_text_has_no_markup_and_tabs_between_cells() -> None:
    """Nothing of the program is taken for markup."""
    assert parse(PAGE, PageContext(100, 100)).text == (
        "Journal\n\nInvoice 42\n\nWhat\nyou pay\n\nDear customer, a < b & c.\n\n- Paper\n- Ink\n1. Sign\n2. Send\n\n"
        "Item\tPrice\nPaper\t3.50\n\nTable 1\n\nFigure 1\n\nprint('<text>')\n# no heading\n\nE = mc^2\n\n"
        "- [x] paid\n\n1 net\n\n合计：三元五角。"
    )


def test_tables_become_markdown_if_wanted() -> None:
    """As `output.tables: markdown` says."""
    assert (
        "| Item | Price |\n| --- | --- |\n| Paper | 3.50 |"
        in parse(PAGE, PageContext(9, 9, markdown_tables=True)).markdown
    )


def test_figures_are_counted_from_where_the_last_half_ended() -> None:
    """The index of a place goes on, and a chart's table is kept beside it."""
    parsed = parse(
        f"<chart>{BOX}<bar_chart><fcel>1<fcel>2<nl></chart>",
        PageContext(100, 100, number=7, figure_marks=True, figures=2),
    )

    assert parsed.markdown == "![](FIGURE:7-3)\n\n<table><tr><td>1</td><td>2</td></tr></table>"
    assert (parsed.figures, parsed.blocks[0].label, parsed.text) == (3, "figure", "1\t2")


@pytest.mark.parametrize(
    "places",
    ["<loc_1><loc_2><loc_3>", "<loc_1><loc_2><loc_3><loc_501>", "<loc_9><loc_2><loc_3><loc_4>", "<loc_1>" * 400],
)
def test_places_that_are_no_box_are_told_and_cost_no_text(places: str) -> None:
    """Too few, too many, off the page, inside out."""
    parsed = parse(f"<text>{places}Hello</text>", PageContext(100, 100))

    assert not parsed.boxes_good
    assert parsed.blocks == (Block("text", "Hello", None),)


@pytest.mark.parametrize(
    ("cut", "text"),
    [
        (f"<doctag><text>{BOX}Hel", "Hel"),
        (f"<doctag><text>{BOX}One<text>{BOX}Two", "One\n\nTwo"),
        (f"<otsl>{BOX}<fcel>1<fcel>2<nl><fcel>3", "1\t2\n3"),
        (f"Well: <doctag><text>{BOX}Hi</text> there", "Well:\n\nHi\n\nthere"),
        (f"<code>{BOX}a <b", "a <b"),
    ],
)
def test_what_was_cut_off_or_never_closed_is_kept(cut: str, text: str) -> None:
    """As after a timeout."""
    assert parse(cut, PageContext(100, 100)).text == text


def test_an_answer_without_elements_is_read_as_it_stands() -> None:
    """As to words of one's own."""
    parsed = parse("# The sum is [[1, 2, 3, 4]]\n\n\n\n<b>x</b></doctag>", PageContext(100, 100))

    assert (parsed.markdown, parsed.boxes_good) == ("# The sum is [[1, 2, 3, 4]]\n\n<b>x</b>", True)


def test_a_fence_is_longer_than_those_inside() -> None:
    """So that a program cannot end it."""
    assert parse(f"<code>{BOX}```\nx\n```</code>", PageContext(9, 9)).markdown == "````\n```\nx\n```\n````"


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=60), st.booleans(), st.booleans())
@settings(max_examples=300)
def test_no_text_breaks_the_parser(pieces: list[str], as_markdown: bool, places: bool) -> None:
    """Whatever comes: boxes lie on the page, every figure has its number, nothing raises."""
    parsed = parse("".join(pieces), PageContext(640, 480, markdown_tables=as_markdown, figure_marks=places))

    for block in parsed.blocks:
        if block.box is not None:
            x0, y0, x1, y1 = block.box
            assert 0 <= x0 <= x1 <= 640 and 0 <= y0 <= y1 <= 480
    assert parsed.figures == sum(block.label in ("image", "figure") for block in parsed.blocks)


@given(st.lists(st.text(alphabet=st.characters(exclude_characters="<>"), max_size=40), max_size=9))
def test_no_letter_is_lost_or_moved(texts: list[str]) -> None:
    """All text between tags comes out in its order."""
    output = "".join(f"<text>{BOX}{text}</text>\n" for text in texts)

    assert [e.text for e in read(output)] == texts


@pytest.mark.parametrize(
    "piece", ["<text>", "<otsl>", "<code>", "<loc_1>", "<picture><otsl>", "<list_item>a", "<fcel>", "`", "<"]
)
def test_eight_thousand_equal_pieces_are_read_in_no_time(piece: str) -> None:
    """No pattern goes back over the text again and again: that would run into the time limit of a test."""
    parse("<text>" + piece * 8192, PageContext(100, 100))
    parse("<code>" + piece * 8192 + "</code>", PageContext(100, 100))
