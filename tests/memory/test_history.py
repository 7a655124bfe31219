"""The history of memory, model and queue: what is kept of a day, how much, and what is marked."""

from itertools import pairwise

from dropscribe.core.status import HistoryMark, HistorySample
from dropscribe.memory.history import History

DAY = 24 * 3600
START = 1_800_000_000.0


def sample(at: float, state: str = "warm", footprint: int | None = 100, available: int = 900) -> HistorySample:
    return HistorySample(START + at, state, footprint, available, queued=1)


def test_a_day_at_the_finest_pace_is_kept_whole_and_bounded() -> None:
    history = History()
    for at in range(0, 3 * DAY, 10):
        history.add(sample(at))

    times = [s.time - START for s in history.samples]
    assert times[0] <= 3 * DAY - DAY
    assert times == sorted(times)
    assert max(b - a for a, b in pairwise(times)) <= 150
    assert len(times) < 1100
    assert len([t for t in times if t >= 3 * DAY - 3600]) == 360


def test_what_stands_for_several_shows_the_extremes() -> None:
    history = History()
    history.add(sample(0, "warm", 100, 900))
    history.add(sample(1, "busy", 500, 400))
    history.add(sample(2, "unloading", None, 950))

    assert history.samples == [HistorySample(START, "busy", 500, 400, 1)]


def test_that_a_model_is_gone_is_seen_at_once_however_often_it_comes_and_goes() -> None:
    history = History()
    for at in range(10_000):
        history.add(sample(at, "warm" if at % 2 else "cold", 100 if at % 2 else None))

    assert [s.footprint_bytes for s in history.samples[-2:]] == [100, 100]
    assert len(history.samples) < 1100
    history.add(sample(10_000, "cold", None))
    assert history.samples[-1].footprint_bytes is None


def test_a_sample_is_due_when_the_state_is_new_or_the_last_is_old() -> None:
    history = History()
    history.add(sample(0, "cold"))

    assert not history.due(START + 59, "cold")
    assert history.due(START + 60, "cold")
    assert history.due(START + 1, "loading")
    history.add(sample(1, "warm"))
    assert not history.due(START + 10, "warm")
    assert history.due(START + 11, "warm")


def test_loads_and_unloads_are_marked_once_with_the_reason() -> None:
    history = History()
    for at, state in enumerate(("cold", "loading", "loading", "warm", "busy", "warm", "unloading", "cold")):
        history.add(sample(at, state), "idle")

    assert list(history.marks) == [HistoryMark(START + 1, "loading"), HistoryMark(START + 6, "unloading", "idle")]


def test_a_clock_that_is_set_back_takes_what_was_noted_for_later() -> None:
    history = History()
    history.add(sample(5000, "loading"))
    assert history.due(START + 100, "loading")
    history.add(sample(100, "loading"))

    assert [s.time - START for s in history.samples] == [100]
