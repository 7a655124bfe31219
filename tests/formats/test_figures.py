"""Figures cut from pages, and their links."""

from io import BytesIO

from PIL import Image

from dropscribe.core.pages import Block
from dropscribe.formats import md
from dropscribe.formats.figures import cut_out, linked, places, with_figures
from support.results import page_text, reading_of


def picture(size=(400, 300), box=(100, 50, 200, 150)):
    image = Image.new("RGB", size, "white")
    image.paste("red", box)
    return image


def is_red(image):
    red, green, blue = image.getpixel((image.width // 2, image.height // 2))
    return red > 200 and green < 60 and blue < 60


def figures_of(*reading):
    """Return every figure of a reading by page and index."""
    return {(page, index): Image.open(BytesIO(data)) for page, index, data in cut_out(reading_of(*reading))}


def test_figures_are_cut_where_their_boxes_are():
    blocks = [Block("text", "a", (0, 0, 9, 9)), Block("image", "", (100, 50, 200, 150))]
    ((place, image),) = figures_of([page_text(blocks=blocks)], [picture()]).items()

    assert place == (1, 1)
    assert image.size == (100, 100)
    assert is_red(image)
    assert min(band[0] for band in image.convert("RGB").getextrema()[:1]) > 200  # red to its edges


def test_a_page_that_was_turned_is_turned_before_its_figures_are_cut():
    lying = picture((300, 400), (0, 0, 30, 40))  # top left corner; a quarter turn brings it to the top right
    page = page_text(blocks=[Block("figure", "", (360, 0, 400, 30))], rotation=90)

    assert is_red(figures_of([page], [lying])[1, 1])


def test_a_figure_without_a_box_keeps_its_number_and_gets_no_file():
    texts = [page_text(2, blocks=[Block("image", "", None), Block("image", "", (100, 50, 200, 150))])]

    assert list(figures_of(texts)) == list(places(texts)) == [(2, 2)]


def test_links_name_the_final_file_and_are_quoted():
    assert with_figures("![](FIGURE:3-2)", "my (scan)", [".p3-2.jpg"]) == "![](my%20%28scan%29.p3-2.jpg)"


def test_only_saved_figures_are_linked_and_others_dropped(tmp_path):
    page = page_text(1, "one\n\n![](FIGURE:1-1)\n\n![](FIGURE:1-2)\n\ntwo")
    reading = linked(reading_of([page]), "sub/scan", [".p1-1.jpg"])
    md.render(reading, str(tmp_path / "out.md"))

    assert (tmp_path / "out.md").read_text("utf-8") == "one\n\n![](scan.p1-1.jpg)\n\ntwo\n"
    assert list(reading.texts) == list(reading.texts)  # may be walked again
