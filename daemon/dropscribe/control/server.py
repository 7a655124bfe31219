"""The control socket, as the daemon serves it to its own user: requests in, replies out.

It carries requests and replies; the service handles them.
"""

import errno
import json
import os
import selectors
import socket
import stat
import time

import msgspec

from dropscribe.control import place
from dropscribe.core.errors import UsageError
from dropscribe.core.protocol import Answer, ControlRequest
from dropscribe.files import native
from dropscribe.log import LOG

LONGEST_LINE = 10**6
MOST_CLIENTS = 64
REST = 1.0  # seconds without new clients while there are no file handles for them


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
        self._state, self._selector = state, selector
        self._clients: list[Client] = []
        self._rest_until: float | None = None  # monotonic
        self._listen()

    def _listen(self) -> None:
        """Listen at the first place that takes a socket; raise the first fault where none does."""
        faults: list[Exception] = []
        for path in place.candidates(self._state):
            try:
                self._listener, self._path = _listener(path), path
            except (OSError, UsageError) as error:
                faults.append(error)
                continue
            self._file = _identity(path)
            self._selector.register(self._listener, selectors.EVENT_READ, self)
            return
        raise faults[0]

    def accept(self) -> None:
        """Accept a client of our own user or of root; beyond `MOST_CLIENTS` they are refused."""
        self.sweep()  # a number that a client has given up may come again at once
        try:
            connection, _ = self._listener.accept()
        except OSError as error:
            self._rest(error)
            return
        connection.setblocking(False)
        if len(self._clients) >= MOST_CLIENTS or not _is_welcome(connection):
            connection.close()
            return
        client = Client(connection)
        self._clients.append(client)
        self._selector.register(client, selectors.EVENT_READ, client)

    def _rest(self, error: OSError) -> None:
        """Look away for a while where file handles are used up: the loop would turn without end."""
        if error.errno in (errno.EMFILE, errno.ENFILE):
            self._selector.unregister(self._listener)
            self._rest_until = time.monotonic() + REST

    def serve(self, client: Client) -> list[Request]:
        """Return what *client* asks; forget it when it has left."""
        client.flush()
        requests = client.hear() if client.open else []
        self.sweep()
        return requests

    def sweep(self) -> None:
        """Forget clients that have left; wait for room in the sockets of slow ones; see to a socket that was taken."""
        self._look_after_listener()
        for client in list(self._clients):
            if not client.open:
                self._clients.remove(client)
                for key in [k for k in self._selector.get_map().values() if k.data is client]:
                    self._selector.unregister(key.fileobj)
            else:
                events = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.unsent else 0)
                self._selector.modify(client, events, client)

    def _look_after_listener(self) -> None:
        """Listen again after a rest, and on a new socket where a cleaner of temporary files has removed it."""
        if self._rest_until is not None:
            if time.monotonic() < self._rest_until:
                return
            self._selector.register(self._listener, selectors.EVENT_READ, self)
            self._rest_until = None
        if _identity(self._path) == self._file:
            return
        former, path = self._listener, self._path
        try:
            self._listener, self._file = _listener(path), _identity(path)
        except (OSError, UsageError):
            return  # tried again with the next sweep
        self._selector.unregister(former)
        former.close()
        self._selector.register(self._listener, selectors.EVENT_READ, self)
        LOG.warning("the control socket %s was gone and is created again", path)

    def close(self) -> None:
        """Stop listening and remove the socket; may be called twice."""
        for client in self._clients:
            client.flush()
            client.close()
        self._listener.close()
        if _identity(self._path) == self._file and self._file is not None:
            os.unlink(self._path)
            self._file = None


def _listener(path: str) -> socket.socket:
    """Return a socket that listens at *path* and that only its owner may open; what lies there is replaced."""
    _own_folder(os.path.dirname(path))
    if os.path.lexists(path):
        os.unlink(path)  # left by a killed daemon: the state lock is ours
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(path)
        os.chmod(path, 0o600)  # nobody can connect before the next line; the mask of the process is of all threads
        listener.listen(MOST_CLIENTS)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def _identity(path: str) -> tuple[int, int] | None:
    """Return what tells one file at *path* from another; None where there is none."""
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _is_welcome(connection: socket.socket) -> bool:
    """Say whether a client is our own user, or root, who may do anything anyway."""
    try:
        return native.peer_owner(connection) in (os.getuid(), 0)
    except OSError:
        return False  # it has left


def _own_folder(folder: str) -> None:
    """Create *folder* for the owner only, and refuse one that belongs to another user."""
    os.makedirs(folder, mode=0o700, exist_ok=True)
    found = os.lstat(folder)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise UsageError("control", f"{folder} belongs to another user", "remove it, or choose another folders.state")
