"""Every message arrives as it was sent, a wrong one is noticed, and the status keeps its promised keys."""

import os
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from dropscribe import __version__
from dropscribe.control.client import exchange
from dropscribe.core import protocol as p
from dropscribe.core import status as s
from dropscribe.core.errors import Reason
from dropscribe.core.framing import HEADER, BrokenStream, Inbound, pack
from dropscribe.core.job import Order, Outcome
from dropscribe.core.pages import EngineInfo
from support.harness import Daemon

NAME = b"/in/\xff\n\xc3.png"  # no UTF-8
MLX = s.MlxMemory(1, 2, 2**40)
ORDER = Order(-7, 3, "ä\\n.png", NAME, b"\xff stem", b"/state/\xfe", ("txt", "alto.xml"))
OUTCOME = Outcome(5, 2**40, "file", Reason.DAMAGED, "dö\0", (".txt", ".md"), 4, 1.5, True, True)
SERVER = s.RemoteStatus(url="http://a:1", host="a:1", state="out", error="gone")
TO_WORKER: tuple[p.ToWorker, ...] = (
    p.Load("rapidocr", {"model": "x", "none": None, "list": [1, 2.5, True, {"deep": "ä"}]}, b"/state\xff"),
    p.Configure({"page_timeout": 60.0}),
    p.Read(ORDER), p.Drop(5, 2), p.Drain(), p.Stop(), p.Trim(), p.Unload(),
)  # fmt: skip
TO_DAEMON: tuple[p.ToDaemon, ...] = (
    p.Hello("0.0.1"), p.Hello(), p.Loading("weights", 5, 2**40), p.Loading("warm-up"), p.Estimate(2**40),
    p.Ready(EngineInfo("e", "m", None, "1"), 16, MLX), p.Ready(EngineInfo("e", "m", "rev", "1")),
    p.Unable(Reason.MODEL_MISSING, "no such model"), p.Opened(-1, 2, 300), p.Attempt(5, 2, "free"),
    p.Tokens(5, 2, 4000), p.PageDone(5, 2, False, MLX), p.PageDone(5, 2), p.Ended(OUTCOME, MLX),
    p.Ended(Outcome(5, 2, "read")), p.Servers([SERVER]), p.Warned("careful"),
    p.Trimmed(MLX), p.Released(MLX, MLX), p.Released(),
)  # fmt: skip
REQUESTS: tuple[p.ControlRequest, ...] = (
    p.StatusRequest(), p.PauseRequest(), p.ResumeRequest(), p.UnloadRequest(), p.RetryRequest(),
    p.RetryRequest(["\udcff.png", "ä"]), p.ReadRequest("/in/\udcff.png", ("md", "pdf")), p.FolderRequest(),
    p.HistoryRequest(),
)  # fmt: skip

# Section "status --json" of the contract.
ACTIVE = "id name recipe page pages seconds tokens"
STATUS: dict[str, str] = {
    "daemon": "running pid version started config config_error restart_needed agent watch inbox_online engine"
    " engine_reason",
    "model": "state name pid loaded_at load footprint_bytes mlx pages_read idle_seconds unload_in_seconds"
    " blocked_reason last_unload",
    "memory": "pressure available_bytes percent",
    "queue": "settling queued running written rejected done failed gone left_alone paused paused_reason",
    "current": ACTIVE, "active": ACTIVE,
    "recent": "id name recipe state reason seconds review original outputs ended",
    "remote": "url host kind model in_flight waiting_seconds state error",
    "intake": "name recipe waiting_for",
    "left_alone": "name recipe what",
    "recipes": "name inbox inbox_online watch paused_reason",
    "hooks": "waiting last failing",
}  # fmt: skip
MODEL = {
    "load": "step done_bytes total_bytes",
    "mlx": "active cache peak",
    "last_unload": "at reason footprint_bytes released_bytes residue_bytes available_gain_bytes seconds how",
}


@pytest.mark.parametrize(
    ("kind", "messages"), [(p.ToWorker, TO_WORKER), (p.ToDaemon, TO_DAEMON)], ids=["to the worker", "to the daemon"]
)
def test_every_message_arrives_as_it_was_sent(kind: Any, messages: tuple[msgspec.Struct, ...]) -> None:
    assert {type(message) for message in messages} == set(get_args(kind)), "every one is tried"

    got = list(Inbound[Any](kind).feed(b"".join(pack(message) for message in messages)))

    assert got == list(messages)
    assert [type(message) for message in got] == [type(message) for message in messages]


def test_what_arrives_has_the_types_that_were_sent() -> None:
    (ended,) = Inbound[p.Ended](p.ToDaemon).feed(pack(p.Ended(OUTCOME)))
    (read,) = Inbound[p.Read](p.ToWorker).feed(pack(p.Read(ORDER)))

    assert ended.outcome.reason is Reason.DAMAGED and isinstance(ended.outcome.staged, tuple)
    assert isinstance(read.order.formats, tuple) and read.order.urgent


def test_undecodable_names_travel_as_bytes() -> None:
    (read,) = Inbound[p.Read](p.ToWorker).feed(pack(p.Read(ORDER)))

    assert (read.order.path, read.order.stem, read.order.staging) == (NAME, b"\xff stem", b"/state/\xfe")
    assert NAME in pack(p.Read(ORDER)), "not escaped on the way"


@pytest.mark.parametrize("message", TO_DAEMON, ids=lambda message: type(message).__name__)
def test_a_message_for_the_daemon_breaks_the_stream_of_a_worker(message: p.ToDaemon) -> None:
    with pytest.raises(BrokenStream):
        list(Inbound[p.ToWorker](p.ToWorker).feed(pack(message)))


@pytest.mark.parametrize("message", TO_WORKER, ids=lambda message: type(message).__name__)
def test_a_message_for_a_worker_breaks_the_stream_of_the_daemon(message: p.ToWorker) -> None:
    with pytest.raises(BrokenStream):
        list(Inbound[p.ToDaemon](p.ToDaemon).feed(pack(message)))


@pytest.mark.parametrize(
    "values",
    [
        {"type": "Newer"},
        {"type": "Tokens", "job": 1, "page": 2},
        {"type": "Tokens", "job": 1, "page": 2, "count": "many"},
        {"type": "Unable", "reason": "bad-weather", "detail": ""},
        {"type": "Ended", "outcome": {"job": 1}},
    ],
)
def test_a_message_of_wrong_values_breaks_the_stream(values: dict[str, Any]) -> None:
    body = msgspec.msgpack.encode(values)

    with pytest.raises(BrokenStream):
        list(Inbound[p.ToDaemon](p.ToDaemon).feed(HEADER.pack(len(body)) + body))


def test_a_worker_says_which_version_it_is() -> None:
    (hello,) = Inbound[p.Hello](p.ToDaemon).feed(pack(p.Hello()))

    assert hello.version == __version__


def test_every_control_request_is_told_by_its_command() -> None:
    assert {type(request) for request in REQUESTS} == set(get_args(p.ControlRequest))
    plain = [msgspec.to_builtins(request) for request in REQUESTS]

    assert [msgspec.convert(values, p.ControlRequest) for values in plain] == list(REQUESTS)
    commands = {values["command"] for values in plain}
    assert commands == {"status", "pause", "resume", "unload", "retry", "read", "agent-probe", "history"}


def test_every_answer_says_whether_it_worked_and_a_refusal_what_to_try() -> None:
    answer = p.RetryAnswer(moved=["a"])
    assert {"ok", "error", "remedy", "reason"} <= msgspec.to_builtins(answer).keys() and answer.ok

    answer.fail("the disk is full", "free some space")

    assert (answer.ok, answer.error, answer.remedy) == (False, "the disk is full", "free some space")


def full_status() -> s.Status:
    """Return a status in which every part is there."""
    active = s.ActiveStatus(id=1, name="a.png")
    return s.Status(
        model=s.ModelStatus(load=s.LoadStatus(step="weights"), mlx=MLX, last_unload=s.UnloadStatus()),
        current=active, active=[active], recent=[s.RecentStatus(id=1, name="a.png")],
        left_alone=[s.LeftAloneStatus(name="link.png", what="a link")],
        intake=[s.WaitingStatus(name="a.png", waiting_for="writer")], remote=[SERVER],
        recipes=[s.RecipeStatus(name="scans", inbox="/scans", inbox_online=True, watch="poll")],
    )  # fmt: skip


def keys(value: Any) -> set[str]:
    """Return the keys of a part of the status, or of the first of a list of them."""
    if isinstance(value, list):
        value = value[0] if value else {}
    return set(value)


def test_the_status_has_every_promised_key() -> None:
    told = msgspec.to_builtins(full_status())

    assert set(told) == set(STATUS)
    for part, wanted in STATUS.items():
        assert set(wanted.split()) <= keys(told[part]), part
    for part, wanted in MODEL.items():
        assert set(wanted.split()) == keys(told["model"][part]), part


def test_what_is_unknown_is_null_and_never_left_out() -> None:
    empty, told = msgspec.to_builtins(s.Status()), msgspec.to_builtins(full_status())

    assert set(empty) == set(STATUS) and empty["current"] is None
    assert all(empty[part] == [] for part in ("active", "recent", "remote", "intake", "left_alone", "recipes"))
    assert all(set(empty[part]) == set(told[part]) for part in ("daemon", "model", "memory", "queue"))
    assert all(empty["model"][part] is None for part in MODEL)
    assert (empty["daemon"]["running"], empty["daemon"]["pid"], empty["queue"]["done"]) == (False, None, None)


def test_a_daemon_tells_every_promised_key_and_answers_what_it_does_not_know(tmp_path: Path) -> None:
    with Daemon(tmp_path).start() as daemon:
        for asked in ({"command": "dance"}, {}, {"command": "retry", "names": 5}, {"command": os.fsdecode(b"\xff")}):
            told = exchange(str(daemon.state), asked)
            assert told["ok"] is False and told["error"], asked

        status = exchange(str(daemon.state), {"command": "status"})["status"]

    assert set(status) == set(STATUS)
    assert all(set(STATUS[part].split()) <= set(status[part]) for part in ("daemon", "model", "memory", "queue"))
