"""The control socket answers every client that asks, survives every client that does not, and is the owner's alone."""

import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from dropscribe.control import place
from dropscribe.control.client import NotRunning, ask, exchange
from dropscribe.control.server import MOST_CLIENTS
from dropscribe.core.protocol import Answer, ReadRequest, RetryRequest, StatusAnswer, StatusRequest
from support.control_loop import DEADLINE, Daemon, Echo, address, hung_up, line, lines, retry


class OtherAnswer(Answer, kw_only=True):
    """What a daemon of another version might say of its status."""

    status: str


@pytest.fixture
def state() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:  # shorter than tmp_path: a socket's path is bounded
        yield folder


@pytest.fixture
def daemon(state: str) -> Iterator[Daemon]:
    made = Daemon(state)
    yield made
    made.close()


@pytest.fixture
def client(daemon: Daemon) -> Iterator[Callable[[], socket.socket]]:
    """Connect to the daemon; what is left open is closed at the end."""
    made: list[socket.socket] = []

    def connect() -> socket.socket:
        one = socket.socket(socket.AF_UNIX)
        one.settimeout(DEADLINE)
        made.append(one)
        one.connect(address(daemon.state))
        return one

    yield connect
    for one in made:
        one.close()


# -- asking


def test_a_question_gets_its_answer(daemon: Daemon) -> None:
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ask, daemon.state, RetryRequest(names=["ä\udcff\n"]), Echo)
        daemon.until(answer.done)

    assert answer.result() == Echo(asked={"command": "retry", "names": ["ä\udcff\n"]})
    daemon.until(lambda: daemon.clients() == 0)


def test_many_at_once_are_all_answered(daemon: Daemon) -> None:
    with ThreadPoolExecutor(12) as pool:
        answers = [pool.submit(ask, daemon.state, RetryRequest(names=[str(n)]), Echo, DEADLINE) for n in range(12)]
        daemon.until(lambda: all(answer.done() for answer in answers))

    assert [answer.result().asked for answer in answers] == [retry(n) for n in range(12)]


def test_as_many_as_are_let_in_may_wait_at_the_door_of_a_busy_daemon(daemon: Daemon) -> None:
    waiting = [socket.socket(socket.AF_UNIX) for _ in range(MOST_CLIENTS)]
    for one in waiting:
        one.setblocking(False)
    refused = [one.connect_ex(address(daemon.state)) for one in waiting]
    for one in waiting:
        one.close()

    assert refused == [0] * MOST_CLIENTS


def test_an_answer_may_come_later_and_be_long(daemon: Daemon) -> None:
    daemon.answering = False
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ask, daemon.state, ReadRequest("/scan.png"), Echo, timeout=None)
        daemon.until(lambda: daemon.asked)
        daemon.turn()
        daemon.asked[0].reply(Echo(text="x" * 3_000_000))
        daemon.until(answer.done)

    assert len(answer.result().text) == 3_000_000


def test_one_connection_may_ask_again_and_again(daemon: Daemon, client: Callable[[], socket.socket]) -> None:
    one = client()
    one.sendall(line(1) + line(2) + line(3)[:12])
    assert [answer["asked"] for answer in lines(one, daemon, 2)] == [retry(1), retry(2)]

    one.sendall(line(3)[12:])
    assert [answer["asked"] for answer in lines(one, daemon, 1)] == [retry(3)]


@pytest.mark.parametrize(
    "asked",
    [{}, {"n": 1}, {"command": None}, {"command": "dance"}, {"command": "\udcff"}, {"command": "status", "\udcff": 1},
     {"command": "retry", "names": 5}, {"command": "retry", "names": [5]}, {"command": "read"}],
)  # fmt: skip
def test_what_cannot_be_understood_is_answered_and_so_is_the_next(daemon: Daemon, asked: dict[str, object]) -> None:
    with ThreadPoolExecutor(1) as pool:
        for question in (asked, retry(1)):
            answer = pool.submit(exchange, daemon.state, question)
            daemon.until(answer.done)
            told = answer.result()
            assert told["ok"] is (question == retry(1)) and bool(told["error"]) is not told["ok"]


def test_an_answer_of_another_version_is_told_and_not_guessed(daemon: Daemon) -> None:
    daemon.answering = False
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(exchange, daemon.state, {"command": "status"})
        daemon.until(lambda: daemon.asked)
        daemon.asked[0].reply(Echo(asked={"kept": 1}))
        daemon.until(answer.done)
        assert answer.result()["asked"] == {"kept": 1}, "what is more than one knows is no fault"

        typed = pool.submit(ask, daemon.state, StatusRequest(), StatusAnswer)
        daemon.until(lambda: len(daemon.asked) == 2)
        daemon.asked[1].reply(OtherAnswer(status="fine"))
        with pytest.raises(NotRunning, match="does not understand") as caught:
            daemon.until(typed.done)
            typed.result()

    assert caught.value.remedy


def test_nobody_to_ask_is_told_with_a_remedy(state: str) -> None:
    with pytest.raises(NotRunning) as caught:
        ask(state, StatusRequest(), StatusAnswer)

    assert state in caught.value.what and caught.value.remedy


def test_a_killed_daemon_is_not_running_and_its_socket_is_taken_over(state: str) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(place.candidates(state)[0])
    with pytest.raises(NotRunning):
        ask(state, StatusRequest(), StatusAnswer)

    daemon = Daemon(state)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ask, state, StatusRequest(), Echo)
        daemon.until(answer.done)
    daemon.close()

    assert answer.result() == Echo(asked={"command": "status"})


def test_a_daemon_that_hangs_up_is_told(daemon: Daemon) -> None:
    daemon.answering = False
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ask, daemon.state, StatusRequest(), Echo)
        daemon.until(lambda: daemon.asked)
        daemon.control.close()

        with pytest.raises(NotRunning):
            answer.result(DEADLINE)


def test_a_silent_daemon_is_waited_for_only_so_long(daemon: Daemon) -> None:
    with pytest.raises(NotRunning):
        ask(daemon.state, StatusRequest(), StatusAnswer, timeout=0.05)


def test_closing_twice_leaves_no_socket_behind(daemon: Daemon, client: Callable[[], socket.socket]) -> None:
    one = client()
    daemon.until(lambda: daemon.clients() == 1)

    daemon.control.close()
    daemon.control.close()

    assert not os.path.exists(place.candidates(daemon.state)[0])
    assert hung_up(one, daemon)
