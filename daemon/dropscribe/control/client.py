"""Asking a running daemon over its control socket: one line of JSON asks, one line answers. Owner-only; no network."""

import json
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

import msgspec

from dropscribe.control import lock, place
from dropscribe.core.errors import DropscribeError
from dropscribe.core.protocol import Answer, ControlRequest
from dropscribe.files import native

A = TypeVar("A", bound=Answer)

BUSY = 5.0  # seconds for which a daemon with too many clients is asked again


class NotRunning(DropscribeError):
    """There is no daemon to ask."""


def _connected(state: str, timeout: float | None) -> socket.socket:
    """Connect to the daemon on *state*; one that is busy with many others is asked again for a while."""
    deadline = time.monotonic() + min(timeout or BUSY, BUSY)
    while True:
        try:
            return _connected_once(state, timeout)
        except OSError as error:
            if time.monotonic() > deadline or not _is_busy(error, state):
                raise
            time.sleep(0.02)


def _connected_once(state: str, timeout: float | None) -> socket.socket:
    """Return a connection at the first place where the daemon of the state's owner listens."""
    fault: OSError = FileNotFoundError("there is no socket")
    for path in place.candidates(state):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(timeout)
        try:
            connection.connect(path)
            _require_owner(connection, path, place.owner(state))
            return connection
        except OSError as error:
            connection.close()
            fault = fault if isinstance(error, FileNotFoundError) else error
            if _is_busy(error, state):
                break
    raise fault


def _require_owner(connection: socket.socket, path: str, owner: int) -> None:
    """Refuse who listens in the daemon's place and is another user: names and texts would go there."""
    if (listener := native.peer_owner(connection)) not in (owner, 0):
        raise PermissionError(f"{path} is served by user {listener} and not by {owner}")


def _is_busy(error: OSError, state: str) -> bool:
    """Say whether a connection was refused for want of room: EAGAIN on Linux.

    macOS says ECONNREFUSED, as it does where nobody listens (uipc_usrreq.c); whoever lives holds the lock.
    """
    if sys.platform == "darwin":
        return isinstance(error, ConnectionRefusedError) and lock.holder(state) is not None
    return isinstance(error, BlockingIOError)


def ask(state: str, request: ControlRequest, kind: type[A], timeout: float | None = 10.0) -> A:
    """Ask the daemon on *state* and return its answer as *kind*; raise `NotRunning` when there is none."""
    with asking(state, request, kind, timeout) as answer:
        return answer


@contextmanager
def asking(state: str, request: ControlRequest, kind: type[A], timeout: float | None = 10.0) -> Iterator[A]:
    """Ask, and stay connected until the block is left: files that an answer names are there for so long."""
    with _exchanging(state, msgspec.to_builtins(request), timeout) as values:
        try:
            answer = msgspec.convert(values, kind)
        except msgspec.ValidationError as error:
            what = f"answers what this program does not understand ({error})"
            raise NotRunning("daemon", what, "restart it: it may be of another version") from None
        yield answer


def exchange(state: str, values: dict[str, Any], timeout: float | None = 10.0) -> dict[str, Any]:
    """Send plain *values* to the daemon on *state* and return its answer; raise `NotRunning` when there is none."""
    with _exchanging(state, values, timeout) as answer:
        return answer


@contextmanager
def _exchanging(state: str, values: dict[str, Any], timeout: float | None) -> Iterator[dict[str, Any]]:
    with ExitStack() as stack:
        try:
            connection = stack.enter_context(_connected(state, timeout))
            connection.sendall(json.dumps(values).encode() + b"\n")
            line = stack.enter_context(connection.makefile("rb")).readline()
        except OSError as error:
            remedy = "start it with: dropscribe run"
            raise NotRunning("daemon", f"does not answer in {state} ({error})", remedy) from None
        if not line:
            raise NotRunning("daemon", "hung up without an answer", "look at: dropscribe logs")
        answer: dict[str, Any] = json.loads(line)
        yield answer
