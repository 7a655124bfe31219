"""Several files in the worker's hands: rows stay full, order is kept, and what interrupts loses no page."""

import json
from pathlib import Path
from typing import Any

import pytest

from support.batches import (
    WIDTH,
    all_read_once,
    at_work,
    daemon_of,
    in_hand,
    order_of_the_queue,
    paused_with,
    rests,
    texts_in,
)
from support.fakes import document, picture
from support.harness import left, unloaded


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
