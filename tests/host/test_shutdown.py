"""The end of a worker: asked, then SIGTERM, then SIGKILL; with all it started; and its memory proven back."""

import json
import logging
import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from dropscribe.host.process import COMMAND, WorkerProcess, end_leftover
from dropscribe.host.shutdown import ReclaimWatch
from dropscribe.host.states import ModelState
from dropscribe.host.values import Died, Finished, Unload
from support.host_driver import Desk, lives

MB = 10**6
HELD = 200
DECODER = 120 * MB  # a decoder is there beside the engine, and goes with it


def grandchild(desk: Desk) -> int:
    """Return the pid of what the engine of *desk* started."""
    return int((desk.root / "grandchild").read_text())


def steps(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the signals that the log tells of."""
    said = [r.getMessage() for r in caplog.records if "does not leave by itself" in r.getMessage()]
    return [text.rsplit(" ", 1)[1] for text in said]


@pytest.fixture(autouse=True)
def everything_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="dropscribe")


def test_an_unload_is_a_release_then_an_exit_and_both_are_measured(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Desk(tmp_path, {"hold_mb": HELD, "work": True}) as desk:
        pid = desk.load()
        desk.read()
        desk.host.unload("command", desk.now)
        peak = desk.gone().peak_bytes
        unload = desk.unload
        desk.pass_time(12)

        assert not lives(pid)
        assert unload.footprint_bytes is not None and unload.footprint_bytes > HELD * MB
        assert unload.released_bytes is not None and HELD * MB * 0.95 < unload.released_bytes < HELD * MB + DECODER
        assert unload.residue_bytes is not None and 0 < unload.residue_bytes < 100 * MB
        assert unload.released_bytes + unload.residue_bytes == unload.footprint_bytes
        assert unload.available_gain_bytes is not None
        assert (unload.reason, unload.how) == ("command", "exit") and unload.seconds is not None
        assert peak is not None and peak >= HELD * MB
    assert steps(caplog) == []
    assert any("given back by the release" in record.getMessage() for record in caplog.records)


def test_memory_that_only_the_end_of_the_process_returns_is_told_as_residue(tmp_path: Path) -> None:
    with Desk(tmp_path, {"hold_mb": HELD}) as desk:
        desk.load()
        os.kill(desk.pid, signal.SIGSTOP)
        desk.host.unload("command", desk.now)
        desk.pass_time(60)
        desk.gone()

        assert desk.unload.released_bytes is None
        assert desk.unload.residue_bytes == desk.unload.footprint_bytes
        assert desk.unload.how == "kill"


def test_a_worker_that_hangs_in_its_release_is_ended_by_sigterm_after_its_grace(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Desk(tmp_path, {"unload_seconds": 600}, model={"shutdown_grace": "7s"}) as desk:
        pid = desk.load()
        desk.host.unload("command", desk.now)
        desk.pass_time(6)
        assert lives(pid) and steps(caplog) == []
        desk.pass_time(2)
        desk.gone()

        assert not lives(pid)
        assert desk.unload.how == "term" and steps(caplog) == ["SIGTERM"]


def test_a_worker_that_ignores_sigterm_too_is_killed_ten_seconds_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Desk(tmp_path, {"unload_seconds": 600, "ignore_term": True}, model={"shutdown_grace": "7s"}) as desk:
        pid = desk.load()
        desk.host.unload("command", desk.now)
        desk.pass_time(8)
        desk.pass_time(8)
        assert lives(pid) and steps(caplog) == ["SIGTERM"]
        desk.pass_time(3)
        desk.gone()

        assert not lives(pid)
        assert desk.unload.how == "kill" and steps(caplog) == ["SIGTERM", "SIGKILL"]
        assert desk.unload.seconds is not None and desk.unload.seconds >= 17


def test_a_worker_that_hangs_in_native_code_is_ended_when_its_time_is_up(tmp_path: Path) -> None:
    with Desk(tmp_path, {"ignore_term": True}, engine={"page_timeout": "30s"}) as desk:
        pid = desk.load()
        desk.begin("hang")
        desk.pass_time(33)
        assert desk.host.state is ModelState.BUSY, "the limit has a margin"
        desk.pass_time(4)
        (death,) = desk.happened(Died)
        assert death.reason == "engine-timeout" and "engine.page_timeout" in death.detail
        desk.pass_time(12)
        desk.gone()

        assert not lives(pid) and desk.unload.how == "kill"


def test_a_reading_that_does_not_stop_when_asked_is_ended_and_comes_back_as_stopped(tmp_path: Path) -> None:
    with Desk(tmp_path) as desk:
        desk.load()
        desk.begin("hang")
        desk.host.stop_reading(desk.now)
        desk.pass_time(8)
        assert desk.host.busy
        desk.pass_time(4)
        desk.gone()

        assert [event.outcome.end for event in desk.happened(Finished)] == ["stopped"]
        assert desk.happened(Died) == []


@pytest.mark.parametrize("end", ["unload", "kill", "close", "hang"])
def test_what_the_worker_started_ends_with_it(tmp_path: Path, end: str) -> None:
    with Desk(tmp_path, {"grandchild": str(tmp_path / "grandchild"), "ignore_term": end == "hang"}) as desk:
        pid = desk.load()
        assert lives(grandchild(desk))
        if end == "unload":
            desk.host.unload("command", desk.now)
        elif end == "kill":
            os.kill(pid, signal.SIGKILL)
        elif end == "hang":
            desk.begin("hang")
            desk.pass_time(400)
            desk.pass_time(12)
        else:
            desk.host.close()

        desk.until(lambda: not lives(grandchild(desk)), "the grandchild is gone")
        desk.until(lambda: desk.host.stats is None, "the worker is gone")
        assert not lives(pid)


def test_the_memory_of_what_the_worker_started_counts_as_its_own(tmp_path: Path) -> None:
    with Desk(tmp_path, {"grandchild": str(tmp_path / "grandchild")}) as desk:
        pid = desk.load()
        desk.until(lambda: psutil.Process(grandchild(desk)).memory_info().rss > 5 * MB, "the grandchild runs")
        desk.pass_time(2)

        assert desk.host.stats is not None and desk.host.stats.footprint is not None
        alone = psutil.Process(pid).memory_full_info().pss
        assert desk.host.stats.footprint > alone + MB


def test_a_worker_that_fills_its_outputs_is_not_held_up_and_its_last_line_is_kept_for_the_log(tmp_path: Path) -> None:
    """Neither pipe nor protocol: stdout goes nowhere, stderr into a file that begins anew with each worker."""
    with Desk(tmp_path, {"noise": 8}) as desk:
        desk.load()
        desk.read("loud")
        os.kill(desk.pid, signal.SIGKILL)
        desk.gone()
        noise = tmp_path / "state" / "worker.log"
        assert noise.stat().st_size >= 8 * MB

        desk.pass_time(10)
        desk.host.ensure_ready(desk.now)
        assert noise.stat().st_size < MB


def test_a_dying_worker_leaves_its_last_words(tmp_path: Path) -> None:
    with Desk(tmp_path, {"noise": 1}) as desk:
        desk.load()
        desk.read("crash", wait=False)
        desk.gone()

        (death,) = desk.happened(Died)
        assert death.reason == "engine-crash" and "It said: " in death.detail


def test_a_stopped_daemon_gives_its_worker_the_grace_it_was_told(tmp_path: Path) -> None:
    with Desk(tmp_path, {"unload_seconds": 0.3}) as desk:
        pid = desk.load()
        desk.host.close()

        assert not lives(pid) and (desk.unload.reason, desk.unload.how) == ("stop", "exit")


# -- leftovers


@contextmanager
def no_free_handle() -> Iterator[None]:
    """Let this process open nothing meanwhile."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.skipif(not os.path.exists("/proc"), reason="only there a reading opens a file")
def test_a_machine_that_does_not_tell_what_it_got_back_is_asked_at_the_next_look() -> None:
    unload = Unload(0.0, "idle")
    watch = ReclaimWatch(unload, 0, 0.0)
    with no_free_handle():
        watch.tick(0.0)
    assert unload.available_gain_bytes is None

    watch.tick(0.5)
    assert unload.available_gain_bytes and unload.available_gain_bytes > 0


@pytest.mark.skipif(not os.path.exists("/proc"), reason="only there a reading opens a file")
def test_a_worker_leaves_while_no_file_can_be_opened(tmp_path: Path) -> None:
    with Desk(tmp_path) as desk:
        desk.load()
        with no_free_handle():
            desk.host.unload("idle", desk.now)
        desk.until_state(ModelState.COLD)

    assert desk.host.last_unload is not None and desk.host.last_unload.available_gain_bytes is None


def test_a_leftover_worker_is_ended_with_all_it_started(tmp_path: Path) -> None:
    """Its daemon was killed; the record in the state folder says who it was."""
    command = ["bash", "-c", "sleep 600 & exec sleep 601"]
    process = WorkerProcess(str(tmp_path), command)
    group = process.pid
    try:
        leader = psutil.Process(group)
        children: list[psutil.Process] = []
        while not children:
            children = leader.children()
        assert end_leftover(str(tmp_path)) == group

        assert not any(lives(p.pid) for p in [leader, *children])
        assert not (tmp_path / "worker.json").exists()
        assert end_leftover(str(tmp_path)) is None
    finally:
        process.close()


def test_a_process_that_got_the_number_of_a_leftover_later_is_left_alone(tmp_path: Path) -> None:
    process = WorkerProcess(str(tmp_path), ["sleep", "600"])
    try:
        other = psutil.Popen(["sleep", "600"])
        try:
            record = {"pid": other.pid, "started": 1.0}
            (tmp_path / "worker.json").write_text(json.dumps(record))
            assert end_leftover(str(tmp_path)) is None
            assert lives(other.pid)
        finally:
            other.kill()
            other.wait()
    finally:
        process.close()


@pytest.mark.parametrize("record", [{"started": 1.0}, {"booted": 1.0}, {"booted": None}])
def test_a_stranger_who_leads_a_group_under_the_number_of_a_leftover_is_left_alone(
    tmp_path: Path, record: dict[str, float | None]
) -> None:
    """Numbers come again, and after a restart of the machine all of them do."""
    with psutil.Popen(["sleep", "600"], process_group=0) as stranger:
        try:
            known = {"pid": stranger.pid, "started": stranger.create_time(), "booted": psutil.boot_time()}
            (tmp_path / "worker.json").write_text(json.dumps(known | record))

            assert end_leftover(str(tmp_path)) is None
            assert lives(stranger.pid)
        finally:
            stranger.kill()


@pytest.mark.parametrize("text", ["", "no json", "[]", '{"pid": "x"}', '{"pid": 1}'])
def test_a_record_that_makes_no_sense_ends_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "worker.json").write_text(text)

    assert end_leftover(str(tmp_path)) is None


def test_the_real_worker_is_started_from_this_environment() -> None:
    assert COMMAND[0] == sys.executable and COMMAND[-1] == "dropscribe.worker.main"
