"""A large backlog: how long until all files are queued, what the daemon holds in memory, how long a claim takes.

    python tests/bench/backlog.py [--files 10000 100000]

Growth must be linear or better, and memory bounded.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

import psutil
from bench_pictures import table

from dropscribe.core.job import State
from dropscribe.journal.journal import Journal
from support.harness import FAKE_DAEMON, Daemon


def claims(path: Path, count: int = 200) -> float:
    """Return the median seconds of taking a job and putting it back, on the journal itself."""
    journal = Journal(str(path))
    found = []
    for _ in range(count):
        begun = time.perf_counter()
        job = journal.next_queued()
        assert job is not None and job.state is State.QUEUED
        claimed = journal.claim(job, b"stem")
        found.append(time.perf_counter() - begun)
        journal.release(claimed, interrupted=False)
    journal.close()
    return statistics.median(found)


def backlog(count: int) -> tuple[float, float, float, float]:
    """Return seconds to queue *count* files, MB before and at most, and seconds of a claim."""
    with tempfile.TemporaryDirectory() as folder:
        it = Daemon(
            Path(folder), FAKE_DAEMON, intake={"stable_for": "500ms", "rescan_interval": "1h"}, log={"level": "info"}
        )
        with it.start():
            assert it.process is not None
            process = psutil.Process(it.process.pid)
            it.ask("pause")
            before = process.memory_info().rss / 1e6
            staged = Path(folder) / "staged"
            staged.mkdir()
            for number in range(count):
                (staged / f"{number}.png").write_bytes(b"\x89PNG\r\n\x1a\n%d" % number)
            begun = time.perf_counter()
            os.rename(staged, it.inbox / "all")
            largest = before
            while it.status()["queue"]["queued"] < count:
                largest = max(largest, process.memory_info().rss / 1e6)
                assert time.perf_counter() - begun < 1200, it.status()["queue"]
                time.sleep(0.1)
            seconds = time.perf_counter() - begun
        return seconds, before, largest, claims(it.state / "journal.db")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, nargs="+", default=[10_000, 100_000])
    rows: list[tuple[object, ...]] = [
        ("files", "until all are queued, s", "ms for 1,000", "daemon before, MB", "at most, MB", "one claim, ms")
    ]
    for count in parser.parse_args().files:
        seconds, before, largest, claim = backlog(count)
        each = 1e6 * seconds / count
        rows.append((count, f"{seconds:.1f}", f"{each:.0f}", f"{before:.1f}", f"{largest:.1f}", f"{1000 * claim:.2f}"))
    table(*rows)


if __name__ == "__main__":
    main()
