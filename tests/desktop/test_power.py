"""Keeping a Mac awake: exactly while pages are read, bound to this process, and never a child left behind."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from dropscribe.desktop.power import COMMAND, Power, command
from support.children import Children
from support.harness import wait_for

# Like caffeinate: lives until it is told to end, or until the process it was given has ended; writes down its start.
CAFFEINATE = """\
import os, sys, time
with open(sys.argv[1], "a") as file:
    file.write(" ".join(sys.argv[2:]) + "\\n")
while os.path.exists(f"/proc/{sys.argv[-1]}"):
    time.sleep(0.01)
"""


@pytest.fixture
def children() -> Children:
    return Children()


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    return tmp_path / "caffeinate.notes"


@pytest.fixture
def power(tmp_path: Path, notes: Path) -> Iterator[Power]:
    script = tmp_path / "caffeinate.py"
    script.write_text(CAFFEINATE)
    found = Power([sys.executable, "-IS", str(script), str(notes), *COMMAND])
    yield found
    found.close()


def test_it_is_held_while_reading_and_bound_to_this_process(power: Power, notes: Path, children: Children) -> None:
    power.reading(True)
    wait_for(notes.exists, "it starts")
    for _ in range(5):
        power.reading(True)

    assert len(children.pids) == 1
    wait_for(notes.read_text, "it says how it was started")
    assert notes.read_text() == f"caffeinate -i -w {os.getpid()}\n"


def test_it_is_let_go_when_idle_and_the_child_is_reaped(power: Power, notes: Path, children: Children) -> None:
    power.reading(True)
    wait_for(notes.exists, "it starts")
    held = children.pids[0]

    power.reading(False)

    def gone() -> bool:
        power.reading(False)
        return not psutil.pid_exists(held)

    wait_for(gone, "it ends and is reaped")


def test_it_is_taken_again_for_the_next_page(power: Power, notes: Path, children: Children) -> None:
    for _ in range(2):
        power.reading(True)
        wait_for(lambda: children.pids, "it starts")
        power.reading(False)
        wait_for(lambda: power.reading(False) or not children.pids, "it ends")

    power.reading(True)
    wait_for(lambda: children.pids, "it starts")


def test_one_that_ends_by_itself_is_reaped_and_not_fought_over(children: Children) -> None:
    power = Power(["/bin/true"])
    power.reading(True)
    wait_for(lambda: power.reading(True) or not children.pids, "it is reaped")
    power.reading(True)

    assert not children.pids
    power.close()


def test_close_leaves_nothing_behind_also_when_called_twice(power: Power, notes: Path, children: Children) -> None:
    power.reading(True)
    wait_for(notes.exists, "it starts")

    power.close()
    power.close()

    assert not children.pids


def test_the_assertion_ends_with_a_daemon_that_is_killed(tmp_path: Path, notes: Path) -> None:
    script = tmp_path / "caffeinate.py"
    script.write_text(CAFFEINATE)
    code = (
        "import os, signal, sys, time; from dropscribe.desktop.power import Power; "
        f"Power([sys.executable, '-IS', {str(script)!r}, {str(notes)!r}]).reading(True)\n"
        f"while not os.path.exists({str(notes)!r}): time.sleep(0.01)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code], check=False)

    def left() -> bool:
        found = [p for p in psutil.process_iter(["cmdline", "status"]) if str(script) in (p.info["cmdline"] or [])]
        return any(p.info["status"] != psutil.STATUS_ZOMBIE for p in found)

    wait_for(lambda: not left(), "the assertion is given up")


def test_where_there_is_no_such_program_nothing_happens(children: Children) -> None:
    missing = Power(["/there/is/no/caffeinate"])
    missing.reading(True)
    missing.reading(False)
    missing.close()

    assert not children.pids
    if sys.platform != "darwin":
        assert command() is None
