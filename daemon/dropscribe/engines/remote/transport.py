"""One HTTP exchange with a server: opened, read as it comes, ended from another thread at any moment.

By urllib3, with a connection for each request: a kept one may die just as it is used again, and a new one costs a
millisecond beside an answer of seconds. No redirects, no proxies, no retries: what happens is seen by who asked.
"""

import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ReadTimeoutError

from dropscribe.engines.remote.failures import LONGEST_BODY, Blame, Failed, Failure, shortened

CONNECT = 5.0  # seconds
READ = 64 << 10  # bytes at most in one piece

_here = threading.local()  # .exchange: the one whose connection this thread opens


class _Noted:
    """A connection that makes itself known, so that it can be ended before any answer has come."""

    sock: Any

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]  # of the connection beside this class
        _here.exchange.connected(self.sock)


class _Plain(_Noted, HTTPConnection):
    pass


class _Secure(_Noted, HTTPSConnection):
    pass


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _Secure


class Transport:
    """How one server is reached."""

    def __init__(self, url: str, key: str | None, context: ssl.SSLContext | None) -> None:
        parts = urlsplit(url)
        self.path, self.key, self._context = parts.path, key, context
        self._secure, self._port = parts.scheme == "https", parts.port
        host = parts.hostname or ""
        self._host = f"[{host}]" if ":" in host else host

    def _pool(self) -> urllib3.HTTPConnectionPool:
        """Return a pool of one connection, which is never used twice."""
        if self._secure:
            return _SecurePool(self._host, self._port, ssl_context=self._context)
        return _PlainPool(self._host, self._port)

    def headers(self) -> dict[str, str]:
        """Return what goes with every request."""
        headers = {"Connection": "close", "User-Agent": "dropscribe", "Accept-Encoding": "identity"}
        return headers | ({"Authorization": f"Bearer {self.key}"} if self.key else {})

    def without_key(self, text: str) -> str:
        """Return *text*, which may quote the request, without the key."""
        return text.replace(self.key, "***") if self.key else text

    def open(self, method: str, path: str, body: Any, more: dict[str, str], seconds: float) -> Any:
        """Return the response, whose body is still to come."""
        return self._pool().urlopen(
            method, self.path + path, body=body, headers=self.headers() | more, retries=False, redirect=False,
            preload_content=False, timeout=urllib3.Timeout(connect=min(CONNECT, seconds), read=seconds),
        )  # fmt: skip


class Exchange:
    """One request and its answer. Used by one thread; `cancel` may come from any other."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()
        self.cancelled = False

    @property
    def sent(self) -> bool:
        """Say whether there was a connection: without one no server can have died of the request."""
        return self._socket is not None

    def connected(self, opened: socket.socket) -> None:
        """Hear that there is a connection."""
        with self._lock:
            self._socket = opened
            if self.cancelled:
                _end(opened)

    def cancel(self) -> None:
        """End it: whoever waits for the answer is told at once, and so is the server."""
        with self._lock:
            self.cancelled = True
            if self._socket is not None:
                _end(self._socket)

    def send(
        self, method: str, path: str, seconds: float, body: bytes | Iterable[bytes] | None = None, length: int = 0
    ) -> "Answer":
        """Send a request, wait up to *seconds* for an answer to begin; raise `Failed`."""
        more = {"Content-Type": "application/json"} if body is not None else {}
        if length:
            more["Content-Length"] = str(length)
        _here.exchange = self
        with Told(self):
            return Answer(self, self.transport.open(method, path, body, more, seconds))

    def wait_at_most(self, seconds: float) -> None:
        """Bound the wait for the next bytes."""
        with self._lock:
            if self._socket is not None and not self.cancelled:
                self._socket.settimeout(max(seconds, 0.001))


class Answer:
    """An answer under way. Close it."""

    def __init__(self, exchange: Exchange, response: Any) -> None:
        self._exchange, self._response = exchange, response
        self.status: int = response.status
        self.headers = response.headers

    def pieces(self) -> Iterator[bytes]:
        """Yield the body as it comes; raise `Failed`, also where it is cut."""
        while True:
            with Told(self._exchange):
                piece: bytes = self._response.read1(READ)
            if not piece:
                return
            yield piece

    def body(self, seconds: float, most: int = LONGEST_BODY) -> bytes:
        """Return the body, at most so many bytes of it, within so many *seconds*; raise `Failed`."""
        whole, end = b"", time.monotonic() + seconds
        for piece in self.pieces():
            whole += piece
            if len(whole) >= most:
                break
            if time.monotonic() >= end:
                raise Failed(Failure(Blame.LATE, f"its answer was not whole after {seconds:g} s"))
        return whole[:most]

    def close(self) -> None:
        """Hang up."""
        self._response.close()

    def __enter__(self) -> "Answer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Told:
    """Turns what urllib3 raises into `Failed`."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if error is None or not isinstance(error, HTTPError | HTTPException | OSError | ValueError | AttributeError):
            return
        if self._exchange.cancelled:
            raise Failed(Failure(Blame.CANCELLED, "ended by us")) from None
        if isinstance(error, ReadTimeoutError | TimeoutError) and not isinstance(
            error, urllib3.exceptions.ConnectTimeoutError
        ):
            raise Failed(Failure(Blame.LATE, "it did not answer in time")) from None
        raise Failed(Failure(Blame.LOST, self._exchange.transport.without_key(_words(error)))) from None


def _words(error: BaseException) -> str:
    """Return what a failed connection says, without the library's wrapping."""
    inner: BaseException = error
    while (deeper := inner.__cause__ or getattr(inner, "reason", None)) and isinstance(deeper, BaseException):
        inner = deeper
    said = getattr(inner, "strerror", None) or str(inner) or type(inner).__name__
    if isinstance(error, ConnectTimeoutError) and not isinstance(error, NewConnectionError):
        said = f"no connection within {CONNECT:g} s"
    return shortened(str(said).split(": ", 1)[-1] if "object at 0x" in str(said) else str(said))


def _end(opened: socket.socket) -> None:
    try:
        opened.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # it has ended already
