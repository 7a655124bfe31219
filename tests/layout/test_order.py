"""Reading order and joining, on boxes alone: no model is loaded here."""

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropscribe.engines.ppocr.detection import overlooked, parted
from dropscribe.layout.geometry import Quad, merged, skew
from dropscribe.layout.order import rows


def box(x0: float, y0: float, x1: float, y1: float) -> Quad:
    """Return an upright quad."""
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], np.float32)


def column(x0: float, x1: float, top: float, lines: int, pitch: float = 30) -> list[Quad]:
    """Return full lines of running text, the last one short."""
    ends = [x1] * (lines - 1) + [x0 + 0.4 * (x1 - x0)]
    return [box(x0, top + i * pitch, end, top + i * pitch + 22) for i, end in enumerate(ends)]


def turned(quads: list[Quad], degrees: float) -> list[Quad]:
    """Return *quads* turned about the origin."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return [(quad @ np.array([[c, s], [-s, c]])).astype(np.float32) for quad in quads]


def texts_of(quads: list[Quad]) -> list[str]:
    """Return what might stand in *quads*, given in the order of reading: sentences in long lines, words in short ones.

    A line much shorter than the one before ends its sentence, and the next line begins one.
    """
    texts: list[str] = []
    before, begins = 0.0, True
    for quad in quads:
        width, height = (float(np.linalg.norm(quad[i] - quad[0])) for i in (1, 3))
        ends = width < 0.7 * before
        line = "and so the sentence goes on through these lines of running text"[: round(1.8 * width / height)]
        texts.append("Word" if width < 7 * height and not ends else line.capitalize() if begins else line)
        texts[-1] += "." * ends
        before, begins = (0.0 if ends else width), ends
    return texts


def order_of(quads: list[Quad], texts: list[str] | None = None) -> list[int]:
    """Return the reading order of *quads*, handed over in a shuffled order."""
    shuffled = list(range(len(quads)))
    random.Random(7).shuffle(shuffled)
    texts = texts or texts_of(quads)
    found = rows([quads[i] for i in shuffled], [texts[i] for i in shuffled])
    return [shuffled[i] for row in found for i in row]


def test_one_column_is_read_from_top_to_bottom() -> None:
    quads = column(100, 700, 50, 8)

    assert order_of(quads) == list(range(8))


def test_two_columns_are_read_one_after_the_other() -> None:
    quads = column(100, 480, 200, 12) + column(520, 900, 200, 12)

    assert order_of(quads) == list(range(24))


def test_a_heading_and_a_footer_across_two_columns_come_first_and_last() -> None:
    quads = [box(100, 60, 900, 100), *column(100, 480, 200, 9), *column(520, 900, 200, 9), box(300, 600, 700, 622)]

    assert order_of(quads) == list(range(20))


def test_a_heading_in_the_middle_ends_both_columns_above_it() -> None:
    upper = column(100, 480, 100, 6) + column(520, 900, 100, 6)
    lower = column(100, 480, 400, 6) + column(520, 900, 400, 6)
    quads = [*upper, box(100, 330, 900, 360), *lower]

    assert order_of(quads) == list(range(25))


def test_three_columns_are_read_one_after_the_other() -> None:
    quads = column(50, 330, 100, 10) + column(360, 640, 113, 10) + column(670, 950, 100, 10)

    assert order_of(quads) == list(range(30))


def test_columns_of_a_skewed_page_are_told_apart() -> None:
    quads = turned(column(100, 480, 200, 20) + column(520, 900, 200, 20), 3)

    assert order_of(quads) == list(range(40))


def test_the_skew_of_a_page_is_seen() -> None:
    assert math.isclose(math.degrees(skew(turned(column(100, 800, 200, 9), -2.5))), -2.5, abs_tol=0.1)


def test_columns_that_flow_around_a_picture_stay_columns() -> None:
    left = column(100, 480, 100, 6) + column(100, 300, 280, 9) + column(100, 480, 550, 6)
    right = column(520, 900, 100, 6) + column(700, 900, 280, 9) + column(520, 900, 550, 6)

    assert order_of(left + right) == list(range(42))


def test_rows_of_a_table_are_read_across() -> None:
    widths = (120, 60, 80, 40)
    quads = [
        box(x, y, x + w, y + 22) for y in range(100, 460, 30) for x, w in zip((100, 300, 500, 700), widths, strict=True)
    ]

    assert order_of(quads) == list(range(len(quads)))


def test_both_lines_of_a_cell_are_read_before_the_next_cell() -> None:
    first_row = [box(100, 100, 300, 122), box(100, 124, 200, 146), box(400, 112, 480, 134), box(600, 112, 680, 134)]
    second_row = [box(100, 160, 300, 182), box(100, 184, 200, 206), box(400, 172, 480, 194), box(600, 172, 680, 194)]

    assert order_of(first_row + second_row) == list(range(8))


def table(rows: list[tuple[int, int]], *, pad: float) -> list[Quad]:
    """Return a table of two columns of sentences, row by row and cell by cell; *rows* says how many lines they have."""
    quads, top = [], 100.0
    for left, right in rows:
        height = 26 * max(left, right)
        for x0, x1, lines in ((100, 480, left), (520, 900, right)):
            quads += column(x0, x1, top, lines, pitch=26)
        top += height + pad
    return quads


def test_cells_of_sentences_are_a_table_and_not_columns() -> None:
    quads = table([(3, 2), (1, 4), (5, 3), (2, 3), (4, 2)], pad=12)
    read = order_of(quads)

    assert [read.index(i) for i in (0, 5, 10, 18, 23)] == sorted(read.index(i) for i in (0, 5, 10, 18, 23))
    assert max(read.index(i) for i in range(5)) < min(read.index(i) for i in range(10, 18))


def test_columns_whose_paragraphs_stand_apart_stay_columns() -> None:
    left, right = [3, 5, 2, 4], [4, 2, 5, 3]
    quads = []
    for x0, x1, paragraphs in ((100, 480, left), (520, 900, right)):
        top = 100.0
        for lines in paragraphs:
            quads += column(x0, x1, top, lines, pitch=26)
            top += 26 * lines + 14

    assert order_of(quads) == list(range(28))


def test_cells_of_one_line_or_two_are_read_across() -> None:
    """Paragraphs of running text have more lines; some cells are empty, so the columns are not in step throughout."""
    quads = []
    for number, top in enumerate(range(100, 800, 64)):
        quads += column(100, 400, top, 2, pitch=26) if number % 3 else [box(100, top, 380, top + 22)]
        quads += [box(450, top, 760, top + 22)] if number % 4 else []

    tops = [float(quads[i][0, 1]) for i in order_of(quads)]
    assert tops == sorted(tops)


def test_three_columns_of_paragraphs_are_read_one_after_the_other() -> None:
    quads = []
    for x0, paragraphs in ((50, (4, 3, 5)), (360, (2, 6, 4)), (670, (5, 5, 2))):
        top = 100.0
        for lines in paragraphs:
            quads += column(x0, x0 + 280, top, lines, pitch=26)
            top += 26 * lines + 14

    assert order_of(quads) == list(range(36))


def test_a_running_head_and_a_short_heading_belong_to_no_column() -> None:
    head = [box(100, 20, 300, 42), box(860, 20, 900, 42)]
    upper = column(100, 480, 100, 5) + column(520, 900, 100, 5)
    lower = column(100, 480, 330, 5) + column(520, 900, 330, 5)

    assert order_of([*head, *upper, box(100, 278, 340, 302), *lower]) == list(range(23))


def test_cards_in_two_rows_are_read_row_by_row() -> None:
    upper = column(100, 480, 100, 4) + column(520, 900, 100, 4)
    lower = column(100, 480, 400, 4) + column(520, 900, 400, 4)

    assert order_of(upper + lower) == list(range(16))


def test_vertical_text_is_read_from_the_right() -> None:
    quads = [box(x, 100, x + 30, bottom) for x, bottom in ((700, 600), (650, 600), (600, 600), (550, 400))]

    assert order_of(quads) == [0, 1, 2, 3]


@pytest.mark.parametrize("paragraph", [2, 3, 4])
def test_stacks_of_vertical_text_whose_paragraphs_begin_together_are_no_table(paragraph: int) -> None:
    sentence = "この書生というのは時々我々を捕えて煮て食うという話であるしかしそ"
    quads, texts = [], []
    for top in (100, 870):
        for line in range(12):
            last = line % paragraph == paragraph - 1
            letters, x = 11 if last else 33, 1000 - 34 * line - 16 * (line // paragraph)
            quads.append(box(x, top, x + 22, top + 22 * letters))
            texts.append(sentence[:letters] + "。" * last)

    assert [i for row in rows(quads, texts) for i in row] == list(range(24))


@given(st.lists(st.tuples(*[st.integers(0, 900)] * 2, *[st.integers(4, 300)] * 2), max_size=60))
def test_every_box_is_read_once_wherever_it_lies(places: list[tuple[int, int, int, int]]) -> None:
    quads = [box(x, y, x + w, y + h) for x, y, w, h in places]

    assert sorted(order_of(quads)) == list(range(len(quads)))


def test_pieces_of_a_line_that_overlap_become_one_box() -> None:
    quads = np.stack([box(100, 100, 305, 130), box(300, 102, 320, 128), box(318, 100, 500, 131)])

    (whole,) = merged(quads)

    assert whole.min(axis=0).tolist() == [100, 100] and whole.max(axis=0).tolist() == [500, 131]


def test_lines_above_each_other_and_cells_apart_are_not_joined() -> None:
    quads = np.stack([box(100, 100, 300, 130), box(100, 132, 300, 160), box(320, 100, 500, 130)])

    assert len(merged(quads)) == 3


def test_ink_like_a_line_that_no_box_holds_is_noticed_and_rules_are_not() -> None:
    page = np.full((300, 600, 3), 255, np.uint8)
    for top in (40, 100, 160):
        for left in range(50, 350, 14):  # strokes of letters
            page[top : top + 20, left : left + 8] = 0
    page[230:233] = 0  # a rule across the page
    page[:, 500:503] = 0

    (missed,) = overlooked(page, np.stack([box(45, 35, 355, 65), box(45, 95, 355, 125)]))

    assert abs(missed[0] - (50, 160)).max() < 16 and abs(missed[2] - (346, 180)).max() < 16


def test_a_box_across_a_gutter_is_cut_at_the_hole_and_a_bullet_stays_with_its_line() -> None:
    page = np.full((200, 800, 3), 255, np.uint8)
    for top, spans in ((40, ((50, 370), (430, 750))), (120, ((50, 60), (110, 750)))):
        for left, right in spans:
            for x in range(left, right - 8, 14):  # strokes of letters
                page[top : top + 20, x : x + 8] = 0

    cut = parted(page, np.stack([box(46, 35, 754, 65), box(46, 115, 754, 145)]))

    ends = [(float(quad[:, 0].min()), float(quad[:, 0].max())) for quad in cut]
    assert np.allclose(ends, [(46, 366), (430, 754), (46, 754)], atol=8)
