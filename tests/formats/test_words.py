"""Where words are said to be."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropscribe.core.pages import Block
from dropscribe.formats.words import areas, fitted, rows
from support.results import odd_page, page_text

LINE = (100.0, 20.0, 400.0, 40.0)
SHORT = (100.0, 20.0, 400.0, 100.0)
PARAGRAPH = (0.0, 0.0, 400.0, 200.0)


def texts(found):
    return [[word.text for word in row.words] for row in found]


def test_words_of_a_line_share_its_box_by_their_widths():
    (row,) = rows("ab cdef g", SHORT)  # nine half widths in 300 pixels

    assert [(word.text, word.box[0], word.box[2]) for word in row.words] == [
        ("ab", 100, pytest.approx(100 + 2 * 300 / 9)),
        ("cdef", pytest.approx(200), pytest.approx(200 + 4 * 300 / 9)),
        ("g", pytest.approx(100 + 8 * 300 / 9), pytest.approx(400)),
    ]


def test_a_full_width_character_is_twice_as_wide():
    (row,) = rows("ab 中", SHORT)

    assert row.words[1].box[0] == pytest.approx(100 + 3 * 300 / 5)


def test_a_run_of_chinese_stays_one_word():
    assert texts(rows("中文检索 english", LINE)) == [["中文检索", "english"]]


def test_marks_on_letters_take_no_width():
    (row,) = rows("e\u0301e\u0301 ab", LINE)

    assert row.words[0].box[2] - row.words[0].box[0] == pytest.approx(row.words[1].box[2] - row.words[1].box[0])


def test_lines_of_a_region_share_its_height():
    found = list(rows("one\ntwo\n\nthree\nfour\n" * 2, PARAGRAPH))

    assert [row.box[1] for row in found] == [25 * n for n in range(8)]


def test_a_paragraph_given_as_one_line_is_set_over_rows_that_fill_its_box():
    text = "This is a paragraph that had been printed over many rows before it was read as one. " * 4
    found = list(rows(text, PARAGRAPH))

    assert 5 <= len(found) <= 12
    assert " ".join(word.text for row in found for word in row.words) == text.strip()
    assert all(0.5 < row.words[-1].box[2] / 400 <= 1 for row in found[:-1])


def test_a_chinese_paragraph_is_broken_between_characters():
    found = list(rows("汉" * 200, PARAGRAPH))

    assert len(found) > 4
    assert "".join(word.text for row in found for word in row.words) == "汉" * 200


@pytest.mark.parametrize("text", ["竖排文字测试一二三", "A line on its side"])
def test_a_tall_box_with_one_line_runs_downwards(text):
    (row,) = rows(text, (100, 100, 130, 400))

    assert row.downward
    assert row.words[0].box[1] == 100
    assert row.words[-1].box[3] == pytest.approx(400)


def test_words_of_a_right_to_left_line_stand_from_the_right():
    (row,) = rows("שלום עולם 12 abc def טוב", LINE)

    assert [word.text for word in sorted(row.words, key=lambda word: -word.box[0])] == [
        *("שלום", "עולם", "12", "def", "abc", "טוב")
    ]
    assert row.words[0].text == "שלום"
    assert row.words[0].box[2] == pytest.approx(400)


def test_right_to_left_words_inside_an_english_line_keep_their_place():
    (row,) = rows("say שלום עולם twice", LINE)

    assert [word.text for word in sorted(row.words, key=lambda word: word.box[0])] == ["say", "עולם", "שלום", "twice"]


def test_a_table_gives_the_words_of_its_cells_row_by_row():
    block = Block("table", "<table><tr><td>a</td><td>b &lt; c</td></tr><tr><td>d</td></tr></table>", PARAGRAPH)
    (area,) = areas(page_text(blocks=[block]))

    assert texts(area.rows) == [["a", "b", "<", "c"], ["d"]]


def test_text_without_blocks_is_laid_over_the_whole_page():
    (area,) = areas(page_text(text="free text"))

    assert area.box == (0, 0, 400, 300)
    assert texts(area.rows) == [["free"], ["text"]]


def test_a_blank_page_has_no_areas():
    assert list(areas(page_text(text=" \n"))) == []


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((-5, 10, 50, 900), (0, 10, 50, 300)),
        ((50, 40, 10, 20), (10, 20, 50, 40)),
        ((400, 300, 400, 300), (399, 299, 400, 300)),
        ((float("nan"), 0, 1, 1), None),
        (None, None),
    ],
)
def test_boxes_are_made_to_fit_the_page(box, expected):
    assert fitted(box, 400, 300) == expected


@settings(deadline=None)  # a loaded machine is not a fault
@given(odd_page)
def test_every_box_lies_on_the_page_and_inside_its_row(page):
    for area in areas(page):
        for row in area.rows:
            for x0, y0, x1, y1 in (row.box, *(word.box for word in row.words)):
                assert -0.001 <= x0 <= x1 <= 400.001
                assert -0.001 <= y0 <= y1 <= 300.001


@settings(deadline=None)  # a loaded machine is not a fault
@given(st.text(st.characters(categories=["L", "N"]), max_size=80), st.integers(1, 500), st.integers(1, 500))
def test_no_character_is_lost_however_the_box_is_shaped(text, width, height):
    found = rows(text, (0, 0, width, height))

    assert "".join(word.text for row in found for word in row.words) == "".join(text.split())
