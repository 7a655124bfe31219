"""What the page shows of the daemon, as it goes on: events, steering, a daemon that is not there, the end."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dropscribe.core.status import Status
from dropscribe.web.looking import Looking
from support.fakes import picture
from support.harness import DEADLINE, Daemon, wait_for
from support.web_page import Web


@contextmanager
def events(web: Web) -> Iterator[Any]:
    """Yield a function that returns the next change: fragments by name."""
    with socket.create_connection(("127.0.0.1", web.port), timeout=DEADLINE) as connection:
        connection.sendall(f"GET /events HTTP/1.1\r\nHost: {web.host}\r\nCookie: {web.cookie}\r\n\r\n".encode())
        lines = connection.makefile("rb")
        yield lambda: json.loads(next(line for line in lines if line.startswith(b"data: "))[6:])


def test_the_queue_is_paused_and_resumed(daemon: Daemon, web: Web) -> None:
    assert web.post("/do/pause").values == {"said": "Paused."}
    assert daemon.status()["queue"]["paused"]
    assert "paused by command" in web.get("/").text
    assert web.post("/do/resume").values == {"said": "Resumed."}
    assert not daemon.status()["queue"]["paused"]


def test_a_browser_without_our_script_is_led_back(web: Web) -> None:
    answer = web.post("/do/resume", Accept="text/html")

    assert (answer.status, answer.headers["Location"]) == (303, "/")


def test_the_first_event_tells_all_and_the_next_what_is_new(daemon: Daemon, web: Web) -> None:
    with events(web) as next_change:
        assert {"model", "queue", "recent", "controls", "active"} <= next_change().keys()
        picture(daemon.inbox / "while looking.png", 9)
        wait_for(lambda: "while looking.png" in next_change().get("recent", ""), "it is shown")
    wait_for(lambda: web.get("/history").values["samples"], "there is a history")
    assert web.get("/history").values["marks"][0]["what"] == "loading"


@pytest.mark.slow
def test_without_a_daemon_the_journal_is_shown(tmp_path: Path) -> None:
    with Daemon(tmp_path) as daemon:
        daemon.start().read_one("known.png")
        daemon.stop()
        with Web(daemon) as web:
            assert "The daemon is not running." in web.get("/").text
            assert "known.png" in web.get("/read").text
            assert web.get("/read/1/picture/1").status == 200
            assert web.get("/history").values["samples"] == []
            assert web.post("/do/pause").values["said"].startswith("The daemon is not running")
            daemon.start()
            wait_for(lambda: "The daemon is not running." not in web.get("/").text, "the page sees it again")
            daemon.change(output={"formats": ["nonsense"]})
            wait_for(lambda: "settings file is not valid" in web.get("/").text, "the page tells of invalid settings")


def test_it_is_over_long_after_the_last_one_left() -> None:
    looking = Looking(Status, left=600)
    start = time.monotonic()

    assert not looking.over(start + 599)
    assert looking.over(start + 601)
    looking.seen()
    assert not looking.over(time.monotonic() + 599)


@pytest.mark.slow
def test_the_process_ends_when_nobody_looks_any_more(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    code = (
        "import sys; from dropscribe import config; from dropscribe.core.status import Status;"
        "from dropscribe.web import server; settings = config.load(sys.argv[1]);"
        "server.serve(lambda: settings, Status, 0, lambda *addresses: print(addresses[1], flush=True), left=0.5)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, str(daemon.config)], env=os.environ, capture_output=True, text=True,
        timeout=DEADLINE, check=True,
    )  # fmt: skip

    assert ended.stdout.startswith("http://127.0.0.1:") and ended.stderr == ""


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        refused = Daemon(tmp_path).run("web", "--no-open", "--port", port)

    assert refused.returncode == 2
    assert refused.stderr.splitlines()[0].startswith(f"error: web: port {port} cannot be used")
    assert refused.stderr.splitlines()[1] == "  try: choose another with --port"
