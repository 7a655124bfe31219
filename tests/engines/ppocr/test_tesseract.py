"""A second reader for other scripts: a program that stands in for tesseract, really called."""

import sys
from pathlib import Path

import numpy as np
import pytest

from dropscribe.engines.ppocr import tesseract
from dropscribe.engines.ppocr.tesseract import Tesseract

PROGRAM = """#!{python}
import sys
arguments = sys.argv[1:]
if "--list-langs" in arguments:
    print("List of available languages (3):\\nrus\\nkor\\nosd")
elif "osd" in arguments:
    print("Script: Cyrillic\\nScript confidence: 9")
else:
    assert sys.stdin.buffer.read(4) == b"\\x89PNG"
    print("level page_num block_num par_num line_num word_num left top width height conf text".replace(" ", "\\t"))
    for number, word in enumerate(["first", arguments[arguments.index("-l") + 1], "noise"]):
        print(*(5, 1, 1, 1, 1, number, 10 + 50 * number, 20, 40, 15, 95 if word != "noise" else 10, word), sep="\\t")
"""


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tesseract:
    """Put the program on the path; return what is found there."""
    program = tmp_path / "tesseract"
    program.write_text(PROGRAM.format(python=sys.executable))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = tesseract.installed()
    assert found is not None
    return found


def test_lines_come_with_their_boxes_and_without_words_in_doubt(reader: Tesseract) -> None:
    (line,) = reader.read(np.zeros((60, 200, 3), np.uint8), ["ru"])

    assert line.text == "first rus"
    assert line.quad.tolist() == [[10, 20], [100, 20], [100, 35], [10, 35]]
    assert line.confidence == pytest.approx(0.95)


def test_the_script_of_the_page_decides_where_no_language_is_named(reader: Tesseract) -> None:
    assert [line.text for line in reader.read(np.zeros((60, 200, 3), np.uint8), [])] == ["first rus"]


def test_languages_that_the_weights_can_read_are_not_tesseracts_business(reader: Tesseract) -> None:
    assert reader.known(["de", "en", "ko", "ru", "el"]) == ["kor", "rus"]
    assert reader.read(np.zeros((60, 200, 3), np.uint8), ["en"]) == []


def test_a_program_that_fails_reads_nothing(tmp_path: Path) -> None:
    assert Tesseract(str(tmp_path / "nowhere"), frozenset({"rus"})).read(np.zeros((9, 9, 3), np.uint8), ["ru"]) == []


def test_without_tesseract_there_is_no_second_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert tesseract.installed() is None
