"""What the page costs: the first view with many entries, the process's memory, and the daemon's while nobody looks.

    python tests/bench/web.py [--entries 10000] [--seconds 60]

Goals: first view under 150 ms, the process under 60 MB, the daemon's idle memory and wake-ups as without it.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import psutil
from bench_pictures import table
from idle import at_rest

from dropscribe.core.job import Found, Signature
from dropscribe.journal.journal import Journal
from support.fakes import picture
from support.harness import REAL_DAEMON, Daemon
from support.web_page import Web

VIEWS = {
    "now": "/", "list": "/read", "list, to check": "/read?which=check", "a document": "/read/1",
    "a search that finds nothing": "/read?words=nowhere+to+be+found",
}  # fmt: skip
TIMES = 15


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--entries", type=int, default=10_000)
    parser.add_argument("--seconds", type=int, default=60)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        daemon = Daemon(Path(folder), REAL_DAEMON, intake={"rescan_interval": "1m"}, log={"level": "info"})
        filled(daemon, given.entries)
        with daemon.start():
            with Web(daemon) as web:
                views = [timed(web, *view) for view in VIEWS.items()]
                table(("view", "first, ms", "median, ms", "largest, ms"), *views)
                picture_of(daemon, web)
            table(("nobody looks: daemon resident, MB", "wake-ups a minute"), idle(daemon, given.seconds))


def filled(daemon: Daemon, entries: int) -> None:
    """Make a journal of so many files that were read, each with its text."""
    daemon.state.mkdir()
    daemon.outbox.mkdir()
    daemon.archive.mkdir()
    picture(daemon.archive / "f0.png", size=(1240, 1754))
    found = (daemon.archive / "f0.png").stat()
    journal = Journal(str(daemon.state / "journal.db"))
    journal.add([Found(b"f%d.png" % n, Signature.of(found), 0.0) for n in range(entries)])
    while (job := journal.next_queued()) is not None:
        stem = job.path.removesuffix(b".png")
        (daemon.outbox / (stem.decode() + ".txt")).write_text(f"Text of {job.name}.\n" + "A line of a letter.\n" * 40)
        job = journal.claim(job, stem)
        journal.written(job, [stem + b".txt"], 1.0, review=job.id % 50 == 0)
        journal.set_destination(job, bytes(daemon.archive / "f0.png"))
        journal.finish(job, time.time())
    journal.close()


def timed(web: Web, name: str, path: str) -> tuple[str, str, str, str]:
    """Ask for a view again and again."""
    taken = []
    for _ in range(TIMES):
        start = time.perf_counter()
        answer = web.get(path, Accept="text/html")
        taken.append(1000 * (time.perf_counter() - start))
        assert answer.status == 200
        time.sleep(0.1)
    return name, f"{taken[0]:.0f}", f"{statistics.median(taken):.0f}", f"{max(taken):.0f}"


def picture_of(daemon: Daemon, web: Web) -> None:
    """Measure the process after all that, and a picture of a page."""
    start = time.perf_counter()
    assert web.get("/read/1/picture/1").status == 200
    first = time.perf_counter()
    assert web.get("/read/1/picture/1").status == 200
    again = time.perf_counter()
    rss = psutil.Process(web.process.pid).memory_info().rss
    assert daemon.process is not None
    watched = psutil.Process(daemon.process.pid).memory_info().rss
    table(
        ("page's process, MB", "daemon beside it, MB", "first picture, ms", "another, ms"),
        (f"{rss / 1e6:.1f}", f"{watched / 1e6:.1f}", f"{1000 * (first - start):.0f}", f"{1000 * (again - first):.0f}"),
    )


def idle(daemon: Daemon, seconds: int) -> tuple[str, int]:
    """Measure the daemon alone."""
    assert daemon.process is not None
    process = psutil.Process(daemon.process.pid)
    _, wakes = at_rest(process, seconds)
    return f"{process.memory_info().rss / 1e6:.1f}", round(wakes * 60 / seconds)


if __name__ == "__main__":
    main()
