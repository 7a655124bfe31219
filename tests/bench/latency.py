"""From drop to text for a small picture with the model warm, minus `intake.stable_for` and the reading itself.

    python tests/bench/latency.py [--drops 20]

Goal: at most 100 ms, median.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from bench_pictures import page, table

from support.harness import FAKE_DAEMON, REAL_DAEMON, Daemon, wait_for

SETTLE = 0.2


def drops(command: list[str], count: int) -> list[float]:
    """Return the overhead of each drop in seconds."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        it = Daemon(Path(folder), command, intake={"stable_for": SETTLE}, output={"cache": False})
        with it.start():
            for number in range(count + 1):
                name = f"{number}.png"
                page(it.root / name, number, lines=2)
                (it.root / name).rename(it.inbox / name)
                begun = time.perf_counter()
                text = it.outbox / f"{number}.txt"
                wait_for(text.exists, "the text appears")
                seconds = time.perf_counter() - begun
                it.wait_status(lambda s, n=number: s["queue"]["done"] == n + 1, "it is recorded")
                found.append(seconds - SETTLE - it.status()["recent"][0]["seconds"])
    return found[1:]  # the first waited for the model


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--drops", type=int, default=20)
    count = parser.parse_args().drops
    rows: list[tuple[object, ...]] = [("engine", "drops", "median, ms", "largest, ms")]
    for name, command in (("fake, no time of its own", FAKE_DAEMON), ("rapidocr", REAL_DAEMON)):
        found = drops(command, count)
        rows.append((name, len(found), f"{1000 * statistics.median(found):.0f}", f"{1000 * max(found):.0f}"))
    table(*rows)


if __name__ == "__main__":
    main()
