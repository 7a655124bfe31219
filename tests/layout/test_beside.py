"""What stands beside text or beside each other: margin notes, cards, columns of three, regions of the layout model."""

import numpy as np

from dropscribe.core.pages import Box
from dropscribe.layout.cards import records
from dropscribe.layout.geometry import TextBox
from dropscribe.layout.lines import Line
from dropscribe.layout.marks import Marks, Region
from dropscribe.layout.notes import apart
from dropscribe.layout.order import areas
from dropscribe.layout.splitting import split_joined
from dropscribe.layout.tables import Table, parts

PROSE = [
    "Whoever goes on with a sentence over the end",
    "of its line has no room for the next word, so",
    "the text runs on",
]
CARDS = [
    ["Anna Reed", "Engineer", "7 Mill Lane", "Goole 10234", "Tel. 555 1234"],
    ["Bob Moss", "Architect", "31 Park Row", "Hythe 56789", "Tel. 555 8642"],
]


def at(x: float, y: float, text: str, pitch: float = 10, height: float = 22) -> TextBox:
    """Return the box of *text* with *pitch* pixels a letter; its index says where."""
    return TextBox(int(1000 * y + x), x, y, x + pitch * len(text), y + height, text)


def said(found: list[list[TextBox]]) -> list[str]:
    """Return the texts of *found* in their order, those of one area in theirs."""
    return [box.text for area in found for box in sorted(area, key=lambda s: (s.y0, s.x0))]


def prose(x: float = 300, top: float = 100) -> list[TextBox]:
    """Return nine lines of running text."""
    return [at(x, top + 28 * i, PROSE[i % 3]) for i in range(9)]


def test_small_print_beside_running_text_is_read_after_it_on_either_side() -> None:
    for x in (80, 800):
        notes = [at(x, 102, "see the chapter", 7), at(x, 122, "on full lines", 7), at(x, 230, "and this one", 7)]
        text, found = apart([*notes, *prose()])

        assert [box.text for box in text] == [box.text for box in prose()]
        assert found == [notes]


def test_a_bar_in_letters_of_the_texts_size_and_numbers_are_no_notes() -> None:
    for beside in (["see the chapter", "on full lines"], ["1984", "20,512"]):
        pitch = 7 if beside[0].isdigit() else 10
        boxes = [*prose(), *(at(80, 100 + 28 * i, text, pitch) for i, text in enumerate(beside))]

        assert apart(boxes) == (boxes, [])


def test_a_line_up_the_margin_is_read_last_and_one_within_the_page_stays() -> None:
    edge = TextBox(1, 20, 100, 40, 300, "printed in Goole")
    within = TextBox(2, 500, 360, 520, 500, "axis of a chart")

    assert apart([edge, *prose(), within]) == ([*prose(), within], [[edge]])


def test_lines_of_different_kinds_that_are_alike_side_by_side_are_records() -> None:
    boxes = [at(100 + 400 * i, 100 + 30 * j, line) for i, card in enumerate(CARDS) for j, line in enumerate(card)]

    assert records(boxes, 22) > 0.7
    assert said(areas(boxes)) == CARDS[0] + CARDS[1]


def test_a_table_whose_columns_are_records_has_labels_beside_them_and_is_read_across() -> None:
    rows = [
        ["Name", "Lamp", "Torch"],
        ["Price", "12.50", "19.00"],
        ["Colour", "red", "blue"],
        ["Weight", "3 kg", "1 kg"],
    ]
    boxes = [at(100 + 300 * j, 100 + 30 * i, cell) for i, row in enumerate(rows) for j, cell in enumerate(row)]

    assert records(boxes, 22) < 0.5
    assert said(areas(boxes)) == [cell for row in rows for cell in row]


def test_blocks_in_frames_of_their_own_are_read_one_after_the_other() -> None:
    left, right = (
        [at(100, 100 + 30 * i, "Word number") for i in range(4)],
        [at(500, 100 + 30 * i, "Other") for i in range(4)],
    )
    both = [*left, *right]
    edges: tuple[Box, ...] = tuple((x, 80, x + 2, 240) for x in (80, 440, 480, 900))

    assert said(areas(both, Marks(upright=edges))) == ["Word number"] * 4 + ["Other"] * 4
    assert said(areas(both, Marks(upright=edges[:2]))) == ["Word number", "Other"] * 4


def test_a_line_from_one_region_of_text_into_another_is_cut_at_the_white() -> None:
    text = "a sentence ends here. and another one goes on"
    places = tuple((i + 0.5) / len(text) for i in range(len(text)))
    hole = (21 / len(text), 22 / len(text))
    quads = [np.array([(100, y), (550, y), (550, y + 22), (100, y + 22)], np.float32) for y in (20, 80, 140, 200)]
    lines = [Line(quad, text, 1.0, places, (hole,) if quad is quads[-1] else ()) for quad in quads]
    regions = tuple(Region("text", (x0, 150, x1, 240), 0.9) for x0, x1 in ((98, 312), (318, 552)))

    assert [line.text for line in split_joined(lines, Marks(regions))] == [*[text] * 3, text[:21], text[22:]]


def test_a_line_below_a_cell_with_room_left_is_a_row_of_its_own() -> None:
    goods = [("Onion soup", "4.50"), ("Green salad with walnuts and pears", "7.00"), ("Fish pie", "9.50")]
    boxes = [at(x, 100 + 62 * i, text) for i, row in enumerate(goods) for x, text in zip((100, 700), row, strict=True)]
    below = at(100, 124, "with fresh bread")

    (table,) = (part for part in parts([*boxes, below]) if isinstance(part, Table))
    assert [[box.text for cell in row for box in cell] for row in table.cells][:2] == [
        ["Onion soup", "4.50"],
        [below.text],
    ]
