"""Columns of characters laid out as lines, and lines made longer at their ends: pixels only, no model."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from dropscribe.engines.ppocr.ends import extended
from dropscribe.engines.ppocr.pixels import Pixels, pixels, turned
from dropscribe.engines.ppocr.stacked import long_vowels, unstacked
from dropscribe.layout.geometry import Quads

SIDE, EM = 36, 30  # pixels; a detector's box is wider than the characters in it


def column(cells: list[tuple[int, int, int, int]]) -> Pixels:
    """Return a column with one black box in each cell (x0, y0, x1, y1 in it), turned a quarter to the left."""
    picture = Image.new("RGB", (SIDE, EM * len(cells) + 6), "white")
    for number, (x0, y0, x1, y1) in enumerate(cells):
        place = x0 + 3, y0 + 3 + EM * number, x1 + 3, y1 + 3 + EM * number
        ImageDraw.Draw(picture).rectangle(place, outline="black", width=4)
    return turned(pixels(picture), 270)


def inked(line: Pixels, number: int) -> tuple[float, float, float, float]:
    """Return x0, y0, x1, y1 of the ink in square *number* of *line*, as shares of its side."""
    side = line.shape[0]
    ink = line[:, side * number : side * (number + 1)].mean(axis=2) < 100
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return columns[0] / side, rows[0] / side, columns[-1] / side, rows[-1] / side


FULL = (2, 2, EM - 4, EM - 4)


def test_characters_stay_and_full_stops_go_to_the_lower_left() -> None:
    line = unstacked(column([FULL, FULL, (20, 2, 27, 9), FULL, FULL]))

    assert inked(line, 1)[2] > 0.8
    x0, _, x1, y1 = inked(line, 2)
    assert x0 < 0.3
    assert x1 < 0.5
    assert y1 > 0.7


def test_a_full_stop_at_the_end_has_a_square_of_its_own() -> None:
    column_of_four = column([FULL, FULL, FULL, (20, 2, 27, 9)])
    line = unstacked(column_of_four[:, : 3 * EM + 16])

    assert line.shape[1] >= 4 * line.shape[0]
    assert inked(line, 3)[2] < 0.5


def test_the_long_vowel_lies_down() -> None:
    line = unstacked(column([FULL, (13, 3, 15, 26), FULL, FULL]))

    x0, y0, x1, y1 = inked(line, 1)
    assert x1 - x0 > 0.5
    assert y1 - y0 < 0.2


def test_a_stroke_behind_katakana_is_the_long_vowel() -> None:
    assert long_vowels("ニャ１ニャ|泣いて、一番スI") == "ニャーニャー泣いて、一番スー"
    assert long_vowels("テスト12") == "テスト12"


@pytest.mark.parametrize(("gap", "reached"), [(9, True), (40, False)])
def test_a_sign_after_a_blank_belongs_to_its_line_and_a_cell_does_not(gap: int, reached: bool) -> None:
    picture = Image.new("RGB", (500, 120), "white")
    draw = ImageDraw.Draw(picture)
    for x in range(200, 400, 14):
        draw.rectangle((x, 50, x + 9, 66), fill="black")
    draw.rectangle((200 - gap - 10, 50, 200 - gap - 2, 66), fill="black")
    draw.line((190 - gap, 10, 190 - gap, 110), fill="black", width=2)  # a rule is no sign
    quads: Quads = np.array([[(197, 46), (410, 46), (410, 70), (197, 70)]], np.float32)

    (longer,) = extended(pixels(picture), quads)

    assert bool(longer[0, 0] < 195) is reached
    assert longer[1].tolist() == [410, 46]
    assert longer[:, 1].tolist() == [46, 46, 70, 70]
