"""A scripted server of the OpenAI API, for what no real one will do on demand: every row of the table of failures."""

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODEL = {"id": "DeepSeek-OCR", "object": "model", "owned_by": "vllm", "root": "deepseek-ai/DeepSeek-OCR"}
Handler = BaseHTTPRequestHandler
Answer = Callable[[Handler, dict[str, Any]], None]


def event(text: str | None = None, finish: str | None = None, **more: Any) -> bytes:
    """Return one event of a stream."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish} | more
    return b"data: " + json.dumps({"model": MODEL["id"], "choices": [choice]}).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"


def streamed(*pieces: bytes, media: str = "text/event-stream", whole: bool = True) -> Answer:
    """Answer with these pieces, each sent by itself; not *whole*: the end of the chunked body is missing."""

    def answer(handler: Handler, _: dict[str, Any]) -> None:
        start(handler, media)
        for piece in pieces:
            chunk(handler, piece)
        if whole:
            chunk(handler, b"")

    return answer


def text(said: str = "Hello world.", finish: str = "stop") -> Answer:
    """Answer as a server that is well does."""
    return streamed(event(said), event(finish=finish), DONE)


def plain(status: int, body: str, media: str = "application/json", **headers: str) -> Answer:
    """Answer with a status and a body."""

    def answer(handler: Handler, _: dict[str, Any]) -> None:
        data = body.encode()
        handler.send_response(status)
        for name, value in {"Content-Type": media, "Content-Length": str(len(data)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(data)

    return answer


def reset(*pieces: bytes) -> Answer:
    """Reset the connection, after these pieces if there are any."""

    def answer(handler: Handler, _: dict[str, Any]) -> None:
        if pieces:
            start(handler, "text/event-stream")
            for piece in pieces:
                chunk(handler, piece)
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        handler.connection.close()

    return answer


def silent(*pieces: bytes, keep_alive: bytes = b"") -> Answer:
    """Say nothing more after these pieces, or only *keep_alive*, until the client hangs up or the server closes."""

    def answer(handler: Handler, _: dict[str, Any]) -> None:
        server = handler.server
        assert isinstance(server, _Server)
        if pieces or keep_alive:
            start(handler, "text/event-stream")
        for piece in pieces:
            chunk(handler, piece)
        while not server.over.wait(0.02):
            if keep_alive:
                chunk(handler, keep_alive)
            elif hung_up(handler.connection):
                server.hang_ups += 1
                return

    return answer


def hung_up(connection: socket.socket) -> bool:
    """Say whether the other side has closed."""
    connection.setblocking(False)
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        connection.setblocking(True)


def start(handler: Handler, media: str) -> None:
    """Begin a chunked answer."""
    handler.send_response(200)
    handler.send_header("Content-Type", media)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()


def chunk(handler: Handler, data: bytes) -> None:
    """Send a chunk; an empty one ends the body."""
    handler.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
    handler.wfile.flush()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.over = threading.Event()
        self.hang_ups = 0
        self.script: ScriptedServer

    def handle_error(self, *_: Any) -> None:
        pass  # clients hang up


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: Any) -> None:
        pass

    def version_string(self) -> str:
        return self.server.script.header

    def do_GET(self) -> None:
        script = self.server.script
        script.asked.append(("GET", self.path, dict(self.headers)))
        script.listing(self, {})

    def do_POST(self) -> None:
        script = self.server.script
        script.asked.append(("POST", self.path, dict(self.headers)))
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        script.answer_of(body)(self, body)
        self.close_connection = True


class ScriptedServer:
    """Answers pages with *answers*, one after the other, then with *always*; tiny pages with *tiny*."""

    def __init__(
        self, *answers: Answer, always: Answer | None = None, tiny: Answer | None = None,
        models: Iterable[dict[str, Any]] = (MODEL,), listing: Answer | None = None, header: str = "uvicorn",
        tls: ssl.SSLContext | None = None,
    ) -> None:  # fmt: skip
        self._answers, self._always, self._tiny = list(answers), always or text(), tiny or text("D", "length")
        self.listing = listing or plain(200, json.dumps({"object": "list", "data": list(models)}))
        self.header = header
        self.asked: list[tuple[str, str, dict[str, str]]] = []  # method, path, headers
        self.pages: list[dict[str, Any]] = []  # bodies
        self.tiny_pages = 0
        self._lock = threading.Lock()
        self._server = _Server()
        self._server.script = self
        self._scheme = "https" if tls else "http"
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def answer_of(self, body: dict[str, Any]) -> Answer:
        """Return what a request is answered with."""
        with self._lock:
            if body.get("max_tokens") == 1:
                self.tiny_pages += 1
                return self._tiny
            self.pages.append(body)
            return self._answers.pop(0) if self._answers else self._always

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"{self._scheme}://127.0.0.1:{self._server.server_address[1]}"

    @property
    def hang_ups(self) -> int:
        """How often a client has hung up on a silent answer."""
        return self._server.hang_ups

    def close(self) -> None:
        """End it; nothing listens there any more."""
        self._server.over.set()
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> "ScriptedServer":
        return self

    def __exit__(self, *_: object) -> None:
        if not self._server.over.is_set():
            self.close()
