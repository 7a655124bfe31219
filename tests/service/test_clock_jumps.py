"""A wall clock that jumps, forward as after a sleep or back as when it is set, neither ends nor prolongs a wait."""

import glob
from pathlib import Path

import pytest

from support.fakes import picture
from support.harness import Daemon, left, waits

LIBRARIES = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
pytestmark = pytest.mark.skipif(not LIBRARIES, reason="libfaketime is not installed")


def jump(daemon: Daemon, seconds: int) -> None:
    """Set the daemon's wall clock so far from the true one; the monotonic clock goes on."""
    staged = daemon.root / "clock.new"
    staged.write_text(f"{seconds:+d}")
    staged.rename(daemon.root / "clock")


def with_a_clock_of_its_own(root: Path, timeout: str) -> Daemon:
    daemon = Daemon(root, intake={"incomplete_timeout": timeout})
    jump(daemon, 0)
    daemon.environment |= {
        "LD_PRELOAD": LIBRARIES[0], "FAKETIME_TIMESTAMP_FILE": str(root / "clock"), "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1",
    }  # fmt: skip
    return daemon


def cut_off(path: Path) -> None:
    """Write a picture whose end is missing."""
    picture(path.with_name(".whole.png"), size=(400, 400))
    path.write_bytes(path.with_name(".whole.png").read_bytes()[:-200])


def test_a_jump_forward_does_not_end_the_wait_for_the_rest_of_a_file(tmp_path: Path) -> None:
    with with_a_clock_of_its_own(tmp_path, "1h").start() as daemon:
        daemon.ask("pause")
        cut_off(daemon.inbox / "scan.png")
        daemon.wait_status(lambda s: s["queue"]["queued"] == 1, "it is queued")
        jump(daemon, 2 * 3600)
        daemon.wait_status(lambda s: "the clock jumped" in daemon.log(), "the jump is seen")
        daemon.ask("resume")

        waiting = waits("scan.png", "incomplete")
        status = daemon.wait_status(lambda s: waiting(s) or s["queue"]["failed"], "it is read, and waits")
        assert status["queue"]["failed"] == 0
        assert left(daemon.inbox) == ["scan.png"]


def test_a_jump_back_does_not_read_a_file_again_and_again(tmp_path: Path) -> None:
    with with_a_clock_of_its_own(tmp_path, "8s").start() as daemon:
        daemon.read_one("first.png")  # the model is there: the next file is read well within the time
        cut_off(daemon.inbox / "scan.png")
        waiting = waits("scan.png", "incomplete")
        daemon.wait_status(waiting, "it waits for its rest")
        jump(daemon, -3600)
        daemon.wait_status(lambda s: "the clock jumped" in daemon.log(), "the jump is seen")

        daemon.wait_status(lambda s: s["queue"]["failed"] == 1, "it fails when its time is over")
        assert left(daemon.failed) == ["scan.png", "scan.png.error.txt"]
        assert daemon.log().count("seems not whole yet") == 1
