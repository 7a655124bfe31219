"""Idle: caches go first, then the model; the clock starts at ready or at the end of a page, never at its start."""

import json
from pathlib import Path

import psutil
import pytest

from dropscribe.core.status import MlxMemory
from dropscribe.host.states import ModelState
from support.host_driver import Desk

COLD, WARM, BUSY = ModelState.COLD, ModelState.WARM, ModelState.BUSY
MB = 10**6
MINUTE = {"idle_timeout": "1m", "clear_cache_after": "never"}


def test_the_idle_clock_starts_when_the_model_is_ready_and_not_when_it_was_asked_for(tmp_path: Path) -> None:
    with Desk(tmp_path, {"load_seconds": 0.3}, model=MINUTE) as desk:
        desk.host.ensure_ready(desk.now)
        desk.pass_time(50)
        desk.load()
        desk.pass_time(50)
        assert desk.host.state is WARM
        desk.pass_time(12)
        desk.gone()

        assert desk.unload.reason == "idle"


def test_the_idle_clock_starts_at_the_end_of_a_page_and_never_runs_while_one_is_read(tmp_path: Path) -> None:
    with Desk(tmp_path, model=MINUTE) as desk:
        desk.load()
        desk.begin()
        desk.pass_time(200)
        assert desk.host.state is BUSY and desk.host.unload_due(queue_empty=True) is None
        desk.host.stop_reading(desk.now)
        desk.until(lambda: not desk.host.busy, "it is read")
        due = desk.host.unload_due(queue_empty=True)
        assert due is not None and 59 < due - desk.now <= 60
        desk.pass_time(50)
        assert desk.host.state is WARM
        desk.pass_time(12)
        desk.gone()


def test_zero_means_when_the_queue_is_empty_and_not_before(tmp_path: Path) -> None:
    with Desk(tmp_path, model={"idle_timeout": 0}) as desk:
        desk.work = True
        desk.load()
        desk.read()
        desk.pass_time(100)
        assert desk.host.state is WARM
        desk.work = False
        desk.gone()

        assert desk.unload.reason == "idle"


def test_never_means_never(tmp_path: Path) -> None:
    with Desk(tmp_path, model={"idle_timeout": "never", "clear_cache_after": "never"}) as desk:
        pid = desk.load()
        desk.host.slept(10**6)
        desk.pass_time(10**5)

        assert (desk.host.state, desk.pid) == (WARM, pid)
        assert desk.host.unload_due(queue_empty=True) is None


def test_work_that_waits_keeps_the_model(tmp_path: Path) -> None:
    with Desk(tmp_path, model=MINUTE) as desk:
        desk.work = True
        desk.load()
        desk.pass_time(300)

        assert desk.host.state is WARM


def owned(pid: int) -> int:
    """Return the bytes that a process has to itself: the helper beside it is still growing meanwhile."""
    return int(psutil.Process(pid).memory_full_info().uss)


def test_a_trim_takes_the_caches_and_leaves_the_weights(tmp_path: Path) -> None:
    """Both in the engine's own figures and in what the system counts."""
    full_mlx = MlxMemory(60 * MB, 80 * MB, 140 * MB)
    trimmed_mlx = MlxMemory(60 * MB, 0, 60 * MB)
    with Desk(tmp_path, {"hold_mb": 60, "cache_mb": 80, "mlx": True}, model={"clear_cache_after": "30s"}) as desk:
        pid = desk.load()
        assert desk.host.stats is not None
        desk.pass_time(28)
        full = owned(pid)
        assert full > 140 * MB
        assert desk.host.stats.mlx == full_mlx
        desk.pass_time(4)
        desk.until(lambda: desk.host.stats and desk.host.stats.mlx == trimmed_mlx, "it is trimmed")
        desk.pass_time(2)

        assert (desk.host.state, desk.pid) == (WARM, pid)
        assert 75 * MB < full - owned(pid) < 90 * MB


def test_a_trimmed_model_is_trimmed_again_only_after_another_page(tmp_path: Path) -> None:
    with Desk(tmp_path, model={"clear_cache_after": "30s", "idle_timeout": "never"}) as desk:
        desk.load()
        desk.pass_time(40)
        assert desk.host.stats is not None and desk.host.stats.trimmed
        desk.read()
        assert not desk.host.stats.trimmed
        desk.pass_time(40)

        assert desk.host.stats.trimmed


def test_after_a_sleep_idleness_is_judged_by_the_wall_clock(tmp_path: Path) -> None:
    with Desk(tmp_path, model=MINUTE) as desk:
        desk.load()
        desk.pass_time(10)
        desk.host.slept(40)
        desk.step()
        assert desk.host.state is WARM
        desk.host.slept(40)
        desk.gone()

        assert desk.unload.reason == "idle"


def test_a_clock_set_back_makes_nobody_idle_or_busy(tmp_path: Path) -> None:
    with Desk(tmp_path, model=MINUTE) as desk:
        desk.load()
        before = desk.host.unload_due(queue_empty=True)
        desk.host.slept(-(10**6))

        assert desk.host.unload_due(queue_empty=True) == before


def test_a_changed_idle_timeout_holds_for_the_running_model(tmp_path: Path) -> None:
    with Desk(tmp_path, model={"idle_timeout": "never"}) as desk:
        pid = desk.load()
        desk.pass_time(100)
        desk.apply(model={"idle_timeout": "10m"})
        desk.step()
        assert (desk.host.state, desk.pid) == (WARM, pid)
        desk.apply(model={"idle_timeout": "90s"})
        desk.gone()

        assert desk.unload.reason == "idle"


def test_a_changed_cache_limit_reaches_the_running_engine(tmp_path: Path) -> None:
    applied = tmp_path / "applied"
    with Desk(tmp_path, {"applied": str(applied)}) as desk:
        pid = desk.load()
        desk.apply(model={"cache_limit": "123MB"})
        desk.until(applied.exists, "the engine hears of it")

        assert json.loads(applied.read_text())["model"]["cache_limit"] == 123 * MB
        assert (desk.host.state, desk.pid) == (WARM, pid)


@pytest.mark.parametrize("state", ["warm", "busy", "loading"])
@pytest.mark.parametrize("changed", [{"vision_precision": "float32"}, {"pages_at_once": 3}], ids=str)
def test_what_the_engine_was_loaded_with_makes_it_go_when_it_changes(
    tmp_path: Path, state: str, changed: dict[str, object]
) -> None:
    """After the page in hand; and the next one is loaded with the new values."""
    with Desk(tmp_path, {"read_seconds": 0.3, "load_seconds": 0.3}) as desk:
        desk.host.ensure_ready(desk.now)
        if state != "loading":
            desk.load()
        if state == "busy":
            desk.begin("error")
        before = desk.pid
        desk.apply(engine=changed)
        desk.gone()
        assert desk.unload.reason == "settings"

        assert desk.load() != before


def test_a_replaced_worker_is_gone_before_the_next_one_is_started(tmp_path: Path) -> None:
    """One worker, one model at a time."""
    with Desk(tmp_path, {"unload_seconds": 0.5}) as desk:
        old = psutil.Process(desk.load())
        desk.apply(engine={"vision_precision": "float32"})
        desk.until(
            lambda: desk.host.ensure_ready(desk.now) or desk.host.state is ModelState.LOADING, "the next one loads"
        )

        assert not old.is_running()


@pytest.mark.parametrize(
    ("limit", "fake"),
    [({"recycle_pages": 3}, {}), ({"recycle_after": "5m"}, {}), ({"recycle_growth": "100MB"}, {"leak_mb": 40})],
    ids=["pages", "age", "growth"],
)
def test_a_worn_out_worker_is_replaced_between_files(
    tmp_path: Path, limit: dict[str, object], fake: dict[str, object]
) -> None:
    with Desk(tmp_path, fake, model={"idle_timeout": "never"} | limit) as desk:
        first = desk.load()
        for _ in range(2):
            desk.read()
            desk.pass_time(100)
        assert (desk.host.state, desk.pid) == (WARM, first), "not yet"
        desk.pass_time(120)
        desk.read()
        while desk.host.state is WARM:  # growth is seen at a look at memory and acted on after the next file
            desk.pass_time(4)
            desk.read()
        desk.gone()
        assert (desk.unload.reason, desk.unload.how) == ("recycle", "exit")

        assert desk.load() != first


def test_nothing_is_recycled_that_is_told_never_to_be(tmp_path: Path) -> None:
    never = dict.fromkeys(("recycle_pages", "recycle_after", "recycle_growth", "idle_timeout"), "never")
    with Desk(tmp_path, {"leak_mb": 20}, model=never) as desk:
        first = desk.load()
        for _ in range(5):
            desk.read()
            desk.pass_time(10**5)

        assert (desk.host.state, desk.pid) == (WARM, first)
