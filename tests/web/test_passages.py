"""Passages of a page's text: the whole text, each line linked to its box, what is doubtful marked."""

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dropscribe.web.passages import passages


def block(text: str, confidence: float | None = None) -> dict[str, Any]:
    return {"text": text, "confidence": confidence, "box": None, "label": "text"}


def told(text: str, blocks: list[dict[str, Any]], unconfirmed: list[dict[str, Any]] | None = None) -> list[Any]:
    return [(p.text, p.block, p.doubt) for p in passages(text, blocks, unconfirmed or [])]


def test_each_line_leads_to_its_block() -> None:
    assert told("one\ntwo\n\nthree", [block("one"), block("two"), block("three")]) == [
        ("one", 0, ""), ("\n", None, ""), ("two", 1, ""), ("\n\n", None, ""), ("three", 2, ""),
    ]  # fmt: skip


def test_equal_lines_are_told_apart_by_their_order() -> None:
    assert [b for _, b, _ in told("x\nx\nx", [block("x"), block("x"), block("x")]) if b is not None] == [0, 1, 2]


def test_blocks_in_another_order_than_the_text_are_found() -> None:
    assert told("left right", [block("right"), block("left")]) == [("left", 1, ""), (" ", None, ""), ("right", 0, "")]


def test_a_block_whose_text_was_changed_leads_nowhere() -> None:
    assert told("join-\ned", [block("joined")]) == [("join-\ned", None, "")]


def test_low_confidence_and_what_was_not_confirmed_are_marked() -> None:
    blocks = [block("sure", 0.99), block("shaky words", 0.5), block("no figure")]

    assert told("sure\nshaky words\nno figure", blocks, [block("figure")]) == [
        ("sure", 0, ""), ("\n", None, ""), ("shaky words", 1, "low"), ("\n", None, ""), ("no ", 2, ""),
        ("figure", 2, "unconfirmed"),
    ]  # fmt: skip


@given(st.lists(st.text("ab \n", max_size=4), max_size=12), st.lists(st.text("ab", max_size=3), max_size=4))
def test_joined_again_they_are_the_text(lines: list[str], doubted: list[str]) -> None:
    shuffled = random.Random(len(lines)).sample(lines, len(lines))
    text = "\n".join(lines)

    assert "".join(p.text for p in passages(text, [block(x) for x in shuffled], [block(x) for x in doubted])) == text
