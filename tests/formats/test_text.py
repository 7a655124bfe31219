"""Plain text and Markdown."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropscribe.core.pages import Block
from dropscribe.formats import md, plain, txt
from dropscribe.formats.registry import renderer
from support.results import numbered, odd_page, page_text, reading_of


def rendered(format_name: str, *texts: str) -> str:
    pages = [page_text(n, text) for n, text in enumerate(texts, start=1)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "out")
        renderer(format_name)(reading_of(pages), str(path))
        return path.read_bytes().decode("utf-8")


def test_pages_of_txt_are_separated_by_a_form_feed_and_end_with_one_newline():
    assert rendered("txt", "one\ntwo\n\n", "three") == "one\ntwo\n\f\nthree\n"


def test_pages_of_md_are_separated_by_a_rule():
    assert rendered("md", "# One", "two") == "# One\n\n---\n\ntwo\n"


@pytest.mark.parametrize("texts", [(), ("",), ("", "\n", "")])
@pytest.mark.parametrize("format_name", ["txt", "md"])
def test_a_document_without_text_gives_an_empty_file(format_name, texts):
    assert rendered(format_name, *texts) == ""


def test_blank_pages_still_count():
    assert [page.strip() for page in rendered("txt", "", "two", "", "four", "").split("\f")] == [
        "",
        "two",
        "",
        "four",
        "",
    ]


def test_a_form_feed_inside_a_page_is_no_new_page():
    assert rendered("txt", "a\fb", "c") == "a\nb\n\f\nc\n"


def test_indentation_of_the_first_line_is_kept():
    assert rendered("txt", "\n   sum  12") == "   sum  12\n"


def test_surrogate_pairs_become_the_character_and_lone_ones_the_replacement():
    assert plain.repaired("\ud83d\ude00 \ud83d") == "😀 �"


def test_places_of_figures_that_were_not_saved_leave_no_trace_in_md():
    assert rendered("md", "above\n\n![](FIGURE:1-1)\n\nbelow ![](FIGURE:1-2)end") == "above\n\nbelow end\n"


HOSTILE = {
    "openings": "![" * 100_000,
    "tables": "<table" * 30_000,
    "one script from the right, then numbers": "א" + " 1" * 100_000,
    "one word": "a" * 200_000,
    "marks": "a" + "\u0301" * 200_000,
    "blanks": " " * 200_000 + "a",
}


@pytest.mark.timeout(20)  # each takes a second or two; what grows with the square takes a minute
@pytest.mark.parametrize("format_name", ["txt", "md", "json", "hocr", "alto", "pdf"])
@pytest.mark.parametrize("what", HOSTILE)
def test_no_text_takes_long_to_write(what, format_name, tmp_path):
    text = HOSTILE[what]
    page = page_text(1, text, [Block("text", text, (0, 0, 20_000, 1))], width=20_000, height=1)
    renderer(format_name)(reading_of([page]), str(tmp_path / "out"))


@settings(deadline=None)  # a loaded machine is not a fault
@given(st.lists(odd_page, max_size=4))
def test_any_text_can_be_written_and_keeps_its_pages(pages):
    reading = reading_of(numbered(pages))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "out")
        txt.render(reading, str(path))
        written = path.read_text("utf-8")
        md.render(reading, str(path))
        path.read_text("utf-8")

    assert written == "" or written.count("\f") == len(pages) - 1
    kept = "".join(plain.printable("".join(page.text for page in pages)).split())
    assert "".join(written.split()) == "".join(kept.split())
