"""The control socket in the state folder, as the daemon serves it: requests in, replies out.

It carries requests and replies; the service handles them.
"""

import json
import os
import selectors
import socket
import stat

import msgspec

from dropscribe.control.client import socket_path
from dropscribe.core.errors import UsageError
from dropscribe.core.protocol import Answer, ControlRequest

LONGEST_LINE = 10**6
MOST_CLIENTS = 64


class Request:
    """One question of a client; `reply` answers it, now or later."""

    def __init__(self, client: "Client", asked: ControlRequest | None, fault: str = "") -> None:
        """Keep what was *asked*; None where it cannot be understood, with the *fault*."""
        self.client, self.asked, self.fault = client, asked, fault

    def reply(self, answer: Answer) -> None:
        """Answer; a client that has left is no error."""
        self.client.unsent += json.dumps(msgspec.to_builtins(answer)).encode() + b"\n"
        self.client.flush()


class Client:
    """A connection."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.unsent = bytearray()
        self.open = True
        self._buffer = bytearray()

    def fileno(self) -> int:
        """Return what to select on."""
        return self.connection.fileno()

    def flush(self) -> None:
        """Send what the socket takes."""
        try:
            while self.unsent:
                del self.unsent[: self.connection.send(self.unsent)]
        except BlockingIOError:
            pass
        except OSError:
            self.close()

    def hear(self) -> list[Request]:
        """Return the requests that have come."""
        try:
            data = self.connection.recv(65536)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        if not data or len(self._buffer) > LONGEST_LINE:
            self.close()
            return []
        self._buffer += data
        *lines, rest = bytes(self._buffer).split(b"\n")
        self._buffer = bytearray(rest)
        return [request for line in lines if (request := self._request(line)) is not None]

    def close(self) -> None:
        """Hang up; may be called twice."""
        self.open = False
        self.connection.close()

    def _request(self, line: bytes) -> Request | None:
        """Return the request on a line; None for what is no request at all."""
        try:
            values = json.loads(line)
        except (ValueError, RecursionError):
            return None
        if not isinstance(values, dict):
            return None
        try:
            return Request(self, msgspec.convert(values, ControlRequest))
        except (msgspec.ValidationError, UnicodeEncodeError) as error:  # the latter: lone surrogates in a key
            return Request(self, None, f"unknown request {values.get('command')!r:.40} ({error})")


class Control:
    """The listening socket and its clients, registered with the loop's *selector*."""

    def __init__(self, state: str, selector: selectors.BaseSelector) -> None:
        self._path = socket_path(state)
        _own_folder(os.path.dirname(self._path))
        if os.path.lexists(self._path):
            os.unlink(self._path)  # left by a killed daemon: the state lock is ours
        self._listener = socket.socket(socket.AF_UNIX)
        old = os.umask(0o177)
        try:
            self._listener.bind(self._path)
        finally:
            os.umask(old)
        self._listener.listen(MOST_CLIENTS)
        self._listener.setblocking(False)
        self._selector = selector
        self._clients: list[Client] = []
        selector.register(self._listener, selectors.EVENT_READ, self)

    def accept(self) -> None:
        """Accept a client; beyond `MOST_CLIENTS` they are refused."""
        self.sweep()  # a number that a client has given up may come again at once
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return  # it has disconnected, or no file handles are left; the next one is tried again
        connection.setblocking(False)
        if len(self._clients) >= MOST_CLIENTS:
            connection.close()
            return
        client = Client(connection)
        self._clients.append(client)
        self._selector.register(client, selectors.EVENT_READ, client)

    def serve(self, client: Client) -> list[Request]:
        """Return what *client* asks; forget it when it has left."""
        client.flush()
        requests = client.hear() if client.open else []
        self.sweep()
        return requests

    def sweep(self) -> None:
        """Forget clients that have left; wait for room in the sockets of slow ones."""
        for client in list(self._clients):
            if not client.open:
                self._clients.remove(client)
                for key in [k for k in self._selector.get_map().values() if k.data is client]:
                    self._selector.unregister(key.fileobj)
            else:
                events = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.unsent else 0)
                self._selector.modify(client, events, client)

    def close(self) -> None:
        """Stop listening and remove the socket; may be called twice."""
        for client in self._clients:
            client.flush()
            client.close()
        self._listener.close()
        if os.path.lexists(self._path):
            os.unlink(self._path)


def _own_folder(folder: str) -> None:
    """Create *folder* for the owner only, and refuse one that belongs to another user."""
    os.makedirs(folder, mode=0o700, exist_ok=True)
    found = os.lstat(folder)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise UsageError("control", f"{folder} belongs to another user", "remove it, or choose a shorter folders.state")
