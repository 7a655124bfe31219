"""What can be found in PDFs made from pictures, and what they cost."""

import os
import re
import subprocess
import sys
import tempfile
from io import BytesIO

import pikepdf
import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropscribe.core.pages import Block
from dropscribe.formats.pdf.glyphless import Glyphless
from dropscribe.formats.words import areas
from support.result_pdfs import rendered, text_by_pdfium, without_blanks
from support.results import numbered, odd_page, page_text, reading_of

# Scripts whose letters pdfium hands back as they are: no compatibility forms, no marks that it moves.
TELLABLE = st.text(st.sampled_from("abcXYZ 019éß жДю Ωλ 中文检索 かナ 한글 😀𝔘𠀋"), max_size=60)


def text_by_codes(path, page=0):
    """Return the text of a page as a second reader sees it: the codes of its content through the font's ToUnicode."""
    with pikepdf.Pdf.open(path) as pdf:
        sheet = pdf.pages[page]
        cmap = sheet.Resources.Font.DropscribeText.ToUnicode.read_bytes().decode("ascii")
        known = {
            int(code, 16): bytes.fromhex(to).decode("utf-16-be")
            for code, to in re.findall(r"^<(....)> <(\w+)>$", cmap, re.M)
        }
        for first, last, to in re.findall(r"^<(....)> <(....)> <(....)>$", cmap, re.M):
            known |= {
                code: chr(int(to, 16) + code - int(first, 16)) for code in range(int(first, 16), int(last, 16) + 1)
            }
        shown = [bytes(args[0]) for args, operator in pikepdf.parse_content_stream(sheet) if str(operator) == "Tj"]
    codes = b"".join(shown)
    return "".join(known[int.from_bytes(codes[at : at + 2], "big")] for at in range(0, len(codes), 2))


@pytest.mark.parametrize(
    "text",
    [
        "Hello world 123",
        "中文检索 english 测试",
        "résumé e\u0301",
        "😀 𝔘nicode 😀",
        "שלום עולם 123",
        "مرحبا بالعالم",
        "วันนี้",
    ],
)
def test_text_can_be_copied_by_two_readers(tmp_path, text):
    block = Block("text", text, (20, 20, 320, 50))
    path = rendered(tmp_path, reading_of([page_text(1, text, [block])]))

    assert text_by_pdfium(path).strip() == text
    assert sorted(without_blanks(text_by_codes(path))) == sorted(without_blanks(text))


@pytest.mark.parametrize("box", [(20, 30, 320, 60), (100, 20, 130, 280), (350, 280, 400, 300)])
def test_every_character_lies_on_its_words_box(tmp_path, box):
    page = page_text(blocks=[Block("text", "竖排文字 abc def", box)])
    path = rendered(tmp_path, reading_of([page], dpi=144))
    words = {word.text: word.box for area in areas(page) for row in area.rows for word in row.words}

    with pypdfium2.PdfDocument(path) as document:
        found = document[0].get_textpage()
        text = found.get_text_bounded()
        for word, (x0, y0, x1, y1) in words.items():
            at = text.index(word)
            for place in range(at, at + len(word)):
                left, bottom, right, top = (2 * value for value in found.get_charbox(place))  # 144 dpi: half a point
                assert x0 - 1 <= (left + right) / 2 <= x1 + 1
                assert y0 - 1 <= 300 - (top + bottom) / 2 <= y1 + 1


def test_a_phrase_can_be_searched(tmp_path):
    path = rendered(
        tmp_path, reading_of([page_text(blocks=[Block("text", "中文检索很好 fine words", (20, 20, 380, 50))])])
    )

    with pypdfium2.PdfDocument(path) as document:
        assert document[0].get_textpage().search("检索很").get_next() is not None
        assert document[0].get_textpage().search("fine words").get_next() is not None


def test_it_says_who_made_it_and_of_what(tmp_path):
    path = rendered(tmp_path, reading_of([page_text()], name="sub/Größe.png"))

    with pikepdf.Pdf.open(path) as pdf:
        assert (pdf.docinfo.Producer, pdf.docinfo.Title) == ("Dropscribe", "sub/Größe.png")


def peak_bytes(tmp_path, count):
    """Return how much memory a process has at most while it renders *count* noisy pages of 4 MB each."""
    code = f"""
import resource, sys
from dataclasses import replace
from support.results import page_text, reading_of
from PIL import Image
from dropscribe.core.pages import Page
from dropscribe.formats.pdf import render as pdf
side, pages = 1600, range(1, {count} + 1)
image = Image.merge("RGB", [Image.effect_noise((side, side), 60) for _ in "RGB"])
texts = [page_text(n, f"page {{n}} 😀", width=side, height=side) for n in pages]
reading = replace(reading_of(texts), images=lambda: (Page(n, image) for n in pages))
pdf.render(reading, sys.argv[1])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024))
"""
    paths = os.pathsep.join(path for path in sys.path if path)
    command = [sys.executable, "-c", code, str(tmp_path / f"{count}.pdf")]
    return int(subprocess.run(command, env={**os.environ, "PYTHONPATH": paths}, check=True, capture_output=True).stdout)


def test_memory_does_not_grow_with_the_pages(tmp_path):
    few, many = peak_bytes(tmp_path, 2), peak_bytes(tmp_path, 24)
    size = os.path.getsize(tmp_path / "24.pdf")

    assert size > 60 * 10**6
    assert many - few < size / 4
    assert [text_by_pdfium(str(tmp_path / "24.pdf"), n).strip() for n in (0, 23)] == ["page 1 😀", "page 24 😀"]
    assert sorted(os.listdir(tmp_path)) == ["2.pdf", "24.pdf"]


def test_more_characters_beyond_the_basic_plane_than_there_are_codes_still_open(tmp_path):
    text = "".join(map(chr, range(0x20000, 0x20000 + 2100)))
    path = rendered(tmp_path, reading_of([page_text(1, text)]))

    assert without_blanks(text_by_codes(path)) == text[:2048] + "�" * 52


def test_the_font_gives_every_code_two_bytes():
    assert Glyphless().encode("a中😀") == b"\x00a\x4e\x2d\xd8\x00"


@settings(deadline=None, max_examples=40)  # a loaded machine is not a fault, and each example writes a PDF
@given(st.lists(TELLABLE, min_size=1, max_size=3))
def test_what_was_read_can_be_copied_again(texts):
    blocks = [Block("text", text, (10, 100 * n, 390, 100 * n + 90)) for n, text in enumerate(texts)]
    with tempfile.TemporaryDirectory() as folder:
        path = rendered(folder, reading_of([page_text(1, "", blocks)]))

        assert without_blanks(text_by_pdfium(path)) == without_blanks("".join(texts))


@settings(deadline=None, max_examples=40)  # a loaded machine is not a fault, and each example writes a PDF
@given(st.lists(odd_page, min_size=1, max_size=2))
def test_any_text_gives_a_pdf_that_opens(pages):
    reading = reading_of(numbered(pages), name="\udcff\0(\\.png")
    with tempfile.TemporaryDirectory() as folder:
        path = rendered(folder, reading)
        for index, page in enumerate(pages):
            expected = "".join(word.text for area in areas(page) for row in area.rows for word in row.words)
            text_by_pdfium(path, index)
            assert sorted(without_blanks(text_by_codes(path, index))) == sorted(without_blanks(expected))


def test_the_font_program_is_whole():
    ttlib = pytest.importorskip("fontTools.ttLib")
    from dropscribe.formats.pdf.truetype import font

    read = ttlib.TTFont(BytesIO(font()), checkChecksums=2)

    assert read["hmtx"].metrics[read.getGlyphOrder()[2]] == (1000, 0)
    assert read["maxp"].numGlyphs == 4
