"""`status` for people: on a real terminal of any size nothing wraps or scrolls; words, ages and groups of outputs."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from dropscribe.commands import words
from dropscribe.commands.status_text import describe, grouped, screen
from dropscribe.core.status import (
    ActiveStatus,
    DaemonStatus,
    FailingHook,
    LoadStatus,
    ModelStatus,
    QueueStatus,
    RecentStatus,
    Status,
    UnloadStatus,
    WaitingStatus,
)
from support.fakes import picture
from support.harness import Daemon, wait_for

NOW = datetime(2026, 11, 26, 14, 30, tzinfo=timezone(timedelta(hours=1)))
SEQUENCE = re.compile(r"\x1b\[[?0-9;]*[A-Za-z]")


class Terminal:
    """The side of a pseudo-terminal on which a person sits."""

    def __init__(self, columns: int, rows: int) -> None:
        self.ours, self.theirs = pty.openpty()
        os.set_blocking(self.ours, False)
        self.resize(columns, rows)
        self.seen = ""

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))
        self.size = columns, rows

    def screens(self) -> list[list[str]]:
        """Return the whole screens that were drawn, as lines without control sequences."""
        try:
            while data := os.read(self.ours, 65536):
                self.seen += data.decode()
        except (BlockingIOError, OSError):
            pass
        whole = [part for part in self.seen.split("\x1b[H")[1:] if "\x1b[J" in part]
        return [SEQUENCE.sub("", part.split("\x1b[J")[0]).split("\r\n") for part in whole]


@contextmanager
def watching(daemon: Daemon, columns: int, rows: int) -> Iterator[Terminal]:
    terminal = Terminal(columns, rows)
    command = [*daemon.command, "status", "--watch", "--config", str(daemon.config)]
    child = subprocess.Popen(
        command, stdin=terminal.theirs, stdout=terminal.theirs, env=os.environ | daemon.environment,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
    )  # fmt: skip
    try:
        yield terminal
    finally:
        child.send_signal(signal.SIGINT)
        assert child.wait(30) == 0
        terminal.screens()
        assert terminal.seen.endswith("\x1b[?25h\r\n"), "the cursor is shown again"
        os.close(terminal.ours)
        os.close(terminal.theirs)


def test_a_terminal_of_any_size_is_never_overrun(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, output={"formats": ["txt", "md", "json"]})
    with daemon.start():
        for number in range(6):
            picture(daemon.inbox / f"{number} {'long name 日本語 ' * 6}.png", number)
        daemon.wait_quiet()
        for columns, rows in ((80, 24), (40, 10), (20, 3)):
            with watching(daemon, columns, rows) as terminal:
                shown = wait_for(terminal.screens, "a screen is drawn")[-1]

                assert len(shown) <= rows and all(words.columns(line) <= columns for line in shown), shown
                assert shown[0].startswith("daemon     running"[: columns - 1])
        with watching(daemon, 80, 24) as terminal:
            wait_for(terminal.screens, "a screen is drawn")
            terminal.resize(30, 5)
            wait_for(lambda: len(terminal.screens()[-1]) <= 5, "the new size is taken over")


def test_outputs_of_one_stem_are_grouped() -> None:
    assert list(grouped(["card.txt", "card.md", "card.alto.xml"])) == ["card.{txt,md,alto.xml}"]
    assert list(grouped(["card.txt", "sub/a (2).json", "card-p1-1.png"])) == [
        "card.txt", "sub/a (2).json", "card-p1-1.png",
    ]  # fmt: skip


def told(status: Status) -> str:
    return "\n".join(describe(status, NOW))


def test_times_are_local_with_ages_and_nothing_is_counted_that_is_not_there() -> None:
    status = Status(
        daemon=DaemonStatus(running=True, pid=5, started="2026-11-26T08:15:00+00:00", engine="rapidocr",
                            engine_reason="auto", watch="native"),
        model=ModelStatus(state="warm", footprint_bytes=10**8, pages_read=1, unload_in_seconds=299.0,
                          last_unload=UnloadStatus(at="2026-11-24T22:00:00+00:00", reason="idle", how="exit")),
        queue=QueueStatus(queued=0, done=1),
        active=[ActiveStatus(id=1, name="a.pdf", page=5, pages=9, seconds=240.0)],
        recent=[RecentStatus(id=2, name="card.png", state="done", seconds=1.24, outputs=["card.txt", "card.md"],
                             ended="2026-11-26T13:18:00+00:00")],
    )  # fmt: skip
    text = told(status)

    assert "(pid 5, since 09:15, native watching)\n" in text and "unloaded   2026-11-24 23:00 (idle, exit)" in text
    assert "model      warm, unloads in 5 min, 100 MB, 1 page read\n" in text and "token" not in text
    assert "engine     rapidocr (auto)\n" in text
    assert "reading    a.pdf, page 5 of 9, 4 min, about 5 min left" in text
    assert "done       card.png, 12 min ago, in 1.2 s -> card.{txt,md}" in text


def test_what_files_wait_for_why_nothing_moves_and_how_a_hook_ended_is_told_in_words() -> None:
    status = Status(
        daemon=DaemonStatus(running=True, engine="rapidocr", watch="native"),
        queue=QueueStatus(queued=1, paused=True, paused_reason="paused by command"),
        active=[ActiveStatus(id=1, name="a.pdf", page=1, pages=2, tokens=18)],
        intake=[WaitingStatus(name="a.png", waiting_for=what) for what in ("stable", "incomplete", "writer", "new")],
    )
    text = told(status)

    assert "1 queued; paused by command\n" in text and "token" not in text, "the embedded engine has none"
    assert "waiting    a.png (still settling)\n" in text and "a.png (its writer is not done)\n" in text
    assert "a.png (seems incomplete; waits for the rest)\n" in text and text.endswith("a.png (waits for new)")
    status.queue.paused_reason, status.daemon.engine = "disk-full: no room", "deepseek-ocr"
    assert "; paused: disk-full: no room\n" in told(status) and "18 tokens" in told(status)


@pytest.mark.parametrize(
    ("exit_", "message", "text"),
    [
        (None, "send cannot be run (No such file or directory)", "did not begin: send cannot be run (No such file"),
        (143, "it took longer than hooks.timeout (60 s)", "was ended: it took longer than hooks.timeout (60 s)"),
        (3, "no route", "ended with 3: no route"),
        (1, "", "ended with 1"),
    ],
)
def test_how_a_hook_ended_is_told_once_and_as_it_was(exit_: int | None, message: str, text: str) -> None:
    status = Status()
    hook = FailingHook(name="a.png", state="done", command="send", exit=exit_, message=message, seconds=1)
    status.hooks.failing = [hook]

    assert f"hooks      send for a.png {text}" in told(status)


def test_the_first_lines_fit_an_ordinary_terminal() -> None:
    daemon = DaemonStatus(
        running=True, pid=1234567, started="2026-11-24T08:15:00+00:00", engine="rapidocr", agent=True, watch="native",
        engine_reason="auto: Linux on x86_64 has no Apple GPU",
    )  # fmt: skip
    model = ModelStatus(state="warm", footprint_bytes=10**9, pages_read=1000, unload_in_seconds=290.0)
    lines = describe(Status(daemon=daemon, model=model), NOW)

    assert all(len(line) <= 80 for line in lines[:3]), lines[:3]
    assert "unloads in 5 min" in screen(lines, 40, 24)[2]


def test_singular_plural_and_what_is_not_known_yet() -> None:
    status = Status(
        model=ModelStatus(state="loading", load=LoadStatus(step="download", done_bytes=10**9, total_bytes=4 * 10**9)),
        active=[ActiveStatus(id=1, name="a.pdf", seconds=3.0), ActiveStatus(id=2, name="b.png", pages=1, tokens=1)],
        intake=[WaitingStatus(name=f"{n}.png", waiting_for="stable") for n in range(11)],
    )
    text = told(status)

    assert "download, 25 % of 4.0 GB" in text
    assert "reading    a.pdf, 3 s\n" in text and "page 1 of 1, 0 s, 1 token\n" in text
    assert "and 1 more file" in text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (59, "59 s"), (100, "2 min"), (3600, "60 min"), (7200, "2 h"), (10**6, "12 days")]
)
def test_a_span_has_one_unit(seconds: float, text: str) -> None:
    assert words.span(seconds) == text


def test_a_screen_cuts_what_is_too_wide_and_too_much() -> None:
    lines = ["ab", "日本語", "e\u0301e\u0301e\u0301", "last"]

    assert screen(lines, 4, 3) == ["ab", "日…", "… 2…"]
    assert screen(lines[2:3], 3, 3) == lines[2:3]


def test_run_once_says_what_it_waits_for(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, intake={"incomplete_timeout": "2s"})
    (daemon.inbox / "empty.png").touch()
    done = daemon.run("run", "--once")

    assert done.returncode == 1
    assert re.search(r"warning waiting, for at most 2 s .*: empty\.png \(", done.stderr), done.stderr


def test_the_last_lines_of_the_log_and_the_one_that_follows(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    assert daemon.once() == 0
    lines = daemon.log().splitlines()

    assert daemon.run("logs", "-n", "2").stdout.splitlines() == lines[-2:]
    assert daemon.run("logs").stdout.splitlines() == lines
    with daemon.start(), subprocess.Popen(
        [*daemon.command, "logs", "-f", "-n", "1", "--config", str(daemon.config)],
        env=os.environ | daemon.environment, stdout=subprocess.PIPE, text=True,
    ) as follower:  # fmt: skip
        assert follower.stdout is not None
        follower.stdout.readline()
        (tmp_path / "log" / "dropscribe.log").rename(tmp_path / "log" / "moved")
        daemon.read_one()
        assert any("scan.png: 1 page" in line for line in follower.stdout)
        follower.terminate()
