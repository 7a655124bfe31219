"""What no engine has to know: blank pages, pages with their own text, pages that lie on their side."""

from dataclasses import replace

from PIL import Image, ImageDraw, ImageFont

from dropscribe.config import checked
from dropscribe.core.pages import Block, Page, PageText
from dropscribe.worker.page_stage import PageStage

SETTINGS = checked({}, "test")


def drawn_page() -> Image.Image:
    image = Image.new("RGB", (700, 220), "white")
    for number, line in enumerate(("Invoice 42 of the lighthouse", "Payable within thirty days", "Total 1,234.56")):
        ImageDraw.Draw(image).text((40, 40 + 50 * number), line, fill="black", font=ImageFont.load_default(30))
    return image


def page(**values: object) -> Page:
    return Page(3, Image.new("RGB", (60, 40), "white"), document=9, **values)  # type: ignore[arg-type]  # as given


def test_a_blank_page_has_its_empty_text_without_an_engine() -> None:
    text = PageStage(finds_lines=False).process(page(blank=True, flags=("scaled",)))

    assert isinstance(text, PageText)
    assert (text.key, text.text, text.text_source, text.flags) == ((9, 3), "", "blank", ("scaled", "blank"))


def test_a_page_that_brings_its_own_text_keeps_it_as_it_stands() -> None:
    blocks = (Block("line", "born", None),)
    text = PageStage(finds_lines=False).process(page(text="  born\n digital ", blocks=blocks))

    assert isinstance(text, PageText)
    assert (text.text, text.text_source, text.blocks, text.attempts) == ("  born\n digital ", "pdf", blocks, ())


def test_a_page_is_turned_unless_the_engine_does_so_itself_or_nobody_shall() -> None:
    lying = Page(1, drawn_page().transpose(Image.Transpose.ROTATE_90), settings=SETTINGS)
    stage = PageStage(finds_lines=False)
    upright = stage.process(lying)
    stage.close()
    as_it_is = replace(lying, settings=checked({"intake": {"orientation": "off"}}, "test"))

    assert isinstance(upright, Page) and (upright.rotation, upright.flags) == (90, ("rotated",))
    assert PageStage(finds_lines=True).process(lying) is lying
    assert PageStage(finds_lines=False).process(as_it_is) is as_it_is
