"""The loop detector."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropscribe.engines.vlm.repetition import Loop, LoopDetector, first_copy, repeated_before

TD, TD_END, TR = 1, 2, 3


def detector(ids: list[int], spelling: dict[int, str] | None = None) -> LoopDetector:
    """Return a detector that has taken in *ids*."""
    words = spelling or {}
    found = LoopDetector(lambda token: words.get(token, "x"), {TD, TD_END, TR})
    for token in ids:
        found.push(token)
    return found


@pytest.mark.parametrize("period", [1, 2, 3, 16, 17, 64, 128])
def test_finds_an_endless_loop_of_any_period_up_to_128(period: int) -> None:
    """Three copies over at least 48 tokens are a loop, and its beginning is found."""
    unit = list(range(100, 100 + period))
    copies = max(3, -(-48 // period))
    ids = [10, 11, 12, *unit * copies]

    assert detector(ids).ending() == Loop(3, len(ids), period)
    assert detector(ids).anywhere() == Loop(3, len(ids), period)


def test_two_copies_or_a_short_run_are_no_loop() -> None:
    """A table with two equal rows and a ruled line are honest."""
    assert detector([*range(100, 200), *range(100, 200)]).ending() is None
    assert detector([7] * 47).ending() is None
    assert detector([7] * 47).anywhere() is None


@given(st.lists(st.integers(10, 10_000), max_size=600, unique=True))
def test_text_that_never_repeats_is_never_a_loop(ids: list[int]) -> None:
    """No false alarm on tokens that are all different."""
    assert detector(ids).ending() is None
    assert detector(ids).anywhere() is None


@given(st.lists(st.integers(10, 14), min_size=1, max_size=40), st.lists(st.integers(10, 14), max_size=60))
def test_whatever_is_repeated_long_enough_is_found_anywhere(unit: list[int], after: list[int]) -> None:
    """A loop that the model left again is found at the end, and one copy at least is kept."""
    ids = [*unit * max(3, -(-48 // len(unit))), *after]
    loop = detector(ids).anywhere()

    assert loop is not None
    assert 0 < first_copy(ids, loop) <= len(unit) * 2


def test_an_empty_form_is_no_loop_until_it_is_absurd() -> None:
    """Rows of empty cells are honest for some hundred tokens."""
    row = [TR, TD, TD_END, TD, TD_END, TD, TD_END]

    assert detector(row * 20).ending() is None
    assert detector(row * 20).anywhere() is None
    assert detector(row * 80).anywhere() is not None


def test_boxes_that_drift_for_ever_are_a_loop() -> None:
    """The same mark again and again with other figures in its box ends the attempt."""
    words = {
        1000: "<|ref|>",
        1001: "image",
        1002: "<|/ref|>",
        1003: "<|det|>",
        1004: "[[",
        1005: "]]",
        1006: "<|/det|>",
    }
    words |= {n: str(n) for n in range(1, 999)}
    marks = [[1000, 1001, 1002, 1003, 1004, n, n + 1, 1005, 1006] for n in range(1, 40)]

    assert detector(list(itertools.chain(*marks[:8])), words).ending() is None, "a sheet of eight pictures is honest"
    assert detector(list(itertools.chain(*marks)), words).ending() is not None


def test_items_of_doctags_whose_places_drift_for_ever_are_a_loop() -> None:
    """A box is four tokens there."""
    words = {1000: "<list_item>", 1001: "item", 1002: "</list_item>", **{n: f"<loc_{n}>" for n in range(500)}}
    items = [[1000, 50, n, 450, n + 9, 1001, 1002] for n in range(10, 400, 10)]

    assert detector(list(itertools.chain(*items[:12])), words).ending() is None, "a dozen equal items are honest"
    assert detector(list(itertools.chain(*items)), words).ending() is not None


def test_a_table_of_figures_is_no_loop() -> None:
    """Figures outside boxes are told apart, however regular their rows."""
    words = {1000: "<tr><td>", 1001: "</td></tr>", **{n: str(n) for n in range(10, 999)}}
    rows = list(itertools.chain(*([1000, n, 1001] for n in range(10, 210))))

    assert detector(rows, words).ending() is None
    assert detector(rows, words).anywhere() is None


def test_a_repetition_too_short_for_the_detector_is_found_where_the_guard_struck() -> None:
    """The ids before a ban repeat themselves by definition; where that began is told."""
    ids = [50, 51, *[7, 8, 9] * 10, 60]

    assert detector(ids).anywhere() is None
    assert repeated_before(ids, 32, 90) == Loop(2, 32, 3)
