"""Answers without marks."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropscribe.core.pages import Block
from dropscribe.engines.vlm.parsers.markdown import parse
from dropscribe.engines.vlm.parsers.values import PageContext


@pytest.mark.parametrize(
    "text",
    ["title[[80, 40, 920, 90]]\n# Hello", "<|ref|>text<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>\nHi", "# comment\na ** b"],
)
def test_nothing_is_taken_for_a_mark_of_layout(text: str) -> None:
    """A page may show what another model would write."""
    parsed = parse(text, PageContext(100, 100))

    assert (parsed.text, parsed.markdown, parsed.blocks) == (text, text, (Block("text", text, None),))


def test_tables_of_both_kinds_are_tables() -> None:
    """HTML as GLM-OCR writes it and OTSL as PaddleOCR-VL does."""
    parsed = parse("Bill\n<table><tr><td>a</td></tr></table>\n<fcel>b<fcel>c<nl>\nend", PageContext(100, 100))

    assert (
        parsed.markdown == "Bill\n<table><tr><td>a</td></tr></table>\n<table><tr><td>b</td><td>c</td></tr></table>\nend"
    )
    assert [(b.label, b.text) for b in parsed.blocks] == [
        ("text", "Bill"), ("table", "a"), ("table", "b\tc"), ("text", "end"),
    ]  # fmt: skip
    assert parsed.text == "Bill\na\nb\tc\nend"


def test_tables_become_markdown_if_wanted() -> None:
    """And the number of figures is handed on."""
    parsed = parse("<fcel>b<fcel>c<nl>", PageContext(100, 100, markdown_tables=True, figures=3))

    assert (parsed.markdown, parsed.figures) == ("| b | c |\n| --- | --- |", 3)


@given(st.lists(st.sampled_from(["<fcel>", "<nl>", "<lcel>", "<table>", "</table>", "[[", "\n"]) | st.text(max_size=8)))
@settings(max_examples=200)
def test_no_text_breaks_the_parser(pieces: list[str]) -> None:
    """And none is doubted for its layout."""
    assert parse("".join(pieces), PageContext(640, 480, markdown_tables=True, figure_marks=True)).boxes_good
