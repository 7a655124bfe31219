"""Messages on the desktop: what is told, when, and that nothing about them can hold up or harm the daemon."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dropscribe.config import Notify
from dropscribe.desktop import notify
from dropscribe.desktop.notify import APART, LATEST, LONGEST_SHOW, QUIET, Notifier
from support.children import Children
from support.harness import wait_for

SHOWER = """\
import json, sys
with open(sys.argv[1], "a") as file:
    file.write(json.dumps(sys.argv[2:]) + "\\n")
"""
ALWAYS, FAILURES, NEVER = Notify(when="always"), Notify(when="failures"), Notify(when="never")


class Desktop:
    """What has been shown, by a real program that gets title and text as its arguments."""

    def __init__(self, folder: Path) -> None:
        self._script, self._shown = folder / "show.py", folder / "shown"
        self._script.write_text(SHOWER)
        self.children = Children()

    def command(self, title: str, text: str) -> list[str]:
        return [sys.executable, "-IS", str(self._script), str(self._shown), title, text]

    @property
    def shown(self) -> list[str]:
        lines = self._shown.read_text("utf-8").splitlines() if self._shown.exists() else []
        return [json.loads(line)[1] for line in lines]


@pytest.fixture
def desktop(tmp_path: Path) -> Desktop:
    return Desktop(tmp_path)


@pytest.fixture
def always(desktop: Desktop) -> Iterator[Notifier]:
    found = Notifier(ALWAYS, desktop.command)
    yield found
    found.close()


def shown_after(found: Notifier, desktop: Desktop, now: float, count: int = 1) -> list[str]:
    """Tick at *now* until *count* messages have been shown and the program is reaped."""
    found.tick(now)
    wait_for(lambda: len(desktop.shown) >= count, "the message is shown")
    wait_for(lambda: found.tick(now) or not desktop.children.pids, "the program is reaped")
    return desktop.shown


def test_a_file_and_its_outcome_are_named(always: Notifier, desktop: Desktop) -> None:
    always.job_ended("scan.png", "done", None, 100.0)

    assert shown_after(always, desktop, 100 + QUIET) == ["scan.png: read"]


def test_pages_that_want_a_look_are_named(always: Notifier, desktop: Desktop) -> None:
    always.job_ended("scan.png", "done", "please check page 3: 2 passages not confirmed", 0.0)

    assert shown_after(always, desktop, QUIET) == ["scan.png: read (please check page 3: 2 passages not confirmed)"]


def test_a_failure_tells_its_reason(always: Notifier, desktop: Desktop) -> None:
    always.job_ended("scan.png", "failed", "not-an-image", 0.0)

    assert shown_after(always, desktop, QUIET) == ["scan.png: could not be read (not-an-image)"]


def test_a_burst_becomes_one_message(always: Notifier, desktop: Desktop) -> None:
    for number in range(20):
        always.job_ended(f"{number}.png", "failed" if number == 7 else "done", "damaged" if number == 7 else None, 1.0)

    text = shown_after(always, desktop, 1 + QUIET)

    assert text == ["7.png: could not be read (damaged); 19 files read: 0.png, 1.png, 2.png and 16 more"]


def test_it_waits_for_quiet_but_not_for_ever(always: Notifier, desktop: Desktop) -> None:
    now = 0.0
    while now < LATEST:
        always.job_ended("a.png", "done", None, now)
        always.tick(now)
        deadline = always.deadline()
        assert deadline is not None and now < deadline <= LATEST
        now += QUIET / 2

    assert not desktop.shown
    assert len(shown_after(always, desktop, LATEST)) == 1


def test_messages_keep_their_distance(always: Notifier, desktop: Desktop) -> None:
    always.job_ended("a.png", "done", None, 0.0)
    shown_after(always, desktop, QUIET)
    always.job_ended("b.png", "done", None, QUIET)

    assert always.deadline() == QUIET + APART
    always.tick(QUIET + APART - 0.1)
    assert len(desktop.shown) == 1
    assert len(shown_after(always, desktop, QUIET + APART, 2)) == 2


@pytest.mark.parametrize(("settings", "expected"), [(ALWAYS, 2), (FAILURES, 1), (NEVER, 0)])
def test_only_what_is_wanted_is_told(desktop: Desktop, settings: Notify, expected: int) -> None:
    found = Notifier(settings, desktop.command)
    found.job_ended("good.png", "done", None, 0.0)
    found.job_ended("bad.png", "failed", "damaged", 0.0)
    found.job_ended("other.png", "gone", None, 0.0)

    if expected:
        text = shown_after(found, desktop, QUIET)[0]
        assert "bad.png" in text and ("good.png" in text) is (expected == 2) and "other" not in text
    else:
        found.tick(QUIET)
        assert found.deadline() is None and not desktop.shown
    found.close()


def test_changed_settings_hold_for_what_is_still_waiting(always: Notifier) -> None:
    always.job_ended("a.png", "done", None, 0.0)
    always.apply(FAILURES)

    assert always.deadline() is None


@pytest.mark.parametrize("name", ['"; do shell script "touch x', "-e", "$(x)`y`", "two\nlines", "a\x00b", "\udcff.png"])
def test_a_file_name_is_only_ever_a_text(always: Notifier, desktop: Desktop, name: str) -> None:
    always.job_ended(name, "done", None, 0.0)

    text = shown_after(always, desktop, QUIET)[0]

    assert text.endswith(": read") and text.isprintable()


def test_on_macos_the_text_is_an_argument_and_the_script_is_always_the_same() -> None:
    command = notify.on_macos("Dropscribe", '-e "x" & (do)')

    assert command[0] == "osascript" and command[-2:] == ["Dropscribe", '-e "x" & (do)']
    assert command[1:-2] == notify.on_macos("a", "b")[1:-2]


def test_on_linux_the_text_is_no_markup_and_no_option() -> None:
    command = notify.on_linux("Dropscribe", "-a <b> & c")

    assert command[-3:] == ["--", "Dropscribe", "-a &lt;b&gt; &amp; c"]


def test_the_real_programs_are_found_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert notify.command() is None
    name = "osascript" if sys.platform == "darwin" else "notify-send"
    (tmp_path / name).write_text(f'#!/bin/sh\nfor word; do echo "$word"; done > {tmp_path}/said\n')
    (tmp_path / name).chmod(0o755)

    found = Notifier(ALWAYS)
    found.job_ended("a <b>.png", "done", None, 0.0)
    found.tick(QUIET)
    found.close()

    assert "Dropscribe" in (tmp_path / "said").read_text().splitlines()


def test_a_program_that_hangs_is_ended_and_does_not_hold_up_the_next() -> None:
    children = Children()
    found = Notifier(ALWAYS, lambda title, text: ["sleep", "1000"])
    found.job_ended("a.png", "done", None, 0.0)
    found.tick(QUIET)
    assert found.deadline() == QUIET + LONGEST_SHOW
    found.tick(QUIET + LONGEST_SHOW)

    assert not children.pids
    found.close()


@pytest.mark.parametrize("program", ["false", "/there/is/no/notify-send"])
def test_a_program_that_fails_or_is_gone_is_no_fault_of_the_daemon(program: str) -> None:
    children = Children()
    found = Notifier(ALWAYS, lambda title, text: [program])
    found.job_ended("a.png", "done", None, 0.0)
    found.tick(QUIET)
    wait_for(lambda: found.tick(QUIET) or not children.pids, "it is reaped")
    found.close()
    found.close()


def test_what_is_waiting_at_the_end_is_still_told(always: Notifier, desktop: Desktop) -> None:
    always.job_ended("last.png", "failed", "damaged", 0.0)

    always.close()

    assert desktop.shown == ["last.png: could not be read (damaged)"]
    assert not desktop.children.pids
