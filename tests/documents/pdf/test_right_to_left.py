"""Lines that run from right to left come out whole, in the order in which they are read."""

import io
from pathlib import Path

import matplotlib
import pikepdf
import pytest
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

from dropscribe.documents.pdf import right_to_left
from dropscribe.documents.pdf.letters import Letter
from support.image_files import pages_of
from support.pdf_files import Maker

FONT = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"


def standing(visual: str) -> list[Letter]:
    """Return letters that stand beside each other from left to right."""
    return [Letter(char, (10.0 * n, 0.0, 10.0 * n + 8, 10.0)) for n, char in enumerate(visual)]


def said(visual: str) -> str:
    return "".join(letter.text for letter in right_to_left.in_reading_order(standing(visual)))


@pytest.mark.parametrize(
    ("visual", "logical"),
    [
        ("םולש", "שלום"),
        ("םלוע םולש", "שלום עולם"),
        ("לקש 482.50 םולשתל", "לתשלום 482.50 שקל"),
        ("דועו CR OD םלוע", "עולם CR OD ועוד"),
        ("34 12 ףד", "דף 12 34"),
        ("hello םולש world and more", "hello שלום world and more"),
        ("ملاس", "سالم"),
        ("plain", "plain"),
    ],
)
def test_letters_are_put_in_the_order_of_reading(visual: str, logical: str) -> None:
    assert said(visual) == logical


def test_marks_stay_with_their_letters() -> None:
    bare = standing("בא")
    marked = [Letter("א", bare[1].box), Letter("\u05b8", bare[1].box), Letter("ב", bare[0].box)]

    assert "".join(letter.text for letter in right_to_left.in_reading_order(marked)) == "א\u05b8ב"


@pytest.mark.parametrize(
    ("text", "right"), [("(אב( גד", "(אב) גד"), ("אב (גד) הו", "אב (גד) הו"), (")א( ב", ")א( ב"), ("א) ב", "א) ב")]
)
def test_brackets_close_again(text: str, right: str) -> None:
    assert right_to_left.paired(text) == right


def with_font() -> tuple[Maker, dict[str, str]]:
    """Return a page with a font of Hebrew letters, and its codes for them: the numbers of its glyphs."""
    maker = Maker().page()
    font = TTFont(str(FONT))
    options = Options(retain_gids=True, notdef_outline=True)
    subsetter = Subsetter(options)
    subsetter.populate(text="אבגדהוזחטיכלמנסעפצקרשתםןץףך0123456789. OCR()")
    subsetter.subset(font)
    out = io.BytesIO()
    font.save(out)
    glyphs, units = font.getBestCmap(), font["head"].unitsPerEm
    order = {name: font.getGlyphID(name) for name in glyphs.values()}
    pairs = "".join(f"<{order[name]:04x}> <{code:04x}>\n" for code, name in glyphs.items())
    program = f"1 begincodespacerange <0000> <ffff> endcodespacerange {len(glyphs)} beginbfchar\n{pairs}endbfchar"
    widths: list[object] = []
    for name, index in order.items():
        widths += [index, pikepdf.Array([font["hmtx"][name][0] * 1000 // units])]
    descriptor = pikepdf.Dictionary(
        Type=pikepdf.Name.FontDescriptor, FontName=pikepdf.Name("/ABCDEF+DejaVu"), Flags=4, ItalicAngle=0,
        FontBBox=pikepdf.Array([-1000, -300, 2000, 1000]), Ascent=900, Descent=-200, CapHeight=700, StemV=80,
        FontFile2=maker.pdf.make_stream(out.getvalue()),
    )  # fmt: skip
    below = pikepdf.Dictionary(
        Type=pikepdf.Name.Font, Subtype=pikepdf.Name.CIDFontType2, BaseFont=pikepdf.Name("/ABCDEF+DejaVu"),
        CIDSystemInfo=pikepdf.Dictionary(Registry=b"Adobe", Ordering=b"Identity", Supplement=0),
        FontDescriptor=maker.pdf.make_indirect(descriptor), W=pikepdf.Array(widths), CIDToGIDMap=pikepdf.Name.Identity,
    )  # fmt: skip
    maker.pdf.pages[0].Resources.Font.F1 = pikepdf.Dictionary(
        Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type0, BaseFont=pikepdf.Name("/ABCDEF+DejaVu"),
        Encoding=pikepdf.Name("/Identity-H"), DescendantFonts=pikepdf.Array([maker.pdf.make_indirect(below)]),
        ToUnicode=maker.pdf.make_stream(program.encode()),
    )  # fmt: skip
    return maker, {chr(code): f"{order[name]:04x}" for code, name in glyphs.items()}


LINES = ("ינועבר חוד", "יתיישעת תרושקת דויצ קפס", "לקש 482.50 םולשתל")
READ = ["דוח רבעוני", "ספק ציוד תקשורת תעשייתי", "לתשלום 482.50 שקל"]


@pytest.mark.parametrize("words", [False, True])
def test_hebrew_lines_of_a_pdf_come_out_whole(tmp_path: Path, words: bool) -> None:
    maker, codes = with_font()
    drawing = ""
    for index, line in enumerate(LINES):
        pieces = [(0, line)] if not words else [(110 * n, word) for n, word in reversed(list(enumerate(line.split())))]
        for x, piece in pieces:
            hexed = "".join(codes[char] for char in piece)
            drawing += f"BT /F1 14 Tf {100 + x} {700 - 40 * index} Td <{hexed}> Tj ET\n"
    maker.pdf.pages[0].Contents = maker.pdf.make_stream(drawing.encode())
    [page] = pages_of(tmp_path, maker.bytes(), "a.pdf")

    assert page.text is not None
    assert [line.split() for line in page.text.split("\n")] == [line.split() for line in READ]
    assert len(page.blocks) == 3
