"""A page that was read is not read again, whatever a crash left; and the store stays within its bound."""

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropscribe.config import Settings, checked
from dropscribe.core.pages import Attempt, Block, EngineInfo, PageText
from dropscribe.worker.page_cache import PageCache, folder_of, forget_job, key

ENGINE = EngineInfo("rapidocr", "ppocr", None, "1.0")


def page(number: int, text: str = "text") -> PageText:
    return PageText(
        number, 100, 200, text, f"# {text}", (Block("line", text, (0.0, 1.5, 2.0, 3.0), 0.5), Block("image", "", None)),
        90, "ocr", ("rotated",), (Attempt("gundam", "p", 3, 0.5, "stop"),), 1.25,
    )  # fmt: skip


def test_pages_come_back_as_they_were_in_order_and_more_than_once(tmp_path: Path) -> None:
    pages = {n: page(n, f"ä\n日\u2028\0 {n}") for n in (3, 1, 2)}
    store = PageCache(str(tmp_path), "doc")
    for one in pages.values():
        store.add(one)

    again = PageCache(str(tmp_path), "doc")

    assert list(store) == list(again) == list(again) == [pages[1], pages[2], pages[3]]
    assert again.finished == {1, 2, 3}


def test_an_empty_store_makes_no_file(tmp_path: Path) -> None:
    store = PageCache(str(tmp_path / "pages"), "doc")

    assert (list(store), store.finished, os.listdir(tmp_path / "pages")) == ([], frozenset(), [])


def test_a_page_read_again_replaces_the_earlier(tmp_path: Path) -> None:
    store = PageCache(str(tmp_path), "doc")
    store.add(page(1, "old"))
    store.add(page(1, "new"))

    assert [p.text for p in store] == [p.text for p in PageCache(str(tmp_path), "doc")] == ["new"]


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(2, 400), tail=st.sampled_from([b"", b"\0" * 50, b"{", b"\n", b"[]\n", b'{"number": "x"}\n']))
def test_a_torn_end_costs_only_the_torn_page(tmp_path_factory: pytest.TempPathFactory, cut: int, tail: bytes) -> None:
    folder = tmp_path_factory.mktemp("pages")
    store = PageCache(str(folder), "doc")
    store.add(page(1))
    store.add(page(2))
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    first = whole.index(b"\n") + 1
    file.write_bytes(whole[: max(first, len(whole) - cut)] + tail)

    after = PageCache(str(folder), "doc")
    assert after.finished == {1}
    after.add(page(2, "again"))

    assert list(after) == list(PageCache(str(folder), "doc")) == [page(1), page(2, "again")]


@pytest.mark.parametrize("line", ['{"number": 1}', '{"number": 1, "width": "x"}', "[1]", "7"])
def test_a_line_that_is_no_whole_page_is_read_again(tmp_path: Path, line: str) -> None:
    (tmp_path / "doc.jsonl").write_text(line + "\n")

    store = PageCache(str(tmp_path), "doc")
    assert store.finished == frozenset()
    store.add(page(1))
    assert list(store) == [page(1)]


def test_a_line_torn_at_its_very_end_does_not_spoil_the_next(tmp_path: Path) -> None:
    PageCache(str(tmp_path), "doc").add(page(1))
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-1])

    after = PageCache(str(tmp_path), "doc")
    for number in {1, 2} - after.finished:
        after.add(page(number))

    assert list(after) == list(PageCache(str(tmp_path), "doc")) == [page(1), page(2)]


def test_only_the_owner_may_read(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        PageCache(str(tmp_path / "pages"), "doc").add(page(1))
    finally:
        os.umask(old)

    assert os.stat(tmp_path / "pages").st_mode & 0o777 == 0o700
    assert os.stat(tmp_path / "pages" / "doc.jsonl").st_mode & 0o777 == 0o600


def test_the_longest_unused_go_first_and_never_the_one_in_hand(tmp_path: Path) -> None:
    for age, name in enumerate(["newest", "middle", "oldest"]):
        PageCache(str(tmp_path), name).add(page(1))
        os.utime(tmp_path / f"{name}.jsonl", (1000 - age, 1000 - age))
    size = (tmp_path / "newest.jsonl").stat().st_size
    store = PageCache(str(tmp_path), "oldest")
    os.utime(tmp_path / "oldest.jsonl", (1, 1))

    store.prune(size * 3)
    assert len(os.listdir(tmp_path)) == 3
    store.prune(size)
    assert sorted(os.listdir(tmp_path)) == ["newest.jsonl", "oldest.jsonl"]


def test_opening_counts_as_use(tmp_path: Path) -> None:
    for name in ("a", "b"):
        PageCache(str(tmp_path), name).add(page(1))
        os.utime(tmp_path / f"{name}.jsonl", (1, 1))
    PageCache(str(tmp_path), "a")
    PageCache(str(tmp_path), "c").prune((tmp_path / "a.jsonl").stat().st_size)

    assert os.listdir(tmp_path) == ["a.jsonl"]


def test_what_served_one_job_goes_with_it_and_nothing_else_does(tmp_path: Path) -> None:
    state = str(tmp_path)
    unshared = checked({"output": {"cache": False}}, "test")
    names = [key("content", ENGINE, unshared, job) for job in (1, 12, -1, None)]
    for name in names:
        PageCache(folder_of(state), name).add(page(1))

    forget_job(state, 1)
    forget_job(state, 1)

    assert sorted(os.listdir(folder_of(state))) == sorted(f"{name}.jsonl" for name in names[1:])


def changed(section: str, name: str, value: Any) -> Settings:
    return checked({section: {name: value}}, "test")


BASE = key("ab", ENGINE, Settings(), None)


@pytest.mark.parametrize(
    "section, name, value",
    [
        ("engine", "mode", "tiny"), ("engine", "prompt", "text"), ("engine", "max_tokens", 5),
        ("engine", "vision_precision", "float32"), ("intake", "pdf_text", "never"), ("intake", "orientation", "off"),
        ("output", "tables", "markdown"), ("output", "figures", True),
    ],
)  # fmt: skip
def test_settings_that_change_the_text_change_the_key(section: str, name: str, value: Any) -> None:
    assert key("ab", ENGINE, changed(section, name, value), None) != BASE


@pytest.mark.parametrize(
    "section, name, value", [("output", "formats", ["md"]), ("intake", "stable_for", 9), ("model", "idle_timeout", 0)]
)
def test_settings_that_do_not_change_the_text_keep_the_key(section: str, name: str, value: Any) -> None:
    assert key("ab", ENGINE, changed(section, name, value), None) == BASE


def test_other_content_another_engine_or_a_job_of_its_own_change_the_key() -> None:
    others = [
        key("cd", ENGINE, Settings(), None), key("ab", ENGINE, Settings(), 1), key("ab", ENGINE, Settings(), 2),
        *(key("ab", EngineInfo(*values), Settings(), None) for values in [
            ("x", "ppocr", None, "1.0"), ("rapidocr", "x", None, "1.0"), ("rapidocr", "ppocr", "x", "1.0"),
            ("rapidocr", "ppocr", None, "x"),
        ]),
    ]  # fmt: skip

    assert len({BASE, *others}) == len(others) + 1


def test_one_that_looks_while_a_page_is_being_written_damages_nothing(tmp_path: Path) -> None:
    """Another copy of the same content in hand, or the process that renders it."""
    writing = PageCache(str(tmp_path), "doc")
    writing.add(page(1))
    (file,) = tmp_path.iterdir()
    line = file.read_bytes().replace(b'"number": 1', b'"number": 2')
    with open(file, "ab", buffering=0) as half:
        half.write(line[:50])
        looking = PageCache(str(tmp_path), "doc")
        half.write(line[50:])

    assert looking.finished == {1} and list(looking) == [page(1)]
    looking.add(page(3))
    assert list(PageCache(str(tmp_path), "doc")) == [page(1), page(2), page(3)]


def test_two_that_write_in_turn_find_their_own_pages(tmp_path: Path) -> None:
    one, other = PageCache(str(tmp_path), "doc"), PageCache(str(tmp_path), "doc")
    for number in range(1, 6):
        one.add(page(number, "one"))
        other.add(page(number, "other" * number))

    assert [p.text for p in one] == ["one"] * 5
    assert list(other) == list(PageCache(str(tmp_path), "doc")) == [page(n, "other" * n) for n in range(1, 6)]


def test_a_page_that_finds_no_room_is_not_kept(tmp_path: Path) -> None:
    store = PageCache(str(tmp_path), "doc")
    (tmp_path / "doc.jsonl").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space"):
        store.add(page(1))
    assert store.finished == frozenset()
