"""A daemon's loop around the control socket, turned by hand, and what its clients hear."""

import json
import os
import selectors
import socket
import time
from collections.abc import Callable
from typing import Any

import msgspec

from dropscribe.control import place
from dropscribe.control.server import Control, Request
from dropscribe.core.protocol import Answer

DEADLINE = 20.0


class Echo(Answer, kw_only=True):
    """Says what was asked, as plain values, and as much text as the test wants."""

    asked: dict[str, Any] | None = None
    text: str = ""


def address(state: str) -> str:
    """Return where the daemon on *state* listens: the first place that is taken."""
    return next(path for path in place.candidates(state) if os.path.lexists(path))


def echo(request: Request) -> Echo:
    """Return the answer that repeats what *request* asks, or says why it cannot be understood."""
    if request.asked is None:
        return Echo(ok=False, error=request.fault)
    return Echo(asked=msgspec.to_builtins(request.asked))


class Daemon:
    """A loop around a `Control`, turned by hand; echoes what it is asked, or keeps the request for later."""

    def __init__(self, state: str) -> None:
        self.state = state
        self.selector = selectors.DefaultSelector()
        self.control = Control(state, self.selector)
        self.answering = True
        self.asked: list[Request] = []

    def turn(self, timeout: float = 0.05) -> None:
        for key, _ in self.selector.select(timeout):
            if key.data is self.control:
                self.control.accept()
                continue
            for request in self.control.serve(key.data):
                self.asked.append(request)
                if self.answering:
                    request.reply(echo(request))
        self.control.sweep()

    def until(self, true: Callable[[], object]) -> None:
        end = time.monotonic() + DEADLINE
        while not true():
            assert time.monotonic() < end
            self.turn()

    def clients(self) -> int:
        return len(self.selector.get_map()) - 1

    def close(self) -> None:
        self.control.close()
        self.selector.close()


def lines(sock: socket.socket, daemon: Daemon, count: int) -> list[dict[str, Any]]:
    """Turn the loop until *count* answers have come; return them as they are on the wire."""
    sock.setblocking(False)
    data = bytearray()

    def enough() -> bool:
        try:
            data.extend(sock.recv(2**16))
        except BlockingIOError:
            pass
        return data.count(b"\n") >= count

    daemon.until(enough)
    return [json.loads(line) for line in data.splitlines()]


def retry(number: int) -> dict[str, Any]:
    """Return a question that can be told from others by its *number*."""
    return {"command": "retry", "names": [str(number)]}


def line(number: int) -> bytes:
    """Return that question as it is on the wire."""
    return json.dumps(retry(number)).encode() + b"\n"


def hung_up(sock: socket.socket, daemon: Daemon) -> bool:
    sock.setblocking(False)
    try:
        return sock.recv(10) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
