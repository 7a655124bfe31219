"""Pages per second through the daemon, divided by the same engine called in a plain loop over the same files.

    python tests/bench/throughput.py [--pages 12] [--lines 40] [--rounds 3]

Both run in this call, in turn; loading is not counted. Goal: at least 0.95. Two runs of the same engine differ by some
percent; the share of the daemon's time in which its engine read, as its own JSON tells, does not suffer from that.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench_pictures import page, table  # first: it finds the harness

from dropscribe.config import Settings
from dropscribe.documents.opening import open_document
from dropscribe.engines import registry
from dropscribe.engines.base import Signals
from dropscribe.engines.session import engine_session
from support.harness import REAL_DAEMON, Daemon, left, wait_for


def loop(files: list[Path]) -> float:
    """Return the seconds that a plain loop takes, in a process as fresh as a worker is.

    In one that has read before, memory need not be fetched from the system again, which is worth a fifth.
    """
    line = [sys.executable, __file__, "--loop", *map(str, files)]
    return float(subprocess.run(line, check=True, stdout=subprocess.PIPE, text=True).stdout.split()[-1])


def plain(files: list[str]) -> None:
    """Read *files* one after the other and print the seconds."""
    settings = Settings()
    with engine_session(registry.create("rapidocr", settings, Signals()), lambda progress: None) as engine:
        list(engine.read(open_document(files[0], settings).pages()))
        begun = time.perf_counter()
        for file in files:
            list(engine.read(open_document(file, settings).pages()))
        print(time.perf_counter() - begun)


def daemon(root: Path, files: list[Path]) -> tuple[float, float]:
    """Return the seconds from the moment the queue is let go to the last text, and those in which the engine read."""
    with Daemon(root, REAL_DAEMON, output={"cache": False, "formats": ["json", "txt"]}) as it:
        it.start()
        shutil.copy(files[0], it.inbox / "warm.png")
        it.wait_status(lambda s: s["queue"]["done"] == 1, "the model is warm")
        it.ask("pause")
        for file in files:
            shutil.copy(file, it.inbox)
        it.wait_status(lambda s: s["queue"]["queued"] == len(files), "all are queued")
        begun = time.perf_counter()
        it.ask("resume")
        wait_for(
            lambda: len(left(it.outbox)) == 2 + 2 * len(files), "all is there", 600
        )  # asking would cost the daemon
        seconds = time.perf_counter() - begun
        texts = [json.loads((it.outbox / f"{file.stem}.json").read_text()) for file in files]
    return seconds, sum(page["seconds"] for text in texts for page in text["pages"])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pages", type=int, default=12)
    parser.add_argument("--lines", type=int, default=40, help="of text on a page")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--loop", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.loop:
        plain(given.loop)
        return
    rows: list[tuple[object, ...]] = [
        (
            "round",
            "plain loop, s",
            "daemon, s",
            "daemon / loop, pages per second",
            "the engine's share of the daemon's time",
        )
    ]
    ratios, shares = [], []
    for number in range(given.rounds):
        with tempfile.TemporaryDirectory() as folder:
            files = [page(Path(folder) / "src" / f"{n}.png", n, given.lines) for n in range(given.pages)]
            alone, (through, engine) = loop(files), daemon(Path(folder) / "daemon", files)
        ratios.append(alone / through)
        shares.append(engine / through)
        rows.append((number + 1, f"{alone:.2f}", f"{through:.2f}", f"{ratios[-1]:.3f}", f"{shares[-1]:.3f}"))
    table(*rows, ("median", "", "", f"{statistics.median(ratios):.3f}", f"{statistics.median(shares):.3f}"))


if __name__ == "__main__":
    main()
