"""No client can stop the daemon or hold up another, however it behaves."""

import json
import os
import socket
import tempfile
from collections.abc import Callable, Iterator

import pytest

from dropscribe.control.server import LONGEST_LINE, MOST_CLIENTS
from support.control_loop import DEADLINE, Daemon, Echo, address, hung_up, line, lines, retry


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


@pytest.mark.parametrize("garbage", [b"", b"nonsense", b"[1]", b"5", b"\xff\xfe\0", b'{"half":', b"null"])
def test_garbage_is_passed_over_and_the_next_question_answered(
    daemon: Daemon, client: Callable[[], socket.socket], garbage: bytes
) -> None:
    one = client()
    one.sendall(garbage + b"\n" + line(1))

    assert [answer["asked"] for answer in lines(one, daemon, 1)] == [retry(1)]


def test_garbage_that_is_nested_deeply_is_passed_over(daemon: Daemon, client: Callable[[], socket.socket]) -> None:
    one = client()
    one.sendall(b"[" * 50_000 + b"\n" + line(1))

    assert [answer["asked"] for answer in lines(one, daemon, 1)] == [retry(1)]


def test_a_line_without_end_is_hung_up_on(daemon: Daemon, client: Callable[[], socket.socket]) -> None:
    one = client()
    one.setblocking(False)
    sent = 0

    def flooded() -> bool:
        nonlocal sent
        try:
            sent += one.send(b"x" * 65536)
        except BlockingIOError:
            pass
        except ConnectionError:
            return True
        return False

    daemon.until(flooded)
    daemon.until(lambda: daemon.clients() == 0)
    assert sent < LONGEST_LINE + 2**20


def test_a_client_that_leaves_is_forgotten(daemon: Daemon, client: Callable[[], socket.socket]) -> None:
    for rest in (b"", b'{"half"', line(1)):
        one = client()
        one.sendall(rest)
        daemon.until(lambda: daemon.clients() == 1)
        one.close()
        daemon.until(lambda: daemon.clients() == 0)


def test_an_answer_to_one_that_has_left_is_no_fault(daemon: Daemon, client: Callable[[], socket.socket]) -> None:
    daemon.answering = False
    one = client()
    one.sendall(line(1))
    daemon.until(lambda: daemon.asked)
    one.close()

    daemon.asked[0].reply(Echo(text="late"))
    daemon.until(lambda: daemon.clients() == 0)
    daemon.asked[0].reply(Echo(text="later"))


def test_a_client_may_come_in_right_after_one_was_found_gone(
    daemon: Daemon, client: Callable[[], socket.socket]
) -> None:
    daemon.answering = False
    one = client()
    one.sendall(line(1))
    daemon.until(lambda: daemon.asked)
    other = client()
    one.close()
    free = daemon.asked[0].client.fileno()

    daemon.asked[0].reply(Echo(text="late"))
    lower = []  # so that the next file number to be given is the one that was just given back
    while (number := os.dup(0)) < free:
        lower.append(number)
    os.close(number)
    daemon.control.accept()  # in the same turn
    for number in lower:
        os.close(number)

    daemon.answering = True
    other.sendall(line(2))
    assert [answer["asked"] for answer in lines(other, daemon, 1)] == [retry(2)]


def test_nobody_at_the_door_is_no_fault(daemon: Daemon) -> None:
    daemon.control.accept()


def test_one_that_does_not_read_its_answers_holds_nobody_up(
    daemon: Daemon, client: Callable[[], socket.socket]
) -> None:
    closed, other = client(), client()
    closed.sendall(json.dumps({"text": "x" * 900_000}).encode()[:60_000] + b"\n" + line(1) * 2000)
    daemon.until(lambda: len(daemon.asked) >= 1000)
    for request in daemon.asked[:50]:
        request.reply(Echo(text="x" * 100_000))

    other.sendall(line(2))

    assert [answer["asked"] for answer in lines(other, daemon, 1)] == [retry(2)]


def test_too_many_are_turned_away_and_places_become_free(daemon: Daemon, client: Callable[[], socket.socket]) -> None:
    inside = []
    for number in range(MOST_CLIENTS):
        inside.append(client())
        daemon.until(lambda n=number: daemon.clients() == n + 1)  # type: ignore[misc]
    outside = client()
    daemon.until(lambda: hung_up(outside, daemon))
    assert daemon.clients() == MOST_CLIENTS

    inside.pop().close()
    daemon.until(lambda: daemon.clients() == MOST_CLIENTS - 1)
    late = client()
    late.sendall(line(1))
    assert [answer["asked"] for answer in lines(late, daemon, 1)] == [retry(1)]
