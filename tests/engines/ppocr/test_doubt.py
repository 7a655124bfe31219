"""Doubt about a page, from lines alone."""

import numpy as np

from dropscribe.engines.ppocr.doubt import flags, textlike
from dropscribe.layout.lines import Line


def line(text: str, confidence: float = 0.99, *, length: float = 0, places: tuple[float, ...] = ()) -> Line:
    """Return a line 20 pixels high, *length* pixels long: as long as its text wants if that is 0."""
    x1 = length or 10 * len(text)
    return Line(np.array([(0, 0), (x1, 0), (x1, 20), (0, 20)], np.float32), text, confidence, places)


def test_a_page_read_with_confidence_is_not_doubtful() -> None:
    assert flags([line("All of this was read well"), line("Contents ........... 7", length=600)], 0.0) == ()


def test_letters_read_with_little_confidence_are_doubtful() -> None:
    assert flags([line("Some of it was guessed", 0.7), line("but not all of it")], 0.0) == ("low-confidence",)


def test_lines_that_come_out_as_dots_are_unread() -> None:
    assert flags([line(". .  .", length=500), line(".", length=480)], 0.0) == ("unread",)


def test_lines_that_could_not_be_read_at_all_are_unread() -> None:
    assert flags([line("One line of several")], 0.4) == ("unread",)


def test_letters_left_out_of_words_show_as_gaps() -> None:
    whole, lacking = (tuple(np.cumsum(steps) / 200) for steps in ([1.0] * 40, [1.0, 1.0, 1.0, 2.4] * 10))

    assert flags([line("x" * 40, places=whole)], 0.0) == ()
    assert flags([line("x" * 40, places=lacking)], 0.0) == ("unread",)


def test_a_picture_without_text_is_no_doubt_and_lines_without_letters_are() -> None:
    assert flags([], 0.0) == ()
    assert flags([], 0.8) == ("empty",)


def test_one_line_that_is_all_the_picture_shows_is_text_and_one_beside_other_things_is_not() -> None:
    quads = np.array([[(20, 20), (220, 20), (220, 40), (20, 40)]], np.float32)
    picture = np.full((100, 240, 3), 255, np.uint8)
    picture[22:38, 22:218:3] = 0
    assert textlike(picture, quads)

    picture[60:90, 30:90] = 0  # a branch of a tree, and its trunk
    assert not textlike(picture, quads)
    assert textlike(picture, np.concatenate([quads, quads + 40]))
    assert not textlike(picture, quads[:0])
