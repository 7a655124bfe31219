"""Every row of the table of failures, by a scripted server: what is whose fault, and what becomes of the page."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from dropscribe.core.errors import Reason
from dropscribe.core.pages import PageFailure, PageText
from support.remote_pages import Pages, loaded, read, texts
from support.scripted_http import DONE, Answer, ScriptedServer, event, plain, reset, silent, streamed, text

HTML_413 = "<html><head><title>413</title></head><body><h1>413 Request Entity Too Large</h1>nginx</body></html>"
PICTURE_422 = json.dumps({"detail": [{"msg": "field required", "input": "data:image/png;base64," + "A" * 5000}]})


def failure(results: list[PageText | PageFailure]) -> PageFailure:
    (only,) = results
    assert isinstance(only, PageFailure)
    return only


# -- an answer that is not whole is none


CUT: dict[str, Answer] = {
    "cut in the body": streamed(event("Hello"), whole=False),
    "reset before any byte": reset(),
    "reset in the middle": reset(event("Hello")),
    "clean end without a finish_reason": streamed(event("Hello"), DONE),
    "clean end with nothing": streamed(),
    "an error among the data, then DONE": streamed(
        event("Hello"), b'data: {"error": {"message": "EngineCore died"}}\n\n', DONE
    ),
    "an error after the finish_reason": streamed(
        event("Hello"), event(finish="stop"), b'data: {"error": "x"}\n\n', DONE
    ),
    "finish_reason abort": streamed(event("Hello"), event(finish="abort"), DONE),
    "garbage": streamed(event("Hello"), b"data: {\xff\xfe\n\n", event(finish="stop"), DONE),
    "no object": streamed(b"data: [1, 2]\n\n", DONE),
    "503 before it is ready": plain(503, '{"error": {"message": "Loading model"}}', Retry_After="0"),
    "502 of a proxy": plain(502, "<html>Bad Gateway</html>", "text/html", Retry_After="0"),
    "429": plain(429, "slow down", "text/plain", Retry_After="0"),
    "500 once": plain(500, "Internal Server Error", "text/plain"),
    "401 for a moment": plain(401, '{"error": "no key"}'),
    "404 for a moment": plain(404, '{"error": {"message": "no model"}}'),
    "a page of HTML": plain(200, "<html>Welcome</html>", "text/html"),
    "a redirect": plain(307, "", Location="http://elsewhere.invalid/"),
}


def test_it_is_read_again_and_never_taken_for_a_text() -> None:
    """All at once, each with a server of its own: a server that fails is left alone for up to a second."""

    def read_once(name: str) -> tuple[PageText | PageFailure, int]:
        with ScriptedServer(CUT[name]) as server, loaded(server.url) as engine:
            (page,) = read(engine)
            return page, len(server.pages)

    with ThreadPoolExecutor(len(CUT)) as pool:
        results = dict(zip(CUT, pool.map(read_once, CUT), strict=True))

    for name, (page, requests) in results.items():
        assert isinstance(page, PageText) and page.text == "Hello world.", name
        assert requests == 2, name
        assert [attempt.end for attempt in page.attempts] == ["stop"], f"{name}: the first was no attempt of the page"


def test_a_redirect_is_not_followed() -> None:
    elsewhere = ScriptedServer()
    moved = plain(307, "", Location=f"{elsewhere.url}/v1/chat/completions")
    with elsewhere, ScriptedServer(moved) as server, loaded(server.url) as engine:
        read(engine)

    assert elsewhere.asked == []


def test_an_answer_in_one_piece_and_one_without_done_are_good() -> None:
    whole = {"choices": [{"message": {"content": "In one piece."}, "finish_reason": "stop"}]}
    answers = plain(200, json.dumps(whole)), streamed(event("No end mark."), event(finish="stop"))
    with ScriptedServer(*answers) as server, loaded(server.url, in_flight=1) as engine:
        assert texts(read(engine, 2)) == ["In one piece.", "No end mark."]


# -- the page's own


@pytest.mark.parametrize("content", [None, "", "  \n"])
def test_no_content_is_an_empty_page_and_no_failure(content: str | None) -> None:
    empty = streamed(event(content), event(finish="stop"), DONE)
    with ScriptedServer(always=empty) as server, loaded(server.url) as engine:
        (page,) = read(engine)

    assert isinstance(page, PageText) and page.text == "" and page.flags == ("empty",)


@pytest.mark.parametrize(
    "answer, said",
    [
        (plain(413, HTML_413, "text/html"), "413 413 Request Entity Too Large nginx"),
        (plain(422, PICTURE_422), "field required"),
        (plain(400, '{"error": {"message": "exceeds the context size", "n_ctx": 4096}}'), "exceeds the context size"),
        (plain(415, "not this picture", "text/plain"), "not this picture"),
    ],
)
def test_a_page_that_is_not_taken_comes_smaller_and_then_fails_with_what_was_said(answer: Answer, said: str) -> None:
    with ScriptedServer(always=answer) as server, loaded(server.url) as engine:
        failed = failure(read(engine, size=(1000, 1400)))

    assert failed.reason is Reason.NO_TEXT and said in failed.detail.replace("413: ", "")
    assert len(failed.detail) < 700 and "AAAA" not in failed.detail
    first, second = server.pages[:2]
    assert len(json.dumps(second)) < len(json.dumps(first)) and second["max_tokens"] == first["max_tokens"] // 2


def test_a_smaller_page_may_be_taken() -> None:
    with ScriptedServer(plain(413, HTML_413, "text/html")) as server, loaded(server.url) as engine:
        assert texts(read(engine)) == ["Hello world."]


def test_a_page_that_alone_gives_500_fails_and_the_others_are_read() -> None:
    def answer(handler: object, body: dict[str, object]) -> None:
        bad = len(json.dumps(body)) > 20_000
        (plain(500, "the picture is too much", "text/plain") if bad else text())(handler, body)  # type: ignore[arg-type]

    pages = Pages(6)
    noisy = Pages(1, size=(300, 400)).take(wait=False)
    assert noisy is not None
    noisy.image.paste(Image.effect_noise((300, 400), 90).convert("RGB"))
    pages._left.insert(2, noisy)
    with ScriptedServer(always=answer) as server, loaded(server.url) as engine:
        results = list(engine.read(pages))

    (failed,) = [result for result in results if isinstance(result, PageFailure)]
    assert failed.reason is Reason.NO_TEXT and "the picture is too much" in failed.detail
    assert len(results) == 7


@pytest.mark.parametrize("answer", [silent(), silent(event("Hello")), silent(event("Hello"), keep_alive=b": ping\n\n")])
def test_silence_is_a_timeout_after_another_try_and_the_server_is_told(answer: Answer) -> None:
    limits = {"first_byte_timeout": "100ms", "silence_timeout": "100ms", "engine_values": {"prompt": "figure"}}
    with ScriptedServer(always=answer) as server, loaded(server.url, **limits) as engine:
        failed = failure(read(engine))

    assert failed.reason is Reason.ENGINE_TIMEOUT
    assert len(server.pages) >= 2


def test_a_page_whose_time_is_up_keeps_what_it_has() -> None:
    slow = silent(event("Only so far"), keep_alive=event(" and on"))
    limits = {"page_timeout": "200ms", "page_budget": "300ms"}
    with ScriptedServer(always=slow) as server, loaded(server.url, engine_values=limits) as engine:
        (page,) = read(engine)

    assert isinstance(page, PageText) and page.text.startswith("Only so far")
    assert "partial" in page.flags and page.attempts[0].end == "timeout"


@pytest.mark.slow
def test_a_page_that_takes_its_server_along_twice_when_alone_is_given_up() -> None:
    with ScriptedServer(always=reset()) as server, loaded(server.url) as engine:
        failed = failure(read(engine))

    assert failed.reason is Reason.ENGINE_ERROR and "lost twice" in failed.detail
