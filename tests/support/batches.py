"""Daemons whose engine reads four pages at once, and what several files in hand look like from outside."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from support.fakes import picture
from support.harness import Daemon, left

WIDTH = 4


def daemon_of(root: Path, *, read_seconds: float = 0.1, **sections: dict[str, Any]) -> Daemon:
    """Return a daemon whose engine reads four pages at once, and counts its loads."""
    return Daemon(root, **sections).counting(width=WIDTH, read_seconds=read_seconds)


def paused_with(daemon: Daemon, count: int, **deeds: str) -> dict[str, str]:
    """Queue so many pictures before any is read; return the texts by name."""
    assert daemon.ask("pause")["ok"]
    names = [f"{number:02}.png" for number in range(count)]
    texts = {name: picture(daemon.inbox / name, n, deeds.get(f"n{n}")) for n, name in enumerate(names)}
    daemon.wait_status(lambda s: s["queue"]["queued"] == count, "all are queued")
    return texts


def order_of_the_queue(daemon: Daemon) -> list[str]:
    """Return the names of all jobs in the order in which they were queued."""
    with closing(sqlite3.connect(f"file:{daemon.state / 'journal.db'}?mode=ro", uri=True)) as journal:
        return [os.fsdecode(path) for (path,) in journal.execute("SELECT path FROM jobs ORDER BY id")]


def texts_in(outbox: Path) -> dict[str, str]:
    """Return what was read, by the name of its picture."""
    return {name[:-4] + ".png": (outbox / name).read_text().strip() for name in left(outbox)}


def at_work(status: dict[str, Any]) -> list[str]:
    """Return the files of which a page is or was in the engine's hands."""
    return [entry["name"] for entry in status["active"] if entry["page"]]


def in_hand(count: int) -> Any:
    """Return a condition: pages of so many files are in the engine's hands."""
    return lambda status: len(at_work(status)) >= count


def rests(status: dict[str, Any]) -> bool:
    """Say whether nothing is in hand."""
    return not status["active"] and not any(status["queue"][state] for state in ("running", "written"))


def all_read_once(daemon: Daemon, texts: dict[str, str]) -> None:
    """Check that every file was read rightly, exists once, and failed nowhere."""
    assert texts_in(daemon.outbox) == texts
    assert left(daemon.archive) == sorted(texts) and left(daemon.failed) == [] and left(daemon.inbox) == []
