"""The daemon with the engine `remote`: many files under way, servers that go and come, what status and log say."""

import base64
import threading
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from support.fakes import document, picture
from support.harness import REAL_DAEMON, Daemon, done, left, unloaded, wait_for
from support.llama_model import LONG
from support.llama_server import LlamaServer
from support.scripted_http import DONE, Handler, ScriptedServer, event, streamed


def daemon_of(root: Path, *urls: str, prompt: str = "text", **remote: Any) -> Daemon:
    engine = {"name": "remote", "prompt": prompt, "cross_check": "off", "remote": {"url": list(urls), **remote}}
    return Daemon(root, REAL_DAEMON, engine=engine, intake={"orientation": "off"}, output={"cache": False})


def drop(daemon: Daemon, files: int) -> None:
    for number in range(files):
        picture(daemon.inbox / f"{number:02}.png", number)


def width_of(body: dict[str, Any]) -> int:
    """Return the width of the PNG that a request brings."""
    url: str = body["messages"][0]["content"][0]["image_url"]["url"]
    return int.from_bytes(base64.b64decode(url.partition(",")[2])[16:20])


def test_pages_of_many_files_are_under_way_at_once(tmp_path: Path) -> None:
    """64 pages of 40 files: no answer comes before all of them have been sent, and then in any order."""
    all_there = threading.Barrier(64)

    def answer(handler: Handler, body: dict[str, Any]) -> None:
        all_there.wait(40)
        streamed(event(f"{width_of(body)} wide"), event(finish="stop"), DONE)(handler, body)

    with ScriptedServer(always=answer) as server, daemon_of(tmp_path, server.url, in_flight=64).start() as daemon:
        drop(daemon, 32)
        for number in range(8):
            document(daemon.inbox / f"long{number}.tif", 4, number)
        status = daemon.wait_status(done(40), "all are read", 50)

    assert len(server.pages) == 64 and len(left(daemon.outbox)) == 40 and left(daemon.failed) == []
    for number in range(8):
        pages = (daemon.outbox / f"long{number}.txt").read_text().split("\f")
        assert [page.strip() for page in pages] == [f"{60 + page} wide" for page in range(4)]
    assert status["remote"][0]["url"] == server.url and status["remote"][0]["state"] == "up"


@pytest.mark.slow
def test_a_real_server_reads_more_than_it_has_slots_for(tmp_path: Path, llama: LlamaServer) -> None:
    with daemon_of(tmp_path, llama.url, in_flight=32).start() as daemon:
        before = daemon.status()["remote"]
        drop(daemon, 24)
        status = daemon.wait_status(done(24), "all are read")
        shown = daemon.run("status").stdout

    assert before[0] | {"state": None} == {
        "url": llama.url, "host": llama.url.removeprefix("http://"), "kind": before[0]["kind"], "state": None,
        "model": before[0]["model"], "in_flight": 0, "waiting_seconds": None, "error": None,
    }  # fmt: skip
    (server,) = status["remote"]
    assert (server["kind"], server["model"], server["state"]) == ("llama-server", "DeepSeek-OCR", "up")
    assert f"pages go to {llama.url} (llama-server, model DeepSeek-OCR)" in shown
    assert f"pages are sent to {llama.url}" in daemon.log()
    assert {(daemon.outbox / name).read_text() for name in left(daemon.outbox)} == {"RECEIPT 7\npaid: 12.50 EUR\n"}


def test_a_server_that_is_killed_in_the_middle_and_comes_back_costs_no_file_anything(tmp_path: Path) -> None:
    with LlamaServer() as server, daemon_of(tmp_path, server.url, prompt="Recite a book.").start() as daemon:
        drop(daemon, 8)
        daemon.wait_status(lambda s: any(job["tokens"] for job in s["active"]), "answers have begun")
        server.kill()
        daemon.wait_status(lambda s: s["remote"][0]["state"] == "out" and s["remote"][0]["error"], "it is missed")
        server.start()
        daemon.wait_status(done(8), "all are read")

    texts = [(daemon.outbox / name).read_text().split() for name in left(daemon.outbox)]
    assert [len(words) for words in texts] == [LONG] * 8
    assert left(daemon.failed) == [] and "attempt 1 failed" not in daemon.log()


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_while_no_server_is_there_the_queue_waits_says_which_and_resumes_by_itself(tmp_path: Path) -> None:
    with LlamaServer() as server, daemon_of(tmp_path, server.url, prompt="Recite a book.").start() as daemon:
        drop(daemon, 8)
        daemon.wait_status(lambda s: any(job["tokens"] for job in s["active"]), "answers have begun")
        server.kill()
        host = server.url.removeprefix("http://")
        paused = daemon.wait_status(lambda s: host in (s["queue"]["paused_reason"] or ""), "the queue is paused")
        assert paused["queue"]["paused_reason"].startswith("engine-unavailable: No server can be used")
        server.start()
        status = daemon.wait_status(done(8), "all are read", 90)

    assert status["queue"]["failed"] == status["queue"]["rejected"] == 0
    assert not status["queue"]["paused"] and len(left(daemon.outbox)) == 8


@pytest.mark.slow
def test_a_server_that_is_not_there_at_the_start_blocks_and_fails_nothing(tmp_path: Path) -> None:
    with LlamaServer() as server:
        server.kill()
        with daemon_of(tmp_path, server.url).start() as daemon:
            drop(daemon, 1)
            blocked = daemon.wait_status(lambda s: s["model"]["state"] == "blocked", "it is blocked")
            server.start()
            daemon.wait_status(done(1), "it is read")

    assert server.url.removeprefix("http://") in blocked["model"]["blocked_reason"]
    assert "Connection refused" in blocked["queue"]["paused_reason"]


@pytest.mark.slow
def test_unload_and_idleness_let_go_and_the_next_file_is_read(tmp_path: Path, llama: LlamaServer) -> None:
    daemon = daemon_of(tmp_path, llama.url)
    daemon.settings["model"] = {"idle_timeout": "300ms"}
    daemon.save()
    with daemon.start():
        daemon.read_one("a.png")
        daemon.wait_status(unloaded("idle"), "it is let go")
        assert daemon.status()["remote"][0]["state"] is None
        daemon.read_one("b.png", 1)


@pytest.mark.slow
def test_read_and_doctor_work_with_it(tmp_path: Path, llama: LlamaServer) -> None:
    key = tmp_path / "key"
    key.write_text("secret")
    key.chmod(0o644)
    daemon = daemon_of(tmp_path, llama.url, prompt="markdown", key_file=str(key))
    Image.effect_noise((300, 300), 90).save(tmp_path / "page.png")

    read = daemon.run("read", str(tmp_path / "page.png"))
    doctor = daemon.run("doctor")

    assert read.stdout == "Receipt 7\n\nPaid in full today.\n", read.stderr
    assert "warning: the key file" in read.stderr and "chmod 600" in doctor.stdout
    assert "secret" not in read.stderr + doctor.stdout + daemon.log()
    assert f"pages go to {llama.url} (llama-server), model DeepSeek-OCR (asked as deepseek-ocr)" in doctor.stdout
    assert "special tokens are kept" in doctor.stdout


@pytest.mark.slow
def test_another_server_in_the_settings_is_taken_over(tmp_path: Path, llama: LlamaServer) -> None:
    with ScriptedServer() as other, daemon_of(tmp_path, other.url).start() as daemon:
        daemon.read_one("a.png")
        daemon.change(engine={"remote": {"url": [llama.url]}})
        daemon.wait_status(lambda s: s["remote"] and s["remote"][0]["url"] == llama.url, "it is taken over")
        daemon.read_one("b.png", 1)
        wait_for(lambda: (daemon.outbox / "b.txt").exists(), "its text is there")

    assert (daemon.outbox / "a.txt").read_text() == "Hello world.\n"
    assert (daemon.outbox / "b.txt").read_text().startswith("RECEIPT 7")
