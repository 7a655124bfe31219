"""Loading: what is seen of it, and every way in which it does not succeed."""

from pathlib import Path

import pytest

from dropscribe.core.protocol import Loading
from dropscribe.engines.crosscheck import ESTIMATE_BYTES
from dropscribe.host.states import ModelState
from dropscribe.host.values import Unable
from dropscribe.memory import readings
from support.host_driver import Desk, lives

BLOCKED, COLD, LOADING, WARM = (ModelState(s) for s in ("blocked", "cold", "loading", "warm"))


def starts(desk: Desk) -> int:
    """Return how often an engine has begun to load."""
    file = desk.root / "starts"
    return len(file.read_text()) if file.exists() else 0


def fails(root: Path, **fake: object) -> dict[str, object]:
    """Return what makes loads fail as long as a file is there."""
    (root / "fails").touch()
    return {"only_if": str(root / "fails"), "starts": str(root / "starts")} | fake


def insist(desk: Desk, seconds: float) -> None:
    """Ask for a model all the time, as a waiting file does."""
    for _ in range(int(seconds)):
        desk.pass_time(1)
        desk.host.ensure_ready(desk.now)
        desk.until(
            lambda: desk.host.state is not LOADING or (desk.host.stats and desk.host.stats.step), "the engine speaks"
        )
        desk.until(lambda: desk.host.state not in (LOADING, ModelState.UNLOADING), "the load comes to its end")


def test_a_load_tells_how_far_it_is(tmp_path: Path) -> None:
    with Desk(tmp_path, {"load_seconds": 0.5}) as desk:
        desk.host.ensure_ready(desk.now)
        assert desk.host.stats is not None and desk.host.stats.step == "starting"
        desk.until(lambda: desk.host.stats and desk.host.stats.step == "weights", "weights are read")
        assert desk.host.stats.loading == Loading("weights", 0, 100)
        desk.load()

        assert desk.host.stats.step is None and desk.host.stats.loaded_at is not None
        assert desk.host.stats.footprint is not None


@pytest.mark.parametrize(
    "fault", [{"die_loading": True}, {"unable": "model-missing"}, {"unable": "engine-unavailable"}]
)
def test_a_load_that_fails_blocks_with_its_reason_and_is_tried_again_at_growing_intervals(
    tmp_path: Path, fault: dict[str, object]
) -> None:
    with Desk(tmp_path, fails(tmp_path, **fault)) as desk:
        insist(desk, 1)
        assert desk.host.state is BLOCKED and starts(desk) == 1
        reason = desk.host.admission.blocked_reason
        assert reason and ("died while loading" in reason or "the fake engine is told" in reason)
        insist(desk, 60)
        assert starts(desk) <= 5, "after 5, 10, 20 and 40 s"
        insist(desk, 60)
        assert starts(desk) <= 6

        (tmp_path / "fails").unlink()
        desk.pass_time(200)
        desk.load()
        assert desk.host.admission.blocked_reason is None


def test_a_lasting_reason_is_told_once_for_each_try(tmp_path: Path) -> None:
    with Desk(tmp_path, fails(tmp_path, unable="engine-unavailable")) as desk:
        insist(desk, 3)

        (event,) = desk.happened(Unable)
        assert event.reason == "engine-unavailable" and "the fake engine is told" in event.detail


def test_changed_settings_are_a_reason_to_try_at_once(tmp_path: Path) -> None:
    with Desk(tmp_path, fails(tmp_path, unable="engine-unavailable")) as desk:
        insist(desk, 40)
        (tmp_path / "fails").unlink()
        desk.apply(engine={"vision_precision": "float32"})
        desk.load()


def test_a_load_without_a_sign_of_life_is_given_up_after_five_minutes(tmp_path: Path) -> None:
    with Desk(tmp_path, {"load_seconds": 600}) as desk:
        desk.host.ensure_ready(desk.now)
        desk.until(lambda: desk.host.stats and desk.host.stats.step == "weights", "it loads")
        pid = desk.pid
        desk.pass_time(290)
        assert desk.host.state is LOADING
        desk.pass_time(30)
        desk.gone()

        assert not lives(pid) and desk.host.state is BLOCKED
        assert desk.host.admission.blocked_reason == "no sign of life for 300 s"


def test_before_any_record_the_engines_own_estimate_decides(tmp_path: Path) -> None:
    with Desk(tmp_path, {"estimate": 10**18}) as desk:
        desk.host.ensure_ready(desk.now)
        desk.until_state(BLOCKED)

        assert "the model needs about" in str(desk.host.admission.blocked_reason)
        assert desk.host.stats is None


def test_a_record_of_real_peaks_counts_for_more_than_the_estimate(tmp_path: Path) -> None:
    with Desk(tmp_path, {"estimate": 10**18}) as desk:
        desk.peaks[:] = [10**7] * 10
        desk.load()


def test_a_refused_estimate_is_remembered_and_no_worker_is_started_in_a_circle(tmp_path: Path) -> None:
    with Desk(tmp_path, {"estimate": 10**18}) as desk:
        insist(desk, 20)

        assert [after for _, after in desk.transitions].count("loading") == 1


def test_an_estimate_too_is_believed_for_ten_minutes_and_not_for_ever(tmp_path: Path) -> None:
    with Desk(tmp_path, {"estimate": 10**18}) as desk:
        for _ in range(70):
            desk.pass_time(10)
            insist(desk, 1)

        assert desk.host.state is WARM


def test_a_worker_that_cannot_be_started_at_all_is_a_failed_load(tmp_path: Path) -> None:
    """Its Python was replaced by an update, or the system has no room for another process."""
    with Desk(tmp_path, command=[str(tmp_path / "no" / "python")]) as desk:
        assert not desk.host.ensure_ready(desk.now)

        assert desk.host.state is BLOCKED and desk.host.admission.blocked_reason


def test_a_file_that_is_not_wanted_any_more_leaves_no_complaint(tmp_path: Path) -> None:
    with Desk(tmp_path, memory={"max_percent": 1}) as desk:
        desk.host.ensure_ready(desk.now)
        desk.host.not_needed()

        assert desk.host.state is COLD and desk.host.admission.blocked_reason is None


def test_nobody_waits_for_a_cold_model(tmp_path: Path) -> None:
    """An idle daemon sleeps: no sampling, no retry."""
    with Desk(tmp_path) as desk:
        assert desk.host.deadline(desk.now, queue_empty=True) is None
        desk.load()
        desk.host.unload("command", desk.now)
        desk.gone()
        desk.pass_time(20)

        assert desk.host.deadline(desk.now, queue_empty=True) is None


def test_the_second_reader_is_left_out_where_only_the_model_fits(tmp_path: Path) -> None:
    """The peak that is remembered is that of both; half of the second reader's share is not there."""
    with Desk(tmp_path, reader="deepseek-ocr", engine={"model": "some/model"}) as desk:
        desk.peaks.append(readings.room().bytes + ESTIMATE_BYTES // 2)
        desk.load()

        assert desk.host.stats is not None and desk.host.stats.model == "deepseek-ocr some/model"
        assert "the model needs about" in str(desk.host.admission.left_out)
        desk.peaks[:] = [10**6]
        desk.apply(engine={"cross_check": "off"})
        assert desk.host.state is WARM, "nothing of what is loaded has changed"


def test_an_estimate_that_is_too_large_with_a_second_reader_leaves_it_out_too(tmp_path: Path) -> None:
    with Desk(tmp_path, {"estimate": readings.room().bytes + ESTIMATE_BYTES // 2}, reader="deepseek-ocr") as desk:
        desk.host.ensure_ready(desk.now)
        desk.until(lambda: desk.host.state is BLOCKED, "the estimate is refused")
        desk.pass_time(5)
        desk.load()

        assert desk.host.admission.left_out
