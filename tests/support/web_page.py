"""`dropscribe web` beside a test's daemon, asked as a browser asks: with its cookie, Host and Origin."""

import http.client
import json
import os
import subprocess
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

from support.harness import DEADLINE, REAL_DAEMON, Daemon, wait_for

SCRIPT = "<img src=x onerror=alert(1)>&'\".png"  # a file name


class Answer:
    """What came back."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def values(self) -> Any:
        return json.loads(self.body)


class Web:
    """The process that serves the page; ended at the end of the block."""

    def __init__(self, daemon: Daemon) -> None:
        self.process = subprocess.Popen(
            [*REAL_DAEMON, "web", "--no-open", "--config", str(daemon.config)],
            env=os.environ | daemon.environment, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().split()[-1]
        parts = urlsplit(self.address)
        self.token = parse_qs(parts.query)["token"][0]
        self.host, self.port = parts.netloc, int(parts.port or 0)
        self.cookie = ""
        entered = wait_for(lambda: self._enter(), "the server lets us in")
        self.cookie = entered.headers["Set-Cookie"].split(";")[0]
        self.entered = entered

    def _enter(self) -> Answer | None:
        answer = self.ask("GET", f"/?token={self.token}")
        return answer if answer.status == 303 else None

    @property
    def origin(self) -> str:
        return f"http://{self.host}"

    def ask(self, method: str, path: str, body: Any = None, **headers: str | None) -> Answer:
        """Ask once; a header set to None is left out, an underscore in its name stands for a hyphen."""
        sent: dict[str, str | None] = {"Host": self.host, "Cookie": self.cookie, "Accept": "application/json"}
        if method == "POST":
            sent["Origin"] = self.origin
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in sent.items():
            if value is not None:
                connection.putheader(name, value)
        if isinstance(body, bytes) and "Content-Length" not in sent:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        try:
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def get(self, path: str, **headers: str | None) -> Answer:
        return self.ask("GET", path, **headers)

    def post(self, path: str, body: bytes = b"", **headers: str | None) -> Answer:
        return self.ask("POST", path, body, **headers)

    def __enter__(self) -> "Web":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.terminate()
        try:
            self.process.wait(DEADLINE)
        finally:
            self.process.kill()
            assert self.process.stdout is not None
            self.process.stdout.close()
