"""Setting pages upright: with real sessions, on pictures drawn here and on a real page of vertical text."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from dropscribe.core.pages import Page
from dropscribe.engines.ppocr.orientation import TRANSPOSE, turned_page, upright
from dropscribe.engines.ppocr.pixels import pixels, turned
from dropscribe.engines.ppocr.sessions import Sessions
from dropscribe.engines.ppocr.stacked import unstacked

TEXT = ("The quick brown fox jumps", "over the lazy dog, then", "it sleeps under the old", "apple tree until noon.")


@pytest.fixture(scope="module")
def sessions() -> Iterator[Sessions]:
    """Yield loaded sessions for all tests of this file."""
    sessions = Sessions()
    sessions.load()
    yield sessions
    sessions.close()


def page(*, turned_by: int = 0, lines: tuple[str, ...] = TEXT) -> Page:
    """Return a drawn page that was turned clockwise by *turned_by* degrees."""
    image = Image.new("RGB", (520, 300), "white")
    draw = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        draw.text((40, 40 + 55 * number), line, fill="black", font=ImageFont.load_default(32))
    return Page(1, image.transpose(TRANSPOSE[turned_by]) if turned_by else image)


@pytest.mark.parametrize("turned_by", [90, 180, 270])
def test_a_turned_page_is_set_upright(sessions: Sessions, turned_by: int) -> None:
    righted = upright(page(turned_by=turned_by), sessions)

    assert righted.rotation == 360 - turned_by
    assert righted.image.tobytes() == page().image.tobytes()
    assert righted.flags == ("rotated",)


def test_an_upright_page_stays_as_it_is(sessions: Sessions) -> None:
    original = page()

    assert upright(original, sessions) is original


def test_a_standing_label_turns_no_upright_page(sessions: Sessions) -> None:
    label = Image.new("RGB", (420, 40), "white")
    ImageDraw.Draw(label).text((5, 2), "Revenue in thousand euro", fill="black", font=ImageFont.load_default(30))
    image = Image.new("RGB", (600, 500), "white")
    image.paste(label.rotate(90, expand=True), (20, 30))
    for number, year in enumerate(("2021", "2022", "2023", "2024")):
        ImageDraw.Draw(image).text((120 + 120 * number, 440), year, fill="black", font=ImageFont.load_default(28))
    chart = Page(1, image)

    assert upright(chart, sessions) is chart


def test_a_page_without_text_stays_as_it_is(sessions: Sessions) -> None:
    noise = Page(1, Image.effect_noise((400, 300), 90).convert("RGB"))

    assert upright(noise, sessions) is noise


def test_blank_pages_and_pages_with_their_own_text_cost_no_call() -> None:
    never_loaded = Sessions()
    blank, own = Page(1, Image.new("RGB", (50, 50)), blank=True), Page(2, Image.new("RGB", (50, 50)), text="own")

    assert upright(blank, never_loaded) is blank
    assert upright(own, never_loaded) is own


def test_a_page_that_was_turned_before_adds_up() -> None:
    twice = turned_page(turned_page(page(), 90), 180)

    assert (twice.rotation, twice.flags) == (270, ("rotated",))
    assert (twice.width, twice.height) == (300, 520)


def test_vertical_text_is_not_a_page_on_its_side(sessions: Sessions, corpora: Path) -> None:
    with Image.open(corpora / "DayBreak-u__chineseocr_lite" / "cl-4.jpg") as image:
        vertical = Page(1, image.convert("RGB"))

    assert upright(vertical, sessions) is vertical


def test_a_column_of_letters_is_laid_out_as_a_line(sessions: Sessions) -> None:
    column = Image.new("RGB", (44, 300), "white")
    for number, letter in enumerate("READING"):
        ImageDraw.Draw(column).text(
            (22, 22 + 42 * number), letter, fill="black", font=ImageFont.load_default(36), anchor="mm"
        )

    (read,) = sessions.recognise([unstacked(turned(pixels(column), 270))])

    assert read[0].replace(" ", "") == "READING"
