"""The whole daemon: workers that do not do what they should, and its own end."""

import os
import signal
import sys
from pathlib import Path

import pytest

from support.fakes import picture
from support.harness import Daemon, done, gone, is_in, left, unloaded, wait_for

MB = 10**6
PRESSED, CALM = {"max_percent": 1, "unload_on": "critical"}, {"max_percent": 100, "unload_on": "critical"}
JUMPING = [sys.executable, str(Path(__file__).parents[1] / "support" / "jumping_daemon.py")]


# -- a worker that does not do what it should


def test_an_engine_that_cannot_load_pauses_the_queue_with_its_reason_until_the_settings_are_mended(
    tmp_path: Path,
) -> None:
    (tmp_path / "fault").touch()
    daemon = Daemon(tmp_path).counting(unable="engine-unavailable", only_if=str(tmp_path / "fault"))
    with daemon.start():
        text = picture(daemon.inbox / "scan.png")
        status = daemon.wait_status(lambda s: s["queue"]["paused"], "the queue pauses")
        assert status["queue"]["paused_reason"].startswith("engine-unavailable: ")
        daemon.wait_status(lambda s: daemon.starts() == 2, "it is tried once more")
        assert daemon.status()["queue"]["failed"] == 0 and left(daemon.inbox) == ["scan.png"]
        log = daemon.log()
        assert "next try in 5 s" in log and "next try in 10 s" in log

        (tmp_path / "fault").unlink()
        daemon.change(engine={"vision_precision": "float32"})
        status = daemon.wait_status(done(1), "it is read")
        assert not status["queue"]["paused"] and daemon.starts() == 3
        assert (daemon.outbox / "scan.txt").read_text().strip() == text


def test_a_worker_that_dies_while_loading_is_followed_by_another_and_no_file_is_blamed(tmp_path: Path) -> None:
    (tmp_path / "fault").touch()
    daemon = Daemon(tmp_path).counting(die_loading=True, only_if=str(tmp_path / "fault"))
    with daemon.start():
        picture(daemon.inbox / "scan.png")
        status = daemon.wait_status(is_in("blocked"), "the load has failed")
        assert "died while loading" in status["model"]["blocked_reason"]
        assert status["model"]["last_unload"]["reason"] == "crash"
        (tmp_path / "fault").unlink()
        daemon.wait_status(done(1), "it is read")

        assert daemon.starts() == 2 and "attempt" not in daemon.log()


@pytest.mark.parametrize("idle_timeout", ["5m", 0])
def test_a_fault_that_is_over_by_itself_lets_the_queue_go_on(tmp_path: Path, idle_timeout: str | int) -> None:
    (tmp_path / "fault").touch()
    daemon = Daemon(tmp_path, model={"idle_timeout": idle_timeout, "prewarm": False})
    daemon.counting(unable="model-missing", only_if=str(tmp_path / "fault"))
    with daemon.start():
        picture(daemon.inbox / "scan.png")
        daemon.wait_status(lambda s: s["queue"]["paused"], "the queue pauses")
        (tmp_path / "fault").unlink()
        status = daemon.wait_status(lambda s: done(1)(s) or daemon.starts() > 3, "it goes on, or in a circle")

        assert status["queue"]["done"] == 1 and daemon.starts() == 2


def test_a_worker_that_prints_without_end_while_loading_disturbs_nothing(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    daemon.fake(noise=8)
    with daemon.start():
        daemon.read_one()

        assert len(daemon.log()) < 100_000


def test_the_steps_against_a_worker_that_does_not_leave_are_recorded(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, model={"shutdown_grace": "300ms"})
    daemon.fake(unload_seconds=600)
    with daemon.start():
        pid = daemon.read_one()["model"]["pid"]
        assert daemon.run("unload").returncode == 0
        status = daemon.wait_status(unloaded("command"), "it goes")

        assert gone(pid) and status["model"]["last_unload"]["how"] == "term"
        assert f"the worker (pid {pid}) does not leave by itself: SIGTERM" in daemon.log()
        daemon.read_one("second.png", 2)


@pytest.mark.slow
def test_a_worker_that_ignores_sigterm_is_killed_and_the_queue_goes_on(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, model={"shutdown_grace": "300ms"}, engine={"page_timeout": "500ms", "attempts": 1})
    daemon.fake(ignore_term=True)
    with daemon.start():
        picture(daemon.inbox / "stuck.png", deed="hang")
        pid = daemon.wait_status(lambda s: s["current"], "it hangs")["model"]["pid"]
        text = picture(daemon.inbox / "good.png")
        status = daemon.wait_status(done(1), "the other one is read", deadline=45)

        assert gone(pid) and status["model"]["last_unload"]["how"] == "kill"
        assert (daemon.outbox / "good.txt").read_text().strip() == text
        assert "reason: engine-timeout" in (daemon.failed / "stuck.png.error.txt").read_text()


def test_a_worker_that_does_not_even_begin_with_a_file_costs_it_an_attempt_and_no_more(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, intake={"decode_timeout": "500ms"})
    with daemon.start():
        pid = daemon.read_one()["model"]["pid"]
        os.kill(pid, signal.SIGSTOP)
        text = picture(daemon.inbox / "innocent.png", 1)
        daemon.wait_quiet()

        assert (daemon.outbox / "innocent.txt").read_text().strip() == text
        assert "innocent.png: attempt 1 failed (engine-timeout): The engine did not begin" in daemon.log()


# -- the end of the daemon


def test_a_stop_lets_the_page_in_hand_be_finished_within_the_grace(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, model={"shutdown_grace": "20s"})
    daemon.fake(read_seconds=1, grandchild=str(tmp_path / "grandchild"))
    daemon.start()
    text = picture(daemon.inbox / "scan.png")
    picture(daemon.inbox / "second.png", 2)
    pid = daemon.wait_status(lambda s: s["current"] and s["current"]["page"], "it reads")["model"]["pid"]
    assert daemon.stop() == 0

    assert gone(pid) and gone(int((tmp_path / "grandchild").read_text()))
    (name,) = left(daemon.outbox)
    assert left(daemon.archive) == [name.replace(".txt", ".png")]
    assert text in (daemon.outbox / name).read_text() or name == "second.txt"
    assert len(left(daemon.inbox)) == 1 and left(daemon.failed) == []


@pytest.mark.parametrize("moment", ["loading", "warm", "unloading"])
def test_a_stop_in_any_state_leaves_no_process_behind(tmp_path: Path, moment: str) -> None:
    daemon = Daemon(tmp_path, model={"shutdown_grace": "2s"})
    daemon.fake(load_seconds=60 if moment == "loading" else 0, unload_seconds=0.5 if moment == "unloading" else 0)
    daemon.start()
    picture(daemon.inbox / "scan.png")
    if moment == "unloading":
        daemon.wait_status(done(1), "it is read")
        daemon.ask("unload")
    pid = daemon.wait_status(is_in(moment), "it is there")["model"]["pid"]
    assert daemon.stop() == 0

    assert gone(pid) and left(daemon.failed) == []
    assert not (daemon.state / "worker.json").exists()


def test_a_stopping_daemon_answers_while_its_worker_is_slow_to_let_go(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, model={"shutdown_grace": "20s"})
    daemon.fake(unload_seconds=1)
    daemon.start()
    daemon.read_one()
    assert daemon.process is not None
    daemon.process.send_signal(signal.SIGTERM)
    status = daemon.wait_status(is_in("unloading"), "it says that it unloads")

    assert status["model"]["last_unload"]["reason"] == "stop"
    assert daemon.stop() == 0


@pytest.mark.slow
@pytest.mark.timeout(90)
def test_a_stop_ends_a_worker_that_hangs_and_ignores_everything_with_all_it_started(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, model={"shutdown_grace": "300ms"})
    daemon.fake(ignore_term=True, grandchild=str(tmp_path / "grandchild"))
    daemon.start()
    picture(daemon.inbox / "stuck.png", deed="hang")
    pid = daemon.wait_status(lambda s: s["current"], "it hangs")["model"]["pid"]
    assert daemon.stop() == 0

    assert gone(pid) and gone(int((tmp_path / "grandchild").read_text()))
    assert left(daemon.inbox) == ["stuck.png"] and left(daemon.failed) == []


def test_what_a_killed_daemon_left_behind_is_ended_by_the_next_one(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    daemon.fake(grandchild=str(tmp_path / "grandchild"))
    daemon.start()
    pid = daemon.read_one()["model"]["pid"]
    orphan = int((tmp_path / "grandchild").read_text())
    daemon.kill()
    wait_for(lambda: gone(pid), "the worker ends with its daemon")

    with daemon.start():
        wait_for(lambda: gone(orphan), "what it started is ended")
        assert not (daemon.state / "worker.json").exists()


def test_after_a_sleep_of_the_machine_the_folder_is_looked_at_and_an_idle_model_goes(tmp_path: Path) -> None:
    daemon = Daemon(
        tmp_path, JUMPING, model={"idle_timeout": "10m"}, intake={"rescan_interval": "1h", "stable_for": "100ms"}
    )
    daemon.environment["DROPSCRIBE_AHEAD"] = str(tmp_path / "ahead")
    with daemon.start():
        daemon.read_one()
        assert 500 < daemon.status()["model"]["unload_in_seconds"] <= 600
        (tmp_path / "ahead.part").write_text("3600")
        (tmp_path / "ahead.part").rename(tmp_path / "ahead")
        daemon.wait_status(unloaded("idle"), "it goes")

        assert "looking at everything again" in daemon.log()
