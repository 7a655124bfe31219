"""A daemon that lives long: file handles run out, streams close, others move its log and send it signals."""

import os
import resource
import signal
import subprocess
from pathlib import Path
from typing import Any

import psutil
import pytest

from support.fakes import picture
from support.harness import FAKE_DAEMON, Daemon, gone, left, wait_for

pytestmark = pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits of another process: Linux only")


def leave_handles(daemon: Daemon, spare: int) -> tuple[int, int]:
    """Leave the daemon *spare* new file handles below the highest that it uses; return its former limit."""
    assert daemon.process is not None
    pid = daemon.process.pid
    used = sorted(int(name) for name in os.listdir(f"/proc/{pid}/fd"))
    free = [number for number in range(used[-1] + spare + 2) if number not in used]
    return resource.prlimit(
        pid, resource.RLIMIT_NOFILE, (free[spare], resource.prlimit(pid, resource.RLIMIT_NOFILE)[1])
    )


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("spare", range(5))
def test_without_free_file_handles_the_daemon_lives_and_no_file_fails(tmp_path: Path, spare: int) -> None:
    daemon = Daemon(tmp_path, model={"idle_timeout": 0})
    with daemon.start():
        daemon.read_one("first.png")
        daemon.wait_status(lambda s: s["model"]["pid"] is None, "the model is unloaded")
        before = leave_handles(daemon, spare)
        texts = [picture(daemon.inbox / f"{n}.png", n) for n in range(1, 4)]
        wait_for(lambda: "Too many open files" in daemon.log(), "the shortage is met")
        wait_for(lambda: rests(daemon), "it rests in the shortage")
        assert daemon.process is not None
        resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, before)
        assert not daemon.ended(), (tmp_path / "stderr").read_text()
        daemon.wait_quiet(60)

        assert [(daemon.outbox / f"{n}.txt").read_text().strip() for n in range(1, 4)] == texts
        assert left(daemon.failed) == []
        assert daemon.log().count("Too many open files") < 30


def rests(daemon: Daemon) -> bool:
    """Say whether a daemon that lives takes less than half of a processor."""
    assert daemon.process is not None and daemon.process.poll() is None
    return psutil.Process(daemon.process.pid).cpu_percent(0.5) < 50


def start_without_streams(daemon: Daemon) -> "subprocess.Popen[Any]":
    """Start the daemon as a shell does with `<&- >&- 2>&-`."""
    line = 'exec "$@" <&- >&- 2>&-'
    command = ["sh", "-c", line, "sh", *FAKE_DAEMON, "run", "--config", str(daemon.config)]
    return subprocess.Popen(command, env=os.environ | daemon.environment)


def test_closed_standard_streams_are_no_reason_to_exit(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    daemon.process = start_without_streams(daemon)
    with daemon:
        wait_for(lambda: daemon.ended() or daemon.try_status(), "the daemon answers")
        text = picture(daemon.inbox / "scan.png")
        daemon.wait_quiet()

        assert (daemon.outbox / "scan.txt").read_text().strip() == text
        for number in range(3):
            assert os.readlink(f"/proc/{daemon.process.pid}/fd/{number}") == "/dev/null"
    assert daemon.process.returncode == 0


def test_a_reader_that_closes_the_streams_later_does_not_end_the_daemon(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    command = [*FAKE_DAEMON, "run", "--config", str(daemon.config)]
    with subprocess.Popen(
        command, env=os.environ | daemon.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        daemon.process = process  # type: ignore[assignment]  # its streams are not read as text
        with daemon:
            wait_for(daemon.try_status, "the daemon answers")
            assert process.stdout is not None
            process.stdout.close()
            daemon.read_one()


def test_signals_of_others_do_not_end_the_daemon_nor_its_worker(tmp_path: Path) -> None:
    with Daemon(tmp_path).start() as daemon:
        worker = daemon.read_one("first.png")["model"]["pid"]
        for pid in (daemon.process.pid if daemon.process else 0, worker):
            for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP):
                os.kill(pid, number)
        daemon.read_one("second.png", 2)

        assert not gone(worker)


@pytest.mark.parametrize("told", [True, False])
def test_a_log_that_was_moved_away_is_opened_anew(tmp_path: Path, told: bool) -> None:
    with Daemon(tmp_path).start() as daemon:
        log = tmp_path / "log" / "dropscribe.log"
        log.rename(tmp_path / "rotated")
        if told:
            assert daemon.process is not None
            daemon.process.send_signal(signal.SIGHUP)
            wait_for(log.exists, "the log is there again without a line to write")
        daemon.read_one()

        assert "scan.png: 1 page" in log.read_text()
        assert "scan.png" not in (tmp_path / "rotated").read_text()


def test_a_log_whose_folder_was_removed_is_written_again(tmp_path: Path) -> None:
    with Daemon(tmp_path).start() as daemon:
        log = tmp_path / "log" / "dropscribe.log"
        log.unlink()
        log.parent.rmdir()
        daemon.read_one()

        assert "scan.png: 1 page" in log.read_text()
        assert log.parent.stat().st_mode & 0o777 == 0o700
