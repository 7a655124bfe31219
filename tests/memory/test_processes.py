"""Promises about our processes: found by their command line, ended by pid and start time, told in plain words."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from dropscribe.memory import processes
from dropscribe.memory.processes import Leftover
from dropscribe.memory.values import Figures

MARKER = "dropscribe_leftover_stand_in"
POLITE = "print('here', flush=True)\nimport signal\nsignal.pause()\n"
STUBBORN = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + POLITE
PARENT = (
    "import subprocess, sys\n"
    "subprocess.Popen([sys.executable, '-c', 'import signal; signal.signal(15, signal.SIG_IGN);"
    ' print("here", flush=True); signal.pause()\'])\n'
    "import signal\nsignal.pause()\n"
)
Start = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start `python -m MARKER` with this code and wait until it is there."""
    running: list[subprocess.Popen[str]] = []

    def begin(code: str) -> "subprocess.Popen[str]":
        (tmp_path / f"{MARKER}.py").write_text(code)
        command = [sys.executable, "-B", "-m", MARKER, "7"]
        child = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, cwd=tmp_path, process_group=0, stdin=subprocess.DEVNULL
        )
        running.append(child)
        assert child.stdout is not None and child.stdout.readline() == "here\n"
        return child

    yield begin
    for child in running:
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        child.wait()
        assert child.stdout is not None
        child.stdout.close()


def test_a_worker_is_found_by_its_module_with_parent_start_and_footprint(start: Start):
    child = start(POLITE)

    [found] = processes.worker_processes(MARKER)

    assert (found.pid, found.parent_pid) == (child.pid, os.getpid())
    assert found.started == pytest.approx(time.time(), abs=60)
    assert found.footprint_bytes is not None and 10**6 < found.footprint_bytes < 10**9


def test_other_modules_and_mere_mentions_are_not_found(start: Start):
    start(POLITE)

    assert processes.worker_processes(MARKER + "_else") == []
    assert processes.worker_processes("7") == []


def test_a_worker_that_heeds_sigterm_ends_by_it(start: Start):
    child = start(POLITE)

    assert processes.end(child.pid, psutil.Process(child.pid).create_time())
    assert child.wait() == -signal.SIGTERM


def test_a_worker_that_ignores_sigterm_is_killed(start: Start):
    child = start(STUBBORN)

    assert processes.end(child.pid, psutil.Process(child.pid).create_time(), grace=0.2)
    assert child.wait() == -signal.SIGKILL


def test_a_process_that_began_at_another_time_is_never_touched(start: Start):
    child = start(POLITE)

    assert processes.end(child.pid, psutil.Process(child.pid).create_time() - 5)
    assert child.poll() is None


def test_what_the_worker_started_ends_with_it(start: Start):
    child = start(PARENT)
    [grandchild] = psutil.Process(child.pid).children()

    assert processes.end(child.pid, psutil.Process(child.pid).create_time())
    assert not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE


def test_ending_what_has_ended_is_no_fault(start: Start):
    child = start(POLITE)
    started = psutil.Process(child.pid).create_time()
    child.kill()
    child.wait()

    assert processes.end(child.pid, started)


def test_the_report_holds_the_machine_and_our_processes(start: Start):
    child = start(POLITE)

    report = processes.memory_report(MARKER)

    assert 0 < report.available_bytes <= report.total_bytes
    assert 0 <= report.percent <= 100
    assert report.pressure in ("normal", "warn", "critical", "unknown")
    assert [worker.pid for worker in report.workers] == [child.pid]
    assert os.getpid() not in [process.pid for process in report.others]
    assert any(f"Worker {child.pid} uses" in sentence for sentence in report.advice)


@pytest.mark.parametrize(
    ("line", "is_ours"),
    [
        (["/venv/bin/python", "-m", "dropscribe", "run"], True),
        (["/venv/bin/python3.11", "/venv/bin/dropscribe", "run"], True),
        (["/venv/bin/python", "-m", "dropscribe.worker.main", "5"], False),
        (["vim", "dropscribe"], False),
        (["python", "-c", "dropscribe"], False),
        ([], False),
    ],
)
def test_our_command_is_known_by_its_command_line(line: list[str], is_ours: bool):
    assert processes._runs_program(line) is is_ours


def advice(
    pressure: str = "normal",
    wired: int | None = 0,
    swap: int | None = 0,
    workers: tuple[Leftover, ...] = (),
    *,
    platform: str = "darwin",
) -> str:
    figures = Figures(8 * 10**9, wired, 0, 0, swap)
    return "\n".join(processes.advice(figures, pressure, workers, platform))


def test_what_does_not_help_is_always_said():
    assert "sudo purge does not help" in advice()
    assert "drop_caches does not help" in advice(platform="linux")
    assert advice().endswith("Dropscribe does nothing with sudo.")


@pytest.mark.parametrize("pressure", ["warn", "critical"])
def test_under_pressure_the_first_sentence_says_what_helps(pressure: str):
    assert advice(pressure).startswith(f"Memory is short (pressure: {pressure}). Closing a large program helps")


def test_a_worker_is_told_with_the_way_to_get_its_memory_back():
    told = advice(workers=(Leftover(7, 1, 3 * 10**9, 0.0), Leftover(8, 99, None, 0.0)))

    assert "Worker 7 uses 3.0 GB and its daemon is gone. End it with: kill 7" in told
    assert "Worker 8 uses an unknown amount. dropscribe unload (with the --config of its daemon, pid 99) ends" in told


@pytest.mark.parametrize(("wired", "told"), [(4 * 10**9, False), (4 * 10**9 + 1, True), (None, False)])
def test_much_wired_memory_is_explained(wired: int | None, told: bool):
    assert ("are wired" in advice(wired=wired)) is told


@pytest.mark.parametrize(("swap", "told"), [(0, False), (None, False), (5 * 10**6, True)])
def test_swap_in_use_is_explained_as_no_fault(swap: int | None, told: bool):
    assert ("5 MB of swap are in use. That alone is no fault" in advice(swap=swap)) is told


def test_an_unknown_pressure_is_admitted():
    assert "does not tell its memory pressure" in advice("unknown")
