"""A server's window and its pauses: halved when it is late or says no, one more a round, full jitter below a bound."""

import pytest

from dropscribe.engines.remote.endpoint import LONGEST_PAUSE, Endpoint
from dropscribe.engines.remote.failures import Blame, Failure, of_status, text_of
from dropscribe.engines.remote.families import ANY
from dropscribe.engines.remote.probe import Server, probe
from dropscribe.engines.remote.transport import Transport
from dropscribe.engines.remote.unloading import request
from dropscribe.engines.remote.work import Refusals, RetryBudget
from support.remote_pages import loaded, read
from support.scripted_http import ScriptedServer, plain

SERVER = Server("vllm", "", "/v1", "m", "id", None, ANY)
FIRST_BYTE = 120.0


@pytest.fixture
def endpoint() -> Endpoint:
    made = Endpoint("http://gpu1:8000", Transport("http://gpu1:8000", None, None), window=16.0)
    made.up(SERVER, 0.0)
    return made


def answered(endpoint: Endpoint, waited: float, times: int = 1) -> float:
    for _ in range(times):
        endpoint.success(waited, FIRST_BYTE, 16, 1.0)
    return endpoint.window


def test_late_answers_halve_the_window_and_those_in_time_bring_it_back_by_one_a_round(endpoint: Endpoint) -> None:
    assert answered(endpoint, 70.0) == 8.0
    assert answered(endpoint, 70.0, 5) == 1.0
    assert answered(endpoint, 1.0) == 2.0
    assert 2.8 < answered(endpoint, 1.0, 2) <= 3.0
    assert answered(endpoint, 1.0, 1000) == 16.0


def test_answers_that_are_neither_change_nothing(endpoint: Endpoint) -> None:
    endpoint.shrink()

    assert answered(endpoint, 45.0, 10) == 8.0


def test_pauses_double_below_a_bound_and_differ(endpoint: Endpoint) -> None:
    pauses = []
    for _ in range(12):
        now = endpoint.until
        endpoint.out("gone", now)
        pauses.append(endpoint.until - now)

    assert all(0.1 * min(60, 2**n) <= pause <= min(60, 2**n) for n, pause in enumerate(pauses))
    assert len({round(pause, 6) for pause in pauses}) == len(pauses) and max(pauses) <= LONGEST_PAUSE


def test_many_requests_that_are_lost_together_make_one_pause(endpoint: Endpoint) -> None:
    endpoint.out("gone", 5.0)
    until = endpoint.until
    for _ in range(15):
        endpoint.out("gone", 5.0)

    assert endpoint.until == until


def test_a_server_is_left_alone_for_as_long_as_it_asks(endpoint: Endpoint) -> None:
    endpoint.rest("busy", 5.0, 30.0)

    assert not endpoint.usable(34.9) and endpoint.usable(35.0) and endpoint.error is None


def test_retry_after_is_obeyed_within_bounds() -> None:
    assert of_status(503, {"Retry-After": "7"}, b"").wait == 7.0
    assert of_status(429, {"Retry-After": "99999"}, b"").wait == 300.0
    assert of_status(503, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, b"").wait is None


def test_a_minute_has_one_budget_of_retries() -> None:
    budget = RetryBudget(2)

    assert [budget.wait(now) for now in (0.0, 1.0, 2.0, 3.0)] == [0.0, 1.0, 60.0, 61.0]
    assert budget.wait(130.0) == 130.0


def test_refusals_count_files_and_not_pages() -> None:
    refusals = Refusals()

    assert [refusals.add(400, document) for document in (1, 1, 2, 2)] == [False] * 4
    assert not refusals.add(413, 3) and refusals.add(400, 3)


@pytest.mark.parametrize(
    "body, said",
    [
        (b'{"error": {"message": "too long", "code": 400}}', "too long"), (b'{"detail": "no"}', "no"),
        (b'{"detail": [{"msg": "a"}, {"msg": "b"}]}', "a; b"), (b'{"error": "x"}', "x"),
        (b"<html><style>a{}</style><h1>502</h1></html>", "502"), (b"", ""), (b'{"a": 1}', '{"a": 1}'),
        (b"plain\n words", "plain words"),
        (b'{"error": "bad data:image/png;base64,' + b"A" * 9000 + b' picture"}', "bad [picture] picture"),
        (b"\x00\x1b[31m" + b"x" * 900, "[31m" + "x" * 296),
    ],
)  # fmt: skip
def test_what_an_error_says_is_short_and_holds_no_picture(body: bytes, said: str) -> None:
    assert text_of(body) == said


def test_statuses_and_whom_they_blame() -> None:
    blames = {status: of_status(status, {}, b"").blame for status in (301, 400, 401, 403, 404, 413, 415, 422, 429, 500)}

    assert blames == {
        301: Blame.BARRED, 400: Blame.REFUSED, 401: Blame.BARRED, 403: Blame.BARRED, 404: Blame.BARRED,
        413: Blame.REFUSED, 415: Blame.REFUSED, 422: Blame.REFUSED, 429: Blame.BUSY, 500: Blame.ERROR,
    }  # fmt: skip
    assert of_status(502, {}, b"").blame is of_status(504, {}, b"").blame is Blame.BUSY
    assert Failure(Blame.LATE, "x").status == 0


# -- what servers tell of themselves


KINDS = [
    ({"id": "a", "owned_by": "vllm", "max_model_len": 8192}, "uvicorn", "vllm"),
    ({"id": "a", "owned_by": "sglang"}, "uvicorn", "sglang"),
    ({"id": "a", "owned_by": "llamacpp"}, "llama.cpp", "llama-server"),
    ({"id": "a:latest", "owned_by": "library", "created": 5}, "", "ollama"),
    ({"id": "a"}, "mlx_vlm/0.7.10", "mlx_vlm.server"),
    ({"id": "a", "owned_by": "organization_owner"}, "", "openai"),
]


@pytest.mark.parametrize("model, header, kind", KINDS)
def test_the_kind_of_server(model: dict[str, object], header: str, kind: str) -> None:
    with ScriptedServer(models=[model], header=header) as server:
        found = probe(Transport(server.url, None, None), "a")

    assert (found.kind, found.model, found.longest) == (kind, model["id"], model.get("max_model_len"))


def test_weights_are_told_apart_by_what_lasts() -> None:
    def identity(**model: object) -> str:
        with ScriptedServer(models=[{"id": "a", **model}]) as server:
            return probe(Transport(server.url, None, None), None).identity

    assert identity(root="x") != identity(root="y")
    assert identity(owned_by="vllm", created=1) == identity(owned_by="vllm", created=2)
    assert identity(owned_by="library", created=1) != identity(owned_by="library", created=2)
    meta = {"size": 1, "n_params": 2}
    assert identity(meta=meta | {"n_ctx": 1}) == identity(meta=meta | {"n_ctx": 2})
    assert identity(meta=meta) != identity(meta=meta | {"size": 9})


def test_the_api_may_lie_below_the_base_url_itself() -> None:
    with ScriptedServer() as server:
        listing = server.listing
        server.listing = lambda handler, body: (listing if handler.path == "/models" else plain(404, ""))(handler, body)
        with loaded(server.url) as engine:
            read(engine)

    assert {path for method, path, _ in server.asked if method == "POST"} == {"/chat/completions"}


def test_a_server_is_asked_to_unload_only_when_the_settings_say_so() -> None:
    with ScriptedServer(header="mlx_vlm/0.7.10", models=[{"id": "a"}]) as server:
        for unload in (False, True):
            with loaded(server.url, unload=unload):
                pass
            assert [path for _, path, _ in server.asked if path == "/unload"] == ["/unload"] * unload

    assert request("ollama", "m") == ("/api/generate", {"model": "m", "keep_alive": 0})
    assert request("vllm", "m") is None
