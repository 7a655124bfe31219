"""Several files in the worker's hands, and one that kills or hangs the engine, or the worker dies: who pays."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from dropscribe.control import client
from support.batches import WIDTH, all_read_once, daemon_of, in_hand, paused_with, texts_in
from support.fakes import picture
from support.harness import Daemon, left


def ask_to_read(daemon: Daemon, path: Path) -> dict[str, Any]:
    """Have *path* read by command and return the answer."""
    return client.exchange(str(daemon.state), {"command": "read", "path": str(path)}, timeout=30)


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
