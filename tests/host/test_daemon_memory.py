"""The whole daemon: pressure, and settings that change while a model is loaded."""

import json
import sys
from pathlib import Path

import pytest

from support.fakes import picture
from support.harness import Daemon, done, left, unloaded, wait_for

MB = 10**6
PRESSED, CALM = {"max_percent": 1, "unload_on": "critical"}, {"max_percent": 100, "unload_on": "critical"}
JUMPING = [sys.executable, str(Path(__file__).parents[1] / "support" / "jumping_daemon.py")]


# -- pressure


def test_a_machine_without_room_blocks_the_model_and_it_loads_by_itself_when_there_is_room(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, memory=PRESSED).counting()
    with daemon.start():
        text = picture(daemon.inbox / "scan.png")
        status = daemon.wait_status(
            lambda s: s["model"]["state"] == "blocked" and s["queue"]["queued"], "it is blocked"
        )
        assert "memory.max_percent" in status["model"]["blocked_reason"]
        assert daemon.starts() == 0 and status["queue"]["failed"] == 0
        assert status["queue"]["paused"] and status["queue"]["paused_reason"].startswith("pressure: other programs use")
        assert "memory.max_percent" in daemon.run("status").stdout

        daemon.change(memory=CALM)
        status = daemon.wait_status(done(1), "it is read")
        assert status["model"]["blocked_reason"] is None and not status["queue"]["paused"]
        assert (daemon.outbox / "scan.txt").read_text().strip() == text


def test_a_warm_model_makes_way_under_pressure_and_comes_back_after_it(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, memory=CALM)
    with daemon.start():
        daemon.read_one()
        daemon.change(memory=PRESSED)
        daemon.wait_status(unloaded("pressure"), "it goes")
        picture(daemon.inbox / "second.png", 2)
        status = daemon.wait_status(lambda s: s["model"]["state"] == "blocked" and s["queue"]["queued"], "it waits")
        assert status["queue"]["failed"] == 0

        daemon.change(memory=CALM)
        daemon.wait_status(done(2), "it is read")


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_page_that_is_longer_than_its_grace_under_pressure_is_put_back_and_not_failed(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, memory=CALM)
    daemon.fake(read_seconds=100)
    with daemon.start():
        picture(daemon.inbox / "long.png")
        daemon.wait_status(lambda s: s["current"], "it reads")
        daemon.change(memory=PRESSED)
        status = daemon.wait_status(unloaded("pressure"), "it goes", deadline=60)
        assert status["queue"]["failed"] == 0 and left(daemon.inbox) == ["long.png"]

        daemon.wait_status(lambda s: s["queue"]["queued"] == 1 and s["model"]["state"] == "blocked", "it waits")
        daemon.change(memory=CALM)
        daemon.wait_status(lambda s: s["current"], "it is read again")
        assert "attempt" not in daemon.log()


# -- changed settings


def test_a_shorter_idle_timeout_holds_for_the_running_model(tmp_path: Path) -> None:
    with Daemon(tmp_path, model={"idle_timeout": "10m"}).start() as daemon:
        daemon.read_one()
        daemon.change(model={"idle_timeout": "1s"})

        daemon.wait_status(unloaded("idle"), "it goes")


def test_another_cache_limit_reaches_the_running_engine(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path).counting(applied=str(tmp_path / "applied"))
    with daemon.start():
        pid = daemon.read_one()["model"]["pid"]
        daemon.change(model={"cache_limit": "64MB"})
        wait_for((tmp_path / "applied").exists, "the engine hears of it")

        assert json.loads((tmp_path / "applied").read_text())["model"]["cache_limit"] == 64 * MB
        assert daemon.status()["model"]["pid"] == pid and daemon.starts() == 1


def test_other_engine_settings_load_the_model_anew_when_it_is_wanted(tmp_path: Path) -> None:
    with Daemon(tmp_path).counting().start() as daemon:
        pid = daemon.read_one()["model"]["pid"]
        daemon.change(engine={"vision_precision": "float32"})
        daemon.wait_status(unloaded("settings"), "it goes")

        assert daemon.read_one("second.png", 2)["model"]["pid"] != pid and daemon.starts() == 2


def test_what_a_model_needed_is_remembered_under_its_own_name(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, engine={"name": "deepseek-ocr", "model": "some/small"})
    daemon.fake(hold_mb=50)
    with daemon.start():
        daemon.read_one()
        daemon.change(engine={"model": "some/large"})
        daemon.wait_status(unloaded("settings"), "it goes")
    daemon.stop()

    assert daemon.peaks("deepseek-ocr some/large with cross-check") == []
    assert len(daemon.peaks("deepseek-ocr some/small with cross-check")) == 1


def test_what_a_model_needed_is_remembered_when_the_daemon_stops_too(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    daemon.fake(hold_mb=50)
    picture(daemon.inbox / "scan.png")
    assert daemon.once() == 0

    (peak,) = daemon.peaks("rapidocr")
    assert peak > 50 * MB
