"""The text of a job: from .json, from the page cache by its words, from plain files without boxes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dropscribe.config import Settings, checked
from dropscribe.core.job import Signature, State
from dropscribe.core.pages import Block, PageText
from dropscribe.files.places import Place
from dropscribe.web import texts
from dropscribe.web.job_files import Known, Missing
from dropscribe.web.texts import Texts
from dropscribe.worker.page_cache import PageCache, folder_of


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    names = ("inbox", "outbox", "archive", "failed", "state")
    (tmp_path / "outbox").mkdir()
    return checked({"folders": {name: str(tmp_path / name) for name in names}}, "test")


def job(*outputs: str) -> Known:
    return Known(
        7, b"a.png", Signature(1, 1, 1, 1), 0.0, State.DONE, 1, 0, 0, 0, 0, 0, b"a", tuple(o.encode() for o in outputs),
        None, None, None, 1.0, finished=1000.0,
    )  # fmt: skip


def page(number: int, text: str, *flags: str) -> PageText:
    return PageText(number, 100, 50, text, f"**{text}**", (Block("text", text, (1, 2, 3, 4), 0.5),), flags=flags)


def written_json(path: Path, pages: list[dict[str, Any]]) -> None:
    """Write pages as the daemon does: one to a line."""
    lines = ",".join("\n    " + json.dumps(values) for values in pages)
    path.write_text('{\n  "schema": "dropscribe/1",\n  "pages": [' + lines + "\n  ]\n}\n")


def test_pages_of_a_long_json_are_found_one_at_a_time(settings: Settings, tmp_path: Path) -> None:
    doubtful = {3, 499}
    pages = [page(n, f"page {n}", *["loop"] * (n in doubtful)).as_dict() for n in range(1, 501)]
    written_json(tmp_path / "outbox" / "a.json", pages)
    text = Texts().of(settings, job("a.txt", "a.json"))

    assert (text.count, text.source, text.has_boxes) == (500, "json", True)
    assert text.page(250)["text"] == "page 250"
    assert list(text.doubtful()) == sorted(doubtful)
    with pytest.raises(Missing):
        text.page(501)


def test_what_a_second_reader_says_is_kept(settings: Settings, tmp_path: Path) -> None:
    values = page(1, "a b").as_dict()
    values["check"] = {
        "reader": "rapidocr", "agreement": 0.5, "unconfirmed": [{"text": "b", "box": None}],
        "missing": [{"text": "c", "box": [1, 2, 3, 4]}],
    }  # fmt: skip
    written_json(tmp_path / "outbox" / "a.json", [values])
    check = Texts().of(settings, job("a.json")).page(1)["check"]

    assert [item["text"] for item in check["unconfirmed"]] == ["b"]
    assert [(item["text"], item["box"]) for item in check["missing"]] == [("c", [1, 2, 3, 4])]


@pytest.fixture(params=[".txt", ".md"])
def cached(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> Iterator[Known]:
    """A job whose pages are in the page cache, beside those of others."""
    for name, word in (("other", "else"), ("mine", "mine"), ("third", "mind")):
        cache = PageCache(folder_of(settings.folders.state), name)
        for number in (2, 1):
            cache.add(page(number, f"{word} {number}"))
    joined = {".txt": "mine 1\n\f\nmine 2\n", ".md": "**mine 1**\n\n---\n\n**mine 2**\n"}[request.param]
    (tmp_path / "outbox" / f"a{request.param}").write_text(joined)
    yield job(f"a{request.param}")


def test_boxes_come_from_the_page_cache_where_its_words_are_those_of_the_output(
    settings: Settings, cached: Known
) -> None:
    text = Texts().of(settings, cached)

    assert (text.source, text.count) == ("cache", 2)
    assert text.page(2)["blocks"] == [{"label": "text", "text": "mine 2", "box": [1, 2, 3, 4], "confidence": 0.5}]


def test_an_edited_output_is_shown_as_it_is_without_boxes(settings: Settings, cached: Known, tmp_path: Path) -> None:
    path = tmp_path / "outbox" / cached.outputs[0].decode()
    path.write_text(path.read_text().replace("mine 1", "edited 1"))
    text = Texts().of(settings, cached)

    assert text.source == path.suffix[1:] and not text.has_boxes and text.count == 2
    assert "edited 1" in text.page(1)["text"] and text.page(1)["blocks"] == []


def test_a_blank_page_at_the_end_is_a_page_where_the_cache_knows_it(settings: Settings, tmp_path: Path) -> None:
    cache = PageCache(folder_of(settings.folders.state), "mine")
    cache.add(page(1, "text"))
    cache.add(PageText(2, 100, 50, "", "", text_source="blank", flags=("blank",)))
    (tmp_path / "outbox" / "a.txt").write_text("text\n")

    assert Texts().of(settings, job("a.txt")).count == 2


@pytest.mark.parametrize(
    "line",
    [
        '{"number": 1', '{"number": 1, "text": 5, "blocks": {}, "flags": 7, "width": "x", "check": []}',
        '{"number": 1, "blocks": [7, {"box": [1, 2, "x", null], "confidence": "high"}], "check": {"missing": 3}}',
        '{"number": 1, "text": "\\ud800", "blocks": [{"box": [1e999, 0, 0, 0]}]}',
        '{"number": 1, "text": ' + "[" * 10**5,
    ],
)  # fmt: skip
def test_a_json_that_somebody_has_edited_breaks_nothing(settings: Settings, tmp_path: Path, line: str) -> None:
    (tmp_path / "outbox" / "a.json").write_text('{\n  "pages": [\n    ' + line + "\n  ]\n}\n")
    text = Texts().of(settings, job("a.json"))
    values = text.page(1)

    assert values["text"].isprintable() and values["flags"] == []
    assert all(block["box"] is None for block in values["blocks"])


def test_nothing_is_known_of_a_job_without_texts(settings: Settings) -> None:
    assert Texts().of(settings, job("a.pdf", "a.txt")).count == 0


def test_a_changed_output_is_read_anew(settings: Settings, tmp_path: Path) -> None:
    known, path = Texts(), tmp_path / "outbox" / "a.txt"
    path.write_text("one\n")
    assert known.of(settings, job("a.txt")).page(1)["text"] == "one"
    path.write_text("two\n")

    assert known.of(settings, job("a.txt")).page(1)["text"] == "two"


def test_the_beginning_of_a_json_is_its_text(tmp_path: Path) -> None:
    written_json(tmp_path / "a.json", [page(n, f"page {n}").as_dict() for n in (1, 2)])

    assert texts.beginning(Place(bytes(tmp_path), b"a.json"), 100) == "page 1\npage 2"
