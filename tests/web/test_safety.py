"""Attacks: strangers without the cookie, other names for this machine, other pages, addresses that lead elsewhere."""

import re
import socket
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest

from support.harness import Daemon, wait_for
from support.web_page import SCRIPT, Web

ADDRESSES = ("/", "/read", "/drop", "/events", "/history", "/alive", "/read/1", "/read/1/picture/1", "/read/1/output/0")
ADDRESSES += ("/read/1/original", "/static/style.css", "/static/live.js")


@pytest.mark.parametrize("path", ADDRESSES)
def test_nothing_is_shown_without_the_cookie(web: Web, path: str) -> None:
    for cookie in (None, "", "dropscribe=x", f"dropscribe-{web.port}=", f"dropscribe-{web.port}=x", "\x7f;;=,"):
        answer = web.get(path, Cookie=cookie)
        assert answer.status == 403
        assert b"dropscribe web" in answer.body and len(answer.body) < 400


@pytest.mark.parametrize("path", ["/do/pause", "/read/1/retry", "/read/1/again", "/drop?name=a.png"])
def test_nothing_is_done_without_the_cookie(web: Web, daemon: Daemon, path: str) -> None:
    assert web.post(path, b"x", Cookie=None).status == 403
    assert not daemon.status()["queue"]["paused"]


def test_a_token_gives_a_cookie_that_no_script_and_no_other_site_gets(web: Web) -> None:
    given = web.entered.headers["Set-Cookie"]

    assert "HttpOnly" in given and "SameSite=strict" in given
    assert web.entered.headers["Location"] == "/"
    assert web.get("/?token=wrong", Cookie=None).status == 403
    assert web.get(f"/read?token={web.token}", Cookie=None).status == 403


@pytest.mark.parametrize(
    "host", ["example.org", "example.org:{port}", "127.0.0.1", "127.0.0.1:1", "127.0.0.1.example.org:{port}", ""]
)
def test_another_name_for_this_machine_is_refused(web: Web, host: str) -> None:
    assert web.get("/", Host=host.format(port=web.port)).status in (400, 421)


@pytest.mark.parametrize(
    "origin", [None, "null", "http://example.org", "http://127.0.0.1:1", "https://127.0.0.1:{port}"]
)
def test_another_page_cannot_make_us_do_anything(web: Web, daemon: Daemon, origin: str | None) -> None:
    answer = web.post("/do/pause", Origin=origin.format(port=web.port) if origin else None)

    assert answer.status == 403
    assert not daemon.status()["queue"]["paused"]


def test_another_page_on_this_machine_cannot_even_embed_us(web: Web) -> None:
    for site in ("cross-site", "same-site"):
        assert web.get("/read/1/picture/1", Sec_Fetch_Site=site, Sec_Fetch_Mode="no-cors").status == 403
    headers = web.get("/").headers
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


def test_every_answer_forbids_foreign_and_inline_content(web: Web) -> None:
    for path in (*ADDRESSES[:3], "/nowhere", "/read/999999", "/static/nowhere"):
        headers = web.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'; script-src 'self'; style-src 'self'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path",
    [
        "/read/../../etc/passwd", "/read/..%2f..%2fetc%2fpasswd", "/read/1/output/../../../etc/passwd", "/read/-1",
        "/read/1/output/%2e%2e", "/read/1/output/-1", "/read/1/output/99", "/read/1/picture/-1", "/read/1/picture/x",
        "/static/../server.py", "/static/%2e%2e/server.py", "/static/..%2fserver.py", "/static//etc/passwd",
        "/static/%00", "/read/99999999999999999999999999/original", "/read/1%00", "/do/../pause", "/read/1/picture/0",
        "/read/1/picture/99", "/do/pause",
    ],
)  # fmt: skip
def test_no_address_leads_to_another_file(web: Web, path: str) -> None:
    answer = web.get(path)

    assert answer.status in (400, 404, 405)
    assert b"root:" not in answer.body and b"import" not in answer.body


@pytest.mark.parametrize("name", ["page", "form", "which", "words", "before", "recipe", "rotation"])
def test_no_parameter_breaks_anything(web: Web, name: str) -> None:
    paths = ("/read", "/read/1", "/read/1/next", *(["/read/1/picture/1"] if name == "rotation" else []))
    for value in ("../../etc/passwd", "9" * 30, "'\"><script>alert(1)</script>", "%00nan-1", "²"):
        for path in paths:
            answer = web.get(f"{path}?{name}={quote(value)}")
            assert answer.status in (200, 303)
            assert b"<script>alert" not in answer.body and b"root:" not in answer.body


@pytest.mark.parametrize("path", ["/", "/read", "/drop", "/read?words=onerror"])
def test_names_and_errors_of_strangers_are_text(web: Web, path: str) -> None:
    assert "onerror=alert" not in re.sub(r"&lt;img src=x onerror=alert\(1\)&gt;", "", web.get(path).text)


def test_a_download_is_saved_and_not_shown(web: Web, ids: dict[str, int]) -> None:
    for what in ("output/0", "original"):
        answer = web.get(f"/read/{ids[f'good {SCRIPT}']}/{what}")
        assert answer.status == 200 and answer.body
        assert answer.headers["Content-Type"] == "application/octet-stream"
        disposition = answer.headers["Content-Disposition"]
        assert (
            disposition.startswith('attachment; filename="good__img_src_x_onerror_alert_1') and "\n" not in disposition
        )


def test_a_link_in_place_of_an_output_is_not_followed(daemon: Daemon, web: Web, ids: dict[str, int]) -> None:
    path = daemon.outbox / "first.md"
    kept = path.read_bytes()
    path.unlink()
    path.symlink_to("/etc/passwd")
    (job,) = [job for job in daemon.status()["recent"] if job["name"] == "first.png"]
    number = job["outputs"].index("first.md")

    assert web.get(f"/read/{ids['first.png']}/output/{number}").status == 404
    path.unlink()
    path.write_bytes(kept)


def test_a_file_in_place_of_an_original_is_not_shown(daemon: Daemon, web: Web, ids: dict[str, int]) -> None:
    path = daemon.archive / "first.png"
    aside = path.rename(path.with_suffix(".aside"))
    path.symlink_to(Path("/etc/passwd"))

    assert web.get(f"/read/{ids['first.png']}/original").status == 404
    assert web.get(f"/read/{ids['first.png']}/picture/1").status == 404
    path.unlink()
    aside.rename(path)


def test_a_thousand_connections_keep_nobody_out_and_do_not_stay(web: Web) -> None:
    with ExitStack() as stack:
        for _ in range(1000):
            stack.enter_context(socket.create_connection(("127.0.0.1", web.port)))
        assert web.get("/alive").status == 204
        wait_for(lambda: len(psutil.Process(web.process.pid).net_connections()) < 120, "the silent ones are closed")


def test_live_views_are_bounded(web: Web) -> None:
    ask = f"GET /events HTTP/1.1\r\nHost: {web.host}\r\nCookie: {web.cookie}\r\n\r\n".encode()
    with ExitStack() as stack:
        views = [stack.enter_context(socket.create_connection(("127.0.0.1", web.port))) for _ in range(30)]
        for view in views:
            view.settimeout(10)
            view.sendall(ask)
        begun = [_until(view, b"\n\n") for view in views]
        assert sum(b"retry: 1000\n" in beginning for beginning in begun) == 24
        assert sum(b"retry: 30000\n" in beginning for beginning in begun) == 6
        assert web.get("/alive").status == 204


def _until(connection: socket.socket, end: bytes) -> bytes:
    received = b""
    while end not in received:
        received += connection.recv(4096)
    return received


def test_the_server_listens_on_this_machine_alone(web: Web) -> None:
    listening = [c.laddr.ip for c in psutil.Process(web.process.pid).net_connections() if c.status == "LISTEN"]

    assert listening == ["127.0.0.1"]
