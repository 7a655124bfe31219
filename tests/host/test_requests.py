"""Asking for a model and for its end, in any state and again; and workers that die in any state."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dropscribe.host.states import ModelState
from dropscribe.host.values import Died, Finished
from support.host_driver import Desk, busy, fresh, lives, loading, pressed, unloading, warm

WARM, BUSY, UNLOADING = ModelState.WARM, ModelState.BUSY, ModelState.UNLOADING
SLOW_END = {"unload_seconds": 600}
MAKERS: dict[str, Callable[..., Desk]] = {
    "cold": fresh, "blocked": pressed, "loading": loading, "warm": warm, "busy": busy, "unloading": unloading,
}  # fmt: skip


@pytest.mark.parametrize("state", ["loading", "warm", "busy"])
def test_a_dead_worker_is_recorded_and_what_it_had_in_hand_comes_back(tmp_path: Path, state: str) -> None:
    desk = MAKERS[state](tmp_path)
    with desk:
        pid = desk.pid
        os.kill(pid, signal.SIGKILL)
        desk.gone()

        assert desk.unload.reason == "crash" and desk.unload.seconds is not None
        assert len(desk.happened(Died)) == (state == "busy")
        assert not lives(pid) and desk.host.stats is None
        assert not (desk.root / "state" / "worker.json").exists()


def test_a_worker_that_dies_while_it_unloads_keeps_the_reason_of_the_unload(tmp_path: Path) -> None:
    with unloading(tmp_path, **SLOW_END) as desk:
        os.kill(desk.pid, signal.SIGKILL)
        desk.gone()

        assert (desk.unload.reason, desk.unload.how) == ("command", "exit")


def test_a_worker_that_dies_in_the_page_before_its_unload_is_recorded_as_a_crash(tmp_path: Path) -> None:
    with busy(tmp_path) as desk:
        desk.host.unload("command", desk.now)
        os.kill(desk.pid, signal.SIGKILL)
        desk.gone()

        assert desk.unload.reason == "crash"


@pytest.mark.parametrize("state", ["loading", "warm", "busy", "unloading"])
def test_a_dead_worker_is_noticed_by_its_end_of_the_pipe_and_the_next_one_loads(tmp_path: Path, state: str) -> None:
    desk = MAKERS[state](tmp_path)
    with desk:
        before = desk.pid
        os.kill(before, signal.SIGKILL)
        desk.gone()
        desk.pass_time(10)
        desk.host.ensure_ready(desk.now)
        desk.until(lambda: desk.host.stats is not None, "a new worker is there")

        assert desk.pid != before and not lives(before)


def test_asking_for_a_model_as_often_as_one_likes_starts_one_worker(tmp_path: Path) -> None:
    with fresh(tmp_path, {"starts": str(tmp_path / "starts")}) as desk:
        for _ in range(100):
            desk.host.ensure_ready(desk.now)
        desk.load()
        for _ in range(100):
            assert desk.host.ensure_ready(desk.now)

        assert (tmp_path / "starts").read_text() == "x"


@pytest.mark.parametrize("state", ["cold", "blocked", "loading", "warm", "busy", "unloading"])
def test_unloading_and_closing_may_be_asked_for_in_any_state_and_again(tmp_path: Path, state: str) -> None:
    with MAKERS[state](tmp_path) as desk:
        assert desk.host.state == state
        for _ in range(3):
            desk.host.unload("command", desk.now)
        for _ in range(3):
            desk.host.close()

        assert desk.host.stats is None
        assert desk.transitions.count(("unloading", "cold")) <= 1


def test_unloading_while_a_page_is_read_waits_for_the_page_and_takes_no_other(tmp_path: Path) -> None:
    with warm(tmp_path, {"read_seconds": 0.3}) as desk:
        desk.begin("error")
        desk.host.unload("command", desk.now)
        desk.host.unload("pressure", desk.now)
        assert desk.host.state is BUSY and not desk.host.ensure_ready(desk.now)
        desk.gone()

        assert desk.unload.reason == "command", "the first reason counts"
        assert [event.outcome.end for event in desk.happened(Finished)] == ["engine"]


def test_nothing_that_is_asked_of_the_host_waits(tmp_path: Path) -> None:
    """While a worker loads, reads and leaves, the loop keeps turning: a look takes no part of those seconds."""
    with fresh(tmp_path, {"load_seconds": 0.5, "unload_seconds": 0.5}) as desk:
        desk.host.ensure_ready(desk.now)
        turns: dict[ModelState, int] = {}

        def look() -> bool:
            turns[desk.host.state] = turns.get(desk.host.state, 0) + 1
            if desk.host.state is WARM:
                desk.host.unload("command", desk.now)
            return desk.host.state is ModelState.COLD

        begun = time.monotonic()
        desk.until(look, "it has come and gone")

        assert time.monotonic() - begun >= 1
        assert turns[ModelState.LOADING] > 5 and turns[UNLOADING] > 5
