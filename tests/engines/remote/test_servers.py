"""Servers that cannot be used, at the load and later: who is named, what stops, which of several is left out."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from dropscribe.core.errors import Reason, ReasonedError, Stopped
from dropscribe.core.status import RemoteStatus
from dropscribe.engines.base import Signals
from support.harness import wait_for
from support.remote_pages import loaded, read, texts
from support.scripted_http import Answer, ScriptedServer, event, plain, reset, silent


def test_the_same_refusal_for_three_files_is_the_settings_fault() -> None:
    refused = plain(400, '{"error": {"message": "unknown field"}}')
    with ScriptedServer(always=refused) as server, loaded(server.url) as engine, pytest.raises(ReasonedError) as caught:
        read(engine, 5)

    assert caught.value.reason is Reason.ENGINE_UNAVAILABLE and "unknown field" in caught.value.detail


UNUSABLE: list[tuple[Callable[[], ScriptedServer], str]] = [
    (lambda: ScriptedServer(listing=plain(401, '{"error": {"message": "Invalid API key"}}')), "Invalid API key"),
    (lambda: ScriptedServer(listing=plain(404, "nothing here", "text/plain")), "nothing here"),
    (lambda: ScriptedServer(listing=plain(200, "<html>Welcome</html>", "text/html")), "no list of models"),
    (lambda: ScriptedServer(listing=plain(302, "", Location="http://login.invalid/")), "login.invalid"),
    (lambda: ScriptedServer(models=[]), "lists no model"),
    (lambda: ScriptedServer(models=[{"id": "a"}, {"id": "b"}]), "several models (a, b)"),
    (lambda: ScriptedServer(tiny=plain(400, '{"error": "extra_forbidden"}')), "extra_forbidden"),
    (lambda: ScriptedServer(tiny=plain(500, "All workers are dead", "text/plain")), "All workers are dead"),
]


@pytest.mark.parametrize("make, said", UNUSABLE)
def test_a_server_that_cannot_be_used_is_found_out_at_load(make: Callable[[], ScriptedServer], said: str) -> None:
    with make() as server, pytest.raises(ReasonedError) as caught, loaded(server.url):
        pass

    assert caught.value.reason is Reason.ENGINE_UNAVAILABLE and said in caught.value.detail
    assert server.url.removeprefix("http://") in caught.value.detail


def test_a_server_that_is_not_there_is_named() -> None:
    server = ScriptedServer()
    server.close()
    with pytest.raises(ReasonedError, match=r"127\.0\.0\.1:\d+: Connection refused") as caught, loaded(server.url):
        pass

    assert caught.value.reason is Reason.ENGINE_UNAVAILABLE


def test_a_model_that_is_not_listed_is_never_asked_for() -> None:
    raises = pytest.raises(ReasonedError, match="does not list")
    with ScriptedServer() as server, raises, loaded(server.url, model="another"):
        pass

    assert server.pages == [] and server.tiny_pages == 0


def test_a_key_that_is_refused_while_pages_are_read_stops_the_reading_and_fails_none() -> None:
    with ScriptedServer(always=plain(401, '{"error": "expired"}')) as server, loaded(server.url) as engine:
        server.listing = plain(401, '{"error": "expired"}')
        with pytest.raises(ReasonedError, match="expired") as caught:
            read(engine, 3)

    assert caught.value.reason is Reason.ENGINE_UNAVAILABLE


def test_the_servers_words_never_hold_the_key(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("sk-secret-42\n")
    listing = plain(401, '{"error": {"message": "Incorrect API key provided: sk-secret-42"}}')
    raises = pytest.raises(ReasonedError)
    with ScriptedServer(listing=listing) as server, raises as caught, loaded(server.url, key_file=str(file)):
        pass

    assert "sk-secret-42" not in caught.value.detail and "***" in caught.value.detail
    assert server.asked[0][2]["Authorization"] == "Bearer sk-secret-42"


# -- several servers, and a stop


def test_pages_go_to_the_server_that_is_left() -> None:
    told: list[list[RemoteStatus]] = []
    signals = Signals(servers=told.append)
    with ScriptedServer() as good, ScriptedServer(always=reset()) as bad:  # noqa: SIM117
        with loaded(good.url, bad.url, signals=signals) as engine:
            results = read(engine, 20)

    assert texts(results) == ["Hello world."] * 20
    assert {(server.url, server.state) for server in told[0]} == {(good.url, "up"), (bad.url, "up")}
    assert any(
        server.state == "out" and server.error for servers in told for server in servers if server.url == bad.url
    )


def test_a_replica_with_other_weights_is_not_used() -> None:
    other = ScriptedServer(models=[{**MODEL_OF_ANOTHER}])
    with ScriptedServer() as first, other, loaded(first.url, other.url) as engine:
        read(engine, 6)
        states = {endpoint.url: endpoint.error for endpoint in engine._fleet.endpoints}  # type: ignore[union-attr]

    assert sorted((len(first.pages), len(other.pages))) == [0, 6]
    assert any("another model" in (error or "") for error in states.values())


MODEL_OF_ANOTHER = {"id": "DeepSeek-OCR", "object": "model", "owned_by": "vllm", "root": "somebody/else"}


def named(model: str) -> Answer:
    """Answer under this model's name."""
    said = json.dumps({"model": model, "choices": [{"message": {"content": model}, "finish_reason": "stop"}]})
    return plain(200, said)


def test_an_answer_under_another_name_counts_only_once_the_server_has_been_asked_again() -> None:
    names = [named("a"), named("b"), named("a"), named("b")]
    with ScriptedServer(*names) as server, loaded(server.url, in_flight=1) as engine:
        probes = server.tiny_pages
        assert texts(read(engine, 3)) == ["a", "a", "b"]  # the first b was looked into, and read again

    assert server.tiny_pages == probes + 1


def test_a_server_that_was_started_with_other_weights_is_not_used() -> None:
    with ScriptedServer(named("a"), always=named("b")) as server, loaded(server.url, in_flight=1) as engine:
        assert texts(read(engine)) == ["a"]
        server.listing = plain(200, json.dumps({"data": [MODEL_OF_ANOTHER]}))
        with pytest.raises(ReasonedError, match="another model"):
            read(engine)


def test_a_stop_ends_every_request_at_once_and_the_server_is_told() -> None:
    signals = Signals()
    with ScriptedServer(always=silent(event("Hello"))) as server:
        with loaded(server.url, signals=signals) as engine:
            signals.attempt = lambda page, mode: signals.stop.set() if len(server.pages) >= 3 else None
            with pytest.raises(Stopped):
                read(engine, 5)
        wait_for(lambda: server.hang_ups >= 3, "the server is told")
