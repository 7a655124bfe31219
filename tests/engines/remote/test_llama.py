"""The engine on a real server: llama.cpp's, with a model that knows its answers by heart."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dropscribe.core.errors import ReasonedError, Stopped
from dropscribe.core.pages import PageFailure, PageText
from dropscribe.engines.base import Signals
from dropscribe.engines.remote.engine import Remote
from support.harness import wait_for
from support.llama_model import LONG
from support.llama_server import LlamaServer
from support.remote_pages import loaded, read

BOOK = "Recite a book."
TITLE = "Receipt 7\n\nPaid in full today."


def page_of(server: LlamaServer, prompt: str, **options: Any) -> PageText:
    with loaded(server.url, engine_values={"prompt": prompt}, **options) as engine:
        (page,) = read(engine, size=(1000, 1000))
    assert isinstance(page, PageText)
    return page


def test_grounded_marks_become_blocks(llama: LlamaServer) -> None:
    page = page_of(llama, "markdown")

    assert page.text == TITLE and page.markdown.startswith("# Receipt 7") and page.flags == ()
    assert [(block.label, block.box) for block in page.blocks] == [("title", (100, 50, 900, 100))]
    assert [(attempt.end, attempt.tokens) for attempt in page.attempts] == [("stop", 13)]


def test_without_special_tokens_the_boxes_are_read_from_what_is_left() -> None:
    with LlamaServer(special=False) as server:
        page = page_of(server, "markdown")

    assert page.text == TITLE
    assert [(block.label, block.box) for block in page.blocks] == [("title", (100, 50, 900, 100))]


def test_plain_text_has_no_mark_of_its_end(llama: LlamaServer) -> None:
    assert page_of(llama, "text").text == "RECEIPT 7\npaid: 12.50 EUR"


def test_an_empty_answer_is_an_empty_page(llama: LlamaServer) -> None:
    page = page_of(llama, "describe")

    assert (page.text, page.flags) == ("", ("empty",))


def test_an_endless_loop_is_cut_early_and_one_round_is_kept(llama: LlamaServer) -> None:
    page = page_of(llama, "figure")

    assert page.text == "Sum 1,00 ;" and "loop" in page.flags
    assert all(attempt.end == "loop" and attempt.tokens < 200 for attempt in page.attempts)


def test_a_long_answer_is_whole(llama: LlamaServer) -> None:
    assert page_of(llama, BOOK).text.split() == [f"word{number}" for number in range(LONG)]


def test_an_answer_that_is_cut_by_its_limit_is_not_whole(llama: LlamaServer) -> None:
    with loaded(llama.url, engine_values={"prompt": BOOK, "max_tokens": 40}) as engine:
        (page,) = read(engine)

    assert isinstance(page, PageText) and {"length", "partial"} <= set(page.flags)
    assert page.attempts[0].tokens == 40


def test_many_pages_on_few_slots(llama: LlamaServer) -> None:
    with loaded(llama.url, in_flight=32, engine_values={"prompt": "text"}) as engine:
        results = read(engine, 64, documents=40)

    assert sorted(result.key.number for result in results if isinstance(result, PageText)) == list(range(1, 65))
    assert {result.text for result in results if isinstance(result, PageText)} == {"RECEIPT 7\npaid: 12.50 EUR"}


def test_jpeg_is_taken_too(llama: LlamaServer) -> None:
    assert page_of(llama, "text", image="jpeg").text.startswith("RECEIPT 7")


def test_a_stop_comes_back_at_once_and_leaves_no_thread(llama: LlamaServer) -> None:
    signals = Signals()
    signals.tokens = lambda page, count: signals.stop.set()
    before = set(threading.enumerate())
    with loaded(llama.url, signals=signals, engine_values={"prompt": BOOK}) as engine, pytest.raises(Stopped):
        read(engine, 3)

    wait_for(lambda: set(threading.enumerate()) <= before, "all threads have ended")


def test_the_key_is_asked_for_and_given(tmp_path: Path) -> None:
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    right.write_text("secret\n")
    wrong.write_text("guess\n")
    with LlamaServer(key="secret") as server:
        assert page_of(server, "text", key_file=str(right)).text.startswith("RECEIPT 7")
        for options in ({"key_file": str(wrong)}, {}):
            with pytest.raises(ReasonedError, match=r"401: .*API [kK]ey"), loaded(server.url, **options):
                pass


def test_a_server_that_sleeps_wakes_for_a_page() -> None:
    with LlamaServer(sleep=1) as server, loaded(server.url, unload=True, engine_values={"prompt": "text"}) as engine:
        assert isinstance(read(engine)[0], PageText)
        wait_for(lambda: asleep(server), "it sleeps")
        assert isinstance(read(engine)[0], PageText)


def asleep(server: LlamaServer) -> bool:
    import urllib3

    answer = urllib3.request("GET", f"{server.url}/props")
    return bool(answer.json().get("is_sleeping"))


@pytest.fixture
def two() -> Iterator[tuple[LlamaServer, LlamaServer]]:
    with LlamaServer() as first, LlamaServer() as second:
        yield first, second


def test_when_one_of_two_dies_in_the_middle_the_other_reads_all(two: tuple[LlamaServer, LlamaServer]) -> None:
    signals = Signals()
    once = threading.Lock()

    def kill(page: object, count: int) -> None:
        if once.acquire(blocking=False):
            two[0].kill()

    signals.tokens = kill
    urls = [server.url for server in two]
    with loaded(*urls, signals=signals, engine_values={"prompt": BOOK}) as engine:
        results = read(engine, 8)

    assert once.locked() and {len(page.text.split()) for page in texts(results)} == {LONG}
    assert sorted(page.number for page in texts(results)) == list(range(1, 9))


def test_a_server_that_is_killed_and_started_again_reads_all_and_none_is_lost() -> None:
    signals = Signals()
    once = threading.Lock()
    with LlamaServer() as server, loaded(server.url, signals=signals, engine_values={"prompt": BOOK}) as engine:

        def kill(page: object, count: int) -> None:
            if once.acquire(blocking=False):
                server.kill()
                server.start()

        signals.tokens = kill
        results = read(engine, 6)

    assert once.locked() and [len(page.text.split()) for page in texts(results)] == [LONG] * 6
    assert all([attempt.end for attempt in page.attempts] == ["stop"] for page in texts(results))


def texts(results: list[PageText | PageFailure]) -> list[PageText]:
    pages = [result for result in results if isinstance(result, PageText)]
    assert len(pages) == len(results), results
    return pages


def test_the_cache_tells_servers_apart_unless_a_label_vouches_for_them(two: tuple[LlamaServer, LlamaServer]) -> None:
    def info(server: LlamaServer, **options: Any) -> Remote:
        with loaded(server.url, **options) as engine:
            return engine

    first, second = (info(server).info for server in two)
    assert first != second and first.model == second.model == "DeepSeek-OCR"
    assert info(two[0], label="ours").info == info(two[1], label="ours").info
