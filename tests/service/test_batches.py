"""Several files in the worker's hands: rows stay full, order is kept, and nobody pays for a neighbour."""

import json
import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dropscribe.control import client
from support.fakes import document, picture
from support.harness import Daemon, left, unloaded

WIDTH = 4


def daemon_of(root: Path, *, read_seconds: float = 0.1, **sections: dict[str, Any]) -> Daemon:
    """Return a daemon whose engine reads four pages at once, and counts its loads."""
    return Daemon(root, **sections).counting(width=WIDTH, read_seconds=read_seconds)


def paused_with(daemon: Daemon, count: int, **deeds: str) -> dict[str, str]:
    """Queue so many pictures before any is read; return the texts by name."""
    assert daemon.ask("pause")["ok"]
    names = [f"{number:02}.png" for number in range(count)]
    texts = {name: picture(daemon.inbox / name, n, deeds.get(f"n{n}")) for n, name in enumerate(names)}
    daemon.wait_status(lambda s: s["queue"]["queued"] == count, "all are queued")
    return texts


def order_of_the_queue(daemon: Daemon) -> list[str]:
    """Return the names of all jobs in the order in which they were queued."""
    with closing(sqlite3.connect(f"file:{daemon.state / 'journal.db'}?mode=ro", uri=True)) as journal:
        return [os.fsdecode(path) for (path,) in journal.execute("SELECT path FROM jobs ORDER BY id")]


def texts_in(outbox: Path) -> dict[str, str]:
    """Return what was read, by the name of its picture."""
    return {name[:-4] + ".png": (outbox / name).read_text().strip() for name in left(outbox)}


def at_work(status: dict[str, Any]) -> list[str]:
    """Return the files of which a page is or was in the engine's hands."""
    return [entry["name"] for entry in status["active"] if entry["page"]]


def in_hand(count: int) -> Any:
    """Return a condition: pages of so many files are in the engine's hands."""
    return lambda status: len(at_work(status)) >= count


def rests(status: dict[str, Any]) -> bool:
    """Say whether nothing is in hand."""
    return not status["active"] and not any(status["queue"][state] for state in ("running", "written"))


def all_read_once(daemon: Daemon, texts: dict[str, str]) -> None:
    """Check that every file was read rightly, exists once, and failed nowhere."""
    assert texts_in(daemon.outbox) == texts
    assert left(daemon.archive) == sorted(texts) and left(daemon.failed) == [] and left(daemon.inbox) == []


def test_forty_single_pictures_are_read_together_and_started_in_order(tmp_path: Path) -> None:
    daemon = daemon_of(tmp_path, output={"formats": ["txt"]})
    with daemon.start():
        texts = paused_with(daemon, 40)
        seen: list[list[str]] = []
        daemon.ask("resume")

        def over(status: dict[str, Any]) -> bool:
            seen.append(at_work(status))
            return bool(status["queue"]["done"] == 40)

        status = daemon.wait_status(over, "all are read")
        assert max(map(len, seen)) >= WIDTH
        assert all(len(names) <= 2 * WIDTH + 1 for names in seen)
        begun = list(dict.fromkeys(name for names in seen for name in names))
        queued = order_of_the_queue(daemon)
        assert begun == [name for name in queued if name in begun], "starts follow the queue"
        assert status["model"]["pages_read"] == 40 and daemon.starts() == 1
        all_read_once(daemon, texts)


def test_a_long_document_and_single_files_interleave(tmp_path: Path) -> None:
    daemon = daemon_of(tmp_path)
    with daemon.start():
        pages = document(daemon.inbox / "book.tif", 60)
        daemon.wait_status(lambda s: at_work(s) == ["book.tif"], "the book is being read")
        texts = {f"{n}.png": picture(daemon.inbox / f"{n}.png", n) for n in range(6)}
        status = daemon.wait_status(lambda s: s["queue"]["done"] == 6, "the single files are read")
        assert [entry["name"] for entry in status["active"]] == ["book.tif"]
        daemon.wait_quiet()

        read = texts_in(daemon.outbox)
        assert [page.strip() for page in read.pop("book.png").split("\f")] == pages
        assert read == texts and daemon.status()["model"]["pages_read"] == 66


def ask_to_read(daemon: Daemon, path: Path) -> dict[str, Any]:
    """Have *path* read by command and return the answer."""
    return client.exchange(str(daemon.state), {"command": "read", "path": str(path)}, timeout=30)


def test_read_by_command_does_not_wait_for_a_long_document(tmp_path: Path) -> None:
    daemon = daemon_of(tmp_path, read_seconds=0.2)
    with daemon.start():
        document(daemon.inbox / "book.tif", 60)
        before = daemon.wait_status(in_hand(1), "the book is being read")["model"]["pages_read"]
        text = picture(tmp_path / "aside.png", 7)
        assert daemon.run("read", str(tmp_path / "aside.png")).stdout.strip() == text
        status = daemon.status()

        # The pages in hand, those that were decoded already, and those beside it while the command started and ended.
        assert status["queue"]["done"] == 0 and status["current"]["page"] < 60
        assert status["model"]["pages_read"] > before
        daemon.wait_quiet(60)
        assert daemon.status()["model"]["pages_read"] == 61


def test_a_worker_killed_with_four_files_in_hand_costs_none_of_them_anything(tmp_path: Path) -> None:
    daemon = daemon_of(tmp_path, read_seconds=0.3)
    with daemon.start():
        texts = paused_with(daemon, 10)
        daemon.ask("resume")
        status = daemon.wait_status(in_hand(WIDTH), "four files are in hand")
        os.kill(status["model"]["pid"], signal.SIGKILL)
        daemon.wait_quiet()
        all_read_once(daemon, texts)
        assert daemon.starts() == 2


def test_a_daemon_killed_with_four_files_in_hand_loses_and_repeats_nothing(tmp_path: Path) -> None:
    daemon = daemon_of(tmp_path, read_seconds=0.3)
    daemon.start()
    texts = paused_with(daemon, 10)
    daemon.ask("resume")
    daemon.wait_status(in_hand(WIDTH), "four files are in hand")
    daemon.kill()
    with daemon.start():
        daemon.wait_quiet()
        all_read_once(daemon, texts)


@pytest.mark.parametrize(("deed", "reason"), [("crash", "engine-crash"), ("error", "engine-error")])
def test_one_poison_page_among_twelve_files_fails_alone(tmp_path: Path, deed: str, reason: str) -> None:
    daemon = daemon_of(tmp_path, engine={"attempts": 2})
    with daemon.start():
        texts = paused_with(daemon, 12, n5=deed)
        daemon.ask("resume")
        daemon.wait_quiet(60)
        del texts["05.png"]
        assert texts_in(daemon.outbox) == texts
        assert left(daemon.archive) == sorted(texts)
        assert left(daemon.failed) == ["05.png", "05.png.error.txt"]
        assert f"reason: {reason}" in (daemon.failed / "05.png.error.txt").read_text()


def test_a_page_that_hangs_among_others_costs_its_own_file_only(tmp_path: Path) -> None:
    daemon = daemon_of(tmp_path, engine={"attempts": 1, "page_timeout": "1s"})
    with daemon.start():
        texts = paused_with(daemon, 12, n2="hang")
        daemon.ask("resume")
        daemon.wait_quiet(60)
        del texts["02.png"]
        assert texts_in(daemon.outbox) == texts
        note = (daemon.failed / "02.png.error.txt").read_text()
        assert "reason: engine-timeout" in note and "page 1" in note
        assert left(daemon.failed) == ["02.png", "02.png.error.txt"]


def test_read_by_command_of_a_page_that_kills_the_engine_ends_beside_a_poisoned_queue(tmp_path: Path) -> None:
    """Suspects are read alone, those that somebody waits for too: else each would shield the other for ever."""
    daemon = daemon_of(tmp_path, engine={"attempts": 2})
    with daemon.start():
        texts = paused_with(daemon, 6, n1="crash")
        picture(tmp_path / "poison.png", 9, "crash")
        daemon.ask("resume")
        answer = ask_to_read(daemon, tmp_path / "poison.png")
        assert not answer["ok"] and answer["reason"] == "engine-crash"
        daemon.wait_quiet(60)
        del texts["01.png"]
        assert texts_in(daemon.outbox) == texts


def test_pausing_finishes_the_pages_in_hand_and_hands_the_rest_back(tmp_path: Path) -> None:
    daemon = daemon_of(tmp_path, read_seconds=0.5)
    with daemon.start():
        texts = paused_with(daemon, 12)
        daemon.ask("resume")
        began = at_work(daemon.wait_status(in_hand(WIDTH), "four pages are in hand"))
        daemon.ask("pause")
        status = daemon.wait_status(rests, "nothing is in hand")
        assert status["queue"]["done"] >= WIDTH and status["queue"]["done"] + status["queue"]["queued"] == 12
        assert set(began) <= set(texts_in(daemon.outbox)) and status["model"]["pages_read"] == status["queue"]["done"]
        daemon.ask("resume")
        status = daemon.wait_quiet()
        all_read_once(daemon, texts)
        assert status["model"]["pages_read"] == 12 and daemon.starts() == 1


def test_unloading_finishes_the_pages_in_hand_and_the_queue_goes_on_with_a_new_model(tmp_path: Path) -> None:
    daemon = daemon_of(tmp_path, read_seconds=0.5)
    with daemon.start():
        texts = paused_with(daemon, 12)
        daemon.ask("resume")
        began = at_work(daemon.wait_status(in_hand(WIDTH), "four pages are in hand"))
        daemon.ask("unload")
        status = daemon.wait_quiet()
        all_read_once(daemon, texts)
        assert status["model"]["last_unload"]["reason"] == "command" and daemon.starts() == 2
        assert status["model"]["pages_read"] <= 12 - len(began), "what was in hand was finished, not read again"


def test_stopping_finishes_the_pages_in_hand_and_the_next_daemon_reads_the_rest(tmp_path: Path) -> None:
    daemon = daemon_of(tmp_path, read_seconds=0.5)
    daemon.start()
    texts = paused_with(daemon, 12)
    daemon.ask("resume")
    began = at_work(daemon.wait_status(in_hand(WIDTH), "four pages are in hand"))
    assert daemon.stop() == 0
    assert set(began) <= set(texts_in(daemon.outbox)) and left(daemon.failed) == []
    with daemon.start():
        daemon.wait_quiet()
        all_read_once(daemon, texts)


def test_the_same_content_many_times_is_read_once(tmp_path: Path) -> None:
    daemon = daemon_of(tmp_path, output={"formats": ["json"]})
    with daemon.start():
        daemon.ask("pause")
        texts = document(daemon.inbox / "first.tif", 8)
        content = (daemon.inbox / "first.tif").read_bytes()
        for number in range(5):
            (daemon.inbox / f"copy{number}.tif").write_bytes(content)
        daemon.wait_status(lambda s: s["queue"]["queued"] == 6, "all are queued")
        daemon.ask("resume")
        status = daemon.wait_quiet()

        for name in left(daemon.outbox):
            assert [page["text"] for page in json.loads((daemon.outbox / name).read_text())["pages"]] == texts
        assert len(left(daemon.outbox)) == 6
        assert status["model"]["pages_read"] == 8


@pytest.mark.slow
def test_pressure_in_the_middle_of_a_batch_finishes_the_pages_in_hand_and_blames_nobody(tmp_path: Path) -> None:
    daemon = daemon_of(tmp_path, read_seconds=1)
    with daemon.start():
        texts = paused_with(daemon, 40)
        daemon.ask("resume")
        daemon.wait_status(in_hand(WIDTH), "four pages are in hand")
        daemon.change(memory={"unload_on": "critical", "max_percent": 1})
        status = daemon.wait_status(unloaded("pressure"), "the model makes way")
        assert 0 < status["queue"]["done"] < 40 and status["queue"]["failed"] == 0
        daemon.change(memory={"unload_on": "never", "max_percent": 100})
        daemon.wait_quiet(45)
        all_read_once(daemon, texts)
        assert daemon.starts() == 2
