"""What the model wrote, taken apart."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropscribe.core.pages import Block
from dropscribe.engines.vlm.parsers.grounding import parse, plain
from dropscribe.engines.vlm.parsers.values import PageContext

GROUNDED = (
    "<|ref|>title<|/ref|><|det|>[[80, 40, 920, 90]]<|/det|>\n# Invoice 42\n\n"
    "<|ref|>text<|/ref|><|det|>[[80, 120, 920, 300]]<|/det|>\nDear **customer**, a \\coloneqq b\n\n\n\n"
    "<|ref|>table<|/ref|><|det|>[[80, 320, 920, 600]]<|/det|>\n<table><tr><td>Paper</td><td>3.50</td></tr></table>\n\n"
    "<|ref|>image<|/ref|><|det|>[[100, 650, 500, 900], [510, 650, 900, 900]]<|/det|>\n"
    "<|ref|>text<|/ref|><|det|>[[80, 910, 920, 960]]<|/det|>\n合计：三元五角。<｜end▁of▁sentence｜>"
)
PIECES = [
    "<|ref|>", "<|/ref|>", "<|det|>", "<|/det|>", "<|grounding|>", "[[1, 2, 3, 4]]", "[[", "]]", "text", "image", "\n",
    "[[9999, -1, 3, 4]]", "[[1, 2], [3]]", "<table>", "<td>", "</table>", "# ", "**", "![](", ")",
    "<｜end▁of▁sentence｜>", "<image>", "__import__('os')", "[" * 50, "合计", "\x00", "￾", "\\", "{{", "%s",
]  # fmt: skip


def test_marks_become_blocks_with_boxes_in_pixels() -> None:
    """Boxes are thousandths of the page; Chinese stays whole."""
    parsed = parse(GROUNDED, PageContext(1998, 999))

    assert parsed.blocks == (
        Block("title", "Invoice 42", (160, 40, 1840, 90)),
        Block("text", "Dear customer, a := b", (160, 120, 1840, 300)),
        Block("table", "Paper\t3.50", (160, 320, 1840, 600)),
        Block("image", "", (200, 650, 1000, 900)),
        Block("image", "", (1020, 650, 1800, 900)),
        Block("text", "合计：三元五角。", (160, 910, 1840, 960)),
    )
    assert parsed.boxes_good


def test_markdown_is_cleaned_and_keeps_tables_as_html() -> None:
    """Marks and end of text go, newlines collapse, the table stays."""
    assert parse(GROUNDED, PageContext(100, 100)).markdown == (
        "# Invoice 42\n\nDear **customer**, a := b\n\n<table><tr><td>Paper</td><td>3.50</td></tr></table>\n\n"
        "合计：三元五角。"
    )


def test_tables_become_markdown_if_wanted() -> None:
    """As `output.tables: markdown` says."""
    assert "| Paper | 3.50 |\n| --- | --- |" in parse(GROUNDED, PageContext(100, 100, markdown_tables=True)).markdown


def test_plain_text_has_no_markup_and_tabs_between_cells() -> None:
    """What goes into .txt."""
    assert (
        parse(GROUNDED, PageContext(100, 100)).text
        == "Invoice 42\n\nDear customer, a := b\n\nPaper\t3.50\n\n合计：三元五角。"
    )


def test_figures_leave_places_numbered_as_their_blocks_are() -> None:
    """Every block labelled image or figure counts, from 1, over the halves of a page too."""
    parsed = parse(GROUNDED, PageContext(100, 100, number=7, figure_marks=True, figures=2))

    assert "![](FIGURE:7-3)\n\n![](FIGURE:7-4)" in parsed.markdown
    assert parsed.figures == 4
    assert "FIGURE" not in parsed.text


def test_the_spelling_without_special_tokens_is_read() -> None:
    """Where special tokens were dropped, the mark is `label[[...]]`."""
    parsed = parse("title[[80, 40, 920, 90]]\n# Hello\ntext[[80, 120, 920, 300]]\nWorld", PageContext(999, 999))

    assert [(b.label, b.text, b.box) for b in parsed.blocks] == [
        ("title", "Hello", (80, 40, 920, 90)),
        ("text", "World", (80, 120, 920, 300)),
    ]


def test_program_text_that_looks_like_a_mark_stays_text() -> None:
    """The second spelling counts only where the text begins with it."""
    code = "Listing 3\nmatrix[[1, 2, 3, 4]]\nrows[[5, 6, 7, 8]]"

    assert parse(code, PageContext(100, 100)).text == code


def test_text_without_marks_keeps_its_own_signs() -> None:
    """A comment of a shell script is no heading."""
    assert parse("# comment\na ** b ** c", PageContext(100, 100)).text == "# comment\na ** b ** c"


@pytest.mark.parametrize(
    "box",
    ["[[0, 0, 1000, 5]]", "[[-1, 0, 5, 5]]", "[[5, 5, 1, 1]]", "[[1, 2, 3]]", "[1, 2", "__import__('os').getcwd()",
     "[['a', 1, 2, 3]]", "[[True, 1, 2, 3]]", "[[1e999, 1, 2, 3]]", "", "[]", "[" * 3000],
)  # fmt: skip
def test_a_box_that_is_none_is_told_and_costs_no_text(box: str) -> None:
    """Boxes are literals inside the page; anything else makes the attempt doubtful."""
    parsed = parse(f"<|ref|>text<|/ref|><|det|>{box}<|/det|>\nHello", PageContext(100, 100))

    assert not parsed.boxes_good
    assert parsed.blocks == (Block("text", "Hello", None),)


def test_half_a_mark_is_dropped_and_the_text_around_it_kept() -> None:
    """As after a timeout, or where a document shows such marks."""
    parsed = parse("Hello <|ref|>text<|/ref|><|det|>[[1, 2", PageContext(100, 100))

    assert parsed.text == "Hello text[[1, 2"


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=60), st.booleans(), st.booleans())
@settings(max_examples=300)
def test_no_text_breaks_the_parser(pieces: list[str], as_markdown: bool, places: bool) -> None:
    """Whatever comes: boxes lie on the page, no mark is left whole, nothing raises."""
    parsed = parse("".join(pieces), PageContext(640, 480, markdown_tables=as_markdown, figure_marks=places))

    for block in parsed.blocks:
        if block.box is not None:
            x0, y0, x1, y1 = block.box
            assert 0 <= x0 <= x1 <= 640 and 0 <= y0 <= y1 <= 480
    assert "<|det|>" not in parsed.markdown


@given(
    st.text(alphabet=st.characters(exclude_characters="<>[]|*#\\!｜\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"), max_size=200)
)
def test_plain_writing_passes_through_unchanged(text: str) -> None:
    """Apart from blank lines, which collapse, and the ends."""
    kept = "\n".join(text.split("\n"))
    while "\n\n\n" in kept:
        kept = kept.replace("\n\n\n", "\n\n")

    assert plain(text, marked=False) == kept.strip()


@pytest.mark.parametrize(
    "piece", ["<|ref|>", "<|ref|>text<|/ref|><|det|>", "[[", "**a", "<table>", "# ", "<table><td>", "!["]
)
def test_eight_thousand_equal_pieces_are_read_in_no_time(piece: str) -> None:
    """No pattern goes back over the text again and again: that would run into the time limit of a test."""
    assert parse(piece * 8192, PageContext(100, 100)).boxes_good
