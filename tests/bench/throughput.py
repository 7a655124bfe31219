"""Pages per second through the daemon, divided by the same engine called in a plain loop over the same files.

    python tests/bench/throughput.py [--pages 12] [--rounds 3]

Both run in this call, in turn; loading is not counted. Goal: at least 0.95.
"""

import argparse
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from bench_pictures import page, table  # first: it finds the harness

from dropscribe import engines
from dropscribe.config import Settings
from dropscribe.documents import open_document
from dropscribe.engines.session import engine_session
from harness import REAL_DAEMON, Daemon


def loop(files: list[Path]) -> float:
    """Return the seconds that a plain loop takes."""
    settings = Settings()
    with engine_session(engines.create("rapidocr", settings, engines.Signals()), lambda progress: None) as engine:
        list(engine.read(open_document(str(files[0]), settings).pages()))
        begun = time.perf_counter()
        for file in files:
            list(engine.read(open_document(str(file), settings).pages()))
        return time.perf_counter() - begun


def daemon(root: Path, files: list[Path]) -> float:
    """Return the seconds from the moment the queue is let go to the last recorded text."""
    with Daemon(root, REAL_DAEMON, output={"reuse": False}) as it:
        it.start()
        page(it.inbox / "warm.png", 999)
        it.wait_status(lambda s: s["queue"]["done"] == 1, "the model is warm")
        it.ask("pause")
        for file in files:
            shutil.copy(file, it.inbox)
        it.wait_status(lambda s: s["queue"]["queued"] == len(files), "all are queued")
        begun = time.perf_counter()
        it.ask("resume")
        it.wait_status(lambda s: s["queue"]["done"] == 1 + len(files), "all are read", 600)
        return time.perf_counter() - begun


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pages", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    rows: list[tuple[object, ...]] = [("round", "plain loop, s", "daemon, s", "daemon / loop, pages per second")]
    ratios = []
    for number in range(given.rounds):
        with tempfile.TemporaryDirectory() as folder:
            files = [page(Path(folder) / "src" / f"{n}.png", n) for n in range(given.pages)]
            plain, through = loop(files), daemon(Path(folder) / "daemon", files)
        ratios.append(plain / through)
        rows.append((number + 1, f"{plain:.2f}", f"{through:.2f}", f"{plain / through:.3f}"))
    table(*rows, ("median", "", "", f"{statistics.median(ratios):.3f}"))


if __name__ == "__main__":
    main()
