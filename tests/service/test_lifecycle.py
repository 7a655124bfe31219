"""The whole daemon: a model is there when there is work, gone when there is none, its memory proven back."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from dropscribe.memory.values import size
from support.fakes import document, picture
from support.harness import Daemon, done, gone, is_in, left, unloaded, wait_for

MB = 10**6
PRESSED, CALM = {"max_percent": 1, "unload_on": "critical"}, {"max_percent": 100, "unload_on": "critical"}
JUMPING = [sys.executable, str(Path(__file__).parents[1] / "support" / "jumping_daemon.py")]


# -- there when there is work


def test_the_model_comes_with_a_file_and_goes_when_idle_and_its_memory_is_proven_back(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, model={"idle_timeout": "1s", "clear_cache_after": "never"})
    daemon.fake(hold_mb=512, work=True, mlx=True)
    with daemon.start():
        assert daemon.status()["model"]["state"] == "cold" and daemon.workers() == []
        picture(daemon.inbox / "scan.png")
        warm = daemon.wait_status(lambda s: s["queue"]["done"] and s["model"]["unload_in_seconds"] is not None, "idle")
        pid = warm["model"]["pid"]
        assert warm["model"]["footprint_bytes"] >= 512 * MB
        assert warm["model"]["mlx"] == {"active": 512 * MB, "cache": 0, "peak": 512 * MB}
        assert warm["model"]["loaded_at"] and 0 <= warm["model"]["unload_in_seconds"] <= 1
        record = daemon.wait_status(unloaded("idle"), "it goes")["model"]["last_unload"]

        assert gone(pid) and daemon.workers() == []
        assert record["footprint_bytes"] >= 500 * MB and record["released_bytes"] >= 500 * MB
        assert record["released_bytes"] + record["residue_bytes"] == record["footprint_bytes"]
        assert record["how"] == "exit" and record["seconds"] >= 0 and record["at"]
        assert record["available_gain_bytes"] is not None
        assert f"{record['released_bytes'] / 1e6:.0f} MB given back by the release" in daemon.log()
        assert f"of {size(record['footprint_bytes'])}" in daemon.run("status").stdout


def test_the_model_loads_while_the_first_file_still_settles(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, intake={"stable_for": "4s"}).counting()
    with daemon.start():
        text = picture(daemon.inbox / "scan.png")
        status = daemon.wait_status(is_in("warm"), "the model is ready")
        assert status["queue"]["settling"] == 1 and status["queue"]["queued"] == 0
        daemon.wait_quiet()

        assert (daemon.outbox / "scan.txt").read_text().strip() == text and daemon.starts() == 1


def test_without_prewarm_nothing_loads_before_the_file_has_settled(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, intake={"stable_for": "1s"}, model={"prewarm": False})
    with daemon.start():
        picture(daemon.inbox / "scan.png")
        settling: list[str] = []

        def note(status: dict[str, Any]) -> bool:
            if status["queue"]["settling"] and not status["queue"]["queued"]:
                settling.append(status["model"]["state"])
            return bool(status["queue"]["done"])

        daemon.wait_status(note, "it is read")

        assert settling and set(settling) == {"cold"}


def test_an_empty_file_is_no_reason_to_load(tmp_path: Path) -> None:
    with Daemon(tmp_path).counting().start() as daemon:
        (daemon.inbox / "empty.png").touch()
        daemon.wait_status(lambda s: s["queue"]["failed"] == 1, "it is given up")

        assert daemon.starts() == 0


def test_a_model_loaded_ahead_stays_for_its_file_even_without_any_idle_time(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, intake={"stable_for": "5s"}, model={"idle_timeout": 0}).counting()
    with daemon.start():
        daemon.read_one()

        assert daemon.starts() == 1


def test_how_far_a_load_is_can_be_seen(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    daemon.fake(load_seconds=1)
    with daemon.start():
        picture(daemon.inbox / "scan.png")
        status = daemon.wait_status(lambda s: s["model"]["load"] and s["model"]["load"]["total_bytes"], "weights load")
        assert status["model"]["state"] == "loading"
        assert status["model"]["load"] == {"step": "weights", "done_bytes": 0, "total_bytes": 100}

        assert daemon.wait_status(done(1), "it is read")["model"]["load"] is None


def test_with_no_idle_time_the_model_stays_for_the_whole_queue_and_goes_with_its_last_file(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, model={"idle_timeout": 0, "prewarm": False}).counting()
    assert daemon.run("pause").returncode == 1, "nothing runs yet"
    for number in range(6):
        picture(daemon.inbox / f"{number}.png", number)
    with daemon.start():
        daemon.wait_status(lambda s: done(6)(s) and unloaded("idle")(s), "all are read and the model is gone")

        assert daemon.starts() == 1


# -- one worker, and no file is lost between two


def test_files_that_come_while_the_model_leaves_wait_for_its_end_and_are_all_read(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path).counting(unload_seconds=1)
    with daemon.start():
        first = daemon.read_one()["model"]["pid"]
        assert daemon.run("unload").returncode == 0
        daemon.wait_status(is_in("unloading"), "it leaves")
        texts = [picture(daemon.inbox / f"{number}.png", number) for number in range(3)]
        most = 0

        def look() -> bool:
            nonlocal most
            most = max(most, len(daemon.workers()))
            return done(4)(daemon.status())

        wait_for(look, "all are read")

        assert most == 1 and daemon.starts() == 2 and gone(first)
        assert [(daemon.outbox / f"{number}.txt").read_text().strip() for number in range(3)] == texts
        assert left(daemon.failed) == []


def test_the_worker_is_replaced_between_files_and_the_daemon_lives_on(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, model={"recycle_pages": 2}).counting()
    with daemon.start():
        pid = daemon.status()["daemon"]["pid"]
        for number in range(12):
            picture(daemon.inbox / f"{number}.png", number)
        daemon.wait_status(done(12), "all are read")

        assert 2 <= daemon.starts() <= 6 and daemon.status()["daemon"]["pid"] == pid  # what it had in hand came first
        assert daemon.status()["model"]["last_unload"]["reason"] == "recycle"
        # The last worker is replaced too where it has read two files; nobody starts another without work.
        assert daemon.log().count("(model.recycle_pages: 2)") in (daemon.starts() - 1, daemon.starts())


def test_the_command_unload_makes_the_model_go_after_the_page_in_hand(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    daemon.fake(read_seconds=1)
    with daemon.start():
        text = picture(daemon.inbox / "scan.png")
        daemon.wait_status(lambda s: s["current"] and s["current"]["page"], "it reads")
        assert daemon.run("unload").returncode == 0
        daemon.wait_status(lambda s: unloaded("command")(s) and done(1)(s), "it has read and gone")

        assert (daemon.outbox / "scan.txt").read_text().strip() == text


def test_the_command_unload_does_not_wait_for_a_whole_document(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    daemon.fake(read_seconds=0.5)
    with daemon.start():
        texts = document(daemon.inbox / "scan.tiff", 8)
        daemon.wait_status(lambda s: s["current"], "it reads")
        assert daemon.run("unload").returncode == 0
        first = daemon.wait_status(lambda s: s["model"]["last_unload"], "it goes")
        assert first["model"]["last_unload"]["reason"] == "command"
        daemon.wait_status(done(1), "it is read in the end")

        assert [page.strip() for page in (daemon.outbox / "scan.txt").read_text().split("\f")] == texts
        assert first["queue"]["done"] == 0, "and not only then"


# -- for ever


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_twenty_lives_of_a_model_leave_the_daemon_as_small_as_it_was(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, model={"idle_timeout": 0, "prewarm": False}).counting(hold_mb=512, work=True)
    with daemon.start():
        sizes: list[int] = []
        records = []
        for number in range(22):
            picture(daemon.inbox / f"{number}.png", number)
            status = daemon.wait_status(lambda s: done(len(sizes) + 1)(s) and unloaded("idle")(s), "read and gone")
            records.append(status["model"]["last_unload"])
            sizes.append(daemon.resident())
            assert daemon.workers() == []

        assert daemon.starts() == 22
        assert all(r["footprint_bytes"] >= 500 * MB and r["released_bytes"] >= 500 * MB for r in records)
        gains = [r["available_gain_bytes"] for r in records]
        assert max(gains) >= 400 * MB, "others use the machine meanwhile, but not each time"
        assert max(sizes[2:]) - sizes[1] <= 2 * MB, [size // 1000 for size in sizes]


def test_a_worker_killed_from_outside_is_told_in_status_and_log(tmp_path: Path) -> None:
    with Daemon(tmp_path).start() as daemon:
        pid = daemon.read_one()["model"]["pid"]
        os.kill(pid, signal.SIGKILL)
        status = daemon.wait_status(unloaded("crash"), "it is noticed")

        assert status["model"]["state"] == "cold"
        assert f"the worker (pid {pid}) died" in daemon.log()
