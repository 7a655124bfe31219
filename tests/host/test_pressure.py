"""Pressure: the model makes way, comes back by itself when there is room, and no page is stopped for ever.

What presses is real: the worker outgrows `memory.budget`, or `memory.max_percent` is below what any machine uses.
"""

from pathlib import Path

import pytest

from dropscribe.host.states import ModelState
from dropscribe.host.values import Died, Finished
from dropscribe.memory import policy
from support.host_driver import Desk

MB = 10**6
BLOCKED, COLD, LOADING, WARM, BUSY = (ModelState(s) for s in ("blocked", "cold", "loading", "warm", "busy"))
TOO_SMALL = {"budget": "30MB"}  # for a worker that holds 60
HOLDS = {"hold_mb": 60}


def test_loading_is_refused_under_pressure_and_the_reason_is_told(tmp_path: Path) -> None:
    with Desk(tmp_path, memory={"max_percent": 1}) as desk:
        assert not desk.host.ensure_ready(desk.now)

        assert desk.host.state is BLOCKED and desk.host.stats is None
        assert desk.host.admission.blocked_reason == (
            "other programs use more than 1 % of the memory (memory.max_percent)"
        )


def test_a_blocked_model_asks_to_be_looked_at_again_and_loads_when_it_may(tmp_path: Path) -> None:
    with Desk(tmp_path) as desk:
        desk.peaks[:] = [10**18]
        desk.host.ensure_ready(desk.now)
        reason = desk.host.admission.blocked_reason
        assert reason is not None and reason.startswith("the model needs about 1000000000.0 GB of memory and ")
        due = desk.host.deadline(desk.now, queue_empty=False)
        assert due is not None and due <= desk.now + policy.SAMPLE_EVERY
        desk.peaks[:] = [1]
        desk.pass_time(3)
        desk.load()

        assert desk.host.admission.blocked_reason is None


def test_too_little_memory_is_believed_for_ten_minutes_then_tried_once_all_the_same(tmp_path: Path) -> None:
    with Desk(tmp_path) as desk:
        desk.peaks[:] = [10**18]
        desk.host.ensure_ready(desk.now)
        for _ in range(9):
            desk.pass_time(60)
            desk.host.ensure_ready(desk.now)
            assert desk.host.state is BLOCKED
        desk.pass_time(80)
        desk.load()


def test_a_model_goes_at_the_second_hard_look_in_a_row_and_not_at_the_first(tmp_path: Path) -> None:
    with Desk(tmp_path, HOLDS, memory=TOO_SMALL) as desk:
        desk.load()
        while desk.host.state is WARM:
            desk.pass_time(2)
        hard = [look for look in desk.samples if (look.worker_footprint or 0) > 30 * MB]
        assert len(hard) == 2
        desk.gone()

        assert desk.unload.reason == "pressure" and desk.host.pressed


def test_the_page_in_hand_may_be_finished_under_pressure(tmp_path: Path) -> None:
    with Desk(tmp_path, HOLDS | {"read_seconds": 0.5}, memory=TOO_SMALL) as desk:
        desk.load()
        desk.begin("error")
        desk.pass_time(6)
        assert desk.host.state is BUSY and not desk.host.ensure_ready(desk.now)
        desk.gone()

        assert [event.outcome.end for event in desk.happened(Finished)] == ["engine"], "it came to its own end"
        assert desk.unload.reason == "pressure"


def test_after_thirty_seconds_the_page_in_hand_is_stopped_and_put_back_without_blame(tmp_path: Path) -> None:
    with Desk(tmp_path, HOLDS, memory=TOO_SMALL) as desk:
        desk.load()
        desk.begin()
        desk.pass_time(6)
        desk.pass_time(24)
        assert desk.host.worker is not None and desk.host.worker.stopping_since is None
        desk.pass_time(8)
        desk.gone()

        assert [event.outcome.end for event in desk.happened(Finished)] == ["stopped"]
        assert desk.happened(Died) == []
        assert (desk.unload.reason, desk.unload.how) == ("pressure", "exit") and desk.host.pressed


def test_under_pressure_a_load_is_given_up(tmp_path: Path) -> None:
    with Desk(tmp_path, HOLDS | {"load_seconds": 600}, memory={"budget": "1MB"}) as desk:
        desk.host.ensure_ready(desk.now)
        desk.until(lambda: desk.host.stats and desk.host.stats.step == "weights", "it loads")
        desk.pass_time(6)
        desk.gone()

        assert desk.unload.reason == "pressure"


def test_after_pressure_it_comes_back_only_after_a_quiet_time_that_doubles(tmp_path: Path) -> None:
    """Or it would load and unload in a circle. Our own model is no reason not to load it."""
    with Desk(tmp_path, HOLDS, memory=TOO_SMALL) as desk:
        for wait in (30, 60, 120):
            desk.load()
            desk.pass_time(6)
            desk.gone()
            assert not desk.host.ensure_ready(desk.now) and desk.host.state is BLOCKED
            assert desk.host.admission.blocked_reason == (
                f"memory was short; it is loaded again once there has been no pressure for {wait} s"
            )
            desk.pass_time(wait - 10)
            assert not desk.host.ensure_ready(desk.now) and desk.host.state is BLOCKED
            desk.pass_time(12)


def test_changed_settings_end_the_wait(tmp_path: Path) -> None:
    with Desk(tmp_path, HOLDS, memory=TOO_SMALL) as desk:
        desk.load()
        desk.pass_time(6)
        desk.gone()
        assert not desk.host.ensure_ready(desk.now)
        desk.apply(memory={"budget": "5GB"})
        desk.load()


def test_a_changed_bound_holds_for_the_running_model(tmp_path: Path) -> None:
    with Desk(tmp_path) as desk:
        desk.load()
        desk.pass_time(20)
        assert desk.host.state is WARM
        desk.apply(memory={"max_percent": 1})
        desk.pass_time(6)
        desk.gone()

        assert desk.unload.reason == "pressure"


def test_unload_on_never_trims_and_does_no_more(tmp_path: Path) -> None:
    fake = HOLDS | {"cache_mb": 80, "mlx": True}
    with Desk(tmp_path, fake, memory=TOO_SMALL | {"unload_on": "never"}, model={"clear_cache_after": "never"}) as desk:
        pid = desk.load()
        desk.pass_time(6)
        desk.until(lambda: desk.host.stats and desk.host.stats.mlx and not desk.host.stats.mlx.cache, "the cache goes")
        desk.pass_time(60)

        assert (desk.host.state, desk.pid) == (WARM, pid)


@pytest.mark.parametrize(("stops", "may"), [(0, True), (1, True), (2, False)])
def test_a_page_stopped_twice_by_pressure_waits_for_its_end(tmp_path: Path, stops: int, may: bool) -> None:
    with Desk(tmp_path, memory={"max_percent": 1}) as desk:
        desk.host.ensure_ready(desk.now)
        desk.pass_time(4)

        assert desk.may_be_read(stops) is may


def test_a_page_that_waits_for_the_end_of_pressure_is_read_when_it_is_over(tmp_path: Path) -> None:
    """Whoever may not be read is no reason to load; the machine must be looked at all the same."""
    with Desk(tmp_path, HOLDS, memory=TOO_SMALL) as desk:
        desk.load()
        desk.pass_time(6)
        desk.gone()
        desk.work = True
        desk.host.ensure_ready(desk.now)
        desk.pass_time(40)

        assert desk.may_be_read(2), "the last samples are of a machine without our worker"


def test_the_machine_is_looked_at_while_a_page_waits_for_the_end_of_pressure(tmp_path: Path) -> None:
    """The queue asks for room before it asks for a model: with nothing loaded nobody would look otherwise."""
    with Desk(tmp_path, memory={"max_percent": 100}) as desk:
        desk.load()
        desk.apply(memory={"max_percent": 1})
        desk.pass_time(6)
        desk.gone()
        desk.work = True
        assert not desk.may_be_read(2)
        due = desk.host.deadline(desk.now, queue_empty=False)
        assert due is not None and due <= desk.now + policy.SAMPLE_EVERY
        before = len(desk.samples)
        desk.pass_time(20)
        assert len(desk.samples) >= before + 8


def test_a_page_that_is_gone_is_waited_for_no_longer(tmp_path: Path) -> None:
    """Its file was taken away; an idle daemon sleeps."""
    with Desk(tmp_path, memory={"max_percent": 1}) as desk:
        desk.host.ensure_ready(desk.now)
        desk.pass_time(4)
        assert not desk.may_be_read(2)
        desk.host.not_needed()

        assert desk.host.deadline(desk.now, queue_empty=True) is None


def test_pressure_that_is_over_is_not_the_reason_of_a_later_stop(tmp_path: Path) -> None:
    """Two stops by pressure make a page wait; the end of the daemon is none."""
    with Desk(tmp_path, HOLDS, memory=TOO_SMALL) as desk:
        desk.load()
        desk.pass_time(6)
        desk.gone()
        desk.apply(memory={"budget": "5GB"})
        desk.load()
        desk.begin()
        desk.host.stop_reading(desk.now)
        desk.until(lambda: desk.happened(Finished), "it has stopped")

        assert not desk.host.pressed
