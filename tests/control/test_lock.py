"""One daemon per state folder; the second is told who holds it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import dropscribe
from dropscribe.control.lock import StateLock, holder
from dropscribe.core.errors import UsageError

HOLD = """
import sys
from dropscribe.control.lock import StateLock
lock = StateLock(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


def another_daemon(state: Path) -> "subprocess.Popen[str]":
    """Start a process that holds the lock, and wait until it does."""
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(state)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(dropscribe.__file__).parents[1])},
    )  # fmt: skip
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    return child


def test_a_second_one_is_refused_and_told_the_pid_of_the_first(tmp_path: Path) -> None:
    with another_daemon(tmp_path) as child:
        assert holder(str(tmp_path)) == child.pid
        with pytest.raises(UsageError) as caught:
            StateLock(str(tmp_path))
        child.communicate()

    assert caught.value.exit_code == 2
    assert f"pid {child.pid}" in caught.value.what and str(tmp_path) in caught.value.what
    assert caught.value.remedy


def test_a_killed_daemon_holds_nothing(tmp_path: Path) -> None:
    with another_daemon(tmp_path) as child:
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.communicate()

    assert holder(str(tmp_path)) is None
    StateLock(str(tmp_path)).close()


def test_the_lock_ends_with_close_which_may_be_repeated(tmp_path: Path) -> None:
    lock = StateLock(str(tmp_path))
    assert holder(str(tmp_path)) == os.getpid()

    lock.close()
    lock.close()

    assert holder(str(tmp_path)) is None
    StateLock(str(tmp_path)).close()


def test_children_of_the_daemon_do_not_inherit_it(tmp_path: Path) -> None:
    lock = StateLock(str(tmp_path))
    code = "print('up', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, close_fds=False
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"up\n"
        lock.close()

        assert holder(str(tmp_path)) is None
        child.communicate(b"\n")


def test_a_shorter_pid_leaves_no_digits_of_a_longer_one(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("99999999999999\n")

    lock = StateLock(str(tmp_path))

    assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"
    lock.close()


def test_the_state_folder_is_made_for_its_owner_only(tmp_path: Path) -> None:
    lock = StateLock(str(tmp_path / "a" / "state"))

    assert os.stat(tmp_path / "a" / "state").st_mode & 0o777 == 0o700
    assert os.stat(tmp_path / "a" / "state" / "lock").st_mode & 0o777 == 0o600
    lock.close()


def test_nobody_holds_what_is_not_there_and_looking_makes_nothing(tmp_path: Path) -> None:
    assert holder(str(tmp_path / "none")) is None
    assert holder(str(tmp_path)) is None
    assert list(tmp_path.iterdir()) == []


def test_a_holder_that_has_not_said_who_it_is_does_not_break_the_look(tmp_path: Path) -> None:
    lock = StateLock(str(tmp_path))
    (tmp_path / "lock").write_bytes(b"\xff half")

    assert holder(str(tmp_path)) is None
    with pytest.raises(UsageError):
        StateLock(str(tmp_path))
    lock.close()
