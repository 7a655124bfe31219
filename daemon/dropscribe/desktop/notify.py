"""Desktop notifications: which file was read or failed. A burst of files becomes one message.

It starts a small program and never waits for it; what cannot be shown is left out, for the outbox and `status` say it
too. Texts go as arguments and never into a script, so that no file name can be one. Not run on a Mac.
"""

import html
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from dropscribe.config import Notify
from dropscribe.log import LOG

QUIET = 2.0  # seconds without news after which a message is sent
LATEST = 15.0  # seconds that the first news waits at most, however many follow
APART = 10.0  # seconds between two messages: a burst becomes one message
LONGEST_SHOW = 10.0  # seconds for the program that shows it
NAMED = 3  # files named in a message about many
LONGEST_NAME = 80  # characters
TITLE = "Dropscribe"
# The title comes first: osascript takes a first argument with a hyphen in front for an option of its own.
SCRIPT = ("on run argv", "display notification (item 2 of argv) with title (item 1 of argv)", "end run")
Command = Callable[[str, str], list[str]]


@dataclass(frozen=True)
class News:
    """What became of one file."""

    name: str
    failed: bool
    reason: str


def command() -> Command | None:
    """Return what shows a title and a text on this machine, or None where nothing does."""
    if sys.platform == "darwin":
        return on_macos if shutil.which("osascript") else None
    return on_linux if shutil.which("notify-send") else None


def on_macos(title: str, text: str) -> list[str]:
    """Return the command for a message on macOS."""
    return ["osascript", *(word for line in SCRIPT for word in ("-e", line)), title, text]


def on_linux(title: str, text: str) -> list[str]:
    """Return the command for a message on a Linux desktop; its text is markup there."""
    return ["notify-send", "--app-name", TITLE, "--", title, html.escape(text, quote=False)]


class Notifier:
    """Collects events and shows them. Monotonic seconds come in; nothing here waits or raises."""

    def __init__(self, settings: Notify, show: Command | None = None) -> None:
        self._settings = settings
        self._show = show or command()
        self._news: list[News] = []
        self._first = self._last = 0.0
        self._not_before = 0.0
        self._showing: subprocess.Popen[bytes] | None = None
        self._give_up_at = 0.0

    def apply(self, settings: Notify) -> None:
        """Apply changed settings; pending messages that they exclude are dropped."""
        self._settings = settings
        self._news = [news for news in self._news if self._wanted(news)]

    def job_ended(self, name: str, state: str, reason: str | None, now: float) -> None:
        """Hear that the file *name* is `done` or `failed`, and why or what to look at; other ends are no news."""
        news = News(_shown(name), state == "failed", reason or "")
        if self._show is None or state not in ("done", "failed") or not self._wanted(news):
            return
        if not self._news:
            self._first = now
        self._last = now
        self._news.append(news)

    def _wanted(self, news: News) -> bool:
        return self._settings.when == "always" or (self._settings.when == "failures" and news.failed)

    def deadline(self) -> float | None:
        """Return when `tick` next has something to do, or None; the end of the program wakes the loop by itself."""
        if self._showing is not None:
            return self._give_up_at
        return self._due() if self._news else None

    def _due(self) -> float:
        return max(min(self._last + QUIET, self._first + LATEST), self._not_before)

    def tick(self, now: float) -> None:
        """Reap the program that showed the last message, and show the next one when its time has come."""
        if self._showing is not None:
            self._look_after(self._showing, now)
        if self._showing is None and self._news and now >= self._due():
            text, self._news = message(self._news), []
            self._start(text, now)

    def _start(self, text: str, now: float) -> None:
        if self._show is None:
            return
        self._not_before, self._give_up_at = now + APART, now + LONGEST_SHOW
        try:
            self._showing = subprocess.Popen(
                self._show(TITLE, text), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        except (OSError, ValueError) as error:
            LOG.warning("desktop notifications are disabled: %s", error)
            self._show = None

    def _look_after(self, process: subprocess.Popen[bytes], now: float) -> None:
        if process.poll() is None:
            if now < self._give_up_at:
                return
            process.kill()
            process.wait()  # a killed process ends at once
        if process.returncode:
            LOG.debug("a desktop notification failed (%s)", process.returncode)
        self._showing = None

    def close(self) -> None:
        """Show what is pending, wait a moment, reap; may be called twice."""
        if self._showing is None and self._news:
            text, self._news = message(self._news), []
            self._start(text, time.monotonic())
        if self._showing is not None:
            try:
                self._showing.wait(1.0)
            except subprocess.TimeoutExpired:
                self._showing.kill()
                self._showing.wait()
            self._showing = None


def message(news: list[News]) -> str:
    """Return one text for some news, failures first."""
    failures, read = [n for n in news if n.failed], [n for n in news if not n.failed]
    parts = []
    if failures:
        parts.append(_told(failures, "could not be read", f" ({failures[0].reason})" if failures[0].reason else ""))
    if read:
        parts.append(_told(read, "read", f" ({read[0].reason})" if read[0].reason else ""))
    return "; ".join(parts)


def _told(news: list[News], what: str, why: str) -> str:
    if len(news) == 1:
        return f"{news[0].name}: {what}{why}"
    more = f" and {len(news) - NAMED} more" if len(news) > NAMED else ""
    return f"{len(news)} files {what}: {', '.join(n.name for n in news[:NAMED])}{more}"


def _shown(name: str) -> str:
    """Return a file's name for display: one line, of bounded length, printable only."""
    clean = "".join(c if c.isprintable() else "�" for c in name)
    return clean if len(clean) <= LONGEST_NAME else clean[: LONGEST_NAME // 2] + "…" + clean[-LONGEST_NAME // 2 :]
