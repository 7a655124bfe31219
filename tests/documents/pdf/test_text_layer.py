"""A PDF's own text is taken exactly where it can be trusted, and left for the pixels where it cannot."""

from pathlib import Path
from typing import Any

import pikepdf
import pytest
from PIL import Image

from dropscribe.config import Settings
from dropscribe.core.pages import Page
from support.image_files import intake, pages_of, written
from support.pdf_files import Maker, dictionary, lines

LETTER = ("The quick brown fox", "jumps over the lazy dog.", "", "Yours, A. Reader")

ALWAYS, NEVER = intake(pdf_text="always"), intake(pdf_text="never")

SCAN = "q 612 0 0 792 0 0 cm /P Do Q\n"


def only(folder: Path, maker: Maker, settings: Settings | None = None) -> Page:
    [page] = pages_of(folder, maker.bytes(), "a.pdf", settings)
    return page


def scan(width: int, height: int) -> Image.Image:
    image = Image.new("L", (width, height), 255)
    image.paste(written("L", 255, 0).resize((width // 2, height // 4)), (width // 20, height // 20))
    return image


def note() -> Image.Image:
    image = Image.new("L", (480, 320), 255)
    for top in range(0, 320, 40):
        for left in (0, 160, 320):
            image.paste(written("L", 255, 0).crop((0, 0, 120, 40)), (left, top))
    return image


def test_text_born_digital_is_taken_exactly_with_its_lines(tmp_path: Path) -> None:
    page = only(tmp_path, Maker().page(lines(*LETTER)))

    assert page.text is not None
    assert [line for line in LETTER if line] == [line.strip() for line in page.text.split("\n") if line.strip()]
    assert [line for line in LETTER if line] == [block.text for block in page.blocks]
    assert page.from_pdf and not page.blank


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
@pytest.mark.parametrize("crop", [None, (50, 400, 400, 760)])
def test_every_box_lies_on_the_ink_of_its_line_however_the_page_is_turned(
    tmp_path: Path, turn: int, crop: tuple[int, ...] | None
) -> None:
    keys = {"CropBox": pikepdf.Array(crop)} if crop else {}
    page = only(tmp_path, Maker().page(lines(*LETTER), Rotate=turn, **keys))

    assert len(page.blocks) == 3
    rest = page.image.convert("L")
    for block in page.blocks:
        assert block.box is not None
        x0, y0, x1, y1 = (round(value) for value in block.box)
        assert 0 <= x0 < x1 <= page.width and 0 <= y0 < y1 <= page.height
        assert rest.crop((x0, y0, x1, y1)).getextrema()[0] < 60
        rest.paste(255, (x0 - 4, y0 - 4, x1 + 4, y1 + 4))
    assert rest.getextrema()[0] > 200


def test_never_reads_pixels_and_always_takes_any_text(tmp_path: Path) -> None:
    hidden = Maker().page(lines(*LETTER, mode=3) + "0 0 9 9 re f")

    assert only(tmp_path, Maker().page(lines(*LETTER)), NEVER).text is None
    assert only(tmp_path, hidden).text is None
    assert (only(tmp_path, hidden, ALWAYS).text or "").startswith(LETTER[0])


def test_always_still_reads_pixels_where_there_is_no_text(tmp_path: Path) -> None:
    assert only(tmp_path, Maker().page(SCAN, pictures={"P": scan(600, 800)}), ALWAYS).text is None


DOUBTFUL: dict[str, dict[str, Any]] = {
    "a scan with an old text layer": {"drawing": SCAN + lines(*LETTER, mode=3), "pictures": {"P": scan(600, 800)}},
    "a scan over its text": {"drawing": lines(*LETTER) + SCAN, "pictures": {"P": scan(600, 800)}},
    "glyph numbers for letters": {
        "drawing": lines(*LETTER),
        "font": {
            "Type": "/Font",
            "Subtype": "/TrueType",
            "BaseFont": "/ABCDEF+Subset",
            "FontDescriptor": dictionary({"Type": "/FontDescriptor", "FontName": "/ABCDEF+Subset", "Flags": 4}),
        },
    },
    "private codes for letters": {
        "drawing": lines(*LETTER),
        "font": {
            "Type": "/Font",
            "Subtype": "/Type1",
            "BaseFont": "/Helvetica",
            "ToUnicode": b"beginbfrange <00> <ff> <E000> endbfrange",
        },
    },
}


UNSEEN: dict[str, dict[str, Any]] = {
    "white text on white": {"drawing": lines("seen", top=300) + "1 g " + lines(*LETTER)},
    "white text on white, across what is seen": {"drawing": lines("seen", top=700) + "1 g " + lines("X" * 9, top=700)},
    "text in ink that lets everything through": {"drawing": lines("seen", top=300) + "/Clear gs " + lines(*LETTER)},
    "text under a white box": {"drawing": lines(*LETTER) + "1 g 0 600 612 192 re f 0 g " + lines("seen", top=300)},
    "text under a black bar": {"drawing": lines(*LETTER) + "0 g 0 600 612 192 re f " + lines("seen", top=300)},
    "text under a bar with a label": {
        "drawing": lines(*LETTER) + "0 g 0 600 612 192 re f 1 g " + lines("seen", top=700, size=20)
    },
    "black text on a black bar": {"drawing": lines("seen", top=300) + "0 g 0 600 612 192 re f " + lines(*LETTER)},
    "text under a picture": {
        "drawing": lines(*LETTER) + "q 612 0 0 192 0 600 cm /P Do Q " + lines("seen", top=300),
        "pictures": {"P": Image.new("L", (600, 190), 128)},
    },
    "text beside the page": {"drawing": lines("seen") + "1 0 0 1 900 0 cm " + lines(*LETTER)},
    "text outside the crop": {
        "drawing": lines("seen", top=300) + lines(*LETTER),
        "CropBox": pikepdf.Array([0, 100, 612, 500]),
    },
    "text too small for any eye": {"drawing": lines("seen", top=300) + lines(*LETTER, size=1)},
    "text outside a clip": {"drawing": lines("seen", top=300) + "q 0 0 9 9 re W n " + lines(*LETTER) + "Q"},
    "text under a picture of a bar": {
        "drawing": lines("seen", top=300) + lines("hidden") + "q 300 0 0 60 50 680 cm /P Do Q",
        "pictures": {"P": Image.new("L", (30, 6), 0)},
    },
    "invisible text": {"drawing": lines("seen", top=300) + lines(*LETTER, mode=3)},
    "text on a layer that is off": {"drawing": lines("seen", top=300) + "/OC /Off BDC " + lines(*LETTER) + "EMC"},
    "a layer that is off across what is seen": {
        "drawing": lines("seen", top=300) + "/OC /Off BDC " + lines("XXXX", top=300) + "EMC"
    },
}


@pytest.mark.parametrize("what", UNSEEN)
def test_words_that_nobody_can_see_are_not_read(tmp_path: Path, what: str) -> None:
    maker = Maker().page(**UNSEEN[what])
    resources = maker.pdf.pages[0].Resources
    layer = maker.pdf.make_indirect(pikepdf.Dictionary(Type=pikepdf.Name.OCG, Name="draft"))
    resources.Properties = pikepdf.Dictionary(Off=layer)
    resources.ExtGState = pikepdf.Dictionary(Clear=pikepdf.Dictionary(ca=0))
    maker.pdf.Root.OCProperties = pikepdf.Dictionary(
        OCGs=pikepdf.Array([layer]), D=pikepdf.Dictionary(OFF=pikepdf.Array([layer]))
    )
    page = only(tmp_path, maker)

    assert [block.text for block in page.blocks] == ["seen"]
    assert page.text is None or page.text.split() == ["seen"]


def test_light_words_and_words_on_a_bar_that_can_be_seen_are_read(tmp_path: Path) -> None:
    drawing = "0 g 0 600 612 192 re f 1 g " + lines("white on black", top=700) + "0 g " + lines("black", top=300)
    layer = "/OC /On BDC " + lines("layer", top=200) + "EMC"
    maker = Maker().page(drawing + layer)
    on = maker.pdf.make_indirect(pikepdf.Dictionary(Type=pikepdf.Name.OCG, Name="final"))
    maker.pdf.pages[0].Resources.Properties = pikepdf.Dictionary(On=on)
    maker.pdf.Root.OCProperties = pikepdf.Dictionary(OCGs=pikepdf.Array([on]), D=pikepdf.Dictionary())

    assert [block.text for block in only(tmp_path, maker).blocks] == ["white on black", "black", "layer"]


BESIDE: dict[str, dict[str, Any]] = {
    "a fifth of a page of picture": {
        "drawing": lines(*LETTER) + "q 300 0 0 300 50 50 cm /P Do Q",
        "pictures": {"P": scan(600, 800)},
    },
    "a small picture with writing": {
        "drawing": lines(*LETTER) + "q 144 0 0 96 50 50 cm /P Do Q",
        "pictures": {"P": note()},
    },
    "a stamp on a scan": {"drawing": SCAN + lines(*LETTER, top=300), "pictures": {"P": scan(600, 800)}},
    "strokes that look like writing": {
        "drawing": lines(*LETTER)
        + "".join(
            f"{x} {y} m {x + 4} {y + 6} l {x + 8} {y} l S\n" for x in range(80, 500, 10) for y in range(100, 500, 14)
        )
    },
}


@pytest.mark.parametrize("what", BESIDE)
def test_beside_other_writing_the_lines_of_the_page_are_kept_and_the_rest_is_to_be_read(
    tmp_path: Path, what: str
) -> None:
    page = only(tmp_path, Maker().page(**BESIDE[what]))

    assert page.text is None
    assert [block.text for block in page.blocks] == [line for line in LETTER if line]
    assert page.dpi is not None and page.dpi >= 199


def test_a_picture_without_writing_leaves_the_text_exact(tmp_path: Path) -> None:
    drawing = lines(*LETTER) + "q 500 0 0 400 50 50 cm /P Do Q"
    page = only(tmp_path, Maker().page(drawing, pictures={"P": Image.linear_gradient("L")}))

    assert page.text is not None and page.text.startswith(LETTER[0])


def test_a_few_words_of_each_font_come_along(tmp_path: Path) -> None:
    page = only(tmp_path, Maker().page(lines(*LETTER)))

    assert [[word.text for word in font] for font in page.samples] == [["Yours,", "Reader"]]


@pytest.mark.parametrize("what", DOUBTFUL)
def test_text_that_cannot_be_trusted_is_read_from_the_pixels(tmp_path: Path, what: str) -> None:
    maker = Maker()
    keys = dict(DOUBTFUL[what])
    if isinstance(keys.get("font", {}).get("ToUnicode"), bytes):
        program = b"1 begincodespacerange <00> <ff> endcodespacerange 1 " + keys["font"]["ToUnicode"]
        keys["font"] = {**keys["font"], "ToUnicode": maker.pdf.make_stream(program)}
    maker.page(**keys)

    page = only(tmp_path, maker)

    assert page.text is None and page.blocks == ()
    assert not page.blank


def test_rules_and_a_small_mark_do_not_spoil_good_text(tmp_path: Path) -> None:
    drawing = "".join(
        f"60 {y} m 540 {y} l S {x} 60 m {x} 740 l S\n" for y in range(60, 760, 40) for x in (60, 300, 540)
    )
    text = only(tmp_path, Maker().page(drawing + lines(*LETTER, top=705))).text

    assert text is not None and text.startswith(LETTER[0])


def with_field(value: str) -> Maker:
    maker = Maker()
    box = pikepdf.Array([72, 300, 400, 330])
    resources = pikepdf.Dictionary(
        Font=pikepdf.Dictionary(F1=dictionary({"Type": "/Font", "Subtype": "/Type1", "BaseFont": "/Helvetica"}))
    )
    look = maker.pdf.make_stream(f"BT /F1 18 Tf 4 8 Td ({value}) Tj ET".encode())
    for key, item in {
        "Subtype": pikepdf.Name.Form,
        "BBox": pikepdf.Array([0, 0, 328, 30]),
        "Resources": resources,
    }.items():
        look[f"/{key}"] = item
    field = maker.pdf.make_indirect(
        pikepdf.Dictionary(
            Type=pikepdf.Name.Annot,
            Subtype=pikepdf.Name.Widget,
            FT=pikepdf.Name.Tx,
            T="name",
            V=value,
            Rect=box,
            F=4,
            AP=pikepdf.Dictionary(N=look),
        )
    )
    maker.page(lines(*LETTER), Annots=pikepdf.Array([field]))
    maker.pdf.Root.AcroForm = pikepdf.Dictionary(Fields=pikepdf.Array([field]))
    return maker


def test_a_filled_form_field_is_drawn_and_so_the_page_is_read_from_its_pixels(tmp_path: Path) -> None:
    filled, empty = only(tmp_path, with_field("Ada Lovelace")), only(tmp_path, with_field(""))

    spot = (200, 1280, 800, 1366)
    assert filled.image.crop(spot).convert("L").getextrema()[0] < 60
    assert filled.text is None
    assert (empty.text or "").startswith(LETTER[0])


def test_mixed_pages_are_judged_one_by_one(tmp_path: Path) -> None:
    maker = Maker().page(lines(*LETTER)).page(SCAN, pictures={"P": scan(600, 800)}).page()
    text, picture, blank = pages_of(tmp_path, maker.bytes())

    assert text.text and picture.text is None and blank.blank
    assert [text.number, picture.number, blank.number] == [1, 2, 3]


def test_letters_of_a_font_that_cannot_be_drawn_here_are_kept(tmp_path: Path) -> None:
    """A CJK font that every viewer is expected to have (ISO 32000-1, 9.7.5.2), and PDFium without it draws nothing."""
    maker = Maker().page(lines("seen"))
    below = dictionary({"Type": "/Font", "Subtype": "/CIDFontType0", "BaseFont": "/STSong-Light"})
    below.CIDSystemInfo = pikepdf.Dictionary(Registry=b"Adobe", Ordering=b"GB1", Supplement=4)
    font = dictionary({"Type": "/Font", "Subtype": "/Type0", "BaseFont": "/STSong-Light", "Encoding": "/UniGB-UCS2-H"})
    font.DescendantFonts = pikepdf.Array([maker.pdf.make_indirect(below)])
    maker.pdf.pages[0].Resources.Font.F2 = maker.pdf.make_indirect(font)
    words = "灯塔看守人报告".encode("utf-16-be").hex()
    maker.pdf.pages[0].contents_add(f"BT /F2 14 Tf 72 600 Td <{words}> Tj ET".encode())

    assert [block.text for block in only(tmp_path, maker).blocks] == ["seen", "灯塔看守人报告"]
