"""JSON after the published schema."""

import json
import tempfile
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropscribe.core.pages import Attempt, Block, Check, Passage
from dropscribe.formats import json as json_format
from support.results import numbered, odd_page, page_text, reading_of

SCHEMA = json.loads((files("dropscribe.formats") / "dropscribe-1.schema.json").read_text("utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def written(reading):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "out.json")
        json_format.render(reading, str(path))
        return json.loads(path.read_text("utf-8"))


@pytest.fixture
def whole():
    block = Block("title", "Größe 中", (1.5, 2, 30, 40), 0.93)
    attempts = (Attempt("gundam", "markdown", 12, 0.4, "stop"),)
    page = page_text(1, "Größe 中", [block], flags=("rotated",), rotation=90, attempts=attempts, seconds=0.5)
    return written(reading_of([page, page_text(2, "", text_source="blank")]))


def test_keys_are_those_of_the_contract_in_its_order(whole):
    page = whole["pages"][0]

    assert list(whole) == ["schema", "source", "engine", "created", "seconds", "reused", "review", "pages"]
    assert list(whole["source"]) == ["name", "sha256", "bytes", "media_type", "pages"]
    assert list(whole["engine"]) == ["name", "model", "revision", "version"]
    assert list(page) == [
        *("number", "width", "height", "rotation", "text_source", "text", "markdown"),
        *("blocks", "flags", "attempts", "seconds", "check"),
    ]
    assert list(page["blocks"][0]) == ["label", "text", "box", "confidence"]
    assert list(page["attempts"][0]) == ["mode", "prompt", "tokens", "seconds", "end"]


def test_values_are_those_of_the_reading(whole):
    page = whole["pages"][0]

    assert whole["schema"] == "dropscribe/1"
    assert page["blocks"] == [{"label": "title", "text": "Größe 中", "box": [1.5, 2, 30, 40], "confidence": 0.93}]
    assert (page["rotation"], page["flags"], page["attempts"][0]["end"]) == (90, ["rotated"], "stop")
    assert [p["text_source"] for p in whole["pages"]] == ["ocr", "blank"]


def test_no_sign_of_a_text_steers_a_terminal_or_turns_a_line(tmp_path: Path) -> None:
    text = "a\x1b[31m b\x9b31m c\x7f d\u202e e\u2066 f\u200f"
    json_format.render(reading_of([page_text(1, text)]), str(tmp_path / "out.json"))
    raw = (tmp_path / "out.json").read_text("utf-8")

    assert not set(raw) & set("\x1b\x9b\x7f\u202e\u2066\u200f")
    assert json.loads(raw)["pages"][0]["text"] == text


def test_a_check_names_its_passages() -> None:
    check = Check("rapidocr", 0.9, (Passage("never there", None),), (Passage("left out", (1, 2, 3, float("nan"))),))
    found = written(reading_of([page_text(1, "never there", check=check), page_text(2, "")]))

    assert found["pages"][0]["check"] == {
        "reader": "rapidocr",
        "agreement": 0.9,
        "unconfirmed": [{"text": "never there", "box": None}],
        "missing": [{"text": "left out", "box": None}],  # a box with a number missing is none
    }
    assert found["pages"][1]["check"] is None
    VALIDATOR.validate(found)


def test_the_schema_is_itself_valid_and_fits(whole):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    VALIDATOR.validate(whole)


def test_the_schema_knows_every_key_and_no_other(whole):
    for key in [
        *whole,
        *(f"pages/0/{key}" for key in whole["pages"][0]),
        *(f"source/{key}" for key in whole["source"]),
    ]:
        damaged = json.loads(json.dumps(whole))
        spot = damaged
        *folders, last = key.split("/")
        for part in folders:
            spot = spot[int(part)] if part.isdigit() else spot[part]
        spot[last + "x"] = spot.pop(last)

        assert not VALIDATOR.is_valid(damaged), key


def test_a_document_without_pages_is_valid():
    assert written(reading_of([]))["pages"] == []


def test_pages_are_written_as_they_come():
    """A reading of thousands of pages must not be held whole: the file grows while texts are walked."""
    sizes = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "out.json")

        class Texts:
            def __iter__(self):
                for number in range(1, 4):
                    sizes.append(path.stat().st_size)
                    yield page_text(number, "x" * 100_000)

        reading = reading_of([])
        json_format.render(type(reading)(**{**vars(reading), "texts": Texts()}), str(path))

    assert sizes[0] < sizes[1] < sizes[2]


@settings(deadline=None)  # a loaded machine is not a fault
@given(st.lists(odd_page, max_size=3))
def test_any_text_and_any_number_gives_valid_json(pages):
    values = written(reading_of(numbered(pages), name="a\udcff\0.png"))

    VALIDATOR.validate(values)
    assert [page["text"] for page in values["pages"]] == [
        page.text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace") for page in pages
    ]
