"""A page's own lines stay exact beside what is read, and are not believed where the picture says otherwise."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from dropscribe.core.pages import Block, Page, PageText
from dropscribe.engines import own_text
from dropscribe.engines.ppocr.pixels import Pixels
from dropscribe.engines.ppocr.sessions import Read

OWN = Block("text", "Order no. 0O1lI", (20.0, 20.0, 200.0, 44.0))
SAMPLES = ((Block("text", "keeper", (20.0, 20.0, 90.0, 44.0)), Block("text", "reported", (100.0, 20.0, 200.0, 44.0))),)


def page(**more: object) -> Page:
    image = Image.new("RGB", (400, 200), (250, 250, 230))
    draw = ImageDraw.Draw(image)
    draw.text((20, 20), "Order no. 0O1lI", "black", ImageFont.load_default(22))
    draw.text((20, 120), "in a picture", "black", ImageFont.load_default(22))
    values = {"number": 1, "image": image, "from_pdf": True, "blocks": (OWN,), **more}
    return Page(**values)  # type: ignore[arg-type]


def text(*blocks: Block, **more: object) -> PageText:
    said = "\n".join(block.text for block in blocks)
    return replace(PageText(1, 400, 200, said, said, blocks), **more)  # type: ignore[arg-type]


def test_own_lines_are_painted_out_and_the_rest_stays() -> None:
    left = own_text.beside(page())
    pixels = np.asarray(left.image.convert("L"))

    assert pixels[:60].min() > 200 and pixels[110:].min() < 60
    assert own_text.beside(page(text="all of it")).image.tobytes() == page().image.tobytes()


def test_own_lines_and_what_was_read_stand_in_the_order_of_the_page() -> None:
    read = Block("text", "in a picture", (20.0, 120.0, 200.0, 144.0), 0.9)
    whole = own_text.together(page(), text(read))

    assert whole.text.split("\n\n") == ["Order no. 0O1lI", "in a picture"]
    assert [(block.text, block.confidence) for block in whole.blocks] == [(OWN.text, None), ("in a picture", 0.9)]
    assert whole.text_source == "ocr"


def test_where_nothing_more_is_read_the_text_is_the_page_s_own() -> None:
    whole = own_text.together(page(), text(flags=("empty", "partial")))

    assert (whole.text, whole.text_source, whole.flags) == (OWN.text, "pdf", ("partial",))


@pytest.mark.parametrize(
    ("said", "believed"),
    [
        ([("keeper", 0.95), ("reported", 0.95)], True),
        ([("keepei", 0.95), ("reporled", 0.95)], True),
        ([("lffqfs", 0.95), ("sfqpsufe", 0.95)], False),
        ([("lffqfs", 0.4), ("sfqpsufe", 0.4)], True),
        ([("lffqfs", 0.95), ("reported", 0.95)], True),
    ],
)
def test_words_that_look_otherwise_take_the_text_away(said: list[tuple[str, float]], believed: bool) -> None:
    def recognise(crops: Sequence[Pixels]) -> list[Read]:
        assert [crop.shape[0] < 60 for crop in crops] == [True] * len(said)
        return [Read(*line) for line in said]

    result = own_text.believed(page(text="keeper reported", samples=SAMPLES), recognise)

    assert (result.text is not None) is believed
    assert bool(result.blocks) is believed
