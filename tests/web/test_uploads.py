"""Files that are dropped: whole, bounded, never over another, and nothing is left of one that is given up."""

import socket
import tempfile
from pathlib import Path

import pytest

from support.fakes import picture
from support.harness import Daemon, left, wait_for
from support.web_page import Web


def unfinished(daemon: Daemon) -> list[Path]:
    return [*daemon.inbox.glob(".dropscribe-upload-*")]


def beginning(web: Web, length: str) -> bytes:
    """Return the head of an upload."""
    head = ("POST /drop?name=odd.png HTTP/1.1", f"Host: {web.host}", f"Cookie: {web.cookie}", f"Origin: {web.origin}")
    return "\r\n".join([*head, length, "", ""]).encode()


@pytest.fixture
def content(tmp_path: Path) -> bytes:
    picture(tmp_path / "it.png", 77)
    return (tmp_path / "it.png").read_bytes()


def test_a_dropped_picture_is_read(daemon: Daemon, web: Web, content: bytes) -> None:
    answer = web.post("/drop?name=holiday%20%E7%85%A7.png", content)

    assert answer.values == {"said": "holiday 照.png is in the inbox."}
    wait_for(lambda: (daemon.archive / "holiday 照.png").exists(), "it is read")
    assert (daemon.archive / "holiday 照.png").read_bytes() == content
    wait_for(lambda: 'class="tag good">read' in web.get("/drop").text, "the page says so")


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("../../evil.png", "evil.png"), ("..%5C..%5Cevil.png", "evil.png"), ("/etc/passwd", "passwd"),
        ("a%00b%0a.png", "ab.png"), (".hidden.png", "hidden.png"), ("..", "pasted.png"), ("", "pasted.png"),
        ("x" * 300 + ".png", None), ("%F0%9F%92%A9.png", "💩.png"),
    ],
)  # fmt: skip
def test_a_name_is_only_a_name(tmp_path: Path, given: str, name: str | None) -> None:
    from urllib.parse import unquote

    from dropscribe.web.uploads import safe_name

    found = safe_name(unquote(given)).decode()
    assert "/" not in found and not found.startswith(".")
    assert name is None or found == name


def test_a_name_that_is_taken_gets_a_number(daemon: Daemon, web: Web, content: bytes) -> None:
    daemon.ask("pause")
    try:
        said = [web.post("/drop?name=same.png", content + bytes([n])).values["said"] for n in range(2)]
        assert said == ["same.png is in the inbox.", "same (2).png is in the inbox."]
        assert [(daemon.inbox / name).read_bytes()[-1] for name in ("same.png", "same (2).png")] == [0, 1]
    finally:
        daemon.ask("resume")
    daemon.wait_quiet()


def test_ten_gigabytes_are_refused_before_they_are_sent(daemon: Daemon, web: Web) -> None:
    before = left(daemon.inbox)
    answer = web.ask("POST", "/drop?name=big.png", Content_Length=str(10 * 10**9))

    assert answer.status == 413 and "intake.max_file" in answer.values["said"]
    assert left(daemon.inbox) == before and not unfinished(daemon)


def test_a_file_of_unknown_length_is_stopped_at_the_limit(tmp_path: Path) -> None:
    """Sent in chunks, as by whoever hides how long it is; by itself, with a limit that is quickly reached."""
    with Daemon(tmp_path, intake={"max_file": "2MB"}) as daemon, Web(daemon) as web:
        with socket.create_connection(("127.0.0.1", web.port)) as connection:
            connection.sendall(beginning(web, "Transfer-Encoding: chunked"))
            try:
                for _ in range(60):
                    connection.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
            except OSError:
                pass  # it hung up
            connection.settimeout(10)
            try:
                assert b" 413 " in connection.recv(100)
            except ConnectionResetError:
                pass  # its answer was overtaken by what we still sent
        wait_for(lambda: not unfinished(daemon), "nothing is left of it")
        assert left(daemon.inbox) == []
        assert web.post("/drop?name=empty.png", b"").status == 400
        assert web.get("/drop").status == 200  # without a daemon, too


def test_a_browser_that_leaves_in_the_middle_leaves_nothing(daemon: Daemon, web: Web) -> None:
    with socket.create_connection(("127.0.0.1", web.port)) as connection:
        connection.sendall(beginning(web, "Content-Length: 1000") + b"half of it")
        wait_for(lambda: unfinished(daemon), "it begins to arrive")
    wait_for(lambda: not unfinished(daemon), "nothing is left of it")
    assert not (daemon.inbox / "odd.png").exists()


def test_a_missing_inbox_is_told() -> None:
    with tempfile.TemporaryDirectory() as folder, Web(daemon := Daemon(Path(folder))) as web:
        daemon.inbox.rmdir()
        assert web.post("/drop?name=a.png", b"x").values["said"].startswith("The inbox cannot be written")
