"""The states of a model: every row of the table in the module is a way that is really taken, and there is no other."""

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from dropscribe.host import states
from dropscribe.host.states import ALLOWED, ModelState
from support.host_driver import Desk, busy, fresh, loading, pressed, unloading, warm

WARM, BUSY, UNLOADING = ModelState.WARM, ModelState.BUSY, ModelState.UNLOADING
MUCH = 10**18  # bytes that no machine has
SLOW_END = {"unload_seconds": 600}

Way = Callable[[Path], tuple[Desk, Callable[[], object]]]  # a host in the first state, and what takes it on


def rows() -> list[tuple[tuple[str, ...], str, str]]:
    """Return the table: states, event, next state."""
    lines = re.findall(r"^\| (.+?) +\| (.+?) +\| (.+?) +\|$", states.__doc__ or "", re.MULTILINE)
    return [(tuple(a.split(", ")), event, b) for a, event, b in lines if a != "from"]


def ask(desk: Desk) -> tuple[Desk, Callable[[], object]]:
    return desk, lambda: desk.host.ensure_ready(desk.now)


def let_be(desk: Desk) -> tuple[Desk, Callable[[], object]]:
    return desk, lambda: None


def after(desk: Desk, seconds: float) -> tuple[Desk, Callable[[], object]]:
    return desk, lambda: desk.pass_time(seconds)


def killed(desk: Desk) -> tuple[Desk, Callable[[], object]]:
    return desk, lambda: os.kill(desk.pid, signal.SIGKILL)


def command(desk: Desk) -> tuple[Desk, Callable[[], object]]:
    return desk, lambda: desk.host.unload("command", desk.now)


def stop(desk: Desk) -> tuple[Desk, Callable[[], object]]:
    return desk, lambda: desk.host.close()


def change(desk: Desk) -> tuple[Desk, Callable[[], object]]:
    return desk, lambda: desk.apply(engine={"vision_precision": "float32"})


def room_again(root: Path) -> tuple[Desk, Callable[[], object]]:
    desk = fresh(root)
    desk.peaks[:] = [MUCH]
    desk.host.ensure_ready(desk.now)
    desk.peaks.clear()

    def later() -> None:
        assert not desk.host.ensure_ready(desk.now) and desk.host.state is ModelState.BLOCKED, "not before its time"
        desk.pass_time(4)
        desk.host.ensure_ready(desk.now)

    return desk, later


def not_wanted(root: Path) -> tuple[Desk, Callable[[], object]]:
    desk = pressed(root)
    return desk, desk.host.not_needed


def one_page(root: Path) -> tuple[Desk, Callable[[], object]]:
    desk = warm(root, model={"recycle_pages": 1})
    return desk, lambda: desk.read()


DEATH = "the process died by itself"
WAYS: list[tuple[str, str, Way]] = [
    ("cold", "wanted and allowed", lambda root: ask(fresh(root))),
    ("cold", "wanted, not allowed now", lambda root: ask(fresh(root, memory={"max_percent": 1}))),
    ("blocked", "wanted, its time has come, allowed", room_again),
    ("blocked", "not wanted any more, or the settings changed", not_wanted),
    ("loading", "ready", lambda root: let_be(loading(root, load_seconds=0))),
    ("loading", "cannot load", lambda root: let_be(loading(root, unable="engine-unavailable", load_seconds=0))),
    ("loading", "no sign of life", lambda root: after(loading(root), 310)),
    ("loading", "pressure", lambda root: let_be(loading(root, estimate=MUCH))),
    ("loading", "settings", lambda root: change(loading(root))),
    ("loading", "command", lambda root: command(loading(root))),
    ("loading", "stop", lambda root: stop(loading(root))),
    ("warm", "a job", lambda root: (desk := warm(root), lambda: desk.read(wait=False))),
    ("warm", "idle", lambda root: after(warm(root, model={"idle_timeout": "1m"}), 70)),
    ("warm", "pressure", lambda root: after(warm(root, {"hold_mb": 20}, memory={"budget": "10MB"}), 6)),
    ("warm", "recycle", one_page),
    ("warm", "command", lambda root: command(warm(root))),
    ("warm", "settings", lambda root: change(warm(root))),
    ("warm", "stop", lambda root: stop(warm(root))),
    ("busy", "the job ended", lambda root: (desk := warm(root), lambda: desk.read())),
    ("busy", "stuck", lambda root: after(busy(root, "hang"), 400)),
    ("unloading", "the process has ended", lambda root: let_be(unloading(root))),
    ("loading", DEATH, lambda root: killed(loading(root))),
    ("warm", DEATH, lambda root: killed(warm(root))),
    ("busy", DEATH, lambda root: killed(busy(root))),
    ("unloading", "the process has ended", lambda root: killed(unloading(root, **SLOW_END))),
]


@pytest.mark.parametrize(("state", "event", "way"), WAYS)
def test_every_row_of_the_table_is_a_way_that_is_taken(tmp_path: Path, state: str, event: str, way: Way) -> None:
    targets = {b for states, text, b in rows() if state in states and event in (text, *text.split(", "))}
    assert len(targets) == 1, "the table has one such row"
    desk, act = way(tmp_path)
    with desk:
        act()
        expected = targets.pop()
        desk.until(lambda: (state, expected) in desk.transitions, f"{state} -> {expected}")
        if event == DEATH:
            desk.until(lambda: ("unloading", "cold") in desk.transitions, "it gets cold")


def test_a_blocked_model_is_cold_again_when_the_settings_have_changed(tmp_path: Path) -> None:
    with pressed(tmp_path) as desk:
        desk.apply(memory={"max_percent": 100})

        assert desk.host.state is ModelState.COLD


def test_every_row_of_the_table_is_tried() -> None:
    tried = {(state, event) for state, event, _ in WAYS}
    for before, event, _ in rows():
        for state in before:
            names = {e for s, e in tried if s == state and (e == event or e in event.split(", "))}
            assert names == {event} or names == set(event.split(", ")), (state, event)


def test_the_code_allows_what_the_table_says_and_nothing_else() -> None:
    told = {(state, b) for before, _, b in rows() for state in before}

    assert {(str(a), str(b)) for a, after in ALLOWED.items() for b in after} == told
