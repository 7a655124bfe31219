"""Answers made to cost time: every parser is linear, so that a long one of them ends within the limit of a test.

A parser that took the square of the length would need minutes for these.
"""

import random

import pytest

from dropscribe.engines.vlm.parsers import doctags, grounding, markdown
from dropscribe.engines.vlm.parsers.values import PageContext

PAGE = PageContext(1000, 1400, markdown_tables=True, figure_marks=True)
PARSERS = (grounding.parse, markdown.parse, doctags.parse)
SPANNING = "<td colspan=256 rowspan=4096>x</td>"

ANSWERS = {
    "spans": "<table><tr>" + SPANNING * 24 + "</table>",
    "spans in each row": "<table>" + ("<tr>" + SPANNING) * 3000,
    "tables that never close": "<table" * 100_000,
    "tables inside tables": "<table>" * 100_000,
    "open quotes": "<table \"'" * 100_000,
    "open comments": "<!--" * 100_000,
    "ragged rows": "<table><tr>" + "<td>x" * 20_000 + "<tr><td>y" * 20_000,
    "marks with brackets": ("<|ref|>a<|/ref|><|det|>" + "[" * 900 + "<|/det|>") * 300,
    "boxes at the start of lines": "title[[1,2,3,4]]\n" * 20_000,
    "stars": "**a" * 100_000,
    "pictures": "![](" * 100_000,
    "cells of every kind": "<fcel>a" + "<lcel>" * 20_000 + "<nl>" + ("<ucel>" + "<xcel>" * 200 + "<nl>") * 200,
    "lists inside lists": "<ordered_list>" * 50_000 + "<list_item>" * 20_000,
    "code that never ends": "<code>" * 50_000,
}
PIECES = [
    *(
        "<table>",
        "</table>",
        "<tr>",
        "<td>",
        '<td colspan="9" rowspan=9>',
        "<fcel>",
        "<lcel>",
        "<ucel>",
        "<nl>",
        "<otsl>",
    ),
    *("<|ref|>", "<|/ref|>", "<|det|>", "<|/det|>", "[[1, 2, 3, 4]]", "<picture>", "<loc_500>", "<code>", "</code>"),
    *("<!--", "-->", "<", ">", "&", "|", "**", "#", "![](", "word", " ", "\n\n", "\x00", "\ud800", "<script>"),
]


@pytest.mark.timeout(20)
@pytest.mark.parametrize("parse", PARSERS, ids=lambda parse: parse.__module__.rsplit(".")[-1])
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_a_hostile_answer_is_parsed_in_linear_time(answer: str, parse) -> None:
    found = parse(answer, PAGE)

    assert len(found.markdown) <= 50 * len(answer)


@pytest.mark.parametrize("seed", range(20))
def test_a_random_answer_gives_text(seed: int) -> None:
    """Whatever comes, there is a value; words between the marks are kept."""
    chance = random.Random(seed)
    answer = "".join(chance.choices(PIECES, k=2000))
    for parse in PARSERS:
        found = parse(answer, PAGE)
        assert found.text.count("word") >= answer.count("word") // 2
