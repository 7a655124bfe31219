"""Runs of hooks: commands that hang, fail, fork, print without end or do not listen."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from dropscribe.service import hook_process
from dropscribe.service.hook_process import HookProcess, Result
from support.harness import gone, wait_for

Run = Callable[..., Result]


def program(*lines: str) -> list[str]:
    """Return a command that runs these lines of Python."""
    return [sys.executable, "-c", "\n".join(lines)]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def to_the_end(command: list[str], timeout: float = 30, told: bytes = b"{}") -> Result:
        over = threading.Event()
        process = HookProcess(command, told, os.environ, str(tmp_path), timeout, over.set, grace=0.2)
        assert over.wait(30) and process.result is not None
        return process.result

    return to_the_end


def test_it_runs_in_the_folder_and_is_told_everything(run: Run, tmp_path: Path) -> None:
    told = b"x" * 3_000_000  # more than a pipe holds
    result = run(program("import sys", "open('told', 'wb').write(sys.stdin.buffer.read())"), told=told)

    assert result.ok and not result.message
    assert (tmp_path / "told").read_bytes() == told


def test_its_exit_code_and_last_line_of_error_are_told(run: Run) -> None:
    result = run(program("import sys", "print('out')", "sys.stderr.write('one\\ntwo\\x1b[2J')", "sys.exit(7)"))

    assert result.exit == 7 and result.message == "two\\x1b[2J" and not result.ok


def test_one_that_does_not_listen_ends_all_the_same(run: Run) -> None:
    assert run(program("pass"), told=b"x" * 3_000_000).ok


@pytest.mark.parametrize("command", [["/does/not/exist"], ["/"], ["bad\0name"]])
def test_one_that_cannot_begin_is_told(run: Run, command: list[str]) -> None:
    result = run(command)

    assert result.exit is None and "cannot be run" in result.message


def test_what_it_prints_without_end_costs_nothing(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    before = psutil.Process().memory_info().rss
    with caplog.at_level("INFO", "dropscribe"):
        result = run(program("import sys", "for _ in range(400): sys.stdout.write('x' * 100000 + '\\ny' * 1000)"))

    assert result.ok
    assert psutil.Process().memory_info().rss - before < 20_000_000
    assert len([record for record in caplog.records if "hook:" in record.message]) <= hook_process.MOST_LINES + 1
    assert all(len(record.message) < 2 * hook_process.LONGEST_LINE for record in caplog.records)


def test_one_that_hangs_is_ended_with_all_that_it_has_started(run: Run, tmp_path: Path) -> None:
    lines = (
        "import os, signal, sys, time",
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
        "child = os.fork()",
        "if child: open('child', 'w').write(str(child))",
        "time.sleep(600)",
    )
    result = run(program(*lines), timeout=2)

    assert result.exit == 128 + signal.SIGKILL and "hooks.timeout" in result.message
    child = int((tmp_path / "child").read_text())
    wait_for(lambda: gone(child), "the hook's own child ends")


def test_what_it_leaves_running_holds_nothing_up(run: Run, tmp_path: Path) -> None:
    result = run(program("import os, time", "if os.fork() == 0: time.sleep(600)", "open('ended', 'w')"))

    assert result.ok
    for process in psutil.process_iter(["cmdline"]):
        if process.info["cmdline"] and "if os.fork() == 0: time.sleep(600)" in process.info["cmdline"][-1]:
            process.kill()


def test_a_stop_ends_it_at_once_and_says_so(tmp_path: Path) -> None:
    command = program("import time", "open('begun', 'w').close()", "time.sleep(600)")
    process = HookProcess(command, b"{}", os.environ, str(tmp_path), 30, lambda: None)
    wait_for(lambda: (tmp_path / "begun").exists(), "the hook begins")

    process.stop()

    assert process.result is not None and process.result.stopped
